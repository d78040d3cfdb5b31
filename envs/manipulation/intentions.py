"""Auxiliary intentions of SAC-X (Riedmiller et al. 2018, appendix on rewards): what is worth doing on any table.

Each is a function of the state alone, vectorized over worlds, worth 0 to 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from camshaft.envs.arrays import FloatArray

TOUCH_DISTANCE = 0.045  # meters from the grasp point to the middle of what it touches
CLOSED, OPEN = 0.005, 0.075  # meters between the fingers
LIFTED = 0.06  # meters, of an object's middle above the table
MOVING = 0.03  # m/s
NEAR = 0.10  # meters between the middles of two objects that are close
ASIDE = 0.02  # meters by which one is left or right of the other
STACKED = (0.025, 0.06)  # meters between the middles of two objects that stand on each other
OVERLAP = 0.03  # meters, sideways


class Snapshot(NamedTuple):
    """What the intentions look at.

    Attributes:
        hands: (N, 3) meters, the grasp points.
        openings: (N,) meters between the fingers.
        objects: (N, K, 3) meters.
        velocities: (N, K, 3) m/s.
    """

    hands: FloatArray
    openings: FloatArray
    objects: FloatArray
    velocities: FloatArray


def touch(state: Snapshot, index: int) -> FloatArray:
    """(N,) the hand is at an object."""
    return _share(np.linalg.norm(state.hands - state.objects[:, index], axis=1), TOUCH_DISTANCE, 0.3)


def grasp(state: Snapshot, index: int) -> FloatArray:
    """(N,) an object is between fingers that something keeps from closing."""
    held = (state.openings > CLOSED) & (state.openings < OPEN)
    return ((touch(state, index) >= 1.0) & held).astype(np.float64)


def lift(state: Snapshot, index: int) -> FloatArray:
    """(N,) an object is off the table."""
    return np.clip(state.objects[:, index, 2] / LIFTED, 0.0, 1.0)


def move(state: Snapshot, index: int) -> FloatArray:
    """(N,) an object moves."""
    return (np.linalg.norm(state.velocities[:, index], axis=1) > MOVING).astype(np.float64)


def close(state: Snapshot, one: int, other: int) -> FloatArray:
    """(N,) two objects are next to each other."""
    return _share(np.linalg.norm(_between(state, one, other), axis=1), NEAR, 0.4)


def above(state: Snapshot, one: int, other: int) -> FloatArray:
    """(N,) one object is higher than another, whose place it shares."""
    away = _between(state, one, other)
    over = np.linalg.norm(away[:, :2], axis=1) < OVERLAP
    return (over & (away[:, 2] > STACKED[0])).astype(np.float64)


def left(state: Snapshot, one: int, other: int) -> FloatArray:
    """(N,) one object is left of another, as the arm sees it."""
    return (_between(state, one, other)[:, 1] > ASIDE).astype(np.float64)


def right(state: Snapshot, one: int, other: int) -> FloatArray:
    """(N,) one object is right of another, as the arm sees it."""
    return (_between(state, one, other)[:, 1] < -ASIDE).astype(np.float64)


def on_top(state: Snapshot, one: int, other: int) -> FloatArray:
    """(N,) one object rests on another, out of the hand."""
    away = _between(state, one, other)
    rests = above(state, one, other).astype(bool) & (away[:, 2] < STACKED[1])
    free = np.linalg.norm(state.hands - state.objects[:, one], axis=1) > TOUCH_DISTANCE
    return (rests & free).astype(np.float64)


def inside(state: Snapshot, index: int, low: FloatArray, high: FloatArray) -> FloatArray:
    """(N,) an object's middle is within a box, (3,) or (N, 3) corners in meters."""
    place = state.objects[:, index]
    within = np.logical_and(place > low, place < high)
    return np.asarray(np.all(within, axis=1), np.float64)


SINGLE = {"touch": touch, "grasp": grasp, "lift": lift, "move": move}
PAIRS = {"close": close, "above": above, "left": left, "right": right, "on_top": on_top}


def rewards(state: Snapshot, names: Sequence[str]) -> dict[str, FloatArray]:
    """(N,) of every intention for every object and pair of objects, by names such as "lift/cube"."""
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


def _between(state: Snapshot, one: int, other: int) -> FloatArray:
    return np.asarray(state.objects[:, one] - state.objects[:, other])


def _share(distance: FloatArray, near: float, far: float) -> FloatArray:
    """1 up to `near`, falling to 0 at `far`."""
    return np.asarray(np.clip((far - distance) / (far - near), 0.0, 1.0))
