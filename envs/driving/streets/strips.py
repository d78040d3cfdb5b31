"""Builder of chunked meshes from strips along curves, flat polygons and quadrilaterals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving.road_network.curves import Curve
from camshaft.envs.rendering import Mesh, Surface

SAG = 0.05  # meters, largest deviation of chords from a curve
LONGEST = 14.0  # meters between cross-sections


@dataclass(frozen=True, eq=False)
class ChunkedMesh:
    """A mesh cut into chunks, for `SceneState.set_arena`.

    Attributes:
        mesh: world frame.
        vertex_splits, face_splits: (C + 1,) first vertex and face of each chunk.
        coarser: (C,) chunk that replaces each one where it is small, or −1.
        pixels: (C,) pixels of radius below which it is replaced.
    """

    mesh: Mesh
    vertex_splits: NDArray[np.int64]
    face_splits: NDArray[np.int64]
    coarser: NDArray[np.int64]
    pixels: NDArray[np.float64]

    @property
    def size(self) -> tuple[int, int, int]:
        """Number of vertices, faces and chunks."""
        return len(self.mesh.positions), len(self.mesh.faces), len(self.vertex_splits) - 1


@dataclass
class MeshBuilder:
    """Builder that collects vertices and faces; `cut` ends a chunk.

    Attributes:
        surfaces: surfaces that faces refer to by index.
    """

    surfaces: Sequence[Surface]
    _parts: list[tuple[FloatArray, FloatArray, FloatArray, NDArray[np.int64], int]] = field(
        default_factory=list
    )
    _vertices: int = 0
    _faces: int = 0
    _splits: list[tuple[int, int]] = field(default_factory=lambda: [(0, 0)])
    _coarser: list[int] = field(default_factory=list)
    _pixels: list[float] = field(default_factory=list)

    def cut(self, stands_in: float = 0.0) -> None:
        """End a chunk, unless it is empty.

        Args:
            stands_in: pixels of radius below which it is rendered instead of the previous chunk; 0 for an ordinary one.
        """
        if self._splits[-1] == (self._vertices, self._faces):
            return
        self._splits.append((self._vertices, self._faces))
        self._coarser.append(-1)
        self._pixels.append(0.0)
        if stands_in > 0.0:
            self._coarser[-2], self._pixels[-2] = len(self._coarser) - 1, stands_in

    def add(
        self,
        points: ArrayLike,
        faces: ArrayLike,
        surface: int,
        uvs: ArrayLike,
        normals: ArrayLike | None = None,
    ) -> None:
        """Add faces (F, 3) between points (n, 3) with texture coordinates (n, 2); normals point up by default."""
        positions = np.asarray(points, np.float64)
        up = np.tile([0.0, 0.0, 1.0], (len(positions), 1))
        directions = up if normals is None else np.asarray(normals, np.float64)
        numbers = np.asarray(faces, np.int64) + self._vertices
        self._parts.append((positions, directions, np.asarray(uvs, np.float64), numbers, surface))
        self._vertices += len(positions)
        self._faces += len(numbers)

    def strip(
        self,
        left: FloatArray,
        right: FloatArray,
        surface: int,
        uvs: tuple[FloatArray, FloatArray],
        normal: ArrayLike | None = None,
    ) -> None:
        """Add a strip between a left and a right line of points, (K, 3) each, seen from where left is left."""
        count = len(left)
        first = np.arange(count - 1)
        faces = np.concatenate(
            [
                np.column_stack([first, first + count, first + count + 1]),
                np.column_stack([first, first + count + 1, first + 1]),
            ]
        )
        normals = None if normal is None else np.concatenate([np.asarray(normal)] * 2)
        self.add(np.concatenate([left, right]), faces, surface, np.concatenate(uvs), normals)

    def polygon(self, outline: FloatArray, height: float, surface: int, scale: float) -> None:
        """Add a level polygon (K, 2), counter-clockwise, star-shaped about its center."""
        middle = outline.mean(axis=0)
        points = np.column_stack([np.vstack([outline, middle]), np.full(len(outline) + 1, height)])
        rim = np.arange(len(outline))
        faces = np.column_stack([np.full(len(rim), len(rim)), rim, np.roll(rim, -1)])
        self.add(points, faces, surface, points[:, :2] / scale)

    def quad(self, corners: ArrayLike, height: float, surface: int, uvs: ArrayLike | None = None) -> None:
        """Add a level quadrilateral (4, 2), counter-clockwise."""
        points = np.column_stack([np.asarray(corners), np.full(4, height)])
        where = points[:, :2] if uvs is None else uvs
        self.add(points, [[0, 1, 2], [0, 2, 3]], surface, where)

    def build(self) -> ChunkedMesh:
        """Build the mesh; faces after the last cut form a chunk, too."""
        self.cut()
        kinds = np.concatenate([np.full(len(part[3]), part[4]) for part in self._parts])
        splits = np.array(self._splits, np.int64)
        mesh = Mesh(
            np.concatenate([part[0] for part in self._parts]),
            np.concatenate([part[3] for part in self._parts]),
            np.concatenate([part[1] for part in self._parts]),
            np.concatenate([part[2] for part in self._parts]),
            kinds,
            tuple(self.surfaces),
        )
        return ChunkedMesh(
            mesh, splits[:, 0], splits[:, 1], np.array(self._coarser, np.int64), np.array(self._pixels)
        )


def stations(curve: Curve, start: float, stop: float) -> FloatArray:
    """Meters along a curve of cross-sections whose chords stay close to it."""
    inner = (curve.spacing * np.arange(len(curve.points)) >= start) & (
        curve.spacing * np.arange(len(curve.points)) <= stop
    )
    bend = float(np.abs(curve.curvature[inner]).max()) if inner.any() else 0.0
    step = min(LONGEST, np.sqrt(8.0 * SAG / max(bend, 1e-6)))
    return np.linspace(start, stop, max(1, int(np.ceil((stop - start) / step))) + 1)


def line(curve: Curve, distances: FloatArray, lateral: ArrayLike, height: float) -> FloatArray:
    """(K, 3) points at lateral offsets of a curve."""
    flat = curve.beside(distances, np.broadcast_to(np.asarray(lateral, np.float64), distances.shape))
    return np.column_stack([flat, np.full(len(flat), height)])


def along_uvs(distances: FloatArray, lateral: ArrayLike, scale: float) -> FloatArray:
    """(K, 2) texture coordinates: u to the left, v along."""
    beside = np.broadcast_to(np.asarray(lateral, np.float64), distances.shape)
    return np.column_stack([beside, distances]) / scale
