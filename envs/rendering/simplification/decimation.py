"""Mesh decimation: quadric edge collapse, and vertex clustering where edges cannot be collapsed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.rendering.meshes.mesh import Mesh
from camshaft.envs.rendering.meshes.normals import split_at_creases
from camshaft.envs.rendering.simplification.sampling import sample_surface

AGGRESSIVENESS = (3, 5, 7)  # growth rate of the error threshold, tried in this order
CLUSTER_FACES = 1  # faces a grid cell, when clustering; edge collapse follows
SURFACE_SAMPLES = 20_000  # points among which the nearest surface is looked up


def decimate(mesh: Mesh, faces: int, surface_source: Mesh | None = None) -> Mesh:
    """Reduce a mesh to about `faces` triangles by quadric error; texture coordinates are lost.

    Args:
        mesh: the mesh; returned unchanged if it has at most `faces` triangles.
        faces: number of triangles to aim for.
        surface_source: mesh that the surface of each new face is taken from, at the nearest point; by default `mesh`.
    """
    import trimesh

    if len(mesh.faces) <= faces:
        return mesh
    welded = trimesh.Trimesh(mesh.positions, mesh.faces, process=False)
    welded.merge_vertices(merge_norm=True, merge_tex=True)
    points, triangles = np.asarray(welded.vertices, np.float32), np.asarray(welded.faces, np.int32)
    points, triangles = _collapse_edges(points, triangles[_is_proper(triangles)], faces)
    if 4 * len(triangles) > 5 * faces:
        points, triangles = _collapse_edges(*_cluster_vertices(points, triangles, faces), faces)
    if len(triangles) == 0:
        return mesh
    coarse = Mesh(*split_at_creases(points, triangles), surfaces=mesh.surfaces[:1])
    source = surface_source or mesh
    if len(source.surfaces) == 1:
        return coarse
    return replace(coarse, face_surfaces=_nearest_surfaces(source, coarse), surfaces=source.surfaces)


def _collapse_edges(
    points: NDArray[Any], triangles: NDArray[Any], faces: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Collapse edges by quadric error, at most halving the triangles at a time, with the lowest possible threshold."""
    import fast_simplification

    while len(triangles) > faces:
        target = max(faces, len(triangles) // 2)
        for aggressiveness in AGGRESSIVENESS:
            fewer = fast_simplification.simplify(points, triangles, target_count=target, agg=aggressiveness)
            if 10 * len(fewer[1]) <= 11 * target:
                break
        if 20 * len(fewer[1]) > 19 * len(triangles):
            break
        points, triangles = np.asarray(fewer[0], np.float32), np.asarray(fewer[1], np.int32)
    return points, triangles


def _cluster_vertices(
    points: NDArray[Any], triangles: NDArray[Any], faces: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Merge the vertices in each cell of a grid.

    Source: Rossignac and Borrel, "Multi-resolution 3D approximations for rendering complex scenes", 1993.
    """
    low, extent = points.min(axis=0), float(np.ptp(points, axis=0).max())
    cells = np.floor((points - low) / extent * np.sqrt(faces / CLUSTER_FACES)).astype(np.int64)
    _, owner, counts = np.unique(cells, axis=0, return_inverse=True, return_counts=True)
    owner = owner.reshape(-1)
    means = np.column_stack([np.bincount(owner, points[:, axis]) / counts for axis in range(3)])
    merged = owner[triangles].astype(np.int32)
    rotated = np.take_along_axis(merged, (merged.argmin(axis=1)[:, None] + np.arange(3)) % 3, axis=1)
    return means.astype(np.float32), np.unique(rotated[_is_proper(merged)], axis=0)


def _is_proper(triangles: NDArray[Any]) -> NDArray[np.bool_]:
    """(F,) whether the three corners of a triangle are different vertices."""
    different: NDArray[np.bool_] = (triangles[:, [0, 1, 2]] != triangles[:, [1, 2, 0]]).all(axis=1)
    return different


def _nearest_surfaces(mesh: Mesh, coarse: Mesh) -> NDArray[np.int32]:
    """(F,) index of the surface of `mesh` nearest to the centroid of each face of `coarse`."""
    from scipy.spatial import cKDTree

    points, owners = sample_surface(mesh, SURFACE_SAMPLES)
    centroids = coarse.positions[coarse.faces].mean(axis=1)
    return mesh.face_surfaces[owners[cKDTree(points).query(centroids)[1]]]  # type: ignore[index]
