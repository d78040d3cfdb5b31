"""Fast camera for any PyBullet simulation."""

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

# Indoor lighting: a white surface is nearly white in every orientation.
LIGHT = {
    "sun_direction": (0.42, 0.35, 0.84),
    "sun_color": (0.58, 0.57, 0.55),
    "sky_zenith": (0.60, 0.63, 0.66),
    "sky_horizon": (0.82, 0.84, 0.86),
    "ground_light": (0.50, 0.50, 0.49),
    "fog_density": 0.0,
}


class PyBulletCamera:
    """Images and annotations of the visual shapes of a PyBullet simulation.

    For example:

        client = BulletClient(pybullet.DIRECT)
        client.loadURDF("franka_panda/panda.urdf", useFixedBase=True)
        camera = PyBulletCamera(client, Camera(width=224, height=224, fov_degrees=60.0))
        client.stepSimulation()
        image = camera.render(look_at((1.5, 0.5, 0.8), (0.0, 0.0, 0.4)))["rgb"]

    Every call renders the current poses, and follows added and removed bodies and changed shapes and colors. PyBullet
    does not report textures set by `changeVisualShape`: pass those in `textures`. Meshes are decimated to the camera's
    resolution, which takes seconds once for each mesh and machine.

    Limits: partly transparent shapes are rendered opaque, fully transparent ones are skipped. Height fields, soft
    bodies and meshes created in memory are not rendered; MJCF cylinders given by `fromto` may be misplaced.

    Args:
        client: a BulletClient, the module pybullet, or the number that `pybullet.connect` returned.
        camera: size, lens and mount; the mount is relative to `link`, or to the world without a `body`.
        outputs: outputs of `Renderer`, except those of motion. "instances" contains PyBullet body ids + 1.
        labels: semantic label by body id, see `LABELS`; "object" for those left out.
        body: id of the body that the camera is mounted on.
        link: link of that body, −1 for its base.
        textures: image file by body id and link, for textures set by `changeVisualShape`.

    Attributes:
        state: scene state, whose lighting, sky and fog may be written.

    Raises:
        InvalidOption: a client, body, link or label does not exist.
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
        self._mount_link = None if body is None else self._link(body, link)
        self._read(self._current_rows())
        for name, value in LIGHT.items():
            getattr(self.state, name)[...] = value

    def render(self, pose: ArrayLike | None = None) -> dict[str, NDArray[Any]]:
        """Render the current state of the simulation.

        Args:
            pose: (4, 4) world from camera, OpenCV axes (x right, y down, z forward), as from `look_at`; by default the
                pose of the mount.

        Returns:
            Output name to array, (H, W, 3) uint8 for "rgb".
        """
        rows = self._current_rows()
        if rows != self._rows:
            previous = self.state
            self._read(rows)
            for name in LIGHT:
                getattr(self.state, name)[...] = getattr(previous, name)
        self._bodies.update(self.state)
        images = self._renderer.render(self._pose(pose)[None])
        return {name: image[0] for name, image in images.items()}

    def _pose(self, pose: ArrayLike | None) -> NDArray[np.float64]:
        if pose is not None:
            array = np.asarray(pose, np.float64)
            if array.shape != (4, 4):
                raise InvalidOption(f"a camera's pose must have shape (4, 4), got {array.shape}")
            return array
        if self._mount_link is None:
            return self.camera.mount
        return self._mount_link(self._client)[0] @ self.camera.mount

    def _current_rows(self) -> list[Any]:
        return shape_rows(self._client, body_ids(self._client))

    def _read(self, rows: list[Any]) -> None:
        """Rebuild the scene; if that fails, the camera is left unchanged."""
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
