"""Points sampled on the surface of a mesh, evenly by area."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.rendering.meshes.mesh import Mesh

SurfacePoints = tuple[NDArray[np.float64], NDArray[np.int64]]
"""(n, 3) points and the (n,) faces that they lie on."""


def sample_surface(mesh: Mesh, count: int) -> SurfacePoints:
    """Sample `count` points by stratified sampling in random order; the same points for the same mesh."""
    generator = np.random.default_rng(0)
    edges = np.cumsum(face_areas(mesh))
    strata = (np.arange(count) + generator.random(count)) / count * edges[-1]
    owners = np.minimum(np.searchsorted(edges, strata), len(edges) - 1)
    first, second = generator.random((2, count, 1))
    swap = first + second > 1.0
    first, second = np.where(swap, 1.0 - first, first), np.where(swap, 1.0 - second, second)
    a, b, c = (mesh.positions[mesh.faces[owners, corner]].astype(np.float64) for corner in range(3))
    order = generator.permutation(count)
    return (a + first * (b - a) + second * (c - a))[order], owners[order]


def face_areas(mesh: Mesh) -> NDArray[np.float64]:
    """(F,) twice the area of each face, never 0."""
    corners = mesh.positions[mesh.faces].astype(np.float64)
    return (
        np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) + 1e-20
    )
