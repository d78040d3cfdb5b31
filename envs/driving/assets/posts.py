"""Posts, poles and markers along a country road."""

from __future__ import annotations

import numpy as np

from camshaft.envs.driving import textures
from camshaft.envs.driving.assets.shapes import lathe, plate, polygon_mesh
from camshaft.envs.rendering import Mesh, Surface

WHITE, BLACK, WOOD = (0.93, 0.93, 0.93), (0.07, 0.07, 0.07), (0.42, 0.34, 0.26)


def delineator() -> list[Mesh]:
    """A white post, 1.05 m high, with a dark band and a reflector."""
    white, black = Surface(WHITE, label="pole"), Surface(BLACK, label="pole")
    amber = Surface((0.98, 0.72, 0.25), label="pole")
    body = Mesh.box([0.12, 0.14, 1.25], white).translated([0.0, 0.0, 0.425])
    band = Mesh.box([0.13, 0.15, 0.24], black).translated([0.0, 0.0, 0.85])
    light = polygon_mesh([(plate(-0.071, 0.04, 0.78, 0.92), amber, None)])
    coarse = lathe([[0.08, 1.05], [0.08, -0.2]], 3, white)
    return [Mesh.merge([body, band, light]), coarse]


def utility_pole() -> list[Mesh]:
    """A wooden pole, 8 m high, with insulators on a cross-arm along y."""
    wood, glass = Surface(WOOD, label="pole"), Surface((0.75, 0.78, 0.78), label="pole")
    pole = lathe([[0.0, 8.02], [0.12, 8.0], [0.17, -0.6]], 6, wood)
    arm = Mesh.box([0.12, 2.2, 0.14], wood).translated([0.14, 0.0, 7.3])
    knobs = [Mesh.box([0.09, 0.09, 0.22], glass).translated([0.14, y, 7.48]) for y in (-1.0, -0.5, 0.5, 1.0)]
    coarse = Mesh.merge([lathe([[0.14, 8.0], [0.17, -0.6]], 3, wood), arm])
    return [Mesh.merge([pole, arm, *knobs]), coarse]


def bend_marker(variant: int, leftwards: bool) -> list[Mesh]:
    """A red and white chevron board on two posts, facing -x; it points left or right."""
    board = Surface((1.0, 1.0, 1.0), textures.chevrons(variant), "pole")
    gray = Surface((0.5, 0.5, 0.52), label="pole")
    uvs = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    if leftwards:
        uvs[:, 0] = 1.0 - uvs[:, 0]
    front, back = plate(-0.03, 0.55, 0.7, 1.45), plate(0.03, 0.55, 0.7, 1.45)[::-1]
    legs = [Mesh.box([0.05, 0.06, 1.7], gray).translated([0.0, y, 0.45]) for y in (-0.4, 0.4)]
    plates = polygon_mesh([(front, board, uvs), (back, gray, None)])
    return [Mesh.merge([plates, *legs]), plates]
