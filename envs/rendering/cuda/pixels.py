"""What one pixel sees of the triangle that the first pass found there: device functions that all kernels share."""

from __future__ import annotations

import math

import numpy as np
from numba import cuda

ONE = np.float32(1.0)
ZERO = np.float32(0.0)
HIGH_WORD = np.uint64(32)
LAST_ORDER = np.uint64(0xFFFFFFFF)


@cuda.jit(device=True)
def draw_order(slot, number, order_bits):  # type: ignore[no-untyped-def]
    """The low word of a key, larger for what is drawn before; the high word is 1/depth as the bits of a float32.

    Args:
        slot: of the world.
        number: of the face within its mesh.
        order_bits: bits that number the faces of a mesh.
    """
    return LAST_ORDER - ((np.uint64(slot) << np.uint64(order_bits)) | np.uint64(number))


@cuda.jit(device=True)
def unpack_key(key, order_bits):  # type: ignore[no-untyped-def]
    """Slot, and number of the face within its mesh."""
    order = LAST_ORDER - (key & LAST_ORDER)
    slot = order >> np.uint64(order_bits)
    return np.int64(slot), np.int64(order - (slot << np.uint64(order_bits)))


@cuda.jit(device=True)
def nearness(key):  # type: ignore[no-untyped-def]
    """1/depth of a key."""
    return np.uint32(key >> HIGH_WORD).view(np.float32)


@cuda.jit(device=True)
def find_view(first_cells, cell):  # type: ignore[no-untyped-def]
    """The view that a cell belongs to."""
    view = 0
    while cell >= first_cells[view + 1]:
        view += 1
    return view


@cuda.jit(device=True)
def turn(matrices, place, x, y, z):  # type: ignore[no-untyped-def]
    """A direction turned by row `place` of (…, 12) affine matrices."""
    return (
        matrices[place, 0] * x + matrices[place, 1] * y + matrices[place, 2] * z,
        matrices[place, 4] * x + matrices[place, 5] * y + matrices[place, 6] * z,
        matrices[place, 8] * x + matrices[place, 9] * y + matrices[place, 10] * z,
    )


@cuda.jit(device=True)
def transform(positions, vertex, matrices, place):  # type: ignore[no-untyped-def]
    """A vertex moved by row `place` of (…, 12) affine matrices."""
    x, y, z = positions[vertex, 0], positions[vertex, 1], positions[vertex, 2]
    return (
        matrices[place, 0] * x + matrices[place, 1] * y + matrices[place, 2] * z + matrices[place, 3],
        matrices[place, 4] * x + matrices[place, 5] * y + matrices[place, 6] * z + matrices[place, 7],
        matrices[place, 8] * x + matrices[place, 9] * y + matrices[place, 10] * z + matrices[place, 11],
    )


@cuda.jit(device=True)
def find_edges(positions, a, b, c, matrices, place):  # type: ignore[no-untyped-def]
    """Coefficients from which a ray (x, y, 1) gets the shares of the three corners over depth, and the side seen.

    See `planes.set_up`: three coefficients for each corner, and −1 where the triangle is seen from behind.
    """
    ax, ay, az = transform(positions, a, matrices, place)
    bx, by, bz = transform(positions, b, matrices, place)
    cx, cy, cz = transform(positions, c, matrices, place)
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
def find_shares(edges, x, y):  # type: ignore[no-untyped-def]
    """Shares of the three corners where the ray (x, y, 1) meets the triangle's plane, and 1/depth."""
    a = edges[0] * x + edges[1] * y + edges[2]
    b = edges[3] * x + edges[4] * y + edges[5]
    c = edges[6] * x + edges[7] * y + edges[8]
    inverse = a + b + c
    depth = ONE / inverse
    return a * depth, b * depth, c * depth, inverse


@cuda.jit(device=True)
def normal_at(normals, a, b, c, share_a, share_b, share_c, poses, world, slot, side):  # type: ignore[no-untyped-def]
    """Interpolated normal in the world frame, on the side that is seen; not of unit length."""
    ax, ay, az = _world_normal(normals, a, poses, world, slot)
    bx, by, bz = _world_normal(normals, b, poses, world, slot)
    cx, cy, cz = _world_normal(normals, c, poses, world, slot)
    return (
        side * (share_a * ax + share_b * bx + share_c * cx),
        side * (share_a * ay + share_b * by + share_c * cy),
        side * (share_a * az + share_b * bz + share_c * cz),
    )


@cuda.jit(device=True)
def _world_normal(normals, vertex, poses, world, slot):  # type: ignore[no-untyped-def]
    """Unit normal of a vertex in the world frame."""
    n_x, n_y, n_z = normals[vertex, 0], normals[vertex, 1], normals[vertex, 2]
    x = poses[world, slot, 0, 0] * n_x + poses[world, slot, 0, 1] * n_y + poses[world, slot, 0, 2] * n_z
    y = poses[world, slot, 1, 0] * n_x + poses[world, slot, 1, 1] * n_y + poses[world, slot, 1, 2] * n_z
    z = poses[world, slot, 2, 0] * n_x + poses[world, slot, 2, 1] * n_y + poses[world, slot, 2, 2] * n_z
    square = x * x + y * y + z * z
    share = ZERO
    if square > ZERO:
        share = np.float32(ONE / math.sqrt(square))
    return x * share, y * share, z * share
