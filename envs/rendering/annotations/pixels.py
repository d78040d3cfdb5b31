"""Annotations of pixels: normals, positions and motion of the surface that each pixel shows."""

from __future__ import annotations

import numpy as np

from camshaft.envs.kernels import inlined, kernel
from camshaft.envs.rendering.annotations.motion import write_motion
from camshaft.envs.rendering.cpu.frames import depth_on_ray
from camshaft.envs.rendering.cpu.planes import NORMAL, READY, WITH_NORMALS, evaluate, set_up_triangle
from camshaft.envs.rendering.cpu.visibility import OUTSIDE, SKY


@kernel
def annotate_pixels(
    geometry,
    poses,
    colors,
    sun_direction,
    camera,
    lens,
    scratch,
    annotations,
    image,
    wants_motion,
    target_poses,
    target_meshes,
    motion,
):  # type: ignore[no-untyped-def]
    """Fill the annotations of all pixels of one frame, row `image` of the annotations."""
    wants_normals = annotations.normals.shape[0] + annotations.world_normals.shape[0] > 0
    wants_positions = annotations.positions.shape[0] > 0
    if not (wants_normals or wants_positions or wants_motion):
        return
    needed = WITH_NORMALS if wants_normals else READY
    cells, ray_x, ray_y, _, _ = lens.labels
    height, width = cells.shape
    for row in range(height):
        for column in range(width):
            cell = cells[row, column]
            triangle = scratch.triangles[cell]
            x, y = ray_x[row, column], ray_y[row, column]
            if triangle >= 0 and not scratch.traits[triangle] & needed:
                set_up_triangle(geometry, poses, colors, sun_direction, scratch, triangle, wants_normals)
            if wants_normals:
                _write_normal(annotations, image, row, column, triangle, x, y, lens, scratch)
            if wants_positions or wants_motion:
                depth = np.float64(1.0)
                if triangle >= 0:
                    depth = np.float64(
                        depth_on_ray(scratch.planes[triangle], scratch.inverse_depth[cell], x, y)
                    )
                view = SKY - triangle if triangle < 0 else scratch.rendered[triangle, 4]
                # The sky is a direction: it does not move with the camera.
                origin_weight = 0.0 if triangle < 0 else 1.0
                if triangle != OUTSIDE:
                    matrix = scratch.world_from_view[view]
                    for axis in range(3):
                        motion.point[axis] = depth * (
                            matrix[axis, 0] * x + matrix[axis, 1] * y + matrix[axis, 2]
                        ) + origin_weight * np.float64(camera[axis, 3])
                if wants_positions:
                    for axis in range(3):
                        annotations.positions[image, row, column, axis] = (
                            motion.point[axis] if triangle >= 0 else 0.0
                        )
                if wants_motion:
                    write_motion(
                        geometry, annotations, image, row, column, triangle, poses, scratch, lens, target_poses,
                        colors, target_meshes, sun_direction, motion,
                    )  # fmt: skip


@inlined
def _write_normal(annotations, image, row, column, triangle, x, y, lens, scratch):  # type: ignore[no-untyped-def]
    """Write the unit normal of a pixel in camera and world axes, 0 for sky."""
    normal_x = normal_y = normal_z = np.float32(0.0)
    view = 0
    if triangle >= 0:
        plane, view = scratch.planes[triangle], scratch.rendered[triangle, 4]
        normal_x, normal_y, normal_z = (
            evaluate(plane, NORMAL, x, y),
            evaluate(plane, NORMAL + 3, x, y),
            evaluate(plane, NORMAL + 6, x, y),
        )
        length = np.sqrt(normal_x * normal_x + normal_y * normal_y + normal_z * normal_z)
        scale = np.float32(1.0) / length if length > 0.0 else np.float32(0.0)
        normal_x, normal_y, normal_z = normal_x * scale, normal_y * scale, normal_z * scale
    rotation, matrix = lens.views.rotations[view], scratch.world_from_view[view]
    for axis in range(3):
        if annotations.normals.shape[0] > 0:
            annotations.normals[image, row, column, axis] = (
                rotation[0, axis] * normal_x + rotation[1, axis] * normal_y + rotation[2, axis] * normal_z
            )
        if annotations.world_normals.shape[0] > 0:
            annotations.world_normals[image, row, column, axis] = (
                matrix[axis, 0] * normal_x + matrix[axis, 1] * normal_y + matrix[axis, 2] * normal_z
            )
