"""Terrain on both sides of a road, from its verges to the hills on the horizon."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving.country_road.road import Road, height_at
from camshaft.envs.kernels import kernel

# Rows of vertices, meters beyond the verge; one more row lies on a straight line beyond them all. On a
# slanted road, rows are farther apart by the secant of the heading, near ones in full, far ones less.
ROW_DISTANCES = np.array([0.0, 10.0, 40.0, 100.0, 220.0, 420.0])
ROW_SLANTS = np.array([1.0, 1.0, 0.75, 0.5, 0.3, 0.15])
NUM_ROWS = len(ROW_DISTANCES) + 1
MARGIN = 150.0  # meters between the last two rows

DITCH = 0.35  # meters, depth of the outer edge of the verge below the road
ROAD_REACH = 150.0  # meters beyond which the land no longer follows the height of the road
SWELL = 0.05  # growth of each wave's amplitude per meter away from the road, at first
WAVES = 7  # number of plane waves that make up the hills
WAVELENGTHS = (160.0, 900.0)  # meters, shortest wavelength that the spacing of the rows can represent


@dataclass(frozen=True, eq=False)
class Terrain:
    """Lattice of land on both sides of the road; sides are 0 left, 1 right.

    Attributes:
        points: (2, K, R, 3) meters: side, column along the road, row away from it. A column runs along y, so
            that columns never cross: the road's x increases monotonically.
        normals: (2, K, R, 3) unit vectors.
        cells: (2, K - 1, R - 1) kind of land of each cell.
    """

    points: FloatArray
    normals: FloatArray
    cells: NDArray[np.int64]

    def at(self, side: NDArray[np.int64], column: ArrayLike, row: ArrayLike) -> FloatArray:
        """(n, 3) meters: points on the triangles of the land.

        Args:
            side: (n,) 0 left, 1 right.
            column: (n,) position between the columns, in columns.
            row: (n,) position between the rows, in rows.
        """
        column, row = np.asarray(column, np.float64), np.asarray(row, np.float64)
        columns = np.clip(column.astype(np.int64), 0, self.points.shape[1] - 2)
        rows = np.clip(row.astype(np.int64), 0, self.points.shape[2] - 2)
        along, away = (column - columns)[:, None], (row - rows)[:, None]
        near, far = self.points[side, columns, rows], self.points[side, columns + 1, rows + 1]
        third = np.where(
            along >= away, self.points[side, columns + 1, rows], self.points[side, columns, rows + 1]
        )
        lesser, greater = np.minimum(along, away), np.maximum(along, away)
        return near + greater * (third - near) + lesser * (far - third)


def build_terrain(
    road: Road, distances: FloatArray, verge: float, num_kinds: int, rng: np.random.Generator
) -> Terrain:
    """Build the land, which begins at the outer edges of the verges.

    Args:
        road: center line of the road.
        distances: (K,) meters along the road at which columns begin.
        verge: meters from a shoulder's outer edge to that of the verge.
        num_kinds: number of kinds of land: 0 is rough grass, the last is forest, the others are fields.
        rng: source of the samples.
    """
    points = np.empty((2, len(distances), NUM_ROWS, 3))
    heading = road.headings_at(distances)
    spread = ROW_DISTANCES * (1.0 + (1.0 / np.cos(heading) - 1.0)[:, None] * ROW_SLANTS)
    waves = _sample_waves(rng)
    for side, sign in enumerate((1.0, -1.0)):
        edge = road.positions_at(distances, sign * (road.half_width + verge))
        points[side] = edge[:, None]
        points[side, :, :-1, 1] += sign * spread
        points[side, :, -1, 1] = sign * (np.max(sign * points[side, :, -2, 1]) + MARGIN)
    centers = road.positions_at(distances)
    mean, begin = float(centers[:, 2].mean()), road.half_width + verge
    _raise_land(road.points, road.spacing, distances, centers, heading, mean, begin, waves, points)
    normals = np.empty_like(points)
    _tilt_normals(points, normals)
    return Terrain(points, normals, _choose_land(rng, len(distances) - 1, num_kinds))


def _sample_waves(rng: np.random.Generator) -> FloatArray:
    """(WAVES, 5) wave numbers along x and y (rad/m), phase, growth per meter of reach, and saturation rate (1/m)."""
    angle = rng.uniform(0.0, 2.0 * np.pi, WAVES)
    number = 2.0 * np.pi / np.exp(rng.uniform(np.log(WAVELENGTHS[0]), np.log(WAVELENGTHS[1]), WAVES))
    phase = rng.uniform(0.0, 2.0 * np.pi, WAVES)
    growth = np.full(WAVES, SWELL * rng.uniform(0.7, 1.4))
    return np.stack([number * np.cos(angle), number * np.sin(angle), phase, growth, 0.35 * number], axis=1)


@kernel
def _raise_land(line, spacing, distances, centers, headings, mean, edge, waves, points):  # type: ignore[no-untyped-def]
    """Set the heights of the land: the height of the nearest road segment, plus hills that grow away from it.

    Args:
        line: (P, 3) points of the road.
        spacing: meters between them.
        distances: (K,) meters along the road of evenly spaced samples.
        centers: (K, 3) positions of the samples.
        headings: (K,) rad, headings of the samples.
        mean: meters, mean height of the samples.
        edge: meters from the center line to the beginning of the land.
        waves: (WAVES, 5) of `_sample_waves`.
        points: (2, K, R, 3) land to fill; the first row, at the road, is lowered by a ditch.
    """
    half_step = 0.5 * (distances[1] - distances[0])
    for side in range(2):
        for column in range(points.shape[1]):
            points[side, column, 0, 2] -= DITCH
            for row in range(1, points.shape[2]):
                place = points[side, column, row]
                nearest, least = 0, np.inf
                for number in range(len(centers)):
                    x, y = place[0] - centers[number, 0], place[1] - centers[number, 1]
                    square = x * x + y * y
                    if square < least:
                        nearest, least = number, square
                x, y = place[0] - centers[nearest, 0], place[1] - centers[nearest, 1]
                along = x * np.cos(headings[nearest]) + y * np.sin(headings[nearest])
                reach = max(np.sqrt(least) - edge, 0.1)
                beside = distances[nearest] + min(max(along, -half_step), half_step)
                near = height_at(line, spacing, beside)
                height = mean + (near - mean) / (1.0 + (reach / ROAD_REACH) ** 2) - DITCH
                height += 2.6e-4 * reach**2 / (1.0 + (reach / 500.0) ** 2)
                for wave in range(len(waves)):
                    angle = place[0] * waves[wave, 0] + place[1] * waves[wave, 1] + waves[wave, 2]
                    height += np.sin(angle) * waves[wave, 3] / (1.0 / reach + waves[wave, 4])
                place[2] = height


@kernel
def _tilt_normals(points, normals):  # type: ignore[no-untyped-def]
    """Write upward normals from the differences of neighbors in both directions."""
    columns, rows = points.shape[1], points.shape[2]
    for side in range(2):
        sign = 1.0 - 2.0 * side
        for column in range(columns):
            before, after = max(column - 1, 0), min(column + 1, columns - 1)
            for row in range(rows):
                inner, outer = max(row - 1, 0), min(row + 1, rows - 1)
                back, front = points[side, before, row], points[side, after, row]
                near, far = points[side, column, inner], points[side, column, outer]
                along_x, along_y, along_z = front[0] - back[0], front[1] - back[1], front[2] - back[2]
                away_x, away_y, away_z = far[0] - near[0], far[1] - near[1], far[2] - near[2]
                x = sign * (along_y * away_z - along_z * away_y)
                y = sign * (along_z * away_x - along_x * away_z)
                z = sign * (along_x * away_y - along_y * away_x)
                length = np.sqrt(x * x + y * y + z * z)
                normal = normals[side, column, row]
                normal[0], normal[1], normal[2] = x / length, y / length, z / length


def _choose_land(rng: np.random.Generator, columns: int, num_kinds: int) -> NDArray[np.int64]:
    """(2, columns, R - 1) kinds of land: rough grass along the road, then fields, woods on the hills."""
    cells = np.zeros((2, columns, NUM_ROWS - 1), np.int64)
    forest = num_kinds - 1
    for side in range(2):
        for row, odds in ((1, 0.06), (3, 0.3), (4, 0.55), (5, 0.7)):
            edges = np.cumsum(rng.integers(3, 10, columns))
            block = np.searchsorted(edges, np.arange(columns), side="right")
            kinds = np.where(rng.random(columns) < odds, forest, rng.integers(0, forest, columns))
            cells[side, :, row] = kinds[block]
    cells[:, :, 2] = cells[:, :, 1]
    return cells
