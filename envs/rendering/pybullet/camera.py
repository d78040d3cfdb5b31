"""A fast camera for anyone's PyBullet simulation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from camshaft.envs.errors import InvalidOption
from camshaft.envs.rendering.camera import Camera
from camshaft.envs.rendering.pybullet.bodies import PyBulletBodies
from camshaft.envs.rendering.pybullet.links import LinkPoses, body_ids, check_bodies, connection
from camshaft.envs.rendering.pybullet.shapes import shape_rows
from camshaft.envs.rendering.renderer import Renderer
from camshaft.envs.rendering.scene_state import SceneState

# The light of a room: a white surface is nearly white, wherever it faces.
LIGHT = {
    "sun_direction": (0.42, 0.35, 0.84),
    "sun_color": (0.58, 0.57, 0.55),
    "sky_zenith": (0.60, 0.63, 0.66),
    "sky_horizon": (0.82, 0.84, 0.86),
    "ground_light": (0.50, 0.50, 0.49),
    "fog_density": 0.0,
}


class PyBulletCamera:
    """Pictures and labels of a PyBullet simulation, of what it draws at the moment.

    For example:

        client = BulletClient(pybullet.DIRECT)
        client.loadURDF("franka_panda/panda.urdf", useFixedBase=True)
        camera = PyBulletCamera(client, Camera(width=224, height=224, fov_degrees=60.0))
        client.stepSimulation()
        image = camera.render(look_at((1.5, 0.5, 0.8), (0.0, 0.0, 0.4)))["rgb"]

    Every call sees bodies where they are now. Bodies that have come or gone, and shapes and colors that have changed,
    are noticed; textures set by `changeVisualShape` are not, as PyBullet does not tell of them: name those in
    `textures`. Meshes are decimated to the camera's resolution: that takes seconds at first, once a mesh and machine.
    Half transparent shapes are drawn opaque, wholly transparent ones not at all. Height fields, soft bodies, meshes
    made in memory and MJCF's cylinders from end to end are not seen, or not where they are.

    Args:
        client: a BulletClient, the module pybullet, or the number that `pybullet.connect` returned.
        camera: size, lens and mount: position and angles in the frame of `link`, or in the world where there is no
            `body`.
        outputs: any of `Renderer`'s outputs that need no second moment. "instances" holds PyBullet's body ids + 1.
        labels: semantic label by body id, see `LABELS`; "object" for those left out.
        body: id of the body that carries the camera.
        link: of that body, −1 for its base.
        textures: image file by body id and link, for textures set by `changeVisualShape`.

    Attributes:
        state: light, sky and fog of the picture, which may be written (`SceneState`).

    Raises:
        InvalidOption: no such client, body, link or label.
        CorruptFile: a mesh or a texture is missing or unreadable.
    """

    def __init__(
        self,
        client: Any,
        camera: Camera = Camera(fov_degrees=60.0, near=0.02),
        outputs: Sequence[str] = ("rgb",),
        labels: Mapping[int, str] | None = None,
        body: int | None = None,
        link: int = -1,
        textures: Mapping[tuple[int, int], str | Path] | None = None,
    ) -> None:
        self._client = connection(client)
        self.camera = camera
        self.outputs = tuple(outputs)
        self._labels, self._textures = dict(labels or {}), dict(textures or {})
        check_bodies(self._client, [*self._labels, *([] if body is None else [body])])
        self._carrier = None if body is None else self._link(body, link)
        self._read(self._current_rows())
        for name, value in LIGHT.items():
            getattr(self.state, name)[...] = value

    def render(self, pose: ArrayLike | None = None) -> dict[str, NDArray[Any]]:
        """Draw the simulation as it is now.

        Args:
            pose: (4, 4) world from camera, OpenCV axes (x right, y down, z forward), such as `look_at` gives; by
                default where the camera is mounted.

        Returns:
            Output name to array, (H, W, 3) uint8 for "rgb".
        """
        rows = self._current_rows()
        if rows != self._rows:
            before = self.state
            self._read(rows)
            for name in LIGHT:
                getattr(self.state, name)[...] = getattr(before, name)
        self._bodies.update(self.state)
        images = self._renderer.render(self._pose(pose)[None])
        return {name: image[0] for name, image in images.items()}

    def _pose(self, pose: ArrayLike | None) -> NDArray[np.float64]:
        if pose is not None:
            array = np.asarray(pose, np.float64)
            if array.shape != (4, 4):
                raise InvalidOption(f"a camera's pose must have shape (4, 4), got {array.shape}")
            return array
        if self._carrier is None:
            return self.camera.mount
        return self._carrier(self._client)[0] @ self.camera.mount

    def _current_rows(self) -> list[Any]:
        return shape_rows(self._client, body_ids(self._client))

    def _read(self, rows: list[Any]) -> None:
        """Build the scene anew; where that fails, the camera is as it was."""
        present = body_ids(self._client)
        labels = {body: label for body, label in self._labels.items() if body in present}
        bodies = PyBulletBodies(self._client, labels=labels, textures=self._textures)
        state = SceneState(bodies.scene, 1)
        self._renderer = Renderer(state, self.camera, self.outputs)
        self._bodies, self.state, self._rows = bodies, state, rows

    def _link(self, body: int, link: int) -> LinkPoses:
        joints = self._client.getNumJoints(body)
        if not -1 <= link < joints:
            raise InvalidOption(f"link must be within -1..{joints - 1} for body {body}, got {link!r}")
        return LinkPoses(self._client, [(body, link)])
