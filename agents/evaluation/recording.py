"""Recorded rollouts: a LeRobot dataset of what the policy saw and did, and films for people."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from camshaft.agents.evaluation.autonomy import RoadResult
from camshaft.agents.evaluation.evaluate import Moment
from camshaft.agents.evaluation.overlay import annotate
from camshaft.agents.lerobot.format import INFO
from camshaft.agents.lerobot.observation_columns import FRONT, STATE
from camshaft.agents.lerobot.reader import DatasetWriter, Feature
from camshaft.agents.lerobot.video import VideoWriter
from camshaft.envs import find_task
from camshaft.envs.errors import InvalidOption
from camshaft.perception.runs.durable_files import named_disk_errors, write_json_durably

FILM_RATE_FACTOR = 24
KEY_FRAME_SECONDS = 2


class RolloutRecorder:
    """Records the first roads of an evaluation; hand it to `camshaft.agents.evaluation.evaluate.evaluate`.

    Writes into the run folder:

    - rollouts/: LeRobot dataset with the policy's view (video), its action, the expert's, and the lateral error;
    - videos/road-000.mp4, ...: the road from outside, the policy's view and the instruments, for people;
    - metrics.json, when `write_metrics` is called.

    Rollouts that the run folder has from before are replaced. Each road is complete on disk once it is finished.

    Args:
        folder: the run folder.
        task: id of the task.
        episodes: how many roads to record, from the first.
        frames_per_second: of the recording, a whole number.
    """

    def __init__(
        self, folder: str | Path, task: str, *, episodes: int = 3, frames_per_second: float = 20.0
    ) -> None:
        if frames_per_second != int(frames_per_second) or frames_per_second < 1:
            raise InvalidOption(f"frames_per_second must be a whole number, got {frames_per_second!r}")
        self.folder = Path(folder)
        self.episodes = episodes
        self.frames_per_second = float(frames_per_second)
        self._task = find_task(task)
        self._writer: DatasetWriter | None = None
        self._rollouts: dict[int, _Rollout] = {}
        with named_disk_errors(self.folder):
            _remove_earlier(self.folder)

    def add(self, episode: int, moment: Moment) -> None:
        """Take down the next moment of a road; roads may be driven side by side."""
        if episode not in self._rollouts:
            self._rollouts[episode] = _Rollout(self.video_path(episode), int(self.frames_per_second))
        with named_disk_errors(self.folder):
            self._rollouts[episode].add(moment)

    def finish(self, episode: int, road: RoadResult) -> None:
        """Write a road that is over."""
        rollout = self._rollouts.pop(episode, None)
        if rollout is None:
            return
        with named_disk_errors(self.folder):
            rollout.film.close()
        columns = rollout.columns(success=road.success)
        if self._writer is None:
            self._writer = self._new_writer(columns)
        self._writer.add_episode(columns)
        self._writer.flush()

    def write_metrics(self, metrics: Mapping[str, Any]) -> None:
        """Write metrics.json, whole or not at all."""
        with named_disk_errors(self.folder):
            write_json_durably(self.folder / "metrics.json", dict(metrics))

    def video_path(self, episode: int) -> Path:
        """Where the film of a road is."""
        return self.folder / "videos" / f"road-{episode:03d}.mp4"

    def close(self) -> None:
        """Give up the roads that are not finished; nothing of them is left."""
        for rollout in self._rollouts.values():
            rollout.film.discard()
        self._rollouts.clear()
        if self._writer is not None:
            self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _new_writer(self, columns: Mapping[str, NDArray[Any]]) -> DatasetWriter:
        features = {name: _feature(name, column) for name, column in columns.items()}
        return DatasetWriter(
            self.folder / "rollouts",
            int(self.frames_per_second),
            features,
            robot_type=self._task.id,
            task=self._task.summary,
        )


class _Rollout:
    """One road while it is driven."""

    def __init__(self, film_path: Path, fps: int) -> None:
        self._film_path, self._fps = film_path, fps
        self._film: VideoWriter | None = None
        self._rows: dict[str, list[Any]] = {}

    @property
    def film(self) -> VideoWriter:
        """The film, which the first moment begins."""
        assert self._film is not None
        return self._film

    def add(self, moment: Moment) -> None:
        """Append a row, and a frame to the film."""
        view, state = _view(moment.observation), _state(moment.observation)
        picture = annotate(moment.picture, moment, view)
        if self._film is None:
            size, interval = picture.shape[:2], KEY_FRAME_SECONDS * self._fps
            self._film = VideoWriter(
                self._film_path, size, self._fps, rate_factor=FILM_RATE_FACTOR, key_frame_interval=interval
            )
        self._film.add([picture])
        row = {
            FRONT: view,
            STATE: state,
            "action": moment.command,
            "expert.action": moment.expert_command,
            "info.lateral_error": moment.lateral_error,
            "info.interventions": moment.interventions,
        }
        for name, value in row.items():
            if value is not None:
                self._rows.setdefault(name, []).append(np.array(value))

    def columns(self, success: bool) -> dict[str, NDArray[Any]]:
        """All rows, with the end marked."""
        columns = {name: np.stack(values) for name, values in self._rows.items()}
        last = np.arange(len(columns["action"])) == len(columns["action"]) - 1
        return {**columns, "next.done": last, "next.success": last & success}


def _view(observation: Any) -> NDArray[np.uint8] | None:
    if isinstance(observation, Mapping):
        return observation.get("rgb")
    return (
        observation
        if observation is not None and observation.ndim == 3 and observation.shape[2] == 3
        else None
    )


def _state(observation: Any) -> NDArray[np.float32] | None:
    return observation.get("state") if isinstance(observation, Mapping) else None


def _feature(name: str, column: NDArray[Any]) -> Feature:
    if name == FRONT:
        even = column.shape[1] % 2 == 0 and column.shape[2] % 2 == 0
        return Feature("video" if even else "image", column.shape[1:])
    kinds = {"b": "bool", "i": "int64", "f": "float32"}
    return Feature(kinds[column.dtype.kind], column.shape[1:] or (1,))


def _remove_earlier(folder: Path) -> None:
    if (folder / "rollouts" / INFO).exists():
        shutil.rmtree(folder / "rollouts")
    for film in (folder / "videos").glob("road-*.mp4*"):
        film.unlink()
