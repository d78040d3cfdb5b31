"""Motion of pixels between two frames: optical flow, scene flow and occlusion.

The flow is exact: the surface point of a pixel moves with its object to the target frame, and is projected into the
target camera. Scene flow is its displacement in the world (Vedula et al., "Three-dimensional scene flow", 1999). The
visibility buffer of the target frame tells whether the point is still visible.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.kernels import inlined
from camshaft.envs.rendering.annotations.occlusion import is_occluded
from camshaft.envs.rendering.cpu.scratch import Scratch
from camshaft.envs.rendering.cpu.visibility import OUTSIDE, rasterize_world, set_view_transforms
from camshaft.envs.rendering.projection import project_point


class Motion(NamedTuple):
    """Buffers of one thread for motion."""

    target: Scratch  # of the target frame
    camera_from_world: NDArray[np.float64]  # (3, 4) in the target frame
    transforms: NDArray[np.float64]  # (S, 3, 4) motion of the objects of each slot, in world coordinates
    transforms_ready: NDArray[np.uint8]  # (S,)
    point: NDArray[np.float64]  # (3,) surface point of the current pixel, world frame


def make_motion(target: Scratch, slots: int) -> Motion:
    """Buffers for scenes of so many slots."""
    return Motion(target, np.zeros((3, 4)), np.zeros((slots, 3, 4)), np.zeros(slots, np.uint8), np.zeros(3))


@inlined
def rasterize_target(geometry, target, world, camera, lens, motion):  # type: ignore[no-untyped-def]
    """Fill the visibility buffer of the target frame."""
    set_view_transforms(camera, lens, motion.target)
    rasterize_world(
        geometry, target.meshes[world], target.poses[world], target.bounds[world], lens, motion.target
    )
    motion.transforms_ready[:] = 0
    for row in range(3):
        total = 0.0
        for column in range(3):
            motion.camera_from_world[row, column] = camera[column, row]
            total += camera[column, row] * camera[column, 3]
        motion.camera_from_world[row, 3] = -total


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
    target_poses,
    target_colors,
    target_meshes,
    sun_direction,
    motion,
):  # type: ignore[no-untyped-def]
    """Write flow, scene flow and occlusion of a pixel whose surface point is `motion.point`."""
    x, y, z = motion.point[0], motion.point[1], motion.point[2]
    gone = triangle == OUTSIDE
    moved_x, moved_y, moved_z = x, y, z
    if triangle >= 0:
        slot = scratch.rendered[triangle, 1]
        gone = target_meshes[slot] < 0
        if not motion.transforms_ready[slot]:
            _write_transform(poses[slot], target_poses[slot], motion.transforms[slot])
            motion.transforms_ready[slot] = 1
        transform = motion.transforms[slot]
        moved_x = transform[0, 0] * x + transform[0, 1] * y + transform[0, 2] * z + transform[0, 3]
        moved_y = transform[1, 0] * x + transform[1, 1] * y + transform[1, 2] * z + transform[1, 3]
        moved_z = transform[2, 0] * x + transform[2, 1] * y + transform[2, 2] * z + transform[2, 3]
    if annotations.scene_flow.shape[0] > 0:
        annotations.scene_flow[image, row, column, 0] = moved_x - x
        annotations.scene_flow[image, row, column, 1] = moved_y - y
        annotations.scene_flow[image, row, column, 2] = moved_z - z
    matrix = motion.camera_from_world
    weight = 1.0 if triangle >= 0 else 0.0  # of the translation: the sky is a direction
    camera_x = (
        matrix[0, 0] * moved_x + matrix[0, 1] * moved_y + matrix[0, 2] * moved_z + weight * matrix[0, 3]
    )
    camera_y = (
        matrix[1, 0] * moved_x + matrix[1, 1] * moved_y + matrix[1, 2] * moved_z + weight * matrix[1, 3]
    )
    camera_z = (
        matrix[2, 0] * moved_x + matrix[2, 1] * moved_y + matrix[2, 2] * moved_z + weight * matrix[2, 3]
    )
    to_column, to_row, in_view = project_point(lens.optics, camera_x, camera_y, camera_z)
    in_view = in_view and not gone
    if annotations.flow.shape[0] > 0:
        annotations.flow[image, row, column, 0] = to_column - column if in_view else 0.0
        annotations.flow[image, row, column, 1] = to_row - row if in_view else 0.0
    if annotations.occluded.shape[0] > 0:
        occluded = True
        if in_view:
            occluded = is_occluded(
                geometry, target_poses, target_colors, sun_direction, lens, motion.target, camera_x, camera_y,
                camera_z, to_column, to_row, triangle < 0,
            )  # fmt: skip
        annotations.occluded[image, row, column] = occluded


@inlined
def _write_transform(pose, target_pose, result):  # type: ignore[no-untyped-def]
    """Write the (3, 4) transform of world points that move with an object from one pose to another."""
    same = True
    for row in range(3):
        for column in range(4):
            same &= pose[row, column] == target_pose[row, column]
    if same:
        for row in range(3):
            for column in range(4):
                result[row, column] = 1.0 if row == column else 0.0
        return
    a, b, c = np.float64(pose[0, 0]), np.float64(pose[0, 1]), np.float64(pose[0, 2])
    d, e, f = np.float64(pose[1, 0]), np.float64(pose[1, 1]), np.float64(pose[1, 2])
    g, h, i = np.float64(pose[2, 0]), np.float64(pose[2, 1]), np.float64(pose[2, 2])
    determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    scale = 1.0 / determinant if determinant != 0.0 else 0.0
    inverse = (
        ((e * i - f * h) * scale, (c * h - b * i) * scale, (b * f - c * e) * scale),
        ((f * g - d * i) * scale, (a * i - c * g) * scale, (c * d - a * f) * scale),
        ((d * h - e * g) * scale, (b * g - a * h) * scale, (a * e - b * d) * scale),
    )
    for row in range(3):
        x, y, z = (
            np.float64(target_pose[row, 0]),
            np.float64(target_pose[row, 1]),
            np.float64(target_pose[row, 2]),
        )
        first = x * inverse[0][0] + y * inverse[1][0] + z * inverse[2][0]
        second = x * inverse[0][1] + y * inverse[1][1] + z * inverse[2][1]
        third = x * inverse[0][2] + y * inverse[1][2] + z * inverse[2][2]
        result[row, 0], result[row, 1], result[row, 2] = first, second, third
        result[row, 3] = target_pose[row, 3] - (first * pose[0, 3] + second * pose[1, 3] + third * pose[2, 3])
