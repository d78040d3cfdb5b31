"""A saloon car as a low-polygon model."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from envs.driving.models import FloatArray, Polygon, polygon_mesh
from envs.rendering import Mesh, Surface

LENGTH, WIDTH, HEIGHT, WHEELBASE = 4.5, 1.8, 1.45, 2.7  # metres
WHEEL_RADIUS, WHEEL_WIDTH = 0.33, 0.2  # metres

# Half cross-sections of the body from front to rear: x, then (y, z) of sill, waist, shoulder.
_SECTIONS = [
    (2.25, (0.70, 0.30), (0.76, 0.48), (0.68, 0.66)),
    (2.08, (0.84, 0.24), (0.86, 0.54), (0.75, 0.79)),
    (1.30, (0.88, 0.22), (0.90, 0.60), (0.79, 0.88)),
    (0.85, (0.88, 0.22), (0.90, 0.62), (0.80, 0.92)),
    (-1.60, (0.88, 0.22), (0.90, 0.64), (0.80, 0.97)),
    (-2.12, (0.84, 0.26), (0.86, 0.60), (0.74, 0.95)),
    (-2.25, (0.70, 0.34), (0.76, 0.56), (0.68, 0.86)),
]
_GLASS_FOOT = {"front": (0.95, 0.78, 0.91), "rear": (-1.72, 0.76, 0.965)}  # x, y, z where the windows begin
_ROOF = {"front": (0.12, 0.58, 1.43), "rear": (-1.05, 0.57, 1.45)}
_PILLARS = [0.0, 0.07, 0.47, 0.53, 0.88, 1.0]  # along the side windows: pillar, glass, pillar, glass, pillar


def car_mesh(colour: tuple[float, float, float] = (0.75, 0.12, 0.12)) -> Mesh:
    """A car of 4.5 × 1.8 × 1.45 m, forward along x, its origin on the ground midway between the axles.

    Args:
        colour: red, green, blue of the paint, 0..1 as displayed.
    """
    paint, glass = Surface(colour, label="vehicle"), Surface((0.13, 0.16, 0.20), label="vehicle")
    dark = Surface((0.10, 0.10, 0.11), label="vehicle")
    left = [*_body(paint, dark), *_cabin_side(paint, glass), *_lamps()]
    right = [(_mirrored(corners), surface, None) for corners, surface, _ in left]
    wheels = [_wheel(x, y) for x in (0.5 * WHEELBASE, -0.5 * WHEELBASE) for y in (0.82, -0.82)]
    return Mesh.merge([polygon_mesh([*left, *right, *_cabin_top(paint, glass), *_plates()]), *wheels])


def _body(paint: Surface, dark: Surface) -> list[Polygon]:
    """The left half below the windows: sides, bonnet and boot, front and rear."""
    polygons: list[Polygon] = []
    rings = [_ring(section) for section in _SECTIONS]
    for front, rear in pairwise(rings):
        for strip in range(3):
            corners = np.array([front[strip], rear[strip], rear[strip + 1], front[strip + 1]])
            polygons.append((corners, paint, None))
    polygons.append((rings[0], dark, None))
    polygons.append((rings[-1][::-1], paint, None))
    return polygons


def _ring(section: tuple[float, tuple[float, float], tuple[float, float], tuple[float, float]]) -> FloatArray:
    """(4 + 1, 3) sill, waist, shoulder, top of the middle, foot of the middle."""
    x, sill, waist, shoulder = section
    sides = [[x, *sill], [x, *waist], [x, *shoulder]]
    return np.array([*sides, [x, 0.0, shoulder[1] + 0.03], [x, 0.0, sill[1]]])


def _cabin_side(paint: Surface, glass: Surface) -> list[Polygon]:
    foot = [np.array(_GLASS_FOOT["front"]), np.array(_GLASS_FOOT["rear"])]
    roof = [np.array(_ROOF["front"]), np.array(_ROOF["rear"])]
    polygons: list[Polygon] = []
    for index, (first, second) in enumerate(pairwise(_PILLARS)):
        low = [foot[0] + share * (foot[1] - foot[0]) for share in (first, second)]
        high = [roof[0] + share * (roof[1] - roof[0]) for share in (first, second)]
        polygons.append((np.array([low[0], low[1], high[1], high[0]]), glass if index % 2 else paint, None))
    return polygons


def _cabin_top(paint: Surface, glass: Surface) -> list[Polygon]:
    polygons: list[Polygon] = []
    flip = np.array([1.0, -1.0, 1.0])
    foot = {end: np.array(place) for end, place in _GLASS_FOOT.items()}
    roof = {end: np.array(place) for end, place in _ROOF.items()}
    windscreen = [foot["front"] * flip, foot["front"], roof["front"], roof["front"] * flip]
    rear = [foot["rear"], foot["rear"] * flip, roof["rear"] * flip, roof["rear"]]
    top = [roof["front"] * flip, roof["front"], roof["rear"], roof["rear"] * flip]
    polygons += [(windscreen, glass, None), (rear, glass, None), (top, paint, None)]
    return polygons


def _lamps() -> list[Polygon]:
    """Left head lamp and tail lamp, a little proud of the body."""
    head, tail = Surface((0.95, 0.95, 0.88), label="vehicle"), Surface((0.72, 0.05, 0.06), label="vehicle")
    front = [[2.26, 0.40, 0.50], [2.26, 0.74, 0.50], [2.26, 0.69, 0.64], [2.26, 0.40, 0.66]]
    rear = [[-2.26, 0.74, 0.62], [-2.26, 0.42, 0.62], [-2.26, 0.42, 0.80], [-2.26, 0.69, 0.80]]
    return [(front, head, None), (rear, tail, None)]


def _plates() -> list[Polygon]:
    white, black = Surface((0.92, 0.92, 0.85), label="vehicle"), Surface((0.08, 0.08, 0.09), label="vehicle")
    rear = [[-2.26, 0.26, 0.62], [-2.26, -0.26, 0.62], [-2.26, -0.26, 0.74], [-2.26, 0.26, 0.74]]
    bumper = [[-2.255, 0.68, 0.36], [-2.255, -0.68, 0.36], [-2.255, -0.70, 0.46], [-2.255, 0.70, 0.46]]
    return [(rear, white, None), (bumper, black, None)]


def _wheel(x: float, y: float) -> Mesh:
    tyre, rim = Surface((0.06, 0.06, 0.06), label="vehicle"), Surface((0.62, 0.63, 0.65), label="vehicle")
    upright = np.eye(4)
    upright[:3] = [[1.0, 0.0, 0.0, x], [0.0, 0.0, 1.0, y], [0.0, -1.0, 0.0, WHEEL_RADIUS]]
    wheel = Mesh.cylinder(WHEEL_RADIUS, WHEEL_WIDTH, tyre, segments=10).transformed(upright)
    angles = np.linspace(0.0, 2.0 * np.pi, 8, endpoint=False)
    side = np.sign(y)
    outer = y + side * (0.5 * WHEEL_WIDTH + 0.005)
    disc = np.column_stack([x + 0.2 * np.cos(angles), np.full(8, outer), WHEEL_RADIUS + 0.2 * np.sin(angles)])
    return Mesh.merge([wheel, polygon_mesh([(disc[:: -int(side)], rim, None)])])


def _mirrored(corners: ArrayLike) -> FloatArray:
    return np.asarray(corners, np.float64)[::-1] * [1.0, -1.0, 1.0]
