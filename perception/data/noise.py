"""Smooth noise: the Ornstein-Uhlenbeck process, its discretization exact."""

from __future__ import annotations

import math

import numpy as np

from camshaft.envs.arrays import FloatArray, IntArray


class SmoothNoise:
    """Noise of N worlds that forgets its past exponentially and keeps the variance of what it is fed.

    Args:
        shape: of the noise: worlds first.
        memory: steps in which it forgets its past.
    """

    def __init__(self, shape: tuple[int, ...], memory: float) -> None:
        self._decay = math.exp(-1.0 / memory)
        self.value = np.zeros(shape)

    def start(self, worlds: IntArray, value: FloatArray | float = 0.0) -> None:
        """Begin these worlds with a value."""
        self.value[worlds] = value

    def advance(self, fresh: FloatArray) -> FloatArray:
        """The noise one step later.

        Args:
            fresh: independent numbers of the wanted distribution, one a number of the noise.
        """
        self.value = self._decay * self.value + math.sqrt(1.0 - self._decay**2) * fresh
        return self.value
