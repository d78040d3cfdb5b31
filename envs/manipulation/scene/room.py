"""Table and room: parts that collide, and the textured meshes of table, floor and walls.

The table top is at height 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from camshaft.envs.manipulation.bodies import Part
from camshaft.envs.manipulation.scene import textures
from camshaft.envs.manipulation.scene.body_meshes import parts_mesh
from camshaft.envs.rendering import Mesh, Surface

FLOOR_HEIGHT = -0.75  # meters
ROOM_SIZE = 4.0  # meters, side of the square floor
WALL_HEIGHT = 3.0  # meters
TILE = 0.5  # meters
BOARD = 0.7  # meters, side of the table's texture
TOP_THICKNESS = 0.05  # meters


def table_parts(length: float, width: float, middle: float) -> tuple[Part, ...]:
    """Table top, floor and four legs; the legs do not collide.

    Args:
        length: meters, table top along x.
        width: meters, table top along y.
        middle: meters, x of the middle of the table top.
    """
    leg = (0.06, 0.06, -FLOOR_HEIGHT - TOP_THICKNESS)
    parts = [
        Part("box", (length, width, TOP_THICKNESS), (middle, 0.0, -0.5 * TOP_THICKNESS)),
        Part("box", (ROOM_SIZE, ROOM_SIZE, 0.1), (0.0, 0.0, FLOOR_HEIGHT - 0.05), visible=False),
    ]
    for x in (-1, 1):
        for y in (-1, 1):
            position = (
                middle + x * (0.5 * length - 0.06),
                y * (0.5 * width - 0.06),
                0.5 * (FLOOR_HEIGHT - TOP_THICKNESS),
            )
            parts.append(Part("box", leg, position, color=(0.25, 0.25, 0.27), collides=False))
    return tuple(parts)


def table_mesh(parts: Sequence[Part], variant: int) -> Mesh:
    """A wooden table of the parts that `table_parts` returns."""
    top, legs = parts[0], [part for part in parts[1:] if part.visible]
    board = Mesh.box(top.size, Surface((1.0, 1.0, 1.0), textures.wood(variant), "table"))
    board = board.translated(top.position)
    assert board.normals is not None
    assert board.uvs is not None
    upward = np.abs(board.normals[:, 2]) > 0.5
    from_above = (board.positions[:, :2] - board.positions[:, :2].min(axis=0)) / BOARD
    uvs = np.where(upward[:, None], from_above, board.uvs * 0.1).astype(np.float32)
    rest = parts_mesh(legs, "table")
    assert rest is not None
    return Mesh.merge([replace(board, uvs=uvs), rest])


def floor_mesh(variant: int) -> Mesh:
    """A tiled floor."""
    surface = Surface((1.0, 1.0, 1.0), textures.floor(variant), "floor")
    mesh = Mesh.grid(ROOM_SIZE, ROOM_SIZE, surface).translated((0.0, 0.0, FLOOR_HEIGHT))
    assert mesh.uvs is not None
    return replace(mesh, uvs=(mesh.uvs * (ROOM_SIZE / TILE)).astype(np.float32))


def walls_mesh(variant: int) -> Mesh:
    """Four walls, facing inward."""
    surface = Surface((1.0, 1.0, 1.0), textures.wall(variant), "wall")
    upright = np.eye(4)
    upright[:3, :3] = [[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]]
    upright[:3, 3] = (-0.5 * ROOM_SIZE, 0.0, FLOOR_HEIGHT + 0.5 * WALL_HEIGHT)
    meshes = []
    for quarter in range(4):
        turn = np.eye(4)
        angle = 0.5 * math.pi * quarter
        turn[:2, :2] = [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
        meshes.append(Mesh.grid(WALL_HEIGHT, ROOM_SIZE, surface).transformed(turn @ upright))
    return Mesh.merge(meshes)
