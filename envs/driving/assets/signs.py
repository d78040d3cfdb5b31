"""Road signs on posts, and motorway exit boards; all face -x, toward traffic driving along x."""

from __future__ import annotations

from functools import cache

import numpy as np

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving.assets.shapes import UNIT_SQUARE, Polygon, box, lathe, plate, polygon_mesh, welded
from camshaft.envs.driving.textures import signs as faces
from camshaft.envs.rendering import Mesh, Surface

STEEL = Surface((0.50, 0.51, 0.53), label="pole", tinted=False)
BACK = Surface((0.48, 0.49, 0.51), label="traffic_sign", tinted=False)
LOWEST = 2.1  # meters from the ground to the lower edge of a sign
ROUND, OCTAGON, DIAMOND, SQUARE, TRIANGLE, YIELD = (
    "round",
    "octagon",
    "diamond",
    "square",
    "triangle",
    "give_way",
)
SHAPES = {  # outline and width in meters; all others are discs of 0.75 m
    "stop": (OCTAGON, 0.84),
    "yield": (YIELD, 0.96),
    "priority_road": (DIAMOND, 0.84),
    "curve_left": (TRIANGLE, 0.96),
    "curve_right": (TRIANGLE, 0.96),
    "crossroads": (TRIANGLE, 0.96),
    "lights_ahead": (TRIANGLE, 0.96),
    "pedestrian_crossing": (SQUARE, 0.7),
    "parking": (SQUARE, 0.7),
    "motorway": (SQUARE, 1.0),
}


@cache
def sign(kind: str, variant: int = 0, mounting: str = "post") -> list[Mesh]:
    """A road sign.

    Args:
        kind: one of `textures.signs.SIGNS`.
        variant: state of wear, below `textures.NUM_VARIANTS`.
        mounting: "post", 2.9 m high; or "plate", the sign alone, centered at the origin, to add to another post.

    Returns:
        Levels of 17 to 43 and 8 to 18 triangles.
    """
    shape, width = SHAPES.get(kind, (ROUND, 0.75))
    face = Surface((1.0, 1.0, 1.0), faces.sign_face(kind, variant), "traffic_sign", tinted=False)
    near, far = _outline(shape, True), _outline(shape, False)
    plates = [polygon_mesh(_plate(outline, width, face, -0.02)) for outline in (near, far)]
    if mounting == "plate":
        return plates
    bottom, top = near[:, 1].min(), near[:, 1].max()
    middle = LOWEST + (0.5 - bottom) * width
    height = middle + (top - 0.5) * width
    posts = [lathe([[0.0, height + 0.01], [0.03, height], [0.03, -0.3]], 5, STEEL), _far_post(0.06, height)]
    return [
        welded(Mesh.merge([part.translated([-0.03, 0.0, middle]), post]))
        for part, post in zip(plates, posts, strict=True)
    ]


@cache
def exit_board(text: str = "MILLTOWN", number: int = 12, variant: int = 0) -> list[Mesh]:
    """A motorway exit board, 4 × 2 m on two posts."""
    face = Surface((1.0, 1.0, 1.0), faces.exit_board(text, number, variant), "traffic_sign", tinted=False)
    front, back = plate(-0.05, 2.0, 1.6, 3.6), plate(0.0, 2.0, 1.6, 3.6)[::-1]
    board = polygon_mesh([(front, face, UNIT_SQUARE), (back, BACK, None)])
    legs = [box((0.0, y - 0.06, -0.3), (0.14, y + 0.06, 3.6), STEEL, "xXyY") for y in (-1.3, 1.3)]
    far = [_far_post(0.16, 3.6).translated([0.07, y, 0.0]) for y in (-1.3, 1.3)]
    return [
        welded(Mesh.merge([board, polygon_mesh([*legs[0], *legs[1]])])),
        welded(Mesh.merge([board, *far])),
    ]


@cache
def street_name(text: str = "STATION RD", variant: int = 0) -> list[Mesh]:
    """A street name sign on a post, readable from both sides."""
    face = Surface((1.0, 1.0, 1.0), faces.street_name(text, variant), "traffic_sign", tinted=False)
    front = plate(-0.035, 0.5, 2.35, 2.60)
    back = front[::-1] * [-1.0, 1.0, 1.0]
    board = polygon_mesh([(front, face, UNIT_SQUARE), (np.roll(back, 2, axis=0), face, UNIT_SQUARE)])
    post = lathe([[0.0, 2.66], [0.03, 2.65], [0.03, -0.3]], 5, STEEL)
    return [welded(Mesh.merge([board, post])), Mesh.merge([board, _far_post(0.06, 2.65)])]


def _plate(outline: FloatArray, width: float, face: Surface, x: float) -> list[Polygon]:
    """Front and back of a sign at the origin; `outline` is on the unit square, seen from the front."""
    points = width * (outline - 0.5)
    front = np.column_stack([np.full(len(points), x), -points[:, 0], points[:, 1]])
    back = front[::-1] + np.array([0.015, 0.0, 0.0])
    return [(front, face, outline), (back, BACK, None)]


def _outline(shape: str, fine: bool) -> FloatArray:
    """(n, 2) corners of a shape on the unit square, counter-clockwise."""
    if shape == OCTAGON or (shape == ROUND and not fine):
        return _ring(8)
    if shape == ROUND:
        return _ring(16)
    if shape == DIAMOND:
        return np.array([[0.5, 0.0], [1.0, 0.5], [0.5, 1.0], [0.0, 0.5]])
    if shape == TRIANGLE:
        return np.array([[0.0, 0.067], [1.0, 0.067], [0.5, 0.933]])
    if shape == YIELD:
        return np.array([[0.5, 0.067], [1.0, 0.933], [0.0, 0.933]])
    return UNIT_SQUARE


def _ring(corners: int) -> FloatArray:
    """Corners of a regular polygon inscribed in the unit square."""
    angles = 2.0 * np.pi * (np.arange(corners) + 0.5) / corners
    ring = np.column_stack([np.cos(angles), np.sin(angles)])
    return 0.5 + 0.5 * ring / np.abs(ring).max()


def _far_post(width: float, height: float) -> Mesh:
    return lathe([[0.5 * width, height], [0.5 * width, -0.3]], 3, STEEL)
