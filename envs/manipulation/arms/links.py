"""Links of an arm for the physics: mass, inertia and collision boxes.

Fixed links are merged into the moving link that carries them, and every visual mesh is replaced by its bounding box:
a physics engine then builds an arm in a tenth of the time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from camshaft.envs.arrays import FloatArray
from camshaft.envs.manipulation.arms.hand import FINGER_MASS, HAND_MASS, PAD
from camshaft.envs.manipulation.arms.urdf import VisualShape

HAND_CENTER = np.array([0.0, 0.0, 0.04])  # meters, center of mass in the hand's frame


class Inertial(NamedTuple):
    """Mass (kg), center of mass (3,) and (3, 3) inertia about it (kg m²), in a link's frame."""

    mass: float
    center: FloatArray
    inertia: FloatArray


class Box(NamedTuple):
    """Size (3,) and center (3,) of a collision box (meters) and its rotation about z (rad), in a link's frame."""

    size: FloatArray
    center: FloatArray
    yaw: float


class Link(NamedTuple):
    """A rigid link of an arm."""

    inertial: Inertial
    boxes: tuple[Box, ...]


def arm_links(
    masses: Sequence[tuple[float, FloatArray]],
    shapes: Sequence[Sequence[VisualShape]],
    hand_shapes: Sequence[VisualShape],
    hand: FloatArray,
) -> tuple[Link, ...]:
    """(A,) links of an arm, the hand being part of the last one.

    Args:
        masses: (A,) mass (kg) and center of mass (3,) of every moving link.
        shapes: (A,) visual shapes of every moving link.
        hand_shapes: visual shapes of the hand.
        hand: (4, 4) last link from hand.
    """
    inertials = [
        _box_inertial(mass, center, _extent(link, np.eye(4)))
        for (mass, center), link in zip(masses, shapes, strict=True)
    ]
    center = hand[:3, :3] @ HAND_CENTER + hand[:3, 3]
    inertials[-1] = _joined(inertials[-1], _box_inertial(HAND_MASS, center, _extent(hand_shapes, hand)))
    boxes = [[_bounding_box(shape, np.eye(4)) for shape in link] for link in shapes]
    boxes[0] = []  # next to the base, where it meets nothing
    boxes[-1] += [_bounding_box(shape, hand) for shape in hand_shapes]
    return tuple(Link(inertial, tuple(own)) for inertial, own in zip(inertials, boxes, strict=True))


def finger_link(side: float) -> Link:
    """A finger, whose pad is the only box: `side` 1 for the left one, −1 for the right one."""
    center = np.array([0.0, side * 0.5 * PAD[1], 0.5 * PAD[2]])
    return Link(_box_inertial(FINGER_MASS, center, np.array(PAD)), (Box(np.array(PAD), center, 0.0),))


def _box_inertial(mass: float, center: FloatArray, size: FloatArray) -> Inertial:
    """Inertia of a box about its center of mass: most values in the URDF files are placeholders."""
    squares = np.square(size)
    return Inertial(mass, center, np.diag(mass / 12.0 * (squares.sum() - squares)) + 1e-5 * np.eye(3))


def _joined(one: Inertial, other: Inertial) -> Inertial:
    """Two rigidly joined bodies (parallel axis theorem)."""
    mass = one.mass + other.mass
    center = (one.mass * one.center + other.mass * other.center) / mass
    inertia = np.zeros((3, 3))
    for part in (one, other):
        offset = part.center - center
        inertia += part.inertia + part.mass * (offset @ offset * np.eye(3) - np.outer(offset, offset))
    return Inertial(mass, center, inertia)


def _bounds(shape: VisualShape, outer: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(3,) lowest and highest coordinates in meters, in the frame that `outer` (4, 4) leads to."""
    matrix = outer @ shape.local
    positions = shape.levels[0].positions @ matrix[:3, :3].T + matrix[:3, 3]
    return positions.min(axis=0), positions.max(axis=0)


def _extent(shapes: Sequence[VisualShape], outer: FloatArray) -> FloatArray:
    """(3,) meters, size of the common bounding box; 5 cm without shapes."""
    if not shapes:
        return np.full(3, 0.05)
    bounds = [_bounds(shape, outer) for shape in shapes]
    return np.max([high for _, high in bounds], axis=0) - np.min([low for low, _ in bounds], axis=0)


def _bounding_box(shape: VisualShape, outer: FloatArray) -> Box:
    """Bounding box along the axes of the shape's own link, in the frame that `outer` (4, 4) leads to."""
    low, high = _bounds(shape, np.eye(4))
    center = outer[:3, :3] @ (0.5 * (low + high)) + outer[:3, 3]
    return Box(high - low, center, math.atan2(outer[1, 0], outer[0, 0]))
