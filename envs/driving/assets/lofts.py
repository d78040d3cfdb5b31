"""Lofted meshes over rings of corners: limbs, tubes, rounded bodies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving.assets.shapes import as_mesh_arrays
from camshaft.envs.rendering import Mesh, Surface


def loft(rings: ArrayLike, surfaces: Sequence[Surface], closed: bool = True) -> Mesh:
    """A smoothly shaded loft over rings of corners.

    Args:
        rings: (m, k, 3) meters; each is counter-clockwise, seen from the last ring toward the first.
        surfaces: m - 1, one per strip between two rings; or one for all.
        closed: whether the last corner of each ring is joined to the first.
    """
    points = np.asarray(rings, np.float64)
    strips, around = len(points) - 1, points.shape[1]
    here = np.arange(around if closed else around - 1)
    there = (here + 1) % around
    start = around * np.arange(strips)[:, None]
    lower_left, lower_right, upper_left, upper_right = (
        start + row for row in (here, there, here + around, there + around)
    )
    faces = np.stack([lower_left, lower_right, upper_right, lower_left, upper_right, upper_left], axis=-1)
    faces = faces.reshape(strips, -1, 3)
    palette = list(dict.fromkeys(surfaces))
    chosen = np.array([palette.index(surface) for surface in surfaces]) + np.zeros(strips, np.int64)
    chosen, faces = np.repeat(chosen, faces.shape[1]), faces.reshape(-1, 3)
    flat = points.reshape(-1, 3)
    sides = flat[faces]
    areas = np.linalg.norm(np.cross(sides[:, 1] - sides[:, 0], sides[:, 2] - sides[:, 0]), axis=1)
    kept = areas > 1e-9
    positions, triangles, normals, uvs = as_mesh_arrays(
        flat, faces[kept], _loft_normals(points, closed), np.zeros((len(flat), 2))
    )
    return Mesh(positions, triangles, normals, uvs, chosen[kept].astype(np.int32), tuple(palette))


def _loft_normals(points: FloatArray, closed: bool) -> FloatArray:
    """(m k, 3) normals of the corners; corners of a degenerate ring (a point) share their mean."""
    around = np.roll(points, -1, axis=1) - np.roll(points, 1, axis=1)
    aside = around if closed else np.gradient(points, axis=1)
    narrow = np.linalg.norm(aside, axis=2, keepdims=True) < 1e-9
    up = np.gradient(points, axis=0)
    nearest = np.concatenate([aside[1:2], aside[1:-1], aside[-2:-1]]) if len(points) > 2 else aside[::-1]
    normals = np.cross(np.where(narrow, nearest, aside), up)
    tips = narrow.all(axis=1)[:, 0]
    normals[tips] = normals[tips].mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(normals, axis=2, keepdims=True)
    return (normals / np.maximum(lengths, 1e-12)).reshape(-1, 3)


def tube(
    centerline: ArrayLike, radii: Sequence[float], segments: int, surface: Surface, aspect: float = 1.0
) -> Mesh:
    """A round tube about a line, open at both ends.

    Args:
        centerline: (m, 3) meters.
        radii: (m,) meters; 0 at a tip.
        segments: number of sides.
        surface: surface of the tube.
        aspect: ratio of width to depth.
    """
    line = np.asarray(centerline, np.float64)
    along = np.gradient(line, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    guide = np.array([1.0, 0.0, 0.0]) if abs(along[0, 0]) < 0.9 else np.array([0.0, 0.0, 1.0])
    depth = guide - (along @ guide)[:, None] * along
    depth /= np.linalg.norm(depth, axis=1, keepdims=True)
    width = np.cross(along, depth)
    angles = 2.0 * np.pi * np.arange(segments) / segments
    around = np.cos(angles)[:, None] * depth[:, None] + aspect * np.sin(angles)[:, None] * width[:, None]
    return loft(line[:, None] + np.asarray(radii)[:, None, None] * around, [surface])
