"""Whole bodies of `pybullet_data` as one mesh each."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.rendering import Mesh, Surface
from camshaft.envs.rendering.pybullet.links import LinkPoses, connection
from camshaft.envs.rendering.pybullet.shapes import BodyShape, read_shapes, shape_rows
from camshaft.envs.rendering.rotations import rotation_x

FACES_A_SHAPE = (1500, 120)  # of the two levels of detail, at most
PAPER_WHITE = 0.98
PAINT = (0.95, 0.95, 0.95)


@cache
def urdf_levels(
    file: str, joints: tuple[float, ...] = (), y_up: bool = False, painted: bool = False
) -> list[Mesh]:
    """A body in one pose, its lowest point at z = 0.

    Args:
        file: a URDF below `pybullet_data`.
        joints: positions of the first movable joints, rad or m.
        y_up: whether the file has the body lying on its back.
        painted: give all surfaces the color of the slot instead of their own.

    Returns:
        Two levels of detail.
    """
    shapes, poses = _read(file, joints)
    upright = np.eye(4)
    if y_up:
        upright[:3, :3] = rotation_x(0.5 * np.pi)
    levels = []
    for most in FACES_A_SHAPE:
        parts = [
            _colored(_at_most(shape, most), shape.color).transformed(upright @ pose)
            for shape, pose in zip(shapes, poses, strict=True)
        ]
        levels.append(Mesh.merge(parts))
    if painted:
        levels = [replace(level, surfaces=(Surface(PAINT),) * len(level.surfaces)) for level in levels]
    lowest = float(levels[0].positions[:, 2].min())
    if len(levels[1].faces) == len(levels[0].faces):
        levels.pop()
    return [level.translated((0.0, 0.0, -lowest)) for level in levels]


def _read(file: str, joints: tuple[float, ...]) -> tuple[list[BodyShape], list[NDArray[np.float64]]]:
    """The visual shapes of a body, and (4, 4) world from each."""
    import pybullet
    import pybullet_data

    number = pybullet.connect(pybullet.DIRECT)
    try:
        client = connection(number)
        body = client.loadURDF(str(Path(pybullet_data.getDataPath()) / file), useFixedBase=True)
        movable = [
            joint
            for joint in range(client.getNumJoints(body))
            if client.getJointInfo(body, joint)[2] != pybullet.JOINT_FIXED
        ]
        for joint, position in zip(movable, joints, strict=False):
            client.resetJointState(body, joint, position)
        shapes = read_shapes(client, shape_rows(client, [body]))
        places = LinkPoses(client, [(shape.body, shape.link) for shape in shapes])(client)
        return shapes, [place @ shape.local for place, shape in zip(places, shapes, strict=True)]
    finally:
        pybullet.disconnect(number)


def _at_most(shape: BodyShape, faces: int) -> Mesh:
    for level in shape.levels:
        if len(level.faces) <= faces:
            return level
    return shape.levels[-1]


def _colored(mesh: Mesh, color: tuple[float, float, float]) -> Mesh:
    surfaces = tuple(_multiplied(surface, color) for surface in mesh.surfaces)
    return replace(mesh, surfaces=surfaces)


def _multiplied(surface: Surface, color: tuple[float, float, float]) -> Surface:
    red, green, blue = (float(min(own * other, 1.0)) for own, other in zip(surface.color, color, strict=True))
    plain = surface.texture is None and min(red, green, blue) >= PAPER_WHITE
    return replace(surface, color=(red, green, blue), tinted=plain)
