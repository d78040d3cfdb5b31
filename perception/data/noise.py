"""Smooth noise: an Ornstein-Uhlenbeck process in its exact discretization."""

from __future__ import annotations

import math

import numpy as np

from camshaft.envs.arrays import FloatArray, IntArray


class SmoothNoise:
    """First-order autoregressive noise with the variance of its innovations.

    Args:
        shape: shape of the noise, worlds first.
        memory: correlation time in steps.

    Attributes:
        value: current noise.
    """

    def __init__(self, shape: tuple[int, ...], memory: float) -> None:
        self._decay = math.exp(-1.0 / memory)
        self.value = np.zeros(shape)

    def start(self, worlds: IntArray, value: FloatArray | float = 0.0) -> None:
        """Restart the noise of these worlds at a value."""
        self.value[worlds] = value

    def advance(self, innovations: FloatArray) -> FloatArray:
        """Advance the noise by one step.

        Args:
            innovations: independent random numbers of the desired distribution, in the shape of the noise.
        """
        self.value = self._decay * self.value + math.sqrt(1.0 - self._decay**2) * innovations
        return self.value
