"""Counter-based random numbers: the numbers of sample i depend only on the key and i, in batches of any size.

Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014 (SplitMix64's finalizer).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from camshaft.envs.arrays import FloatArray

GOLDEN_GAMMA = np.uint64(0x9E3779B97F4A7C15)
UNIT = 2.0**-53  # a float64 has 53 bits


class CounterRNG:
    """Random number generator of n samples; every call returns one number per sample.

    Args:
        key: integers that identify the stream, such as a seed and a split.
        indices: (n,) indices of the samples.
    """

    def __init__(self, key: Sequence[int], indices: ArrayLike) -> None:
        words = np.random.SeedSequence([int(word) for word in key]).generate_state(1, np.uint64)
        self._base = _mix(words[0] + np.asarray(indices).astype(np.uint64) * GOLDEN_GAMMA)
        self._counter = np.uint64(0)

    def uniform(self, low: ArrayLike = 0.0, high: ArrayLike = 1.0) -> FloatArray:
        """(n,) uniformly distributed in [low, high)."""
        return np.asarray(low) + (np.asarray(high) - np.asarray(low)) * self._next()

    def choice(self, count: ArrayLike) -> NDArray[np.int64]:
        """(n,) integers in 0..count-1; `count` may differ between samples."""
        return (self._next() * np.asarray(count)).astype(np.int64)

    def chance(self, probability: ArrayLike) -> NDArray[np.bool_]:
        """(n,) True with this probability."""
        return self._next() < np.asarray(probability)

    def _next(self) -> FloatArray:
        self._counter += np.uint64(1)
        with np.errstate(over="ignore"):
            bits = _mix(self._base + self._counter * GOLDEN_GAMMA)
        return (bits >> np.uint64(11)).astype(np.float64) * UNIT


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    with np.errstate(over="ignore"):
        values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
