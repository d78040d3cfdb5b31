"""Maps from above: rasters of the ground for the bird's-eye sensor, and drawings for people."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving.dynamics.collisions import box_corners
from camshaft.envs.driving.maps.maps import DrivingMap
from camshaft.envs.driving.road_network.network import DASHED, Network, lane_polygon
from camshaft.envs.driving.sensors import sample_raster, stamp_boxes
from camshaft.envs.driving.traffic.traffic import Traffic
from camshaft.envs.rendering import LABELS

SIZE, METERS = 64, 48.0  # cells of a side of the bird's-eye raster, and meters that it covers
SCALE = 4.0  # cells a meter of the rasters that are kept
MARGIN = 30.0  # meters around a network
SIDEWALK, ROAD, LINE = LABELS["sidewalk"], LABELS["road"], LABELS["lane_marking"]
GROUND, VEHICLE, PERSON = LABELS["terrain"], LABELS["vehicle"], LABELS["person"]
BUILDING = LABELS["building"]


def rasterize(shown: DrivingMap, scale: float = SCALE) -> tuple[NDArray[np.uint8], FloatArray]:
    """(H, W) semantic labels of the ground of a map, row 0 the lowest y; and (2,) meters, where its corner lies."""
    network = shown.network
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
    _draw_lines(image, network, pixels, scale)
    for x, y, heading, length, breadth in shown.layout.obstacles:
        if min(length, breadth) > 2.0:
            cv2.fillPoly(image, [pixels(box_corners(x, y, heading, length, breadth))], BUILDING, shift=4)
    return image, origin


def _draw_lines(image: NDArray[np.uint8], network: Network, pixels, scale: float) -> None:  # type: ignore[no-untyped-def]
    for road in network.roads:
        distance = np.arange(0.0, road.curve.length + 1.0, 2.0)
        for lateral, kind in road.lines:
            points = road.curve.beside(distance, np.full(len(distance), lateral))
            pieces = (
                [points]
                if kind != DASHED
                else [points[place : place + 2] for place in range(0, len(points), 3)]
            )
            for piece in pieces:
                cv2.polylines(image, [pixels(piece)], False, LINE, 1, shift=4)
    for crossing in network.crossings:
        if crossing.marked:
            cv2.polylines(image, [pixels(crossing.line)], False, LINE, max(1, round(scale)), shift=4)


class MapRasters:
    """The rasters of the maps that N worlds are on."""

    def __init__(self, num_worlds: int) -> None:
        self._images: list[NDArray[np.uint8] | None] = [None] * num_worlds
        self._origins = np.zeros((num_worlds, 2))

    def forget(self, world: int) -> None:
        """A world has another map now."""
        self._images[world] = None

    def draw(
        self,
        worlds: NDArray[np.int64],
        poses: FloatArray,
        maps: Sequence[DrivingMap | None],
        traffic: Traffic,
        meters: float,
    ) -> NDArray[np.uint8]:
        """(n, SIZE, SIZE, 1) semantic labels around cars at (n, 3) poses, ahead upwards."""
        result = np.empty((len(worlds), SIZE, SIZE), np.uint8)
        for row, world in enumerate(worlds):
            image = self._images[world]
            if image is None:
                shown = maps[world]
                assert shown is not None
                image, self._origins[world] = shown.raster
                self._images[world] = image
            here = slice(row, row + 1)
            sample_raster(image[None], self._origins[world][None], SCALE, poses[here], meters, result[here])
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
            meters,
            result,
        )
        size = np.full(people.present[worlds].shape, 0.7)
        stamp_boxes(poses, people.pose[worlds], size, size, people.present[worlds], PERSON, meters, result)
        return result[..., None]
