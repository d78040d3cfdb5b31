"""Rolling land on both sides of a road, from its verges to the hills on the horizon."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from envs.driving.road import FloatArray, Road

# Rows of vertices, metres beyond the verge; one more follows on a straight line beyond them all. On a
# slanting road rows lie further apart by the secant of the heading, near ones in full, far ones less.
ROW_DISTANCES = np.array([0.0, 10.0, 40.0, 100.0, 220.0, 420.0])
ROW_SLANTS = np.array([1.0, 1.0, 0.75, 0.5, 0.3, 0.15])
NUM_ROWS = len(ROW_DISTANCES) + 1
MARGIN = 150.0  # metres from the farthest of the other rows to the last

DITCH = 0.35  # metres from the road down to the outer edge of the verge
ROAD_REACH = 150.0  # metres from which the land no longer follows the road up and down
SWELL = 0.05  # metres that each wave rises per metre away from the road, at first
WAVES = 7  # plane waves that make up the hills
WAVELENGTHS = (160.0, 900.0)  # metres; the rows are too far apart for shorter ones


@dataclass(frozen=True, eq=False)
class Terrain:
    """A lattice of land on either side of the road; sides are 0 left, 1 right.

    Attributes:
        points: (2, K, R, 3) metres: side, column along the road, row away from it. A column runs along y, so
            that none ever crosses another: the road's own x grows all the way.
        normals: (2, K, R, 3) unit.
        cells: (2, K - 1, R - 1) which kind of land each cell is.
    """

    points: FloatArray
    normals: FloatArray
    cells: NDArray[np.int64]

    def at(self, side: NDArray[np.int64], column: ArrayLike, row: ArrayLike) -> FloatArray:
        """(n, 3) metres: points on the triangles of the land.

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
    """Land that begins at the outer edges of the verges.

    Args:
        road: the road through it.
        distances: (K,) metres along the road where columns begin.
        verge: metres from a shoulder's outer edge to the verge's.
        num_kinds: kinds of land to choose from: 0 is rough grass, the last is forest, fields between.
        rng: source of the draws.
    """
    points = np.empty((2, len(distances), NUM_ROWS, 3))
    heading = road.headings_at(distances)
    spread = ROW_DISTANCES * (1.0 + (1.0 / np.cos(heading) - 1.0)[:, None] * ROW_SLANTS)
    waves = _draw_waves(rng)
    for side, sign in enumerate((1.0, -1.0)):
        edge = road.positions_at(distances, sign * (road.half_width + verge))
        points[side] = edge[:, None]
        points[side, :, :-1, 1] += sign * spread
        points[side, :, -1, 1] = sign * (np.max(sign * points[side, :, -2, 1]) + MARGIN)
    outside = points[:, :, 1:]
    outside[..., 2] = _heights(road, distances, outside[..., :2], road.half_width + verge, waves)
    points[:, :, 0, 2] -= DITCH
    return Terrain(points, _normals(points), _choose_land(rng, len(distances) - 1, num_kinds))


def _draw_waves(rng: np.random.Generator) -> FloatArray:
    """(WAVES, 5) wave numbers along x and y (rad/m), phase, growth per metre of reach, 1/m where it ends."""
    angle = rng.uniform(0.0, 2.0 * np.pi, WAVES)
    number = 2.0 * np.pi / np.exp(rng.uniform(np.log(WAVELENGTHS[0]), np.log(WAVELENGTHS[1]), WAVES))
    phase = rng.uniform(0.0, 2.0 * np.pi, WAVES)
    growth = np.full(WAVES, SWELL * rng.uniform(0.7, 1.4))
    return np.stack([number * np.cos(angle), number * np.sin(angle), phase, growth, 0.35 * number], axis=1)


def _heights(
    road: Road, distances: FloatArray, places: FloatArray, edge: float, waves: FloatArray
) -> FloatArray:
    """(...) metres: the height of the nearest piece of road, and hills that grow away from it."""
    centres, heading = road.positions_at(distances), road.headings_at(distances)
    tangents = np.stack([np.cos(heading), np.sin(heading)], axis=1)
    flat = places.reshape(-1, 2)
    nearest = (0.5 * np.einsum("ij,ij->i", *2 * [centres[:, :2]]) - flat @ centres[:, :2].T).argmin(axis=1)
    offset = flat - centres[nearest, :2]
    along = np.einsum("ij,ij->i", offset, tangents[nearest])
    reach = np.maximum(np.linalg.norm(offset, axis=1) - edge, 0.1)
    half_step = 0.5 * (distances[1] - distances[0])
    near = road.positions_at(distances[nearest] + np.clip(along, -half_step, half_step))[:, 2]
    mean = centres[:, 2].mean()
    base = mean + (near - mean) / (1.0 + (reach / ROAD_REACH) ** 2)
    swell = waves[:, 3] / (1.0 / reach[:, None] + waves[:, 4])
    hills = np.einsum("ij,ij->i", np.sin(flat @ waves[:, :2].T + waves[:, 2]), swell)
    rise = 2.6e-4 * reach**2 / (1.0 + (reach / 500.0) ** 2)
    return (base - DITCH + rise + hills).reshape(places.shape[:-1])


def _normals(points: FloatArray) -> FloatArray:
    along, away = np.gradient(points, axis=1), np.gradient(points, axis=2)
    normals = np.cross(along, away)
    normals[1] *= -1.0
    return normals / np.linalg.norm(normals, axis=-1, keepdims=True)


def _choose_land(rng: np.random.Generator, columns: int, num_kinds: int) -> NDArray[np.int64]:
    """(2, columns, R - 1): rough grass along the road, then fields some columns long, woods on the hills."""
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
