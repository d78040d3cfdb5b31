"""Textures of vehicles: wheels, destination boards, and whole sides for distant models."""

from __future__ import annotations

from functools import cache

import numpy as np

from camshaft.envs.driving.textures.canvas import Canvas, Color
from camshaft.envs.rendering import Texture

TIRE, RIM, GAP = (0.10, 0.10, 0.105), (0.74, 0.74, 0.75), (0.20, 0.20, 0.21)
RIM_RADIUS = 0.68  # relative to the wheel's
GLASS, SHADOW = (0.10, 0.11, 0.13), (0.05, 0.05, 0.055)


@cache
def wheel(spokes: int) -> Texture:
    """A wheel from the side: tire, rim and spokes; the circle touches the edges of the texture."""
    canvas, middle = Canvas((64, 64), (2.0, 2.0), TIRE), (1.0, 1.0)
    canvas.circle(middle, RIM_RADIUS, RIM)
    canvas.circle(middle, RIM_RADIUS - 0.08, GAP)
    angles = 2.0 * np.pi * np.arange(spokes) / spokes
    ends = 1.0 + (RIM_RADIUS - 0.06) * np.column_stack([np.sin(angles), np.cos(angles)])
    canvas.lines(np.stack([np.ones_like(ends), ends], axis=1), 0.9 / spokes, RIM)
    canvas.circle(middle, 0.17, RIM)
    canvas.circle(middle, 0.08, GAP)
    return canvas.texture()


@cache
def side_view(
    size: tuple[float, float],
    wheels: tuple[tuple[float, float], ...],
    outlines: tuple[tuple[tuple[tuple[float, float], ...], Color], ...],
) -> Texture:
    """The left side of a vehicle on white, from the ground up; u = 0 is the front.

    Args:
        size: length and height, meters.
        wheels: distance of each axle from the front and radius of its wheels, meters.
        outlines: convex polygons of (distance from the front, height), meters, counter-clockwise, with their
            colors; later ones cover earlier ones, wheels cover all.
    """
    canvas = Canvas((128, 64), size, (1.0, 1.0, 1.0))
    for outline, color in outlines:
        canvas.polygon(outline, color)
    for place, radius in wheels:
        canvas.circle((place, radius), 1.18 * radius, SHADOW)
        canvas.circle((place, radius), radius, TIRE)
        canvas.circle((place, radius), RIM_RADIUS * radius, (0.5, 0.5, 0.5))
    return canvas.texture()


@cache
def destination(text: str = "7 CENTER") -> Texture:
    """The destination board of a bus: amber lamps on black."""
    canvas = Canvas((256, 32), (8.0, 1.0), (0.02, 0.02, 0.02))
    canvas.text(text, (4.0, 0.5), 0.74, (1.0, 0.66, 0.1), 0.15)
    return canvas.texture()
