"""Marks of goals: seen, not felt."""

from __future__ import annotations

import itertools

from camshaft.envs.manipulation.bodies import Body, Color, Part

EDGE = 0.003  # meters
GOAL_COLOR: Color = (0.95, 0.2, 0.15)


def ball(radius: float) -> Body:
    """A ball about the goal."""
    return Body("goal", ((Part("sphere", (radius,)),),), color=GOAL_COLOR, ghost=True)


def frame(size: float) -> Body:
    """The edges of a cube: what belongs in it can be seen through it."""
    half = 0.5 * size
    parts = []
    for axis in range(3):
        for one, other in itertools.product((-half, half), repeat=2):
            length = [EDGE, EDGE, EDGE]
            length[axis] = size + EDGE
            place = [one, other]
            place.insert(axis, 0.0)
            parts.append(Part("box", tuple(length), (place[0], place[1], place[2])))
    return Body("goal", (tuple(parts),), color=GOAL_COLOR, ghost=True)


def disc(radius: float, height: float) -> Body:
    """A flat disc on the table, below a goal at `height` meters."""
    part = Part("cylinder", (radius, 0.002), (0.0, 0.0, 0.001 - height))
    return Body("goal", ((part,),), color=GOAL_COLOR, ghost=True)
