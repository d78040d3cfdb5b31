"""Keypoints of objects in the image, and their visibility by the depth buffer."""

from __future__ import annotations

from camshaft.envs.kernels import kernel
from camshaft.envs.rendering.annotations.boxes import to_camera
from camshaft.envs.rendering.annotations.occlusion import TOLERANCE, depths_at_point
from camshaft.envs.rendering.projection import project_point

SELF_OCCLUSION_DEPTH = 0.1  # of the object's radius, by which a visible keypoint may lie below its surface
OCCLUDED, VISIBLE = 1.0, 2.0  # as in COCO; 0 outside the image


@kernel
def write_keypoints(
    geometry, meshes, poses, bounds, colors, sun_direction, camera, lens, scratch, keypoints, result
):  # type: ignore[no-untyped-def]
    """Write column, row and visibility of all keypoints of one world."""
    for index in range(keypoints.slots.shape[0]):
        slot, keypoint = keypoints.slots[index], result[index]
        keypoint[:] = 0.0
        if meshes[slot] < 0:
            continue
        point = keypoints.points[keypoints.first[meshes[slot]] + keypoints.numbers[index]]
        x = to_camera(camera, poses[slot], point, 0)
        y = to_camera(camera, poses[slot], point, 1)
        z = to_camera(camera, poses[slot], point, 2)
        column, row, in_view = project_point(lens.optics, x, y, z)
        if not in_view or not (
            column >= -0.5 and row >= -0.5 and column < lens.width - 0.5 and row < lens.height - 0.5
        ):
            continue
        keypoint[0], keypoint[1], keypoint[2] = column, row, VISIBLE
        cell = lens.labels.cells[int(row + 0.5), int(column + 0.5)]
        triangle = scratch.triangles[cell]
        if triangle < 0:
            continue
        surface_depth, point_depth = depths_at_point(
            geometry, poses, colors, sun_direction, lens, scratch, triangle, cell, x, y, z
        )
        own = scratch.rendered[triangle, 1] == slot
        margin = SELF_OCCLUSION_DEPTH * bounds[slot, 3] if own else 0.0
        if point_depth > surface_depth * (1.0 + TOLERANCE) + margin:
            keypoint[2] = OCCLUDED
