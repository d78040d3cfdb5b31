"""Closed-loop evaluation: a policy drives roads it has never seen, and autonomy is counted as for PilotNet.

Source: Bojarski et al., "End to End Learning for Self-Driving Cars", 2016: a human takes over when the car is
more than a meter off the lane center, which costs six seconds:
autonomy = (1 - interventions * 6 s / elapsed) * 100.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from camshaft.agents.evaluation.autonomy import Evaluation, RoadResult, Trace, summarize
from camshaft.agents.policies.base import Policy
from camshaft.agents.policies.scripted import ScriptedPolicy
from camshaft.envs import find_task, make_simulation
from camshaft.envs.errors import InvalidOption
from camshaft.envs.simulation import Measurements, Simulation

LANE_KEEPING = "camshaft/LaneKeeping-v0"
INTERVENTION_ERROR = 1.0  # meters off the lane center at which the safety driver takes over

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Moment:
    """One recorded moment of one episode, before the action takes effect.

    Attributes:
        observation: what the policy saw, without the batch axis.
        picture: (H, W, 3) uint8 for people.
        command: (A,) action of the policy.
        expert_command: (A,) action of the expert.
        time: seconds since the start.
        lateral_error: meters after the step before, left positive.
        interventions: of the safety driver so far.
    """

    observation: Any
    picture: NDArray[np.uint8]
    command: NDArray[np.float32]
    expert_command: NDArray[np.float32]
    time: float
    lateral_error: float
    interventions: int


class Recorder(Protocol):
    """Takes down the first `episodes` of an evaluation while they are driven."""

    episodes: int
    frames_per_second: float

    def add(self, episode: int, moment: Moment) -> None:
        """The next moment of `episode`; episodes are driven side by side."""

    def finish(self, episode: int, road: RoadResult) -> None:
        """`episode` is over, and went like this."""


def evaluate(
    policy: Policy,
    task: str,
    *,
    episodes: int = 20,
    seed: int = 0,
    randomize: str | None = "test",
    num_worlds: int = 10,
    env_options: Mapping[str, Any] | None = None,
    name: str | None = None,
    recorder: Recorder | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Let a policy drive `episodes` roads to their time limit, with a safety driver beside it.

    Args:
        policy: the driver.
        task: id of the task; lane keeping alone, see `check_task`.
        episodes: number of roads; road e is drawn from `seed` + e, whatever `num_worlds` is.
        seed: of the first road.
        randomize: split the roads, light, weather and cameras are drawn from.
        num_worlds: roads driven side by side, at most.
        env_options: further options of the task: obs_mode, control_mode, camera, max_episode_steps, ...
        name: of the policy in the results, by default its own.
        recorder: takes down the first roads.
        progress: called with (steps done, steps in all).

    Raises:
        InvalidOption: another task, or no roads.
    """
    check_task(task)
    if episodes < 1 or num_worlds < 1:
        raise InvalidOption(f"episodes and num_worlds must be at least 1, got {episodes} and {num_worlds}")
    batches = math.ceil(episodes / num_worlds)
    worlds = math.ceil(episodes / batches)
    simulation = make_simulation(task, worlds, randomize=randomize, **(env_options or {}))
    try:
        if isinstance(policy, ScriptedPolicy):
            policy.attach(simulation)
        drive = _Drive(simulation, policy, recorder, episodes, seed)
        total = batches * simulation.max_episode_steps
        for batch in range(batches):
            for step in drive.run(first_episode=batch * worlds):
                if progress is not None:
                    progress(batch * simulation.max_episode_steps + step + 1, total)
    finally:
        simulation.close()
    given = name or getattr(policy, "name", None) or type(policy).__name__
    return Evaluation(given, task, randomize, tuple(drive.roads), tuple(drive.traces))


def check_task(task: str) -> None:
    """Raise InvalidOption unless a task keeps one lane to its time limit, which is what autonomy is counted by."""
    if find_task(task).id != LANE_KEEPING:
        raise InvalidOption(
            f"autonomy is measured by how a lane is kept, in {LANE_KEEPING}, not in {task}; 'camshaft bench experts' "
            "measures the experts of other tasks"
        )


class _Drive:
    """Drives one batch of roads after another and keeps what happened."""

    def __init__(
        self, simulation: Simulation, policy: Policy, recorder: Recorder | None, episodes: int, seed: int
    ) -> None:
        self.roads: list[RoadResult] = []
        self.traces: list[Trace] = []
        self._simulation = simulation
        self._policy = policy
        self._recorder = recorder
        self._episodes = episodes
        self._seed = seed

    def run(self, first_episode: int) -> Iterator[int]:
        """Drive the roads from `first_episode` on, one in each world, yielding after each step."""
        simulation = self._simulation
        episodes = first_episode + np.arange(simulation.num_worlds)
        simulation.reset(seeds=[self._seed + int(episode) for episode in episodes])
        self._policy.reset(np.ones(simulation.num_worlds, bool))
        log = _Log(simulation)
        for step in range(simulation.max_episode_steps):
            recorded = self._recorded_worlds(episodes, step, log)
            expert = simulation.expert_action()
            observation = None
            if len(recorded) or not isinstance(self._policy, ScriptedPolicy):
                observation = simulation.observe()
            commands = self._policy.act(observation, deterministic=True)
            self._record(recorded, episodes, observation, commands, expert, log)
            measurements = simulation.step(commands)
            astray = np.abs(measurements.info["lateral_error"]) > INTERVENTION_ERROR
            astray |= measurements.terminated & ~measurements.success
            log.add(commands, expert, measurements, astray)
            if astray.any():
                simulation.recover(np.flatnonzero(astray))
            yield step
            if log.finished.all():
                break
        self._conclude(episodes, log)

    def _recorded_worlds(self, episodes: NDArray[np.int64], step: int, log: _Log) -> NDArray[np.int64]:
        """Worlds to take down before this step: those of the first episodes, at the recorder's frame rate."""
        if self._recorder is None:
            return np.empty(0, np.int64)
        interval = max(1, round(self._simulation.control_frequency / self._recorder.frames_per_second))
        chosen = (episodes < min(self._recorder.episodes, self._episodes)) & ~log.finished
        return np.flatnonzero(chosen & (step % interval == 0))

    def _record(
        self,
        worlds: NDArray[np.int64],
        episodes: NDArray[np.int64],
        observation: Any,
        commands: NDArray[np.float32],
        expert: NDArray[np.float32],
        log: _Log,
    ) -> None:
        if not len(worlds):
            return
        pictures = self._simulation.render_frames(worlds)
        for picture, world in zip(pictures, worlds, strict=True):
            moment = Moment(
                observation=_of_world(observation, world),
                picture=picture,
                command=commands[world],
                expert_command=expert[world],
                time=len(log.rows) / self._simulation.control_frequency,
                lateral_error=float(log.rows[-1]["lateral_error"][world]) if log.rows else 0.0,
                interventions=int(log.interventions[world]),
            )
            self._recorder.add(int(episodes[world]), moment)  # type: ignore[union-attr]

    def _conclude(self, episodes: NDArray[np.int64], log: _Log) -> None:
        for world, episode in enumerate(episodes.tolist()):
            if episode >= self._episodes:
                return
            self.traces.append(log.trace(world))
            self.roads.append(summarize(episode, self._seed + episode, self.traces[-1]))
            if self._recorder is not None and episode < self._recorder.episodes:
                self._recorder.finish(episode, self.roads[-1])


class _Log:
    """Rows of (N,) values, one a step, cut into one trace a world at the end."""

    def __init__(self, simulation: Simulation) -> None:
        self.rows: list[dict[str, NDArray[Any]]] = []
        self.finished = np.zeros(simulation.num_worlds, bool)
        self.interventions = np.zeros(simulation.num_worlds, np.int64)
        self._length = np.zeros(simulation.num_worlds, np.int64)
        self._frequency = simulation.control_frequency

    def add(
        self,
        commands: NDArray[np.float32],
        expert: NDArray[np.float32],
        measurements: Measurements,
        astray: NDArray[np.bool_],
    ) -> None:
        """Append one step; a world that reached the end of its task is finished after it."""
        info = measurements.info
        row = {key: info[key] for key in ("distance", "lateral_error", "steering", "lateral_acceleration")}
        row |= {"command": commands[:, 0], "expert_command": expert[:, 0], "intervention": astray}
        self.rows.append({key: np.array(value) for key, value in row.items()})
        self._length += ~self.finished
        self.interventions += astray & ~self.finished
        self.finished |= measurements.terminated & measurements.success

    def trace(self, world: int) -> Trace:
        """What happened in one world until it was finished."""
        length = int(self._length[world])
        columns = {key: np.array([row[key][world] for row in self.rows[:length]]) for key in self.rows[0]}
        return Trace(time=np.arange(1, length + 1) / self._frequency, **columns)


def _of_world(observation: Any, world: int) -> Any:
    if isinstance(observation, dict):
        return {key: value[world] for key, value in observation.items()}
    return observation[world]
