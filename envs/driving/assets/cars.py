"""Passenger cars: a sedan, a hatchback and an SUV, from half cross-sections of the body and a cabin on top."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving.assets.hulls import FLIP, Hull, Section, sections
from camshaft.envs.driving.assets.shapes import Polygon, box, inset, mirrored, polygon_mesh, welded
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
    wheel_polygons,
)
from camshaft.envs.rendering import Mesh


@dataclass(frozen=True)
class CarShape:
    """Shape of a car; lengths in meters.

    Attributes:
        length, width, height: overall, without mirrors.
        wheelbase: distance between the axles, which are symmetric about the middle.
        wheel_radius: radius of the wheels.
        spokes: number of spokes per rim.
        body: half cross-sections below the windows: sill, waist, shoulder.
        glass: x, y, z of the lower front and the lower rear corner of the windows.
        roof: the same for the roof.
        pillars: fractions of the length of the side windows at which pillar, glass, pillar, … end, from the front.
        tail: lower and upper edge of the tail lamps, as fractions of the height of the rear.
        rails: whether the roof has rails.
    """

    length: float
    width: float
    height: float
    wheelbase: float
    wheel_radius: float
    spokes: int
    body: tuple[Section, ...]
    glass: tuple[tuple[float, float, float], tuple[float, float, float]]
    roof: tuple[tuple[float, float, float], tuple[float, float, float]]
    pillars: tuple[float, ...]
    tail: tuple[float, float]
    rails: bool = False


SEDAN = CarShape(
    4.5, 1.8, 1.45, 2.7, 0.33, 5,
    sections(
        (2.25, (0.70, 0.30), (0.76, 0.48), (0.68, 0.66)),
        (2.08, (0.84, 0.24), (0.86, 0.54), (0.75, 0.79)),
        (1.30, (0.88, 0.22), (0.90, 0.60), (0.79, 0.88)),
        (0.85, (0.88, 0.22), (0.90, 0.62), (0.80, 0.92)),
        (-1.60, (0.88, 0.22), (0.90, 0.64), (0.80, 0.97)),
        (-2.12, (0.84, 0.26), (0.86, 0.60), (0.74, 0.95)),
        (-2.25, (0.70, 0.34), (0.76, 0.56), (0.68, 0.86)),
    ),
    ((0.95, 0.80, 0.89), (-1.72, 0.795, 0.94)),
    ((0.12, 0.58, 1.41), (-1.05, 0.57, 1.43)),
    (0.0, 0.07, 0.47, 0.53, 0.88, 1.0),
    (0.52, 0.80),
)  # fmt: skip
HATCHBACK = CarShape(
    3.95, 1.74, 1.49, 2.5, 0.31, 7,
    sections(
        (1.975, (0.66, 0.30), (0.74, 0.52), (0.66, 0.71)),
        (1.80, (0.80, 0.24), (0.84, 0.58), (0.73, 0.84)),
        (1.10, (0.85, 0.21), (0.87, 0.62), (0.78, 0.94)),
        (0.75, (0.85, 0.21), (0.87, 0.64), (0.79, 0.98)),
        (-1.45, (0.85, 0.21), (0.87, 0.68), (0.79, 1.02)),
        (-1.88, (0.82, 0.27), (0.84, 0.66), (0.76, 1.01)),
        (-1.975, (0.70, 0.36), (0.77, 0.62), (0.71, 0.93)),
    ),
    ((0.86, 0.785, 0.945), (-1.86, 0.765, 0.99)),
    ((0.08, 0.60, 1.47), (-1.50, 0.58, 1.44)),
    (0.0, 0.06, 0.50, 0.56, 0.84, 1.0),
    (0.45, 0.98),
)  # fmt: skip
SUV = CarShape(
    4.65, 1.9, 1.74, 2.76, 0.37, 6,
    sections(
        (2.325, (0.74, 0.38), (0.82, 0.66), (0.74, 0.92)),
        (2.16, (0.88, 0.32), (0.92, 0.72), (0.82, 1.04)),
        (1.40, (0.92, 0.29), (0.95, 0.76), (0.86, 1.12)),
        (0.95, (0.92, 0.29), (0.95, 0.78), (0.87, 1.15)),
        (-1.75, (0.92, 0.29), (0.95, 0.82), (0.87, 1.19)),
        (-2.20, (0.89, 0.34), (0.92, 0.80), (0.83, 1.18)),
        (-2.325, (0.76, 0.42), (0.84, 0.74), (0.78, 1.08)),
    ),
    ((1.06, 0.865, 1.11), (-2.20, 0.835, 1.16)),
    ((0.30, 0.68, 1.68), (-1.90, 0.66, 1.70)),
    (0.0, 0.06, 0.38, 0.43, 0.70, 0.74, 0.92, 1.0),
    (0.45, 0.95),
    rails=True,
)  # fmt: skip


@cache
def sedan() -> VehicleModel:
    """A sedan of 4.5 × 1.8 × 1.45 m."""
    return _car("sedan", SEDAN)


@cache
def hatchback() -> VehicleModel:
    """A small car of 3.95 × 1.74 × 1.49 m with a steep tail."""
    return _car("hatchback", HATCHBACK)


@cache
def suv() -> VehicleModel:
    """An SUV of 4.65 × 1.9 × 1.74 m with roof rails."""
    return _car("suv", SUV)


def _car(name: str, shape: CarShape) -> VehicleModel:
    levels = [_near(shape), _middle(shape), _far(shape)]
    return VehicleModel(
        name, shape.length, shape.width, shape.height, shape.wheelbase, -0.5 * shape.wheelbase, levels
    )


def _near(shape: CarShape) -> Mesh:
    hull = _hull(shape)
    left = [*_cabin_side(shape, shape.pillars), *_lamps(shape, hull), *_trim(shape, hull), *_mirror(shape)]
    for x in (0.5 * shape.wheelbase, -0.5 * shape.wheelbase):
        left += wheel_polygons(x, 0.5 * shape.width - 0.085, shape.wheel_radius, 0.2, shape.spokes)
    if shape.rails:
        (front, y, z), (rear, *_) = shape.roof
        left += box((rear, y - 0.08, z), (front - 0.1, y - 0.03, shape.height), TRIM, "xXyYZ")
    return _assembled(shape, hull, left)


def _middle(shape: CarShape) -> Mesh:
    hull = _hull(shape).every(2)
    pillars = (0.0, shape.pillars[1], shape.pillars[-2], 1.0)
    left = [*_cabin_side(shape, pillars), *_lamps(shape, hull)]
    for x in (0.5 * shape.wheelbase, -0.5 * shape.wheelbase):
        left += far_wheel(x, 0.5 * shape.width - 0.085, shape.wheel_radius, 0.2, np.sign(x), shape.spokes)
    return _assembled(shape, hull, left)


def _assembled(shape: CarShape, hull: Hull, left: list[Polygon]) -> Mesh:
    """Body, cabin and plates; parts of the left side are mirrored to the right."""
    (front, (foot, *_)), (rear, (rear_foot, *_)) = hull.sections[0], hull.sections[-1]
    plates = [
        plate(front + 0.012, 0.26, foot[1] + 0.07, foot[1] + 0.18),
        plate(rear - 0.012, 0.26, rear_foot[1] + 0.25, rear_foot[1] + 0.36),
    ]
    rest = polygon_mesh([*both_sides(left), *_cabin_top(shape), *plates])
    return welded(Mesh.merge([hull.shell(PAINT, DARK), rest]))


def _hull(shape: CarShape) -> Hull:
    return Hull(shape.body, 0.03)


def _cabin_side(shape: CarShape, pillars: Sequence[float]) -> list[Polygon]:
    panel = np.array([shape.glass[0], shape.glass[1], shape.roof[1], shape.roof[0]])
    return [
        (inset(panel, share, (0.0, 1.0), 0.0), GLASS if index % 2 else PAINT, None)
        for index, share in enumerate(pairwise(pillars))
    ]


def _cabin_top(shape: CarShape) -> list[Polygon]:
    """Windshield, rear window with the center brake lamp, and a roof with a ridge."""
    crown = np.array([1.0, 0.0, 1.0])
    front, rear = np.array(shape.roof)
    rise = np.array([0.0, 0.0, shape.height - max(front[2], rear[2])])
    ridge_front, ridge_rear = front * crown + rise, rear * crown + rise
    roof: list[Polygon] = [(np.array([ridge_front, front, rear, ridge_rear]), PAINT, None)]
    windshield, window = _windows(shape)
    return [
        (windshield, GLASS, None),
        (window, GLASS, None),
        (inset(window, (0.38, 0.62), (0.86, 0.94)), HIGH_BRAKE, None),
        (np.array([front * FLIP, front, ridge_front]), PAINT, None),
        (np.array([rear, rear * FLIP, ridge_rear]), PAINT, None),
        *roof,
        *mirrored(roof),
    ]


def _windows(shape: CarShape) -> tuple[FloatArray, FloatArray]:
    """(4, 3) each: windshield and rear window."""
    (front, rear), (roof_front, roof_rear) = np.array(shape.glass), np.array(shape.roof)
    windshield = np.array([front * FLIP, front, roof_front, roof_front * FLIP])
    return windshield, np.array([rear, rear * FLIP, roof_rear * FLIP, roof_rear])


def _lamps(shape: CarShape, hull: Hull) -> list[Polygon]:
    """Headlamp, tail lamp and turn signals on the left."""
    low, high = shape.tail
    return [
        hull.end_panel(HEAD, 1, (0.52, 0.86), (0.52, 0.97)),
        hull.end_panel(AMBER_LEFT, 1, (0.86, 0.99), (0.52, 0.97)),
        hull.end_panel(TAIL, -1, (0.58, 0.99), (low, high)),
        hull.end_panel(AMBER_LEFT, -1, (0.58, 0.99), (low - 0.13, low - 0.005)),
    ]


def _trim(shape: CarShape, hull: Hull) -> list[Polygon]:
    """Left half of grille, air intake and rear bumper; a sill and a door handle."""
    end = 0.5 * shape.wheelbase - 1.25 * shape.wheel_radius
    return [
        hull.end_panel(DARK, 1, (0.0, 0.50), (0.58, 0.95)),
        hull.end_panel(DARK, 1, (0.0, 0.85), (0.03, 0.17)),
        hull.end_panel(TRIM, -1, (0.0, 0.97), (0.03, 0.20)),
        *hull.side_panels(TRIM, (end, -end), 0, (0.0, 0.24), 0.006),
        *hull.side_panels(DARK, (-0.25, -0.45), 1, (0.45, 0.6), 0.012),
    ]


def _mirror(shape: CarShape) -> list[Polygon]:
    """The left side mirror: front, outer side, top, and the glass at the back."""
    x, y, z = shape.glass[0]
    low, high = (x - 0.33, y - 0.02, z + 0.03), (x - 0.23, y + 0.16, z + 0.15)
    return [*box(low, high, PAINT, "XYZ"), *box(low, high, GLASS, "x")]


def _far(shape: CarShape) -> Mesh:
    """The coarsest level: body and cabin as boxes with textured sides, and a lamp at each corner."""
    half, waist = 0.5 * shape.length, max(y for _, profile in shape.body for y, _ in profile)
    front, rear = shape.body[0][1][-1][1] + 0.05, shape.body[-1][1][-1][1] + 0.03
    axles = (0.5 * shape.wheelbase, -0.5 * shape.wheelbase)
    sides = side_texture(shape.length, rear, axles, shape.wheel_radius)
    side = np.array([[half, waist, 0.0], [-half, waist, 0.0], [-half, waist, rear], [half, waist, front]])
    left: list[Polygon] = [
        (side, sides, side_uvs(side, shape.length, rear)),
        (np.array([shape.glass[0], shape.glass[1], shape.roof[1], shape.roof[0]]), GLASS, None),
        *far_lamps(half + 0.01, 0.36, 0.80, front - 0.28, front - 0.02, FAR_HEAD_LEFT),
        *far_lamps(-half - 0.01, 0.36, 0.84, rear - 0.36, rear - 0.06, FAR_TAIL_LEFT),
    ]
    deck = np.array(
        [[half, -waist, front], [half, waist, front], [-half, waist, rear], [-half, -waist, rear]]
    )
    ends = [
        np.array([[-half, waist, 0.0], [-half, -waist, 0.0], [-half, -waist, rear], [-half, waist, rear]]),
        np.array([[half, -waist, 0.0], [half, waist, 0.0], [half, waist, front], [half, -waist, front]]),
    ]
    middle: list[Polygon] = [
        (deck, PAINT, None),
        *((end, sides, np.column_stack([np.full(4, 0.5), end[:, 2] / rear])) for end in ends),
        *box((-half, -waist, 0.2), (half, waist, rear), DARK, "z"),
        *((window, GLASS, None) for window in _windows(shape)),
        _roof(shape),
    ]
    return welded(polygon_mesh([*both_sides(left), *middle]))


def _roof(shape: CarShape) -> Polygon:
    front, rear = np.array(shape.roof)
    rise = [0.0, 0.0, shape.height - max(front[2], rear[2])]
    return np.array([front * FLIP, front, rear, rear * FLIP]) + rise, PAINT, None
