"""Objects beside a race track: start gantry, boards, grandstand. Fronts face -x, toward traffic driving along x."""

from __future__ import annotations

from functools import cache

import numpy as np

from camshaft.envs.driving.assets.shapes import UNIT_SQUARE, Polygon, box, plate, polygon_mesh, welded
from camshaft.envs.driving.textures.boards import advertisement, crowd, distance_board, start_banner
from camshaft.envs.rendering import Mesh, Surface

GANTRY_HEIGHT = 7.2  # meters to the top
START_LIGHTS = 5


def _plain(color: tuple[float, float, float], label: str = "object", emissive: bool = False) -> Surface:
    return Surface(color, label=label, emissive=emissive, tinted=False)


STEEL, DARK = _plain((0.55, 0.57, 0.60), "pole"), _plain((0.08, 0.08, 0.09))
RED_LIT, RED_DARK = (
    _plain((1.0, 0.12, 0.10), "traffic_light", emissive=True),
    _plain((0.12, 0.02, 0.02), "traffic_light"),
)
WOOD_BACK, CONCRETE = _plain((0.40, 0.40, 0.41)), _plain((0.58, 0.57, 0.56), "building")
ROOF = _plain((0.80, 0.81, 0.82), "building")


@cache
def start_gantry(span: float = 14.0, variant: int = 0, lights: int = 0) -> list[Mesh]:
    """The start gantry of a race track, readable from both sides.

    Args:
        span: meters between the inner sides of its towers, along y.
        variant: variant of the banner.
        lights: number of the START_LIGHTS red lamps that are on.
    """
    banner = Surface((1.0, 1.0, 1.0), start_banner(variant), "object", tinted=False)
    half, low, high = 0.5 * span, GANTRY_HEIGHT - 1.9, GANTRY_HEIGHT - 0.3
    towers = [
        polygon
        for y in (-half - 0.7, half)
        for polygon in box((-0.5, y, -0.2), (0.5, y + 0.7, GANTRY_HEIGHT), STEEL, "xXyYZ")
    ]
    beam = box((-0.4, -half, low - 0.1), (0.4, half, GANTRY_HEIGHT - 0.2), DARK, "xXzZ")
    boards = box((-0.42, -half + 0.2, low), (0.42, half - 0.2, high), banner, "xX")
    lamps: list[Polygon] = []
    for lamp in range(START_LIGHTS):
        y = 0.8 * (0.5 * (START_LIGHTS - 1) - lamp)
        lamps += box((-0.42, y - 0.3, low - 0.75), (-0.2, y + 0.3, low - 0.1), DARK, "xXyYz")
        angles = 2.0 * np.pi * (np.arange(8) + 0.5) / 8
        ring = np.column_stack(
            [np.full(8, -0.43), y - 0.24 * np.cos(angles), low - 0.42 + 0.24 * np.sin(angles)]
        )
        lamps.append((ring, RED_LIT if lamp < lights else RED_DARK, None))
    near = polygon_mesh([*towers, *beam, *boards, *lamps])
    far = polygon_mesh([*towers[:4], *towers[5:9], *boards, *beam[2:], *lamps[5::6]])
    return [welded(near), welded(far)]


@cache
def advert_board(variant: int = 0) -> list[Mesh]:
    """A sponsor's board, 4 × 1 m; boards join along y."""
    face = Surface((1.0, 1.0, 1.0), advertisement(variant), "object", tinted=False)
    front, back = plate(-0.05, 2.0, 0.1, 1.1), plate(0.05, 2.0, 0.1, 1.1)[::-1]
    props: list[Polygon] = []
    for y in (-1.5, 1.5):
        props += box((0.05, y - 0.05, -0.2), (0.15, y + 0.05, 1.0), WOOD_BACK, "XyY")
    sides = box((-0.05, -2.0, 0.1), (0.05, 2.0, 1.1), WOOD_BACK, "yYZ")
    plates: list[Polygon] = [(front, face, UNIT_SQUARE), (back, WOOD_BACK, None)]
    return [welded(polygon_mesh([*plates, *sides, *props])), polygon_mesh(plates)]


@cache
def brake_board(meters: int) -> list[Mesh]:
    """A board, 1 m wide, with the distance to a bend in hundreds and fifties of meters."""
    face = Surface((1.0, 1.0, 1.0), distance_board(meters), "traffic_sign", tinted=False)
    plates: list[Polygon] = [
        (plate(-0.03, 0.5, 0.5, 1.5), face, UNIT_SQUARE),
        (plate(0.0, 0.5, 0.5, 1.5)[::-1], WOOD_BACK, None),
    ]
    posts = [
        polygon
        for y in (-0.35, 0.35)
        for polygon in box((0.0, y - 0.04, -0.2), (0.08, y + 0.04, 1.4), STEEL, "xXyY")
    ]
    return [welded(polygon_mesh([*plates, *posts])), polygon_mesh(plates)]


@cache
def grandstand(variant: int = 0) -> list[Mesh]:
    """A full, roofed grandstand, 20 m long, 9 m deep and 8.5 m high: levels of about 60 and 16 triangles."""
    people = Surface((1.0, 1.0, 1.0), crowd(variant), "building", tinted=False)
    half, front, rear, low, high = 10.0, -4.5, 4.5, 1.2, 5.6
    rows = np.array(
        [[front, half, low], [front, -half, low], [rear - 1.0, -half, high], [rear - 1.0, half, high]]
    )
    uvs = np.array([[0.0, 0.0], [3.0, 0.0], [3.0, 1.0], [0.0, 1.0]])
    sides: list[Polygon] = []
    for y in (half, -half):
        outline = np.array(
            [[front, y, -0.3], [rear, y, -0.3], [rear, y, high], [rear - 1.0, y, high], [front, y, low]]
        )
        sides.append((outline[::-1] if y > 0.0 else outline, CONCRETE, None))
    body: list[Polygon] = [
        (rows, people, uvs),
        *sides,
        *box((front, -half, -0.3), (rear, half, low), CONCRETE, "x"),
        *box((front, -half, -0.3), (rear, half, 8.0), CONCRETE, "X"),
    ]
    roof = box((front + 0.5, -half - 0.3, 8.0), (rear + 0.2, half + 0.3, 8.4), ROOF)
    back = box((rear - 1.0, -half, high), (rear, half, 8.0), CONCRETE, "xyY")
    posts = [
        polygon
        for y in (-9.8, -3.3, 3.3, 9.8)
        for polygon in box((0.9, y - 0.15, 2.5), (1.2, y + 0.15, 8.0), STEEL, "xXyY")
    ]
    return [
        welded(polygon_mesh([*body, *roof, *back, *posts])),
        welded(polygon_mesh([*body, *roof[:1], *roof[4:], *back[:1]])),
    ]
