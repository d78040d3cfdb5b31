"""Pictograms of traffic signs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from camshaft.perception.data.signs.plate import Color, Plate, Point


def car(plate: Plate, center: Point, size: float, color: Color) -> None:
    """A car from the side."""
    body = [
        (-1.0, -0.30), (-1.0, 0.02), (-0.66, 0.10), (-0.42, 0.42),
        (0.40, 0.42), (0.66, 0.10), (1.0, 0.02), (1.0, -0.30),
    ]  # fmt: skip
    _filled(plate, body, center, size, color)
    for wheel in (-0.55, 0.55):
        plate.disc((center[0] + wheel * size, center[1] - 0.32 * size), 0.22 * size, color)


def lorry(plate: Plate, center: Point, size: float, color: Color) -> None:
    """A lorry from the side, with its cab to the left."""
    x, y = center
    _filled(plate, [(-0.42, -0.34), (-0.42, 0.50), (1.0, 0.50), (1.0, -0.34)], center, size, color)
    _filled(
        plate,
        [(-1.0, -0.34), (-1.0, 0.02), (-0.82, 0.28), (-0.50, 0.28), (-0.50, -0.34)],
        center,
        size,
        color,
    )
    for wheel in (-0.72, 0.35, 0.72):
        plate.disc((x + wheel * size, y - 0.36 * size), 0.19 * size, color)


def walker(plate: Plate, center: Point, size: float, color: Color, stride: float = 1.0) -> None:
    """A person walking to the left."""
    limbs = [
        [(0.02, 0.42), (0.0, -0.10)],
        [(0.0, -0.10), (-0.30 * stride, -0.50), (-0.40 * stride, -0.98)],
        [(0.0, -0.10), (0.20 * stride, -0.50), (0.48 * stride, -0.92)],
        [(0.0, 0.38), (-0.34 * stride, 0.02), (-0.42 * stride, -0.18)],
        [(0.04, 0.38), (0.32 * stride, 0.10), (0.36 * stride, -0.10)],
    ]
    for limb in limbs:
        _polyline(plate, limb, center, size, 0.20, color)
    plate.disc((center[0], center[1] + 0.76 * size), 0.20 * size, color)


def children(plate: Plate, color: Color) -> None:
    """Two children running hand in hand, a smaller one in front of a larger one."""
    walker(plate, (0.18, -0.16), 0.36, color, 1.35)
    walker(plate, (-0.22, -0.26), 0.27, color, 1.35)
    plate.line([(0.08, -0.12), (-0.10, -0.24)], 0.07, color)


def worker(plate: Plate, color: Color) -> None:
    """A person with a shovel at a heap."""
    limbs: Sequence[Sequence[Point]] = (
        [(-0.08, 0.12), (-0.16, -0.16)],
        [(-0.16, -0.16), (-0.32, -0.34), (-0.34, -0.56)],
        [(-0.16, -0.16), (-0.02, -0.36), (-0.06, -0.56)],
        [(-0.06, 0.10), (0.12, -0.06)],
    )
    for limb in limbs:
        plate.line(limb, 0.11, color)
    plate.line([(-0.14, 0.10), (0.30, -0.36)], 0.05, color)
    plate.disc((-0.02, 0.24), 0.09, color)
    plate.polygon([(0.06, -0.58), (0.28, -0.32), (0.40, -0.36), (0.58, -0.58)], color)


def bicycle(plate: Plate, color: Color) -> None:
    """A bicycle from the side."""
    left, right, pedals = (-0.32, -0.34), (0.32, -0.34), (-0.02, -0.32)
    saddle, handle = (-0.12, 0.02), (0.20, 0.04)
    for wheel in (left, right):
        plate.ring(wheel, 0.21, 0.06, color)
    for points in ([left, saddle, pedals, left], [pedals, handle, right], [saddle, handle]):
        plate.line(points, 0.05, color)
    plate.line([(0.10, 0.12), (0.24, 0.12)], 0.06, color)
    plate.line([(-0.20, 0.06), (-0.06, 0.06)], 0.07, color)


def deer(plate: Plate, color: Color) -> None:
    """A deer leaping to the left."""
    trunk = [(-0.30, 0.02), (-0.22, 0.10), (0.30, -0.12), (0.34, -0.26), (0.20, -0.30), (-0.18, -0.14)]
    plate.polygon(trunk, color)
    plate.line([(-0.24, 0.02), (-0.32, 0.22)], 0.10, color)
    plate.polygon([(-0.50, 0.16), (-0.30, 0.30), (-0.24, 0.20), (-0.44, 0.10)], color)
    for points in (
        [(-0.30, 0.28), (-0.24, 0.46)],
        [(-0.30, 0.28), (-0.12, 0.42)],
        [(-0.20, -0.06), (-0.46, -0.16), (-0.50, -0.30)],
        [(-0.10, -0.10), (-0.34, -0.34)],
        [(0.26, -0.20), (0.40, -0.50)],
        [(0.20, -0.22), (0.24, -0.54)],
    ):
        plate.line(points, 0.065, color)


def snow_flake(plate: Plate, center: Point, size: float, color: Color) -> None:
    """A snow crystal with six arms."""
    for angle in np.radians(np.arange(0.0, 180.0, 60.0) + 90.0):
        arm = np.array([np.cos(angle), np.sin(angle)])
        plate.line(np.asarray(center) + size * np.array([-arm, arm]), 0.16 * size, color)
        for end in (-arm, arm):
            middle = np.asarray(center) + 0.62 * size * end
            first, second = (middle - 0.34 * size * _rotate(end, angle) for angle in (-150.0, 150.0))
            plate.line([first, middle, second], 0.12 * size, color)


def lights(plate: Plate, green: Color) -> None:
    """Traffic lights: red, yellow, green."""
    style = plate.style
    plate.polygon([(-0.17, -0.52), (0.17, -0.52), (0.17, 0.34), (-0.17, 0.34)], style.black)
    for height, color in ((0.20, style.red), (-0.09, style.yellow), (-0.38, green)):
        plate.disc((0.0, height), 0.12, color)


def exclamation_mark(plate: Plate, color: Color) -> None:
    """A stroke that widens to the top, and a dot."""
    plate.polygon([(-0.10, 0.40), (0.10, 0.40), (0.06, -0.26), (-0.06, -0.26)], color)
    plate.disc((0.0, -0.44), 0.095, color)


def skidding_car(plate: Plate, color: Color) -> None:
    """A tilted car from behind, above its curved skid marks."""
    body = [
        (-0.26, -0.12), (-0.26, 0.06), (-0.16, 0.12), (-0.12, 0.28),
        (0.12, 0.28), (0.16, 0.12), (0.26, 0.06), (0.26, -0.12),
    ]  # fmt: skip
    plate.polygon([_rotate(point, 14.0) for point in body], color)
    for offset in (-0.16, 0.16):
        wave = [(offset + 0.09 * np.sin(9.0 * (y + 0.15)), y) for y in np.linspace(-0.14, -0.56, 10)]
        plate.line(wave, 0.07, color)


def bumps(plate: Plate, color: Color) -> None:
    """Two bumps of a road."""
    x = np.linspace(-0.44, 0.44, 33)
    top = -0.32 + 0.22 * np.exp(-np.square((np.abs(x) - 0.20) / 0.12))
    plate.polygon([*zip(x, top, strict=True), (0.44, -0.42), (-0.44, -0.42)], color)


def narrowing(plate: Plate, color: Color) -> None:
    """A road that narrows from the right."""
    plate.line([(-0.16, -0.56), (-0.16, 0.34)], 0.11, color)
    plate.line([(0.30, -0.56), (0.30, -0.30), (0.10, 0.02), (0.10, 0.34)], 0.11, color)


def junction(plate: Plate, color: Color) -> None:
    """A wide road ahead, crossed by a narrow one."""
    plate.polygon([(-0.10, -0.50), (0.10, -0.50), (0.14, 0.08), (-0.14, 0.08)], color)
    plate.polygon([(-0.23, 0.02), (0.23, 0.02), (0.04, 0.38), (-0.04, 0.38)], color)
    plate.line([(-0.26, -0.20), (0.26, -0.20)], 0.10, color)


def curve(plate: Plate, color: Color, side: float) -> None:
    """A road that turns; `side` is 1 for the right."""
    points = [(-0.22, -0.56), (-0.22, -0.16), (-0.14, 0.02), (0.02, 0.10), (0.36, 0.10)]
    plate.arrow(np.array(points) * [side, 1.0], 0.14, color)


def double_curve(plate: Plate, color: Color) -> None:
    """A road that turns to the left and back."""
    points = [(0.16, -0.56), (0.16, -0.30), (-0.12, -0.12), (-0.12, 0.06), (0.08, 0.18), (0.08, 0.48)]
    plate.arrow(points, 0.12, color)


def roundabout(plate: Plate, color: Color) -> None:
    """Three arrows following each other in a circle."""
    for start in np.radians([80.0, 200.0, 320.0]):
        angles = start - np.radians(np.linspace(0.0, 92.0, 9))[::-1] + np.radians(60.0)
        plate.arrow(0.50 * np.column_stack([np.cos(angles), np.sin(angles)]), 0.17, color, 2.1)


def turn_ahead(plate: Plate, color: Color, side: float) -> None:
    """An arrow from below that bends to one side; `side` is 1 for the right."""
    points = [(-0.30, -0.56), (-0.30, -0.02), (-0.24, 0.14), (-0.08, 0.22), (0.58, 0.22)]
    plate.arrow(np.array(points) * [side, 1.0], 0.20, color, 2.3)


def ahead_or_side(plate: Plate, color: Color, side: float) -> None:
    """An arrow ahead with a branch to one side; `side` is 1 for the right."""
    mirror = np.array([side, 1.0])
    plate.arrow(np.array([(-0.18, -0.62), (-0.18, 0.70)]) * mirror, 0.17, color)
    branch = np.array([(-0.18, -0.34), (-0.06, -0.10), (0.12, -0.04), (0.64, -0.04)])
    plate.arrow(branch * mirror, 0.17, color)


def stripes(plate: Plate, color: Color) -> None:
    """The diagonal stripes of a sign that ends a restriction, from bottom left to top right."""
    for offset in (-0.14, -0.07, 0.0, 0.07, 0.14):
        shift = np.array([offset, -offset])
        plate.line(np.array([(-0.62, -0.62), (0.62, 0.62)]) + shift, 0.06, color)


def _rotate(vector: ArrayLike, degrees: float) -> NDArray[np.float64]:
    angle = np.radians(degrees)
    x, y = np.asarray(vector, np.float64)
    return np.array([x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)])


def _filled(plate: Plate, corners: Sequence[Point], center: Point, size: float, color: Color) -> None:
    plate.polygon(np.array(corners) * size + center, color)


def _polyline(
    plate: Plate, points: Sequence[Point], center: Point, size: float, width: float, color: Color
) -> None:
    plate.line(np.array(points) * size + center, width * size, color)
