"""Random numbers for kernels, with their state in each world: xorshift64* (S. Vigna, 2016)."""

from __future__ import annotations

import numpy as np

from camshaft.envs.kernels import inlined

TWELVE, TWENTY_FIVE, TWENTY_SEVEN, ELEVEN = np.uint64(12), np.uint64(25), np.uint64(27), np.uint64(11)
MULTIPLIER = np.uint64(2685821657736338717)


@inlined
def uniform(states, world, number):  # type: ignore[no-untyped-def]
    """A uniform number in 0..1; advances the state, which must not be 0."""
    state = states[world, number]
    state ^= state >> TWELVE
    state ^= state << TWENTY_FIVE
    state ^= state >> TWENTY_SEVEN
    states[world, number] = state
    return np.float64((state * MULTIPLIER) >> ELEVEN) * (1.0 / 9007199254740992.0)
