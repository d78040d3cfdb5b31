"""Policies for comparison that need no camera: the expert, random and constant actions."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from camshaft.agents.policies.base import Policy
from camshaft.envs.arrays import BoolArray, IntArray
from camshaft.envs.simulation import Simulation

RANDOM_STREAM = 17  # of a random policy's numbers, apart from those of the world of the same seed


class ScriptedPolicy(Policy):
    """A policy that acts without an observation, in the simulation that it is bound to."""

    needs_observation = False

    def bind(self, simulation: Simulation) -> None:
        """Act in this simulation from now on."""
        self._simulation = simulation


class ExpertPolicy(ScriptedPolicy):
    """The task's own expert, which knows the true state."""

    name = "expert"

    def act(self, observation: Any, deterministic: bool = True) -> NDArray[Any]:
        """The expert's actions."""
        return self._simulation.expert_action()


class ConstantPolicy(ScriptedPolicy):
    """The same action always: the least that a policy must beat.

    Args:
        value: of every number of an action; of discrete actions, the one in the middle of the list is taken.
    """

    name = "constant"

    def __init__(self, value: float = 0.0) -> None:
        self.value = value

    def act(self, observation: Any, deterministic: bool = True) -> NDArray[Any]:
        """The constant, for every world."""
        space, worlds = self._simulation.action_space, self._simulation.num_worlds
        if isinstance(space, spaces.Discrete):
            return np.full(worlds, space.n // 2, np.int64)
        return np.full((worlds, *space.shape), self.value, np.float32)


class RandomPolicy(ScriptedPolicy):
    """Actions sampled uniformly from the action space, by the seed of each episode."""

    name = "random"

    def bind(self, simulation: Simulation) -> None:
        """Act in this simulation from now on."""
        super().bind(simulation)
        self._generators = [np.random.default_rng(world) for world in range(simulation.num_worlds)]

    def reset(self, done_mask: BoolArray, seeds: IntArray | None = None) -> None:
        """Begin the random numbers of new episodes."""
        if seeds is not None:
            for world in np.flatnonzero(done_mask):
                self._generators[world] = np.random.default_rng([int(seeds[world]), RANDOM_STREAM])

    def act(self, observation: Any, deterministic: bool = True) -> NDArray[Any]:
        """Random actions."""
        space = self._simulation.action_space
        if isinstance(space, spaces.Discrete):
            return np.array([rng.integers(space.n) for rng in self._generators], np.int64)
        return np.array([rng.uniform(space.low, space.high) for rng in self._generators], np.float32)


SCRIPTED_POLICIES: dict[str, type[ScriptedPolicy]] = {
    policy.name: policy for policy in (ExpertPolicy, RandomPolicy, ConstantPolicy)
}
