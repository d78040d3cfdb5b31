"""Texture baking: textures of a mesh replaced by a small palette of plain face colors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.rendering.meshes.mesh import Mesh
from camshaft.envs.rendering.meshes.surface import Surface, Texture
from camshaft.envs.rendering.simplification.sampling import face_areas

MAX_FACES_UNBAKED = 16  # a smaller mesh has no coarser levels anyway
MAX_COLORS = 8
MAX_COLOR_ERROR = 0.08  # root mean square, of display colors in 0..1


def bake_textures(mesh: Mesh) -> Mesh | None:
    """The mesh with plain face colors instead of textures; None where a small palette does not reproduce them."""
    textures = [surface.texture for surface in mesh.surfaces]
    if not any(textures):
        return mesh
    if len(mesh.faces) <= MAX_FACES_UNBAKED or any(texture and texture.has_alpha for texture in textures):
        return None
    colors = _face_colors(mesh)
    areas = face_areas(mesh)
    palette, nearest = _palette(colors, areas)
    error = np.average(np.square(colors - palette[nearest]).mean(axis=1), weights=areas)
    if error > MAX_COLOR_ERROR**2:
        return None
    label = mesh.surfaces[0].label
    surfaces = tuple(Surface(tuple(color.tolist()), label=label) for color in palette)  # type: ignore[arg-type]
    return Mesh(mesh.positions, mesh.faces, mesh.normals, None, nearest.astype(np.int32), surfaces)


def _face_colors(mesh: Mesh) -> NDArray[np.float64]:
    """(F, 3) display color of each face: that of its surface times the mean of its texture at four points."""
    colors = np.array([surface.color for surface in mesh.surfaces])[mesh.face_surfaces]
    weights = np.array([[1, 1, 1], [4, 1, 1], [1, 4, 1], [1, 1, 4]]) / np.array([[3], [6], [6], [6]])
    points = np.einsum("sc,fcd->fsd", weights, mesh.uvs[mesh.faces].astype(np.float64))  # type: ignore[index]
    for number, surface in enumerate(mesh.surfaces):
        if surface.texture is not None:
            own = mesh.face_surfaces == number
            colors[own] *= _texels(surface.texture, points[own]).mean(axis=1)
    return colors


def _texels(texture: Texture, uvs: NDArray[Any]) -> NDArray[np.float64]:
    image = texture.levels[0]
    height, width = image.shape[:2]
    columns = np.floor(uvs[..., 0] * width).astype(np.int64) % width
    rows = np.floor(uvs[..., 1] * height).astype(np.int64) % height
    return image[rows, columns, :3] / 255.0


def _palette(colors: NDArray[Any], weights: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """At most MAX_COLORS cluster centers, and the index of the nearest one to each color.

    K-means, started from the mean; each further center starts at the color with the largest weighted error.
    """
    centers: list[Any] = [np.average(colors, axis=0, weights=weights)]
    nearest = np.zeros(len(colors), np.int64)
    while len(centers) <= MAX_COLORS:
        for _ in range(8):
            distances = np.square(colors[:, None] - np.array(centers)).sum(axis=2)
            nearest = distances.argmin(axis=1)
            centers = [
                np.average(colors[nearest == k], axis=0, weights=weights[nearest == k])
                if (nearest == k).any()
                else center
                for k, center in enumerate(centers)
            ]
        errors = distances.min(axis=1)
        if len(centers) == MAX_COLORS or errors.max() < MAX_COLOR_ERROR**2:
            break
        centers.append(colors[(errors * weights).argmax()])
    return np.array(centers).clip(0.0, 1.0), nearest
