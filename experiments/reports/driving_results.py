"""Results of a driving experiment in its run folder: evaluations, learning curves, samples."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from camshaft.agents.evaluation.results import Evaluation, Series
from camshaft.agents.lerobot.observations import DISPLACED, FRONT
from camshaft.agents.lerobot.reader import DatasetReader
from camshaft.agents.lerobot.schema import EXPERT_ACTION
from camshaft.envs.errors import CorruptFile
from camshaft.perception.runs.durable_files import write_durably, write_json_durably
from camshaft.perception.training.curves import read_metrics

SHOWN = {
    "time",
    "lateral_error",
    "command",
    "expert_command",
    "intervention",
}  # required series of an episode


@dataclass(frozen=True)
class Driver:
    """One driver of the comparison.

    Attributes:
        name: in the tables.
        evaluation: `Evaluation.to_dict()`.
        series: one per road.
    """

    name: str
    evaluation: Mapping[str, Any]
    series: Sequence[Series]

    @property
    def summary(self) -> Mapping[str, Any]:
        """Summary over all roads."""
        figures: Mapping[str, Any] = self.evaluation["summary"]
        return figures


@dataclass(frozen=True)
class LearningCurve:
    """Losses of one training.

    Attributes:
        name: of the training, such as its seed.
        epochs: (E,) numbers of the epochs.
        train: (E,) mean loss on the training episodes.
        validation: (E,) mean loss on held-out episodes.
    """

    name: str
    epochs: NDArray[np.float64]
    train: NDArray[np.float64]
    validation: NDArray[np.float64]


@dataclass(frozen=True)
class Rollout:
    """A recorded road.

    Attributes:
        video: MP4 file.
        poster: (H, W, 3) uint8.
        caption: road and result.
    """

    video: Path
    poster: NDArray[np.uint8]
    caption: str


@dataclass(frozen=True)
class DrivingResults:
    """Contents of the report.

    Attributes:
        title: of the page.
        settings: names and values.
        stages: duration of each stage in seconds.
        curves: one per training seed.
        cloned: the cloned drivers, one per training seed; charts show the first.
        expert: driver of the training data.
        others: drivers to compare with.
        samples: training frames (H, W, 3) uint8 with their captions.
        rollouts: recorded roads of the first cloned driver.
    """

    title: str
    settings: Mapping[str, Any]
    stages: Mapping[str, float]
    curves: Sequence[LearningCurve]
    cloned: Sequence[Driver]
    expert: Driver
    others: Sequence[Driver]
    samples: Sequence[tuple[NDArray[np.uint8], str]]
    rollouts: Sequence[Rollout]


def save_evaluation(path: Path, evaluation: Evaluation) -> None:
    """Write an evaluation as JSON and its series as .npz; the JSON is written last, as a mark of completeness."""
    arrays = {
        f"{road}/{name}": np.asarray(values, np.float32)
        for road, series in enumerate(evaluation.series)
        for name, values in series.items()
    }
    write_durably(path.with_suffix(".npz"), lambda stream: np.savez_compressed(stream, **arrays))  # type: ignore[arg-type]
    write_json_durably(path, evaluation.to_dict())


def load_driver(path: Path, name: str) -> Driver:
    """Read what `save_evaluation` wrote.

    Raises:
        CorruptFile: one of its two files is missing or damaged.
    """
    try:
        evaluation = json.loads(path.read_text(encoding="utf-8"))
        series: list[dict[str, NDArray[Any]]] = [{} for _ in evaluation["episodes"]]
        with path.with_suffix(".npz").open("rb") as stream, np.load(stream) as arrays:
            for key in arrays.files:
                road, _, column = key.partition("/")
                series[int(road)][column] = arrays[key]
        if not all(set(each) >= SHOWN for each in series):
            raise ValueError("a series is missing")
    except (OSError, ValueError, KeyError, IndexError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise CorruptFile(f"{path} and its .npz do not hold an evaluation: {error}") from error
    return Driver(name, evaluation, series)


def learning_curve(run_folder: Path, name: str) -> LearningCurve:
    """Losses of a training, from the epoch rows of its metrics.jsonl."""
    epochs = [row for row in read_metrics(run_folder) if "train_loss" in row]
    try:
        columns = [
            np.array([row[key] for row in epochs], np.float64)
            for key in ("epoch", "train_loss", "validation/loss")
        ]
    except KeyError as error:
        raise CorruptFile(f"the metrics of {run_folder} are not those of cloning: {error}") from error
    return LearningCurve(name, *columns)


def training_samples(dataset: Path, count: int) -> list[tuple[NDArray[np.uint8], str]]:
    """Captioned frames of up to `count` episodes: first from the lane, then displaced."""
    reader = DatasetReader(dataset)
    chosen = np.linspace(0, reader.num_episodes - 1, min(count, reader.num_episodes)).astype(int)
    episodes = [reader.episode(int(index)) for index in chosen]
    samples = [_lane_sample(episode) for episode in episodes]
    if "displaced.action" in reader.features:
        samples += [_displaced_sample(episode) for episode in episodes]
    return samples


def _lane_sample(episode: Mapping[str, NDArray[Any]]) -> tuple[NDArray[np.uint8], str]:
    """The frame in the middle of an episode."""
    labels = episode[EXPERT_ACTION]
    row = len(labels) // 2
    command = float(labels.reshape(len(labels), -1)[row, 0])
    return episode[FRONT][row], f"On the lane: command {command:+.2f}"


def _displaced_sample(episode: Mapping[str, NDArray[Any]]) -> tuple[NDArray[np.uint8], str]:
    """The displaced frame of an episode with the largest lateral offset."""
    row = int(np.abs(episode["displaced.lateral"]).argmax())
    lateral = _side(float(episode["displaced.lateral"][row]), " m", 1)
    heading = _side(float(np.degrees(episode["displaced.heading"][row])), "°", 0)
    command = float(episode["displaced.action"].reshape(len(episode["displaced.action"]), -1)[row, 0])
    caption = f"{lateral}, turned {heading}: command {command:+.2f}"
    return episode[DISPLACED][row], caption


def _side(value: float, unit: str, digits: int) -> str:
    return f"{abs(value):.{digits}f}{unit} {'left' if value > 0 else 'right'}"
