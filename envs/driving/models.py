"""Low-polygon models of what stands along a country road, at several levels of detail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from envs.driving import textures
from envs.rendering import Mesh, Surface

FloatArray = NDArray[np.float64]
Polygon = tuple[ArrayLike, Surface, ArrayLike | None]

GOLDEN = 0.5 * (1.0 + 5.0**0.5)
WHITE, BLACK, WOOD, STONE = (0.93, 0.93, 0.93), (0.07, 0.07, 0.07), (0.42, 0.34, 0.26), (0.55, 0.54, 0.52)
DOORS = ((0.35, 0.2, 0.14), (0.2, 0.32, 0.26), (0.25, 0.28, 0.4), (0.5, 0.14, 0.12))
BAY, STOREY = 3.0, 2.75  # metres of wall that one facade texture covers


def polygon_mesh(polygons: Sequence[Polygon]) -> Mesh:
    """A mesh of flat convex polygons.

    Args:
        polygons: (n, 3) corners counter-clockwise seen from outside, surface, and (n, 2) texture coordinates
            or None.
    """
    meshes = []
    for corners, surface, uvs in polygons:
        points = np.asarray(corners, np.float64)
        normal = np.cross(points[1] - points[0], points[2] - points[0])
        normals = np.tile(normal / np.linalg.norm(normal), (len(points), 1))
        later = np.arange(1, len(points) - 1)
        faces = np.column_stack([np.zeros_like(later), later, later + 1])
        flat = np.zeros((len(points), 2)) if uvs is None else np.asarray(uvs, np.float64)
        meshes.append(Mesh(*_as_mesh_arrays(points, faces, normals, flat), surfaces=(surface,)))
    return Mesh.merge(meshes)


def lathe(
    profile: ArrayLike, segments: int, surface: Surface, repeats: tuple[float, float] = (1.0, 1.0)
) -> Mesh:
    """Turn (radius, z) points, from top to bottom, about the z axis; smooth around, creased at the points.

    Args:
        profile: (n, 2) metres.
        segments: sides.
        surface: what it looks like.
        repeats: times that the texture repeats around and along the profile.
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
        arrays = _as_mesh_arrays(np.concatenate(ends), np.concatenate(faces), normals, uvs)
        parts.append(Mesh(*arrays, surfaces=(surface,)))
    return Mesh.merge(parts)


def conifer(variant: int) -> list[Mesh]:
    """A spruce about 10 m high: levels of about 60, 20 and 10 triangles."""
    rng = np.random.default_rng([1, variant])
    crown = Surface((1.0, 1.0, 1.0), textures.needles(variant), "vegetation")
    trunk = Surface((1.0, 1.0, 1.0), textures.bark(variant), "vegetation")
    radius, height, foot = rng.uniform(1.7, 2.6), rng.uniform(8.5, 12.0), rng.uniform(0.8, 1.6)
    levels = foot + (height - foot) * np.array([1.0, 0.66, 0.72, 0.36, 0.43, 0.0])
    widths = radius * np.array([0.0, 0.55, 0.26, 0.8, 0.42, 1.0])
    fine = lathe(np.column_stack([widths, levels]), 6, crown, (3.0, 3.0))
    stem = lathe([[0.16, foot + 0.8], [0.24, -0.5]], 4, trunk)
    middle = lathe(np.column_stack([widths, levels])[[0, 3, 4, 5]], 4, crown, (3.0, 3.0))
    coarse = lathe([[0.0, height], [0.85 * radius, foot]], 4, crown, (3.0, 3.0))
    post = lathe([[0.2, foot], [0.2, -0.5]], 3, trunk)
    return [Mesh.merge([fine, stem]), Mesh.merge([middle, post]), Mesh.merge([coarse, post])]


def broadleaf(variant: int) -> list[Mesh]:
    """An oak or poplar about 9 m high: levels of about 70, 26 and 14 triangles."""
    rng = np.random.default_rng([2, variant])
    crown = Surface((1.0, 1.0, 1.0), textures.leaves(variant), "vegetation")
    trunk = Surface((1.0, 1.0, 1.0), textures.bark(variant), "vegetation")
    slender = 0.55 if variant % 4 == 3 else 1.0
    width, depth = slender * rng.uniform(2.4, 3.3), rng.uniform(2.4, 3.2) / slender**0.6
    middle_height = rng.uniform(1.6, 2.2) + depth
    main = _blob(rng, 0.28).scaled([width, width, depth]).translated([0.0, 0.0, middle_height])
    clumps = [main]
    for _ in range(2):
        angle, size = rng.uniform(0.0, 2.0 * np.pi), rng.uniform(0.5, 0.68)
        height = middle_height + depth * rng.uniform(-0.3, 0.4)
        shift = [0.6 * width * np.cos(angle), 0.6 * width * np.sin(angle), height]
        clumps.append(_blob(rng, 0.3).scaled([size * width, size * width, size * depth]).translated(shift))
    clumps = [_with_surface(clump, crown) for clump in clumps]
    stem = lathe([[0.17, middle_height], [0.27, -0.5]], 4, trunk)
    post = lathe([[0.22, middle_height], [0.22, -0.5]], 3, trunk)
    ball = lathe(
        [[0.0, depth], [0.95 * width, 0.2 * depth], [0.6 * width, -0.8 * depth]], 4, crown, (2.0, 2.0)
    )
    coarse = ball.translated([0.0, 0.0, middle_height])
    return [
        Mesh.merge([*clumps, stem]),
        Mesh.merge([_with_surface(main.scaled([1.1, 1.1, 1.0]), crown), post]),
        Mesh.merge([coarse, post]),
    ]


def bush(variant: int) -> list[Mesh]:
    """A bush about 1.5 m high."""
    rng = np.random.default_rng([3, variant])
    surface = Surface((0.9, 0.95, 0.85), textures.leaves(variant), "vegetation")
    fine = _with_surface(_blob(rng, 0.3).scaled([1.2, 1.1, 0.85]).translated([0.0, 0.0, 0.5]), surface)
    coarse = lathe([[0.0, 1.3], [1.1, 0.4], [0.9, -0.3]], 4, surface)
    return [fine, coarse]


def delineator() -> list[Mesh]:
    """A white post of 1.05 m with a dark band and a reflector."""
    white, black = Surface(WHITE, label="pole"), Surface(BLACK, label="pole")
    amber = Surface((0.98, 0.72, 0.25), label="pole")
    body = Mesh.box([0.12, 0.14, 1.25], white).translated([0.0, 0.0, 0.425])
    band = Mesh.box([0.13, 0.15, 0.24], black).translated([0.0, 0.0, 0.85])
    light = polygon_mesh([(_plate(-0.071, 0.04, 0.78, 0.92), amber, None)])
    coarse = lathe([[0.08, 1.05], [0.08, -0.2]], 3, white)
    return [Mesh.merge([body, band, light]), coarse]


def utility_pole() -> list[Mesh]:
    """A wooden pole of 8 m with a cross-arm and insulators; the arm lies along y."""
    wood, glass = Surface(WOOD, label="pole"), Surface((0.75, 0.78, 0.78), label="pole")
    pole = lathe([[0.0, 8.02], [0.12, 8.0], [0.17, -0.6]], 6, wood)
    arm = Mesh.box([0.12, 2.2, 0.14], wood).translated([0.14, 0.0, 7.3])
    knobs = [Mesh.box([0.09, 0.09, 0.22], glass).translated([0.14, y, 7.48]) for y in (-1.0, -0.5, 0.5, 1.0)]
    coarse = Mesh.merge([lathe([[0.14, 8.0], [0.17, -0.6]], 3, wood), arm])
    return [Mesh.merge([pole, arm, *knobs]), coarse]


def bend_marker(variant: int, leftwards: bool) -> list[Mesh]:
    """A red and white chevron board on two posts, facing -x; it sends drivers left or right."""
    board = Surface((1.0, 1.0, 1.0), textures.chevrons(variant), "pole")
    grey = Surface((0.5, 0.5, 0.52), label="pole")
    uvs = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    if leftwards:
        uvs[:, 0] = 1.0 - uvs[:, 0]
    front, back = _plate(-0.03, 0.55, 0.7, 1.45), _plate(0.03, 0.55, 0.7, 1.45)[::-1]
    legs = [Mesh.box([0.05, 0.06, 1.7], grey).translated([0.0, y, 0.45]) for y in (-0.4, 0.4)]
    plates = polygon_mesh([(front, board, uvs), (back, grey, None)])
    return [Mesh.merge([plates, *legs]), plates]


def house(variant: int) -> list[Mesh]:
    """A house with a gabled roof, 8 to 14 m long, on foundations 2 m deep; the ridge lies along x."""
    rng = np.random.default_rng([4, variant])
    storeys = 1 + variant // 2 % 2
    bays = int(rng.integers(3, 5))
    half = np.array([0.5 * BAY * bays + 0.3, rng.uniform(3.4, 4.4)])
    eaves, ridge = storeys * STOREY + 0.2, storeys * STOREY + half[1] * rng.uniform(0.75, 1.1)
    wall = Surface((1.0, 1.0, 1.0), textures.facade(variant), "building")
    red, green, blue = textures.facade(variant).levels[0][4:20, 4:20].mean((0, 1)) / 255.0
    plaster = Surface((red, green, blue), label="building")
    tiles = Surface((1.0, 1.0, 1.0), textures.roof_tiles(variant), "building", double_sided=True)
    stone = Surface(STONE, label="building")
    corners = half * np.array([[1.0, -1.0], [1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0]])
    polygons: list[Polygon] = []
    for index in range(4):
        first, second = corners[index], corners[(index + 1) % 4]
        count = max(1, round(float(np.linalg.norm(second - first)) / BAY))
        uvs = np.array([[0.0, 0.0], [count, 0.0], [count, storeys], [0.0, storeys]])
        polygons.append((_wall(first, second, 0.0, eaves), wall, uvs))
        polygons.append((_wall(first, second, -2.0, 0.0), stone, None))
    for end in (1.0, -1.0):
        x, y = end * half[0], end * half[1]
        polygons.append(([[x, -y, eaves], [x, y, eaves], [x, 0.0, ridge]], plaster, None))
        polygons.append(_roof_slope(end, half, eaves, ridge, tiles))
    polygons += _door(half, storeys, rng)
    chimney = Mesh.box([0.6, 0.6, 1.6], stone).translated([0.4 * half[0], 0.25 * half[1], ridge])
    return [Mesh.merge([polygon_mesh(polygons), chimney]), polygon_mesh(polygons[:-1])]


def _roof_slope(end: float, half: FloatArray, eaves: float, ridge: float, tiles: Surface) -> Polygon:
    overhang = 0.45
    drop = overhang * (ridge - eaves) / half[1]
    x, y, low = half[0] + overhang, half[1] + overhang, eaves - drop
    corners = end * np.array([[x, -y], [x, 0.0], [-x, 0.0], [-x, -y]])
    heights = np.array([low, ridge, ridge, low]) + 0.06
    width, slant = 2.0 * x / 2.0, float(np.hypot(y, ridge - low)) / 2.0
    uvs = np.array([[0.0, 0.0], [0.0, slant], [width, slant], [width, 0.0]])
    return np.column_stack([corners, heights]), tiles, uvs


def _door(half: FloatArray, storeys: int, rng: np.random.Generator) -> list[Polygon]:
    colour = DOORS[int(rng.integers(len(DOORS)))]
    x, y = 0.3, -half[1] - 0.04
    corners = [[x - 0.55, y, 0.0], [x + 0.55, y, 0.0], [x + 0.55, y, 2.1], [x - 0.55, y, 2.1]]
    return [(corners, Surface(colour, label="building"), None)]


def _wall(first: FloatArray, second: FloatArray, low: float, high: float) -> FloatArray:
    return np.array([[*first, low], [*second, low], [*second, high], [*first, high]])


def _plate(x: float, half_width: float, low: float, high: float) -> FloatArray:
    """(4, 3) an upright plate that faces -x; texture coordinate u runs to the right of who looks at it."""
    y = half_width
    return np.array([[x, y, low], [x, -y, low], [x, -y, high], [x, y, high]])


def _as_mesh_arrays(
    positions: FloatArray, faces: NDArray[Any], normals: FloatArray, uvs: FloatArray
) -> tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.float32], NDArray[np.float32]]:
    return (
        positions.astype(np.float32),
        faces.astype(np.int32),
        normals.astype(np.float32),
        uvs.astype(np.float32),
    )


def _with_surface(mesh: Mesh, surface: Surface) -> Mesh:
    return replace(mesh, surfaces=(surface,))


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


def _blob(rng: np.random.Generator, roughness: float) -> Mesh:
    """A lumpy ball of radius about 1 and 20 triangles, shaded smoothly."""
    corners, faces = _icosahedron()
    points = corners * (1.0 + roughness * rng.uniform(-1.0, 1.0, (len(corners), 1)))
    uvs = np.tile([[0.0, 0.0], [0.6, 0.0], [0.3, 0.5]], (len(faces), 1))
    apart = np.arange(3 * len(faces)).reshape(-1, 3)
    return Mesh(*_as_mesh_arrays(points[faces.ravel()], apart, corners[faces.ravel()], uvs))
