"""What the first pass need not look at: objects out of view, and faces seen from behind."""

from __future__ import annotations

import numpy as np

from camshaft.envs.kernels import inlined

ZERO = np.float32(0.0)
SMALLEST = 0.4  # pixels of radius; what is smaller would only flicker


@inlined
def list_visible(meshes, bounds, matrix, near, far, focal, sides, visible):  # type: ignore[no-untyped-def]
    """Write the slots whose bounding spheres are in view, and not too small; returns how many.

    Without a branch: which slots are in view no processor foresees.
    """
    m00, m01, m02, m03 = matrix[0, 0], matrix[0, 1], matrix[0, 2], matrix[0, 3]
    m10, m11, m12, m13 = matrix[1, 0], matrix[1, 1], matrix[1, 2], matrix[1, 3]
    m20, m21, m22, m23 = matrix[2, 0], matrix[2, 1], matrix[2, 2], matrix[2, 3]
    left_x, left_z = np.float32(sides[0, 0]), np.float32(sides[0, 2])
    right_x, right_z = np.float32(sides[1, 0]), np.float32(sides[1, 2])
    top_y, top_z = np.float32(sides[2, 1]), np.float32(sides[2, 2])
    bottom_y, bottom_z = np.float32(sides[3, 1]), np.float32(sides[3, 2])
    nearest, farthest = np.float32(near), np.float32(far)
    size = np.float32(focal / SMALLEST)
    count = np.uint64(0)
    for slot in range(np.uint64(meshes.shape[0])):
        x, y, z, radius = bounds[slot, 0], bounds[slot, 1], bounds[slot, 2], bounds[slot, 3]
        camera_x = m00 * x + m01 * y + m02 * z + m03
        camera_y = m10 * x + m11 * y + m12 * z + m13
        camera_z = m20 * x + m21 * y + m22 * z + m23
        seen = (meshes[slot] >= 0) & (camera_z + radius >= nearest) & (camera_z - radius <= farthest)
        seen &= camera_x * left_x + camera_z * left_z >= -radius
        seen &= camera_x * right_x + camera_z * right_z >= -radius
        seen &= camera_y * top_y + camera_z * top_z >= -radius
        seen &= camera_y * bottom_y + camera_z * bottom_z >= -radius
        seen &= size * radius >= max(camera_z, nearest)
        visible[count] = np.int32(slot)
        count += np.uint64(seen)
    return count


@inlined
def level_of_detail(sphere, matrix, coarser, pixels_needed, mesh, near, focal):  # type: ignore[no-untyped-def]
    """The level of detail to draw a mesh at, whose bounding sphere is in view."""
    depth = matrix[2, 0] * sphere[0] + matrix[2, 1] * sphere[1] + matrix[2, 2] * sphere[2] + matrix[2, 3]
    pixels = focal * sphere[3] / max(depth, near)
    while coarser[mesh] >= 0 and pixels < pixels_needed[mesh]:
        mesh = coarser[mesh]
    return mesh


@inlined
def list_front_faces(geometry, mesh, matrix, front):  # type: ignore[no-untyped-def]
    """Write the faces of a mesh that show the camera their front; returns how many.

    Args:
        geometry: packed meshes.
        mesh: which.
        matrix: (3, 4) view from object.
        front: (F,) to fill.
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
    """The vector that the linear part of a (3, 4) affine matrix turns into x, y, z; NaN or infinite where none is."""
    m00, m01, m02 = np.float64(matrix[0, 0]), np.float64(matrix[0, 1]), np.float64(matrix[0, 2])
    m10, m11, m12 = np.float64(matrix[1, 0]), np.float64(matrix[1, 1]), np.float64(matrix[1, 2])
    m20, m21, m22 = np.float64(matrix[2, 0]), np.float64(matrix[2, 1]), np.float64(matrix[2, 2])
    c0, c1, c2 = m11 * m22 - m12 * m21, m12 * m20 - m10 * m22, m10 * m21 - m11 * m20
    share = 1.0 / (m00 * c0 + m01 * c1 + m02 * c2)
    return (
        np.float32(share * (c0 * x + (m02 * m21 - m01 * m22) * y + (m01 * m12 - m02 * m11) * z)),
        np.float32(share * (c1 * x + (m00 * m22 - m02 * m20) * y + (m02 * m10 - m00 * m12) * z)),
        np.float32(share * (c2 * x + (m01 * m20 - m00 * m21) * y + (m00 * m11 - m01 * m10) * z)),
    )
