"""Frenet coordinates of cars along reference paths, for all worlds at once.

A reference path is a line to drive along: the center line of a country road, a lap of a race track, a route through a
town.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.driving.dynamics.vehicle import HEADING, X, Y
from camshaft.envs.kernels import inlined, kernel

# Columns of the Frenet coordinates.
DISTANCE, LATERAL, HEADING_ERROR, LANE_CURVATURE, HEIGHT, GRADE = range(6)
NUM_COLUMNS = 6

# Columns of the points of a path.
_X, _Y, _Z, _HEADING, _CURVATURE = range(5)


class ReferencePaths(NamedTuple):
    """Reference paths of N worlds; P points at most.

    Attributes:
        points: (N, P, 5) x, y, z (meters), heading (rad) and curvature (1/m, left positive).
        counts: (N,) number of points of each path.
        spacing: (N,) meters between points.
        laps: (N,) length of a closed path in meters; 0 for an open one.
        offset: (N,) meters from the path to the line that cars should follow, left positive.
    """

    points: NDArray[np.float64]
    counts: NDArray[np.int64]
    spacing: NDArray[np.float64]
    laps: NDArray[np.float64]
    offset: NDArray[np.float64]


@kernel
def locate(paths, state, worlds, coordinates):  # type: ignore[no-untyped-def]
    """Project cars onto their paths by Newton's method, starting from their last coordinates.

    Args:
        paths: of all worlds.
        state: (N, 8) cars, see `vehicle`.
        worlds: (n,) indices of the worlds to update.
        coordinates: (N, 6) Frenet coordinates, updated in place.
    """
    for row in range(worlds.shape[0]):
        world = worlds[row]
        x, y, heading = state[world, X], state[world, Y], state[world, HEADING]
        locate_one(paths, world, x, y, heading, coordinates[world])


@kernel
def locate_anywhere(paths, state, coordinates):  # type: ignore[no-untyped-def]
    """Project all cars onto their paths, starting from the nearest of all points."""
    for world in range(state.shape[0]):
        x, y, heading = state[world, X], state[world, Y], state[world, HEADING]
        nearest, least = 0, np.inf
        for index in range(paths.counts[world]):
            across, along = paths.points[world, index, _X] - x, paths.points[world, index, _Y] - y
            if across * across + along * along < least:
                nearest, least = index, across * across + along * along
        coordinates[world, DISTANCE] = nearest * paths.spacing[world]
        locate_one(paths, world, x, y, heading, coordinates[world])


@inlined
def locate_one(paths, world, x, y, heading, result):  # type: ignore[no-untyped-def]
    """Project one pose onto a path, starting from the distance in `result` (6,), which is updated in place."""
    points, spacing, offset = paths.points[world], paths.spacing[world], paths.offset[world]
    last = paths.counts[world] - 2
    distance = result[DISTANCE]
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
    lap = paths.laps[world]
    if lap > 0.0:
        distance = distance - lap if distance >= lap else (distance + lap if distance < 0.0 else distance)
    result[DISTANCE] = distance
    result[LATERAL] = lateral - offset
    result[HEADING_ERROR] = np.arctan2(np.sin(heading - direction), np.cos(heading - direction))
    result[LANE_CURVATURE] = curvature / (1.0 - curvature * offset)
    result[HEIGHT] = here[_Z] + part * (there[_Z] - here[_Z])
    result[GRADE] = (there[_Z] - here[_Z]) / spacing


@kernel
def write_curvature_ahead(paths, coordinates, ahead, result):  # type: ignore[no-untyped-def]
    """Write (N, K) lane curvature (1/m) `ahead` (K,) meters from each car."""
    for world in range(coordinates.shape[0]):
        for column in range(ahead.shape[0]):
            result[world, column] = lane_curvature(paths, world, coordinates[world, DISTANCE] + ahead[column])


@inlined
def lane_curvature(paths, world, distance):  # type: ignore[no-untyped-def]
    """Curvature (1/m) of the line to follow, `distance` meters along a path."""
    index = min(max(int(distance / paths.spacing[world]), 0), paths.counts[world] - 1)
    curvature = paths.points[world, index, _CURVATURE]
    return curvature / (1.0 - curvature * paths.offset[world])


@inlined
def point_at(paths, world, distance, offset):  # type: ignore[no-untyped-def]
    """x, y and heading of the point `distance` meters along a path and `offset` meters left of it."""
    index = min(max(int(distance / paths.spacing[world]), 0), paths.counts[world] - 2)
    part = distance / paths.spacing[world] - index
    here, there = paths.points[world, index], paths.points[world, index + 1]
    heading = here[_HEADING] + part * (there[_HEADING] - here[_HEADING])
    x = here[_X] + part * (there[_X] - here[_X]) - offset * np.sin(heading)
    y = here[_Y] + part * (there[_Y] - here[_Y]) + offset * np.cos(heading)
    return x, y, heading


@inlined
def point_before(paths, world, distance):  # type: ignore[no-untyped-def]
    """Index of the last point of a path at or before a distance along it."""
    return min(max(int(distance / paths.spacing[world]), 0), paths.counts[world] - 1)
