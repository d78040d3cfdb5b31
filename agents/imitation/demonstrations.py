"""Demonstrations as samples to learn from: parts of observations, and the label of the expert."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from camshaft.agents.imitation.frames import Frames
from camshaft.agents.imitation.recorder import DISPLACED_ACTION
from camshaft.agents.lerobot.observations import DISPLACED, IMAGES
from camshaft.agents.lerobot.reader import DatasetReader
from camshaft.agents.lerobot.schema import ACTION, EXPERT_ACTION, EpisodesFile, read_episodes_file
from camshaft.agents.policies.observations import Part, vector_scale
from camshaft.envs.arrays import BoolArray, IntArray
from camshaft.envs.errors import InvalidOption, check_choice
from camshaft.envs.simulation import IMAGE_PARTS
from camshaft.perception.training.samples import Subset

TARGET = "action"  # name of the label in a batch


class Demonstrations:
    """The rows of a recorded dataset as samples: `fetch` gives parts of the observation by name, and "action".

    The label is `expert.action` where the dataset has it, else `action`: datasets of other tools have no other. Frames
    are decoded into a file that is mapped into memory.

    Args:
        folder: made by `collect`, recorded by an evaluation, or a LeRobotDataset v3.0 of another tool.
        parts: parts of the observation to learn from; by default every camera's color frames. In datasets of other
            tools, parts are named as their columns.
        displaced_views: take in displaced views, after the rows of the true views; None where there are any.
        frame_stack: frames of each camera, the present one included; before the first one of an episode stands that
            first one.

    Attributes:
        actions: (M, A) float32, or (M,) int64 of discrete actions.
        episodes: (M,) episode of each sample; split training and validation by it.
        displaced: (M,) whether the sample is a displaced view.
        task: id of the task; None where another tool recorded.
        env_options: options of the environment in which a policy has to act: obs_mode, control_mode, camera.
        choices: number of discrete actions; None where actions are continuous, or it is not known.
        fps: rows per second.

    Raises:
        InvalidOption: the folder is no dataset, lacks what is asked for, or is of an earlier version of Camshaft.
        CorruptFile: a file is damaged; the message names it.
    """

    def __init__(
        self,
        folder: str | Path,
        parts: Sequence[str] = (),
        *,
        displaced_views: bool | None = None,
        frame_stack: int = 1,
    ) -> None:
        self.folder = Path(folder)
        reader = DatasetReader(self.folder)
        if not reader.num_episodes:
            raise InvalidOption(f"{self.folder} has no complete episode")
        described = read_episodes_file(self.folder)
        self._columns = _chosen_columns(reader, described, parts)
        self.task = None if described is None else described.task
        self.env_options = {} if described is None else _needed_options(described, list(self._columns))
        self.fps, self.num_episodes = reader.fps, reader.num_episodes
        self._frame_stack, self._rows = frame_stack, reader.num_frames
        displaced = self._displaced_views(reader, displaced_views)
        self._images = {
            part: [Frames(reader, name), *([Frames(reader, DISPLACED)] if displaced else [])]
            for part, name in self._columns.items()
            if reader.features[name].is_visual
        }
        self._vectors = {
            part: reader.column(name).reshape(self._rows, -1).astype(np.float32)
            for part, name in self._columns.items()
            if not reader.features[name].is_visual
        }
        label = EXPERT_ACTION if EXPERT_ACTION in reader.features else ACTION
        labels = [reader.column(name) for name in (label, *([DISPLACED_ACTION] if displaced else []))]
        self.actions = _as_actions(np.concatenate(labels), self.folder)
        self.choices = None if described is None else described.choices
        self.episodes: IntArray = np.tile(reader.column("episode_index"), 1 + displaced)
        self.displaced: BoolArray = np.arange(len(self)) >= self._rows
        self._first_rows = np.repeat(np.cumsum([0, *reader.episode_lengths[:-1]]), reader.episode_lengths)

    def __len__(self) -> int:
        return len(self.actions)

    def parts(self, rows: IntArray) -> dict[str, Part]:
        """The parts as a policy reads them: vectors with their scale over the samples of these numbers."""
        described = {}
        for name in self._columns:
            if name in self._images:
                described[name] = Part(self._images[name][0].shape)
            else:
                mean, std = vector_scale(self._vectors[name][rows % self._rows])
                described[name] = Part((len(mean),), tuple(mean), tuple(std))
        return described

    def action(self, rows: IntArray) -> dict[str, Any]:
        """The action as a policy describes it, on the scale of the samples of these numbers."""
        if self.is_discrete:
            return {"choices": int(self.actions.max()) + 1 if self.choices is None else self.choices}
        mean, std = vector_scale(self.actions[rows])
        scale = {"size": self.actions.shape[1], "mean": mean, "std": std}
        if self.task is None:  # whose actions have another range than Camshaft's -1 to 1
            scale |= {"low": self.actions.min(axis=0).tolist(), "high": self.actions.max(axis=0).tolist()}
        return scale

    @property
    def is_discrete(self) -> bool:
        """Whether actions are numbers of a list."""
        return self.actions.ndim == 1

    def fetch(self, indices: ArrayLike) -> dict[str, NDArray[Any]]:
        """The samples of these numbers: images (n, H, W, 3), or (n, frame_stack, H, W, 3); vectors (n, D); "action"."""
        chosen = np.asarray(indices, np.int64)
        batch: dict[str, NDArray[Any]] = {
            part: self._stacked(views, chosen) for part, views in self._images.items()
        }
        batch |= {part: values[chosen % self._rows] for part, values in self._vectors.items()}
        return {**batch, TARGET: self.actions[chosen]}

    def fingerprint(self) -> str:
        """A digest that differs between demonstrations, without reading every image."""
        digest = hashlib.sha256(repr((len(self), self._columns, self._frame_stack)).encode())
        digest.update(np.ascontiguousarray(self.actions).tobytes())
        digest.update(np.ascontiguousarray(self.episodes).tobytes())
        for values in self.fetch(np.unique(np.linspace(0, len(self) - 1, 64).astype(np.int64))).values():
            digest.update(np.ascontiguousarray(values).tobytes())
        return digest.hexdigest()

    def _stacked(self, views: list[Frames], chosen: IntArray) -> NDArray[np.uint8]:
        if self._frame_stack == 1:
            return self._frames(views, chosen)
        behind = np.arange(self._frame_stack)[::-1]
        rows = chosen % self._rows
        earlier = np.maximum(rows[:, None] - behind, self._first_rows[rows][:, None])
        earlier[:, -1] = chosen  # the present one may be a displaced view; those before it are not
        frames = self._frames(views, earlier.reshape(-1))
        return frames.reshape(len(chosen), self._frame_stack, *frames.shape[1:])

    def _frames(self, views: list[Frames], rows: IntArray) -> NDArray[np.uint8]:
        if len(views) == 1:
            return views[0].fetch(rows)
        frames = np.empty((len(rows), *views[0].shape), np.uint8)
        beside = rows >= self._rows
        frames[~beside] = views[0].fetch(rows[~beside])
        frames[beside] = views[1].fetch(rows[beside] - self._rows)
        return frames

    def _displaced_views(self, reader: DatasetReader, wanted: bool | None) -> bool:
        there = DISPLACED in reader.features
        if wanted and not there:
            raise InvalidOption(
                f"{self.folder} was collected without displaced views: collect again with them, or leave them out"
            )
        used = there if wanted is None else wanted
        if used and [name for name in self._columns.values() if not reader.features[name].is_visual]:
            raise InvalidOption(
                f"displaced views of {self.folder} are of its camera alone, not of {', '.join(self._columns)}: "
                "leave them out"
            )
        return used


class DemonstrationSubset(Subset):
    """Some samples of demonstrations, known by a digest of both."""

    samples: Demonstrations

    def fingerprint(self) -> str:
        """A digest of the demonstrations and of the rows."""
        return hashlib.sha256(self.samples.fingerprint().encode() + self.rows.tobytes()).hexdigest()


def split_episodes(
    demonstrations: Demonstrations, fraction: float, seed: int
) -> tuple[DemonstrationSubset, DemonstrationSubset | None]:
    """Training samples, and those of whole episodes that are held out.

    Args:
        demonstrations: all of them.
        fraction: of the episodes to hold out; at least one unless it is 0.
        seed: the same one holds out the same episodes.

    Raises:
        InvalidOption: nothing would be left to learn from.
    """
    held_out = validation_episodes(demonstrations.episodes, fraction, seed)
    training = DemonstrationSubset(demonstrations, np.flatnonzero(~held_out))
    return training, DemonstrationSubset(demonstrations, np.flatnonzero(held_out)) if held_out.any() else None


def validation_episodes(episodes: IntArray, fraction: float, seed: int) -> BoolArray:
    """(M,) whether each sample is of an episode that is held out; see `split_episodes`."""
    names = np.unique(episodes)
    count = max(1, round(fraction * len(names))) if fraction > 0 else 0
    if count >= len(names):
        raise InvalidOption(
            f"validation_fraction {fraction:g} of {len(names)} episodes leaves none to learn from: "
            "collect more episodes or set it to 0"
        )
    chosen = np.random.default_rng(seed).permutation(names)[:count]
    return np.isin(episodes, chosen)


def _chosen_columns(
    reader: DatasetReader, described: EpisodesFile | None, parts: Sequence[str]
) -> dict[str, str]:
    """Part to column, of the parts to learn from."""
    if described is None:
        columns = {name: name for name in reader.features if name.startswith("observation.")}
        frames = [name for name in columns if name.startswith(IMAGES) and reader.features[name].is_visual]
    else:
        columns = {part: name for name, part in described.parts.items()}
        frames = [part for part in columns if part.rpartition("/")[2] == "rgb"]
    wanted = list(parts) or frames
    if not wanted:
        raise InvalidOption(
            f"{reader.folder} has no camera frames; its parts are {', '.join(columns) or 'none'}"
        )
    for part in wanted:
        check_choice(f"part of {reader.folder}", part, columns)
        if described is not None and part.rpartition("/")[2] in IMAGE_PARTS and part not in frames:
            raise InvalidOption(f"a policy reads color frames and vectors, not {part!r}")
    return {part: columns[part] for part in wanted}


def _needed_options(described: EpisodesFile, parts: list[str]) -> dict[str, Any]:
    """Options of an environment that gives these parts, and no camera or output beside them."""
    options = dict(described.env_options)
    recorded = str(options["obs_mode"]).split("+")
    outputs = [part.rpartition("/")[2] for part in parts]
    kept = [each for each in recorded if each not in IMAGE_PARTS or each in outputs]
    if all(output in IMAGE_PARTS for output in outputs):
        kept = [each for each in kept if each in IMAGE_PARTS]
    options["obs_mode"] = "+".join(kept)
    cameras = {part.rpartition("/")[0] for part in parts} - {""}
    if cameras:
        options["camera"] = {name: camera for name, camera in options["camera"].items() if name in cameras}
    return options


def _as_actions(labels: NDArray[Any], folder: Path) -> NDArray[Any]:
    if labels.dtype.kind in "iu" and labels.ndim == 1:
        return labels.astype(np.int64)
    actions = labels.reshape(len(labels), -1).astype(np.float32)
    if not np.isfinite(actions).all():
        raise InvalidOption(f"actions of {folder} are not all finite numbers")
    return actions
