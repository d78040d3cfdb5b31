"""Scenes: the meshes that all worlds share, and what stands where in each world."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from envs.errors import CamshaftError, InvalidOption
from envs.rendering.labels import LABELS
from envs.rendering.mesh import Mesh
from envs.rendering.surface import Surface, Texture

HIDDEN = -1


@dataclass(frozen=True)
class Objects:
    """Slots of a scene that hold instances of one kind of object.

    Attributes:
        name: what they are.
        start: first slot.
        count: number of slots in each world.
        meshes: mesh ids of the variants, finest level of detail.
    """

    name: str
    start: int
    count: int
    meshes: tuple[int, ...]

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

    `mesh_ranges` rows are first vertex, vertices, first face, faces; `mesh_bounds` rows are centre x, y, z and
    radius; `mesh_coarser` is the next coarser level of detail or -1, to use below `mesh_pixels` pixels of radius.
    """

    positions: NDArray[np.float32]
    normals: NDArray[np.float32]
    uvs: NDArray[np.float32]
    faces: NDArray[np.int32]
    face_surfaces: NDArray[np.int32]
    mesh_ranges: NDArray[np.int32]
    mesh_bounds: NDArray[np.float32]
    mesh_coarser: NDArray[np.int32]
    mesh_pixels: NDArray[np.float32]
    surface_colours: NDArray[np.float32]
    surface_flags: NDArray[np.int32]
    surface_labels: NDArray[np.uint8]
    surface_textures: NDArray[np.int32]
    texture_levels: NDArray[np.int32]
    texels: NDArray[np.uint64]


class Scene:
    """The meshes, surfaces and kinds of object that all worlds share."""

    def __init__(self) -> None:
        self.meshes: list[Mesh] = []
        self.coarser: list[int] = []
        self.objects: dict[str, Objects] = {}
        self.arena: Arena | None = None
        self.num_slots = 0
        self._surfaces: dict[Surface, int] = {}

    def add(self, name: str, variants: Mesh | Sequence[Mesh | Sequence[Mesh]], count: int = 1) -> Objects:
        """Declare a kind of object.

        Args:
            name: what it is; once in a scene.
            variants: one mesh, or several to choose from by number; each a mesh or its levels of detail, finest
                first.
            count: how many of them a world may hold.
        """
        if name in self.objects:
            raise InvalidOption(f"the scene has objects named {name!r} already")
        choices = [variants] if isinstance(variants, Mesh) else list(variants)
        if not choices or count < 1:
            raise InvalidOption(
                f"objects {name!r} need at least one mesh and a count of at least 1, got {count}"
            )
        ids = tuple(self._add_levels([choice] if isinstance(choice, Mesh) else choice) for choice in choices)
        objects = Objects(name, self.num_slots, count, ids)
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
        colours, flags, labels, textures = self._surface_tables()
        texture_levels, texels = _pack_textures(_distinct_textures(self._surfaces))
        geometry = Geometry(
            positions=np.zeros((vertices, 3), np.float32),
            normals=np.zeros((vertices, 3), np.float32),
            uvs=np.zeros((vertices, 2), np.float32),
            faces=np.zeros((faces, 3), np.int32),
            face_surfaces=np.zeros(faces, np.int32),
            mesh_ranges=np.zeros((meshes, 4), np.int32),
            mesh_bounds=np.zeros((meshes, 4), np.float32),
            mesh_coarser=np.full(meshes, HIDDEN, np.int32),
            mesh_pixels=np.zeros(meshes, np.float32),
            surface_colours=colours,
            surface_flags=flags,
            surface_labels=labels,
            surface_textures=textures,
            texture_levels=texture_levels,
            texels=texels,
        )
        vertex = face = 0
        for index, mesh in enumerate(self.meshes):
            _write_mesh(geometry, mesh, vertex, face, self.known_surface_ids(mesh.surfaces))
            geometry.mesh_ranges[index] = (vertex, len(mesh.positions), face, len(mesh.faces))
            geometry.mesh_bounds[index] = bounding_sphere(mesh.positions)
            geometry.mesh_coarser[index] = self.coarser[index]
            if self.coarser[index] != HIDDEN:
                geometry.mesh_pixels[index] = 2.0 * np.sqrt(len(self.meshes[self.coarser[index]].faces))
            vertex += len(mesh.positions)
            face += len(mesh.faces)
        return geometry

    def _surface_tables(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
        surfaces = list(self._surfaces) or [Surface()]
        numbers = {texture: number for number, texture in enumerate(_distinct_textures(surfaces))}
        return (
            np.array([surface.colour for surface in surfaces], np.float32),
            np.array([surface.double_sided + 2 * surface.emissive for surface in surfaces], np.int32),
            np.array([LABELS[surface.label] for surface in surfaces], np.uint8),
            np.array([numbers.get(surface.texture, -1) for surface in surfaces], np.int32),  # type: ignore[arg-type]
        )


class SceneState:
    """What stands where, in which light, in each of `num_worlds` worlds.

    `place`, `set_pose` and `set_arena` say where things are; what else is listed may be written freely between
    renderings.

    Attributes (N worlds, S slots):
        poses: (N, S, 3, 4) float32 world from object; may scale. To read only.
        bounds: (N, S, 4) float32 bounding sphere of each slot, world frame: centre and radius. To read only.
        meshes: (N, S) int32 mesh id, or HIDDEN.
        colours: (N, S, 3) float32, multiply the surfaces' colours.
        sun_direction: (N, 3) unit, towards the sun.
        sun_colour, sky_zenith, sky_horizon, ground_light: (N, 3) display colours.
        fog_density: (N,) 1/m; what is seen through a distance d keeps exp(-density·d) of itself.
    """

    def __init__(self, scene: Scene, num_worlds: int) -> None:
        self.scene = scene
        self.num_worlds = num_worlds
        self.geometry = scene.pack(num_worlds)
        slots = scene.num_slots
        self.poses = np.zeros((num_worlds, slots, 3, 4), np.float32)
        self.poses[..., :3] = np.eye(3)
        self.bounds = np.zeros((num_worlds, slots, 4), np.float32)
        self.meshes = np.full((num_worlds, slots), HIDDEN, np.int32)
        self.colours = np.ones((num_worlds, slots, 3), np.float32)
        self.instances = np.arange(1, slots + 1, dtype=np.uint16)
        if scene.arena is not None:
            self.instances[scene.arena.start : scene.arena.start + scene.arena.max_chunks] = (
                scene.arena.instance
            )
        self.sun_direction = np.tile(np.array([0.41, 0.41, 0.81], np.float32), (num_worlds, 1))
        self.sun_colour = np.tile(np.array([1.0, 0.97, 0.9], np.float32), (num_worlds, 1))
        self.sky_zenith = np.tile(np.array([0.30, 0.50, 0.85], np.float32), (num_worlds, 1))
        self.sky_horizon = np.tile(np.array([0.78, 0.86, 0.94], np.float32), (num_worlds, 1))
        self.ground_light = np.tile(np.array([0.42, 0.42, 0.38], np.float32), (num_worlds, 1))
        self.fog_density = np.zeros(num_worlds, np.float32)

    def place(
        self,
        world: int,
        objects: Objects,
        positions: ArrayLike,
        yaw: ArrayLike = 0.0,
        scale: ArrayLike = 1.0,
        variant: ArrayLike = 0,
        colours: ArrayLike = 1.0,
    ) -> None:
        """Stand the first n objects of a kind upright in one world, and hide the rest.

        Args:
            world: which world.
            objects: the kind, with room for at least n.
            positions: (n, 3) metres.
            yaw: (n,) radians.
            scale: (n,).
            variant: (n,) which mesh of the kind.
            colours: (n, 3), multiply the surfaces' colours.
        """
        places = np.asarray(positions, np.float32).reshape(-1, 3)
        count = len(places)
        if count > objects.count:
            raise InvalidOption(f"{count} {objects.name!r} do not fit into {objects.count} slots")
        slots = slice(objects.start, objects.start + count)
        cosine, sine = np.cos(yaw) * scale, np.sin(yaw) * scale
        pose = self.poses[world, slots]
        pose[...] = 0.0
        pose[:, 0, 0] = pose[:, 1, 1] = cosine
        pose[:, 1, 0], pose[:, 0, 1] = sine, -np.asarray(sine)
        pose[:, 2, 2] = scale
        pose[:, :, 3] = places
        self.colours[world, slots] = colours
        self.meshes[world, objects.slots] = HIDDEN
        self.meshes[world, slots] = np.asarray(objects.meshes, np.int32)[np.asarray(variant)]
        self._bound(np.array([world]), slots)

    def set_pose(
        self, objects: Objects, poses: ArrayLike, worlds: NDArray[Any] | slice = slice(None)
    ) -> None:
        """Show all slots of a kind at these poses.

        Args:
            objects: the kind; its first variant is shown where nothing was shown before.
            poses: (n, count, 4, 4) or (n, 4, 4) world from object.
            worlds: n world indices, all by default.
        """
        matrices = np.asarray(poses, np.float32)
        shown = self.meshes[worlds, objects.slots]
        self.poses[worlds, objects.slots] = matrices.reshape(-1, objects.count, 4, 4)[:, :, :3]
        self.meshes[worlds, objects.slots] = np.where(shown == HIDDEN, objects.meshes[0], shown)
        self._bound(worlds, objects.slots)

    def set_arena(self, world: int, mesh: Mesh, vertex_splits: ArrayLike, face_splits: ArrayLike) -> None:
        """Replace a world's own geometry.

        Args:
            world: which world.
            mesh: in the world frame; its surfaces declared to `Scene.add_arena`.
            vertex_splits: (C + 1,) chunk c owns the vertices from vertex_splits[c] up to vertex_splits[c + 1].
            face_splits: (C + 1,) likewise; the faces of a chunk use its own vertices only.
        """
        arena = self.scene.arena
        if arena is None:
            raise CamshaftError("the scene has no arena: declare one by Scene.add_arena")
        vertices, faces = np.asarray(vertex_splits, np.int64), np.asarray(face_splits, np.int64)
        chunks = len(vertices) - 1
        self._check_chunks(arena, mesh, vertices, faces)
        first_vertex = len(self.geometry.positions) - (self.num_worlds - world) * arena.max_vertices
        first_face = len(self.geometry.faces) - (self.num_worlds - world) * arena.max_faces
        first_mesh = len(self.geometry.mesh_ranges) - (self.num_worlds - world) * arena.max_chunks
        _write_mesh(
            self.geometry, mesh, first_vertex, first_face, self.scene.known_surface_ids(mesh.surfaces)
        )
        owner = np.repeat(vertices[:-1], np.diff(faces))
        self.geometry.faces[first_face : first_face + len(mesh.faces)] -= owner[:, None].astype(np.int32)
        rows = slice(first_mesh, first_mesh + chunks)
        self.geometry.mesh_ranges[rows, 0] = first_vertex + vertices[:-1]
        self.geometry.mesh_ranges[rows, 1] = np.diff(vertices)
        self.geometry.mesh_ranges[rows, 2] = first_face + faces[:-1]
        self.geometry.mesh_ranges[rows, 3] = np.diff(faces)
        self.geometry.mesh_bounds[rows] = _chunk_bounds(mesh.positions, vertices)
        slots = slice(arena.start, arena.start + arena.max_chunks)
        self.meshes[world, slots] = HIDDEN
        self.meshes[world, arena.start : arena.start + chunks] = np.arange(first_mesh, first_mesh + chunks)
        self.bounds[world, arena.start : arena.start + chunks] = self.geometry.mesh_bounds[rows]

    def max_visible(self) -> tuple[int, int]:
        """Most vertices and faces that one world can show at once."""
        vertices = faces = 0
        for objects in self.scene.objects.values():
            vertices += objects.count * max(len(self.scene.meshes[mesh].positions) for mesh in objects.meshes)
            faces += objects.count * max(len(self.scene.meshes[mesh].faces) for mesh in objects.meshes)
        if self.scene.arena is not None:
            vertices += self.scene.arena.max_vertices
            faces += self.scene.arena.max_faces
        return vertices, faces

    def _bound(self, worlds: NDArray[Any] | slice, slots: slice) -> None:
        """Move the bounding spheres of these slots along with their poses."""
        poses, spheres = self.poses[worlds, slots], self.geometry.mesh_bounds[self.meshes[worlds, slots]]
        centres = np.einsum("nsij,nsj->nsi", poses[..., :3], spheres[..., :3]) + poses[..., 3]
        stretch = np.sqrt(np.square(poses[..., :3]).sum(axis=-2).max(axis=-1))
        self.bounds[worlds, slots, :3] = centres
        self.bounds[worlds, slots, 3] = 1.0001 * stretch * spheres[..., 3]

    @staticmethod
    def _check_chunks(
        arena: Arena, mesh: Mesh, vertices: NDArray[np.int64], faces: NDArray[np.int64]
    ) -> None:
        fits = len(vertices) - 1 <= arena.max_chunks and len(mesh.positions) <= arena.max_vertices
        if not fits or len(mesh.faces) > arena.max_faces:
            raise InvalidOption(
                f"{len(vertices) - 1} chunks, {len(mesh.positions)} vertices and {len(mesh.faces)} faces do not fit "
                f"into an arena of {arena.max_chunks}, {arena.max_vertices} and {arena.max_faces}"
            )
        ends = (vertices[-1], faces[-1]) == (len(mesh.positions), len(mesh.faces)) and len(vertices) == len(
            faces
        )
        owner = np.repeat(np.arange(len(faces) - 1), np.diff(faces)) if ends else np.zeros(0, np.int64)
        inside = ends and bool(
            (mesh.faces >= vertices[owner][:, None]).all()
            and (mesh.faces < vertices[owner + 1][:, None]).all()
        )
        if not inside:
            raise InvalidOption(
                "vertex_splits and face_splits must cover the mesh, faces within their own chunk"
            )


def bounding_sphere(positions: NDArray[Any]) -> NDArray[np.float32]:
    """(4,) centre x, y, z and radius of a sphere about the middle of the bounding box."""
    return _chunk_bounds(positions, np.array([0, len(positions)]))[0]


def _chunk_bounds(positions: NDArray[Any], splits: NDArray[np.int64]) -> NDArray[np.float32]:
    low = np.minimum.reduceat(positions, splits[:-1])
    high = np.maximum.reduceat(positions, splits[:-1])
    centre = 0.5 * (low + high)
    offsets = positions - np.repeat(centre, np.diff(splits), axis=0)
    squares = np.einsum("ij,ij->i", offsets, offsets, dtype=np.float64)
    radius = np.sqrt(np.maximum.reduceat(squares, splits[:-1])) * (1.0 + 1e-5)
    return np.column_stack([centre, radius]).astype(np.float32)


def _write_mesh(
    geometry: Geometry, mesh: Mesh, vertex: int, face: int, surface_ids: NDArray[np.int32]
) -> None:
    vertices, faces = slice(vertex, vertex + len(mesh.positions)), slice(face, face + len(mesh.faces))
    geometry.positions[vertices] = mesh.positions
    geometry.normals[vertices] = mesh.normals
    geometry.uvs[vertices] = mesh.uvs
    geometry.faces[faces] = mesh.faces
    geometry.face_surfaces[faces] = surface_ids[mesh.face_surfaces]


def _distinct_textures(surfaces: Any) -> list[Texture]:
    return list(dict.fromkeys(surface.texture for surface in surfaces if surface.texture is not None))


def _pack_textures(textures: list[Texture]) -> tuple[NDArray[np.int32], NDArray[np.uint64]]:
    """Texels as 16-bit lanes of 64-bit words, so that one multiplication blends all channels.

    Returns:
        (T, 16, 3) offset, log2 width and log2 height of each level (the last level repeated), and the texels.
    """
    table = np.zeros((max(1, len(textures)), 16, 3), np.int32)
    words: list[NDArray[np.uint64]] = [np.zeros(1, np.uint64)]
    offset = 1
    for number, texture in enumerate(textures):
        for index in range(16):
            if index < len(texture.levels):
                level = texture.levels[index].astype(np.uint64)
                words.append(
                    (level[..., 0] | level[..., 1] << np.uint64(16) | level[..., 2] << np.uint64(32)).ravel()
                )
                height, width = level.shape[:2]
                table[number, index] = (offset, width.bit_length() - 1, height.bit_length() - 1)
                offset += height * width
            else:
                table[number, index] = table[number, index - 1]
    return table, np.concatenate(words)
