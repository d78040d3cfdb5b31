"""Bodies of `pybullet_data` as single meshes."""

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

MAX_FACES = (1500, 120)  # per shape, of the two levels of detail
WHITE = 0.98  # smallest color component of a surface that counts as white
PAINT = (0.95, 0.95, 0.95)


@cache
def urdf_levels(
    file: str, joints: tuple[float, ...] = (), y_up: bool = False, painted: bool = False
) -> list[Mesh]:
    """A body in a fixed pose, with its lowest point at z = 0.

    Args:
        file: path of a URDF below `pybullet_data`.
        joints: positions of the first movable joints, rad or m.
        y_up: whether the y axis of the file points up, instead of z.
        painted: replace all surfaces by one that is tinted by the color of the slot.

    Returns:
        One or two levels of detail.
    """
    shapes, poses = _read(file, joints)
    upright = np.eye(4)
    if y_up:
        upright[:3, :3] = rotation_x(0.5 * np.pi)
    levels = []
    for max_faces in MAX_FACES:
        parts = [
            _multiply_color(_level_within(shape, max_faces), shape.color).transformed(upright @ pose)
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
    """Visual shapes of a body, and the (4, 4) transform of each to the world."""
    import pybullet  # optional: there are no wheels for newer versions of Python
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
        poses = LinkPoses(client, [(shape.body, shape.link) for shape in shapes])(client)
        return shapes, [pose @ shape.local for pose, shape in zip(poses, shapes, strict=True)]
    finally:
        pybullet.disconnect(number)


def _level_within(shape: BodyShape, max_faces: int) -> Mesh:
    """The finest level of detail within a number of faces, or the coarsest level."""
    for level in shape.levels:
        if len(level.faces) <= max_faces:
            return level
    return shape.levels[-1]


def _multiply_color(mesh: Mesh, color: tuple[float, float, float]) -> Mesh:
    surfaces = tuple(_multiply_surface(surface, color) for surface in mesh.surfaces)
    return replace(mesh, surfaces=surfaces)


def _multiply_surface(surface: Surface, color: tuple[float, float, float]) -> Surface:
    """The surface with its color multiplied; plain white surfaces are tinted by the color of the slot."""
    red, green, blue = (float(min(own * other, 1.0)) for own, other in zip(surface.color, color, strict=True))
    plain = surface.texture is None and min(red, green, blue) >= WHITE
    return replace(surface, color=(red, green, blue), tinted=plain)
