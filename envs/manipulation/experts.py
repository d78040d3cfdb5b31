"""Building blocks of scripted experts: pick an object up, carry it, and scatter objects at the start."""

from __future__ import annotations

import numpy as np

from camshaft.envs.arrays import BoolArray, FloatArray

OPEN, CLOSE = 1.0, -1.0
AT = 0.008  # meters, tolerance of the grasp point at its target
OVER = 0.012  # meters, horizontal tolerance above a target
HOLD_REACH = 0.025  # meters from the grasp point to the middle of a held object
CLOSED_ON = 0.006  # meters by which the opening may exceed the width of a held object
HOVER = 0.09  # meters above an object, from where the gripper goes straight down


def holds(
    hands: FloatArray, openings: FloatArray, objects: FloatArray, width: FloatArray | float
) -> BoolArray:
    """(N,) whether the fingers have closed on the objects; arguments as in `fetch`."""
    near = np.linalg.norm(hands - objects, axis=1) < HOLD_REACH
    return np.asarray(near & (openings < width + CLOSED_ON))


def fetch(
    hands: FloatArray,
    openings: FloatArray,
    objects: FloatArray,
    width: FloatArray | float,
    hover: float = HOVER,
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Pick up an object: move above it, go down, close the fingers.

    Args:
        hands: (N, 3) meters, grasp points.
        openings: (N,) meters between the fingers.
        objects: (N, 3) meters, where the grasp point should be on each object.
        width: (N,) meters, width of each object between the fingers.
        hover: meters above the object, from where the gripper goes straight down.

    Returns:
        (N, 3) targets of the grasp points, (N,) grip, (N,) whether the object is held.
    """
    held = holds(hands, openings, objects, width)
    aside = np.linalg.norm(hands[:, :2] - objects[:, :2], axis=1)
    height = hands[:, 2] - objects[:, 2]
    targets = objects.copy()
    wide = openings > 0.07
    over = aside < OVER
    targets[~(over & wide), 2] += hover
    low = ~over & (height < 0.6 * hover)
    targets[low, :2] = hands[low, :2]  # straight up first, so as not to knock the object over
    at = (aside < AT) & (np.abs(height) < AT) | (over & (np.abs(height) < 0.015) & ~wide)
    targets[at] = objects[at]
    return targets, np.where(at | held, CLOSE, OPEN), held


def carry(positions: FloatArray, goals: FloatArray, height: float) -> FloatArray:
    """(N, 3) targets on the way from positions to goals, all in meters: up to at least `height`, across, down."""
    targets = goals.copy()
    aside = np.linalg.norm(positions[:, :2] - goals[:, :2], axis=1)
    far = aside > OVER
    targets[far, 2] = np.maximum(goals[far, 2], height)
    low = far & (positions[:, 2] < np.maximum(goals[:, 2], height) - 0.03)
    way = goals[low, :2] - positions[low, :2]
    targets[low, :2] = positions[low, :2] + 0.3 * way * (aside[low, None] < 0.05)
    return targets


def square(headings: FloatArray) -> FloatArray:
    """(N,) rad, smallest turn of the gripper that aligns it with a square object of some heading (rad)."""
    quarter = 0.5 * np.pi
    return np.asarray((headings + 0.5 * quarter) % quarter - 0.5 * quarter)


def scattered(
    rng: np.random.Generator, count: int, spread: float | tuple[float, float], apart: float
) -> FloatArray:
    """(count, 2) positions in a square or rectangle around the origin, in meters.

    Args:
        rng: source of the samples.
        count: number of positions.
        spread: meters, side of the square, or sides along x and y.
        apart: meters, smallest distance between two positions.
    """
    half = 0.5 * np.broadcast_to(np.array(spread), 2)
    positions: list[FloatArray] = []
    while len(positions) < count:
        position = rng.uniform(-half, half)
        if all(np.linalg.norm(position - other) >= apart for other in positions):
            positions.append(position)
    return np.array(positions)
