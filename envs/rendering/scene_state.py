"""What stands where, in which light, in every world of a scene."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from camshaft.envs.errors import CamshaftError, InvalidOption
from camshaft.envs.rendering.annotations.annotations import Moment
from camshaft.envs.rendering.meshes.mesh import Mesh
from camshaft.envs.rendering.packing import chunk_bounds, faces_within, write_mesh
from camshaft.envs.rendering.placing import bound_slots, stand_upright
from camshaft.envs.rendering.scene import HIDDEN, Arena, Objects, Scene


class SceneState:
    """What stands where, in which light, in each of `num_worlds` worlds.

    `place`, `set_pose` and `set_arena` say where things are; what else is listed may be written freely between
    renderings.

    Attributes (N worlds, S slots):
        poses: (N, S, 3, 4) float32 world from object; may scale. To read only.
        bounds: (N, S, 4) float32 bounding sphere of each slot, world frame: center and radius. To read only.
        meshes: (N, S) int32 mesh id, or HIDDEN.
        arena_changes: (N,) how often each world's own geometry was replaced. To read only.
        colors: (N, S, 3) float32, multiply the colors of the surfaces that are `tinted`.
        sun_direction: (N, 3) unit, toward the sun.
        sun_color, sky_zenith, sky_horizon, ground_light: (N, 3) display colors.
        fog_density: (N,) 1/m; what is seen through a distance d keeps exp(-density·d) of itself.
        lamp_positions, lamp_directions: (N, L, 3) meters and unit, world frame.
        lamp_colors: (N, L, 3) display color of a white surface 10 m away that faces the lamp; 0 is off. Lamps
            shine through what is in their way.
        lamp_cosines: (N, L, 2) cosine of the angle from a lamp's axis up to which it shines fully, and from which on
            not at all.
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
            self.instances[scene.arena.start : scene.arena.start + scene.arena.max_chunks] = (
                scene.arena.instance
            )
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
        """Stand the first n objects of a kind upright in one world, and hide the rest.

        Args:
            world: which world.
            objects: the kind, with room for at least n.
            positions: (n, 3) meters.
            yaw: (n,) radians.
            scale: (n,).
            variant: (n,) which mesh of the kind.
            colors: (n, 3), multiply the surfaces' colors.
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
        self.colors[world, slots] = colors
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

    def set_upright(self, objects: Objects, places: NDArray[np.float64], variants: NDArray[np.int64]) -> None:
        """Stand all slots of a kind upright in all worlds, as often as they move.

        Args:
            objects: the kind.
            places: (N, count, 4) x, y, z (meters) and heading (rad).
            variants: (N, count) which mesh of the kind; −1 for none.
        """
        stand_upright(
            places,
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
        """Replace a world's own geometry.

        Args:
            world: which world.
            mesh: in the world frame; its surfaces declared to `Scene.add_arena`.
            vertex_splits: (C + 1,) chunk c owns the vertices from vertex_splits[c] up to vertex_splits[c + 1].
            face_splits: (C + 1,) likewise; the faces of a chunk use its own vertices only.
            coarser: (C,) chunk that is drawn instead of each where it is small, or −1; such a chunk is drawn for no
                other reason.
            pixels: (C,) pixels of radius below which that is so.
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
        surface_ids = self.scene.known_surface_ids(mesh.surfaces)
        write_mesh(self.geometry, mesh, first_vertex, first_face, surface_ids, vertices, faces)
        rows = slice(first_mesh, first_mesh + chunks)
        self.geometry.mesh_ranges[rows, 0] = first_vertex + vertices[:-1]
        self.geometry.mesh_ranges[rows, 1] = np.diff(vertices)
        self.geometry.mesh_ranges[rows, 2] = first_face + faces[:-1]
        self.geometry.mesh_ranges[rows, 3] = np.diff(faces)
        self.geometry.mesh_bounds[rows] = chunk_bounds(mesh.positions, vertices)
        instead = np.full(chunks, HIDDEN) if coarser is None else np.asarray(coarser, np.int64)
        self.geometry.mesh_coarser[rows] = np.where(instead >= 0, first_mesh + instead, HIDDEN)
        self.geometry.mesh_pixels[rows] = pixels
        own = np.ones(chunks, bool)
        own[instead[instead >= 0]] = False
        shown = np.flatnonzero(own)
        slots = slice(arena.start, arena.start + arena.max_chunks)
        self.meshes[world, slots] = HIDDEN
        self.meshes[world, arena.start : arena.start + len(shown)] = first_mesh + shown
        self.bounds[world, arena.start : arena.start + len(shown)] = self.geometry.mesh_bounds[
            first_mesh + shown
        ]
        self.arena_changes[world] += 1

    def moment(self) -> Moment:
        """What stands where now, to draw it later or to tell how it has moved since."""
        return Moment(self.meshes, self.poses, self.bounds).copy()

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
        chosen = self._worlds[worlds]
        bound_slots(
            chosen, slots.start, slots.stop, self.poses, self.meshes, self.geometry.mesh_bounds, self.bounds
        )

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
        ends = ends and vertices[0] == faces[0] == 0 and bool((np.diff(vertices) > 0).all())
        ends = ends and bool((np.diff(faces) >= 0).all())
        if not ends or not faces_within(mesh.faces, vertices, faces):
            raise InvalidOption(
                "vertex_splits and face_splits must cover the mesh, faces within their own chunk"
            )
