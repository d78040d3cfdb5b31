"""Street furniture: lamps, bollards, benches, bins, shelters, columns; fronts face -x."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np

from camshaft.envs.driving import textures
from camshaft.envs.driving.assets.lofts import tube
from camshaft.envs.driving.assets.shapes import UNIT_SQUARE, Polygon, box, lathe, plate, polygon_mesh, welded
from camshaft.envs.driving.textures.boards import poster, ticket_front
from camshaft.envs.rendering import Mesh, Surface

LAMP_HEIGHT, LAMP_REACH = (
    7.6,
    1.5,
)  # meters, position of a lamp's light above the ground and left of its pole


def _plain(color: tuple[float, float, float], label: str = "object", emissive: bool = False) -> Surface:
    return Surface(color, label=label, emissive=emissive, tinted=False)


STEEL, IRON = _plain((0.46, 0.47, 0.49), "pole"), _plain((0.13, 0.14, 0.15))
LAMP_LIT, LAMP_DARK = _plain((1.0, 0.86, 0.58), "pole", emissive=True), _plain((0.78, 0.78, 0.74), "pole")
BOLLARD, BAND = _plain((0.14, 0.15, 0.16), "pole"), _plain((0.90, 0.90, 0.88), "pole")
BIN = _plain((0.20, 0.30, 0.24))
BENCH_WOOD = _plain((0.48, 0.33, 0.20))
FRAME, ROOF = _plain((0.30, 0.32, 0.34)), _plain((0.40, 0.42, 0.44))
PANE = Surface(
    (0.36, 0.44, 0.47), label="object", specular=0.06, shininess=256, double_sided=True, tinted=False
)
CONCRETE_GRAY, YELLOW = _plain((0.60, 0.60, 0.58)), _plain((0.93, 0.74, 0.12))


@cache
def street_lamp(lit: bool = False) -> list[Mesh]:
    """A street lamp, 8 m high, with its arm to the left: levels of about 60 and 15 triangles.

    Args:
        lit: whether it is emissive; it does not illuminate the scene (see `SceneState.lamp_positions`).
    """
    pole = lathe([[0.05, 7.0], [0.09, 1.0], [0.11, -0.3]], 6, STEEL)
    line = [[0.0, 0.0, 6.9], [0.0, 0.25, 7.6], [0.0, LAMP_REACH, LAMP_HEIGHT + 0.1]]
    arm = tube(line, [0.05, 0.045, 0.04], 4, STEEL)
    low, high = (-0.16, LAMP_REACH - 0.1, LAMP_HEIGHT), (0.16, LAMP_REACH + 0.65, LAMP_HEIGHT + 0.16)
    glass = box(
        (-0.13, LAMP_REACH, LAMP_HEIGHT - 0.05),
        (0.13, LAMP_REACH + 0.6, LAMP_HEIGHT + 0.01),
        LAMP_LIT if lit else LAMP_DARK,
        "xXyYz",
    )
    head = box(low, high, STEEL)
    far_arm = tube([line[0], line[2]], [0.06, 0.05], 3, STEEL)
    near = Mesh.merge([pole, arm, polygon_mesh([*head, *glass])])
    far = Mesh.merge([lathe([[0.06, 6.9], [0.11, -0.3]], 3, STEEL), far_arm, polygon_mesh(glass)])
    return [welded(near), welded(far)]


@cache
def bollard() -> list[Mesh]:
    """A bollard, 0.95 m high, with a white band."""
    near = [[0.0, 0.95], [0.06, 0.93], [0.075, 0.72]]
    post = [
        lathe(near, 6, BOLLARD),
        lathe([[0.078, 0.72], [0.078, 0.60]], 6, BAND),
        lathe([[0.075, 0.60], [0.08, -0.2]], 6, BOLLARD),
    ]
    return [welded(Mesh.merge(post)), lathe([[0.0, 0.95], [0.08, 0.90], [0.08, -0.2]], 3, BOLLARD)]


@cache
def bench() -> list[Mesh]:
    """A bench, 1.8 m long, facing -x."""
    slats: list[Polygon] = []
    for x in (-0.20, -0.03, 0.14):
        slats += box((x, -0.9, 0.42), (x + 0.13, 0.9, 0.46), BENCH_WOOD, "xXyYZz")
    for z in (0.58, 0.74):
        slats += box((0.27, -0.9, z), (0.31, 0.9, z + 0.12), BENCH_WOOD, "xXyYZz")
    legs = [
        polygon
        for y in (-0.7, 0.7)
        for polygon in box((-0.2, y - 0.03, -0.1), (0.3, y + 0.03, 0.42), IRON, "xXyY")
    ]
    props = [
        polygon
        for y in (-0.7, 0.7)
        for polygon in box((0.30, y - 0.03, 0.42), (0.34, y + 0.03, 0.86), IRON, "xXyYZ")
    ]
    far = [
        *box((-0.2, -0.9, 0.40), (0.27, 0.9, 0.46), BENCH_WOOD, "xyYZ"),
        *box((0.27, -0.9, 0.5), (0.32, 0.9, 0.86), BENCH_WOOD, "xXyYZ"),
        *box((-0.1, -0.75, -0.1), (0.2, 0.75, 0.40), IRON, "xXyY"),
    ]
    return [welded(polygon_mesh([*slats, *legs, *props])), welded(polygon_mesh(far))]


@cache
def waste_bin() -> list[Mesh]:
    """A round bin, 0.95 m high, with a lid."""
    near = (
        lathe([[0.0, 0.98], [0.24, 0.90], [0.24, 0.84]], 8, IRON),
        lathe([[0.20, 0.84], [0.20, 0.70]], 8, IRON),
    )
    body = lathe([[0.19, 0.73], [0.23, 0.72], [0.19, 0.0]], 8, BIN)
    return [welded(Mesh.merge([*near, body])), lathe([[0.0, 0.98], [0.24, 0.88], [0.2, 0.0]], 4, BIN)]


@cache
def bus_shelter(variant: int = 0) -> list[Mesh]:
    """A shelter, 4 m long, open to -x, with a bench, and an advertisement at its right end as seen from the street.

    Args:
        variant: variant of the advertisement, below `textures.NUM_VARIANTS`.
    """
    board = Surface((1.0, 1.0, 1.0), poster(variant), "object", tinted=False)
    posts = [
        polygon
        for x, y in ((-0.7, -1.95), (-0.7, 1.95), (0.7, -1.95), (0.7, 0.0), (0.7, 1.95))
        for polygon in box((x - 0.04, y - 0.04, -0.1), (x + 0.04, y + 0.04, 2.4), FRAME, "xXyY")
    ]
    roof = box((-0.95, -2.15, 2.4), (0.8, 2.15, 2.52), ROOF)
    panes = [
        (np.array([[0.7, 1.9, 0.3], [0.7, 0.05, 0.3], [0.7, 0.05, 2.2], [0.7, 1.9, 2.2]]), PANE, None),
        (np.array([[0.7, -0.05, 0.3], [0.7, -1.9, 0.3], [0.7, -1.9, 2.2], [0.7, -0.05, 2.2]]), PANE, None),
    ]
    end = box((-0.68, -2.02, 0.3), (0.68, -1.9, 2.2), FRAME, "xXZz")
    outside, inside = box((-0.66, -2.03, 0.35), (0.66, -1.89, 2.15), board, "yY")
    end += [outside, inside]
    seat = box((0.25, -1.5, 0.45), (0.62, 1.5, 0.5), BENCH_WOOD, "xXyYZz")
    near = polygon_mesh([*posts, *roof, *panes, *end, *seat])
    far = polygon_mesh(
        [
            *box((-0.95, -2.15, 2.4), (0.8, 2.15, 2.52), ROOF),
            (
                np.array([[0.7, 1.95, 0.0], [0.7, -1.95, 0.0], [0.7, -1.95, 2.4], [0.7, 1.95, 2.4]]),
                PANE,
                None,
            ),
            *end[-2:],
        ]
    )
    return [welded(near), welded(far)]


@cache
def advertising_column(variant: int = 0) -> list[Mesh]:
    """A round column, 3.4 m high, covered with posters."""
    posters = Surface((1.0, 1.0, 1.0), poster(variant), "object", tinted=False)
    cap = [[0.0, 3.5], [0.78, 3.2], [0.78, 3.1]]
    near = [
        lathe(cap, 10, IRON),
        lathe([[0.66, 3.1], [0.66, 0.3]], 10, posters, (4.0, 2.0)),
        lathe([[0.72, 0.3], [0.72, -0.1]], 10, CONCRETE_GRAY),
    ]
    far = [lathe(cap[:2], 5, IRON), lathe([[0.68, 3.2], [0.68, -0.1]], 5, posters, (4.0, 2.0))]
    return [welded(Mesh.merge(near)), welded(Mesh.merge(far))]


@cache
def planter(variant: int = 0) -> list[Mesh]:
    """A concrete tub, 1.2 m square, with a shrub."""
    leaves = Surface((0.9, 0.95, 0.85), textures.leaves(variant), "vegetation", tinted=False)
    tub = box((-0.6, -0.6, -0.1), (0.6, 0.6, 0.5), CONCRETE_GRAY, "xXyYZ")
    shrub = lathe([[0.0, 1.25], [0.42, 1.05], [0.55, 0.7], [0.45, 0.5]], 7, leaves, (3.0, 2.0))
    far = lathe([[0.0, 1.25], [0.5, 0.9], [0.5, 0.5]], 4, leaves, (3.0, 2.0))
    return [welded(Mesh.merge([polygon_mesh(tub), shrub])), welded(Mesh.merge([polygon_mesh(tub[:-1]), far]))]


@cache
def wheel_stop() -> list[Mesh]:
    """A wheel stop at the end of a parking space, 1.8 m long across x."""
    polygons: list[Polygon] = []
    for start, surface in zip(np.linspace(-0.9, 0.54, 5), (YELLOW, CONCRETE_GRAY) * 3, strict=False):
        low, high = float(start), float(start) + 0.36
        ring = np.array([[-0.09, 0.0], [-0.06, 0.11], [0.06, 0.11], [0.09, 0.0]])
        for (x, z), (next_x, next_z) in pairwise(ring):
            panel = np.array([[x, low, z], [next_x, low, next_z], [next_x, high, next_z], [x, high, z]])
            polygons.append((panel, surface, None))
        if start < -0.8 or high > 0.85:
            y = low if start < 0.0 else high
            end = np.column_stack([ring[:, 0], np.full(4, y), ring[:, 1]])
            polygons.append((end[::-1] if start < 0.0 else end, surface, None))
    far = box((-0.09, -0.9, 0.0), (0.09, 0.9, 0.11), CONCRETE_GRAY, "xXyYZ")
    return [welded(polygon_mesh(polygons)), polygon_mesh(far)]


@cache
def ticket_machine() -> list[Mesh]:
    """A parking ticket machine, 1.7 m high, with a sign above it."""
    front = Surface((1.0, 1.0, 1.0), ticket_front(), "object", tinted=False)
    body = box((-0.18, -0.25, -0.1), (0.18, 0.25, 1.55), IRON, "xXyYZ")
    panel = (plate(-0.19, 0.22, 0.65, 1.5), front, UNIT_SQUARE)
    hood = box((-0.26, -0.27, 1.55), (0.2, 0.27, 1.62), STEEL, "xXyYZz")
    return [welded(polygon_mesh([*body, panel, *hood])), welded(polygon_mesh([*body, panel]))]
