"""Poses of cars and of the cameras mounted on them, for all worlds at once."""

from __future__ import annotations

import numpy as np

from envs.driving.track import GRADE, HEADING_ERROR, HEIGHT
from envs.driving.vehicle import HEADING, X, Y
from envs.kernels import kernel


@kernel
def car_poses(state, places, lateral, heading, result):  # type: ignore[no-untyped-def]
    """Write (n, 4, 4) world from car, on the road's surface; x forward, y left, z up.

    Args:
        state: (n, 8) cars.
        places: (n, 6) theirs.
        lateral: (n,) metres by which each is taken to stand left of where it is.
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
