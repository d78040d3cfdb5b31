"""Country houses."""

from __future__ import annotations

from functools import cache

import numpy as np

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving import textures
from camshaft.envs.driving.assets.shapes import Polygon, polygon_mesh, wall
from camshaft.envs.rendering import Mesh, Surface

STONE = (0.55, 0.54, 0.52)
DOORS = ((0.35, 0.2, 0.14), (0.2, 0.32, 0.26), (0.25, 0.28, 0.4), (0.5, 0.14, 0.12))
BAY, STORY = 3.0, 2.75  # meters of wall that one facade texture covers
LIT_SHARE = 0.4  # share of the windows that are lit at night


@cache
def house(variant: int, lit: bool = False) -> list[Mesh]:
    """A house with a gabled roof, 8 to 14 m long, on foundations 2 m deep; the ridge lies along x.

    Args:
        variant: below `textures.NUM_VARIANTS`.
        lit: whether some of the windows are lit.
    """
    rng = np.random.default_rng([4, variant])
    stories = 1 + variant // 2 % 2
    bays = int(rng.integers(3, 5))
    half = np.array([0.5 * BAY * bays + 0.3, rng.uniform(3.4, 4.4)])
    eaves, ridge = stories * STORY + 0.2, stories * STORY + half[1] * rng.uniform(0.75, 1.1)
    walls = Surface((1.0, 1.0, 1.0), textures.facade(variant), "building")
    red, green, blue = textures.facade(variant).levels[0][4:20, 4:20].mean((0, 1)) / 255.0
    plaster = Surface((red, green, blue), label="building")
    tiles = Surface((1.0, 1.0, 1.0), textures.roof_tiles(variant), "building", double_sided=True)
    stone = Surface(STONE, label="building")
    corners = half * np.array([[1.0, -1.0], [1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0]])
    polygons: list[Polygon] = []
    for index in range(4):
        first, second = corners[index], corners[(index + 1) % 4]
        count = max(1, round(float(np.linalg.norm(second - first)) / BAY))
        uvs = np.array([[0.0, 0.0], [count, 0.0], [count, stories], [0.0, stories]])
        polygons.append((wall(first, second, 0.0, eaves), walls, uvs))
        polygons.append((wall(first, second, -2.0, 0.0), stone, None))
        if lit:
            polygons += _lit_windows(
                first, second, eaves, count, stories, np.random.default_rng([variant, index])
            )
    for end in (1.0, -1.0):
        x, y = end * half[0], end * half[1]
        polygons.append(([[x, -y, eaves], [x, y, eaves], [x, 0.0, ridge]], plaster, None))
        polygons.append(_roof_slope(end, half, eaves, ridge, tiles))
    polygons += _door(half, stories, rng)
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


def _lit_windows(
    first: FloatArray, second: FloatArray, eaves: float, bays: int, stories: int, rng: np.random.Generator
) -> list[Polygon]:
    """Lit panes slightly in front of some windows of the `textures.facade` texture."""
    lamp = Surface((1.0, 0.80, 0.46), label="building", emissive=True)
    along = (second - first) / bays
    outwards = 0.03 * np.array([along[1], -along[0]]) / np.linalg.norm(along)
    (left, right), (low, high) = np.array(textures.WINDOW) * [[1.0], [eaves / stories]]
    panes: list[Polygon] = []
    for story, bay in np.argwhere(rng.random((stories, bays)) < LIT_SHARE):
        ends = [first + (bay + share) * along + outwards for share in (left, right)]
        bottom = story * eaves / stories
        panes.append((wall(ends[0], ends[1], bottom + low, bottom + high), lamp, None))
    return panes


def _door(half: FloatArray, stories: int, rng: np.random.Generator) -> list[Polygon]:
    color = DOORS[int(rng.integers(len(DOORS)))]
    x, y = 0.3, -half[1] - 0.04
    corners = [[x - 0.55, y, 0.0], [x + 0.55, y, 0.0], [x + 0.55, y, 2.1], [x - 0.55, y, 2.1]]
    return [(corners, Surface(color, label="building"), None)]
