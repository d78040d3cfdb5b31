"""Poses of cars and of the cameras mounted on them, for all worlds at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.driving.dynamics.frenet import GRADE, HEADING_ERROR, HEIGHT, ReferencePaths, point_at
from camshaft.envs.driving.dynamics.vehicle import HEADING, X, Y
from camshaft.envs.kernels import kernel


@kernel
def car_poses(state, coordinates, lateral, heading, result):  # type: ignore[no-untyped-def]
    """Write (n, 4, 4) world from car, on the road surface; x forward, y left, z up.

    Args:
        state: (n, 8) cars.
        coordinates: (n, 6) Frenet coordinates of the cars.
        lateral: (n,) meters by which the cars are assumed to be displaced to the left.
        heading: (n,) rad by which they are assumed to be turned to the left.
        result: (n, 4, 4) to fill.
    """
    for row in range(state.shape[0]):
        cosine, sine = np.cos(state[row, HEADING]), np.sin(state[row, HEADING])
        x, y = state[row, X] - lateral[row] * sine, state[row, Y] + lateral[row] * cosine
        yaw = state[row, HEADING] + heading[row]
        cosine, sine = np.cos(yaw), np.sin(yaw)
        climb = np.arctan(coordinates[row, GRADE] * np.cos(coordinates[row, HEADING_ERROR] + heading[row]))
        level, rise = np.cos(climb), np.sin(climb)
        pose = result[row]
        pose[:] = 0.0
        pose[0, 0], pose[0, 1], pose[0, 2], pose[0, 3] = cosine * level, -sine, -cosine * rise, x
        pose[1, 0], pose[1, 1], pose[1, 2], pose[1, 3] = sine * level, cosine, -sine * rise, y
        pose[2, 0], pose[2, 2], pose[2, 3] = rise, level, coordinates[row, HEIGHT]
        pose[3, 3] = 1.0


def lane_poses(paths: ReferencePaths, distances: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 4, 4) world from car, for cars on the lane center, (N,) meters along the paths of all worlds."""
    poses = np.empty((len(distances), 4, 4))
    _lane_poses(paths, distances, poses)
    return poses


@kernel
def _lane_poses(paths, distances, result):  # type: ignore[no-untyped-def]
    for world in range(distances.shape[0]):
        x, y, heading = point_at(paths, world, distances[world], paths.offset[world])
        index = min(max(int(distances[world] / paths.spacing[world]), 0), paths.counts[world] - 2)
        low, high = paths.points[world, index, 2], paths.points[world, index + 1, 2]
        part = distances[world] / paths.spacing[world] - index
        climb = np.arctan((high - low) / paths.spacing[world])
        cosine, sine, level, rise = np.cos(heading), np.sin(heading), np.cos(climb), np.sin(climb)
        pose = result[world]
        pose[:] = 0.0
        pose[0, 0], pose[0, 1], pose[0, 2], pose[0, 3] = cosine * level, -sine, -cosine * rise, x
        pose[1, 0], pose[1, 1], pose[1, 2], pose[1, 3] = sine * level, cosine, -sine * rise, y
        pose[2, 0], pose[2, 2], pose[2, 3] = rise, level, low + part * (high - low)
        pose[3, 3] = 1.0
