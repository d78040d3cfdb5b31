"""Triangle meshes: arrays, primitives, merging and transformation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from camshaft.envs.errors import InvalidOption
from camshaft.envs.rendering.meshes.normals import smooth_normals
from camshaft.envs.rendering.meshes.surface import Surface


@dataclass(frozen=True, eq=False)
class Mesh:
    """Triangles with normals, texture coordinates and surfaces.

    Attributes:
        positions: (V, 3) float32, meters.
        faces: (F, 3) int32 vertex indices, counter-clockwise seen from outside.
        normals: (V, 3) float32 unit; None for smooth normals computed from the faces.
        uvs: (V, 2) float32 texture coordinates; textures repeat every 1.0.
        face_surfaces: (F,) int32 index into `surfaces`.
        surfaces: the surfaces of the mesh.
        error: meters, largest deviation from the original shape, by which a level of detail is chosen.

    Raises:
        InvalidOption: array shapes do not match, an index is out of range, a position is not finite, or there is no
            face.
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
        """A box of `size` (x, y, z) meters, centered at the origin; texture coordinates are 0..1 on each side."""
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
        """A sphere centered at the origin, with `segments` around z and `rings` from pole to pole."""
        polar = np.linspace(0.0, np.pi, rings + 1)
        profile = np.stack([np.sin(polar), np.cos(polar)], axis=1)
        return _revolve(profile * radius, profile, segments, surface)

    @classmethod
    def cylinder(cls, radius: float, height: float, surface: Surface = Surface(), segments: int = 16) -> Mesh:
        """A closed cylinder along z, centered at the origin."""
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
        """A capsule along z, centered at the origin; `length` excludes the half spheres at its ends."""
        polar = np.linspace(0.0, np.pi, 2 * (rings // 2) + 1)
        polar = np.insert(polar, rings // 2, 0.5 * np.pi)
        out = np.stack([np.sin(polar), np.cos(polar)], axis=1)
        shift = np.where(np.arange(len(polar)) <= rings // 2, 0.5 * length, -0.5 * length)
        return _revolve(out * radius + np.column_stack([0.0 * shift, shift]), out, segments, surface)

    @classmethod
    def cone(cls, radius: float, height: float, surface: Surface = Surface(), segments: int = 16) -> Mesh:
        """A closed cone along z, with its base at z = 0 and its tip at z = height."""
        slant = np.array([height, radius]) / np.hypot(height, radius)
        side = _revolve(np.array([[0.0, height], [radius, 0.0]]), np.array([slant, slant]), segments, surface)
        base = _revolve(
            np.array([[radius, 0.0], [0.0, 0.0]]), np.array([[0.0, -1.0], [0.0, -1.0]]), segments, surface
        )
        return cls.merge([side, base])

    @classmethod
    def grid(cls, size_x: float, size_y: float, surface: Surface = Surface(), cells: int = 1) -> Mesh:
        """A flat grid in the plane z = 0 facing up, with `cells` squares a side and texture coordinates 0..1."""
        ticks = np.linspace(0.0, 1.0, cells + 1)
        u, v = (axis.ravel() for axis in np.meshgrid(ticks, ticks, indexing="ij"))
        positions = np.stack([(u - 0.5) * size_x, (v - 0.5) * size_y, np.zeros_like(u)], axis=1)
        faces = _lattice_faces(cells, cells)
        normals = np.tile([0.0, 0.0, 1.0], (len(positions), 1))
        return cls(positions, faces, normals, np.stack([u, v], axis=1), surfaces=(surface,))

    @classmethod
    def merge(cls, meshes: Sequence[Mesh]) -> Mesh:
        """Merge several meshes into one; identical surface objects are kept once."""
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
        """The mesh transformed by a (4, 4) rigid or affine matrix."""
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
        """The mesh translated by `offset` meters."""
        return replace(self, positions=self.positions + np.asarray(offset, np.float64))

    def scaled(self, factors: ArrayLike) -> Mesh:
        """The mesh scaled by one factor, or by one each along x, y and z."""
        return self.transformed(np.diag([*np.broadcast_to(np.asarray(factors, np.float64), 3), 1.0]))


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
    """Surface of revolution about z of a profile of (radius, z) points, listed from top to bottom."""
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
