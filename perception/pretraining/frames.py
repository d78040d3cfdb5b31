"""Frames of several tasks with the labels that an encoder is pretrained on, kept on disk in the form it needs them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from camshaft.envs.catalogue import find_task
from camshaft.envs.errors import InvalidOption
from camshaft.envs.rendering.meshes.labels import LABEL_NAMES, LABELS
from camshaft.envs.simulation import Simulation
from camshaft.perception.data.frames import FrameMaker, FramesConfig
from camshaft.perception.data.stored import StoredFrames, write_frames
from camshaft.perception.pretraining.network import STRIDE
from camshaft.perception.training.samples import Subset

Arrays = dict[str, NDArray[Any]]

LEAST_SHARE = 0.001  # of the pixels: what covers fewer does not count as present
LANE_TASK = "camshaft/LaneKeeping-v0"
LANE_COLUMNS = (0, 1, 7, 8)  # of that task's state
LANE_NAMES = ("lateral error", "heading error", "curvature 10 m ahead", "curvature 20 m ahead")
LANE_SCALES = (1.0, 0.1, 0.01, 0.01)  # meters, radians, 1/meters: what counts as one
LABELS_KEPT = ("rgb", "segmentation", "depth", "normals", "presence", "lane")
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
    """Draw labeled frames of one task, or find those that were drawn before.

    Args:
        folder: of the set.
        task: its id.
        count: frames; rounded up to whole files.
        split: "train", "val" or "test".
        seed: another seed is another set.
        size: width and height in pixels.
        frames_per_file: each file has worlds of its own.
        progress: called with files written and files in all.

    Returns:
        The set: "rgb" (H, W, 3) uint8; at every fourth pixel "segmentation" (h, w) uint8, "depth" (h, w) float16
        meters, 0 for the sky, and "normals" (h, w, 3) int8 in 1/127, 0 for the sky and in tasks that do not show their
        scene; "presence" (L,) uint8, which semantic labels cover a thousandth of the frame; "lane" (4,) float32,
        LANE_NAMES over LANE_SCALES, NaN in tasks without a lane of one's own.
    """
    task = find_task(task).id
    if count < 1:
        raise InvalidOption(f"count must be at least 1, got {count!r}")
    if size % STRIDE:
        raise InvalidOption(f"size must be a multiple of {STRIDE}, got {size}")
    wanted = ["rgb", "segmentation", "depth"]
    if find_task(task).simulation_class().camera_views is not Simulation.camera_views:
        wanted.append("normals")  # which only tasks that show their scene have
    config = FramesConfig(
        task,
        tuple([*wanted, "state"] if task == LANE_TASK else wanted),
        batch_size=min(WORLDS, frames_per_file),
        split=split,
        seed=seed,
        camera=(size, size),
        frames_per_episode=8,
    )

    def make(number: int) -> Arrays:
        maker = FrameMaker(config, part=number)
        batches = [_reduced(maker.make()) for _ in range(-(-frames_per_file // config.batch_size))]
        maker.close()
        return {
            name: np.concatenate([each[name] for each in batches])[:frames_per_file] for name in LABELS_KEPT
        }

    about = {
        "pretraining": task,
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
    """Several sets of frames as one; images of all are mixed when a training shuffles them.

    Args:
        parts: sets with the same labels.
    """

    def __init__(self, parts: Sequence[Any]) -> None:
        if not parts:
            raise InvalidOption("there are no frames: name at least one task")
        self._parts = list(parts)
        self._ends = np.cumsum([len(part) for part in parts])

    def __len__(self) -> int:
        return int(self._ends[-1])

    def fetch(self, indices: ArrayLike) -> Arrays:
        """Frames by their numbers, label name to (n, …) array."""
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


def _reduced(batch: Arrays) -> Arrays:
    """What is kept of a batch of full labels."""
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
        "presence": (covered >= LEAST_SHARE).astype(np.uint8),
        "lane": lane,
    }
