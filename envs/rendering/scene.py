"""Scenes: the meshes, surfaces and kinds of object that all worlds share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from camshaft.envs.errors import InvalidOption
from camshaft.envs.rendering.cpu.texturing import LEVEL_FIELDS, LEVELS
from camshaft.envs.rendering.cpu.visibility import (
    DOUBLE_SIDED,
    EMISSIVE,
    HAS_MASKED,
    MASKED,
    METALLIC,
    NO_SHADOW,
    UNTINTED,
)
from camshaft.envs.rendering.meshes.labels import LABELS
from camshaft.envs.rendering.meshes.mesh import Mesh
from camshaft.envs.rendering.meshes.surface import Surface, Texture
from camshaft.envs.rendering.packing import bounding_sphere, write_mesh

HIDDEN = -1
MOST_ERROR_PIXELS = 0.5  # by which a level of detail may stray from the shape in the image


@dataclass(frozen=True)
class Objects:
    """Slots of a scene that hold instances of one kind of object.

    Attributes:
        name: what they are.
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
        """Instance id of the first slot in instance images; the next slots follow."""
        return self.start + 1


@dataclass(frozen=True)
class Arena:
    """Room for geometry that differs from world to world.

    Attributes:
        start: first slot; every chunk is drawn from a slot of its own.
        max_chunks, max_vertices, max_faces: capacity in each world.
        surfaces: every surface that its meshes may use.
    """

    start: int
    max_chunks: int
    max_vertices: int
    max_faces: int
    surfaces: tuple[Surface, ...]

    @property
    def instance(self) -> int:
        """Instance id of the whole arena in instance images."""
        return self.start + 1


class Geometry(NamedTuple):
    """Packed arrays of meshes, surfaces and textures, as the kernels read them.

    `face_planes` rows are the outward unit normal of a face and its offset, positive where a point (x, y, z, 1) is in
    front of it, and 0, 0, 0, 1 where it is drawn from both sides; `mesh_ranges` rows are first vertex, vertices, first
    face, faces; `mesh_bounds` rows are center x, y, z and radius; `mesh_coarser` is the next coarser level of detail or
    -1, to use below `mesh_pixels` pixels of radius; `mesh_boxes` rows are the lowest and highest x, y, z, the wrong way
    round for arenas; `mesh_flags` and `surface_flags` are those of `visibility`; `surface_gloss` rows are specular and
    log2 shininess; `surface_textures` is the number of a surface's texture, 0 for none; `texture_levels` (T, 16, 3) is
    the offset of each level in `texels`, its log2 width and log2 height, the last level again and again, and number 0
    a single white texel; `texels` have red in the lowest byte, then green, blue and alpha.
    """

    positions: NDArray[np.float32]
    normals: NDArray[np.float32]
    uvs: NDArray[np.float32]
    faces: NDArray[np.int32]
    face_surfaces: NDArray[np.int32]
    face_planes: NDArray[np.float32]
    mesh_ranges: NDArray[np.int32]
    mesh_bounds: NDArray[np.float32]
    mesh_coarser: NDArray[np.int32]
    mesh_pixels: NDArray[np.float32]
    mesh_boxes: NDArray[np.float32]
    mesh_flags: NDArray[np.int32]
    surface_colors: NDArray[np.float32]
    surface_flags: NDArray[np.int32]
    surface_gloss: NDArray[np.float32]
    surface_labels: NDArray[np.uint8]
    surface_textures: NDArray[np.int32]
    texture_levels: NDArray[np.int32]
    texels: NDArray[np.uint32]


class Keypoints(NamedTuple):
    """Keypoints of the slots of a scene, K in all.

    Attributes:
        points: (P, 3) meters, object frame: those of all variants of all kinds.
        first: (M,) row of the first keypoint of a variant, by the id of its mesh.
        slots: (K,) whose each is.
        numbers: (K,) which of its slot's.
    """

    points: NDArray[np.float64]
    first: NDArray[np.int64]
    slots: NDArray[np.int64]
    numbers: NDArray[np.int64]


class Scene:
    """The meshes, surfaces and kinds of object that all worlds share."""

    def __init__(self) -> None:
        self.meshes: list[Mesh] = []
        self.coarser: list[int] = []
        self.objects: dict[str, Objects] = {}
        self.arena: Arena | None = None
        self.num_slots = 0
        self._surfaces: dict[Surface, int] = {}

    def add(
        self,
        name: str,
        variants: Mesh | Sequence[Mesh | Sequence[Mesh]],
        count: int = 1,
        keypoints: ArrayLike = (),
    ) -> Objects:
        """Declare a kind of object.

        Args:
            name: what it is; once in a scene.
            variants: one mesh, or several to choose from by number; each a mesh or its levels of detail, finest
                first.
            count: how many of them a world may hold.
            keypoints: (K, 3) meters, object frame: points to annotate; or (V, K, 3), those of every variant.
        """
        if name in self.objects:
            raise InvalidOption(f"the scene has objects named {name!r} already")
        choices = [variants] if isinstance(variants, Mesh) else list(variants)
        if not choices or count < 1:
            raise InvalidOption(
                f"objects {name!r} need at least one mesh and a count of at least 1, got {count}"
            )
        ids = tuple(self._add_levels([choice] if isinstance(choice, Mesh) else choice) for choice in choices)
        objects = Objects(name, self.num_slots, count, ids, _keypoints_of(keypoints, name, len(ids)))
        self.objects[name] = objects
        self.num_slots += count
        return objects

    def add_arena(
        self, max_vertices: int, max_faces: int, max_chunks: int, surfaces: Sequence[Surface]
    ) -> Arena:
        """Reserve room for geometry that each world has to itself; one arena a scene."""
        if self.arena is not None:
            raise InvalidOption("the scene has an arena already")
        for surface in surfaces:
            self.surface_id(surface)
        self.arena = Arena(self.num_slots, max_chunks, max_vertices, max_faces, tuple(surfaces))
        self.num_slots += max_chunks
        return self.arena

    def keypoints(self) -> Keypoints:
        """Which keypoints every slot has, in the order of the slots."""
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

    def surface_id(self, surface: Surface) -> int:
        """Number of a surface, given at first sight."""
        return self._surfaces.setdefault(surface, len(self._surfaces))

    def known_surface_ids(self, surfaces: Sequence[Surface]) -> NDArray[np.int32]:
        """Numbers of surfaces that the scene has already.

        Raises:
            InvalidOption: a surface was not declared to `add` or `add_arena`.
        """
        missing = [surface for surface in surfaces if surface not in self._surfaces]
        if missing:
            raise InvalidOption(f"declare every surface to add_arena first; not declared: {missing[0]!r}")
        return np.array([self._surfaces[surface] for surface in surfaces], np.int32)

    def _add_levels(self, levels: Sequence[Mesh]) -> int:
        first = len(self.meshes)
        for level, mesh in enumerate(levels):
            for surface in mesh.surfaces:
                self.surface_id(surface)
            self.meshes.append(mesh)
            self.coarser.append(first + level + 1 if level + 1 < len(levels) else HIDDEN)
        return first

    def pack(self, num_worlds: int) -> Geometry:
        """All meshes in flat arrays, with empty room for each world's arena behind them."""
        arena = self.arena or Arena(0, 0, 0, 0, ())
        vertices = sum(len(mesh.positions) for mesh in self.meshes) + num_worlds * arena.max_vertices
        faces = sum(len(mesh.faces) for mesh in self.meshes) + num_worlds * arena.max_faces
        meshes = len(self.meshes) + num_worlds * arena.max_chunks
        surfaces = list(self._surfaces) or [Surface()]
        texture_levels, texels = _pack_textures(_distinct_textures(self._surfaces))
        geometry = Geometry(
            positions=np.zeros((vertices, 3), np.float32),
            normals=np.zeros((vertices, 3), np.float32),
            uvs=np.zeros((vertices, 2), np.float32),
            faces=np.zeros((faces, 3), np.int32),
            face_surfaces=np.zeros(faces, np.int32),
            face_planes=np.zeros((faces, 4), np.float32),
            mesh_ranges=np.zeros((meshes, 4), np.int32),
            mesh_bounds=np.zeros((meshes, 4), np.float32),
            mesh_coarser=np.full(meshes, HIDDEN, np.int32),
            mesh_pixels=np.zeros(meshes, np.float32),
            mesh_boxes=np.tile(np.array([1, 1, 1, -1, -1, -1], np.float32), (meshes, 1)),
            mesh_flags=np.full(meshes, NO_SHADOW, np.int32),
            surface_colors=np.array([surface.color for surface in surfaces], np.float32),
            surface_flags=np.array([_flags(surface) for surface in surfaces], np.int32),
            surface_gloss=np.array(
                [(surface.specular, math.log2(surface.shininess)) for surface in surfaces], np.float32
            ),
            surface_labels=np.array([LABELS[surface.label] for surface in surfaces], np.uint8),
            surface_textures=_texture_numbers(surfaces),
            texture_levels=texture_levels,
            texels=texels,
        )
        vertex = face = 0
        for index, mesh in enumerate(self.meshes):
            whole = np.array([0, len(mesh.positions)]), np.array([0, len(mesh.faces)])
            write_mesh(geometry, mesh, vertex, face, self.known_surface_ids(mesh.surfaces), *whole)
            geometry.mesh_ranges[index] = (vertex, len(mesh.positions), face, len(mesh.faces))
            geometry.mesh_bounds[index] = bounding_sphere(mesh.positions)
            geometry.mesh_boxes[index] = [*mesh.positions.min(axis=0), *mesh.positions.max(axis=0)]
            geometry.mesh_coarser[index] = self.coarser[index]
            masked = any(_flags(surface) & MASKED for surface in mesh.surfaces)
            geometry.mesh_flags[index] = HAS_MASKED if masked else 0
            if self.coarser[index] != HIDDEN:
                geometry.mesh_pixels[index] = _enough_pixels(
                    float(geometry.mesh_bounds[index, 3]), self.meshes[self.coarser[index]]
                )
            vertex += len(mesh.positions)
            face += len(mesh.faces)
        return geometry


def _keypoints_of(keypoints: ArrayLike, name: str, variants: int) -> NDArray[np.float64]:
    """(V, K, 3) of (K, 3) or (V, K, 3)."""
    points = np.array(keypoints, np.float64)
    if points.size == 0:
        return np.zeros((variants, 0, 3))
    if points.shape[-1] != 3 or points.ndim not in (2, 3) or (points.ndim == 3 and len(points) != variants):
        raise InvalidOption(
            f"keypoints of objects {name!r} must be (K, 3) or ({variants}, K, 3), got {points.shape}"
        )
    return np.array(np.broadcast_to(points, (variants, *points.shape[-2:])))


def _enough_pixels(radius: float, coarser: Mesh) -> float:
    """Pixels of radius below which the next coarser level of a mesh of `radius` meters will do."""
    if coarser.error > 0.0:
        return MOST_ERROR_PIXELS * radius / coarser.error
    return 2.0 * math.sqrt(len(coarser.faces))


def _flags(surface: Surface) -> int:
    masked = surface.texture is not None and surface.texture.has_alpha
    return (
        DOUBLE_SIDED * surface.double_sided
        + EMISSIVE * surface.emissive
        + MASKED * masked
        + METALLIC * surface.metallic
        + UNTINTED * (not surface.tinted)
    )


def _texture_numbers(surfaces: Sequence[Surface]) -> NDArray[np.int32]:
    numbers = {texture: number for number, texture in enumerate(_distinct_textures(surfaces), start=1)}
    return np.array(
        [0 if surface.texture is None else numbers[surface.texture] for surface in surfaces], np.int32
    )


def _distinct_textures(surfaces: Any) -> list[Texture]:
    return list(dict.fromkeys(surface.texture for surface in surfaces if surface.texture is not None))


def _pack_textures(textures: list[Texture]) -> tuple[NDArray[np.int32], NDArray[np.uint32]]:
    """The `texture_levels` and `texels` of textures that are numbered from 1 on."""
    white = np.array([np.iinfo(np.uint32).max], np.uint32)
    table = np.zeros((len(textures) + 1, LEVELS, LEVEL_FIELDS), np.int32)
    words, offset = [white], len(white)
    for number, texture in enumerate(textures, start=1):
        for index in range(LEVELS):
            if index < len(texture.levels):
                level = texture.levels[index].astype(np.uint32)
                channels = level << np.arange(0, 8 * level.shape[2], 8, dtype=np.uint32)
                words.append(np.bitwise_or.reduce(channels, axis=2).ravel())
                height, width = level.shape[:2]
                table[number, index] = (offset, width.bit_length() - 1, height.bit_length() - 1)
                offset += height * width
            else:
                table[number, index] = table[number, index - 1]
    return table, np.concatenate(words)
