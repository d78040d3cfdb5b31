"""Textures of road signs after the Vienna Convention on Road Signs and Signals (1968).

Every face has NUM_STYLES states of wear: hues, weight of the lettering, fading and dirt.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import numpy as np

from camshaft.envs.driving.textures.canvas import Canvas, Color, rectangle
from camshaft.envs.driving.textures.painting import NUM_VARIANTS, Image, clouds
from camshaft.envs.errors import InvalidOption, check_choice
from camshaft.envs.rendering import Texture

NUM_STYLES = 4  # a variant has the style `variant % NUM_STYLES`
SPEED_LIMITS = (20, 30, 40, 50, 60, 80, 100, 120)  # km/h
PIXELS = 128

WHITE, BLACK, YELLOW = (0.95, 0.95, 0.94), (0.05, 0.05, 0.055), (0.97, 0.78, 0.10)
Points = list[tuple[float, float]]


class _Face(Canvas):
    """A sign face of size 1, with its colors and wear."""

    def __init__(self, variant: int, size: tuple[float, float] = (1.0, 1.0)) -> None:
        if not 0 <= variant < NUM_VARIANTS:
            raise InvalidOption(f"a sign has variants 0..{NUM_VARIANTS - 1}, got {variant!r}")
        self._style = variant % NUM_STYLES
        self.red: Color = ((0.78, 0.07, 0.09), (0.72, 0.05, 0.10), (0.82, 0.12, 0.08), (0.70, 0.12, 0.12))[
            self._style
        ]
        self.blue: Color = ((0.03, 0.22, 0.58), (0.05, 0.28, 0.62), (0.03, 0.18, 0.50), (0.10, 0.28, 0.52))[
            self._style
        ]
        self.weight = (0.16, 0.18, 0.17, 0.15)[self._style]
        pixels = (PIXELS * max(1, round(size[0] / size[1])), PIXELS)
        super().__init__(pixels, size, WHITE)

    def aged(self, rng: np.random.Generator) -> Texture:
        """The texture, aged by some years of weather."""
        fading, dirt = 0.03 * self._style, 0.02 + 0.015 * self._style
        height, width = self._light.shape[:2]
        stains = np.tile(clouds(rng, height, 1.2, 2), (1, width // height))[..., None]
        self._light = np.clip((self._light + fading * (0.45 - self._light)) * (1.0 + dirt * stains), 0.0, 1.0)
        return self.texture()


def _stop(face: _Face) -> None:
    face.polygon(rectangle(0.0, 0.0, 1.0, 1.0), face.red)
    angles = np.radians(22.5 + 45.0 * np.arange(8))
    ring = 0.5 + np.column_stack([np.cos(angles), np.sin(angles)]) * 0.5 / np.cos(np.pi / 8)
    face.polygon(0.5 + 0.97 * (ring - 0.5), WHITE)
    face.polygon(0.5 + 0.91 * (ring - 0.5), face.red)
    face.text("STOP", (0.5, 0.5), 0.32, WHITE, face.weight, 0.82)


def _yield(face: _Face) -> None:
    _triangle(face, -1.0)


def _triangle(face: _Face, up: float) -> None:
    """A white triangle with a red border, pointing up or down."""
    corners = np.array([[0.0, 0.067], [1.0, 0.067], [0.5, 0.933]])
    if up < 0.0:
        corners = (corners * [1.0, -1.0] + [0.0, 1.0])[::-1]
    middle = corners.mean(axis=0)
    face.polygon(rectangle(0.0, 0.0, 1.0, 1.0), face.red)
    face.polygon(middle + 0.68 * (corners - middle), WHITE, 0.012)


def _priority_road(face: _Face) -> None:
    diamond = np.array([[0.5, 0.0], [1.0, 0.5], [0.5, 1.0], [0.0, 0.5]])
    face.polygon(rectangle(0.0, 0.0, 1.0, 1.0), BLACK)
    face.polygon(0.5 + 0.97 * (diamond - 0.5), WHITE)
    face.polygon(0.5 + 0.64 * (diamond - 0.5), BLACK)
    face.polygon(0.5 + 0.60 * (diamond - 0.5), YELLOW)


def _speed_limit(face: _Face, limit: int) -> None:
    face.circle((0.5, 0.5), 0.6, face.red)
    face.circle((0.5, 0.5), 0.375, WHITE)
    narrow = 0.95 if limit < 100 else 0.74
    face.text(str(limit), (0.5, 0.5), 0.40 if limit < 100 else 0.36, BLACK, face.weight, narrow)


def _end_of_limits(face: _Face) -> None:
    face.circle((0.5, 0.5), 0.6, BLACK)
    face.circle((0.5, 0.5), 0.475, WHITE)
    steps = 0.055 * np.arange(-2, 3)[:, None] * [[1.0, -1.0]]
    lines = np.stack([np.array([0.22, 0.22]) + steps, np.array([0.78, 0.78]) + steps], axis=1)
    face.lines(lines, 0.028, BLACK)


def _no_entry(face: _Face) -> None:
    face.circle((0.5, 0.5), 0.6, WHITE)
    face.circle((0.5, 0.5), 0.48, face.red)
    face.polygon(rectangle(0.14, 0.41, 0.86, 0.59), WHITE)


def _roundabout(face: _Face) -> None:
    _blue_disc(face)
    for turn in np.radians([90.0, 210.0, 330.0]):
        angles = turn + np.radians(np.linspace(-38.0, 42.0, 9))
        line = 0.5 + 0.27 * np.column_stack([np.cos(angles), np.sin(angles)])
        face.lines(np.stack([line[:-1], line[1:]], axis=1), 0.085, WHITE)
        _arrow_head(face, line[-1], float(angles[-1]) + 0.5 * np.pi, 0.15, WHITE)


def _keep_right(face: _Face) -> None:
    _blue_disc(face)
    _arrow(face, [(0.26, 0.74), (0.64, 0.36)], 0.11, WHITE)


def _ahead_only(face: _Face) -> None:
    _blue_disc(face)
    _arrow(face, [(0.5, 0.2), (0.5, 0.66)], 0.12, WHITE)


def _blue_disc(face: _Face) -> None:
    face.circle((0.5, 0.5), 0.6, WHITE)
    face.circle((0.5, 0.5), 0.48, face.blue)


def _curve(face: _Face, left: bool) -> None:
    _triangle(face, 1.0)
    points = np.array([(0.58, 0.17), (0.58, 0.33), (0.55, 0.42), (0.48, 0.48), (0.43, 0.55)])
    if not left:
        points = points * [-1.0, 1.0] + [1.0, 0.0]
    _arrow(face, [tuple(point) for point in points], 0.07, BLACK)


def _crossroads(face: _Face) -> None:
    _triangle(face, 1.0)
    face.lines([[(0.5, 0.17), (0.5, 0.58)], [(0.33, 0.34), (0.67, 0.34)]], 0.075, BLACK)


def _lights_ahead(face: _Face) -> None:
    _triangle(face, 1.0)
    face.polygon(rectangle(0.43, 0.18, 0.57, 0.58), BLACK)
    for height, color in ((0.51, face.red), (0.38, YELLOW), (0.25, (0.05, 0.55, 0.25))):
        face.circle((0.5, height), 0.05, color)


def _pedestrian_crossing(face: _Face) -> None:
    face.polygon(rectangle(0.0, 0.0, 1.0, 1.0), face.blue)
    face.polygon([(0.10, 0.12), (0.90, 0.12), (0.5, 0.90)], WHITE)
    walking_figure(face, (0.5, 0.17), 0.50, BLACK)
    for left in (0.27, 0.41, 0.55, 0.69):
        face.polygon([(left, 0.14), (left + 0.06, 0.14), (left + 0.06, 0.18), (left, 0.18)], BLACK)


def _parking(face: _Face) -> None:
    face.polygon(rectangle(0.0, 0.0, 1.0, 1.0), WHITE)
    face.polygon(rectangle(0.04, 0.04, 0.96, 0.96), face.blue)
    face.text("P", (0.5, 0.5), 0.66, WHITE, 0.2)


def _motorway(face: _Face) -> None:
    face.polygon(rectangle(0.0, 0.0, 1.0, 1.0), face.blue)
    face.polygon([(0.20, 0.08), (0.44, 0.08), (0.47, 0.88), (0.40, 0.88)], WHITE)
    face.polygon([(0.56, 0.08), (0.80, 0.08), (0.60, 0.88), (0.53, 0.88)], WHITE)
    face.polygon(rectangle(0.10, 0.54, 0.90, 0.66), face.blue)
    face.polygon([(0.12, 0.56), (0.88, 0.56), (0.88, 0.64), (0.12, 0.64)], WHITE)


def walking_figure(canvas: Canvas, foot: tuple[float, float], height: float, color: Color) -> None:
    """A person walking to the left."""
    lines = [
        [(0.0, 0.74), (0.0, 0.46)],
        [(0.0, 0.46), (-0.15, 0.24)],
        [(-0.15, 0.24), (-0.19, 0.0)],
        [(0.0, 0.46), (0.10, 0.22)],
        [(0.10, 0.22), (0.24, 0.03)],
        [(0.0, 0.72), (-0.15, 0.50)],
        [(0.0, 0.72), (0.16, 0.52)],
    ]
    canvas.lines(np.array(lines) * height + foot, 0.105 * height, color)
    canvas.circle((foot[0], foot[1] + 0.91 * height), 0.10 * height, color)


def standing_figure(canvas: Canvas, foot: tuple[float, float], height: float, color: Color) -> None:
    """A standing person."""
    lines = [
        [(0.0, 0.74), (0.0, 0.46)],
        [(-0.05, 0.46), (-0.06, 0.02)],
        [(0.05, 0.46), (0.06, 0.02)],
        [(-0.08, 0.73), (-0.13, 0.42)],
        [(0.08, 0.73), (0.13, 0.42)],
    ]
    canvas.lines(np.array(lines) * height + foot, 0.105 * height, color)
    canvas.circle((foot[0], foot[1] + 0.91 * height), 0.10 * height, color)


def _arrow(face: Canvas, points: Points, width: float, color: Color) -> None:
    """A polyline of a given width with an arrowhead beyond its last point."""
    line = np.array(points)
    face.lines(np.stack([line[:-1], line[1:]], axis=1), width, color)
    direction = line[-1] - line[-2]
    _arrow_head(face, line[-1], float(np.arctan2(direction[1], direction[0])), 1.75 * width, color)


def _arrow_head(face: Canvas, place: Image, angle: float, size: float, color: Color) -> None:
    ahead = np.array([np.cos(angle), np.sin(angle)])
    left = np.array([-ahead[1], ahead[0]])
    face.polygon([place + 1.1 * size * ahead, place + 0.8 * size * left, place - 0.8 * size * left], color)


_FACES: dict[str, Callable[[_Face], None]] = {
    "stop": _stop,
    "yield": _yield,
    "priority_road": _priority_road,
    "no_entry": _no_entry,
    "roundabout": _roundabout,
    "keep_right": _keep_right,
    "ahead_only": _ahead_only,
    "curve_left": partial(_curve, left=True),
    "curve_right": partial(_curve, left=False),
    "crossroads": _crossroads,
    "lights_ahead": _lights_ahead,
    "pedestrian_crossing": _pedestrian_crossing,
    "parking": _parking,
    "motorway": _motorway,
    "end_of_limits": _end_of_limits,
    **{f"speed_limit_{limit}": partial(_speed_limit, limit=limit) for limit in SPEED_LIMITS},
}
SIGNS = tuple(_FACES)


def sign_face(sign: str, variant: int) -> Texture:
    """The face of one of SIGNS, square."""
    check_choice("sign", sign, SIGNS)
    return _sign_face(sign, variant % NUM_STYLES if 0 <= variant < NUM_VARIANTS else variant)


@cache
def _sign_face(sign: str, variant: int) -> Texture:
    face = _Face(variant)
    _FACES[sign](face)
    return face.aged(np.random.default_rng([*sign.encode(), variant]))


@cache
def exit_board(text: str, number: int, variant: int) -> Texture:
    """A blue motorway exit board, aspect ratio 2: a number, a place name, and an arrow to the right."""
    face = _Face(variant, (2.0, 1.0))
    face.polygon(rectangle(0.0, 0.0, 2.0, 1.0), WHITE)
    face.polygon(rectangle(0.05, 0.05, 1.95, 0.95), face.blue, 0.01)
    face.polygon(rectangle(0.14, 0.66, 0.58, 0.86), WHITE, 0.02)
    face.text(str(number), (0.36, 0.76), 0.17, face.blue, 0.18)
    face.text(text, (0.86, 0.36), 0.25, WHITE, face.weight, min(1.0, 6.0 / len(text)))
    _arrow(face, [(1.50, 0.60), (1.68, 0.76)], 0.08, WHITE)
    return face.aged(np.random.default_rng([*text.encode(), number, variant]))


@cache
def street_name(text: str, variant: int) -> Texture:
    """A street name in white on blue, aspect ratio 4."""
    face = _Face(variant, (4.0, 1.0))
    face.polygon(rectangle(0.0, 0.0, 4.0, 1.0), WHITE)
    face.polygon(rectangle(0.08, 0.08, 3.92, 0.92), face.blue)
    face.text(text, (2.0, 0.5), 0.52, WHITE, face.weight, min(1.0, 7.5 / len(text)))
    return face.aged(np.random.default_rng([*text.encode(), variant]))
