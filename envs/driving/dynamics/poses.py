"""Poses of cars and of the cameras mounted on them, for all worlds at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.driving.country_road.track import GRADE, HEADING_ERROR, HEIGHT, Ways, point_of
from camshaft.envs.driving.dynamics.vehicle import HEADING, X, Y
from camshaft.envs.kernels import kernel


@kernel
def car_poses(state, places, lateral, heading, result):  # type: ignore[no-untyped-def]
    """Write (n, 4, 4) world from car, on the road's surface; x forward, y left, z up.

    Args:
        state: (n, 8) cars.
        places: (n, 6) theirs.
        lateral: (n,) meters by which each is taken to stand left of where it is.
        heading: (n,) rad by which it is taken to be turned left.
        result: (n, 4, 4) to fill.
    """
    for row in range(state.shape[0]):
        cosine, sine = np.cos(state[row, HEADING]), np.sin(state[row, HEADING])
        x, y = state[row, X] - lateral[row] * sine, state[row, Y] + lateral[row] * cosine
        yaw = state[row, HEADING] + heading[row]
        cosine, sine = np.cos(yaw), np.sin(yaw)
        climb = np.arctan(places[row, GRADE] * np.cos(places[row, HEADING_ERROR] + heading[row]))
        level, rise = np.cos(climb), np.sin(climb)
        pose = result[row]
        pose[:] = 0.0
        pose[0, 0], pose[0, 1], pose[0, 2], pose[0, 3] = cosine * level, -sine, -cosine * rise, x
        pose[1, 0], pose[1, 1], pose[1, 2], pose[1, 3] = sine * level, cosine, -sine * rise, y
        pose[2, 0], pose[2, 2], pose[2, 3] = rise, level, places[row, HEIGHT]
        pose[3, 3] = 1.0


def lane_poses(ways: Ways, distances: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 4, 4) world from cars that stand (N,) meters along the ways of all worlds, where one should drive."""
    poses = np.empty((len(distances), 4, 4))
    _lane_poses(ways, distances, poses)
    return poses


@kernel
def _lane_poses(ways, distances, result):  # type: ignore[no-untyped-def]
    for world in range(distances.shape[0]):
        x, y, heading = point_of(ways, world, distances[world], ways.offset[world])
        index = min(max(int(distances[world] / ways.spacing[world]), 0), ways.counts[world] - 2)
        low, high = ways.points[world, index, 2], ways.points[world, index + 1, 2]
        part = distances[world] / ways.spacing[world] - index
        climb = np.arctan((high - low) / ways.spacing[world])
        cosine, sine, level, rise = np.cos(heading), np.sin(heading), np.cos(climb), np.sin(climb)
        pose = result[world]
        pose[:] = 0.0
        pose[0, 0], pose[0, 1], pose[0, 2], pose[0, 3] = cosine * level, -sine, -cosine * rise, x
        pose[1, 0], pose[1, 1], pose[1, 2], pose[1, 3] = sine * level, cosine, -sine * rise, y
        pose[2, 0], pose[2, 2], pose[2, 3] = rise, level, low + part * (high - low)
        pose[3, 3] = 1.0
