"""Rollouts: a policy acts in a simulation, one episode for each of a list of seeds.

Everything that steps worlds with a policy goes through here: collection, evaluation, films, the experts' benchmark. An
episode is decided by its seed alone, bit for bit, however many worlds run side by side.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from camshaft.agents.policies.base import Policy
from camshaft.agents.policies.scripted import ExpertPolicy
from camshaft.envs.arrays import BoolArray, FloatArray, IntArray, Observation
from camshaft.envs.errors import InvalidOption, check_seed
from camshaft.envs.simulation import Measurements, Simulation

IDLE = -1  # episode of a world that has none


@dataclass(frozen=True)
class Decision:
    """All worlds before a control step: what is observed, and what will be done.

    Attributes:
        active: (N,) worlds with an episode in progress.
        episodes: (N,) which episode of the rollout; IDLE where there is none.
        elapsed: (N,) control steps since the episode began.
        observation: batch of N rows, as `Simulation.observe` gives it; None if nobody needed it.
        observed: (N,) rows of the observation that are current.
        chosen: (N, …) actions of the policy.
        action: (N, …) actions that are executed: those of the policy, disturbed.
        expert_action: (N, …) what the expert would do; None if nobody needed it.
    """

    active: BoolArray
    episodes: IntArray
    elapsed: IntArray
    observation: Observation | None
    observed: BoolArray
    chosen: NDArray[Any]
    action: NDArray[Any]
    expert_action: NDArray[Any] | None


@dataclass(frozen=True)
class RolloutStep:
    """All worlds after a control step.

    Attributes:
        decision: of this step.
        measured: reward, success and info of all worlds; rows of idle ones mean nothing.
        done: (N,) episodes that end with this step.
        truncated: (N,) those of them that end by the time limit alone.
        intervened: (N,) worlds in which a supervisor intervened after it; their episodes continue.
    """

    decision: Decision
    measured: Measurements
    done: BoolArray
    truncated: BoolArray
    intervened: BoolArray


class Observer(Protocol):
    """Observes a rollout: records, films, measures."""

    needs_expert: bool

    def wants(self, episodes: IntArray, elapsed: IntArray) -> BoolArray:
        """(N,) worlds whose observation it needs before this step, which are rendered then."""

    def before(self, decision: Decision) -> None:
        """Called before every step, when the simulation is as it was observed."""

    def after(self, step: RolloutStep) -> None:
        """Called after every step."""


class Disturbance(Protocol):
    """Changes actions before they are executed."""

    def start(self, worlds: IntArray, episodes: IntArray) -> None:
        """Episodes begin in these worlds."""

    def apply(self, actions: NDArray[Any]) -> NDArray[Any]:
        """(N, …) the actions that are executed."""


class Supervisor(Protocol):
    """Corrects worlds that have gone wrong, so that their episodes continue."""

    def intervene(self, simulation: Simulation, measured: Measurements, active: BoolArray) -> BoolArray:
        """(N,) worlds in which it intervened after a step."""


def rollout(
    simulation: Simulation,
    policy: Policy,
    seeds: Sequence[int],
    *,
    first_episode: int = 0,
    observers: Sequence[Observer] = (),
    disturbance: Disturbance | None = None,
    supervisor: Supervisor | None = None,
) -> Iterator[RolloutStep]:
    """Let a policy act until there was an episode for every seed; a world that is done begins the next one.

    Args:
        simulation: its worlds run side by side.
        policy: acts in all of them.
        seeds: one an episode.
        first_episode: number of the first episode; the others follow.
        observers: called in this order.
        disturbance: changes the policy's actions; None leaves them.
        supervisor: corrects worlds instead of letting their episode end; None for nobody.

    Yields:
        Every step.

    Raises:
        InvalidOption: a seed is not accepted, or the policy does not fit the simulation.
    """
    for seed in seeds:
        check_seed(seed)
    policy.bind(simulation)
    worlds = _Worlds(simulation, policy, list(seeds), first_episode, disturbance)
    while worlds.start():
        decision = worlds.decide(observers)
        for observer in observers:
            observer.before(decision)
        measured = simulation.step(decision.action)
        yield worlds.conclude(decision, measured, supervisor, observers)


def side_by_side(episodes: int, num_worlds: int) -> int:
    """Worlds for a number of episodes: no more than there are episodes.

    Raises:
        InvalidOption: one of them is below 1.
    """
    for name, value in (("episodes", episodes), ("num_worlds", num_worlds)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
            raise InvalidOption(f"{name} must be a whole number of at least 1, got {value!r}")
    return int(min(episodes, num_worlds))


def observation_row(observation: Observation, world: int) -> Any:
    """The observation of one world, without the batch axis."""
    if isinstance(observation, dict):
        return {part: values[world] for part, values in observation.items()}
    return observation[world]


class _Worlds:
    """The worlds of a rollout and the episodes in them."""

    def __init__(
        self,
        simulation: Simulation,
        policy: Policy,
        seeds: list[int],
        first_episode: int,
        disturbance: Disturbance | None,
    ) -> None:
        self._simulation, self._policy, self._disturbance = simulation, policy, disturbance
        self._seeds, self._first, self._begun = seeds, first_episode, 0
        count = simulation.num_worlds
        self._episodes = np.full(count, IDLE, np.int64)
        self._world_seeds = np.zeros(count, np.int64)
        self._observation: Observation | None = None

    def start(self) -> bool:
        """Begin episodes in idle worlds; False once there is none left anywhere."""
        if self._begun == 0 and len(self._seeds) < self._simulation.num_worlds:
            self._simulation.reset(
                seeds=self._seeds[:1] * self._simulation.num_worlds
            )  # spare worlds step too
        idle = np.flatnonzero(self._episodes == IDLE)[: len(self._seeds) - self._begun]
        if idle.size:
            numbers = self._begun + np.arange(idle.size)
            self._episodes[idle] = self._first + numbers
            self._world_seeds[idle] = [self._seeds[number] for number in numbers]
            self._begun += idle.size
            self._simulation.reset(idle, self._world_seeds[idle].tolist())
            mask = np.zeros(self._simulation.num_worlds, bool)
            mask[idle] = True
            self._policy.reset(mask, self._world_seeds)
            if self._disturbance is not None:
                self._disturbance.start(idle, self._episodes[idle])
        return bool((self._episodes != IDLE).any())

    def decide(self, observers: Sequence[Observer]) -> Decision:
        """Observe what is needed, and choose actions."""
        simulation, policy = self._simulation, self._policy
        active, elapsed = self._episodes != IDLE, simulation.elapsed_steps.copy()
        observed = np.zeros(len(active), bool)
        if policy.needs_observation:
            observed |= active
        for observer in observers:
            observed |= observer.wants(self._episodes, elapsed) & active
        self._observe(observed)
        asks = isinstance(policy, ExpertPolicy) or any(observer.needs_expert for observer in observers)
        expert = simulation.expert_action() if asks else None
        chosen = expert if isinstance(policy, ExpertPolicy) else policy.act(self._observation)
        assert chosen is not None
        action = chosen if self._disturbance is None else self._disturbance.apply(chosen)
        return Decision(
            active, self._episodes.copy(), elapsed, self._observation, observed, chosen, action, expert
        )

    def conclude(
        self,
        decision: Decision,
        measured: Measurements,
        supervisor: Supervisor | None,
        observers: Sequence[Observer],
    ) -> RolloutStep:
        """Take in the result of a step; worlds whose episode has ended become idle."""
        active = decision.active
        terminated, truncated = measured.terminated, self._simulation.truncated
        intervened = np.zeros(len(active), bool)
        if supervisor is not None:
            intervened = supervisor.intervene(self._simulation, measured, active) & active
            terminated = terminated & ~intervened
        done = (terminated | truncated) & active
        step = RolloutStep(decision, measured, done, done & ~terminated, intervened)
        for observer in observers:
            observer.after(step)
        self._episodes[done] = IDLE
        return step

    def _observe(self, observed: BoolArray) -> None:
        """Observe these worlds; the rows of others stay as they were."""
        if not observed.any():
            return
        if observed.all() or self._observation is None:
            self._observation = self._simulation.observe()
            return
        worlds = np.flatnonzero(observed)
        rows = self._simulation.observe(worlds)
        if isinstance(self._observation, dict):
            assert isinstance(rows, dict)
            for part, values in self._observation.items():
                values[worlds] = rows[part]
        else:
            self._observation[worlds] = rows  # type: ignore[assignment]


class SeriesLog:
    """Series of numbers, one row a step of all worlds, cut into episodes as they end."""

    def __init__(self) -> None:
        self._rows: dict[str, list[FloatArray]] = {}

    def add(self, step: RolloutStep, values: dict[str, NDArray[Any]]) -> dict[int, dict[str, FloatArray]]:
        """Append (N,) values by name.

        Returns:
            Of each world whose episode ends with the step: its series, (T,) by name.
        """
        for name, row in values.items():
            self._rows.setdefault(name, []).append(np.array(row, np.float64))
        ended = {}
        for world in np.flatnonzero(step.done).tolist():
            length = int(step.decision.elapsed[world]) + 1
            ended[world] = {
                name: np.array([row[world] for row in rows[-length:]]) for name, rows in self._rows.items()
            }
        self._forget(step)
        return ended

    def _forget(self, step: RolloutStep) -> None:
        """Drop the rows that no episode in progress needs."""
        going = step.decision.active & ~step.done
        needed = int(step.decision.elapsed[going].max()) + 1 if going.any() else 0
        for name, rows in self._rows.items():
            if len(rows) > 2 * needed + 64:
                self._rows[name] = rows[-needed:] if needed else []
