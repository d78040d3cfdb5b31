"""What scripted experts have in common: picking something up, and putting it down elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from camshaft.envs.arrays import BoolArray, FloatArray

OPEN, CLOSE = 1.0, -1.0
AT = 0.008  # meters within which the gripper is where it should be
OVER = 0.012  # meters, sideways
HOLD_REACH = 0.025  # meters from the grasp point to the middle of what is held
CLOSED_ON = 0.006  # meters, by which the opening may exceed the width of what is held


@dataclass(frozen=True)
class Pick:
    """How to take something.

    Attributes:
        width: meters between the fingers when they have closed on it.
        hover: meters above it, from where to go down.
        carry: meters of height for the way, at least.
    """

    width: float = 0.04
    hover: float = 0.09
    carry: float = 0.0


def holds(
    hands: FloatArray, openings: FloatArray, objects: FloatArray, width: FloatArray | float
) -> BoolArray:
    """(N,) whether the fingers have closed on objects of a width (meters)."""
    near = np.linalg.norm(hands - objects, axis=1) < HOLD_REACH
    return np.asarray(near & (openings < width + CLOSED_ON))


def fetch(
    hands: FloatArray,
    openings: FloatArray,
    objects: FloatArray,
    pick: Pick,
    width: FloatArray | float | None = None,
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Go above, down, and close the fingers.

    Args:
        hands: (N, 3) meters.
        objects: (N, 3) meters, where the grasp point should be on each.
        openings: (N,) meters.
        pick: how.
        width: (N,) meters, of each object; that of `pick` by default.

    Returns:
        (N, 3) where to go, (N,) grip, (N,) whether it is held.
    """
    held = holds(hands, openings, objects, pick.width if width is None else width)
    aside = np.linalg.norm(hands[:, :2] - objects[:, :2], axis=1)
    height = hands[:, 2] - objects[:, 2]
    targets = objects.copy()
    wide = openings > 0.07
    over = aside < OVER
    targets[~(over & wide), 2] += pick.hover
    low = ~over & (height < 0.6 * pick.hover)
    targets[low, :2] = hands[low, :2]  # up first, lest it be knocked over
    at = (aside < AT) & (np.abs(height) < AT) | (over & (np.abs(height) < 0.015) & ~wide)
    targets[at] = objects[at]
    return targets, np.where(at | held, CLOSE, OPEN), held


def carry(hands: FloatArray, goals: FloatArray, height: float) -> FloatArray:
    """(N, 3) where to go with what is held: up, across, and down to the goals (meters)."""
    targets = goals.copy()
    aside = np.linalg.norm(hands[:, :2] - goals[:, :2], axis=1)
    far = aside > OVER
    targets[far, 2] = np.maximum(goals[far, 2], height)
    low = far & (hands[:, 2] < np.maximum(goals[:, 2], height) - 0.03)
    targets[low, :2] = hands[low, :2] + 0.3 * (goals[low, :2] - hands[low, :2]) * (aside[low, None] < 0.05)
    return targets


def square(headings: FloatArray) -> FloatArray:
    """(N,) rad, the turn of the gripper that fits a square thing of a heading, at most an eighth of a turn."""
    quarter = 0.5 * np.pi
    return np.asarray((headings + 0.5 * quarter) % quarter - 0.5 * quarter)


def scattered(
    rng: np.random.Generator, count: int, spread: float | tuple[float, float], apart: float
) -> FloatArray:
    """(count, 2) places about the origin, in a square or a rectangle.

    Args:
        rng: source of the draws.
        count: how many.
        spread: meters, side of the square, or sides along x and y.
        apart: meters from one to the next, at least.
    """
    half = 0.5 * np.broadcast_to(np.array(spread), 2)
    places: list[FloatArray] = []
    while len(places) < count:
        place = rng.uniform(-half, half)
        if all(np.linalg.norm(place - other) >= apart for other in places):
            places.append(place)
    return np.array(places)
