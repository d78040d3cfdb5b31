"""Shops, offices and warehouses."""

from __future__ import annotations

import numpy as np

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving import textures
from camshaft.envs.driving.assets.blocks import (
    BACK,
    COOL_LIGHT,
    FRONT,
    BuildingModel,
    Levels,
    facades,
    flat_roof,
    lit_panes,
    on_front,
    outline,
    pitched_roof,
)
from camshaft.envs.driving.assets.building_appearance import (
    BITUMEN,
    CONCRETE,
    DARK,
    GLASS,
    METAL_ROOF,
    PLANT,
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


def shop(number: int, variant: int, lit: bool) -> BuildingModel:
    """A shop with an awning, below one or two stories of apartments."""
    rng = np.random.default_rng([13, number])
    width, depth, stories = (
        (8.0, 6.0, 9.0, 8.0, 6.0, 9.0)[variant % 6],
        (10.0, 11.0)[number % 2],
        1 + variant // 2 % 2,
    )
    ground, top = 3.6, 3.6 + 3.0 * stories
    front = fronts.terrace_facade(variant) if variant % 3 else fronts.apartment_facade(variant)
    window = (
        fronts.TERRACE_WINDOW if variant % 3 else fronts.APARTMENT_WINDOWS[fronts.apartment_style(variant)]
    )
    face, plain = textured(front), averaged(front)
    shop = untinted(fronts.shopfront(variant), lit)
    corners, levels = outline(width, depth), Levels()
    levels.add(facades(corners, 0.0, ground, (plain, plain, face, plain), (3.0, ground))[1:], last=1)
    levels.add([(wall(corners[0], corners[1], -0.5, 0.0), STONE, None)], last=1)
    levels.add([(wall(corners[0], corners[1], 0.0, ground), shop, UNIT_SQUARE)])
    upper = facades(corners, ground, top, (face, plain, face, plain), (3.0, 3.0))
    levels.add(upper, last=1)
    roofline = top if variant % 2 else top + 0.5
    levels.add(
        [upper[0], *facades(corners, 0.0, roofline, (face, plain, face, plain), (3.0, 3.2))[1:]], first=2
    )
    cloth = Surface((1.0, 1.0, 1.0), fronts.awning(variant), "building", double_sided=True, tinted=False)
    levels.add(_awning(width, depth, cloth), last=1)
    if variant % 2:
        rise, tiles = 2.8, tiled(variant)
        levels.add(pitched_roof(width, depth, top, rise, tiles, plain, across=variant % 4 == 3))
        levels.add(box((0.6, 1.2, top), (1.3, 1.9, top + rise + 0.5), STONE, "xXyYZ"), last=0)
        height = top + rise + 0.5
    else:
        roof, cornice = flat_roof(width, depth, top + 0.5, BITUMEN, WHITE)
        parapet = facades(corners, top, top + 0.5, (plain,) * 4, (width, 0.5))
        levels.add(parapet, last=1)
        levels.add([*parapet[:1], *roof], first=2)
        levels.add(roof, last=1)
        levels.add(cornice, last=0)
        levels.add(box((0.5, -1.5, top + 0.4), (2.5, 0.5, top + 1.4), CONCRETE, "xXyYZ"), last=0)
        height = top + 1.4
    if lit:
        levels.add_panes(lit_panes(corners, ground, top, window, (3.0, 3.0), rng))
    return BuildingModel("shop", width, depth, height, levels.meshes())


def _awning(width: float, depth: float, cloth: Surface) -> list[Polygon]:
    """A sloping awning over the shop window, with a hanging edge."""
    left, right = 0.5 * width - 0.03 * width, 0.5 * width - 0.70 * width
    x, out = -0.5 * depth, -0.5 * depth - 1.3
    repeats = np.array([[0.0, 0.0], [1.5, 0.0], [1.5, 1.0], [0.0, 1.0]])
    slope = np.array([[out, left, 2.35], [out, right, 2.35], [x, right, 2.78], [x, left, 2.78]])
    edge = np.array([[out, left, 2.1], [out, right, 2.1], [out, right, 2.35], [out, left, 2.35]])
    return [(slope, cloth, repeats), (edge, cloth, repeats)]


def office(number: int, variant: int, lit: bool) -> BuildingModel:
    """An office building of five to eight glazed stories above an entrance hall."""
    rng = np.random.default_rng([12, number])
    bays, stories = (7, 6, 9, 8)[variant % 4], (5, 7, 4, 8)[variant % 4]
    width, depth, hall = 3.0 * bays, (15.0, 18.0, 13.5, 16.5)[variant % 4], 4.2
    top = hall + 3.3 * stories
    face = textured(fronts.office_facade(variant), 0.06)
    corners, levels = outline(width, depth), Levels()
    lobby = outline(width - 1.2, depth - 1.2)
    levels.add(facades(corners, hall, top, (face,) * 4, (3.0, 3.3)))
    levels.add(facades(lobby, 0.0, hall, (GLASS,) * 4, (3.0, hall)), last=1)
    levels.add(facades(corners, 0.0, hall, (GLASS,) * 4, (3.0, hall)), first=2)
    soffit = box((-0.5 * depth, -0.5 * width, hall), (0.5 * depth, 0.5 * width, top), CONCRETE, "z")
    levels.add(soffit, last=1)
    posts = [
        polygon
        for y in np.linspace(-0.5 * width + 0.4, 0.5 * width - 0.4, 4)
        for polygon in box(
            (-0.5 * depth, y - 0.3, -0.3), (-0.5 * depth + 0.6, y + 0.3, hall), CONCRETE, "xyY"
        )
    ]
    levels.add(posts, last=0)
    levels.add(box((-0.5 * depth - 1.4, -2.5, 3.2), (-0.5 * depth + 0.6, 2.5, 3.45), DARK, "xyYzZ"), last=0)
    levels.add([(on_front(depth - 1.2, 0.0, 0.0, 2.9, 1.8, 0.05), WHITE, None)], last=0)
    levels.add([(on_front(depth - 1.2, 0.0, 0.0, 2.8, 1.7, 0.08), GLASS, None)], last=0)
    roof, cornice = flat_roof(width, depth, top + 0.4, BITUMEN, CONCRETE)
    levels.add(
        box((-0.5 * depth, -0.5 * width, top), (0.5 * depth, 0.5 * width, top + 0.4), CONCRETE, "xXyY"),
        last=1,
    )
    levels.add(cornice, last=0)
    levels.add(roof)
    plant = box((-3.0, -4.0, top), (3.5, 3.0, top + 2.6), PLANT, "xXyYZ")
    levels.add(plant, last=1)
    if lit:
        levels.add_panes(_lit_rows(corners, hall, top, stories, rng))
    return BuildingModel("office", width, depth, top + 2.6, levels.meshes())


def _lit_rows(
    corners: FloatArray, low: float, high: float, stories: int, rng: np.random.Generator
) -> list[Polygon]:
    """Rows of lit windows along the stories of an office."""
    rows: list[Polygon] = []
    bottom, top = fronts.OFFICE_WINDOW[1]
    for side in (FRONT, BACK):
        panel = wall(corners[side], corners[(side + 1) % 4], low, high)
        for story in range(stories):
            start, length = rng.uniform(0.0, 0.7), rng.uniform(0.1, 0.5)
            across = (start, min(start + length, 0.98))
            upwards = ((story + bottom) / stories, (story + top) / stories)
            rows.append((inset(panel, across, upwards, 0.04), COOL_LIGHT, None))
    return [rows[number] for number in rng.permutation(len(rows))]


def warehouse(number: int, variant: int, lit: bool) -> BuildingModel:
    """A sheet-metal hall with roller doors and a canopy."""
    width, depth, eaves, rise = (24.0, 18.0)[number % 2], (30.0, 24.0)[number % 2], 6.5, 1.6
    sheet = textured(fronts.corrugated(number % textures.NUM_VARIANTS))
    plain = averaged(fronts.corrugated(number % textures.NUM_VARIANTS))
    corners, levels = outline(width, depth), Levels()
    levels.add(facades(corners, 0.0, eaves, (sheet,) * 4, (2.0, 2.0)))
    levels.add(pitched_roof(width, depth, eaves, rise, METAL_ROOF, plain, across=True))
    door = untinted(fronts.garage_door(2 + number % 2))
    for y in (-0.25 * width, 0.0):
        levels.add([(on_front(depth, y, 0.0, 4.2, 1.9), door, UNIT_SQUARE)], last=1)
    levels.add(
        box((-0.5 * depth - 1.5, -0.36 * width, 4.4), (-0.5 * depth, 0.12 * width, 4.6), DARK, "xyYzZ"),
        last=0,
    )
    office = on_front(depth, 0.33 * width, 0.9, 2.2, 2.2)
    levels.add([(office, WHITE, None)], last=0)
    light = COOL_LIGHT if lit else GLASS
    levels.add([(inset(office, (0.03, 0.97), (0.06, 0.94), 0.02), light, None)], last=1)
    levels.add([(on_front(depth, 0.33 * width, 4.6, 5.8, 2.6), WHITE, None)], last=1)
    levels.add(
        box(
            (-0.5 * depth - 0.02, -0.5 * width - 0.05, -0.5),
            (0.5 * depth, 0.5 * width + 0.05, 0.9),
            CONCRETE,
            "yY",
        ),
        last=0,
    )
    skylights = [
        polygon
        for y in (-0.25, 0.25)
        for polygon in box(
            (-6.0, y * width - 1.0, eaves), (6.0, y * width + 1.0, eaves + 0.5 * rise + 0.35), GLASS, "xXyYZ"
        )
    ]
    levels.add(skylights, last=0)
    return BuildingModel("warehouse", width, depth, eaves + rise + 0.05, levels.meshes())
