"""Vertex normals of triangle meshes: smooth, or smooth with creases at sharp edges."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

CREASE_ANGLE = np.deg2rad(35.0)  # between faces; sharper edges stay sharp


def smooth_normals(positions: NDArray[Any], faces: NDArray[Any]) -> NDArray[np.float32]:
    """(V, 3) unit normals: the area-weighted mean of the faces at each vertex."""
    corners = positions[faces].astype(np.float64)
    face_normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.zeros((len(positions), 3))
    for corner in range(3):
        np.add.at(normals, faces[:, corner], face_normals)
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    up = np.array([0.0, 0.0, 1.0])
    return np.where(lengths > 1e-20, normals / np.maximum(lengths, 1e-20), up).astype(np.float32)


def split_at_creases(
    positions: NDArray[Any], faces: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Positions, faces and normals of a mesh whose vertices are duplicated along sharp edges."""
    import trimesh
    from trimesh.graph import smooth_shade

    welded = trimesh.Trimesh(positions, faces, process=False)
    welded.merge_vertices(merge_norm=True, merge_tex=True)
    shaded = smooth_shade(welded, angle=CREASE_ANGLE)
    return shaded.vertices, shaded.faces, unit_normals(shaded.vertex_normals)


def unit_normals(normals: NDArray[Any]) -> NDArray[Any]:
    """Normals scaled to unit length; upward where they are 0 or NaN, as those of degenerate triangles."""
    normals = np.nan_to_num(np.asarray(normals, np.float64))
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    return np.where(lengths > 1e-9, normals / np.maximum(lengths, 1e-9), [0.0, 0.0, 1.0])
