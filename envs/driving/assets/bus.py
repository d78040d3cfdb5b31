"""A city bus."""

from __future__ import annotations

from functools import cache

import numpy as np

from camshaft.envs.driving.assets.hulls import FLIP, Hull, sections
from camshaft.envs.driving.assets.shapes import UNIT_SQUARE, Polygon, box, mirrored, polygon_mesh, welded
from camshaft.envs.driving.assets.vehicle_model import (
    AMBER_LEFT,
    FAR_HEAD_LEFT,
    FAR_TAIL_LEFT,
    HEAD,
    HIGH_BRAKE,
    TAIL,
    VehicleModel,
    both_sides,
)
from camshaft.envs.driving.assets.vehicle_parts import (
    DARK,
    GLASS,
    PAINT,
    TRIM,
    far_lamps,
    far_wheel,
    plate,
    side_texture,
    side_uvs,
    side_window,
    wheel_polygons,
)
from camshaft.envs.driving.textures.vehicles import destination
from camshaft.envs.rendering import Mesh, Surface

LENGTH, WIDTH, HEIGHT = 12.0, 2.55, 3.15  # meters
AXLES = (3.3, -2.6)  # x, meters
WHEEL_RADIUS = 0.48
HULL = Hull(
    sections(  # x, then sill, waist, foot of the windows, edge of the top; the windshield is the first part of the top
        (6.00, (1.14, 0.36), (1.22, 0.75), (1.20, 1.12), (1.16, 1.16)),
        (5.76, (1.22, 0.32), (1.27, 0.75), (1.26, 1.18), (1.14, 2.52)),
        (5.60, (1.23, 0.32), (1.275, 0.75), (1.265, 1.20), (1.10, 2.92)),
        (-5.84, (1.23, 0.32), (1.275, 0.75), (1.265, 1.20), (1.10, 2.92)),
        (-6.00, (1.18, 0.40), (1.23, 0.75), (1.22, 1.20), (1.06, 2.78)),
    ),
    crown=0.05,
)
WINDOWS = (5.1, -5.5)  # x of the ends of the side windows
PILLARS = (3.75, 2.0, 0.25, -1.5, -3.25)  # x of the posts between the side windows
DOORS = ((5.35, 4.15), (1.15, -0.15))  # x of the doors, on the right side
STRIPE = Surface((0.95, 0.95, 0.94), label="vehicle", specular=0.035, shininess=256, tinted=False)


@cache
def bus() -> VehicleModel:
    """A low-floor bus of 12 × 2.55 × 3.15 m, with doors on the right."""
    levels = [_near(), _middle(), _far()]
    return VehicleModel("bus", LENGTH, WIDTH, HEIGHT, AXLES[0] - AXLES[1], AXLES[1], levels)


def _near() -> Mesh:
    left = [*_glass(), *_lamps(), HULL.end_panel(DARK, 1, (0.0, 0.55), (0.10, 0.26))]
    for x, width in zip(AXLES, (0.32, 0.55), strict=True):
        left += wheel_polygons(x, 0.5 * WIDTH + 0.015 - 0.5 * width, WHEEL_RADIUS, width, 10, 10)
    for x in PILLARS:
        left += HULL.side_panels(PAINT, (x + 0.04, x - 0.04), 2, (0.06, 0.74), 0.016)
    left += [
        *HULL.side_panels(TRIM, (5.6, -5.84), 0, (0.0, 0.22), 0.015),
        HULL.end_panel(DARK, -1, (0.0, 0.70), (0.14, 0.28)),
        HULL.end_panel(TRIM, -1, (0.0, 0.99), (0.01, 0.08)),
        *box((5.72, 1.18, 2.0), (5.84, 1.55, 2.45), TRIM, "XYZ"),
        *box((5.72, 1.18, 2.0), (5.84, 1.55, 2.45), GLASS, "x"),
    ]
    doors: list[Polygon] = []
    for front, rear in DOORS:
        for first, last in ((front, 0.5 * (front + rear) + 0.03), (0.5 * (front + rear) - 0.03, rear)):
            doors += HULL.side_panels(GLASS, (first - 0.05, last + 0.05), 0, (0.25, 1.0), 0.022)
            doors += HULL.side_panels(GLASS, (first - 0.05, last + 0.05), 1, (0.0, 1.0), 0.022)
        for strip in (0, 1):
            doors += HULL.side_panels(DARK, (front, rear), strip, (0.0, 1.0), 0.018)
    return _assembled([*left], mirrored(doors))


def _middle() -> Mesh:
    left = [*_glass(), *_lamps()]
    for x, width in zip(AXLES, (0.32, 0.55), strict=True):
        left += far_wheel(x, 0.5 * WIDTH + 0.01 - 0.5 * width, WHEEL_RADIUS, width, float(np.sign(x)), 10)
    doors = [
        polygon
        for door in DOORS
        for strip in (0, 1)
        for polygon in HULL.side_panels(GLASS, door, strip, offset=0.02)
    ]
    return _assembled(left, mirrored(doors))


def _assembled(left: list[Polygon], right: list[Polygon]) -> Mesh:
    board, _, _ = HULL.top_panel(GLASS, (5.74, 5.63), 0.72, 0.03)
    board = np.asarray(board)
    shown = np.array([board[1] * FLIP, board[1], board[2], board[2] * FLIP])
    middle: list[Polygon] = [
        *right,
        (shown, Surface((1.0, 1.0, 1.0), destination(), "vehicle", emissive=True, tinted=False), UNIT_SQUARE),
        *box((-2.0, -0.8, 2.9), (1.5, 0.8, HEIGHT), STRIPE, "xXyYZ"),
        plate(6.015, 0.26, 0.42, 0.53),
        plate(-6.015, 0.26, 0.55, 0.66),
        ([[-6.0, 0.2, 2.72], [-6.0, -0.2, 2.72], [-5.98, -0.2, 2.79], [-5.98, 0.2, 2.79]], HIGH_BRAKE, None),
    ]
    return welded(Mesh.merge([HULL.shell(PAINT, DARK), polygon_mesh([*both_sides(left), *middle])]))


def _glass() -> list[Polygon]:
    """Left half of the windshield and rear window, the side windows, and a stripe below them."""
    return [
        HULL.top_panel(GLASS, (5.98, 5.77), 0.97),
        *HULL.side_panels(GLASS, WINDOWS, 2, (0.06, 0.74)),
        *HULL.side_panels(STRIPE, (5.6, -5.84), 1, (0.45, 0.75)),
        HULL.end_panel(GLASS, -1, (0.0, 0.86), (0.45, 0.86)),
    ]


def _lamps() -> list[Polygon]:
    return [
        HULL.end_panel(HEAD, 1, (0.66, 0.92), (0.38, 0.72)),
        HULL.end_panel(AMBER_LEFT, 1, (0.92, 1.0), (0.38, 0.72)),
        HULL.end_panel(TAIL, -1, (0.80, 0.97), (0.17, 0.30)),
        HULL.end_panel(AMBER_LEFT, -1, (0.80, 0.97), (0.31, 0.37)),
    ]


def _far() -> Mesh:
    """The coarsest level: a box with textured sides."""
    half, wide, top = 0.5 * LENGTH, 0.5 * WIDTH, 3.0
    windows = side_window(*WINDOWS, 1.3, 2.48)
    stripe = side_window(half, -half, 0.95, 1.08, STRIPE.color)
    posts = [side_window(x + 0.06, x - 0.06, 1.3, 2.48, (1.0, 1.0, 1.0)) for x in PILLARS]
    sides = side_texture(LENGTH, top, AXLES, WHEEL_RADIUS, [windows, stripe, *posts])
    side = np.array(
        [
            [half, wide, 0.0],
            [-half, wide, 0.0],
            [-half, wide, top],
            [half - 0.3, wide, top],
            [half, wide, 1.2],
        ]
    )
    left: list[Polygon] = [
        (side, sides, side_uvs(side, LENGTH, top)),
        *far_lamps(half + 0.01, 0.6, 1.2, 0.6, 1.05, FAR_HEAD_LEFT),
        *far_lamps(-half - 0.01, 0.72, 1.25, 0.75, 1.3, FAR_TAIL_LEFT),
    ]
    strips: list[Polygon] = []
    for index, surface in ((4, sides), (3, GLASS), (2, PAINT), (1, sides)):
        first, second = side[index], side[(index + 1) % 5]
        strip = np.array([first, first * FLIP, second * FLIP, second])
        strips.append((strip, surface, np.column_stack([np.full(4, 0.985), strip[:, 2] / top])))
    lid = box((-half, -wide, 0.3), (half, wide, HEIGHT), DARK, "z")
    unit = box((-2.0, -0.8, top), (1.5, 0.8, HEIGHT), STRIPE, "xXyYZ")
    rear = box((-half - 0.01, -1.0, 1.5), (half, 1.0, 2.5), GLASS, "x")
    return welded(polygon_mesh([*both_sides(left), *strips, *lid, *unit, *rear]))
