"""Random numbers by counter: what is drawn for sample i depends on the key and i alone, in batches of any size.

Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014 (SplitMix64's finalizer).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from camshaft.envs.arrays import FloatArray

GOLDEN_GAMMA = np.uint64(0x9E3779B97F4A7C15)
UNIT = 2.0**-53  # a float64 has 53 bits


class Draws:
    """Numbers for samples by their index, one column after another.

    Args:
        key: whole numbers that name the stream, such as a seed and a split.
        indices: (n,) of the samples.
    """

    def __init__(self, key: Sequence[int], indices: ArrayLike) -> None:
        words = np.random.SeedSequence([int(word) for word in key]).generate_state(1, np.uint64)
        self._base = _mix(words[0] + np.asarray(indices).astype(np.uint64) * GOLDEN_GAMMA)
        self._column = np.uint64(0)

    def uniform(self, low: ArrayLike = 0.0, high: ArrayLike = 1.0) -> FloatArray:
        """(n,) even within low..high."""
        return np.asarray(low) + (np.asarray(high) - np.asarray(low)) * self._next()

    def choice(self, count: ArrayLike) -> NDArray[np.int64]:
        """(n,) whole numbers in 0..count-1; `count` may differ from sample to sample."""
        return (self._next() * np.asarray(count)).astype(np.int64)

    def chance(self, probability: ArrayLike) -> NDArray[np.bool_]:
        """(n,) True with this probability."""
        return self._next() < np.asarray(probability)

    def _next(self) -> FloatArray:
        self._column += np.uint64(1)
        with np.errstate(over="ignore"):
            bits = _mix(self._base + self._column * GOLDEN_GAMMA)
        return (bits >> np.uint64(11)).astype(np.float64) * UNIT


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    with np.errstate(over="ignore"):
        values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
