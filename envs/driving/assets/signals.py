"""Traffic lights for vehicles and pedestrians; they face -x, toward traffic driving along x."""

from __future__ import annotations

from functools import cache

import numpy as np

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving.assets.lofts import tube
from camshaft.envs.driving.assets.shapes import UNIT_SQUARE, Polygon, box, lathe, polygon_mesh, welded
from camshaft.envs.driving.textures.signals import signal_figure
from camshaft.envs.errors import check_choice
from camshaft.envs.rendering import Mesh, Surface

SIGNAL_STATES = ("off", "red", "red_yellow", "green", "yellow")
CROSSING_STATES = ("off", "red", "green")
ARM_REACH, ARM_HEIGHT = 4.6, 5.6  # meters left of the pole, and above the ground
SIDE_HEIGHT = 2.55  # meters, height of the center of the head on the pole
LAMP = 0.155  # meters, radius
COLORS = {"red": (1.0, 0.14, 0.10), "yellow": (1.0, 0.74, 0.10), "green": (0.18, 1.0, 0.62)}
DARK_COLORS = {"red": (0.09, 0.015, 0.015), "yellow": (0.09, 0.06, 0.015), "green": (0.015, 0.07, 0.05)}

POLE = Surface((0.34, 0.37, 0.36), label="pole", tinted=False)
HOUSING = Surface((0.07, 0.08, 0.08), label="traffic_light", tinted=False)
HOOD = Surface((0.05, 0.055, 0.055), label="traffic_light", double_sided=True, tinted=False)
EDGE = Surface((0.88, 0.88, 0.86), label="traffic_light", tinted=False)
BACKING = Surface((0.06, 0.065, 0.065), label="traffic_light", double_sided=True, tinted=False)


def _lens(color: str, lit: bool) -> Surface:
    return Surface((COLORS if lit else DARK_COLORS)[color], label="traffic_light", emissive=lit, tinted=False)


_LENSES = {(color, lit): _lens(color, lit) for color in COLORS for lit in (False, True)}


@cache
def traffic_light(state: str, arm: bool = True) -> list[Mesh]:
    """A traffic light on a pole.

    Args:
        state: state of the lamps, one of SIGNAL_STATES.
        arm: whether a second head hangs from an arm over the road, to the left of the pole.

    Returns:
        Levels of about 200, 80 and 30 triangles (with an arm).
    """
    check_choice("state", state, SIGNAL_STATES)
    heads = [np.array([-0.24, 0.0, SIDE_HEIGHT])]
    if arm:
        heads.append(np.array([-0.18, ARM_REACH, ARM_HEIGHT]))
    height = ARM_HEIGHT + 0.15 if arm else SIDE_HEIGHT + 0.75
    poles = [_pole(height, arm, level) for level in range(3)]
    levels = []
    for level, pole in enumerate(poles):
        parts = [_head(place, state, level, wide=number > 0) for number, place in enumerate(heads)]
        levels.append(welded(Mesh.merge([pole, *parts])))
    return levels


def traffic_light_variants(arm: bool = True) -> list[list[Mesh]]:
    """The levels in the order of SIGNAL_STATES, as `Scene.add` takes them."""
    return [traffic_light(state, arm) for state in SIGNAL_STATES]


@cache
def crossing_light(state: str) -> list[Mesh]:
    """A pedestrian light, a red figure above a green one, on a pole of 2.6 m: levels of 38 and 18 triangles."""
    check_choice("state", state, CROSSING_STATES)
    low, high = (-0.26, -0.14, 1.95), (-0.06, 0.14, 2.53)
    panels: list[Polygon] = []
    for color, bottom in (("red", 2.26), ("green", 1.98)):
        figure = Surface(
            (1.0, 1.0, 1.0),
            signal_figure(color, state == color),
            "traffic_light",
            emissive=state == color,
            tinted=False,
        )
        x, half = low[0] - 0.01, 0.11
        corners = [[x, half, bottom], [x, -half, bottom], [x, -half, bottom + 0.22], [x, half, bottom + 0.22]]
        panels.append((corners, figure, UNIT_SQUARE))
    housing = [*box(low, high, HOUSING), *panels]
    pole = lathe([[0.0, 2.62], [0.05, 2.6], [0.05, -0.3]], 6, POLE)
    hoods = polygon_mesh(
        [
            (
                np.array(
                    [[x, 0.13, z], [x, -0.13, z], [x - 0.16, -0.13, z - 0.03], [x - 0.16, 0.13, z - 0.03]]
                ),
                HOOD,
                None,
            )
            for x, z in ((low[0], 2.49), (low[0], 2.21))
        ]
    )
    near = Mesh.merge([pole, polygon_mesh(housing), hoods])
    far = Mesh.merge(
        [
            lathe([[0.05, 2.6], [0.05, -0.3]], 3, POLE),
            polygon_mesh([*box(low, high, HOUSING, "xXyY"), *panels]),
        ]
    )
    return [welded(near), welded(far)]


def crossing_light_variants() -> list[list[Mesh]]:
    """The levels in the order of CROSSING_STATES, as `Scene.add` takes them."""
    return [crossing_light(state) for state in CROSSING_STATES]


def _pole(height: float, arm: bool, level: int) -> Mesh:
    sides = (8, 5, 3)[level]
    thick = 0.09 if arm else 0.06
    parts = [
        lathe(
            [[0.0, height + 0.02], [0.8 * thick, height], [1.1 * thick, -0.3]][1 if level == 2 else 0 :],
            sides,
            POLE,
        )
    ]
    if arm:
        line = [
            [0.0, 0.0, ARM_HEIGHT - 0.25],
            [0.0, 0.5 * ARM_REACH, ARM_HEIGHT - 0.02],
            [0.0, ARM_REACH + 0.15, ARM_HEIGHT],
        ]
        radii = [0.075, 0.06, 0.045]
        parts.append(
            tube(
                line if level == 0 else line[::2], radii if level == 0 else radii[::2], (6, 4, 3)[level], POLE
            )
        )
    return Mesh.merge(parts)


def _head(place: FloatArray, state: str, level: int, wide: bool) -> Mesh:
    """Three lamps in a housing; `wide` adds a backing board with a white edge."""
    half, depth, tall = 0.21, 0.14, 0.60
    sides = ("xXyYzZ", "xXyYzZ", "xXyY")[level]
    polygons = box((-depth, -half, -tall), (depth, half, tall), HOUSING, sides)
    if wide and level < 2:
        for surface, y, z, x in (
            (EDGE, half + 0.17, tall + 0.17, 0.02),
            (BACKING, half + 0.12, tall + 0.12, 0.01),
        ):
            polygons.append(([[x, y, -z], [x, -y, -z], [x, -y, z], [x, y, z]], surface, None))
    lit = {
        "red": {"red"},
        "yellow": {"yellow"},
        "green": {"green"},
        "red_yellow": {"red", "yellow"},
        "off": set(),
    }[state]
    hoods = []
    for color, z in (("red", 0.38), ("yellow", 0.0), ("green", -0.38)):
        on = color in lit
        if level < 2 or on:
            corners = (10, 6, 4)[level]
            polygons.append(
                (_lamp(-depth - 0.012, z, corners, 1.15 if level == 2 else 1.0), _LENSES[color, on], None)
            )
        if level == 0:
            hoods.append(_hood(-depth, z))
    return Mesh.merge([polygon_mesh(polygons), *hoods]).translated(place)


def _lamp(x: float, z: float, corners: int, size: float) -> FloatArray:
    """(n, 3) a disc that faces -x."""
    angles = 2.0 * np.pi * (np.arange(corners) + 0.5) / corners
    radius = size * LAMP / np.cos(np.pi / corners) ** 0.5
    return np.column_stack([np.full(corners, x), -radius * np.cos(angles), z + radius * np.sin(angles)])


def _hood(x: float, z: float) -> Mesh:
    """The visor above a lamp: part of a tube, cut at a slant."""
    angles = np.radians(np.linspace(-20.0, 200.0, 7))
    radius = 1.1 * LAMP
    back = np.column_stack([np.full(7, x), -radius * np.cos(angles), z + radius * np.sin(angles)])
    front = back - np.column_stack(
        [0.12 + 0.14 * np.clip(np.sin(angles), 0.0, 1.0), np.zeros(7), np.zeros(7)]
    )
    panels = [np.array([back[i], back[i + 1], front[i + 1], front[i]]) for i in range(6)]
    return polygon_mesh([(panel, HOOD, None) for panel in panels])
