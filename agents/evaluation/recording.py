"""Recorded rollouts: a LeRobot dataset of what the policy saw and did, and films for people."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from camshaft.agents.episodes import (
    EpisodeBuilder,
    action_feature,
    column_feature,
    describe_episodes,
)
from camshaft.agents.evaluation.overlay import BAD, GOOD, Instruments, Reading, annotate
from camshaft.agents.evaluation.results import EpisodeResult
from camshaft.agents.lerobot.format import INFO, Feature
from camshaft.agents.lerobot.observations import (
    as_images,
    column_of,
    observation_parts,
    observation_spaces,
    output_of,
)
from camshaft.agents.lerobot.schema import ACTION, EXPERT_ACTION, write_episodes_file
from camshaft.agents.lerobot.video import VideoWriter
from camshaft.agents.lerobot.writer import DatasetWriter
from camshaft.agents.rollout import Decision, RolloutStep
from camshaft.envs import find_task
from camshaft.envs.arrays import BoolArray, Image, IntArray
from camshaft.envs.errors import InvalidOption
from camshaft.envs.metrics import Metric
from camshaft.envs.simulation import IMAGE_PARTS, Simulation
from camshaft.perception.runs.durable_files import named_disk_errors

FILM_RATE_FACTOR = 24
KEY_FRAME_SECONDS = 2
INTERVENTIONS = "info.interventions"


class RolloutRecorder:
    """Records the first episodes of an evaluation; hand it to `camshaft.agents.evaluation.evaluate.evaluate`.

    Writes into a folder:

    - rollouts/: LeRobot dataset in the schema of `camshaft.agents.lerobot.schema`; color frames are videos;
    - videos/episode-000.mp4, ...: the episode from outside, the policy's view and the task's metrics, for people.

    Rollouts that the folder has from before are replaced once the first episode is recorded. Each episode is complete
    on disk once it is finished.

    Args:
        folder: for both.
        episodes: how many to record, from the first.
        frames_per_second: of the recording; None for the control rate.
    """

    needs_expert = True

    def __init__(
        self, folder: str | Path, *, episodes: int = 3, frames_per_second: float | None = None
    ) -> None:
        if isinstance(episodes, bool) or episodes < 1:
            raise InvalidOption(f"episodes to record must be at least 1, got {episodes!r}")
        self.folder = Path(folder)
        self.episodes = episodes
        self._rate = frames_per_second
        self._simulation: Simulation | None = None
        self._writer: DatasetWriter | None = None
        self._rollouts: dict[int, _Rollout] = {}
        self._ended: dict[int, _Rollout] = {}

    def bind(self, simulation: Simulation, task: str, supervised: bool = False) -> None:
        """The simulation whose episodes are recorded, and whether a supervisor intervenes there.

        Raises:
            InvalidOption: the frame rate does not divide its control rate.
        """
        frequency = simulation.control_frequency
        rate = frequency if self._rate is None else self._rate
        self._stride = max(1, round(frequency / rate))
        if abs(frequency / self._stride - rate) > 1e-9 or rate != int(rate):
            raise InvalidOption(
                f"frames_per_second must be a whole number that divides {frequency:g}, got {rate!r}"
            )
        self._fps = int(rate)
        self._simulation, self._task, self._supervised = simulation, find_task(task), supervised
        self._described = describe_episodes(simulation, self._task.id, self._stride, {})

    def wants(self, episodes: IntArray, elapsed: IntArray) -> BoolArray:
        """Worlds whose row is due."""
        due: BoolArray = (episodes >= 0) & (episodes < self.episodes) & (elapsed % self._stride == 0)
        return due

    def before(self, decision: Decision) -> None:
        """Record a row and a frame of the film where they are due."""
        due = np.flatnonzero(self.wants(decision.episodes, decision.elapsed))
        if not due.size:
            return
        assert self._simulation is not None
        assert decision.observation is not None
        parts = observation_parts(self._simulation, decision.observation)
        frames = self._simulation.render_frames(due)
        for frame, world in zip(frames, due.tolist(), strict=True):
            episode = int(decision.episodes[world])
            if episode not in self._rollouts:
                self._begin(episode)
            row = {part: values[world] for part, values in parts.items()}
            with named_disk_errors(self.folder):
                self._rollouts[episode].add(row, frame, decision, world)

    def after(self, step: RolloutStep) -> None:
        """Take in what the step brought."""
        for world in np.flatnonzero(step.decision.active).tolist():
            episode = int(step.decision.episodes[world])
            if episode in self._rollouts:
                self._rollouts[episode].end_step(step, world)
                if step.done[world]:
                    self._ended[episode] = self._rollouts.pop(episode)

    def finish(self, episode: EpisodeResult) -> None:
        """Write an episode that is over."""
        rollout = self._ended.pop(episode.episode, None)
        if rollout is None:
            return
        with named_disk_errors(self.folder):
            rollout.film.close()
        columns = rollout.columns()
        if self._writer is None:
            self._writer = self._new_writer(columns)
        self._writer.add_episode(columns)
        self._writer.flush()

    def film_path(self, episode: int) -> Path:
        """The film of an episode."""
        return self.folder / "videos" / f"episode-{episode:03d}.mp4"

    def close(self) -> None:
        """Give up the episodes that are not finished; nothing of them is left."""
        for rollout in (*self._rollouts.values(), *self._ended.values()):
            rollout.discard()
        self._rollouts.clear()
        self._ended.clear()
        if self._writer is not None:
            self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _begin(self, episode: int) -> None:
        assert self._simulation is not None
        if self._writer is None and not self._rollouts and not self._ended:
            with named_disk_errors(self.folder):
                _remove_earlier(self.folder)
        self._rollouts[episode] = _Rollout(
            self.film_path(episode), self._fps, self._simulation, self._supervised
        )

    def _new_writer(self, columns: Mapping[str, Any]) -> DatasetWriter:
        assert self._simulation is not None
        features = {name: _feature(name, column, self._simulation) for name, column in columns.items()}
        folder = self.folder / "rollouts"
        writer = DatasetWriter(folder, self._fps, features, robot_type=self._task.id, task=self._task.summary)
        write_episodes_file(folder, self._described)
        return writer


class _Rollout:
    """One episode while it runs."""

    def __init__(self, film_path: Path, fps: int, simulation: Simulation, supervised: bool) -> None:
        self._film_path, self._fps = film_path, fps
        self._simulation, self._supervised = simulation, supervised
        self._film: VideoWriter | None = None
        self._builder = EpisodeBuilder()
        self._total_reward, self._interventions = 0.0, 0
        self._info: dict[str, float] = {}

    @property
    def film(self) -> VideoWriter:
        """The film, which the first frame begins."""
        assert self._film is not None
        return self._film

    def discard(self) -> None:
        """Give up the film."""
        if self._film is not None:
            self._film.discard()

    def add(self, parts: Mapping[str, NDArray[Any]], frame: Image, decision: Decision, world: int) -> None:
        """Add a row, and a frame to the film."""
        assert decision.expert_action is not None
        view = next((values for part, values in parts.items() if output_of(part) == "rgb"), None)
        image = annotate(frame, self._instruments(decision, world), view)
        if self._film is None:
            size, interval = image.shape[:2], KEY_FRAME_SECONDS * self._fps
            self._film = VideoWriter(
                self._film_path, size, self._fps, rate_factor=FILM_RATE_FACTOR, key_frame_interval=interval
            )
        self._film.add([image])
        row = {column_of(part): _stored(part, values) for part, values in parts.items()}
        row |= {ACTION: decision.action[world], EXPERT_ACTION: decision.expert_action[world]}
        if self._supervised:
            row[INTERVENTIONS] = np.array(self._interventions)
        self._builder.begin_row(row)

    def end_step(self, step: RolloutStep, world: int) -> None:
        """Take in what a step brought."""
        self._builder.end_step(step, world)
        self._total_reward += float(step.measured.reward[world])
        self._interventions += bool(step.intervened[world])
        self._info = {name: float(values[world]) for name, values in step.measured.info.items()}

    def columns(self) -> dict[str, Any]:
        """All rows."""
        return self._builder.columns()

    def _instruments(self, decision: Decision, world: int) -> Instruments:
        action: Any = decision.chosen[world]
        continuous = np.ndim(action) == 1
        expert = decision.expert_action
        readings = [Reading("RETURN", f"{self._total_reward:.1f}"), *self._readings()]
        return Instruments(
            time=float(decision.elapsed[world]) / self._simulation.control_frequency,
            readings=readings[:3],
            action=action if continuous else None,
            expert_action=expert[world] if continuous and expert is not None else None,
            lateral_error=self._info.get("lateral_error", 0.0) if self._has_lane else None,
        )

    @property
    def _has_lane(self) -> bool:
        return any(metric.entry == "lateral_error" for metric in self._simulation.metrics)

    def _readings(self) -> list[Reading]:
        first = []
        if self._supervised:
            color = BAD if self._interventions else GOOD
            first = [Reading("INTERVENTIONS", str(self._interventions), color)]
        shown: dict[str, Metric] = {}
        for metric in self._simulation.metrics:
            if metric.entry != "lateral_error":
                shown.setdefault(metric.entry, metric)
        return first + [
            Reading(
                metric.name.replace("_", " ").upper(),
                f"{self._info.get(entry, 0.0):.3g} {metric.unit}".rstrip(),
            )
            for entry, metric in shown.items()
        ]


def _stored(part: str, values: NDArray[Any]) -> NDArray[Any]:
    output = output_of(part)
    return as_images(output, values[None])[0] if output in IMAGE_PARTS else values


def _feature(name: str, column: Any, simulation: Simulation) -> Feature:
    images = {column_of(part): output_of(part) for part in observation_spaces(simulation)}
    if images.get(name) in IMAGE_PARTS:
        shape = np.shape(column)[1:]
        even = shape[0] % 2 == 0 and shape[1] % 2 == 0
        return Feature("video" if images[name] == "rgb" and even else "image", shape)
    return action_feature(simulation) if name in (ACTION, EXPERT_ACTION) else column_feature(column)


def _remove_earlier(folder: Path) -> None:
    if (folder / "rollouts" / INFO).exists():
        shutil.rmtree(folder / "rollouts")
    for film in (folder / "videos").glob("episode-*.mp4*"):
        film.unlink()
