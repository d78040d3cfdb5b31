"""The cameras of a simulation: what each of them sees, how often, and through which sensor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from camshaft.envs.errors import InvalidOption
from camshaft.envs.rendering.annotations.annotations import Moment
from camshaft.envs.rendering.camera import Camera
from camshaft.envs.rendering.renderer import IMAGE_TYPES, Renderer
from camshaft.envs.rendering.scene_state import SceneState
from camshaft.envs.rendering.sensor.model import SensorModel

UNNAMED = ""
NEVER = -1  # step of a picture that was not taken


def parse_cameras(value: Any, defaults: Mapping[str, Camera]) -> dict[str, Camera]:
    """Cameras by name from what a user may give.

    Args:
        value: None for `defaults`; one camera in any form that `Camera.parse` takes; or a mapping of names to such
            forms, each starting from the default of its name or, failing that, from the first.
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
    """Draws the cameras of all worlds, each at its own rate, and spoils what its sensor spoils.

    Between two pictures of a camera that takes one every few steps, the last one is seen again. A picture that was due
    while nobody looked is taken when somebody does.

    Args:
        cameras: by name; "" for the only one.
        outputs: image outputs of the renderer that every camera delivers.
        num_worlds: N.
        num_threads: as in `Renderer`.

    Names of the parts of an observation are the outputs', "<camera>/<output>" where cameras have names.
    """

    def __init__(
        self, cameras: Mapping[str, Camera], outputs: Sequence[str], num_worlds: int, num_threads: int
    ) -> None:
        self.cameras = dict(cameras)
        self.outputs = tuple(outputs)
        self._num_threads = num_threads
        self._views = {
            name: _View(camera, self.outputs, num_worlds, num_threads, number)
            for number, (name, camera) in enumerate(self.cameras.items())
        }

    @property
    def spaces(self) -> dict[str, spaces.Box]:
        """Space of every part."""
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
        """What the cameras of some worlds see.

        Args:
            state: the scene; a new one when the old one had no room.
            poses: (n, 4, 4) world from camera, by name.
            worlds: (n,) which.
            seeds: (N,) of the episodes, for the noise.
            steps: (N,) control steps since the episode began.
            speeds: (n,) m/s of the cameras along their axes, for the rain.
            fresh: draw now, whatever the rate, and remember nothing: for views that do not happen.
        """
        parts = {}
        for name, view in self._views.items():
            seen = view.observe(state, poses[name], worlds, seeds, steps, speeds, fresh)
            for output, image in seen.items():
                parts[self._part(name, output)] = image if output == "rgb" else image[..., None]
        return parts

    def begin(self, worlds: NDArray[np.int64]) -> None:
        """Forget what was seen in these worlds: new episodes begin there."""
        for view in self._views.values():
            view.begin(worlds)

    def get_state(self) -> dict[str, Any]:
        """What the future of the pictures depends on beyond the simulation's own state."""
        return {name: view.get_state() for name, view in self._views.items()}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Return to a state taken by `get_state`."""
        for name, view in self._views.items():
            view.set_state(state[name])

    @staticmethod
    def _part(name: str, output: str) -> str:
        return f"{name}/{output}" if name else output


class _View:
    """One camera of all worlds."""

    def __init__(
        self, camera: Camera, outputs: Sequence[str], num_worlds: int, num_threads: int, number: int
    ) -> None:
        self._camera = camera
        self._outputs = tuple(outputs)
        self._num_threads = num_threads
        self._renderer: Renderer | None = None
        self._sensor = SensorModel(camera.sensor, camera, num_worlds, num_threads, number)
        self._blurs = self._sensor.needs_flow and "rgb" in outputs
        self._held: dict[str, NDArray[Any]] = {}
        if camera.every > 1 or self._blurs:
            shapes = {output: _space(camera, output).shape for output in outputs}
            self._held = {
                output: np.zeros(
                    (num_worlds, *(shape if output == "rgb" else shape[:-1])), IMAGE_TYPES[output]
                )
                for output, shape in shapes.items()
            }
        self._taken = np.full(num_worlds, NEVER)  # the step of the picture that is held
        self._last_poses = np.zeros((num_worlds if self._blurs else 0, 4, 4))
        self._last_moment: Moment | None = None

    def begin(self, worlds: NDArray[np.int64]) -> None:
        self._taken[worlds] = NEVER

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
        if not self._held or fresh:
            return self._take(state, poses, worlds, seeds, steps, speeds, fresh)
        every, taken = self._camera.every, self._taken[worlds]
        due = (taken == NEVER) | (steps[worlds] // every != taken // every)
        if due.any():
            some = worlds[due]
            pictures = self._take(
                state, poses[due], some, seeds, steps, None if speeds is None else speeds[due], False
            )
            for output, picture in pictures.items():
                self._held[output][some] = picture
            self._taken[some] = steps[some]
        return {output: held[worlds] for output, held in self._held.items()}

    def _take(
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
            outputs = (*self._outputs, "flow") if self._blurs else self._outputs
            self._renderer = Renderer(state, self._camera, outputs, self._num_threads)
        flow = None
        if not self._blurs:
            images = self._renderer.render(poses, worlds)
        else:
            before = self._frame_before(state, poses, worlds, steps, fresh)
            images = self._renderer.render(poses, worlds, then=before)
            flow = images.pop("flow")
        self._sensor.apply(images, worlds, seeds, steps[worlds] // self._camera.every, flow, speeds)
        return images

    def _frame_before(
        self,
        state: SceneState,
        poses: NDArray[np.float64],
        worlds: NDArray[np.int64],
        steps: NDArray[np.int64],
        fresh: bool,
    ) -> tuple[Moment, NDArray[np.float64]]:
        """What these worlds looked like a frame ago, from the picture before: everything moves evenly between them.

        The first picture of an episode stands still, and so does one that does not happen.
        """
        if self._last_moment is None:
            self._last_moment = state.moment()
        still = np.full(len(worlds), True) if fresh else self._taken[worlds] == NEVER
        passed = np.where(still, 1, steps[worlds] - self._taken[worlds])
        share = np.where(still, 0.0, self._camera.every / passed)  # of the motion since the picture before
        before = self._last_poses[worlds].copy()
        then = self._last_moment.copy()
        for past, present in zip(then, (state.meshes, state.poses, state.bounds), strict=True):
            past[worlds[still]] = present[worlds[still]]
        uneven = share != 1.0
        if uneven.any():
            some, rest = worlds[uneven], 1.0 - share[uneven]
            before[uneven] += rest[:, None, None] * (poses[uneven] - before[uneven])
            then.poses[some] += rest[:, None, None, None] * (state.poses[some] - then.poses[some])
        if not fresh:
            self._last_poses[worlds] = poses
            for past, present in zip(
                self._last_moment, (state.meshes, state.poses, state.bounds), strict=True
            ):
                past[worlds] = present[worlds]
        return then, before

    def get_state(self) -> dict[str, Any]:
        moment = None if self._last_moment is None else self._last_moment.copy()
        held = {output: held.copy() for output, held in self._held.items()}
        return {
            "held": held,
            "taken": self._taken.copy(),
            "last_poses": self._last_poses.copy(),
            "last_moment": moment,
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        held = state["held"]
        if {name: array.shape for name, array in held.items()} != {
            name: array.shape for name, array in self._held.items()
        }:  # of a camera with other options, whose pictures are of no use here
            self._taken[:] = NEVER
            return
        for output, picture in held.items():
            self._held[output][:] = picture
        self._taken[:] = state["taken"]
        self._last_poses[:] = state["last_poses"]
        moment = state["last_moment"]
        self._last_moment = None if moment is None else moment.copy()


def _space(camera: Camera, output: str) -> spaces.Box:
    height, width = camera.height, camera.width
    if output == "rgb":
        return spaces.Box(0, 255, (height, width, 3), np.uint8)
    if output == "depth":
        return spaces.Box(0.0, camera.far, (height, width, 1), np.float32)
    limit = np.iinfo(IMAGE_TYPES[output]).max
    return spaces.Box(0, limit, (height, width, 1), IMAGE_TYPES[output])
