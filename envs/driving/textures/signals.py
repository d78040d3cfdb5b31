"""Textures of pedestrian light figures."""

from __future__ import annotations

from functools import cache

from camshaft.envs.driving.textures.canvas import Canvas
from camshaft.envs.driving.textures.signs import standing_figure, walking_figure
from camshaft.envs.errors import check_choice
from camshaft.envs.rendering import Texture

COLORS = {"red": (1.0, 0.14, 0.10), "green": (0.18, 1.0, 0.50)}


@cache
def signal_figure(color: str, lit: bool) -> Texture:
    """A standing figure in red or a walking one in green; faint if not lit."""
    check_choice("color", color, COLORS)
    canvas = Canvas((32, 32), (1.0, 1.0), (0.02, 0.02, 0.02))
    red, green, blue = COLORS[color]
    shown = COLORS[color] if lit else (0.13 * red, 0.13 * green, 0.13 * blue)
    draw = standing_figure if color == "red" else walking_figure
    draw(canvas, (0.5, 0.08), 0.86, shown)
    return canvas.texture()
