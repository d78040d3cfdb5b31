"""Training data of multi-task pretraining: labeled frames of several tasks, stored on disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from camshaft.envs.catalogue import find_task
from camshaft.envs.errors import InvalidOption
from camshaft.envs.rendering.meshes.labels import LABEL_NAMES, LABELS
from camshaft.envs.simulation import Simulation
from camshaft.perception.data.arrays import Arrays
from camshaft.perception.data.frames import FrameMaker, FramesConfig
from camshaft.perception.data.stored import StoredFrames, write_frames
from camshaft.perception.pretraining.network import STRIDE
from camshaft.perception.training.samples import Subset

PRESENCE_THRESHOLD = 0.001  # fraction of the pixels above which a class counts as present
LANE_TASK = "camshaft/LaneKeeping-v0"
LANE_COLUMNS = (0, 1, 7, 8)  # of the state of that task
LANE_NAMES = ("lateral error", "heading error", "curvature 10 m ahead", "curvature 20 m ahead")
LANE_SCALES = (1.0, 0.1, 0.01, 0.01)  # units of the labels: meters, radians, 1/meters
STORED_LABELS = ("rgb", "segmentation", "depth", "normals", "presence", "lane")
WORLDS = 32


def collect_frames(
    folder: Path,
    task: str,
    count: int,
    *,
    split: str = "train",
    seed: int = 0,
    size: int = 84,
    frames_per_file: int = 512,
    progress: Callable[[int, int], None] | None = None,
) -> Subset:
    """Render and store labeled frames of a task, or load those that were stored before.

    Args:
        folder: folder of the set.
        task: id of the task.
        count: number of frames, rounded up to whole files.
        split: "train", "val" or "test".
        seed: random seed.
        size: width and height in pixels.
        frames_per_file: frames per file; each file is an independent stream.
        progress: called with the number of files written and the total.

    Returns:
        The set, with "rgb" (H, W, 3) uint8; at every fourth pixel "segmentation" (h, w) uint8, "depth" (h, w) float16
        in meters, 0 for the sky, and "normals" (h, w, 3) int8 in 1/127, 0 for the sky and in tasks without access to
        their scene; "presence" (L,) uint8, 1 for semantic labels that cover a thousandth of the frame; and "lane" (4,)
        float32, LANE_NAMES in units of LANE_SCALES, NaN in all tasks but LANE_TASK.
    """
    if count < 1:
        raise InvalidOption(f"count must be at least 1, got {count!r}")
    if size % STRIDE:
        raise InvalidOption(f"size must be a multiple of {STRIDE}, got {size}")
    config = _frames_config(find_task(task).id, split, seed, size, min(WORLDS, frames_per_file))

    def make(number: int) -> Arrays:
        maker = FrameMaker(config, part=number)
        batches = [_reduce(maker.make()) for _ in range(-(-frames_per_file // config.batch_size))]
        maker.close()
        return {
            name: np.concatenate([each[name] for each in batches])[:frames_per_file] for name in STORED_LABELS
        }

    about = {
        "pretraining": config.task,
        "split": split,
        "seed": seed,
        "size": size,
        "frames_per_file": frames_per_file,
        "semantic_labels": list(LABEL_NAMES),
    }
    files = -(-count // frames_per_file)
    write_frames(folder, make, files, about, resume=True, progress=progress)
    return Subset(StoredFrames(folder, verify=False), np.arange(files * frames_per_file))


class FrameSet:
    """Concatenation of data sets with the same labels.

    Args:
        parts: the data sets.
    """

    def __init__(self, parts: Sequence[Any]) -> None:
        if not parts:
            raise InvalidOption("there are no frames: name at least one task")
        self._parts = list(parts)
        self._ends = np.cumsum([len(part) for part in parts])

    def __len__(self) -> int:
        return int(self._ends[-1])

    def fetch(self, indices: ArrayLike) -> Arrays:
        """Frames at these indices: label name to (n, …) array."""
        chosen = np.asarray(indices, np.int64)
        which = np.searchsorted(self._ends, chosen, side="right")
        starts = self._ends - [len(part) for part in self._parts]
        batch: Arrays = {}
        for number in np.unique(which):
            rows = np.flatnonzero(which == number)
            for name, values in self._parts[number].fetch(chosen[rows] - starts[number]).items():
                whole = batch.setdefault(name, np.empty((len(chosen), *values.shape[1:]), values.dtype))
                whole[rows] = values
        return batch


def _frames_config(task: str, split: str, seed: int, size: int, batch_size: int) -> FramesConfig:
    labels = ["rgb", "segmentation", "depth"]
    if find_task(task).simulation_class().camera_views is not Simulation.camera_views:
        labels.append("normals")  # only tasks that give access to their scene have them
    if task == LANE_TASK:
        labels.append("state")
    return FramesConfig(
        task,
        tuple(labels),
        batch_size=batch_size,
        split=split,
        seed=seed,
        camera=(size, size),
        frames_per_episode=8,
    )


def _reduce(batch: Arrays) -> Arrays:
    """Reduce full labels to those that are stored."""
    segmentation = batch["segmentation"]
    count = len(segmentation)
    covered = np.stack(
        [(segmentation == label).reshape(count, -1).mean(1) for label in range(len(LABEL_NAMES))], axis=1
    )
    coarse = segmentation[:, ::STRIDE, ::STRIDE]
    depth = np.where(coarse == LABELS["sky"], 0.0, batch["depth"][:, ::STRIDE, ::STRIDE])
    normals = np.zeros((*coarse.shape, 3), np.int8)
    if "normals" in batch:
        normals = np.round(127.0 * batch["normals"][:, ::STRIDE, ::STRIDE]).astype(np.int8)
    lane = np.full((count, len(LANE_COLUMNS)), np.nan, np.float32)
    if "state" in batch:
        lane = (batch["state"][:, LANE_COLUMNS] / np.array(LANE_SCALES)).astype(np.float32)
    return {
        "rgb": batch["rgb"],
        "segmentation": coarse.copy(),
        "depth": depth.astype(np.float16),
        "normals": normals,
        "presence": (covered >= PRESENCE_THRESHOLD).astype(np.uint8),
        "lane": lane,
    }
