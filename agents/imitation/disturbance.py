"""Noise on the actions of a demonstrator, which then has to recover, and shows how.

Source: Laskey et al., "DART: Noise Injection for Robust Imitation Learning", CoRL 2017; here of a given strength.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from camshaft.envs.arrays import IntArray
from camshaft.envs.simulation import Simulation
from camshaft.perception.data.noise import SmoothNoise


class ActionNoise:
    """Smooth Gaussian noise on continuous actions; of discrete ones, a share is replaced by random ones.

    The random numbers of episode e follow from the seed and e.

    Args:
        simulation: whose actions.
        seed: of the noise.
        std: standard deviation, in units of an action (its range is -1 to 1); the share of discrete actions.
        seconds: in which the noise forgets its past.
    """

    def __init__(self, simulation: Simulation, seed: int, std: float, seconds: float) -> None:
        self._space, self._seed, self._std = simulation.action_space, seed, std
        count = simulation.num_worlds
        self._generators = [np.random.default_rng(0) for _ in range(count)]
        shape = (count, *(self._space.shape or ()))
        self._noise = SmoothNoise(shape, simulation.control_frequency * seconds)

    def start(self, worlds: IntArray, episodes: IntArray) -> None:
        """Begin the noise of new episodes."""
        for world, episode in zip(worlds.tolist(), episodes.tolist(), strict=True):
            (stream,) = np.random.SeedSequence((self._seed, episode)).spawn(1)
            self._generators[world] = np.random.default_rng(stream)
            if not isinstance(self._space, spaces.Discrete):
                first = self._generators[world].standard_normal(self._space.shape)
                self._noise.start(np.array([world]), self._std * first)

    def apply(self, actions: NDArray[Any]) -> NDArray[Any]:
        """(N, …) the disturbed actions, within the action space."""
        if isinstance(self._space, spaces.Discrete):
            replaced = np.array([rng.random() for rng in self._generators]) < self._std
            others = np.array([rng.integers(self._space.n) for rng in self._generators])
            return np.where(replaced, others, actions)
        noise = self._noise.value
        disturbed = np.clip(actions + noise, self._space.low, self._space.high).astype(np.float32)
        fresh = np.stack([rng.standard_normal(self._space.shape) for rng in self._generators])
        self._noise.advance(self._std * fresh)
        return disturbed
