"""Where cars are on the ways they follow: projection, preview, pursuit and cruise speed, for all worlds at once.

A way is a line to drive along: a country road's center line, a lap of a race track, a route through a town.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving.country_road.road import Road
from camshaft.envs.driving.dynamics.vehicle import (
    HEADING,
    LATERAL_SPEED,
    MAX_BRAKING,
    REAR,
    SPEED,
    YAW_RATE,
    X,
    Y,
)
from camshaft.envs.driving.road_network.curves import Curve
from camshaft.envs.kernels import inlined, kernel

LOOKAHEAD_TIME, LEAST_LOOKAHEAD = 0.8, 6.0  # s by default, and meters, of the pursuit
COMFORTABLE_LATERAL = 3.0  # m/s², that the cruise controller slows down for
PREVIEW_STEP, PREVIEW_STEPS = 4.0, 12  # meters, and how many, that it looks ahead
CORRECTION = 1.2  # meters; the pursuit treats a larger offset like this one: it returns no harder
OVERLAP = 300.0  # meters of a closed way that follow its end once more

# Columns of a way's points.
_X, _Y, _Z, _HEADING, _CURVATURE = range(5)

# Columns of places.
DISTANCE, LATERAL, HEADING_ERROR, LANE_CURVATURE, HEIGHT, GRADE = range(6)
NUM_PLACES = 6


class Ways(NamedTuple):
    """The ways of N worlds; P points at most.

    Attributes:
        points: (N, P, 5) x, y, z (meters), heading (rad) and curvature (1/m, left positive).
        counts: (N,) points of each.
        spacing: (N,) meters between them.
        laps: (N,) meters after which a closed way is at its start again; 0 where it is open.
        offset: (N,) meters from the way to where one should drive, left positive.
    """

    points: NDArray[np.float64]
    counts: NDArray[np.int64]
    spacing: NDArray[np.float64]
    laps: NDArray[np.float64]
    offset: NDArray[np.float64]


class Track:
    """The ways of all worlds, and where the cars are on them.

    Args:
        num_worlds: N.
        lane_offset: meters from a way to the middle of the lane, left positive.
        lookahead: seconds that the pursuit looks ahead: more swings less, less cuts corners less.

    Attributes:
        ways: for kernels; replaced when a longer way comes.
        places: (N, 6) of each car: meters along the way; meters left of the lane's middle; rad left of its direction;
            curvature of the lane (1/m); height (meters) and grade of the road.
    """

    def __init__(self, num_worlds: int, lane_offset: float = 0.0, lookahead: float = LOOKAHEAD_TIME) -> None:
        self._lookahead = lookahead
        self.places = np.zeros((num_worlds, NUM_PLACES))
        self.ways = Ways(
            np.zeros((num_worlds, 2, 5)),
            np.full(num_worlds, 2),
            np.ones(num_worlds),
            np.zeros(num_worlds),
            np.full(num_worlds, lane_offset),
        )

    def set_road(self, world: int, road: Road) -> None:
        """Let one world follow a road."""
        self._set(world, np.column_stack([road.points, road.heading, road.curvature]), road.spacing, 0.0)

    def set_curve(self, world: int, curve: Curve, closed: bool = False) -> None:
        """Let one world follow a level curve; a closed one again and again."""
        points = np.column_stack([curve.points, np.zeros(len(curve.points)), curve.heading, curve.curvature])
        if closed:
            count = min(int(OVERLAP / curve.spacing), len(points) - 1)
            again = points[1 : count + 1].copy()
            again[:, _HEADING] += curve.heading[-1] - curve.heading[0]
            points = np.concatenate([points, again])
        self._set(world, points, curve.spacing, curve.length if closed else 0.0)

    def _set(self, world: int, points: FloatArray, spacing: float, lap: float) -> None:
        have = self.ways.points
        if have.shape[1] < len(points):
            longer = np.zeros((have.shape[0], int(1.2 * len(points)) + 8, 5))
            longer[:, : have.shape[1]] = have
            self.ways = self.ways._replace(points=longer)
        ways = self.ways
        ways.points[world, : len(points)] = points
        ways.counts[world], ways.spacing[world], ways.laps[world] = len(points), spacing, lap

    def length(self, world: int) -> float:
        """Meters of one world's way; of one lap, where it is closed."""
        lap = float(self.ways.laps[world])
        return lap or float((self.ways.counts[world] - 1) * self.ways.spacing[world])

    @property
    def lane_offset(self) -> float:
        """Meters from the ways to the middle of the lane."""
        return float(self.ways.offset[0])

    def locate(self, state: FloatArray) -> None:
        """Update `places` from the cars' states, (N, 8); each is searched near its last place."""
        _locate(self.ways, state, self.places)

    def find(self, state: FloatArray) -> None:
        """Update `places` from the cars' states, wherever they are: each is searched near the nearest of all points."""
        _find(self.ways, state, self.places)

    def curvature_ahead(self, ahead: FloatArray) -> FloatArray:
        """(N, K) curvature of the lane (1/m) `ahead` (K,) meters from each car."""
        result = np.empty((len(self.places), len(ahead)))
        _curvature_ahead(self.ways, self.places, ahead, result)
        return result

    def cruise_speed(self, parameters: FloatArray, wanted: FloatArray) -> FloatArray:
        """(N,) m/s to hold: the wanted speed, or less for the bends that come into braking distance.

        Args:
            parameters: (N, 16) of the cars.
            wanted: (N,) m/s.
        """
        result = np.empty(len(self.places))
        _cruise_speed(self.ways, self.places, parameters, wanted, result)
        return result

    def pursue(
        self, state: FloatArray, parameters: FloatArray, lateral: FloatArray, heading: FloatArray
    ) -> FloatArray:
        """(N,) path curvature (1/m) by pure pursuit of the lane's middle (R. C. Coulter, CMU-RI-TR-92-01, 1992).

        The car's rear axle is sent on the arc through the point of the lane that lies `lookahead` seconds ahead.

        Args:
            state: (N, 8) cars.
            parameters: (N, 16) theirs.
            lateral: (N,) meters by which each car is taken to stand left of where it is.
            heading: (N,) rad by which it is taken to be turned left.
        """
        result = np.empty(len(self.places))
        scratch = np.empty(NUM_PLACES)
        _pursue(self.ways, state, self.places, parameters, lateral, heading, self._lookahead, scratch, result)
        return result


@kernel
def _locate(ways, state, places):  # type: ignore[no-untyped-def]
    """Project every car onto its way by Newton's method from its last place."""
    for world in range(state.shape[0]):
        x, y, heading = state[world, X], state[world, Y], state[world, HEADING]
        _locate_one(ways, world, x, y, heading, places[world])


@kernel
def _find(ways, state, places):  # type: ignore[no-untyped-def]
    for world in range(state.shape[0]):
        x, y, heading = state[world, X], state[world, Y], state[world, HEADING]
        nearest, least = 0, np.inf
        for index in range(ways.counts[world]):
            across, along = ways.points[world, index, _X] - x, ways.points[world, index, _Y] - y
            if across * across + along * along < least:
                nearest, least = index, across * across + along * along
        places[world, DISTANCE] = nearest * ways.spacing[world]
        _locate_one(ways, world, x, y, heading, places[world])


@inlined
def _locate_one(ways, world, x, y, heading, place):  # type: ignore[no-untyped-def]
    points, spacing, offset = ways.points[world], ways.spacing[world], ways.offset[world]
    last = ways.counts[world] - 2
    distance = place[DISTANCE]
    lateral = direction = curvature = 0.0
    index = 0
    part = 0.0
    for _ in range(4):
        index = min(max(int(distance / spacing), 0), last)
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
    lap = ways.laps[world]
    if lap > 0.0:
        distance = distance - lap if distance >= lap else (distance + lap if distance < 0.0 else distance)
    place[DISTANCE] = distance
    place[LATERAL] = lateral - offset
    place[HEADING_ERROR] = np.arctan2(np.sin(heading - direction), np.cos(heading - direction))
    place[LANE_CURVATURE] = curvature / (1.0 - curvature * offset)
    place[HEIGHT] = here[_Z] + part * (there[_Z] - here[_Z])
    place[GRADE] = (there[_Z] - here[_Z]) / spacing


@kernel
def _curvature_ahead(ways, places, ahead, result):  # type: ignore[no-untyped-def]
    for world in range(places.shape[0]):
        for column in range(ahead.shape[0]):
            result[world, column] = lane_curvature(ways, world, places[world, DISTANCE] + ahead[column])


@inlined
def lane_curvature(ways, world, distance):  # type: ignore[no-untyped-def]
    """Curvature of the lane (1/m) so far along a way."""
    index = min(max(int(distance / ways.spacing[world]), 0), ways.counts[world] - 1)
    curvature = ways.points[world, index, _CURVATURE]
    return curvature / (1.0 - curvature * ways.offset[world])


@inlined
def point_of(ways, world, distance, offset):  # type: ignore[no-untyped-def]
    """x, y and heading of a place so far along a way and so far left of it."""
    index = min(max(int(distance / ways.spacing[world]), 0), ways.counts[world] - 2)
    part = distance / ways.spacing[world] - index
    here, there = ways.points[world, index], ways.points[world, index + 1]
    heading = here[_HEADING] + part * (there[_HEADING] - here[_HEADING])
    x = here[_X] + part * (there[_X] - here[_X]) - offset * np.sin(heading)
    y = here[_Y] + part * (there[_Y] - here[_Y]) + offset * np.cos(heading)
    return x, y, heading


@kernel
def _cruise_speed(ways, places, parameters, wanted, result):  # type: ignore[no-untyped-def]
    for world in range(places.shape[0]):
        speed = wanted[world]
        for step in range(PREVIEW_STEPS):
            ahead = step * PREVIEW_STEP
            curvature = abs(lane_curvature(ways, world, places[world, DISTANCE] + ahead))
            through = COMFORTABLE_LATERAL / max(curvature, 1e-6)
            speed = min(speed, np.sqrt(through + 0.6 * parameters[world, MAX_BRAKING] * ahead))
        result[world] = speed


@kernel
def _pursue(ways, state, places, parameters, lateral, heading, lookahead, place, result):  # type: ignore[no-untyped-def]
    for world in range(state.shape[0]):
        car = state[world]
        slip = np.arctan2(car[LATERAL_SPEED] - parameters[world, REAR] * car[YAW_RATE], max(car[SPEED], 1.0))
        direction = car[HEADING] + heading[world] + slip  # of the rear axle's motion
        x = car[X] - lateral[world] * np.sin(car[HEADING]) - parameters[world, REAR] * np.cos(direction)
        y = car[Y] + lateral[world] * np.cos(car[HEADING]) - parameters[world, REAR] * np.sin(direction)
        place[DISTANCE] = places[world, DISTANCE]
        _locate_one(ways, world, x, y, direction, place)
        reach = max(lookahead * car[SPEED], LEAST_LOOKAHEAD)
        excess = place[LATERAL] - min(max(place[LATERAL], -CORRECTION), CORRECTION)
        target_x, target_y, _ = point_of(ways, world, place[DISTANCE] + reach, ways.offset[world] + excess)
        aside = -np.sin(direction) * (target_x - x) + np.cos(direction) * (target_y - y)
        result[world] = 2.0 * aside / ((target_x - x) ** 2 + (target_y - y) ** 2)
