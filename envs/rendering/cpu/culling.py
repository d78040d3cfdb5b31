"""Culling: objects outside the view frustum, faces seen from behind, and the choice of levels of detail."""

from __future__ import annotations

import numpy as np

from camshaft.envs.kernels import inlined

ZERO = np.float32(0.0)
MIN_RADIUS = 0.4  # pixels; smaller objects would only flicker


@inlined
def list_visible(meshes, bounds, matrix, near, far, focal, sides, visible):  # type: ignore[no-untyped-def]
    """Write the slots whose bounding spheres are in view and not too small; returns their number.

    The loop has no branches, because which slots are in view is unpredictable.
    """
    m00, m01, m02, m03 = matrix[0, 0], matrix[0, 1], matrix[0, 2], matrix[0, 3]
    m10, m11, m12, m13 = matrix[1, 0], matrix[1, 1], matrix[1, 2], matrix[1, 3]
    m20, m21, m22, m23 = matrix[2, 0], matrix[2, 1], matrix[2, 2], matrix[2, 3]
    left_x, left_z = np.float32(sides[0, 0]), np.float32(sides[0, 2])
    right_x, right_z = np.float32(sides[1, 0]), np.float32(sides[1, 2])
    top_y, top_z = np.float32(sides[2, 1]), np.float32(sides[2, 2])
    bottom_y, bottom_z = np.float32(sides[3, 1]), np.float32(sides[3, 2])
    nearest, farthest = np.float32(near), np.float32(far)
    size = np.float32(focal / MIN_RADIUS)
    count = np.uint64(0)
    for slot in range(np.uint64(meshes.shape[0])):
        x, y, z, radius = bounds[slot, 0], bounds[slot, 1], bounds[slot, 2], bounds[slot, 3]
        camera_x = m00 * x + m01 * y + m02 * z + m03
        camera_y = m10 * x + m11 * y + m12 * z + m13
        camera_z = m20 * x + m21 * y + m22 * z + m23
        in_view = (meshes[slot] >= 0) & (camera_z + radius >= nearest) & (camera_z - radius <= farthest)
        in_view &= camera_x * left_x + camera_z * left_z >= -radius
        in_view &= camera_x * right_x + camera_z * right_z >= -radius
        in_view &= camera_y * top_y + camera_z * top_z >= -radius
        in_view &= camera_y * bottom_y + camera_z * bottom_z >= -radius
        in_view &= size * radius >= max(camera_z, nearest)
        visible[count] = np.int32(slot)
        count += np.uint64(in_view)
    return count


@inlined
def level_of_detail(sphere, matrix, coarser, pixels_needed, mesh, near, focal):  # type: ignore[no-untyped-def]
    """Level of detail of a mesh whose bounding sphere is in view."""
    depth = matrix[2, 0] * sphere[0] + matrix[2, 1] * sphere[1] + matrix[2, 2] * sphere[2] + matrix[2, 3]
    pixels = focal * sphere[3] / max(depth, near)
    while coarser[mesh] >= 0 and pixels < pixels_needed[mesh]:
        mesh = coarser[mesh]
    return mesh


@inlined
def list_front_faces(geometry, mesh, matrix, front):  # type: ignore[no-untyped-def]
    """Write the faces of a mesh whose front the camera sees; returns their number.

    Args:
        geometry: packed geometry.
        mesh: mesh id.
        matrix: (3, 4) view from object.
        front: (F,) face indices, to fill.
    """
    x, y, z = solve(matrix, -matrix[0, 3], -matrix[1, 3], -matrix[2, 3])
    planes = geometry.face_planes
    first, stop = geometry.mesh_ranges[mesh, 2], geometry.mesh_ranges[mesh, 2] + geometry.mesh_ranges[mesh, 3]
    count = np.uint64(0)
    for face in range(np.uint64(first), np.uint64(stop)):
        height = planes[face, 0] * x + planes[face, 1] * y + planes[face, 2] * z + planes[face, 3]
        front[count] = face
        count += np.uint64(height > ZERO)
    return count


@inlined
def solve(matrix, x, y, z):  # type: ignore[no-untyped-def]
    """Solve the linear part of a (3, 4) affine matrix for the vector x, y, z; not finite if it is singular."""
    m00, m01, m02 = np.float64(matrix[0, 0]), np.float64(matrix[0, 1]), np.float64(matrix[0, 2])
    m10, m11, m12 = np.float64(matrix[1, 0]), np.float64(matrix[1, 1]), np.float64(matrix[1, 2])
    m20, m21, m22 = np.float64(matrix[2, 0]), np.float64(matrix[2, 1]), np.float64(matrix[2, 2])
    c0, c1, c2 = m11 * m22 - m12 * m21, m12 * m20 - m10 * m22, m10 * m21 - m11 * m20
    scale = 1.0 / (m00 * c0 + m01 * c1 + m02 * c2)
    return (
        np.float32(scale * (c0 * x + (m02 * m21 - m01 * m22) * y + (m01 * m12 - m02 * m11) * z)),
        np.float32(scale * (c1 * x + (m00 * m22 - m02 * m20) * y + (m02 * m10 - m00 * m12) * z)),
        np.float32(scale * (c2 * x + (m01 * m20 - m00 * m21) * y + (m00 * m11 - m01 * m10) * z)),
    )
