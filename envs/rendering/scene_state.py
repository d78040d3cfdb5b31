"""State of a scene in many worlds: meshes and poses of the slots, colors, lighting, sky and fog."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from camshaft.envs.errors import CamshaftError, InvalidOption
from camshaft.envs.rendering.geometry import NO_LEVEL, bounding_spheres, faces_within, write_mesh
from camshaft.envs.rendering.meshes.mesh import Mesh
from camshaft.envs.rendering.placement import write_bounds, write_upright
from camshaft.envs.rendering.scene import HIDDEN, Arena, Objects, Scene


class SceneSnapshot(NamedTuple):
    """Meshes, poses and bounding spheres of all slots at one time, (N, S, …) as in `SceneState`."""

    meshes: NDArray[np.int32]
    poses: NDArray[np.float32]
    bounds: NDArray[np.float32]

    def copy(self) -> SceneSnapshot:
        """A deep copy."""
        return SceneSnapshot(self.meshes.copy(), self.poses.copy(), self.bounds.copy())


class SceneState:
    """State of a scene in each of `num_worlds` worlds.

    `place`, `set_pose`, `set_upright` and `set_arena` move objects; the attributes that are not read-only may be
    written freely between renderings.

    Attributes (N worlds, S slots, L lamps):
        poses: (N, S, 3, 4) float32 world from object; may scale. Read-only.
        bounds: (N, S, 4) float32 bounding sphere of each slot, world frame: center and radius. Read-only.
        meshes: (N, S) int32 mesh id, or HIDDEN.
        arena_changes: (N,) number of times that each world's own geometry was replaced. Read-only.
        colors: (N, S, 3) float32 factors of the colors of `tinted` surfaces.
        instances: (S,) uint16 instance ids of the slots.
        sun_direction: (N, 3) unit, toward the sun.
        sun_color, sky_zenith, sky_horizon, ground_light: (N, 3) display colors.
        fog_density: (N,) 1/m; the transmittance over a distance d is exp(-density·d).
        lamp_positions, lamp_directions: (N, L, 3) meters and unit, world frame.
        lamp_colors: (N, L, 3) display color of a white surface 10 m away that faces the lamp; 0 is off. Lamps cast no
            shadows.
        lamp_cosines: (N, L, 2) cosines of the angles from a lamp's axis up to which it has full intensity, and from
            which on it has none.
    """

    def __init__(self, scene: Scene, num_worlds: int, num_lamps: int = 2) -> None:
        self.scene = scene
        self.num_worlds = num_worlds
        self.geometry = scene.pack(num_worlds)
        self._worlds = np.arange(num_worlds)
        slots = scene.num_slots
        self.poses = np.zeros((num_worlds, slots, 3, 4), np.float32)
        self.poses[..., :3] = np.eye(3)
        self.bounds = np.zeros((num_worlds, slots, 4), np.float32)
        self.meshes = np.full((num_worlds, slots), HIDDEN, np.int32)
        self.arena_changes = np.zeros(num_worlds, np.int64)
        self.colors = np.ones((num_worlds, slots, 3), np.float32)
        self.instances = np.arange(1, slots + 1, dtype=np.uint16)
        if scene.arena is not None:
            self.instances[scene.arena.slots] = scene.arena.instance
        self.sun_direction = np.tile(np.array([0.41, 0.41, 0.81], np.float32), (num_worlds, 1))
        self.sun_color = np.tile(np.array([1.0, 0.97, 0.9], np.float32), (num_worlds, 1))
        self.sky_zenith = np.tile(np.array([0.30, 0.50, 0.85], np.float32), (num_worlds, 1))
        self.sky_horizon = np.tile(np.array([0.78, 0.86, 0.94], np.float32), (num_worlds, 1))
        self.ground_light = np.tile(np.array([0.42, 0.42, 0.38], np.float32), (num_worlds, 1))
        self.fog_density = np.zeros(num_worlds, np.float32)
        self.lamp_positions = np.zeros((num_worlds, num_lamps, 3), np.float32)
        self.lamp_directions = np.tile(np.array([1.0, 0.0, 0.0], np.float32), (num_worlds, num_lamps, 1))
        self.lamp_colors = np.zeros((num_worlds, num_lamps, 3), np.float32)
        self.lamp_cosines = np.tile(np.array([0.95, 0.6], np.float32), (num_worlds, num_lamps, 1))

    def place(
        self,
        world: int,
        objects: Objects,
        positions: ArrayLike,
        yaw: ArrayLike = 0.0,
        scale: ArrayLike = 1.0,
        variant: ArrayLike = 0,
        colors: ArrayLike = 1.0,
    ) -> None:
        """Place the first n objects of a kind upright in one world, and hide the rest.

        Args:
            world: world index.
            objects: the kind, with at least n slots.
            positions: (n, 3) meters.
            yaw: (n,) radians.
            scale: (n,).
            variant: (n,) variant of the kind.
            colors: (n, 3) factors of the surface colors.
        """
        points = np.asarray(positions, np.float32).reshape(-1, 3)
        count = len(points)
        if count > objects.count:
            raise InvalidOption(f"{count} {objects.name!r} do not fit into {objects.count} slots")
        slots = slice(objects.start, objects.start + count)
        cosine, sine = np.cos(yaw) * scale, np.sin(yaw) * scale
        pose = self.poses[world, slots]
        pose[...] = 0.0
        pose[:, 0, 0] = pose[:, 1, 1] = cosine
        pose[:, 1, 0], pose[:, 0, 1] = sine, -np.asarray(sine)
        pose[:, 2, 2] = scale
        pose[:, :, 3] = points
        self.colors[world, slots] = colors
        self.meshes[world, objects.slots] = HIDDEN
        self.meshes[world, slots] = np.asarray(objects.meshes, np.int32)[np.asarray(variant)]
        self._update_bounds(np.array([world]), slots)

    def set_pose(
        self, objects: Objects, poses: ArrayLike, worlds: NDArray[Any] | slice = slice(None)
    ) -> None:
        """Set the poses of all slots of a kind, and show them.

        Args:
            objects: the kind; hidden slots get its first variant.
            poses: (n, count, 4, 4) or (n, 4, 4) world from object.
            worlds: n world indices, all by default.
        """
        matrices = np.asarray(poses, np.float32)
        shown = self.meshes[worlds, objects.slots]
        self.poses[worlds, objects.slots] = matrices.reshape(-1, objects.count, 4, 4)[:, :, :3]
        self.meshes[worlds, objects.slots] = np.where(shown == HIDDEN, objects.meshes[0], shown)
        self._update_bounds(worlds, objects.slots)

    def set_upright(
        self, objects: Objects, placements: NDArray[np.float64], variants: NDArray[np.int64]
    ) -> None:
        """Place all slots of a kind upright in all worlds; faster than `place`, for objects that move at every step.

        Args:
            objects: the kind.
            placements: (N, count, 4) x, y, z (meters) and heading (radians).
            variants: (N, count) variant of the kind; −1 to hide the slot.
        """
        write_upright(
            placements,
            variants,
            np.asarray(objects.meshes, np.int32),
            objects.start,
            self.geometry.mesh_bounds,
            self.poses,
            self.bounds,
            self.meshes,
        )

    def set_arena(
        self,
        world: int,
        mesh: Mesh,
        vertex_splits: ArrayLike,
        face_splits: ArrayLike,
        coarser: ArrayLike | None = None,
        pixels: ArrayLike = 0.0,
    ) -> None:
        """Replace the geometry of a world's arena.

        Args:
            world: world index.
            mesh: mesh in the world frame; its surfaces must be declared to `Scene.add_arena`.
            vertex_splits: (C + 1,) chunk c has the vertices from vertex_splits[c] up to vertex_splits[c + 1].
            face_splits: (C + 1,) likewise; the faces of a chunk use vertices of the same chunk only.
            coarser: (C,) chunk that replaces each chunk where it is small in the image, or −1; such chunks are not
                rendered otherwise.
            pixels: (C,) radius in pixels below which it does.
        """
        arena = self.scene.arena
        if arena is None:
            raise CamshaftError("the scene has no arena: declare one by Scene.add_arena")
        vertices, faces = np.asarray(vertex_splits, np.int64), np.asarray(face_splits, np.int64)
        chunks = len(vertices) - 1
        _check_chunks(arena, mesh, vertices, faces)
        geometry, worlds_left = self.geometry, self.num_worlds - world
        first_vertex = len(geometry.positions) - worlds_left * arena.max_vertices
        first_face = len(geometry.faces) - worlds_left * arena.max_faces
        first_mesh = len(geometry.mesh_ranges) - worlds_left * arena.max_chunks
        surface_ids = self.scene.surface_ids(mesh.surfaces)
        write_mesh(geometry, mesh, first_vertex, first_face, surface_ids, vertices, faces)
        rows = slice(first_mesh, first_mesh + chunks)
        geometry.mesh_ranges[rows, 0] = first_vertex + vertices[:-1]
        geometry.mesh_ranges[rows, 1] = np.diff(vertices)
        geometry.mesh_ranges[rows, 2] = first_face + faces[:-1]
        geometry.mesh_ranges[rows, 3] = np.diff(faces)
        geometry.mesh_bounds[rows] = bounding_spheres(mesh.positions, vertices)
        levels = np.full(chunks, NO_LEVEL) if coarser is None else np.asarray(coarser, np.int64)
        geometry.mesh_coarser[rows] = np.where(levels >= 0, first_mesh + levels, NO_LEVEL)
        geometry.mesh_pixels[rows] = pixels
        is_finest = np.ones(chunks, bool)
        is_finest[levels[levels >= 0]] = False
        shown = first_mesh + np.flatnonzero(is_finest)
        slots = slice(arena.start, arena.start + len(shown))
        self.meshes[world, arena.slots] = HIDDEN
        self.meshes[world, slots] = shown
        self.bounds[world, slots] = geometry.mesh_bounds[shown]
        self.arena_changes[world] += 1

    def snapshot(self) -> SceneSnapshot:
        """Copy of the current meshes, poses and bounding spheres, to render later or to compute motion from."""
        return self.current().copy()

    def current(self) -> SceneSnapshot:
        """The current meshes, poses and bounding spheres as views, which change with the state."""
        return SceneSnapshot(self.meshes, self.poses, self.bounds)

    def max_visible(self, fixed: bool = False) -> tuple[int, int]:
        """Maximum numbers of vertices and faces that one world can show at once; or of its fixed objects alone."""
        vertices = faces = 0
        for objects in self.scene.objects.values():
            if fixed and objects.start >= self.scene.num_fixed_slots:
                continue
            vertices += objects.count * max(len(self.scene.meshes[mesh].positions) for mesh in objects.meshes)
            faces += objects.count * max(len(self.scene.meshes[mesh].faces) for mesh in objects.meshes)
        if self.scene.arena is not None and not fixed:
            vertices += self.scene.arena.max_vertices
            faces += self.scene.arena.max_faces
        return vertices, faces

    def _update_bounds(self, worlds: NDArray[Any] | slice, slots: slice) -> None:
        """Update the bounding spheres of these slots to their poses."""
        chosen = self._worlds[worlds]
        write_bounds(
            chosen, slots.start, slots.stop, self.poses, self.meshes, self.geometry.mesh_bounds, self.bounds
        )


def _check_chunks(arena: Arena, mesh: Mesh, vertices: NDArray[np.int64], faces: NDArray[np.int64]) -> None:
    fits = len(vertices) - 1 <= arena.max_chunks and len(mesh.positions) <= arena.max_vertices
    if not fits or len(mesh.faces) > arena.max_faces:
        raise InvalidOption(
            f"{len(vertices) - 1} chunks, {len(mesh.positions)} vertices and {len(mesh.faces)} faces do not fit "
            f"into an arena of {arena.max_chunks}, {arena.max_vertices} and {arena.max_faces}"
        )
    covers = (
        len(vertices) == len(faces)
        and (vertices[-1], faces[-1]) == (len(mesh.positions), len(mesh.faces))
        and vertices[0] == faces[0] == 0
        and bool((np.diff(vertices) > 0).all() and (np.diff(faces) >= 0).all())
    )
    if not covers or not faces_within(mesh.faces, vertices, faces):
        raise InvalidOption("vertex_splits and face_splits must cover the mesh, faces within their own chunk")
