"""Where the point that a pixel sees is at another moment.

Optical flow is exact: the point is carried along with its object to the other moment, and projected into the camera of
that moment (scene flow is its way through the world; Vedula et al., "Three-dimensional scene flow", 1999). A second
visibility buffer, of that moment, tells whether it can still be seen.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.kernels import inlined
from camshaft.envs.rendering.annotations.occlusion import behind_something
from camshaft.envs.rendering.cpu.scratch import Scratch
from camshaft.envs.rendering.cpu.visibility import OUTSIDE, draw_world, place_views
from camshaft.envs.rendering.lens import project_point


class Motion(NamedTuple):
    """Buffers of one thread for what has moved."""

    later: Scratch
    camera_from_world: NDArray[np.float64]  # (3, 4) of the other moment
    carried: NDArray[np.float64]  # (S, 3, 4) how the things of each slot move through the world
    carried_ready: NDArray[np.uint8]  # (S,)
    point: NDArray[np.float64]  # (3,)


def make_motion(later: Scratch, slots: int) -> Motion:
    """Buffers for scenes of so many slots."""
    return Motion(later, np.zeros((3, 4)), np.zeros((slots, 3, 4)), np.zeros(slots, np.uint8), np.zeros(3))


@inlined
def look_later(geometry, poses, then, world, camera, lens, motion):  # type: ignore[no-untyped-def]
    """Find what is visible at the other moment."""
    place_views(camera, lens, motion.later)
    draw_world(geometry, then.meshes[world], then.poses[world], then.bounds[world], lens, motion.later)
    motion.carried_ready[:] = 0
    for row in range(3):
        total = 0.0
        for column in range(3):
            motion.camera_from_world[row, column] = camera[column, row]
            total += camera[column, row] * camera[column, 3]
        motion.camera_from_world[row, 3] = -total


@inlined
def _carry(pose, later_pose, result):  # type: ignore[no-untyped-def]
    """Write (3, 4) later world from world of a thing that moved from one pose to another."""
    same = True
    for row in range(3):
        for column in range(4):
            same &= pose[row, column] == later_pose[row, column]
    if same:
        for row in range(3):
            for column in range(4):
                result[row, column] = 1.0 if row == column else 0.0
        return
    a, b, c = np.float64(pose[0, 0]), np.float64(pose[0, 1]), np.float64(pose[0, 2])
    d, e, f = np.float64(pose[1, 0]), np.float64(pose[1, 1]), np.float64(pose[1, 2])
    g, h, i = np.float64(pose[2, 0]), np.float64(pose[2, 1]), np.float64(pose[2, 2])
    determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    share = 1.0 / determinant if determinant != 0.0 else 0.0
    inverse = (
        ((e * i - f * h) * share, (c * h - b * i) * share, (b * f - c * e) * share),
        ((f * g - d * i) * share, (a * i - c * g) * share, (c * d - a * f) * share),
        ((d * h - e * g) * share, (b * g - a * h) * share, (a * e - b * d) * share),
    )
    for row in range(3):
        x, y, z = (
            np.float64(later_pose[row, 0]),
            np.float64(later_pose[row, 1]),
            np.float64(later_pose[row, 2]),
        )
        first = x * inverse[0][0] + y * inverse[1][0] + z * inverse[2][0]
        second = x * inverse[0][1] + y * inverse[1][1] + z * inverse[2][1]
        third = x * inverse[0][2] + y * inverse[1][2] + z * inverse[2][2]
        result[row, 0], result[row, 1], result[row, 2] = first, second, third
        result[row, 3] = later_pose[row, 3] - (first * pose[0, 3] + second * pose[1, 3] + third * pose[2, 3])


@inlined
def write_motion(
    geometry,
    annotations,
    image,
    row,
    column,
    triangle,
    poses,
    scratch,
    lens,
    later_poses,
    later_colors,
    later_meshes,
    sun,
    motion,
):  # type: ignore[no-untyped-def]
    """Where the point of a pixel, `motion.point`, is at the other moment."""
    x, y, z = motion.point[0], motion.point[1], motion.point[2]
    gone = triangle == OUTSIDE
    moved_x, moved_y, moved_z = x, y, z
    if triangle >= 0:
        slot = scratch.drawn[triangle, 1]
        gone = later_meshes[slot] < 0
        if not motion.carried_ready[slot]:
            _carry(poses[slot], later_poses[slot], motion.carried[slot])
            motion.carried_ready[slot] = 1
        way = motion.carried[slot]
        moved_x = way[0, 0] * x + way[0, 1] * y + way[0, 2] * z + way[0, 3]
        moved_y = way[1, 0] * x + way[1, 1] * y + way[1, 2] * z + way[1, 3]
        moved_z = way[2, 0] * x + way[2, 1] * y + way[2, 2] * z + way[2, 3]
    if annotations.scene_flow.shape[0] > 0:
        annotations.scene_flow[image, row, column, 0] = moved_x - x
        annotations.scene_flow[image, row, column, 1] = moved_y - y
        annotations.scene_flow[image, row, column, 2] = moved_z - z
    matrix = motion.camera_from_world
    fixed = 1.0 if triangle >= 0 else 0.0
    seen_x = matrix[0, 0] * moved_x + matrix[0, 1] * moved_y + matrix[0, 2] * moved_z + fixed * matrix[0, 3]
    seen_y = matrix[1, 0] * moved_x + matrix[1, 1] * moved_y + matrix[1, 2] * moved_z + fixed * matrix[1, 3]
    seen_z = matrix[2, 0] * moved_x + matrix[2, 1] * moved_y + matrix[2, 2] * moved_z + fixed * matrix[2, 3]
    to_column, to_row, seen = project_point(lens.optics, seen_x, seen_y, seen_z)
    seen = seen and not gone
    if annotations.flow.shape[0] > 0:
        annotations.flow[image, row, column, 0] = to_column - column if seen else 0.0
        annotations.flow[image, row, column, 1] = to_row - row if seen else 0.0
    if annotations.occluded.shape[0] > 0:
        hidden = True
        if seen:
            hidden = behind_something(
                geometry, later_poses, later_colors, sun, lens, motion.later, seen_x, seen_y, seen_z, to_column,
                to_row, triangle < 0,
            )  # fmt: skip
        annotations.occluded[image, row, column] = hidden
