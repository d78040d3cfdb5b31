"""Levels of detail: a mesh in fewer and fewer triangles, each with its measured error."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.rendering.meshes.files import creased
from camshaft.envs.rendering.meshes.mesh import Mesh
from camshaft.envs.rendering.meshes.surface import Surface, Texture
from camshaft.envs.rendering.simplification.outer_shell import outer_shell

LEVEL_SIZES = tuple(2**power for power in range(12, 3, -1))  # triangles, 4,096 down to 16
LARGEST_ERROR = 0.5  # of the radius; coarser would no longer be the object
AGGRESSIVENESS = (3, 5, 7)  # how fast the errors that are allowed grow
CLUSTER_FACES = 1  # that a square of the grid's cells is to leave; a simplification follows
ERROR_SAMPLES = 2000
DENSE_SAMPLES = 20_000
ERROR_QUANTILE = 0.95
MAX_BAKED_COLORS = 8
BAKED_COLOR_ERROR = 0.08  # root mean square, of displayed colors in 0..1


_Samples = tuple[NDArray[np.float64], NDArray[np.int64]]  # (n, 3) points and (n,) the faces that they are on


def detail_levels(mesh: Mesh) -> tuple[Mesh, ...]:
    """The mesh and coarser ones, each of about half as many triangles, with `Mesh.error` measured.

    Below the mesh itself a texture is turned into plain colors, a few a mesh. A mesh whose texture says more than
    that, or of few triangles, has no coarser levels.
    """
    plain = bake_textures(mesh)
    radius = 0.5 * float(np.linalg.norm(np.ptp(mesh.positions, axis=0)))
    if plain is None or radius == 0.0:
        return (mesh,)
    plain = outer_shell(plain)
    levels = [mesh]
    measure = _ErrorMeasure(plain)
    for size in LEVEL_SIZES:
        if 4 * len(levels[-1].faces) < 5 * size:
            continue
        coarse = decimate(plain if len(levels) == 1 else levels[-1], size, plain)
        error = max(measure(coarse), levels[-1].error, 1e-9 * radius)
        if error > LARGEST_ERROR * radius:
            break
        if 5 * len(coarse.faces) > 4 * len(levels[-1].faces):
            break
        levels.append(replace(coarse, error=error))
    return tuple(levels)


def decimate(mesh: Mesh, faces: int, looks: Mesh | None = None) -> Mesh:
    """See `Mesh.decimated`; surfaces are those of `looks`, by default of the mesh, wherever it is nearest."""
    import trimesh

    if len(mesh.faces) <= faces:
        return mesh
    welded = trimesh.Trimesh(mesh.positions, mesh.faces, process=False)
    welded.merge_vertices(merge_norm=True, merge_tex=True)
    points, triangles = np.asarray(welded.vertices, np.float32), np.asarray(welded.faces, np.int32)
    whole = (triangles[:, [0, 1, 2]] != triangles[:, [1, 2, 0]]).all(axis=1)
    points, triangles = _simplify(points, triangles[whole], faces)
    if 4 * len(triangles) > 5 * faces:
        points, triangles = _simplify(*_cluster(points, triangles, faces), faces)
    if len(triangles) == 0:
        return mesh
    coarse = creased(points, triangles, mesh.surfaces[0])
    looks = looks or mesh
    if len(looks.surfaces) == 1:
        return coarse
    chosen = _nearest_surfaces(looks, coarse)
    return replace(coarse, face_surfaces=chosen, surfaces=looks.surfaces)


def _simplify(points: NDArray[Any], triangles: NDArray[Any], faces: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Collapse edges by quadric error, as gently as will do: half of the triangles at a time, small errors first."""
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


def _cluster(points: NDArray[Any], triangles: NDArray[Any], faces: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Merge the points in each cell of a grid: coarse, but it works where edges cannot be collapsed.

    Source: Rossignac and Borrel, "Multi-resolution 3D approximations for rendering complex scenes", 1993.
    """
    low, extent = points.min(axis=0), float(np.ptp(points, axis=0).max())
    cells = np.floor((points - low) / extent * np.sqrt(faces / CLUSTER_FACES)).astype(np.int64)
    _, owner, counts = np.unique(cells, axis=0, return_inverse=True, return_counts=True)
    owner = owner.reshape(-1)
    middles = np.column_stack([np.bincount(owner, points[:, axis]) / counts for axis in range(3)])
    merged = owner[triangles].astype(np.int32)
    whole = (merged[:, [0, 1, 2]] != merged[:, [1, 2, 0]]).all(axis=1)
    turned = np.take_along_axis(merged, (merged.argmin(axis=1)[:, None] + np.arange(3)) % 3, axis=1)
    return middles.astype(np.float32), np.unique(turned[whole], axis=0)


def bake_textures(mesh: Mesh) -> Mesh | None:
    """The mesh with each face in the plain color of its texture there; None where a few colors do not say it."""
    textures = [surface.texture for surface in mesh.surfaces]
    if not any(textures):
        return mesh
    if len(mesh.faces) <= LEVEL_SIZES[-1] or any(texture and texture.has_alpha for texture in textures):
        return None
    colors = _face_colors(mesh)
    areas = _areas(mesh)
    palette, nearest = _palette(colors, areas)
    error = np.average(np.square(colors - palette[nearest]).mean(axis=1), weights=areas)
    if error > BAKED_COLOR_ERROR**2:
        return None
    label = mesh.surfaces[0].label
    surfaces = tuple(Surface(tuple(color.tolist()), label=label) for color in palette)  # type: ignore[arg-type]
    return Mesh(mesh.positions, mesh.faces, mesh.normals, None, nearest.astype(np.int32), surfaces)


class _ErrorMeasure:
    """How far coarser meshes stray from one mesh: what nearly all points of either keep from the other.

    Points look for a surface of their own color: one that has moved or gone counts as much as a shape that has.
    """

    def __init__(self, mesh: Mesh) -> None:
        self._mesh = mesh
        self._dense = _sample(mesh, DENSE_SAMPLES)

    def __call__(self, coarse: Mesh) -> float:
        """Meters; infinite where more of a surface has gone than may stray."""
        dense = _sample(coarse, DENSE_SAMPLES)
        there = _distances(self._mesh, self._dense, coarse, dense)
        back = _distances(coarse, dense, self._mesh, self._dense)
        return max(_most(there), _most(back))


def _most(distances: NDArray[np.float64]) -> float:
    return float(np.sort(distances)[int(ERROR_QUANTILE * len(distances))])


def _nearest_surfaces(mesh: Mesh, coarse: Mesh) -> NDArray[np.int32]:
    """(F,) the surface that lies nearest to the middle of each face of `coarse`."""
    from scipy.spatial import cKDTree

    points, owners = _sample(mesh, DENSE_SAMPLES)
    middles = coarse.positions[coarse.faces].mean(axis=1)
    return mesh.face_surfaces[owners[cKDTree(points).query(middles)[1]]]  # type: ignore[index]


def _areas(mesh: Mesh) -> NDArray[np.float64]:
    corners = mesh.positions[mesh.faces].astype(np.float64)
    return (
        np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) + 1e-20
    )


def _sample(mesh: Mesh, count: int) -> _Samples:
    """(count, 3) points spread evenly over the area, the same every time, and (count,) their faces."""
    generator = np.random.default_rng(0)
    edges = np.cumsum(_areas(mesh))
    strata = (np.arange(count) + generator.random(count)) / count * edges[-1]
    owners = np.minimum(np.searchsorted(edges, strata), len(edges) - 1)
    first, second = generator.random((2, count, 1))
    swap = first + second > 1.0
    first, second = np.where(swap, 1.0 - first, first), np.where(swap, 1.0 - second, second)
    a, b, c = (mesh.positions[mesh.faces[owners, corner]].astype(np.float64) for corner in range(3))
    order = generator.permutation(count)
    return (a + first * (b - a) + second * (c - a))[order], owners[order]


def _distances(here: Mesh, points: _Samples, there: Mesh, dense: _Samples) -> NDArray[np.float64]:
    """(ERROR_SAMPLES,) distance of points of one mesh from the same surface of another."""
    from scipy.spatial import cKDTree
    from trimesh.triangles import closest_point

    places, owners = points[0][:ERROR_SAMPLES], points[1][:ERROR_SAMPLES]
    wanted, offered = here.face_surfaces[owners], there.face_surfaces[dense[1]]  # type: ignore[index]
    distances = np.full(len(places), np.inf)
    for surface in np.unique(wanted):
        own, candidates = wanted == surface, np.flatnonzero(offered == surface)
        if len(candidates):
            nearest = candidates[cKDTree(dense[0][candidates]).query(places[own])[1]]
            triangles = there.positions[there.faces[dense[1][nearest]]].astype(np.float64)
            distances[own] = np.linalg.norm(closest_point(triangles, places[own]) - places[own], axis=1)
    return distances


def _face_colors(mesh: Mesh) -> NDArray[np.float64]:
    """(F, 3) displayed color of each face: its surface's, times its texture about the middle of the face."""
    base = np.array([surface.color for surface in mesh.surfaces])[mesh.face_surfaces]
    shares = np.array([[1, 1, 1], [4, 1, 1], [1, 4, 1], [1, 1, 4]]) / np.array([[3], [6], [6], [6]])
    points = np.einsum("sc,fcd->fsd", shares, mesh.uvs[mesh.faces].astype(np.float64))  # type: ignore[index]
    for number, surface in enumerate(mesh.surfaces):
        if surface.texture is not None:
            own = mesh.face_surfaces == number
            base[own] *= _texels(surface.texture, points[own]).mean(axis=1)
    return base


def _texels(texture: Texture, uvs: NDArray[Any]) -> NDArray[np.float64]:
    image = texture.levels[0]
    height, width = image.shape[:2]
    columns = np.floor(uvs[..., 0] * width).astype(np.int64) % width
    rows = np.floor(uvs[..., 1] * height).astype(np.int64) % height
    return image[rows, columns, :3] / 255.0


def _palette(colors: NDArray[Any], weights: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """A few colors that stand for many (k-means from the farthest points), and which of them each one gets."""
    centers: list[Any] = [np.average(colors, axis=0, weights=weights)]
    nearest = np.zeros(len(colors), np.int64)
    while len(centers) <= MAX_BAKED_COLORS:
        for _ in range(8):
            distances = np.square(colors[:, None] - np.array(centers)).sum(axis=2)
            nearest = distances.argmin(axis=1)
            centers = [
                np.average(colors[nearest == k], axis=0, weights=weights[nearest == k])
                if (nearest == k).any()
                else center
                for k, center in enumerate(centers)
            ]
        away = distances.min(axis=1)
        if len(centers) == MAX_BAKED_COLORS or away.max() < BAKED_COLOR_ERROR**2:
            break
        centers.append(colors[(away * weights).argmax()])
    return np.array(centers).clip(0.0, 1.0), nearest
