"""Bounding boxes of objects: of the visible part, of the whole object (amodal), and in 3D."""

from __future__ import annotations

import numpy as np

from camshaft.envs.kernels import inlined, kernel
from camshaft.envs.rendering.projection import project_point

EDGE_STEPS = 8  # segments of an edge that a lens bends


@inlined
def write_boxes(scratch, cells, boxes):  # type: ignore[no-untyped-def]
    """Write left, top, right and bottom edge of the visible pixels of every slot; 0 where there are none."""
    boxes[:] = 0.0
    height, width = cells.shape
    for row in range(height):
        for column in range(width):
            triangle = scratch.triangles[cells[row, column]]
            if triangle < 0:
                continue
            box = boxes[scratch.rendered[triangle, 1]]
            if box[2] == 0.0:
                box[0], box[1], box[2] = column, row, column + 1
            box[0] = min(box[0], np.float32(column))
            box[2] = max(box[2], np.float32(column + 1))
            box[3] = row + 1


@inlined
def _expand(lens, x, y, z, box):  # type: ignore[no-untyped-def]
    """Expand a box, in pixel edges, to include a point in camera axes."""
    column, row, in_view = project_point(lens.optics, x, y, z)
    if in_view:
        box[0] = min(box[0], np.float32(column + 0.5))
        box[1] = min(box[1], np.float32(row + 0.5))
        box[2] = max(box[2], np.float32(column + 0.5))
        box[3] = max(box[3], np.float32(row + 0.5))


@inlined
def to_camera(camera, pose, position, axis):  # type: ignore[no-untyped-def]
    """Camera coordinate `axis` of a point in the object frame."""
    total = 0.0
    for row in range(3):
        world = (
            pose[row, 0] * position[0]
            + pose[row, 1] * position[1]
            + pose[row, 2] * position[2]
            + np.float64(pose[row, 3])
        )
        total += camera[row, axis] * (world - camera[row, 3])
    return total


@kernel
def write_amodal_box(geometry, mesh, pose, camera, lens, box):  # type: ignore[no-untyped-def]
    """Write the box of a whole object, including occluded parts, clipped to the image; 0 outside the image."""
    box[:] = 0.0
    if mesh < 0 or geometry.mesh_boxes[mesh, 0] > geometry.mesh_boxes[mesh, 3]:
        return
    box[0] = box[1] = np.inf
    box[2] = box[3] = -np.inf
    first, first_face = geometry.mesh_ranges[mesh, 0], geometry.mesh_ranges[mesh, 2]
    near = lens.near if not lens.radial else 0.0
    for face in range(first_face, first_face + geometry.mesh_ranges[mesh, 3]):
        for corner in range(3):
            start = geometry.positions[first + geometry.faces[face, corner]]
            end = geometry.positions[first + geometry.faces[face, (corner + 1) % 3]]
            x, y, z = (
                to_camera(camera, pose, start, 0),
                to_camera(camera, pose, start, 1),
                to_camera(camera, pose, start, 2),
            )
            if lens.radial or z >= near:
                _expand(lens, x, y, z, box)
            end_z = to_camera(camera, pose, end, 2)
            if lens.radial:  # edges are curved in the image
                end_x, end_y = to_camera(camera, pose, end, 0), to_camera(camera, pose, end, 1)
                for step in range(1, EDGE_STEPS):
                    part = step / EDGE_STEPS
                    _expand(lens, x + part * (end_x - x), y + part * (end_y - y), z + part * (end_z - z), box)
                continue
            if (z >= near) != (end_z >= near):
                part = (near - z) / (end_z - z)
                _expand(
                    lens,
                    x + part * (to_camera(camera, pose, end, 0) - x),
                    y + part * (to_camera(camera, pose, end, 1) - y),
                    near,
                    box,
                )
    width, height = np.float32(lens.width), np.float32(lens.height)
    if not (box[2] > 0.0 and box[3] > 0.0 and box[0] < width and box[1] < height):
        box[:] = 0.0
        return
    box[0], box[1] = max(box[0], np.float32(0.0)), max(box[1], np.float32(0.0))
    box[2], box[3] = min(box[2], width), min(box[3], height)


@inlined
def write_box_3d(geometry, mesh, pose, camera, corners):  # type: ignore[no-untyped-def]
    """Write the eight corners, in camera axes, of the box of an object aligned with its own axes; NaN if hidden."""
    corners[:] = np.nan
    if mesh < 0 or geometry.mesh_boxes[mesh, 0] > geometry.mesh_boxes[mesh, 3]:
        return
    box = geometry.mesh_boxes[mesh]
    for index in range(8):
        x, y, z = box[3 * (index & 1)], box[1 + 3 * (index >> 1 & 1)], box[2 + 3 * (index >> 2 & 1)]
        for axis in range(3):
            corners[index, axis] = to_camera(camera, pose, (x, y, z), axis)
