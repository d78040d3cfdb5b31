"""Auxiliary intentions of SAC-X (Riedmiller et al. 2018, appendix on rewards), for any objects on a table.

Every intention is a reward in 0..1, a function of the state alone, vectorized over worlds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from camshaft.envs.arrays import FloatArray

TOUCH_DISTANCE = 0.045  # meters from the grasp point to the middle of a touched object
CLOSED, OPEN = 0.005, 0.075  # meters between the fingers
LIFTED = 0.06  # meters, height of an object's middle above the table
MOVING = 0.03  # m/s
NEAR = 0.10  # meters between the middles of two objects that are close
ASIDE = 0.02  # meters by which an object is left or right of another
STACKED = (0.025, 0.06)  # meters, vertical distance of two stacked objects
OVERLAP = 0.03  # meters, horizontal distance of two stacked objects


class Snapshot(NamedTuple):
    """State that intentions are computed from.

    Attributes:
        hands: (N, 3) meters, grasp points.
        openings: (N,) meters between the fingers.
        objects: (N, K, 3) meters, positions of the objects.
        velocities: (N, K, 3) m/s, of the objects.
    """

    hands: FloatArray
    openings: FloatArray
    objects: FloatArray
    velocities: FloatArray


def touch(state: Snapshot, index: int) -> FloatArray:
    """(N,) closeness of the grasp point to an object, 1 within TOUCH_DISTANCE."""
    return _closeness(np.linalg.norm(state.hands - state.objects[:, index], axis=1), TOUCH_DISTANCE, 0.3)


def grasp(state: Snapshot, index: int) -> FloatArray:
    """(N,) whether an object is between fingers that are neither open nor closed."""
    held = (state.openings > CLOSED) & (state.openings < OPEN)
    return ((touch(state, index) >= 1.0) & held).astype(np.float64)


def lift(state: Snapshot, index: int) -> FloatArray:
    """(N,) height of an object above the table, as a share of LIFTED."""
    return np.clip(state.objects[:, index, 2] / LIFTED, 0.0, 1.0)


def move(state: Snapshot, index: int) -> FloatArray:
    """(N,) whether an object moves."""
    return (np.linalg.norm(state.velocities[:, index], axis=1) > MOVING).astype(np.float64)


def close(state: Snapshot, one: int, other: int) -> FloatArray:
    """(N,) closeness of two objects, 1 within NEAR."""
    return _closeness(np.linalg.norm(_offset(state, one, other), axis=1), NEAR, 0.4)


def above(state: Snapshot, one: int, other: int) -> FloatArray:
    """(N,) whether one object is above another."""
    offset = _offset(state, one, other)
    over = np.linalg.norm(offset[:, :2], axis=1) < OVERLAP
    return (over & (offset[:, 2] > STACKED[0])).astype(np.float64)


def left(state: Snapshot, one: int, other: int) -> FloatArray:
    """(N,) whether one object is left of another, seen from the arm."""
    return (_offset(state, one, other)[:, 1] > ASIDE).astype(np.float64)


def right(state: Snapshot, one: int, other: int) -> FloatArray:
    """(N,) whether one object is right of another, seen from the arm."""
    return (_offset(state, one, other)[:, 1] < -ASIDE).astype(np.float64)


def on_top(state: Snapshot, one: int, other: int) -> FloatArray:
    """(N,) whether one object rests on another, away from the hand."""
    offset = _offset(state, one, other)
    rests = above(state, one, other).astype(bool) & (offset[:, 2] < STACKED[1])
    free = np.linalg.norm(state.hands - state.objects[:, one], axis=1) > TOUCH_DISTANCE
    return (rests & free).astype(np.float64)


def inside(state: Snapshot, index: int, low: FloatArray, high: FloatArray) -> FloatArray:
    """(N,) whether the middle of an object is inside a box, given by corners (3,) or (N, 3) in meters."""
    position = state.objects[:, index]
    within = np.logical_and(position > low, position < high)
    return np.asarray(np.all(within, axis=1), np.float64)


SINGLE = {"touch": touch, "grasp": grasp, "lift": lift, "move": move}
PAIRS = {"close": close, "above": above, "left": left, "right": right, "on_top": on_top}


def rewards(state: Snapshot, names: Sequence[str]) -> dict[str, FloatArray]:
    """(N,) rewards of every intention for every object and pair of objects, by names such as "lift/cube"."""
    found = {}
    for index, name in enumerate(names):
        for intention, function in SINGLE.items():
            found[f"{intention}/{name}"] = function(state, index)
    for one, first in enumerate(names):
        for other, second in enumerate(names):
            if one != other:
                for intention, pair in PAIRS.items():
                    found[f"{intention}/{first}/{second}"] = pair(state, one, other)
    return found


def _offset(state: Snapshot, one: int, other: int) -> FloatArray:
    """(N, 3) meters from the other object to the one."""
    return np.asarray(state.objects[:, one] - state.objects[:, other])


def _closeness(distance: FloatArray, near: float, far: float) -> FloatArray:
    """(N,) 1 up to `near`, falling linearly to 0 at `far`, in meters."""
    return np.asarray(np.clip((far - distance) / (far - near), 0.0, 1.0))
