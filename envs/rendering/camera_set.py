"""Cameras of a simulation: rendering at the frame rate and through the sensor of each camera."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from camshaft.envs.errors import InvalidOption
from camshaft.envs.rendering.camera import Camera
from camshaft.envs.rendering.outputs import IMAGE_TYPES, image_shape
from camshaft.envs.rendering.renderer import Renderer
from camshaft.envs.rendering.scene_state import SceneSnapshot, SceneState
from camshaft.envs.rendering.sensor.model import SensorModel

UNNAMED = ""
NEVER = -1  # step of the frame of a world that has none yet


def parse_cameras(value: Any, defaults: Mapping[str, Camera]) -> dict[str, Camera]:
    """Cameras by name from user input.

    Args:
        value: None for `defaults`; one camera in any form that `Camera.parse` takes; or a mapping of names to such
            forms, each based on the default of its name or else on the first default.
        defaults: the task's own cameras; a task with a single camera names it "".
    """
    first = next(iter(defaults.values()))
    if value is None:
        return dict(defaults)
    fields = set(Camera.__dataclass_fields__)
    named = isinstance(value, Mapping) and value and not fields & set(value)
    if not named or not all(
        form is None or isinstance(form, Camera | Mapping | Sequence) for form in value.values()
    ):
        return {UNNAMED: Camera.parse(value, first)}
    for name in value:
        if not isinstance(name, str) or not name or "/" in name or "." in name:
            raise InvalidOption(f"the name of a camera is a text without '/' and '.', got {name!r}")
    return {name: Camera.parse(form, defaults.get(name, first)) for name, form in value.items()}


class CameraSet:
    """Renders the cameras of all worlds, each at its own frame rate, and applies their sensors.

    Between the frames of a camera that renders every few steps, the last frame is returned. A frame that was due at a
    step without `observe` is rendered at the next `observe`.

    Args:
        cameras: by name; "" for a single camera.
        outputs: image outputs of the renderer, the same for all cameras.
        num_worlds: N.
        num_threads: as in `Renderer`.

    Parts of an observation have the names of the outputs, or "<camera>/<output>" where cameras have names.
    """

    def __init__(
        self, cameras: Mapping[str, Camera], outputs: Sequence[str], num_worlds: int, num_threads: int
    ) -> None:
        self.cameras = dict(cameras)
        self.outputs = tuple(outputs)
        self._num_threads = num_threads
        self._streams = {
            name: _CameraStream(camera, self.outputs, num_worlds, num_threads, number)
            for number, (name, camera) in enumerate(self.cameras.items())
        }

    @property
    def spaces(self) -> dict[str, spaces.Box]:
        """Observation space of every part."""
        return {
            self._part(name, output): _space(camera, output)
            for name, camera in self.cameras.items()
            for output in self.outputs
        }

    def observe(
        self,
        state: SceneState,
        poses: Mapping[str, NDArray[np.float64]],
        worlds: NDArray[np.int64],
        seeds: NDArray[np.int64],
        steps: NDArray[np.int64],
        speeds: NDArray[np.float64] | None = None,
        fresh: bool = False,
    ) -> dict[str, NDArray[Any]]:
        """Images of the cameras of some worlds.

        Args:
            state: the scene; may be a new object after a change of its capacity.
            poses: (n, 4, 4) world from camera, by name.
            worlds: (n,) world indices.
            seeds: (N,) seeds of the episodes, for noise.
            steps: (N,) control steps since the start of the episode.
            speeds: (n,) m/s of the cameras along their optical axes, for rain.
            fresh: whether to render now, at any frame rate, and store nothing: for hypothetical views.
        """
        parts = {}
        for name, stream in self._streams.items():
            images = stream.observe(state, poses[name], worlds, seeds, steps, speeds, fresh)
            for output, image in images.items():
                parts[self._part(name, output)] = image if output == "rgb" else image[..., None]
        return parts

    def begin(self, worlds: NDArray[np.int64]) -> None:
        """Discard the frames of these worlds, at the start of new episodes."""
        for stream in self._streams.values():
            stream.begin(worlds)

    def get_state(self) -> dict[str, Any]:
        """State of the cameras that future images depend on, besides the state of the simulation."""
        return {name: stream.get_state() for name, stream in self._streams.items()}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Restore a state from `get_state`."""
        for name, stream in self._streams.items():
            stream.set_state(state[name])

    @staticmethod
    def _part(name: str, output: str) -> str:
        return f"{name}/{output}" if name else output


class _CameraStream:
    """Frames of one camera in all worlds."""

    def __init__(
        self, camera: Camera, outputs: Sequence[str], num_worlds: int, num_threads: int, number: int
    ) -> None:
        self._camera = camera
        self._outputs = tuple(outputs)
        self._num_threads = num_threads
        self._renderer: Renderer | None = None
        self._sensor = SensorModel(camera.sensor, camera, num_worlds, num_threads, number)
        self._has_blur = self._sensor.needs_flow and "rgb" in outputs
        self._frames: dict[str, NDArray[Any]] = {}
        if camera.every > 1 or self._has_blur:
            self._frames = {
                output: np.zeros((num_worlds, *image_shape(camera, output)), IMAGE_TYPES[output])
                for output in outputs
            }
        self._frame_steps = np.full(num_worlds, NEVER)  # step at which the stored frame was rendered
        self._last_poses = np.zeros((num_worlds if self._has_blur else 0, 4, 4))
        self._last_snapshot: SceneSnapshot | None = None

    def begin(self, worlds: NDArray[np.int64]) -> None:
        self._frame_steps[worlds] = NEVER

    def observe(
        self,
        state: SceneState,
        poses: NDArray[np.float64],
        worlds: NDArray[np.int64],
        seeds: NDArray[np.int64],
        steps: NDArray[np.int64],
        speeds: NDArray[np.float64] | None,
        fresh: bool,
    ) -> dict[str, NDArray[Any]]:
        if not self._frames or fresh:
            return self._render(state, poses, worlds, seeds, steps, speeds, fresh)
        every, frame_steps = self._camera.every, self._frame_steps[worlds]
        due = (frame_steps == NEVER) | (steps[worlds] // every != frame_steps // every)
        if due.any():
            some = worlds[due]
            images = self._render(
                state, poses[due], some, seeds, steps, None if speeds is None else speeds[due], False
            )
            for output, image in images.items():
                self._frames[output][some] = image
            self._frame_steps[some] = steps[some]
        return {output: frames[worlds] for output, frames in self._frames.items()}

    def _render(
        self,
        state: SceneState,
        poses: NDArray[np.float64],
        worlds: NDArray[np.int64],
        seeds: NDArray[np.int64],
        steps: NDArray[np.int64],
        speeds: NDArray[np.float64] | None,
        fresh: bool,
    ) -> dict[str, NDArray[Any]]:
        if self._renderer is None or self._renderer.state is not state:
            outputs = (*self._outputs, "flow") if self._has_blur else self._outputs
            self._renderer = Renderer(state, self._camera, outputs, self._num_threads)
        flow = None
        if not self._has_blur:
            images = self._renderer.render(poses, worlds)
        else:
            previous = self._previous_frame(state, poses, worlds, steps, fresh)
            images = self._renderer.render(poses, worlds, flow_target=previous)
            flow = images.pop("flow")
        self._sensor.apply(images, worlds, seeds, steps[worlds] // self._camera.every, flow, speeds)
        return images

    def _previous_frame(
        self,
        state: SceneState,
        poses: NDArray[np.float64],
        worlds: NDArray[np.int64],
        steps: NDArray[np.int64],
        fresh: bool,
    ) -> tuple[SceneSnapshot, NDArray[np.float64]]:
        """Snapshot and camera poses one frame interval ago, interpolated between the last rendered frame and now.

        The first frame of an episode has no motion, and neither has a hypothetical view.
        """
        if self._last_snapshot is None:
            self._last_snapshot = state.snapshot()
        still = np.full(len(worlds), True) if fresh else self._frame_steps[worlds] == NEVER
        elapsed = np.where(still, 1, steps[worlds] - self._frame_steps[worlds])
        fraction = np.where(still, 0.0, self._camera.every / elapsed)  # of the motion since the last frame
        previous_poses = self._last_poses[worlds].copy()
        previous = self._last_snapshot.copy()
        for past, present in zip(previous, state.current(), strict=True):
            past[worlds[still]] = present[worlds[still]]
        uneven = fraction != 1.0
        if uneven.any():
            some, rest = worlds[uneven], 1.0 - fraction[uneven]
            previous_poses[uneven] += rest[:, None, None] * (poses[uneven] - previous_poses[uneven])
            previous.poses[some] += rest[:, None, None, None] * (state.poses[some] - previous.poses[some])
        if not fresh:
            self._last_poses[worlds] = poses
            for past, present in zip(self._last_snapshot, state.current(), strict=True):
                past[worlds] = present[worlds]
        return previous, previous_poses

    def get_state(self) -> dict[str, Any]:
        snapshot = None if self._last_snapshot is None else self._last_snapshot.copy()
        return {
            "frames": {output: frames.copy() for output, frames in self._frames.items()},
            "frame_steps": self._frame_steps.copy(),
            "last_poses": self._last_poses.copy(),
            "last_snapshot": snapshot,
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        saved = {name: array.shape for name, array in state["frames"].items()}
        if saved != {name: array.shape for name, array in self._frames.items()}:
            self._frame_steps[:] = NEVER  # the frames are those of a camera with other options
            return
        for output, frames in state["frames"].items():
            self._frames[output][:] = frames
        self._frame_steps[:] = state["frame_steps"]
        self._last_poses[:] = state["last_poses"]
        snapshot = state["last_snapshot"]
        self._last_snapshot = None if snapshot is None else snapshot.copy()


def _space(camera: Camera, output: str) -> spaces.Box:
    kind = IMAGE_TYPES[output]
    if output == "rgb":
        return spaces.Box(0, 255, image_shape(camera, output), kind)
    shape = (*image_shape(camera, output), 1)
    if output == "depth":
        return spaces.Box(0.0, camera.far, shape, kind)
    return spaces.Box(0, np.iinfo(kind).max, shape, kind)
