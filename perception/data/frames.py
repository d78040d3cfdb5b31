"""Labeled frames of a task, batch after batch: all worlds act, and each gives a frame every few steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.catalogue import find_task, make_simulation
from camshaft.envs.errors import InvalidOption, check_choice, check_seed
from camshaft.envs.goal import ACHIEVED, DESIRED, OBSERVED
from camshaft.envs.randomization import Split
from camshaft.envs.rendering import Renderer
from camshaft.envs.rendering.outputs import MOTION_OUTPUTS, OUTPUT_TYPES
from camshaft.envs.simulation import IMAGE_PARTS, Simulation
from camshaft.perception.data.behavior_policies import STYLE_SHARES, Actors
from camshaft.perception.data.draws import Draws
from camshaft.perception.data.visible_objects import visible_objects

Arrays = dict[str, NDArray[Any]]

SPLITS = ("train", "val", "test")
NEXT_RGB, ACTION, SUCCESS = "next_rgb", "action", "success"
CAMERA_POSE, CAMERA_MOTION = "camera_pose", "camera_motion"
OBJECTS = "objects"
OWN_LABELS = (NEXT_RGB, OBJECTS, ACTION, SUCCESS, CAMERA_POSE, CAMERA_MOTION)
BY_SLOT = (
    "boxes",
    "amodal_boxes",
    "boxes_3d",
    "keypoints",
)  # as many as a scene has, which differs between episodes
DRAWN_LABELS = tuple(name for name in OUTPUT_TYPES if name not in BY_SLOT)
SEED_RANGE = 2**50


@dataclass(frozen=True)
class FramesConfig:
    """What a stream of labeled frames is of.

    Attributes:
        task: id of the task, such as "camshaft/LaneKeeping-v0".
        labels: any of the renderer's images ("rgb", "depth", "segmentation", "instances", "normals", "flow", …, see
            `camshaft.envs.rendering.Renderer`), of the task's state parts ("state", …; of tasks with a goal, that
            is what is observed, achieved and desired in one row), and of OWN_LABELS: "objects" are the
            things that are seen, (max_objects, 6) as in `visible_objects`; "next_rgb" is the frame `interval` steps
            later, against which "flow", "scene_flow" and "occluded" are measured; "action" is what the expert would
            do; "success" whether the task stands achieved; "camera_pose" is (4, 4) world from camera; "camera_motion"
            (4, 4) this camera from the one `interval` steps later.
        batch_size: frames a batch, one from each of as many worlds.
        split: "train" and "val" have the looks of training and episodes of their own; "test" has looks that training
            never shows.
        randomize: overrides the looks of the split: "train", "test" or None for the nominal ones.
        seed: another seed is another stream.
        camera: as in `camshaft.envs.simulation.Simulation`; one camera.
        acting: one of STYLE_SHARES: "mixed" lets the expert, the disturbed expert and chance act by turns.
        stride: control steps from one frame of a world to its next.
        interval: control steps from a frame to what its motion is measured against; at most `stride`.
        frames_per_episode: mean; a world starts anew after a random number of frames up to twice that, or when its
            episode ends; where the task can put its worlds right, such as a car that has left the road, it does so.
        max_objects: rows of "objects".
        num_threads: as in `Simulation`.
        task_options: further options of the task.
    """

    task: str
    labels: tuple[str, ...] = ("rgb",)
    batch_size: int = 32
    split: str = "train"
    randomize: Split | str = "split"
    seed: int = 0
    camera: Any = None
    acting: str = "mixed"
    stride: int = 5
    interval: int = 1
    frames_per_episode: int = 80
    max_objects: int = 32
    num_threads: int | None = None
    task_options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        find_task(self.task)
        check_seed(self.seed)
        check_choice("split", self.split, SPLITS)
        check_choice("acting", self.acting, STYLE_SHARES)
        object.__setattr__(self, "labels", tuple(self.labels))
        if isinstance(self.labels, str) or not self.labels or len(set(self.labels)) < len(self.labels):
            raise InvalidOption(f"labels must be one or more different names, got {self.labels!r}")
        accepted = (*DRAWN_LABELS, *OWN_LABELS, *find_task(self.task).simulation_class().state_parts)
        for label in self.labels:
            check_choice(f"label of {self.task}", label, accepted)
        if self.randomize not in (None, "train", "test", "split"):
            raise InvalidOption(f"randomize must be None, 'train', 'test' or 'split', got {self.randomize!r}")
        for name in ("batch_size", "stride", "interval", "frames_per_episode", "max_objects"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
                raise InvalidOption(f"{name} must be a whole number of at least 1, got {value!r}")
        if self.interval > self.stride:
            raise InvalidOption(f"interval ({self.interval}) must be at most stride ({self.stride})")

    @property
    def looks(self) -> Split:
        """Which variations the worlds show."""
        if self.randomize == "split":
            return "test" if self.split == "test" else "train"
        return self.randomize  # type: ignore[return-value]


class FrameMaker:
    """Makes the batches of a stream one after another; world i follows from the seed and i alone.

    Args:
        config: what to make.
        part: which of several streams that share the config, such as that of one worker.

    Attributes:
        simulation: the task.
    """

    def __init__(self, config: FramesConfig, part: int = 0) -> None:
        self.config = config
        count = config.batch_size
        self._draws = Draws((config.seed, SPLITS.index(config.split), part), np.arange(count))
        observed = [label for label in config.labels if label in IMAGE_PARTS or label not in _BEYOND]
        self._drawn = tuple(
            label for label in config.labels if label in OUTPUT_TYPES and label not in IMAGE_PARTS
        )
        needed = [
            ("rgb",) * (NEXT_RGB in config.labels),
            ("instances", "segmentation") * (OBJECTS in config.labels),
        ]
        observed += [part for parts in needed for part in parts if part not in observed]
        self.simulation: Simulation = make_simulation(
            config.task,
            count,
            obs_mode="+".join(observed or ["state"]),
            camera=config.camera,
            randomize=config.looks,
            num_threads=config.num_threads,
            **config.task_options,
        )
        if len(self.simulation.cameras) != 1:
            raise InvalidOption(
                f"frames are of one camera, got {sorted(self.simulation.cameras)}; make a stream for each"
            )
        self._observed = observed
        self._moves = bool({NEXT_RGB, CAMERA_MOTION, *MOTION_OUTPUTS} & set(config.labels))
        self._poses_needed = bool({CAMERA_POSE, CAMERA_MOTION} & set(config.labels)) or bool(self._drawn)
        self._actors = Actors(self.simulation, config.acting, self._draws)
        self._recovers = type(self.simulation).recover is not Simulation.recover
        self._renderer: Renderer | None = None
        self._frames_left = np.zeros(count, np.int64)
        self._success = np.zeros(count, np.bool_)
        self._ended = np.zeros(count, np.bool_)

    def make(self, out: Arrays | None = None) -> Arrays:
        """The next batch: label name to (batch_size, …) array.

        Args:
            out: arrays of an earlier batch to fill.
        """
        self._restart()
        self._advance(self.config.stride - self.config.interval)
        parts = self._observe() if self._observed else {}
        batch: Arrays = {label: parts[label] for label in self.config.labels if label in parts}
        if OBJECTS in self.config.labels:
            batch[OBJECTS] = visible_objects(
                parts["instances"], parts["segmentation"], self.config.max_objects
            )
        if ACTION in self.config.labels:
            batch[ACTION] = self.simulation.expert_action()
        if SUCCESS in self.config.labels:
            batch[SUCCESS] = self._success.copy()
        state, poses = self.simulation.camera_views() if self._poses_needed else (None, {})
        pose = next(iter(poses.values()), np.zeros((0, 4, 4))).copy()
        before = state.snapshot() if state is not None and self._moves and self._drawn else None
        if self._drawn and not self._moves:
            batch |= self._draw(state, pose, None, pose)
        self._advance(self.config.interval)
        if self._moves and self._poses_needed:
            state, poses = self.simulation.camera_views()
            later = next(iter(poses.values()))
            if self._drawn:
                batch |= self._draw(state, pose, before, later)
            if CAMERA_MOTION in self.config.labels:
                batch[CAMERA_MOTION] = (np.linalg.inv(pose) @ later).astype(np.float32)
        if CAMERA_POSE in self.config.labels:
            batch[CAMERA_POSE] = pose.astype(np.float32)
        if NEXT_RGB in self.config.labels:
            batch[NEXT_RGB] = self._observe()["rgb"]
        self._frames_left -= 1
        return _filled({label: batch[label] for label in self.config.labels}, out)

    def skip(self) -> None:
        """Do as `make` does, but draw nothing: how a stream is gone on with."""
        self._restart()
        self._advance(self.config.stride)
        self._frames_left -= 1

    def close(self) -> None:
        """Release the simulation."""
        self.simulation.close()

    def _restart(self) -> None:
        """Begin new episodes where they are over or have given their frames."""
        lengths = 1 + self._draws.choice(2 * self.config.frames_per_episode - 1)
        seeds = self._draws.choice(SEED_RANGE) * 4 + SPLITS.index(self.config.split)
        worn = (self._frames_left <= 0) | self.simulation.truncated
        if self._recovers:
            failed = np.flatnonzero(self._ended & ~worn)
            if failed.size:
                self.simulation.recover(failed)
            self._ended[failed] = False
        over = np.flatnonzero(self._ended | worn)
        if over.size == 0:
            return
        self.simulation.reset(over, [int(seed) for seed in seeds[over]])
        self._actors.start(over)
        self._frames_left[over] = lengths[over]
        self._ended[over] = self._success[over] = False

    def _advance(self, steps: int) -> None:
        """Step; what has ended stands still in the frame that is about to be taken, and starts anew after it."""
        for _ in range(steps):
            measured = self.simulation.step(self._actors.act())
            self._ended |= measured.terminated
            self._success = np.asarray(measured.success, np.bool_)

    def _observe(self) -> Arrays:
        observation = self.simulation.observe()
        parts = observation if isinstance(observation, dict) else {self._observed[0]: observation}
        if "state" in self._observed and OBSERVED in parts:
            parts = {
                **parts,
                "state": np.concatenate([parts[OBSERVED], parts[ACHIEVED], parts[DESIRED]], axis=1),
            }
        if "goal" in self._observed and DESIRED in parts:
            parts = {**parts, "goal": parts[DESIRED]}
        name = next(iter(self.simulation.cameras))
        return {
            part.removeprefix(f"{name}/"): values[..., 0] if _is_map(part, values) else values
            for part, values in parts.items()
        }

    def _draw(self, state: Any, pose: NDArray[np.float64], before: Any, later: NDArray[np.float64]) -> Arrays:
        if self._renderer is None or self._renderer.state is not state:
            camera = next(iter(self.simulation.cameras.values()))
            self._renderer = Renderer(state, camera, self._drawn, self.config.num_threads)
        flow_target = (state.snapshot(), later) if before is not None else None
        return self._renderer.render(pose, snapshot=before, flow_target=flow_target)


_BEYOND = frozenset({*OUTPUT_TYPES, *OWN_LABELS}) - frozenset(IMAGE_PARTS)


def _is_map(part: str, values: NDArray[Any]) -> bool:
    """Whether a part is an image of one number a pixel, which observations give an axis of its own."""
    return part.rpartition("/")[2] in IMAGE_PARTS and values.ndim == 4 and values.shape[-1] == 1


def _filled(batch: Arrays, out: Arrays | None) -> Arrays:
    if out is None:
        return batch
    for name, values in batch.items():
        np.copyto(out[name], values)
    return out
