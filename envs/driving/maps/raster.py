"""Rasters of maps for the bird's-eye sensor: semantic labels of the ground and of traffic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from camshaft.envs.arrays import FloatArray, IntArray
from camshaft.envs.driving.dynamics.collisions import box_corners
from camshaft.envs.driving.road_network.elements import Network, lane_polygon, marking_lines
from camshaft.envs.driving.sensors import sample_raster, stamp_boxes
from camshaft.envs.driving.traffic.traffic import Traffic
from camshaft.envs.rendering import LABELS

SIZE, METERS = 64, 48.0  # cells per side of the bird's-eye image, and meters that it covers
SCALE = 4.0  # cells per meter of the rasters of maps
MARGIN = 30.0  # meters around a network
SIDEWALK, ROAD, LINE = LABELS["sidewalk"], LABELS["road"], LABELS["lane_marking"]
GROUND, VEHICLE, PERSON = LABELS["terrain"], LABELS["vehicle"], LABELS["person"]
BUILDING = LABELS["building"]


class Raster(NamedTuple):
    """Semantic labels of the ground of a map.

    Attributes:
        labels: (H, W); row 0 has the lowest y.
        origin: (2,) meters, x and y of the corner of the first cell.
    """

    labels: NDArray[np.uint8]
    origin: FloatArray


class RasterizedMap(Protocol):
    """A map that has a raster."""

    @property
    def raster(self) -> Raster:
        """Semantic labels of its ground."""


def rasterize(network: Network, obstacles: FloatArray, scale: float = SCALE) -> Raster:
    """Rasterize the ground of a road network.

    Args:
        network: its roads, junctions, crossings and footpaths.
        obstacles: (K, 5) x, y, heading, length, width; the large ones are buildings.
        scale: cells per meter.
    """
    low, high = network.bounds
    origin = low - MARGIN
    width, height = np.ceil((high + MARGIN - origin) * scale).astype(int)
    image = np.full((height, width), GROUND, np.uint8)

    def pixels(points: FloatArray) -> NDArray[np.int32]:
        return np.round((points - origin) * scale * 16.0).astype(np.int32)

    for path in network.walkways:
        if path.crossing < 0:
            cv2.polylines(
                image, [pixels(path.curve.points)], False, SIDEWALK, max(1, round(2.2 * scale)), shift=4
            )
    for junction in network.junctions:
        cv2.fillPoly(image, [pixels(junction.outline)], ROAD, shift=4)
    for lane in network.lanes:
        cv2.fillPoly(image, [pixels(lane_polygon(lane, 2))], ROAD, shift=4)
    for junction in network.junctions:
        if junction.island:
            middle = pixels(junction.center).tolist()
            cv2.circle(image, middle, round(junction.island * scale * 16.0), GROUND, cv2.FILLED, shift=4)
    for line in marking_lines(network):
        cv2.polylines(image, [pixels(line)], False, LINE, 1, shift=4)
    for crossing in network.crossings:
        if crossing.marked:
            cv2.polylines(image, [pixels(crossing.line)], False, LINE, max(1, round(scale)), shift=4)
    for x, y, heading, length, breadth in obstacles:
        if min(length, breadth) > 2.0:
            cv2.fillPoly(image, [pixels(box_corners(x, y, heading, length, breadth))], BUILDING, shift=4)
    return Raster(image, origin)


def birdseye_images(
    worlds: IntArray, poses: FloatArray, maps: Sequence[RasterizedMap | None], traffic: Traffic
) -> NDArray[np.uint8]:
    """(n, SIZE, SIZE, 1) semantic labels around cars, ahead upwards.

    Args:
        worlds: (n,) indices of the worlds.
        poses: (n, 3) x, y, heading of the cars.
        maps: of all worlds.
        traffic: of all worlds; vehicles and people are painted over the ground.
    """
    result = np.empty((len(worlds), SIZE, SIZE), np.uint8)
    for row, world in enumerate(worlds):
        current = maps[world]
        assert current is not None
        labels, origin = current.raster
        here = slice(row, row + 1)
        sample_raster(labels[None], origin[None], SCALE, poses[here], METERS, result[here])
    vehicles, people = traffic.vehicles, traffic.people
    present = vehicles.present[worlds].copy()
    present[:, 0] = False
    stamp_boxes(
        poses,
        vehicles.pose[worlds],
        vehicles.length[worlds],
        vehicles.width[worlds],
        present,
        VEHICLE,
        METERS,
        result,
    )
    size = np.full(people.present[worlds].shape, 0.7)
    stamp_boxes(poses, people.pose[worlds], size, size, people.present[worlds], PERSON, METERS, result)
    return result[..., None]
