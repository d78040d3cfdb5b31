"""Church models."""

from __future__ import annotations

import numpy as np

from camshaft.envs.driving.assets.blocks import (
    BACK,
    BuildingModel,
    Levels,
    facades,
    hipped_roof,
    lit_panes,
    moved,
    on_front,
    outline,
    pitched_roof,
)
from camshaft.envs.driving.assets.building_appearance import DARK, averaged, textured, tiled, untinted
from camshaft.envs.driving.assets.shapes import UNIT_SQUARE, Polygon, box, inset, wall
from camshaft.envs.driving.textures import facades as fronts
from camshaft.envs.rendering import Surface


def church(number: int, variant: int, lit: bool) -> BuildingModel:
    """A church: a nave with a steep roof, and in front of it a tower with a clock and a spire."""
    rng = np.random.default_rng([14, number])
    width, nave, tower = (10.0, 11.5)[number % 2], (20.0, 22.0)[number % 2], (5.0, 5.6)[number % 2]
    depth = nave + tower
    eaves, rise, belfry, spire = 7.0, 5.0, (16.0, 14.0)[number % 2], (9.0, 11.0)[number % 2]
    stone = fronts.church_wall(variant)
    face, plain = textured(stone), averaged(stone)
    slate = tiled(2 - number % 2)
    levels = Levels()
    shift = np.array([0.5 * tower, 0.0])
    corners = outline(width, nave) + shift
    levels.add(facades(corners, 0.0, eaves, (plain, face, face, face), (4.0, eaves)))
    roof = pitched_roof(width, nave, eaves, rise, slate, plain, across=True)
    levels.add(moved(roof, [0.5 * tower, 0.0, 0.0]))
    x = -0.5 * depth + 0.5 * tower
    shaft = outline(tower, tower) + np.array([x, 0.0])
    levels.add(facades(shaft, 0.0, belfry, (plain,) * 4, (tower, belfry)))
    cap = hipped_roof(tower - 0.3, tower - 0.3, belfry, spire, slate)
    levels.add(moved(cap, [x, 0.0, 0.0]))
    dial = untinted(fronts.clock_face(), lit)
    for side in range(4):
        panel = wall(shaft[side], shaft[(side + 1) % 4], 0.0, belfry)
        levels.add([(inset(panel, (0.28, 0.72), (0.80, 0.95), 0.03), DARK, None)], last=0)
        if side != BACK:
            half = 1.1 / tower
            across, upwards = (0.5 - half, 0.5 + half), (0.70 - 1.1 / belfry, 0.70 + 1.1 / belfry)
            levels.add([(inset(panel, across, upwards, 0.05), dial, UNIT_SQUARE)], last=1)
    ledge = box(
        (x - 0.5 * tower - 0.15, -0.5 * tower - 0.15, belfry - 0.3),
        (x + 0.5 * tower + 0.15, 0.5 * tower + 0.15, belfry),
        plain,
        "xXyYz",
    )
    levels.add(ledge, last=0)
    door = untinted(fronts.house_door(3 * (number % 2)))
    levels.add([(on_front(depth, 0.0, 0.0, 3.6, 1.1), door, UNIT_SQUARE)], last=1)
    buttresses = [
        polygon
        for place in np.linspace(-0.4, 0.4, 4)
        for sign in (1.0, -1.0)
        for polygon in _buttress(0.5 * tower + place * nave, sign * 0.5 * width, 0.7 * eaves, plain)
    ]
    levels.add(buttresses, last=0)
    if lit:
        window = ((0.37, 0.63), (0.27, 0.75))
        levels.add_panes(lit_panes(corners, 0.0, eaves, window, (4.0, eaves), rng, sides=(1, 3)))
    return BuildingModel("church", width, depth, belfry + spire, levels.meshes())


def _buttress(x: float, y: float, high: float, plain: Surface) -> list[Polygon]:
    """A sloping buttress on the wall of a nave: outer face and flanks."""
    out, half, sign = y + 0.9 * np.sign(y), 0.3, float(np.sign(y))
    face = np.array([[x - half, out, -0.3], [x + half, out, -0.3], [x + half, y, high], [x - half, y, high]])
    flanks = [
        np.array([[x + end, y, -0.3], [x + end, out, -0.3], [x + end, y, high]]) for end in (-half, half)
    ]
    flanks = [flanks[0], flanks[1][::-1]]
    polygons = [face, *flanks]
    return [(points if sign < 0.0 else points[::-1], plain, None) for points in polygons]
