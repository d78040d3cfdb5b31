"""Closed-loop evaluation of any policy on any task, over many seeds."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from camshaft.agents.evaluation.autonomy import Autonomy
from camshaft.agents.evaluation.results import EpisodeResult, Evaluation, Series
from camshaft.agents.policies.base import Policy
from camshaft.agents.rollout import (
    IDLE,
    Decision,
    Observer,
    RolloutStep,
    SeriesLog,
    Supervisor,
    rollout,
    side_by_side,
)
from camshaft.envs import find_task, make_simulation
from camshaft.envs.arrays import BoolArray, FloatArray, IntArray
from camshaft.envs.simulation import Simulation

LANE_KEEPING = "camshaft/LaneKeeping-v0"
REWARD, SUCCESS = "reward", "success"
STEPS_TO_SUCCESS = "steps_to_success"

Progress = Callable[[int, int], None]


class Addition(Supervisor, Protocol):
    """What the evaluation of one task adds: a supervisor, series, metrics, what success means."""

    needs_expert: bool
    units: Mapping[str, str]

    def series(self, step: RolloutStep) -> dict[str, FloatArray]:
        """(N,) of a step, by name."""

    def metrics(self, series: Series, seconds: float) -> dict[str, float]:
        """Of one episode, by the names in `units`."""

    def success(self, series: Series, reported: bool) -> bool:
        """Whether an episode succeeded, given what the task reports."""

    def summary(self, episodes: Sequence[EpisodeResult]) -> dict[str, Any]:
        """Figures over all episodes."""


ADDITIONS: Mapping[str, type[Addition]] = {LANE_KEEPING: Autonomy}


class Recorder(Observer, Protocol):
    """Records the first episodes of an evaluation."""

    def bind(self, simulation: Simulation, task: str, supervised: bool) -> None:
        """The simulation that is evaluated in, and whether a supervisor intervenes there."""

    def finish(self, episode: EpisodeResult) -> None:
        """An episode is over; those that it records come in order."""


def evaluate(
    policy: Policy,
    task: str,
    *,
    episodes: int = 20,
    seed: int = 0,
    randomize: str | None = "test",
    num_worlds: int = 32,
    env_options: Mapping[str, Any] | None = None,
    name: str | None = None,
    recorder: Recorder | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Let a policy act for a number of episodes, and measure.

    An episode is decided by its seed and the policy, bit for bit, whatever `num_worlds` is. Lane keeping is driven with
    a safety driver, see `camshaft.agents.evaluation.autonomy`.

    Args:
        policy: who acts.
        task: id of the task.
        episodes: number of episodes; episode e has seed `seed` + e.
        seed: of the first episode.
        randomize: split that appearance and dynamics are sampled from.
        num_worlds: episodes side by side, at most.
        env_options: further options of the task, over those that the policy needs.
        name: of the policy in the results, by default its own.
        recorder: records the first episodes.
        progress: called with (control steps done, control steps if no episode ends early).

    Raises:
        InvalidOption: an argument is not accepted, or the policy does not fit the task.
    """
    row = find_task(task)
    worlds = side_by_side(episodes, num_worlds)
    options = {**policy.env_options, **(env_options or {})}
    simulation: Simulation = make_simulation(task, worlds, randomize=randomize, **options)
    addition = ADDITIONS[row.id]() if row.id in ADDITIONS else None
    seeds = [seed + episode for episode in range(episodes)]
    measure = _Measure(simulation, seeds, addition, recorder)
    total = episodes * simulation.max_episode_steps
    try:
        if recorder is not None:
            recorder.bind(simulation, row.id, addition is not None)
        observers: list[Observer] = [measure] if recorder is None else [recorder, measure]
        for _ in rollout(simulation, policy, seeds, observers=observers, supervisor=addition):
            if progress is not None:
                progress(measure.steps_done, total)
    finally:
        simulation.close()
    if progress is not None:
        progress(total, total)
    results = tuple(measure.results[episode] for episode in range(episodes))
    return Evaluation(
        name or policy.name,
        row.id,
        randomize,
        measure.units,
        results,
        tuple(measure.series[episode] for episode in range(episodes)),
        {} if addition is None else addition.summary(results),
    )


class _Measure:
    """Observer that turns what a rollout reports into results."""

    def __init__(
        self,
        simulation: Simulation,
        seeds: list[int],
        addition: Addition | None,
        recorder: Recorder | None,
    ) -> None:
        self.needs_expert = addition is not None and addition.needs_expert
        self.results: dict[int, EpisodeResult] = {}
        self.series: dict[int, Series] = {}
        self.units = {metric.name: metric.unit for metric in simulation.metrics}
        self.units |= {STEPS_TO_SUCCESS: ""} if addition is None else addition.units
        self._simulation, self._seeds = simulation, seeds
        self._addition, self._recorder = addition, recorder
        self._entries = dict.fromkeys(metric.entry for metric in simulation.metrics)
        self._log = SeriesLog()
        self._told = 0
        self._under_way = 0

    @property
    def steps_done(self) -> int:
        """Control steps so far; an episode that ended early counts whole."""
        return len(self.results) * self._simulation.max_episode_steps + self._under_way

    def wants(self, episodes: IntArray, elapsed: IntArray) -> BoolArray:
        """No observation."""
        return np.zeros(len(episodes), bool)

    def before(self, decision: Decision) -> None:
        """Nothing is measured before a step."""

    def after(self, step: RolloutStep) -> None:
        """Log the step, and conclude the episodes that end with it."""
        measured = step.measured
        values = {name: measured.info[name] for name in self._entries}
        values |= {REWARD: measured.reward, SUCCESS: measured.success}
        if self._addition is not None:
            values |= self._addition.series(step)
        for world, series in self._log.add(step, values).items():
            self._conclude(int(step.decision.episodes[world]), series, bool(measured.success[world]))
        going = (step.decision.episodes != IDLE) & ~step.done
        self._under_way = int(step.decision.elapsed[going].sum()) + int(going.sum())
        self._tell()

    def _conclude(self, episode: int, series: Series, success: bool) -> None:
        frequency = self._simulation.control_frequency
        steps = len(series[REWARD])
        metrics = {each.name: each.of(series[each.entry], frequency) for each in self._simulation.metrics}
        if self._addition is None:
            reached = np.flatnonzero(series[SUCCESS])
            metrics[STEPS_TO_SUCCESS] = float(reached[0]) + 1.0 if reached.size else math.nan
        else:
            metrics |= self._addition.metrics(series, steps / frequency)
            success = self._addition.success(series, success)
        self.series[episode] = {"time": np.arange(1, steps + 1) / frequency, **series}
        self.results[episode] = EpisodeResult(
            episode,
            self._seeds[episode],
            success,
            float(series[REWARD].sum()),
            steps,
            steps / frequency,
            metrics,
        )

    def _tell(self) -> None:
        """Hand the recorder the results of its episodes, in order."""
        while self._recorder is not None and self._told in self.results:
            self._recorder.finish(self.results[self._told])
            self._told += 1
