"""A motorcycle with a helmeted rider."""

from __future__ import annotations

from functools import cache

import numpy as np

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving.assets.bodies import BODIES, Body
from camshaft.envs.driving.assets.figures import figures
from camshaft.envs.driving.assets.hulls import Hull, sections
from camshaft.envs.driving.assets.lofts import loft, tube
from camshaft.envs.driving.assets.riders import seated_poses
from camshaft.envs.driving.assets.shapes import Polygon, box, disc, polygon_mesh, welded
from camshaft.envs.driving.assets.vehicle_model import (
    AMBER_LEFT,
    FAR_HEAD_LEFT,
    FAR_TAIL_LEFT,
    HEAD,
    TAIL,
    VehicleModel,
    both_sides,
)
from camshaft.envs.driving.assets.vehicle_parts import CHROME, DARK, GLASS, PAINT, TIRE
from camshaft.envs.driving.assets.walk import CHIN, PARTS
from camshaft.envs.driving.textures.vehicles import wheel
from camshaft.envs.rendering import Mesh, Surface

LENGTH, WIDTH = 2.10, 0.70  # meters
AXLES = (0.73, -0.69)  # x, meters
WHEEL_RADIUS, WHEEL_WIDTH = 0.31, 0.14
HIPS, LEAN, HANDS = (-0.24, 0.84), 0.32, (0.34, 0.98)  # meters, rad, meters
ANKLES = ((-0.10, 0.36), (-0.10, 0.36))
TANK = Hull(
    sections(  # x, then belly, flank, shoulder
        (0.44, (0.07, 0.46), (0.13, 0.66), (0.09, 0.86)),
        (0.22, (0.10, 0.36), (0.17, 0.64), (0.12, 0.92)),
        (-0.14, (0.10, 0.36), (0.14, 0.62), (0.11, 0.80)),
        (-0.62, (0.07, 0.58), (0.13, 0.72), (0.11, 0.79)),
        (-0.98, (0.04, 0.74), (0.08, 0.80), (0.06, 0.86)),
    ),
    crown=0.02,
)
HEAD_PART = PARTS.index("head")
HELMET = Surface((0.92, 0.92, 0.92), label="person", specular=0.04, shininess=128)


@cache
def motorcycle(rider: int = 0) -> VehicleModel:
    """A motorcycle 2.1 m long; tank, fairing, helmet and the rider's jacket take the color of the slot.

    Args:
        rider: index into `bodies.BODIES`.
    """
    body = BODIES[rider]
    pose = seated_poses(body, np.array(HIPS), LEAN, HANDS, np.array(ANKLES), 0.17)
    people = [figure.without(HEAD_PART).posed(pose) for figure in figures(rider)]
    levels = [
        welded(Mesh.merge([*machine, person, _helmet(body, segments).transformed(pose[HEAD_PART])]))
        for machine, person, segments in zip((_near(), _middle(), _far()), people, (6, 4, 4), strict=True)
    ]
    height = float(levels[0].positions[:, 2].max())
    return VehicleModel("motorcycle", LENGTH, WIDTH, height, AXLES[0] - AXLES[1], AXLES[1], levels)


def _helmet(body: Body, segments: int) -> Mesh:
    """A helmet: a shell around the head, open below, with a dark visor."""
    size = body.head
    angles = 2.0 * np.pi * (np.arange(segments) + 0.5) / segments
    rows = [(-0.14, 0.07), (-0.02, 0.105), (0.10, 0.128), (0.19, 0.105), (0.255, 0.0)]
    if segments == 4:
        rows = [rows[0], rows[2], rows[4]]
    around = np.column_stack([1.12 * np.cos(angles), np.sin(angles)])
    rings = np.array(
        [np.column_stack([radius * around + [0.005, 0.0], np.full(segments, CHIN + z)]) for z, radius in rows]
    )
    shell = loft(size * rings, [HELMET])
    visor = np.array(
        [[0.125, 0.075, 0.185], [0.142, 0.075, 0.115], [0.142, -0.075, 0.115], [0.125, -0.075, 0.185]]
    )
    glass = Surface(GLASS.color, label="person", specular=0.07, shininess=256, tinted=False)
    return Mesh.merge([shell, polygon_mesh([(size * visor, glass, None)])])


def _near() -> list[Mesh]:
    wheels = [polygon for x in AXLES for polygon in _wheel(x, 10)]
    left: list[Polygon] = [
        *box((-0.30, 0.06, 0.24), (0.28, 0.15, 0.44), DARK, "xXYZz"),  # half the engine
        (
            np.array([[-0.92, 0.20, 0.30], [-0.30, 0.20, 0.26], [-0.30, 0.20, 0.36], [-0.92, 0.20, 0.42]])[
                ::-1
            ],
            CHROME,
            None,
        ),
        *box((0.46, 0.17, 0.88), (0.50, 0.25, 0.94), AMBER_LEFT, "X"),
        *box((-1.02, 0.11, 0.74), (-0.96, 0.19, 0.80), AMBER_LEFT, "x"),
    ]
    parts = [
        TANK.shell(PAINT, DARK),
        polygon_mesh([*both_sides(left), *wheels, *_lamps(), *_seat(), *_screen()]),
        tube([[0.40, 0.0, 0.86], [AXLES[0], 0.0, WHEEL_RADIUS]], [0.07, 0.06], 4, CHROME),
        tube([[-0.10, 0.0, 0.42], [AXLES[1], 0.0, WHEEL_RADIUS]], [0.08, 0.07], 4, DARK),
        tube([[0.30, 0.34, 0.97], [0.42, 0.0, 0.95], [0.30, -0.34, 0.97]], [0.018] * 3, 3, DARK),
    ]
    return parts


def _middle() -> list[Mesh]:
    wheels = [polygon for x in AXLES for polygon in _wheel(x, 6)]
    fork = tube([[0.40, 0.0, 0.86], [AXLES[0], 0.0, WHEEL_RADIUS]], [0.08, 0.07], 3, CHROME)
    engine = box((-0.30, -0.15, 0.24), (0.28, 0.15, 0.44), DARK, "xXyY")
    left = [
        *box((0.46, 0.17, 0.88), (0.50, 0.25, 0.94), AMBER_LEFT, "X"),
        *box((-1.02, 0.11, 0.74), (-0.96, 0.19, 0.80), AMBER_LEFT, "x"),
    ]
    return [
        TANK.every(2).shell(PAINT, DARK),
        fork,
        polygon_mesh([*wheels, *engine, *both_sides(left), *_lamps()]),
    ]


def _far() -> list[Mesh]:
    wheels = [polygon for x in AXLES for polygon in _wheel(x, 6, tread=False)]
    body = box((-0.95, -0.14, 0.36), (0.50, 0.14, 0.82), PAINT, "xXyYZ")
    left: list[Polygon] = [
        (
            np.array([[-1.0, 0.09, 0.66], [-1.0, 0.0, 0.66], [-1.0, 0.0, 0.84], [-1.0, 0.09, 0.84]]),
            FAR_TAIL_LEFT,
            None,
        ),
        (
            np.array([[0.53, 0.0, 0.74], [0.53, 0.1, 0.74], [0.53, 0.1, 0.92], [0.53, 0.0, 0.92]]),
            FAR_HEAD_LEFT,
            None,
        ),
    ]
    return [polygon_mesh([*wheels, *body, *both_sides(left)])]


def _wheel(x: float, corners: int, tread: bool = True) -> list[Polygon]:
    """A wheel that is visible from both sides, from the front and from behind."""
    rim = Surface((1.0, 1.0, 1.0), wheel(6), "vehicle", tinted=False)
    half, radius = 0.5 * WHEEL_WIDTH, WHEEL_RADIUS / np.cos(np.pi / corners) ** 0.5
    center = np.array([x, 0.0, WHEEL_RADIUS])
    sides = [
        disc(center + np.array([0.0, side * half, 0.0]), radius, corners, rim, side) for side in (1.0, -1.0)
    ]
    if not tread:
        top = 2.0 * WHEEL_RADIUS
        cross: FloatArray = np.array([[x, -half, 0.0], [x, half, 0.0], [x, half, top], [x, -half, top]])
        return [*sides, (cross, TIRE, None), (cross[::-1], TIRE, None)]
    face = np.asarray(sides[0][0])
    back = face - [0.0, WHEEL_WIDTH, 0.0]
    band: list[Polygon] = [
        (np.array([face[i - 1], back[i - 1], back[i], face[i]]), TIRE, None) for i in range(corners)
    ]
    return [*sides, *band]


def _lamps() -> list[Polygon]:
    """Headlamp and tail lamp."""
    front = np.array([[0.53, -0.09, 0.76], [0.53, 0.09, 0.76], [0.51, 0.08, 0.92], [0.51, -0.08, 0.92]])
    rear = np.array([[-1.0, 0.09, 0.78], [-1.0, -0.09, 0.78], [-1.0, -0.08, 0.86], [-1.0, 0.08, 0.86]])
    return [(front, HEAD, None), (rear, TAIL, None)]


def _seat() -> list[Polygon]:
    return box((-0.72, -0.12, 0.74), (-0.12, 0.12, 0.83), DARK, "xXyYZ")


def _screen() -> list[Polygon]:
    """The small fairing around the headlamp, and its windshield."""
    shell = box((0.36, -0.12, 0.72), (0.51, 0.12, 0.95), PAINT, "xyYZz")
    pane = np.array([[0.50, -0.11, 0.95], [0.50, 0.11, 0.95], [0.38, 0.09, 1.12], [0.38, -0.09, 1.12]])
    return [*shell, (pane, GLASS, None), (pane[::-1], GLASS, None)]
