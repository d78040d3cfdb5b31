"""PyBullet bodies in a scene: visual shapes read once, and posed in every world from link states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from weakref import WeakSet

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.errors import InvalidOption
from camshaft.envs.rendering.pybullet.links import LinkPoses, body_ids, check_bodies, connection
from camshaft.envs.rendering.pybullet.shapes import BodyShape, read_shapes, shape_rows
from camshaft.envs.rendering.scene import Objects, Scene
from camshaft.envs.rendering.scene_state import SceneState


class PyBulletBodies:
    """Visual shapes of PyBullet bodies as objects of a scene, one slot a shape.

    For example, with one client a world, all with the same bodies:

        bodies = PyBulletBodies(clients[0], labels={robot: "robot"})
        state = SceneState(bodies.scene, len(clients))
        renderer = Renderer(state, Camera(fov_degrees=60.0))
        for world, client in enumerate(clients):
            bodies.update(state, world, client)
        images = renderer.render(camera_poses)

    The shapes are read from one client. The clients passed to `update` may have loaded the same bodies without visual
    shapes (`URDF_IGNORE_VISUAL_SHAPES`), which is much faster; only the ids of bodies and links must agree.
    Instance images contain PyBullet body ids + 1; 0 is the sky.

    Args:
        client: a BulletClient, the module pybullet, or the number that `pybullet.connect` returned.
        scene: scene to add the shapes to; a new one by default.
        labels: semantic label by body id, see `LABELS`; "object" for those left out.
        textures: image file by body id and link, for textures set by `changeVisualShape`, which PyBullet does not
            report.
        bodies: ids of the bodies to read; all by default.

    Attributes:
        scene: scene that contains the shapes.
        shapes: the shapes in the order of their slots.
        slots: slots of the shapes, as a slice into a world's slots.

    Raises:
        InvalidOption: a client, label or body does not exist.
        CorruptFile: a mesh or a texture is missing or unreadable; the scene is left unchanged.
    """

    def __init__(
        self,
        client: Any,
        scene: Scene | None = None,
        labels: Mapping[int, str] | None = None,
        textures: Mapping[tuple[int, int], str | Path] | None = None,
        bodies: Sequence[int] | None = None,
    ) -> None:
        self._client = connection(client)
        chosen = body_ids(self._client) if bodies is None else bodies
        check_bodies(self._client, [*chosen, *(labels or {})])
        rows = shape_rows(self._client, chosen)
        self.shapes: list[BodyShape] = read_shapes(self._client, rows, labels, textures)
        self.scene = Scene() if scene is None else scene
        self._links = LinkPoses(self._client, [(shape.body, shape.link) for shape in self.shapes])
        self._locals = np.array([shape.local for shape in self.shapes]).reshape(-1, 4, 4)
        self._objects = self._add_shapes()
        self._initialized: WeakSet[SceneState] = WeakSet()

    @property
    def slots(self) -> slice:
        """Slots of the shapes, as a slice into a world's slots."""
        return self._objects.slots

    def update(self, state: SceneState, world: int = 0, client: Any = None) -> None:
        """Update the poses of all shapes in one world of `state` from a client.

        The first call for a state also writes the colors and instance ids of the shapes in all of its worlds; later
        changes of `SceneState.colors` are kept.

        Args:
            state: state of `scene`.
            world: world index.
            client: client with the bodies; by default the one that the shapes were read from.

        Raises:
            CamshaftError: the client lacks one of the bodies.
        """
        if not self.shapes:
            return
        if state not in self._initialized:
            self._initialize(state)
        state.set_pose(self._objects, self.poses(client)[None], slice(world, world + 1))

    def poses(self, client: Any = None) -> NDArray[np.float64]:
        """(S, 4, 4) world from shape, current poses in a client; by default the one that the shapes were read from."""
        return self._links(self._client if client is None else client) @ self._locals

    def _initialize(self, state: SceneState) -> None:
        if state.scene is not self.scene:
            raise InvalidOption("state must be one of the scene that the bodies are in")
        state.meshes[:, self.slots] = self._objects.meshes
        state.colors[:, self.slots] = [shape.color for shape in self.shapes]
        state.instances[self.slots] = [shape.body + 1 for shape in self.shapes]
        self._initialized.add(state)

    def _add_shapes(self) -> Objects:
        """Add each shape as a kind of its own; returns `Objects` that span all of them, to set poses in one call."""
        start = self.scene.num_slots
        added: dict[int, int] = {}
        meshes = []
        for number, shape in enumerate(self.shapes):
            kind = self.scene.add(f"pybullet {start + number}", [shape.levels])
            meshes.append(added.setdefault(id(shape.levels), kind.meshes[0]))
        return Objects("pybullet", start, len(self.shapes), tuple(meshes), np.zeros((0, 3)))
