"""A box truck."""

from __future__ import annotations

from functools import cache

import numpy as np

from camshaft.envs.driving.assets.hulls import Hull, sections
from camshaft.envs.driving.assets.shapes import Polygon, box, inset, polygon_mesh, welded
from camshaft.envs.driving.assets.vehicle_model import (
    AMBER_LEFT,
    FAR_HEAD_LEFT,
    FAR_TAIL_LEFT,
    HEAD,
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
from camshaft.envs.rendering import Mesh, Surface

LENGTH, WIDTH, HEIGHT = 8.2, 2.5, 3.5  # meters
AXLES = (2.95, -2.35)  # x, meters
WHEEL_RADIUS = 0.48
CAB = Hull(
    sections(  # x, then sill, waist, foot of the windows, edge of the top; the windshield is the first part of the top
        (4.10, (1.08, 0.42), (1.17, 0.95), (1.15, 1.48), (1.10, 1.52)),
        (3.86, (1.18, 0.38), (1.24, 0.95), (1.22, 1.58), (1.08, 2.56)),
        (3.62, (1.19, 0.38), (1.25, 0.95), (1.23, 1.58), (1.06, 2.88)),
        (2.20, (1.19, 0.38), (1.25, 0.95), (1.23, 1.58), (1.08, 2.94)),
    ),
    crown=0.04,
)
BOX = (-4.08, 2.05), (1.02, 3.5)  # meters, x and z of the cargo box
LOAD = Surface((0.88, 0.88, 0.87), label="vehicle", specular=0.03, shininess=64, tinted=False)
EDGE = Surface((0.55, 0.56, 0.58), label="vehicle", tinted=False)
REFLECTOR = Surface((0.75, 0.10, 0.10), label="vehicle", tinted=False)


@cache
def truck() -> VehicleModel:
    """A truck of 8.2 × 2.5 × 3.5 m; the cab and a stripe along the white box take the paint color."""
    levels = [_near(), _middle(), _far()]
    return VehicleModel("truck", LENGTH, WIDTH, HEIGHT, AXLES[0] - AXLES[1], AXLES[1], levels)


def _near() -> Mesh:
    left = [*_glass(), *_lamps(), *_load()]
    for x, width in zip(AXLES, (0.32, 0.6), strict=True):
        left += wheel_polygons(x, 0.5 * WIDTH + 0.015 - 0.5 * width, WHEEL_RADIUS, width, 8, 10)
    (rear, front), (low, high) = BOX
    y = 0.5 * WIDTH
    side = np.array([[front, y, low], [rear, y, low], [rear, y, high], [front, y, high]])
    back = np.array([[rear, y, low], [rear, 0.0, low], [rear, 0.0, high], [rear, y, high]])
    left += [
        (inset(side, (0.0, 1.0), (0.0, 0.05)), EDGE, None),
        (inset(side, (0.0, 1.0), (0.96, 1.0)), EDGE, None),
        (inset(back, (0.0, 0.04), (0.0, 1.0)), EDGE, None),
        (inset(back, (0.97, 1.0), (0.0, 1.0)), EDGE, None),
        (inset(back, (0.30, 0.33), (0.1, 1.0)), EDGE, None),
        *box((-1.6, 1.16, 0.45), (2.1, 1.18, 0.85), EDGE, "Y"),
        CAB.end_panel(DARK, 1, (0.0, 0.70), (0.42, 0.85)),
        CAB.end_panel(TRIM, 1, (0.0, 0.98), (0.02, 0.34)),
        *CAB.side_panels(TRIM, (3.62, 2.24), 0, (0.0, 0.3), 0.02),
        *box((3.72, 1.24, 1.75), (3.86, 1.46, 2.45), TRIM, "XYZ"),
        *box((3.72, 1.24, 1.75), (3.86, 1.46, 2.45), GLASS, "x"),
    ]
    return _assembled(left)


def _middle() -> Mesh:
    left = [*_glass(), *_lamps(), *_load()]
    for x, width in zip(AXLES, (0.32, 0.6), strict=True):
        left += far_wheel(x, 0.5 * WIDTH - 0.5 * width, WHEEL_RADIUS, width, float(np.sign(x)), 8)
    return _assembled(left)


def _assembled(left: list[Polygon]) -> Mesh:
    (rear, front), (low, high) = BOX
    middle = [
        *box((rear, -0.5 * WIDTH, low), (front, 0.5 * WIDTH, high), LOAD, "xXyYZ"),
        *box((rear, -0.5 * WIDTH, low), (front, 0.5 * WIDTH, high), DARK, "z"),
        *box((rear, -0.5, 0.55), (2.3, 0.5, low), DARK, "xyYz"),
        plate(4.115, 0.26, 0.50, 0.61),
        plate(-4.1, 0.26, 0.62, 0.73),
    ]
    return welded(Mesh.merge([CAB.shell(PAINT, DARK), polygon_mesh([*both_sides(left), *middle])]))


def _glass() -> list[Polygon]:
    return [CAB.top_panel(GLASS, (4.07, 3.88), 0.96), *CAB.side_panels(GLASS, (3.80, 2.75), 2, (0.03, 0.62))]


def _lamps() -> list[Polygon]:
    """Lamps on the bumpers; the rear bumper hangs below the box."""
    tail = np.array([[-4.09, 1.14, 0.60], [-4.09, 0.62, 0.60], [-4.09, 0.62, 0.82], [-4.09, 1.14, 0.82]])
    bar = np.array([[-4.08, 1.2, 0.55], [-4.08, 0.0, 0.55], [-4.08, 0.0, 0.87], [-4.08, 1.2, 0.87]])
    return [
        CAB.end_panel(HEAD, 1, (0.70, 0.93), (0.10, 0.28), 0.02),
        CAB.end_panel(AMBER_LEFT, 1, (0.93, 1.0), (0.10, 0.28), 0.02),
        (bar, TRIM, None),
        (inset(tail, (0.30, 1.0), (0.0, 1.0)), TAIL, None),
        (inset(tail, (0.0, 0.28), (0.0, 1.0)), AMBER_LEFT, None),
    ]


def _load() -> list[Polygon]:
    """Painted stripe along the box, and the reflector on its rear edge."""
    (rear, front), (low, high) = BOX
    y = 0.5 * WIDTH
    side = np.array([[front, y, low], [rear, y, low], [rear, y, high], [front, y, high]])
    back = np.array([[rear, y, low], [rear, 0.0, low], [rear, 0.0, high], [rear, y, high]])
    return [
        (inset(side, (0.06, 0.94), (0.34, 0.62)), PAINT, None),
        (inset(back, (0.0, 1.0), (0.0, 0.05)), REFLECTOR, None),
    ]


def _far() -> Mesh:
    """The coarsest level: cab and load as boxes with textured sides."""
    half, wide, cab = 0.5 * LENGTH, 0.5 * WIDTH, 2.95
    (_, front), _ = BOX
    gap = side_window(half, front, 0.0, HEIGHT, (0.05, 0.05, 0.055))
    load = side_texture(LENGTH, HEIGHT, AXLES, WHEEL_RADIUS, [gap], tinted=False)
    head = side_texture(LENGTH, HEIGHT, AXLES, WHEEL_RADIUS, [side_window(3.75, 2.75, 1.62, 2.4)])
    side = np.array([[front, wide, 0.0], [-half, wide, 0.0], [-half, wide, HEIGHT], [front, wide, HEIGHT]])
    face = np.array(
        [
            [half, wide, 0.0],
            [front, wide, 0.0],
            [front, wide, cab],
            [half - 0.3, wide, cab],
            [half, wide, 1.5],
        ]
    )
    left: list[Polygon] = [
        (inset(side, (0.06, 0.94), (0.53, 0.73), 0.02), PAINT, None),
        (side, load, side_uvs(side, LENGTH, HEIGHT)),
        (face, head, side_uvs(face, LENGTH, HEIGHT)),
        *far_lamps(half + 0.01, 0.5, 1.12, 0.5, 0.92, FAR_HEAD_LEFT),
        *far_lamps(-half - 0.01, 0.5, 1.18, 0.55, 1.0, FAR_TAIL_LEFT),
    ]
    across = np.array([1.0, -1.0, 1.0])
    strips: list[Polygon] = []
    for first, second, surface in (
        (face[4], face[0], head),
        (face[3], face[4], GLASS),
        (face[2], face[3], PAINT),
        (side[3], np.array([front, wide, cab]), LOAD),
        (side[2], side[3], LOAD),
        (side[1], side[2], load),
        (np.array([half, wide, 0.4]), np.array([-half, wide, 0.4]), DARK),
    ):
        strip = np.array([first, first * across, second * across, second])
        strips.append((strip, surface, np.column_stack([np.full(4, 0.6), strip[:, 2] / HEIGHT])))
    return welded(polygon_mesh([*both_sides(left), *strips]))
