"""Building blocks of houses: facade walls, roofs and lit windows, at three levels of detail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving.assets.shapes import Polygon, box, inset, polygon_mesh, wall, welded
from camshaft.envs.driving.textures.facades import Window
from camshaft.envs.rendering import Mesh, Surface

FOUNDATION = 0.5  # meters by which walls extend below the ground
FRONT, RIGHT, BACK, LEFT = range(4)  # walls, as seen from the street
WARM_LIGHT = Surface((1.0, 0.80, 0.46), label="building", emissive=True, tinted=False)
COOL_LIGHT = Surface((0.86, 0.93, 1.0), label="building", emissive=True, tinted=False)
LIT_SHARE = 0.35  # of the windows at night
LIT_PANES = (18, 6, 2)  # at most, by level of detail
OVERHANG = 0.4  # meters by which a roof overhangs the walls
TILE_METERS = 2.0  # meters after which the tile texture repeats


@dataclass(frozen=True)
class BuildingModel:
    """A building; its front faces -x, its origin is on the ground below the middle.

    Attributes:
        name: kind of building.
        width: meters along the street, y.
        depth: meters along x; balconies, steps and awnings extend up to 1.5 m beyond.
        height: meters to the highest point.
        levels: levels of detail, finest first.
    """

    name: str
    width: float
    depth: float
    height: float
    levels: list[Mesh]


class Levels:
    """Polygons at three levels of detail."""

    def __init__(self) -> None:
        self._polygons: tuple[list[Polygon], ...] = ([], [], [])

    def add(self, polygons: Sequence[Polygon], last: int = 2, first: int = 0) -> None:
        """Add polygons to levels `first` to `last`."""
        for level in range(first, last + 1):
            self._polygons[level].extend(polygons)

    def add_panes(self, panes: Sequence[Polygon]) -> None:
        """Add lit windows; the first ones are also added to coarser levels."""
        for level, most in enumerate(LIT_PANES):
            self.add(panes[:most], last=level, first=level)

    def meshes(self) -> list[Mesh]:
        """The meshes of all levels."""
        return [welded(polygon_mesh(polygons)) for polygons in self._polygons]


def outline(width: float, depth: float) -> FloatArray:
    """(4, 2) x and y of the corners; the sides in order are front, right, back, left."""
    x, y = 0.5 * depth, 0.5 * width
    return np.array([[-x, y], [-x, -y], [x, -y], [x, y]])


def facades(
    corners: FloatArray, low: float, high: float, surfaces: Sequence[Surface], meters: tuple[float, float]
) -> list[Polygon]:
    """Walls on all sides, each with as many whole bays as fit.

    Args:
        corners: (4, 2) of `outline`.
        low: meters, bottom of the first story; at ground level, the walls extend FOUNDATION further down.
        high: meters, top of the walls.
        surfaces: surfaces of the front, right, back and left.
        meters: width of a bay and height of a story.
    """
    below = FOUNDATION if low == 0.0 else 0.0
    rows = max(1, round((high - low) / meters[1]))
    polygons: list[Polygon] = []
    for side, surface in enumerate(surfaces):
        first, second = corners[side], corners[(side + 1) % 4]
        bays = count_bays(first, second, meters[0])
        foot = -below / (high - low) * rows
        uvs = np.array([[0.0, foot], [bays, foot], [bays, rows], [0.0, rows]])
        polygons.append((wall(first, second, low - below, high), surface, uvs))
    return polygons


def count_bays(first: FloatArray, second: FloatArray, meters: float) -> int:
    """Number of bays of a wall."""
    return max(1, round(float(np.linalg.norm(second - first)) / meters))


def lit_panes(
    corners: FloatArray,
    low: float,
    high: float,
    window: Window,
    meters: tuple[float, float],
    rng: np.random.Generator,
    sides: Sequence[int] = (FRONT, BACK),
    surface: Surface = WARM_LIGHT,
) -> list[Polygon]:
    """Lit panes slightly in front of some windows of the `facades` textures, in random order."""
    rows = max(1, round((high - low) / meters[1]))
    panes: list[Polygon] = []
    for side in sides:
        first, second = corners[side], corners[(side + 1) % 4]
        bays = count_bays(first, second, meters[0])
        panel = wall(first, second, low, high)
        for row, bay in np.argwhere(rng.random((rows, bays)) < LIT_SHARE):
            (left, right), (bottom, top) = window
            across = ((bay + left) / bays, (bay + right) / bays)
            upwards = ((row + bottom) / rows, (row + top) / rows)
            panes.append((inset(panel, across, upwards, 0.04), surface, None))
    return [panes[number] for number in rng.permutation(len(panes))]


def flat_roof(
    width: float, depth: float, height: float, surface: Surface, cornice: Surface
) -> tuple[list[Polygon], list[Polygon]]:
    """A flat roof with a slightly projecting cornice."""
    x, y = 0.5 * depth, 0.5 * width
    roof = box((-x, -y, 0.0), (x, y, height - 0.05), surface, "Z")
    edge = box((-x - 0.18, -y - 0.18, height - 0.4), (x + 0.18, y + 0.18, height), cornice, "xXyYz")
    ring = _flat_ring(x + 0.18, y + 0.18, x - 0.12, y - 0.12, height)
    return roof, [*edge, *((panel, cornice, None) for panel in ring)]


def pitched_roof(
    width: float,
    depth: float,
    eaves: float,
    rise: float,
    tiles: Surface,
    gable: Surface,
    across: bool = False,
) -> list[Polygon]:
    """A gable roof; the ridge runs along the street, or with `across`, perpendicular to it."""
    run, ridge = (0.5 * width, 0.5 * depth) if across else (0.5 * depth, 0.5 * width)
    low, top = eaves - OVERHANG * rise / run, eaves + rise
    far, along = run + OVERHANG, ridge + 0.25
    slant = float(np.hypot(far, top - low)) / TILE_METERS
    uvs = np.array([[0.0, 0.0], [2.0 * along, 0.0], [2.0 * along, 0.0], [0.0, 0.0]]) / TILE_METERS
    uvs[2:, 1] = slant
    polygons: list[Polygon] = []
    for end in (1.0, -1.0):
        slope = end * np.array(
            [[-far, along, 0.0], [-far, -along, 0.0], [0.0, -along, 0.0], [0.0, along, 0.0]]
        )
        slope[:, 2] = np.array([low, low, top, top]) + 0.05
        triangle = end * np.array([[-run, -ridge, 0.0], [run, -ridge, 0.0], [0.0, -ridge, 0.0]])
        triangle[:, 2] = eaves, eaves, top
        if across:
            slope, triangle = _quarter_turn(slope), _quarter_turn(triangle)
        polygons += [(slope, tiles, uvs), (triangle, gable, None)]
    return polygons


def hipped_roof(width: float, depth: float, eaves: float, rise: float, tiles: Surface) -> list[Polygon]:
    """A hip roof; its ridge runs along the longer side and is a point on a square plan."""
    if depth > width:
        turned = hipped_roof(depth, width, eaves, rise, tiles)
        return [(_quarter_turn(np.asarray(corners)), surface, uvs) for corners, surface, uvs in turned]
    x, y = 0.5 * depth + OVERHANG, 0.5 * width + OVERHANG
    ridge, top = max(y - x, 1e-3), eaves + rise
    corners = {(a, b): np.array([a * x, b * y, eaves]) for a in (-1, 1) for b in (-1, 1)}
    ends = {b: np.array([0.0, b * ridge, top]) for b in (-1, 1)}
    slant = float(np.hypot(x, rise)) / TILE_METERS
    polygons: list[Polygon] = []
    for a in (-1, 1):
        slope = np.array([corners[a, -a], corners[a, a], ends[a], ends[-a]])
        hip = np.array([corners[a, a], corners[-a, a], ends[a]])
        for points, axis in ((slope, 1), (hip, 0)):
            along = np.abs(points[:, axis] - points[0, axis]) / TILE_METERS
            polygons.append((points, tiles, np.column_stack([along, slant * (points[:, 2] > eaves)])))
    return polygons


def moved(polygons: Sequence[Polygon], offset: ArrayLike) -> list[Polygon]:
    """Polygons translated by (3,) meters."""
    return [(np.asarray(corners) + np.asarray(offset), surface, uvs) for corners, surface, uvs in polygons]


def on_front(
    depth: float, y: float, low: float, high: float, half: float, offset: float = 0.04
) -> FloatArray:
    """(4, 3) a panel on the front wall, centered at y."""
    x = -0.5 * depth - offset
    return np.array([[x, y + half, low], [x, y - half, low], [x, y - half, high], [x, y + half, high]])


def _quarter_turn(points: FloatArray) -> FloatArray:
    return np.column_stack([-points[:, 1], points[:, 0], points[:, 2]])


def _flat_ring(outer_x: float, outer_y: float, inner_x: float, inner_y: float, z: float) -> list[FloatArray]:
    outer = np.array([[-outer_x, outer_y], [-outer_x, -outer_y], [outer_x, -outer_y], [outer_x, outer_y]])
    inner = np.array([[-inner_x, inner_y], [-inner_x, -inner_y], [inner_x, -inner_y], [inner_x, inner_y]])
    panels = []
    for index in range(4):
        after = (index + 1) % 4
        corners = np.array([outer[index], outer[after], inner[after], inner[index]])
        panels.append(np.column_stack([corners, np.full(4, z)]))
    return panels
