"""Row houses, apartment blocks and garages."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from camshaft.envs.driving.assets.blocks import (
    COOL_LIGHT,
    BuildingModel,
    Levels,
    facades,
    flat_roof,
    hipped_roof,
    lit_panes,
    on_front,
    outline,
    pitched_roof,
)
from camshaft.envs.driving.assets.building_appearance import (
    BITUMEN,
    CONCRETE,
    GLASS,
    STONE,
    WHITE,
    averaged,
    textured,
    tiled,
    untinted,
)
from camshaft.envs.driving.assets.shapes import UNIT_SQUARE, Polygon, box, inset, wall
from camshaft.envs.driving.textures import facades as fronts
from camshaft.envs.rendering import Surface


def terraced_house(number: int, variant: int, lit: bool) -> BuildingModel:
    """A brick row house of two or three stories, two bays wide, with a bay window or a dormer; forms rows."""
    rng = np.random.default_rng([10, number])
    width, depth, stories = 6.0, (9.0, 10.0)[number % 2], 2 + (number // 2 == 1)
    eaves, rise = 3.0 * stories, float(rng.uniform(2.2, 3.2))
    front = fronts.terrace_facade(variant)
    face, plain, tiles = textured(front), averaged(front), tiled(variant)
    corners, levels = outline(width, depth), Levels()
    levels.add(facades(corners, 0.0, eaves, (face, plain, face, plain), (3.0, 3.0)))
    levels.add(pitched_roof(width, depth, eaves, rise, tiles, plain))
    door = untinted(fronts.house_door(number))
    door_y = 1.5 if number % 2 else -1.5
    levels.add([(on_front(depth, door_y, 0.15, 2.7, 0.72), door, UNIT_SQUARE)], last=1)
    levels.add(
        box((-0.5 * depth - 0.6, door_y - 0.8, -0.3), (-0.5 * depth, door_y + 0.8, 0.15), STONE, "xyYZ"),
        last=0,
    )
    levels.add(
        box((-0.5 * depth - 0.8, door_y - 0.9, 2.75), (-0.5 * depth, door_y + 0.9, 2.87), WHITE, "xyYzZ"),
        last=0,
    )
    if variant % 4 < 2:
        levels.add(_bay_window(depth, -door_y, plain), last=0)
    else:
        levels.add(_dormer(depth, eaves, rise, plain, tiles), last=0)
    for y in (0.5 * width - 0.5, -0.5 * width + 0.5):
        stack = box((-0.45, y - 0.35, eaves), (0.45, y + 0.35, eaves + rise + 0.9), STONE, "xXyYZ")
        levels.add(stack, last=1 if y > 0.0 else 0)
    if lit:
        levels.add_panes(lit_panes(corners, 0.0, eaves, fronts.TERRACE_WINDOW, (3.0, 3.0), rng))
    return BuildingModel("terraced_house", width, depth, eaves + rise + 0.9, levels.meshes())


def _bay_window(depth: float, y: float, plain: Surface) -> list[Polygon]:
    """A three-sided bay window on the first floor."""
    x, half = -0.5 * depth, 1.15
    ring = np.array([[x, y + half], [x - 0.7, y + 0.7], [x - 0.7, y - 0.7], [x, y - half]])
    polygons: list[Polygon] = []
    for first, second in pairwise(ring):
        panel = wall(first, second, 0.9, 2.5)
        polygons += [(wall(first, second, -0.3, 0.9), plain, None), (panel, WHITE, None)]
        polygons.append((inset(panel, (0.1, 0.9), (0.05, 0.95), 0.02), GLASS, None))
    lid = np.column_stack([ring, [2.75, 2.5, 2.5, 2.75]])
    return [*polygons, (lid, BITUMEN, None)]


def _dormer(depth: float, eaves: float, rise: float, plain: Surface, tiles: Surface) -> list[Polygon]:
    """A window in the front slope of a roof."""
    foot, half = 0.18, 0.75
    x = -0.5 * depth * (1.0 - foot)
    low, high = eaves + foot * rise, eaves + 0.75 * rise
    back = -0.5 * depth * 0.22
    panel = np.array([[x, half, low], [x, -half, low], [x, -half, high], [x, half, high]])
    roof = np.array(
        [
            [x - 0.25, half + 0.2, high - 0.05],
            [x - 0.25, -half - 0.2, high - 0.05],
            [back, -half - 0.2, high + 0.05],
            [back, half + 0.2, high + 0.05],
        ]
    )
    sides = [
        np.array([[back, half, high], [x, half, low], [x, half, high]]),
        np.array([[x, -half, low], [back, -half, high], [x, -half, high]]),
    ]
    return [
        (panel, WHITE, None),
        (inset(panel, (0.12, 0.88), (0.12, 0.88), 0.02), GLASS, None),
        (roof, tiles, None),
        *((side, plain, None) for side in sides),
    ]


def apartment_block(number: int, variant: int, lit: bool) -> BuildingModel:
    """An apartment block of three to six stories, with balconies and a flat or hip roof."""
    rng = np.random.default_rng([11, number])
    bays = (5, 6, 7, 5, 6, 7)[variant % 6]
    stories = (4, 3, 6, 5, 3, 6)[variant % 6]
    width, depth, top = 3.0 * bays, (11.0, 12.5)[number % 2], 2.9 * stories + 0.6
    front = fronts.apartment_facade(variant)
    face, plain = textured(front), averaged(front)
    corners, levels = outline(width, depth), Levels()
    walls = facades(corners, 0.0, top - 0.6, (face,) * 4, (3.0, 2.9))
    levels.add(walls, last=1)
    if variant % 3 == 1:
        rise = 3.0
        levels.add(walls, first=2)
        levels.add(hipped_roof(width, depth, top - 0.6, rise, tiled(variant)))
        levels.add(box((-1.0, 1.0, top), (0.2, 2.0, top + rise), STONE, "xXyYZ"), last=0)
        height = top + rise
    else:
        parapet = facades(corners, top - 0.6, top, (plain,) * 4, (width, 0.6))
        roof, cornice = flat_roof(width, depth, top, BITUMEN, WHITE)
        levels.add(parapet, last=1)
        levels.add(facades(corners, 0.0, top, (face,) * 4, (3.0, 2.9)), first=2)
        levels.add(roof)
        levels.add(cornice, last=0)
        levels.add(box((-1.5, -2.0, top - 0.1), (2.0, 1.5, top + 2.2), CONCRETE, "xXyYZ"), last=1)
        height = top + 2.2
    entrance = bays // 2
    y = 0.5 * width - 3.0 * (entrance + 0.5)
    door = untinted(fronts.house_door(number + 2))
    levels.add([(on_front(depth, y, 0.0, 2.5, 1.15), door, UNIT_SQUARE)], last=1)
    levels.add(
        box((-0.5 * depth - 1.2, y - 1.5, 2.6), (-0.5 * depth, y + 1.5, 2.75), CONCRETE, "xyYzZ"), last=0
    )
    columns = [column for column in range(bays) if column != entrance and (column + number) % 3 == 0]
    spots = [(story, column) for story in range(1, stories) for column in columns][:9]
    for story, column in spots:
        levels.add(_balcony(depth, 0.5 * width - 3.0 * (column + 0.5), 2.9 * story, plain, variant), last=0)
    if lit:
        window = fronts.APARTMENT_WINDOWS[fronts.apartment_style(variant)]
        levels.add_panes(lit_panes(corners, 0.0, top - 0.6, window, (3.0, 2.9), rng))
    return BuildingModel("apartment_block", width, depth, height, levels.meshes())


def _balcony(depth: float, y: float, floor: float, plain: Surface, variant: int) -> list[Polygon]:
    x = -0.5 * depth
    rail = WHITE if variant % 2 else plain
    return box((x - 1.3, y - 1.35, floor - 0.1), (x, y + 1.35, floor + 0.95), rail, "xyYz")


def garage(number: int, variant: int, lit: bool) -> BuildingModel:
    """Three garages under one flat roof, or one under a pitched roof."""
    count = (3, 1)[number % 2]
    width, depth, top = (3.1 * count + 0.3 if count > 1 else 4.0), 6.0, 2.6
    plaster = fronts.apartment_facade(2 * variant + number % 2)
    plain = averaged(plaster)
    corners, levels = outline(width, depth), Levels()
    levels.add(facades(corners, 0.0, top, (plain,) * 4, (width, top)))
    door = untinted(fronts.garage_door(number))
    for index in range(count):
        y = 3.1 * (index - 0.5 * (count - 1))
        levels.add([(on_front(depth, y, 0.0, 2.15, 1.3), door, UNIT_SQUARE)])
    if count > 1:
        roof, cornice = flat_roof(width, depth, top, BITUMEN, STONE)
        levels.add(roof)
        levels.add(cornice, last=0)
        return BuildingModel("garage", width, depth, top, levels.meshes())
    levels.add(pitched_roof(width, depth, top, 1.7, tiled(number), plain, across=True))
    side = inset(wall(corners[1], corners[2], 0.0, top), (0.35, 0.6), (0.4, 0.8), 0.03)
    levels.add([(side, COOL_LIGHT if lit else GLASS, None)], last=0)
    return BuildingModel("garage", width, depth, top + 1.7, levels.meshes())
