"""Behavior policies that generate simulated frames: the expert, the expert with action noise, and random actions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from camshaft.envs.errors import InvalidOption
from camshaft.envs.simulation import Simulation
from camshaft.perception.data.counter_rng import CounterRNG
from camshaft.perception.data.noise import SmoothNoise

POLICIES = ("expert", "noisy_expert", "random")
POLICY_SHARES = {  # of the episodes, in the order of POLICIES
    "expert": (1.0, 0.0, 0.0),
    "noisy_expert": (0.0, 1.0, 0.0),
    "random": (0.0, 0.0, 1.0),
    "mixed": (0.35, 0.4, 0.25),
}
EXPERT_NOISE, RANDOM_NOISE = 0.25, 0.6  # standard deviations, relative to half the action range
MEMORY = 10.0  # correlation time of the noise in steps


class BehaviorPolicies:
    """Behavior policies of all worlds; a policy is sampled for every episode.

    Noise is a smooth process with uniform innovations. Its standard deviation, relative to half the action range, is
    EXPERT_NOISE when it is added to the expert's actions and RANDOM_NOISE when it is the action. With discrete actions,
    the noisy expert takes a random action with probability EXPERT_NOISE.

    Args:
        simulation: simulation to act in.
        policy: one of POLICY_SHARES.
        rng: random numbers of the worlds.

    Attributes:
        policies: (num_worlds,) policy of each world, an index into POLICIES.
    """

    def __init__(self, simulation: Simulation, policy: str, rng: CounterRNG) -> None:
        self._simulation = simulation
        self._cumulative_shares = np.cumsum(POLICY_SHARES[policy])
        self._rng = rng
        self._size = _action_size(simulation.action_space)
        self._noise = SmoothNoise((simulation.num_worlds, self._size), MEMORY)
        self.policies = np.zeros(simulation.num_worlds, np.int64)

    def start(self, worlds: NDArray[np.int64]) -> None:
        """Sample the policies of new episodes."""
        sampled = np.searchsorted(self._cumulative_shares, self._rng.uniform(), side="right")
        self.policies[worlds] = np.minimum(sampled, len(POLICIES) - 1)[worlds]
        self._noise.start(worlds)

    def act(self) -> NDArray[Any]:
        """Next actions of all worlds."""
        space = self._simulation.action_space
        is_random = self.policies == POLICIES.index("random")
        expert = None if is_random.all() else self._simulation.expert_action()
        if isinstance(space, spaces.Discrete):
            replaced = self._rng.uniform() < np.choose(self.policies, (0.0, EXPERT_NOISE, 1.0))
            sampled = self._rng.choice(int(space.n))
            return sampled if expert is None else np.where(replaced, sampled, expert)
        assert isinstance(space, spaces.Box)
        uniform = np.stack([self._rng.uniform(-1.0, 1.0) for _ in range(self._size)], axis=1)
        noise = self._noise.advance(uniform * math.sqrt(3.0))  # of variance 1
        half, middle = 0.5 * (space.high - space.low), 0.5 * (space.high + space.low)
        scale = np.choose(self.policies, (0.0, EXPERT_NOISE, RANDOM_NOISE))[:, None]
        mean = middle if expert is None else np.where(is_random[:, None], middle, expert)
        return np.clip(mean + half * scale * noise, space.low, space.high).astype(np.float32)


def _action_size(space: spaces.Space[Any]) -> int:
    if isinstance(space, spaces.Discrete):
        return 1
    if isinstance(space, spaces.Box) and len(space.shape) == 1:
        finite = np.isfinite(space.low).all() and np.isfinite(space.high).all()
        if finite:
            return int(space.shape[0])
    raise InvalidOption(f"frames need a task with bounded or discrete actions, not {space}")
