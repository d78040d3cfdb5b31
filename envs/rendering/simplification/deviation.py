"""Deviation of a simplified mesh from the original: a quantile of the distances between their surfaces."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.rendering.meshes.mesh import Mesh
from camshaft.envs.rendering.simplification.sampling import SurfacePoints, sample_surface

TEST_SAMPLES = 2000
DENSE_SAMPLES = 20_000
QUANTILE = 0.95


class DeviationMeasure:
    """Measures the deviation of simplified meshes from one original, symmetrically.

    The nearest point is searched among faces of the same surface only: a color that has moved or disappeared counts as
    much as a change of shape.
    """

    def __init__(self, mesh: Mesh) -> None:
        self._mesh = mesh
        self._points = sample_surface(mesh, DENSE_SAMPLES)

    def __call__(self, coarse: Mesh) -> float:
        """Deviation in meters; infinite where too much of a surface has disappeared."""
        points = sample_surface(coarse, DENSE_SAMPLES)
        forth = _distances(self._mesh, self._points, coarse, points)
        back = _distances(coarse, points, self._mesh, self._points)
        return max(_quantile(forth), _quantile(back))


def _quantile(distances: NDArray[np.float64]) -> float:
    return float(np.sort(distances)[int(QUANTILE * len(distances))])


def _distances(mesh: Mesh, points: SurfacePoints, other: Mesh, dense: SurfacePoints) -> NDArray[np.float64]:
    """(TEST_SAMPLES,) distances of points of one mesh to the same surface of another.

    Args:
        mesh: the mesh that the points lie on.
        points: points of which the first TEST_SAMPLES are tested.
        other: the other mesh.
        dense: points of the other mesh, to find the nearest face by.
    """
    from scipy.spatial import cKDTree
    from trimesh.triangles import closest_point

    tested, owners = points[0][:TEST_SAMPLES], points[1][:TEST_SAMPLES]
    surfaces, other_surfaces = mesh.face_surfaces[owners], other.face_surfaces[dense[1]]  # type: ignore[index]
    distances = np.full(len(tested), np.inf)
    for surface in np.unique(surfaces):
        own, candidates = surfaces == surface, np.flatnonzero(other_surfaces == surface)
        if len(candidates):
            nearest = candidates[cKDTree(dense[0][candidates]).query(tested[own])[1]]
            triangles = other.positions[other.faces[dense[1][nearest]]].astype(np.float64)
            distances[own] = np.linalg.norm(closest_point(triangles, tested[own]) - tested[own], axis=1)
    return distances
