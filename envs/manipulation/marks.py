"""Marks of goals: seen, not felt."""

from __future__ import annotations

import itertools

from camshaft.envs.manipulation.bodies import Body, Colour, Part

EDGE = 0.003  # metres
GOAL_COLOUR: Colour = (0.95, 0.2, 0.15)


def ball(radius: float) -> Body:
    """A ball about the goal."""
    return Body("goal", ((Part("sphere", (radius,)),),), colour=GOAL_COLOUR, ghost=True)


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
    return Body("goal", (tuple(parts),), colour=GOAL_COLOUR, ghost=True)


def disc(radius: float, height: float) -> Body:
    """A flat disc on the table, below a goal at `height` metres."""
    part = Part("cylinder", (radius, 0.002), (0.0, 0.0, 0.001 - height))
    return Body("goal", ((part,),), colour=GOAL_COLOUR, ghost=True)
