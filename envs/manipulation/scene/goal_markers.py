"""Markers of goals: rendered, but not part of the physics."""

from __future__ import annotations

import itertools

from camshaft.envs.manipulation.bodies import Body, Color, Part

EDGE = 0.003  # meters
GOAL_COLOR: Color = (0.95, 0.2, 0.15)


def ball(radius: float) -> Body:
    """A ball around the goal."""
    return _marker(Part("sphere", (radius,)))


def frame(size: float) -> Body:
    """The edges of a cube, through which the object inside remains visible."""
    half = 0.5 * size
    parts = []
    for axis in range(3):
        for one, other in itertools.product((-half, half), repeat=2):
            length = [EDGE, EDGE, EDGE]
            length[axis] = size + EDGE
            position = [one, other]
            position.insert(axis, 0.0)
            parts.append(Part("box", tuple(length), (position[0], position[1], position[2])))
    return _marker(*parts)


def disc(radius: float, height: float) -> Body:
    """A flat disc on the table, below a goal at a height of `height` meters."""
    return _marker(Part("cylinder", (radius, 0.002), (0.0, 0.0, 0.001 - height)))


def _marker(*parts: Part) -> Body:
    return Body("goal", (parts,), color=GOAL_COLOR, ghost=True)
