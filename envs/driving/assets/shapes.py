"""Basic shapes of models: flat polygons, surfaces of revolution, walls and plates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from camshaft.envs.arrays import FloatArray
from camshaft.envs.rendering import Mesh, Surface

Polygon = tuple[ArrayLike, Surface, ArrayLike | None]

GOLDEN = 0.5 * (1.0 + 5.0**0.5)
UNIT_SQUARE = np.array(
    [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]
)  # texture coordinates of a whole texture


def polygon_mesh(polygons: Sequence[Polygon], crease: float = 0.0) -> Mesh:
    """A mesh of flat polygons that are convex, or at least star-shaped about their first corner.

    Args:
        polygons: (n, 3) corners, counter-clockwise from outside; surface; and (n, 2) texture coordinates
            or None.
        crease: rad; polygons of one surface that meet at a smaller angle are shaded as one curved sheet.
    """
    corners = [np.asarray(polygon[0], np.float64) for polygon in polygons]
    counts = np.array([len(points) for points in corners])
    positions = np.concatenate(corners)
    firsts = np.cumsum(counts) - counts
    crosses = np.cross(positions[firsts + 1] - positions[firsts], positions[firsts + 2] - positions[firsts])
    normals = np.repeat(crosses / np.linalg.norm(crosses, axis=1, keepdims=True), counts, axis=0)
    surfaces = list(dict.fromkeys(polygon[1] for polygon in polygons))
    numbers = np.array([surfaces.index(polygon[1]) for polygon in polygons])
    if crease > 0.0:
        normals = _bent_normals(positions, normals, np.repeat(numbers, counts), crease)
    owner = np.repeat(np.arange(len(corners)), counts - 2)
    later = np.arange(len(owner)) - np.repeat(np.cumsum(counts - 2) - (counts - 2), counts - 2) + 1
    faces = firsts[owner][:, None] + np.column_stack([np.zeros_like(later), later, later + 1])
    flat = [
        np.zeros((count, 2)) if uvs is None else uvs
        for (*_, uvs), count in zip(polygons, counts, strict=True)
    ]
    arrays = as_mesh_arrays(positions, faces, normals, np.concatenate(flat))
    return Mesh(*arrays, numbers[owner].astype(np.int32), tuple(surfaces))


def _bent_normals(
    positions: FloatArray, normals: FloatArray, owners: NDArray[np.int64], crease: float
) -> FloatArray:
    """(n, 3) means of an owner's normals that meet at one point at less than the crease angle."""
    meet = np.linalg.norm(positions[:, None] - positions, axis=2) < 1e-6
    meet &= (normals @ normals.T > np.cos(crease)) & (owners[:, None] == owners)
    total = meet @ normals
    return np.asarray(total / np.linalg.norm(total, axis=1, keepdims=True))


def lathe(
    profile: ArrayLike, segments: int, surface: Surface, repeats: tuple[float, float] = (1.0, 1.0)
) -> Mesh:
    """Surface of revolution of (radius, z) points, from top to bottom, about z; smooth around, creased at the points.

    Args:
        profile: (n, 2) meters, radius and z.
        segments: number of sides.
        surface: surface of all faces.
        repeats: number of texture repeats around and along the profile.
    """
    points = np.asarray(profile, np.float64)
    angles = np.linspace(0.0, 2.0 * np.pi, segments + 1)
    rings = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    parts = []
    for index, (upper, lower) in enumerate(pairwise(points)):
        outward = np.array([upper[1] - lower[1], lower[0] - upper[0]])
        outward /= np.linalg.norm(outward)
        ends = [np.column_stack([radius * rings, np.full(segments + 1, z)]) for radius, z in (upper, lower)]
        normals = np.tile(np.column_stack([outward[0] * rings, np.full(segments + 1, outward[1])]), (2, 1))
        around = repeats[0] * np.tile(angles / (2.0 * np.pi), 2)
        along = repeats[1] * (1.0 - (index + np.repeat([0.0, 1.0], segments + 1)) / (len(points) - 1))
        top = np.arange(segments)
        bottom = top + segments + 1
        faces = []
        if lower[0] > 0.0:
            faces.append(np.column_stack([top, bottom, bottom + 1]))
        if upper[0] > 0.0:
            faces.append(np.column_stack([top, bottom + 1, top + 1]))
        uvs = np.column_stack([around, along])
        arrays = as_mesh_arrays(np.concatenate(ends), np.concatenate(faces), normals, uvs)
        parts.append(Mesh(*arrays, surfaces=(surface,)))
    return Mesh.merge(parts)


def box(low: ArrayLike, high: ArrayLike, surface: Surface, sides: str = "xXyYzZ") -> list[Polygon]:
    """Sides of an upright box; seen from outside, texture coordinate u runs to the right, v upward.

    Args:
        low: lowest x, y, z, meters.
        high: highest x, y, z.
        surface: surface of all faces.
        sides: sides to make; "x" is the side at the lowest x, "X" at the highest.
    """
    (x, y, z), (far_x, far_y, top) = np.asarray(low, np.float64), np.asarray(high, np.float64)
    corners = {
        "x": [[x, far_y, z], [x, y, z], [x, y, top], [x, far_y, top]],
        "X": [[far_x, y, z], [far_x, far_y, z], [far_x, far_y, top], [far_x, y, top]],
        "y": [[x, y, z], [far_x, y, z], [far_x, y, top], [x, y, top]],
        "Y": [[far_x, far_y, z], [x, far_y, z], [x, far_y, top], [far_x, far_y, top]],
        "z": [[x, far_y, z], [far_x, far_y, z], [far_x, y, z], [x, y, z]],
        "Z": [[x, y, top], [far_x, y, top], [far_x, far_y, top], [x, far_y, top]],
    }
    return [(np.array(corners[side]), surface, UNIT_SQUARE) for side in sides]


def mirrored(polygons: Sequence[Polygon]) -> list[Polygon]:
    """Mirror images on the right of polygons on the left; their first corner stays first."""
    return [
        (_turned_back(corners) * [1.0, -1.0, 1.0], surface, None if uvs is None else _turned_back(uvs))
        for corners, surface, uvs in polygons
    ]


def _turned_back(rows: ArrayLike) -> FloatArray:
    """The rows in reverse order, except for the first."""
    return np.roll(np.asarray(rows, np.float64)[::-1], 1, axis=0)


def inset(
    corners: ArrayLike, across: tuple[float, float], along: tuple[float, float], offset: float = 0.01
) -> FloatArray:
    """(4, 3) a part of a flat or slightly bent (4, 3) panel, offset to its front.

    Args:
        corners: corners of the panel, counter-clockwise from outside.
        across: begin and end, as fractions of the way from its first to its second corner.
        along: begin and end, as fractions of the way from its first to its last corner.
        offset: meters from the panel.
    """
    a, b, c, d = np.asarray(corners, np.float64)
    positions = [
        (1.0 - v) * ((1.0 - u) * a + u * b) + v * ((1.0 - u) * d + u * c)
        for u, v in (
            (across[0], along[0]),
            (across[1], along[0]),
            (across[1], along[1]),
            (across[0], along[1]),
        )
    ]
    normal = np.cross(c - a, d - b)
    return np.array(positions) + offset * normal / np.linalg.norm(normal)


def disc(center: ArrayLike, radius: float, corners: int, surface: Surface, side: float) -> Polygon:
    """An upright disc in the x-z plane that faces +y or -y by `side`; u to the right, v up."""
    angles = 2.0 * np.pi * (np.arange(corners) + 0.5) / corners - 0.5 * np.pi  # a flat side at the bottom
    ring = np.column_stack([-side * np.cos(angles), np.zeros(corners), np.sin(angles)])
    uvs = 0.5 + 0.5 * np.column_stack([np.cos(angles), np.sin(angles)])
    return np.asarray(center, np.float64) + radius * ring, surface, uvs


def welded(mesh: Mesh) -> Mesh:
    """The mesh with duplicate vertices merged."""
    rows = np.concatenate([mesh.positions, mesh.normals, mesh.uvs], axis=1)  # type: ignore[arg-type]
    _, kept, numbers = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    return replace(
        mesh,
        positions=mesh.positions[kept],
        faces=numbers.reshape(-1).astype(np.int32)[mesh.faces],
        normals=mesh.normals[kept],  # type: ignore[index]
        uvs=mesh.uvs[kept],  # type: ignore[index]
    )


def wall(first: FloatArray, second: FloatArray, low: float, high: float) -> FloatArray:
    """(4, 3) an upright wall on the line from `first` to `second`, (2,) each; it faces to the right of the line."""
    return np.array([[*first, low], [*second, low], [*second, high], [*first, high]])


def plate(x: float, half_width: float, low: float, high: float) -> FloatArray:
    """(4, 3) an upright plate that faces -x; seen from the front, texture coordinate u runs to the right."""
    y = half_width
    return np.array([[x, y, low], [x, -y, low], [x, -y, high], [x, y, high]])


def with_surface(mesh: Mesh, surface: Surface) -> Mesh:
    """The mesh with its only surface replaced."""
    return replace(mesh, surfaces=(surface,))


def turned(angle: float) -> FloatArray:
    """(4, 4) rotation by `angle` radians about z."""
    matrix = np.eye(4)
    matrix[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return matrix


def blob(rng: np.random.Generator, roughness: float) -> Mesh:
    """A smoothly shaded, irregular ball of radius about 1 with 20 triangles."""
    corners, faces = _icosahedron()
    points = corners * (1.0 + roughness * rng.uniform(-1.0, 1.0, (len(corners), 1)))
    uvs = np.tile([[0.0, 0.0], [0.6, 0.0], [0.3, 0.5]], (len(faces), 1))
    apart = np.arange(3 * len(faces)).reshape(-1, 3)
    return Mesh(*as_mesh_arrays(points[faces.ravel()], apart, corners[faces.ravel()], uvs))


@cache
def _icosahedron() -> tuple[FloatArray, NDArray[np.int64]]:
    points = [[0.0, s * 1.0, t * GOLDEN] for s in (-1, 1) for t in (-1, 1)]
    corners = np.array([np.roll(point, turn) for turn in range(3) for point in points])
    corners /= np.hypot(1.0, GOLDEN)
    triples = np.array([[a, b, c] for a in range(12) for b in range(a + 1, 12) for c in range(b + 1, 12)])
    shape = corners[triples]
    edges = np.linalg.norm(shape - np.roll(shape, 1, axis=1), axis=2)
    faces = triples[(edges < 1.1).all(axis=1)]
    outward = np.linalg.det(corners[faces]) > 0.0
    return corners, np.where(outward[:, None], faces, faces[:, ::-1])


def as_mesh_arrays(
    positions: FloatArray, faces: NDArray[Any], normals: FloatArray, uvs: FloatArray
) -> tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.float32], NDArray[np.float32]]:
    """The arrays of a mesh in its dtypes."""
    return (
        positions.astype(np.float32),
        faces.astype(np.int32),
        normals.astype(np.float32),
        uvs.astype(np.float32),
    )
