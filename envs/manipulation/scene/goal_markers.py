"""Markers of goals: rendered, but not part of the physics."""

from __future__ import annotations

from camshaft.envs.manipulation.bodies import Body, Color, Part

SHARE = 0.8  # edge of a cube that marks a goal, over that of the object
GOAL_COLOR: Color = (0.95, 0.2, 0.15)


def ball(radius: float) -> Body:
    """A ball around the goal."""
    return _marker(Part("sphere", (radius,)))


def cube(size: float) -> Body:
    """A cube where the object should be, a little smaller than it, so that an object at the goal covers it."""
    return _marker(Part("box", (SHARE * size,) * 3))


def disc(radius: float, height: float) -> Body:
    """A flat disc on the table, below a goal at a height of `height` meters."""
    return _marker(Part("cylinder", (radius, 0.002), (0.0, 0.0, 0.001 - height)))


def _marker(*parts: Part) -> Body:
    return Body("goal", (parts,), color=GOAL_COLOR, ghost=True, label="goal")
