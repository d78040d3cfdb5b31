"""Free space beside the roads of a network, as an occupancy raster."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving.road_network.elements import Network, lane_polygon

SCALE = 2.0  # cells per meter
SHIFT = 4  # fractional bits of the corner coordinates for OpenCV


class FreeSpace:
    """Occupancy of a rectangle of land, initially free.

    Args:
        low: (2,) meters, corner of least x and y.
        high: (2,) meters, opposite corner.
    """

    def __init__(self, low: FloatArray, high: FloatArray) -> None:
        self.low, self.high = low, high
        width, height = np.ceil((self.high - self.low) * SCALE).astype(int)
        self._taken = np.zeros((height, width), np.uint8)
        self._scratch = np.zeros_like(self._taken)

    @classmethod
    def around(cls, network: Network, margin: float) -> FreeSpace:
        """The land around a network with a margin in meters; paving and sidewalks are taken."""
        low, high = network.bounds
        space = cls(low - margin, high + margin)
        space._take_roads(network)
        return space

    def _take_roads(self, network: Network) -> None:
        for lane in network.lanes:
            self._fill(lane_polygon(lane, 2))
        for junction in network.junctions:
            self._fill(junction.outline)
            for corner, arm in zip(junction.corners, junction.arms, strict=True):
                width = network.roads[arm.road].sidewalks[1 if arm.at_end else 0]
                self._paint(corner.points, 2.0 * width + 1.0)
        for road in network.roads:
            distances = np.linspace(0.0, road.curve.length, 2 + int(road.curve.length / 2.0))
            left, right = network.paving(road, distances)
            outer = (
                road.curve.beside(distances, left + road.sidewalks[0]),
                road.curve.beside(distances, right - road.sidewalks[1]),
            )
            self._fill(np.concatenate([outer[0], outer[1][::-1]]))

    def _pixels(self, points: FloatArray) -> NDArray[np.int32]:
        return np.round(((points - self.low) * SCALE - 0.5) * (1 << SHIFT)).astype(np.int32)

    def _fill(self, outline: FloatArray) -> None:
        cv2.fillPoly(self._taken, [self._pixels(outline)], 1, shift=SHIFT)

    def _paint(self, points: FloatArray, width: float) -> None:
        thickness = max(1, round(width * SCALE))
        cv2.polylines(self._taken, [self._pixels(points)], False, 1, thickness, shift=SHIFT)

    def is_free(self, corners: FloatArray) -> bool:
        """Whether a convex polygon (K, 2) is free and entirely within the land."""
        if (corners < self.low).any() or (corners > self.high).any():
            return False
        first = np.floor((corners.min(axis=0) - self.low) * SCALE).astype(int)
        last = np.ceil((corners.max(axis=0) - self.low) * SCALE).astype(int) + 1
        window = (slice(first[1], last[1]), slice(first[0], last[0]))
        taken, scratch = self._taken[window], self._scratch[window]
        scratch[:] = 0
        points = self._pixels(corners) - (first << SHIFT).astype(np.int32)
        inside = np.ascontiguousarray(scratch)
        cv2.fillConvexPoly(inside, points, 1, shift=SHIFT)
        return not bool((taken & inside).any())

    def take(self, corners: FloatArray) -> None:
        """Mark a convex polygon as taken."""
        cv2.fillConvexPoly(self._taken, self._pixels(corners), 1, shift=SHIFT)
