"""Labeled frames of a task, batch by batch: all worlds act, and each contributes a frame every few steps."""

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
from camshaft.perception.data.arrays import Arrays
from camshaft.perception.data.behavior_policies import POLICY_SHARES, BehaviorPolicies
from camshaft.perception.data.counter_rng import CounterRNG
from camshaft.perception.data.splits import SPLITS
from camshaft.perception.data.visible_objects import visible_objects

NEXT_RGB, ACTION, SUCCESS = "next_rgb", "action", "success"
CAMERA_POSE, CAMERA_MOTION = "camera_pose", "camera_motion"
OBJECTS = "objects"
OWN_LABELS = (NEXT_RGB, OBJECTS, ACTION, SUCCESS, CAMERA_POSE, CAMERA_MOTION)
BY_SLOT = (  # one row per object slot of the scene, whose number differs between episodes
    "boxes",
    "amodal_boxes",
    "boxes_3d",
    "keypoints",
)
RENDERED_LABELS = tuple(name for name in OUTPUT_TYPES if name not in BY_SLOT)
SEED_RANGE = 2**50

_NOT_OBSERVED = frozenset({*OUTPUT_TYPES, *OWN_LABELS}) - frozenset(IMAGE_PARTS)


@dataclass(frozen=True)
class FramesConfig:
    """Configuration of a stream of labeled frames.

    Attributes:
        task: id of the task, such as "camshaft/LaneKeeping-v0".
        labels: names of the arrays of a batch: images of the renderer ("rgb", "depth", "segmentation", "instances",
            "normals", "flow", …, see `camshaft.envs.rendering.Renderer`), state parts of the task ("state", …; in goal
            tasks, "state" is the observation, the achieved and the desired goal in one row), and OWN_LABELS: "objects"
            are the visible objects, (max_objects, 6) as in `visible_objects`; "next_rgb" is the frame `interval` steps
            later, to which "flow", "scene_flow" and "occluded" refer; "action" is the expert's action; "success" is
            whether the task is solved; "camera_pose" is the (4, 4) transform from camera to world; "camera_motion" is
            the (4, 4) transform from the camera `interval` steps later to this camera.
        batch_size: frames per batch, one from each of as many worlds.
        split: "train" and "val" share the appearance of training, in different episodes; "test" has an appearance that
            is never seen in training.
        randomize: overrides the appearance of the split: "train", "test" or None for the nominal appearance.
        seed: random seed; different seeds give different streams.
        camera: a single camera, as in `camshaft.envs.simulation.Simulation`.
        behavior_policy: one of POLICY_SHARES: "expert", "noisy_expert", "random", or "mixed" to sample one of them for
            each episode.
        stride: control steps between frames of a world.
        interval: control steps from a frame to the one that its motion labels refer to; at most `stride`.
        frames_per_episode: mean number of frames per episode. A world is reset after a random number of frames up to
            twice that, or when its episode is truncated. When it is terminated, it is reset as well, unless the task
            can recover it, such as a car that left the road.
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
    behavior_policy: str = "mixed"
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
        check_choice("behavior_policy", self.behavior_policy, POLICY_SHARES)
        object.__setattr__(self, "labels", tuple(self.labels))
        if isinstance(self.labels, str) or not self.labels or len(set(self.labels)) < len(self.labels):
            raise InvalidOption(f"labels must be one or more different names, got {self.labels!r}")
        accepted = (*RENDERED_LABELS, *OWN_LABELS, *find_task(self.task).simulation_class().state_parts)
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
    def appearance(self) -> Split:
        """Randomization of the worlds' appearance: "train", "test" or None."""
        if self.randomize == "split":
            return "test" if self.split == "test" else "train"
        return self.randomize  # type: ignore[return-value]


class FrameMaker:
    """Generator of the batches of a stream; world i depends only on the seed and i.

    Args:
        config: configuration of the stream.
        part: number of the stream among those that share the configuration, such as one per worker.

    Attributes:
        simulation: simulation of the task.
    """

    def __init__(self, config: FramesConfig, part: int = 0) -> None:
        self.config = config
        count = config.batch_size
        self._rng = CounterRNG((config.seed, SPLITS.index(config.split), part), np.arange(count))
        self._observed = _observed_parts(config.labels)
        self._rendered = tuple(
            label for label in config.labels if label in OUTPUT_TYPES and label not in IMAGE_PARTS
        )
        self.simulation: Simulation = make_simulation(
            config.task,
            count,
            obs_mode="+".join(self._observed or ["state"]),
            camera=config.camera,
            randomize=config.appearance,
            num_threads=config.num_threads,
            **config.task_options,
        )
        if len(self.simulation.cameras) != 1:
            raise InvalidOption(
                f"frames are of one camera, got {sorted(self.simulation.cameras)}; use one stream for each"
            )
        self._has_motion = bool({NEXT_RGB, CAMERA_MOTION, *MOTION_OUTPUTS} & set(config.labels))
        self._needs_pose = bool({CAMERA_POSE, CAMERA_MOTION} & set(config.labels)) or bool(self._rendered)
        self._policies = BehaviorPolicies(self.simulation, config.behavior_policy, self._rng)
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
        batch = self._current_labels()
        state, pose = self._camera_view()
        snapshot = None
        if self._rendered and self._has_motion:
            snapshot = state.snapshot()
        elif self._rendered:
            batch |= self._render(state, pose)
        if CAMERA_POSE in self.config.labels:
            batch[CAMERA_POSE] = pose.astype(np.float32)
        self._advance(self.config.interval)
        batch |= self._motion_labels(pose, snapshot)
        self._frames_left -= 1
        return _fill({label: batch[label] for label in self.config.labels}, out)

    def skip(self) -> None:
        """Advance the stream by a batch without rendering it, to resume a stream at a later batch."""
        self._restart()
        self._advance(self.config.stride)
        self._frames_left -= 1

    def close(self) -> None:
        """Release the simulation."""
        self.simulation.close()

    def _restart(self) -> None:
        """Recover or reset the worlds whose episode has ended, and reset those that have given all their frames."""
        lengths = 1 + self._rng.choice(2 * self.config.frames_per_episode - 1)
        seeds = self._rng.choice(SEED_RANGE) * 4 + SPLITS.index(self.config.split)
        finished = (self._frames_left <= 0) | self.simulation.truncated
        if self._recovers:
            failed = np.flatnonzero(self._ended & ~finished)
            if failed.size:
                self.simulation.recover(failed)
            self._ended[failed] = False
        over = np.flatnonzero(self._ended | finished)
        if over.size == 0:
            return
        self.simulation.reset(over, [int(seed) for seed in seeds[over]])
        self._policies.start(over)
        self._frames_left[over] = lengths[over]
        self._ended[over] = self._success[over] = False

    def _advance(self, steps: int) -> None:
        """Step all worlds; terminated worlds are restarted before the next frame, not within these steps."""
        for _ in range(steps):
            measured = self.simulation.step(self._policies.act())
            self._ended |= measured.terminated
            self._success = np.asarray(measured.success, np.bool_)

    def _current_labels(self) -> Arrays:
        """Labels of the current step that need neither the renderer nor the camera pose."""
        labels = self.config.labels
        parts = self._observe() if self._observed else {}
        batch: Arrays = {label: parts[label] for label in labels if label in parts}
        if OBJECTS in labels:
            batch[OBJECTS] = visible_objects(
                parts["instances"], parts["segmentation"], self.config.max_objects
            )
        if ACTION in labels:
            batch[ACTION] = self.simulation.expert_action()
        if SUCCESS in labels:
            batch[SUCCESS] = self._success.copy()
        return batch

    def _motion_labels(self, pose: NDArray[np.float64], snapshot: Any) -> Arrays:
        """Labels that relate an earlier frame, of this camera pose and scene snapshot, to the current step."""
        batch: Arrays = {}
        if self._has_motion and self._needs_pose:
            state, later = self._camera_view()
            if self._rendered:
                batch |= self._render(state, pose, snapshot, (state.snapshot(), later))
            if CAMERA_MOTION in self.config.labels:
                batch[CAMERA_MOTION] = (np.linalg.inv(pose) @ later).astype(np.float32)
        if NEXT_RGB in self.config.labels:
            batch[NEXT_RGB] = self._observe()["rgb"]
        return batch

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
            part.removeprefix(f"{name}/"): values[..., 0] if _is_single_channel(part, values) else values
            for part, values in parts.items()
        }

    def _camera_view(self) -> tuple[Any, NDArray[np.float64]]:
        """State of the scene and (N, 4, 4) camera poses, if any label needs them."""
        if not self._needs_pose:
            return None, np.zeros((0, 4, 4))
        state, poses = self.simulation.camera_views()
        return state, next(iter(poses.values())).copy()

    def _render(
        self, state: Any, pose: NDArray[np.float64], snapshot: Any = None, flow_target: Any = None
    ) -> Arrays:
        """Render the labels that are not part of the observation; arguments are those of `Renderer.render`."""
        if self._renderer is None or self._renderer.state is not state:
            camera = next(iter(self.simulation.cameras.values()))
            self._renderer = Renderer(state, camera, self._rendered, self.config.num_threads)
        return self._renderer.render(pose, snapshot=snapshot, flow_target=flow_target)


def _observed_parts(labels: tuple[str, ...]) -> list[str]:
    """Parts of the observation that the labels are made from."""
    observed = [label for label in labels if label in IMAGE_PARTS or label not in _NOT_OBSERVED]
    needed = ("rgb",) * (NEXT_RGB in labels) + ("instances", "segmentation") * (OBJECTS in labels)
    return observed + [part for part in needed if part not in observed]


def _is_single_channel(part: str, values: NDArray[Any]) -> bool:
    """Whether a part of the observation is an image with a channel axis of length 1."""
    return part.rpartition("/")[2] in IMAGE_PARTS and values.ndim == 4 and values.shape[-1] == 1


def _fill(batch: Arrays, out: Arrays | None) -> Arrays:
    if out is None:
        return batch
    for name, values in batch.items():
        np.copyto(out[name], values)
    return out
