"""What the first pass need not look at: objects out of view, faces seen from behind, faces between the cells."""

from __future__ import annotations

import numpy as np

from envs.kernels import inlined
from envs.rendering.gather import LANES, gather

HALF = np.float32(0.5)
ZERO = np.float32(0.0)
SMALLEST = 0.4  # pixels of radius; what is smaller would only flicker
BLOCK = 64  # faces worked at once; a multiple of LANES


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


@inlined
def list_seen_faces(faces, count, base, near, columns, rows, scratch):  # type: ignore[no-untyped-def]
    """Keep those of the listed faces that may cover the middle of a cell; returns how many.

    Those that reach behind the near plane are kept as −1 − face. Vectorised: of most small triangles, whether they lie
    between the middles of cells no processor foresees.

    Args:
        faces: (F, 3) vertices of their meshes.
        count: faces listed in `scratch.front`.
        base: row in `scratch.vertices` of their mesh's first vertex.
        near: metres.
        columns: of the view.
        rows: likewise.
        scratch: `front` is read and written.
    """
    front, found, codes = scratch.front, scratch.found, scratch.codes
    indices = faces.reshape(faces.size)
    numbers = scratch.vertices.reshape(scratch.vertices.size)
    nearest, width, height = np.float32(near), np.float32(columns), np.float32(rows)
    first_vertex = np.int32(base)
    kept = np.uint64(0)
    for behind in range(count, count + np.uint64(LANES)):  # whole lanes are read
        front[behind] = front[count - np.uint64(1)]
    for start in range(np.uint64(0), count, np.uint64(BLOCK)):
        size = min(count - start, np.uint64(BLOCK))
        lanes = (size + np.uint64(LANES - 1)) & ~np.uint64(LANES - 1)
        for place in range(lanes):
            face = np.int32(front[start + place] * np.int32(3))
            found[0, place] = face
            found[1, place] = np.int32(face + np.int32(1))
            found[2, place] = np.int32(face + np.int32(2))
        for place in range(np.uint64(0), lanes, np.uint64(LANES)):
            for corner in range(np.uint64(3)):
                gather(indices, found[corner], place)
        for corner in range(np.uint64(3)):
            for place in range(lanes):
                row = np.int32(np.int32(found[corner, place] + first_vertex) * np.int32(6))
                found[corner, place] = np.int32(row + np.int32(2))
                found[np.uint64(3) + corner, place] = np.int32(row + np.int32(3))
                found[np.uint64(6) + corner, place] = np.int32(row + np.int32(4))
        for place in range(np.uint64(0), lanes, np.uint64(LANES)):
            for number in range(np.uint64(9)):
                gather(numbers, found[number], place)
        for place in range(lanes):
            deepest, farthest = _least_and_most(found, np.uint64(0), place)
            left, right = _least_and_most(found, np.uint64(3), place)
            top, bottom = _least_and_most(found, np.uint64(6), place)
            left, top = left - HALF, top - HALF
            right, bottom = right - HALF, bottom - HALF
            left, top = left if left > ZERO else ZERO, top if top > ZERO else ZERO
            right, bottom = right if right < width else width, bottom if bottom < height else height
            covers = (np.ceil(left) < np.ceil(right)) & (np.ceil(top) < np.ceil(bottom))
            whole = (deepest >= nearest) & covers
            cut = (deepest < nearest) & (farthest >= nearest)
            codes[place] = np.int32(whole) | np.int32(np.int32(cut) << 1)
        for place in range(size):
            face = front[start + place]
            front[kept] = -1 - face if codes[place] == 2 else face
            kept += np.uint64(codes[place] != 0)
    return kept


@inlined
def _least_and_most(found, first, place):  # type: ignore[no-untyped-def]
    """The least and the most of one coordinate of three corners."""
    a = np.int32(found[first, place]).view(np.float32)
    b = np.int32(found[first + np.uint64(1), place]).view(np.float32)
    c = np.int32(found[first + np.uint64(2), place]).view(np.float32)
    least = a if a < b else b
    most = a if a > b else b
    return least if least < c else c, most if most > c else c
