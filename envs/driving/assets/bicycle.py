"""A bicycle with a pedaling rider."""

from __future__ import annotations

from functools import cache

import numpy as np

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving.assets.bodies import BODIES, Body
from camshaft.envs.driving.assets.figures import figures
from camshaft.envs.driving.assets.lofts import tube
from camshaft.envs.driving.assets.riders import seated_poses
from camshaft.envs.driving.assets.shapes import Polygon, polygon_mesh, welded
from camshaft.envs.driving.assets.vehicle_model import VehicleModel
from camshaft.envs.rendering import Mesh, Surface

LENGTH, WIDTH, WHEELBASE = 1.74, 0.56, 1.06  # meters
WHEEL_RADIUS = 0.34
CRANK_AXLE, CRANK, PEDAL_SIDE = (-0.10, 0.29), 0.17, 0.11  # meters: x and z, length, lateral distance
HANDS = (0.33, 0.22, 1.06)  # x, y, z of the left grip
LEAN = 0.5  # rad, of the rider's trunk
PEDAL_FRAMES = 8  # frames of one turn of the cranks
RIDERS = (0, 1, 2, 3, 5, 7)  # indices into `BODIES`, even ones for training, odd ones for testing

FRAME = Surface((0.16, 0.22, 0.30), label="bicycle", specular=0.03, shininess=64, tinted=False)
RUBBER = Surface((0.10, 0.10, 0.105), label="bicycle", tinted=False)
WHEEL = Surface((0.12, 0.12, 0.125), label="bicycle", double_sided=True, tinted=False)
STEEL = Surface((0.62, 0.63, 0.65), label="bicycle", tinted=False)
FRONT_LAMP = Surface((1.0, 0.98, 0.9), label="bicycle", emissive=True, tinted=False)
REAR_LAMP = Surface((0.85, 0.05, 0.06), label="bicycle", emissive=True, tinted=False)


@cache
def bicycle(rider: int = 0) -> VehicleModel:
    """A bicycle 1.74 m long and its rider, whose shirt takes the color of the slot.

    Args:
        rider: index into `bodies.BODIES`, preferably one of RIDERS.
    """
    levels = bicycle_frames(rider)[0]
    height = float(levels[0].positions[:, 2].max())
    return VehicleModel("bicycle", LENGTH, WIDTH, height, WHEELBASE, -0.5 * WHEELBASE, levels)


@cache
def bicycle_frames(rider: int = 0) -> list[list[Mesh]]:
    """Levels of about 400, 130 and 70 triangles at PEDAL_FRAMES phases of one crank turn, as variants."""
    seat = _hips(BODIES[rider])
    bare = (_near(seat), _middle(seat), _far(seat))
    frames = []
    for frame in range(PEDAL_FRAMES):
        angle = 2.0 * np.pi * frame / PEDAL_FRAMES
        pose = _seated(BODIES[rider], seat, angle)
        people = [figure.posed(pose) for figure in figures(rider)]
        cranks = _cranks(angle)
        frames.append(
            [
                Mesh.merge([bike, *([cranks] if level == 0 else []), person])
                for level, (bike, person) in enumerate(zip(bare, people, strict=True))
            ]
        )
    return frames


def _hips(body: Body) -> FloatArray:
    """(2,) x and z of the hip joints, at a height where the lower leg is almost straight."""
    reach = 0.97 * (body.thigh + body.shin)
    x = CRANK_AXLE[0] - 0.17
    below = np.sqrt(reach**2 - (CRANK_AXLE[0] - x + 0.02) ** 2)
    return np.array([x, CRANK_AXLE[1] - CRANK + body.ankle + below])


def _seated(body: Body, hips: FloatArray, angle: float) -> FloatArray:
    """(12, 4, 4) poses of a rider's parts; the left crank is `angle` rad below straight ahead."""
    turns = np.array([angle, angle + np.pi])
    pedals = np.array(CRANK_AXLE) + CRANK * np.column_stack([np.cos(turns), -np.sin(turns)])
    ankles = pedals + np.array([-0.4 * body.ball, body.ankle])
    return seated_poses(body, hips, LEAN, (HANDS[0], HANDS[2]), ankles, max(body.hip_half, 0.8 * PEDAL_SIDE))


def _lines(hips: FloatArray) -> dict[str, list[FloatArray]]:
    """The tubes of the frame: both ends of each, meters."""
    axle, radius = 0.5 * WHEELBASE, WHEEL_RADIUS
    crank, saddle = (
        np.array([CRANK_AXLE[0], 0.0, CRANK_AXLE[1]]),
        np.array([hips[0] - 0.01, 0.0, hips[1] - 0.1]),
    )
    joint = crank + 0.8 * (saddle - crank)
    head, bars = np.array([0.40, 0.0, 0.72]), np.array([0.345, 0.0, 1.0])
    rear, front = np.array([-axle, 0.0, radius]), np.array([axle, 0.0, radius])
    return {
        "seat": [crank, saddle],
        "top": [joint, 0.5 * (head + bars) - [0.0, 0.0, 0.06]],
        "down": [crank, head],
        "head": [front, head, bars],
        "chain stay": [rear, crank],
        "seat stay": [rear, joint],
    }


def _near(hips: FloatArray) -> Mesh:
    parts = [_wheel(sign * 0.5 * WHEELBASE, 10) for sign in (1.0, -1.0)]
    for name, line in _lines(hips).items():
        thick = 0.011 if "stay" in name else 0.018
        parts.append(tube(line, [thick] * len(line), 3, FRAME))
    grip = np.array([HANDS[0] - 0.02, HANDS[1] + 0.06, HANDS[2] - 0.02])
    bars = np.array([grip * [1.0, -1.0, 1.0], [0.37, 0.0, 1.03], grip])
    parts.append(tube(bars, [0.014] * 3, 3, RUBBER))
    return welded(Mesh.merge([*parts, polygon_mesh([*_saddle(hips), *_lights(hips)])]))


def _wheel(x: float, corners: int) -> Mesh:
    """A tire whose tread is a ridge, so that it is still a few centimeters wide from the front."""
    angles = 2.0 * np.pi * np.arange(corners) / corners
    ring = np.column_stack([np.cos(angles), np.zeros(corners), np.sin(angles)])
    outer, inner, aside = (
        WHEEL_RADIUS / np.cos(np.pi / corners),
        WHEEL_RADIUS - 0.05,
        np.array([0.0, 0.02, 0.0]),
    )
    center = np.array([x, 0.0, WHEEL_RADIUS])
    polygons: list[Polygon] = []
    for here in range(corners):
        near, far = ring[here - 1], ring[here]
        for side in (1.0, -1.0):
            corner = [outer * near, outer * far, inner * far + side * aside, inner * near + side * aside]
            panel = center + np.array(corner)
            polygons.append((panel[::-1] if side > 0.0 else panel, RUBBER, None))
    return polygon_mesh(polygons)


def _saddle(hips: FloatArray) -> list[Polygon]:
    x, z = hips[0], hips[1] - 0.09
    outline = np.array(
        [[x + 0.13, 0.02, z], [x - 0.12, 0.075, z], [x - 0.12, -0.075, z], [x + 0.13, -0.02, z]]
    )
    side = np.array([outline[0], outline[1], outline[1] - [0, 0, 0.05], outline[0] - [0, 0, 0.05]])
    flip = np.array([1.0, -1.0, 1.0])
    back = np.array([outline[1], outline[2], outline[2] - [0, 0, 0.05], outline[1] - [0, 0, 0.05]])
    return [
        (outline, RUBBER, None),
        (side[::-1], RUBBER, None),
        (side * flip, RUBBER, None),
        (back[::-1], RUBBER, None),
    ]


def _lights(hips: FloatArray) -> list[Polygon]:
    """Lamps and a reflector."""
    y, x, z = 0.04, hips[0] - 0.09, hips[1] - 0.27
    rear = np.array([[x, y, z], [x, -y, z], [x, -y, z + 0.06], [x, y, z + 0.06]])
    front = np.array([[0.43, -y, 0.86], [0.43, y, 0.86], [0.43, y, 0.93], [0.43, -y, 0.93]])
    return [(rear, REAR_LAMP, None), (front, FRONT_LAMP, None)]


def _cranks(angle: float) -> Mesh:
    """Both cranks and pedals, as flat plates."""
    bars = []
    for sign, turn in ((1.0, angle), (-1.0, angle + np.pi)):
        start = np.array([CRANK_AXLE[0], sign * 0.05, CRANK_AXLE[1]])
        end = start + CRANK * np.array([np.cos(turn), 0.0, -np.sin(turn)])
        bars.append(tube([start, end], [0.014, 0.012], 3, STEEL))
        middle = end + np.array([0.0, sign * (PEDAL_SIDE - 0.05), 0.0])
        pedal = middle + np.array(
            [[0.05, -0.045, 0.0], [0.05, 0.045, 0.0], [-0.05, 0.045, 0.0], [-0.05, -0.045, 0.0]]
        )
        bars.append(polygon_mesh([(pedal, RUBBER, None), (pedal[::-1], RUBBER, None)]))
    return Mesh.merge(bars)


def _middle(hips: FloatArray) -> Mesh:
    parts = [_flat_wheel(sign * 0.5 * WHEELBASE, 8) for sign in (1.0, -1.0)]
    lines = [line for name, line in _lines(hips).items() if name != "chain stay"]
    return Mesh.merge([*parts, polygon_mesh([*(_strip(line) for line in lines), *_lights(hips)])])


def _far(hips: FloatArray) -> Mesh:
    parts = [_flat_wheel(sign * 0.5 * WHEELBASE, 6) for sign in (1.0, -1.0)]
    lines = _lines(hips)
    rest = [_strip(lines["down"]), _strip(lines["seat"]), _strip(lines["head"]), *_lights(hips)[:1]]
    return Mesh.merge([*parts, polygon_mesh(rest)])


def _flat_wheel(x: float, corners: int) -> Mesh:
    """A flat ring, and the strip that shows it from the front."""
    angles = 2.0 * np.pi * (np.arange(corners) + 0.5) / corners - 0.5 * np.pi  # a flat side at the bottom
    ring = np.column_stack([np.cos(angles), np.zeros(corners), np.sin(angles)])
    outer, inner = WHEEL_RADIUS / np.sqrt(np.cos(np.pi / corners)), WHEEL_RADIUS - 0.045
    center = np.array([x, 0.0, WHEEL_RADIUS])
    panels = [
        [outer * ring[i - 1], outer * ring[i], inner * ring[i], inner * ring[i - 1]] for i in range(corners)
    ]
    polygons: list[Polygon] = [(center + np.array(panel), WHEEL, None) for panel in panels]
    return polygon_mesh([*polygons, (_upright(x, 0.02), WHEEL, None)])


def _upright(x: float, half: float) -> FloatArray:
    """(4, 3) a strip across the plane of a wheel, as high as the wheel."""
    top = 2.0 * WHEEL_RADIUS
    return np.array([[x, -half, 0.0], [x, half, 0.0], [x, half, top], [x, -half, top]])


def _strip(line: list[FloatArray]) -> Polygon:
    """A tube as a flat, two-sided strip."""
    start, end = line[0], line[-1]
    aside = np.cross(end - start, [0.0, 1.0, 0.0])
    aside *= 0.022 / np.linalg.norm(aside)
    return np.array([start - aside, end - aside, end + aside, start + aside]), _FLAT, None


_FLAT = Surface(FRAME.color, label="bicycle", double_sided=True, tinted=False)
