"""Device functions for the triangle of a pixel: keys of the visibility buffer, transforms, interpolation weights."""

from __future__ import annotations

import math

import numpy as np
from numba import cuda

ONE = np.float32(1.0)
ZERO = np.float32(0.0)
HIGH_WORD = np.uint64(32)
LOW_WORD = np.uint64(0xFFFFFFFF)


@cuda.jit(device=True)
def render_order(slot, number, order_bits):  # type: ignore[no-untyped-def]
    """Low word of a key, larger for triangles earlier in order; the high word is 1/depth, the bits of a float32.

    Args:
        slot: slot of the object.
        number: number of the face within its mesh.
        order_bits: bits of a face number.
    """
    return LOW_WORD - ((np.uint64(slot) << np.uint64(order_bits)) | np.uint64(number))


@cuda.jit(device=True)
def unpack_key(key, order_bits):  # type: ignore[no-untyped-def]
    """Slot and number of the face within its mesh."""
    order = LOW_WORD - (key & LOW_WORD)
    slot = order >> np.uint64(order_bits)
    return np.int64(slot), np.int64(order - (slot << np.uint64(order_bits)))


@cuda.jit(device=True)
def inverse_depth(key):  # type: ignore[no-untyped-def]
    """1/depth of a key."""
    return np.uint32(key >> HIGH_WORD).view(np.float32)


@cuda.jit(device=True)
def find_view(first_cells, cell):  # type: ignore[no-untyped-def]
    """View that contains a cell."""
    view = 0
    while cell >= first_cells[view + 1]:
        view += 1
    return view


@cuda.jit(device=True)
def rotate(matrices, row, x, y, z):  # type: ignore[no-untyped-def]
    """A direction transformed by matrix `row` of (…, 12) affine matrices."""
    return (
        matrices[row, 0] * x + matrices[row, 1] * y + matrices[row, 2] * z,
        matrices[row, 4] * x + matrices[row, 5] * y + matrices[row, 6] * z,
        matrices[row, 8] * x + matrices[row, 9] * y + matrices[row, 10] * z,
    )


@cuda.jit(device=True)
def transform(positions, vertex, matrices, row):  # type: ignore[no-untyped-def]
    """A vertex transformed by matrix `row` of (…, 12) affine matrices."""
    x, y, z = positions[vertex, 0], positions[vertex, 1], positions[vertex, 2]
    return (
        matrices[row, 0] * x + matrices[row, 1] * y + matrices[row, 2] * z + matrices[row, 3],
        matrices[row, 4] * x + matrices[row, 5] * y + matrices[row, 6] * z + matrices[row, 7],
        matrices[row, 8] * x + matrices[row, 9] * y + matrices[row, 10] * z + matrices[row, 11],
    )


@cuda.jit(device=True)
def find_edges(positions, a, b, c, matrices, row):  # type: ignore[no-untyped-def]
    """Coefficients that give the interpolation weights of a ray (x, y, 1), and the side of the triangle.

    As in `cpu.planes.set_up_triangle`: three coefficients for each corner, whose products with the ray are the weights
    divided by depth. The side is 1 for the front, −1 for the back.
    """
    ax, ay, az = transform(positions, a, matrices, row)
    bx, by, bz = transform(positions, b, matrices, row)
    cx, cy, cz = transform(positions, c, matrices, row)
    ax, ay, az = np.float64(ax), np.float64(ay), np.float64(az)
    bx, by, bz = np.float64(bx), np.float64(by), np.float64(bz)
    cx, cy, cz = np.float64(cx), np.float64(cy), np.float64(cz)
    a0, a1, a2 = by * cz - bz * cy, bz * cx - bx * cz, bx * cy - by * cx
    b0, b1, b2 = cy * az - cz * ay, cz * ax - cx * az, cx * ay - cy * ax
    c0, c1, c2 = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
    volume = ax * a0 + ay * a1 + az * a2
    scale = 0.0
    if volume != 0.0:
        scale = 1.0 / volume
    side = -ONE
    if volume < 0.0:
        side = ONE
    return (
        np.float32(a0 * scale),
        np.float32(a1 * scale),
        np.float32(a2 * scale),
        np.float32(b0 * scale),
        np.float32(b1 * scale),
        np.float32(b2 * scale),
        np.float32(c0 * scale),
        np.float32(c1 * scale),
        np.float32(c2 * scale),
    ), side


@cuda.jit(device=True)
def find_weights(edges, x, y):  # type: ignore[no-untyped-def]
    """Interpolation weights of the three corners on the ray (x, y, 1), and 1/depth."""
    a = edges[0] * x + edges[1] * y + edges[2]
    b = edges[3] * x + edges[4] * y + edges[5]
    c = edges[6] * x + edges[7] * y + edges[8]
    inverse = a + b + c
    depth = ONE / inverse
    return a * depth, b * depth, c * depth, inverse


@cuda.jit(device=True)
def normal_at(normals, a, b, c, weight_a, weight_b, weight_c, poses, world, slot, side):  # type: ignore[no-untyped-def]
    """Interpolated normal in the world frame, on the visible side; not normalized."""
    ax, ay, az = _world_normal(normals, a, poses, world, slot)
    bx, by, bz = _world_normal(normals, b, poses, world, slot)
    cx, cy, cz = _world_normal(normals, c, poses, world, slot)
    return (
        side * (weight_a * ax + weight_b * bx + weight_c * cx),
        side * (weight_a * ay + weight_b * by + weight_c * cy),
        side * (weight_a * az + weight_b * bz + weight_c * cz),
    )


@cuda.jit(device=True)
def _world_normal(normals, vertex, poses, world, slot):  # type: ignore[no-untyped-def]
    """Unit normal of a vertex in the world frame."""
    n_x, n_y, n_z = normals[vertex, 0], normals[vertex, 1], normals[vertex, 2]
    x = poses[world, slot, 0, 0] * n_x + poses[world, slot, 0, 1] * n_y + poses[world, slot, 0, 2] * n_z
    y = poses[world, slot, 1, 0] * n_x + poses[world, slot, 1, 1] * n_y + poses[world, slot, 1, 2] * n_z
    z = poses[world, slot, 2, 0] * n_x + poses[world, slot, 2, 1] * n_y + poses[world, slot, 2, 2] * n_z
    square = x * x + y * y + z * z
    scale = ZERO
    if square > ZERO:
        scale = np.float32(ONE / math.sqrt(square))
    return x * scale, y * scale, z * scale
