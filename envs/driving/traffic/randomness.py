"""Random numbers inside kernels, whose state is part of a world's: xorshift64* (S. Vigna, 2016)."""

from __future__ import annotations

import numpy as np

from camshaft.envs.kernels import inlined

TWELVE, TWENTY_FIVE, TWENTY_SEVEN, ELEVEN = np.uint64(12), np.uint64(25), np.uint64(27), np.uint64(11)
MULTIPLIER = np.uint64(2685821657736338717)


@inlined
def uniform(states, world, number):  # type: ignore[no-untyped-def]
    """A number in 0..1; moves the state on, which must not be 0."""
    state = states[world, number]
    state ^= state >> TWELVE
    state ^= state << TWENTY_FIVE
    state ^= state >> TWENTY_SEVEN
    states[world, number] = state
    return np.float64((state * MULTIPLIER) >> ELEVEN) * (1.0 / 9007199254740992.0)
