"""Triangle meshes: what they hold, primitives, and what moves, merges and stretches them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from camshaft.envs.errors import InvalidOption
from camshaft.envs.rendering.meshes.surface import Surface


@dataclass(frozen=True, eq=False)
class Mesh:
    """Triangles with normals, texture coordinates and surfaces.

    Attributes:
        positions: (V, 3) float32, meters.
        faces: (F, 3) int32 vertex indices, counter-clockwise seen from outside.
        normals: (V, 3) float32 unit; None computes smooth ones from the faces.
        uvs: (V, 2) float32; textures repeat every 1.0.
        face_surfaces: (F,) int32 index into `surfaces`.
        surfaces: the surfaces of the mesh.
        error: meters by which it may stray from the shape that it stands for; what a level of detail is chosen by.

    Raises:
        InvalidOption: shapes that do not fit together, an index out of range, positions that are not finite, or
            no face at all.
    """

    positions: NDArray[np.float32]
    faces: NDArray[np.int32]
    normals: NDArray[np.float32] | None = None
    uvs: NDArray[np.float32] | None = None
    face_surfaces: NDArray[np.int32] | None = None
    surfaces: tuple[Surface, ...] = (Surface(),)
    error: float = 0.0

    def __post_init__(self) -> None:
        positions = np.ascontiguousarray(self.positions, np.float32)
        faces = np.ascontiguousarray(self.faces, np.int32)
        _require(
            positions.ndim == 2 and positions.shape[1:] == (3,), "positions must be (V, 3)", positions.shape
        )
        _require(faces.ndim == 2 and faces.shape[1:] == (3,), "faces must be (F, 3)", faces.shape)
        _require(len(faces) > 0, "a mesh needs at least one face", faces.shape)
        _require(
            faces.min() >= 0 and faces.max() < len(positions), "faces must index the vertices", faces.max()
        )
        _require(bool(np.isfinite(positions).all()), "positions must be finite", "NaN or infinity")
        normals = smooth_normals(positions, faces) if self.normals is None else self.normals
        uvs = np.zeros((len(positions), 2)) if self.uvs is None else self.uvs
        chosen = np.zeros(len(faces)) if self.face_surfaces is None else self.face_surfaces
        arrays = {
            "positions": positions,
            "faces": faces,
            "normals": np.ascontiguousarray(normals, np.float32),
            "uvs": np.ascontiguousarray(uvs, np.float32),
            "face_surfaces": np.ascontiguousarray(chosen, np.int32),
        }
        _require(
            arrays["normals"].shape == positions.shape, "normals must be (V, 3)", arrays["normals"].shape
        )
        _require(arrays["uvs"].shape == (len(positions), 2), "uvs must be (V, 2)", arrays["uvs"].shape)
        _require(
            arrays["face_surfaces"].shape == (len(faces),),
            "face_surfaces must be (F,)",
            arrays["face_surfaces"].shape,
        )
        in_range = arrays["face_surfaces"].min() >= 0 and arrays["face_surfaces"].max() < len(self.surfaces)
        _require(
            in_range,
            f"face_surfaces must index the {len(self.surfaces)} surfaces",
            arrays["face_surfaces"].max(),
        )
        for name, array in arrays.items():
            object.__setattr__(self, name, array)

    @classmethod
    def box(cls, size: ArrayLike, surface: Surface = Surface()) -> Mesh:
        """A box of `size` (x, y, z) meters about the origin, each side with texture coordinates 0..1."""
        half = 0.5 * np.broadcast_to(np.asarray(size, np.float64), 3)
        positions, normals = [], []
        for axis in range(3):
            for sign in (1.0, -1.0):
                normal = np.zeros(3)
                normal[axis] = sign
                across = np.roll(np.array([1.0, 0.0, 0.0]), axis + 1)
                along = np.cross(normal, across)
                corners = [
                    normal - across - along,
                    normal + across - along,
                    normal + across + along,
                    normal - across + along,
                ]
                positions += [corner * half for corner in corners]
                normals += [normal] * 4
        faces = [
            [4 * side + a, 4 * side + b, 4 * side + c]
            for side in range(6)
            for a, b, c in ((0, 1, 2), (0, 2, 3))
        ]
        uvs = np.tile([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]], (6, 1))
        return cls(np.array(positions), np.array(faces), np.array(normals), uvs, surfaces=(surface,))

    @classmethod
    def sphere(cls, radius: float, surface: Surface = Surface(), segments: int = 24, rings: int = 12) -> Mesh:
        """A sphere about the origin, of `segments` around z and `rings` from pole to pole."""
        polar = np.linspace(0.0, np.pi, rings + 1)
        profile = np.stack([np.sin(polar), np.cos(polar)], axis=1)
        return _revolve(profile * radius, profile, segments, surface)

    @classmethod
    def cylinder(cls, radius: float, height: float, surface: Surface = Surface(), segments: int = 16) -> Mesh:
        """A closed cylinder about the z axis, centered."""
        top, bottom = 0.5 * height, -0.5 * height
        side = _revolve(
            np.array([[radius, top], [radius, bottom]]), np.array([[1.0, 0.0], [1.0, 0.0]]), segments, surface
        )
        lid = _revolve(
            np.array([[0.0, top], [radius, top]]), np.array([[0.0, 1.0], [0.0, 1.0]]), segments, surface
        )
        base = _revolve(
            np.array([[radius, bottom], [0.0, bottom]]),
            np.array([[0.0, -1.0], [0.0, -1.0]]),
            segments,
            surface,
        )
        return cls.merge([side, lid, base])

    @classmethod
    def capsule(
        cls, radius: float, length: float, surface: Surface = Surface(), segments: int = 24, rings: int = 12
    ) -> Mesh:
        """A cylinder about the z axis with half a sphere at each end, centered; `length` is that of the cylinder."""
        polar = np.linspace(0.0, np.pi, 2 * (rings // 2) + 1)
        polar = np.insert(polar, rings // 2, 0.5 * np.pi)
        out = np.stack([np.sin(polar), np.cos(polar)], axis=1)
        shift = np.where(np.arange(len(polar)) <= rings // 2, 0.5 * length, -0.5 * length)
        return _revolve(out * radius + np.column_stack([0.0 * shift, shift]), out, segments, surface)

    @classmethod
    def cone(cls, radius: float, height: float, surface: Surface = Surface(), segments: int = 16) -> Mesh:
        """A closed cone about the z axis, base at z = 0, tip at z = height."""
        slant = np.array([height, radius]) / np.hypot(height, radius)
        side = _revolve(np.array([[0.0, height], [radius, 0.0]]), np.array([slant, slant]), segments, surface)
        base = _revolve(
            np.array([[radius, 0.0], [0.0, 0.0]]), np.array([[0.0, -1.0], [0.0, -1.0]]), segments, surface
        )
        return cls.merge([side, base])

    @classmethod
    def grid(cls, size_x: float, size_y: float, surface: Surface = Surface(), cells: int = 1) -> Mesh:
        """A flat sheet in the plane z = 0 facing up, of `cells` squares a side, texture coordinates 0..1."""
        ticks = np.linspace(0.0, 1.0, cells + 1)
        u, v = (axis.ravel() for axis in np.meshgrid(ticks, ticks, indexing="ij"))
        positions = np.stack([(u - 0.5) * size_x, (v - 0.5) * size_y, np.zeros_like(u)], axis=1)
        faces = _lattice_faces(cells, cells)
        normals = np.tile([0.0, 0.0, 1.0], (len(positions), 1))
        return cls(positions, faces, normals, np.stack([u, v], axis=1), surfaces=(surface,))

    @classmethod
    def load(cls, path: str | Path, surface: Surface | None = None) -> Mesh:
        """Read a mesh file: OBJ, STL, PLY, GLB, DAE or any other kind that trimesh reads.

        Args:
            path: the file.
            surface: how it looks; by default as the materials in the file say, each with its own color or texture.

        Raises:
            CorruptFile: missing, unreadable or without a triangle; or a texture that it names is.
        """
        from camshaft.envs.rendering.meshes.files import load_mesh

        return load_mesh(Path(path), surface)

    @classmethod
    def merge(cls, meshes: Sequence[Mesh]) -> Mesh:
        """One mesh of several; surfaces that are the same object are kept once."""
        surfaces = list(dict.fromkeys(surface for mesh in meshes for surface in mesh.surfaces))
        offsets = np.cumsum([0] + [len(mesh.positions) for mesh in meshes])
        tables = [np.array([surfaces.index(surface) for surface in mesh.surfaces]) for mesh in meshes]
        return cls(
            np.concatenate([mesh.positions for mesh in meshes]),
            np.concatenate([mesh.faces + offset for mesh, offset in zip(meshes, offsets, strict=False)]),
            np.concatenate([mesh.normals for mesh in meshes]),
            np.concatenate([mesh.uvs for mesh in meshes]),
            np.concatenate([table[mesh.face_surfaces] for mesh, table in zip(meshes, tables, strict=True)]),
            tuple(surfaces),
        )

    def transformed(self, matrix: ArrayLike) -> Mesh:
        """The mesh moved by a (4, 4) rigid or affine matrix."""
        matrix = np.asarray(matrix, np.float64)
        normals = self.normals @ np.linalg.inv(matrix[:3, :3])
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
        faces = self.faces if np.linalg.det(matrix[:3, :3]) > 0 else self.faces[:, ::-1]
        return replace(
            self,
            positions=self.positions @ matrix[:3, :3].T + matrix[:3, 3],
            normals=normals,
            faces=faces,
            error=self.error * float(np.linalg.norm(matrix[:3, :3], 2)),
        )

    def translated(self, offset: ArrayLike) -> Mesh:
        """The mesh moved by `offset` meters."""
        return replace(self, positions=self.positions + np.asarray(offset, np.float64))

    def scaled(self, factors: ArrayLike) -> Mesh:
        """The mesh stretched by one factor or one each for x, y, z."""
        return self.transformed(np.diag([*np.broadcast_to(np.asarray(factors, np.float64), 3), 1.0]))

    def decimated(self, faces: int) -> Mesh:
        """The mesh with about `faces` triangles (quadric error), each of the surface that was there before.

        Texture coordinates are lost. A mesh that has no more than that is returned as it is.
        """
        from camshaft.envs.rendering.simplification.levels import decimate

        return decimate(self, faces)


def smooth_normals(positions: NDArray[Any], faces: NDArray[Any]) -> NDArray[np.float32]:
    """(V, 3) unit normals: the area-weighted mean over the faces at each vertex."""
    corners = positions[faces].astype(np.float64)
    face_normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.zeros((len(positions), 3))
    for corner in range(3):
        np.add.at(normals, faces[:, corner], face_normals)
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    up = np.array([0.0, 0.0, 1.0])
    return np.where(lengths > 1e-20, normals / np.maximum(lengths, 1e-20), up).astype(np.float32)


def _require(condition: bool, message: str, given: Any) -> None:
    if not condition:
        raise InvalidOption(f"{message}; got {given}")


def _lattice_faces(rows: int, columns: int) -> NDArray[Any]:
    first = (np.arange(rows)[:, None] * (columns + 1) + np.arange(columns)).ravel()
    below = first + columns + 1
    return np.concatenate(
        [np.stack([first, below, below + 1], axis=1), np.stack([first, below + 1, first + 1], axis=1)]
    )


def _revolve(profile: NDArray[Any], normals: NDArray[Any], segments: int, surface: Surface) -> Mesh:
    """Turn a profile of (radius, z) points, listed from top to bottom, about the z axis."""
    angles = np.linspace(0.0, 2.0 * np.pi, segments + 1)
    turn = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    positions = np.concatenate(
        [np.column_stack([radius * turn, np.full(segments + 1, z)]) for radius, z in profile]
    )
    directions = np.concatenate(
        [np.column_stack([out * turn, np.full(segments + 1, up)]) for out, up in normals]
    )
    levels = np.linspace(1.0, 0.0, len(profile))
    uvs = np.column_stack([np.tile(angles / (2.0 * np.pi), len(profile)), np.repeat(levels, segments + 1)])
    faces = _lattice_faces(len(profile) - 1, segments)
    corners = positions[faces]
    areas = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    return Mesh(positions, faces[areas > 1e-12 * areas.max()], directions, uvs, surfaces=(surface,))
