"""Where cars are on their roads: projection, preview and cruise speed, for all worlds at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.driving.road import FloatArray, Road
from envs.driving.vehicle import HEADING, LATERAL_SPEED, MAX_BRAKING, REAR, SPEED, YAW_RATE, X, Y
from envs.kernels import inlined, kernel

LOOKAHEAD_TIME, LEAST_LOOKAHEAD = 0.8, 6.0  # s and metres, of the pursuit
COMFORTABLE_LATERAL = 3.0  # m/s², that the cruise controller slows down for
PREVIEW_STEP, PREVIEW_STEPS = 4.0, 12  # metres, and how many, that it looks ahead
CORRECTION = 1.2  # metres; the pursuit treats a larger offset like this one: it returns no harder

# Columns of a road's points.
_X, _Y, _Z, _HEADING, _CURVATURE = range(5)

# Columns of places.
DISTANCE, LATERAL, HEADING_ERROR, LANE_CURVATURE, HEIGHT, GRADE = range(6)
NUM_PLACES = 6


class Track:
    """The roads of all worlds in one array.

    Args:
        num_worlds: N.
        num_points: P, of every road.
        spacing: metres between points.
        lane_offset: metres from a road's centre line to the middle of the lane, left positive.

    Attributes:
        points: (N, P, 5) x, y, z (metres), heading (rad) and curvature (1/m, left positive) of the centre lines.
        places: (N, 6) of each car: metres along the centre line; metres left of the lane's middle; rad left of its
            direction; curvature of the lane (1/m); height (metres) and grade of the road.
    """

    def __init__(self, num_worlds: int, num_points: int, spacing: float, lane_offset: float) -> None:
        self.points = np.zeros((num_worlds, num_points, 5))
        self.places = np.zeros((num_worlds, NUM_PLACES))
        self.spacing = spacing
        self.lane_offset = lane_offset

    def set_road(self, world: int, road: Road) -> None:
        """Replace the road of one world."""
        self.points[world, :, :3] = road.points
        self.points[world, :, _HEADING] = road.heading
        self.points[world, :, _CURVATURE] = road.curvature

    def locate(self, state: NDArray[np.float64]) -> None:
        """Update `places` from the cars' states, (N, 8); each is searched near its last place."""
        _locate(self.points, self.spacing, self.lane_offset, state, self.places)

    def curvature_ahead(self, ahead: FloatArray) -> FloatArray:
        """(N, K) curvature of the lane (1/m) `ahead` (K,) metres from each car."""
        result = np.empty((len(self.places), len(ahead)))
        _curvature_ahead(self.points, self.spacing, self.lane_offset, self.places, ahead, result)
        return result

    def cruise_speed(self, parameters: FloatArray, wanted: FloatArray) -> FloatArray:
        """(N,) m/s to hold: the wanted speed, or less for the bends that come into braking distance.

        Args:
            parameters: (N, 13) of the cars.
            wanted: (N,) m/s.
        """
        result = np.empty(len(self.places))
        _cruise_speed(self.points, self.spacing, self.lane_offset, self.places, parameters, wanted, result)
        return result

    def pursue(
        self, state: FloatArray, parameters: FloatArray, lateral: FloatArray, heading: FloatArray
    ) -> FloatArray:
        """(N,) path curvature (1/m) by pure pursuit of the lane's middle (R. C. Coulter, CMU-RI-TR-92-01, 1992).

        The car's rear axle is sent on the arc through the point of the lane a little less than a second ahead.

        Args:
            state: (N, 8) cars.
            parameters: (N, 13) theirs.
            lateral: (N,) metres by which each car is taken to stand left of where it is.
            heading: (N,) rad by which it is taken to be turned left.
        """
        result = np.empty(len(self.places))
        _pursue(
            self.points,
            self.spacing,
            self.lane_offset,
            state,
            self.places,
            parameters,
            lateral,
            heading,
            result,
        )
        return result


@kernel
def _locate(points, spacing, lane_offset, state, places):  # type: ignore[no-untyped-def]
    """Project every car onto its road's centre line by Newton's method from its last place."""
    for world in range(state.shape[0]):
        x, y, heading = state[world, X], state[world, Y], state[world, HEADING]
        _locate_one(points[world], spacing, lane_offset, x, y, heading, places[world])


@inlined
def _locate_one(points, spacing, lane_offset, x, y, heading, place):  # type: ignore[no-untyped-def]
    distance = place[DISTANCE]
    lateral = direction = curvature = 0.0
    index = 0
    part = 0.0
    for _ in range(4):
        index = min(max(int(distance / spacing), 0), points.shape[0] - 2)
        part = distance / spacing - index
        here, there = points[index], points[index + 1]
        direction = here[_HEADING] + part * (there[_HEADING] - here[_HEADING])
        curvature = here[_CURVATURE] + part * (there[_CURVATURE] - here[_CURVATURE])
        across = x - (here[_X] + part * (there[_X] - here[_X]))
        along = y - (here[_Y] + part * (there[_Y] - here[_Y]))
        cosine, sine = np.cos(direction), np.sin(direction)
        lateral = -sine * across + cosine * along
        distance += (cosine * across + sine * along) / max(1.0 - curvature * lateral, 0.2)
    here, there = points[index], points[index + 1]
    place[DISTANCE] = distance
    place[LATERAL] = lateral - lane_offset
    place[HEADING_ERROR] = np.arctan2(np.sin(heading - direction), np.cos(heading - direction))
    place[LANE_CURVATURE] = curvature / (1.0 - curvature * lane_offset)
    place[HEIGHT] = here[_Z] + part * (there[_Z] - here[_Z])
    place[GRADE] = (there[_Z] - here[_Z]) / spacing


@kernel
def _curvature_ahead(points, spacing, lane_offset, places, ahead, result):  # type: ignore[no-untyped-def]
    for world in range(places.shape[0]):
        for column in range(ahead.shape[0]):
            distance = places[world, DISTANCE] + ahead[column]
            result[world, column] = _lane_curvature(points[world], spacing, lane_offset, distance)


@inlined
def _lane_curvature(points, spacing, lane_offset, distance):  # type: ignore[no-untyped-def]
    index = min(max(int(distance / spacing), 0), points.shape[0] - 1)
    curvature = points[index, _CURVATURE]
    return curvature / (1.0 - curvature * lane_offset)


@kernel
def _cruise_speed(points, spacing, lane_offset, places, parameters, wanted, result):  # type: ignore[no-untyped-def]
    for world in range(places.shape[0]):
        speed = wanted[world]
        for step in range(PREVIEW_STEPS):
            ahead = step * PREVIEW_STEP
            curvature = abs(
                _lane_curvature(points[world], spacing, lane_offset, places[world, DISTANCE] + ahead)
            )
            through = COMFORTABLE_LATERAL / max(curvature, 1e-6)
            speed = min(speed, np.sqrt(through + 0.6 * parameters[world, MAX_BRAKING] * ahead))
        result[world] = speed


@kernel
def _pursue(points, spacing, lane_offset, state, places, parameters, lateral, heading, result):  # type: ignore[no-untyped-def]
    place = np.zeros(NUM_PLACES)
    for world in range(state.shape[0]):
        car = state[world]
        slip = np.arctan2(car[LATERAL_SPEED] - parameters[world, REAR] * car[YAW_RATE], max(car[SPEED], 1.0))
        direction = car[HEADING] + heading[world] + slip  # of the rear axle's motion
        x = car[X] - lateral[world] * np.sin(car[HEADING]) - parameters[world, REAR] * np.cos(direction)
        y = car[Y] + lateral[world] * np.cos(car[HEADING]) - parameters[world, REAR] * np.sin(direction)
        place[DISTANCE] = places[world, DISTANCE]
        _locate_one(points[world], spacing, lane_offset, x, y, direction, place)
        reach = max(LOOKAHEAD_TIME * car[SPEED], LEAST_LOOKAHEAD)
        distance = place[DISTANCE] + reach
        index = min(max(int(distance / spacing), 0), points.shape[1] - 2)
        part = distance / spacing - index
        here, there = points[world, index], points[world, index + 1]
        ahead = here[_HEADING] + part * (there[_HEADING] - here[_HEADING])
        excess = place[LATERAL] - min(max(place[LATERAL], -CORRECTION), CORRECTION)
        offset = lane_offset + excess
        target_x = here[_X] + part * (there[_X] - here[_X]) - offset * np.sin(ahead)
        target_y = here[_Y] + part * (there[_Y] - here[_Y]) + offset * np.cos(ahead)
        aside = -np.sin(direction) * (target_x - x) + np.cos(direction) * (target_y - y)
        result[world] = 2.0 * aside / ((target_x - x) ** 2 + (target_y - y) ** 2)
