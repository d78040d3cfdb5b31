"""A delivery van."""

from __future__ import annotations

from functools import cache

import numpy as np

from camshaft.envs.driving.assets.hulls import Hull, sections
from camshaft.envs.driving.assets.shapes import Polygon, box, polygon_mesh, welded
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
from camshaft.envs.rendering import Mesh

LENGTH, WIDTH, HEIGHT = 5.5, 2.0, 2.5  # meters
AXLES = (1.83, -1.72)  # x, meters
WHEEL_RADIUS = 0.35
HULL = Hull(
    sections(  # x, then sill, waist, foot of the windows, their upper edge, edge of the roof
        (2.75, (0.74, 0.34), (0.82, 0.60), (0.76, 0.98), (0.72, 1.03), (0.60, 1.06)),
        (2.58, (0.89, 0.27), (0.94, 0.66), (0.88, 1.14), (0.82, 1.20), (0.68, 1.24)),
        (1.98, (0.94, 0.25), (0.99, 0.70), (0.96, 1.24), (0.88, 1.36), (0.76, 1.42)),
        (1.10, (0.96, 0.25), (1.00, 0.75), (0.98, 1.34), (0.87, 2.18), (0.74, 2.30)),
        (0.80, (0.96, 0.25), (1.00, 0.75), (0.98, 1.36), (0.91, 2.22), (0.80, 2.42)),
        (-2.62, (0.96, 0.25), (1.00, 0.75), (0.98, 1.36), (0.92, 2.24), (0.80, 2.46)),
        (-2.75, (0.92, 0.32), (0.96, 0.75), (0.94, 1.36), (0.88, 2.20), (0.76, 2.38)),
    ),
    crown=0.04,
)


@cache
def van() -> VehicleModel:
    """A delivery van of 5.5 × 2.0 × 2.5 m, without windows behind the front doors."""
    levels = [_near(), _middle(), _far()]
    return VehicleModel("van", LENGTH, WIDTH, HEIGHT, AXLES[0] - AXLES[1], AXLES[1], levels)


def _near() -> Mesh:
    left = [*_glass(HULL), *_lamps(HULL)]
    for x in AXLES:
        left += wheel_polygons(x, 0.5 * WIDTH - 0.095, WHEEL_RADIUS, 0.22, 6, 10)
    seam, low, high = 0.02, (0.1, 1.0), (0.0, 1.0)
    for x in (0.42, -0.85):  # edges of the sliding door
        left += HULL.side_panels(DARK, (x, x - seam), 1, low, 0.006) + HULL.side_panels(
            DARK, (x, x - seam), 2, high, 0.006
        )
    left += [
        *HULL.side_panels(TRIM, (1.35, -1.25), 0, (0.45, 0.75), 0.02),
        *HULL.side_panels(TRIM, (-2.18, -2.60), 0, (0.45, 0.75), 0.02),
        HULL.end_panel(DARK, 1, (0.0, 0.56), (0.52, 0.80)),
        HULL.end_panel(TRIM, 1, (0.0, 0.98), (0.02, 0.30)),
        HULL.end_panel(TRIM, -1, (0.0, 0.99), (0.02, 0.14)),
        HULL.end_panel(DARK, -1, (0.0, 0.012), (0.14, 0.97), 0.006),
        *box((1.36, 1.0, 1.36), (1.48, 1.2, 1.72), TRIM, "XYZ"),
        *box((1.36, 1.0, 1.36), (1.48, 1.2, 1.72), GLASS, "x"),
    ]
    return _assembled(HULL, left)


def _middle() -> Mesh:
    chosen = HULL.sections[:1] + HULL.sections[2:4] + HULL.sections[-1:]
    hull = Hull(tuple((x, (*profile[:3], profile[4])) for x, profile in chosen), HULL.crown)
    left = [*_glass(hull), *_lamps(hull)]
    for x in AXLES:
        left += far_wheel(x, 0.5 * WIDTH - 0.095, WHEEL_RADIUS, 0.22, float(np.sign(x)), 6)
    return _assembled(hull, left)


def _assembled(hull: Hull, left: list[Polygon]) -> Mesh:
    middle = [
        plate(2.765, 0.26, 0.42, 0.53),
        plate(-2.765, 0.26, 0.66, 0.77),
        (
            [[-2.765, 0.14, 2.30], [-2.765, -0.14, 2.30], [-2.765, -0.14, 2.36], [-2.765, 0.14, 2.36]],
            HIGH_BRAKE,
            None,
        ),
    ]
    return welded(Mesh.merge([hull.shell(PAINT, DARK), polygon_mesh([*both_sides(left), *middle])]))


def _glass(hull: Hull) -> list[Polygon]:
    """Windows of the left front and rear door, and the left half of the windshield."""
    return [
        *hull.side_panels(GLASS, (1.58, 0.45), 2, (0.04, 0.88)),
        hull.top_panel(GLASS, (1.95, 1.14), 0.97),
        hull.end_panel(GLASS, -1, (0.14, 0.86), (0.52, 0.82)),
    ]


def _lamps(hull: Hull) -> list[Polygon]:
    return [
        hull.end_panel(HEAD, 1, (0.62, 0.90), (0.50, 0.92)),
        hull.end_panel(AMBER_LEFT, 1, (0.90, 1.0), (0.50, 0.92)),
        hull.end_panel(TAIL, -1, (0.88, 0.99), (0.24, 0.44)),
        hull.end_panel(AMBER_LEFT, -1, (0.88, 0.99), (0.45, 0.51)),
    ]


def _far() -> Mesh:
    """The coarsest level: the textured outline of a side, extruded over the width."""
    half, wide = 0.5 * LENGTH, 0.5 * WIDTH
    corners = [(2.0, 1.40), (half, 1.05), (half, 0.0), (-half, 0.0), (-half, HEIGHT), (0.95, HEIGHT)]
    outline = np.array([[x, wide, z] for x, z in corners])
    window = ([[1.65, 1.42], [0.45, 1.42], [0.45, 2.1], [1.15, 2.1]], side_window(0, 0, 0, 0)[1])
    sides = side_texture(LENGTH, HEIGHT, AXLES, WHEEL_RADIUS, [window])
    left: list[Polygon] = [
        (outline, sides, side_uvs(outline, LENGTH, HEIGHT)),
        *far_lamps(half + 0.01, 0.45, 0.92, 0.72, 1.02, FAR_HEAD_LEFT),
        *far_lamps(-half - 0.01, 0.62, 0.98, 0.75, 1.35, FAR_TAIL_LEFT),
    ]
    strips: list[Polygon] = []
    across = np.array([1.0, -1.0, 1.0])
    for index, surface in ((0, PAINT), (1, sides), (3, sides), (4, PAINT), (5, GLASS)):
        first, second = outline[index], outline[(index + 1) % 6]
        strip = np.array([first, first * across, second * across, second])
        strips.append((strip, surface, np.column_stack([np.full(4, 0.5), strip[:, 2] / HEIGHT])))
    return welded(
        polygon_mesh([*both_sides(left), *strips, *box((-half, -wide, 0.2), (half, wide, 1.0), DARK, "z")])
    )
