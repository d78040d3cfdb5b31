"""Scenes: the meshes, surfaces and kinds of object that all worlds share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from camshaft.envs.errors import InvalidOption
from camshaft.envs.rendering.geometry import NO_LEVEL, Geometry, pack_geometry
from camshaft.envs.rendering.meshes.mesh import Mesh
from camshaft.envs.rendering.meshes.surface import Surface

HIDDEN = -1


@dataclass(frozen=True)
class Objects:
    """A kind of object, and the slots of a scene that hold its instances.

    Attributes:
        name: name of the kind.
        start: first slot.
        count: number of slots in each world.
        meshes: mesh ids of the variants, finest level of detail.
        keypoints: (V, K, 3) meters, object frame, of every variant.
    """

    name: str
    start: int
    count: int
    meshes: tuple[int, ...]
    keypoints: NDArray[np.float64]

    @property
    def slots(self) -> slice:
        """The slots as a slice into a world's slots."""
        return slice(self.start, self.start + self.count)

    @property
    def instance(self) -> int:
        """Instance id of the first slot in instance images; the following slots have the following ids."""
        return self.start + 1


@dataclass(frozen=True)
class Arena:
    """Capacity reserved in each world for geometry of its own, such as a generated road.

    Attributes:
        start: first slot; each chunk of the geometry has a slot of its own.
        max_chunks, max_vertices, max_faces: capacity in each world.
        surfaces: all surfaces that its meshes may use.
    """

    start: int
    max_chunks: int
    max_vertices: int
    max_faces: int
    surfaces: tuple[Surface, ...]

    @property
    def slots(self) -> slice:
        """The slots as a slice into a world's slots."""
        return slice(self.start, self.start + self.max_chunks)

    @property
    def instance(self) -> int:
        """Instance id of the whole arena in instance images."""
        return self.start + 1


class Keypoints(NamedTuple):
    """Keypoints of all slots of a scene, K in total.

    Attributes:
        points: (P, 3) meters, object frame: those of all variants of all kinds.
        first: (M,) row of the first keypoint of a variant, by its mesh id.
        slots: (K,) slot of each keypoint.
        numbers: (K,) index of each keypoint within its slot.
    """

    points: NDArray[np.float64]
    first: NDArray[np.int64]
    slots: NDArray[np.int64]
    numbers: NDArray[np.int64]


class Scene:
    """The meshes, surfaces and kinds of object that all worlds share.

    Attributes:
        meshes: all meshes, by mesh id.
        coarser: mesh id of the next coarser level of detail of each mesh, or NO_LEVEL.
        objects: kinds of object by name.
        arena: capacity for geometry of each world, if any.
        num_slots: slots of each world.
        num_fixed_slots: how many of them, the first ones, hold what is fixed.
    """

    def __init__(self) -> None:
        self.meshes: list[Mesh] = []
        self.coarser: list[int] = []
        self.objects: dict[str, Objects] = {}
        self.arena: Arena | None = None
        self.num_slots = 0
        self.num_fixed_slots = 0
        self._surfaces: dict[Surface, int] = {}

    def add(
        self,
        name: str,
        variants: Mesh | Sequence[Mesh | Sequence[Mesh]],
        count: int = 1,
        keypoints: ArrayLike = (),
        fixed: bool = False,
    ) -> Objects:
        """Add a kind of object.

        Args:
            name: unique in the scene.
            variants: one mesh, or several variants; each is a mesh or its levels of detail, finest first.
            count: maximum number of instances in a world.
            keypoints: (K, 3) meters, object frame, points to annotate; or (V, K, 3) for each variant.
            fixed: whether it seldom moves, such as a room: cameras that stand still keep their image of it, and render
                only what moves before it. Fixed kinds are added first.
        """
        if name in self.objects:
            raise InvalidOption(f"the scene has objects named {name!r} already")
        choices = [variants] if isinstance(variants, Mesh) else list(variants)
        if not choices or count < 1:
            raise InvalidOption(
                f"objects {name!r} need at least one mesh and a count of at least 1, got {count}"
            )
        if fixed and self.num_fixed_slots < self.num_slots:
            raise InvalidOption(f"add objects {name!r}, which are fixed, before those that are not")
        ids = tuple(self._add_levels([choice] if isinstance(choice, Mesh) else choice) for choice in choices)
        objects = Objects(name, self.num_slots, count, ids, _variant_keypoints(keypoints, name, len(ids)))
        self.objects[name] = objects
        self.num_slots += count
        if fixed:
            self.num_fixed_slots = self.num_slots
        return objects

    def add_arena(
        self, max_vertices: int, max_faces: int, max_chunks: int, surfaces: Sequence[Surface]
    ) -> Arena:
        """Reserve capacity for geometry of each world; at most once in a scene."""
        if self.arena is not None:
            raise InvalidOption("the scene has an arena already")
        for surface in surfaces:
            self._add_surface(surface)
        self.arena = Arena(self.num_slots, max_chunks, max_vertices, max_faces, tuple(surfaces))
        self.num_slots += max_chunks
        return self.arena

    def keypoints(self) -> Keypoints:
        """Keypoints of all slots, in the order of the slots."""
        kinds = sorted(self.objects.values(), key=lambda objects: objects.start)
        first = np.zeros(len(self.meshes), np.int64)
        row = 0
        for kind in kinds:
            sizes = kind.keypoints.shape[1]
            for number, mesh in enumerate(kind.meshes):
                first[mesh] = row + number * sizes
            row += len(kind.meshes) * sizes
        slots = [np.repeat(np.arange(kind.count) + kind.start, kind.keypoints.shape[1]) for kind in kinds]
        numbers = [np.tile(np.arange(kind.keypoints.shape[1]), kind.count) for kind in kinds]
        return Keypoints(
            np.concatenate([np.zeros((0, 3)), *(kind.keypoints.reshape(-1, 3) for kind in kinds)]),
            first,
            np.concatenate([np.zeros(0, np.int64), *slots]),
            np.concatenate([np.zeros(0, np.int64), *numbers]),
        )

    def surface_ids(self, surfaces: Sequence[Surface]) -> NDArray[np.int32]:
        """Numbers of surfaces of the scene.

        Raises:
            InvalidOption: a surface was not declared to `add` or `add_arena`.
        """
        missing = [surface for surface in surfaces if surface not in self._surfaces]
        if missing:
            raise InvalidOption(f"declare every surface to add_arena first; not declared: {missing[0]!r}")
        return np.array([self._surfaces[surface] for surface in surfaces], np.int32)

    def pack(self, num_worlds: int) -> Geometry:
        """Pack all meshes into flat arrays, followed by empty capacity for the arena of each world."""
        arena = self.arena or Arena(0, 0, 0, 0, ())
        spare = (
            num_worlds * arena.max_vertices,
            num_worlds * arena.max_faces,
            num_worlds * arena.max_chunks,
        )
        return pack_geometry(self.meshes, self.coarser, list(self._surfaces), spare)

    def _add_surface(self, surface: Surface) -> None:
        self._surfaces.setdefault(surface, len(self._surfaces))

    def _add_levels(self, levels: Sequence[Mesh]) -> int:
        first = len(self.meshes)
        for level, mesh in enumerate(levels):
            for surface in mesh.surfaces:
                self._add_surface(surface)
            self.meshes.append(mesh)
            self.coarser.append(first + level + 1 if level + 1 < len(levels) else NO_LEVEL)
        return first


def _variant_keypoints(keypoints: ArrayLike, name: str, variants: int) -> NDArray[np.float64]:
    """(V, K, 3) keypoints of (K, 3) or (V, K, 3)."""
    points = np.array(keypoints, np.float64)
    if points.size == 0:
        return np.zeros((variants, 0, 3))
    if points.shape[-1] != 3 or points.ndim not in (2, 3) or (points.ndim == 3 and len(points) != variants):
        raise InvalidOption(
            f"keypoints of objects {name!r} must be (K, 3) or ({variants}, K, 3), got {points.shape}"
        )
    return np.array(np.broadcast_to(points, (variants, *points.shape[-2:])))
