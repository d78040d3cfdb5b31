"""Texture sampling on a GPU, one pixel a thread, as in `cpu.texturing` and `cpu.rasterize.fill_masked`."""

from __future__ import annotations

import math

import numpy as np
from numba import cuda

from camshaft.envs.rendering.cpu.texturing import BLUE, BYTE, GREEN, MAX_LEVEL, MAX_REPEATS, QUARTER, STEP

ONE = np.float32(1.0)
ZERO = np.float32(0.0)
ALPHA = np.uint32(24)  # bits above red
OPAQUE = np.uint32(128)
BYTE_MASK = np.uint32(255)


@cuda.jit(device=True)
def mip_level(levels, texture, du_dx, dv_dx, du_dy, dv_dy):  # type: ignore[no-untyped-def]
    """Mip level at which a pixel is one texel along the longer of its two footprints (Williams, 1983).

    Args:
        levels: `Geometry.texture_levels`.
        texture: number of the texture.
        du_dx: change of u to the next pixel to the right.
        dv_dx: change of v to the next pixel to the right.
        du_dy: change of u to the next pixel below.
        dv_dy: change of v to the next pixel below.
    """
    width = np.float32(1 << levels[texture, 0, 1])
    height = np.float32(1 << levels[texture, 0, 2])
    across_u, across_v = du_dx * width, dv_dx * height
    down_u, down_v = du_dy * width, dv_dy * height
    square = max(across_u * across_u + across_v * across_v, down_u * down_u + down_v * down_v)
    if not square > ONE:
        return ZERO
    # log2 from the bits of the float, linear between powers of two: accurate to 0.05 levels.
    bits = np.float32(square).view(np.int32) - np.int32(0x3F800000)
    return min(np.float32(bits) * np.float32(0.5 / (1 << 23)), MAX_LEVEL)


@cuda.jit(device=True)
def sample(levels, texels, texture, level, u, v):  # type: ignore[no-untyped-def]
    """Linear red, green and blue of a texture, filtered within and between mip levels."""
    last = max(levels[texture, 0, 1], levels[texture, 0, 2])
    whole = min(int(level + QUARTER), last)
    if not (abs(u) < MAX_REPEATS and abs(v) < MAX_REPEATS):
        u = ZERO
        v = ZERO
    u, v = u - math.floor(u), v - math.floor(v)
    red, green, blue = _bilinear(levels, texels, texture, whole, u, v)
    blend = int(max((level - np.float32(whole) - QUARTER) * np.float32(512.0), ZERO))
    if whole < last and blend > 0:
        weight = np.float32(blend) * STEP
        coarse_red, coarse_green, coarse_blue = _bilinear(levels, texels, texture, whole + 1, u, v)
        red, green, blue = (
            _mix(red, coarse_red, weight),
            _mix(green, coarse_green, weight),
            _mix(blue, coarse_blue, weight),
        )
    return red * red, green * green, blue * blue


@cuda.jit(device=True)
def opaque(levels, texels, texture, level, u, v):  # type: ignore[no-untyped-def]
    """Whether the nearest texel is opaque."""
    log_width, log_height = levels[texture, level, 1], levels[texture, level, 2]
    column = np.int64(math.floor(u * (1 << log_width))) & ((1 << log_width) - 1)
    row = np.int64(math.floor(v * (1 << log_height))) & ((1 << log_height) - 1)
    return texels[levels[texture, level, 0] + (row << log_width) + column] >> ALPHA >= OPAQUE


@cuda.jit(device=True)
def _bilinear(levels, texels, texture, level, u, v):  # type: ignore[no-untyped-def]
    """Red, green and blue display values of one mip level, interpolated in steps of 1/256 texel."""
    offset = levels[texture, level, 0]
    log_width, log_height = levels[texture, level, 1], levels[texture, level, 2]
    column = np.int32(u * np.float32(256 << log_width)) - np.int32(128)
    row = np.int32(v * np.float32(256 << log_height)) - np.int32(128)
    mask_x, mask_y = (1 << log_width) - 1, (1 << log_height) - 1
    left, top = (column >> 8) & mask_x, (row >> 8) & mask_y
    right, bottom = (left + 1) & mask_x, (top + 1) & mask_y
    upper, lower = offset + (top << log_width), offset + (bottom << log_width)
    across, down = np.float32(column & 255) * STEP, np.float32(row & 255) * STEP
    a, b, c, d = texels[upper + left], texels[upper + right], texels[lower + left], texels[lower + right]
    return (
        _interpolate(a, b, c, d, np.uint32(0), across, down),
        _interpolate(a, b, c, d, GREEN, across, down),
        _interpolate(a, b, c, d, BLUE, across, down),
    )


@cuda.jit(device=True)
def _interpolate(a, b, c, d, shift, across, down):  # type: ignore[no-untyped-def]
    """One color channel, interpolated between four texels."""
    upper = _mix(_byte(a, shift), _byte(b, shift), across)
    return _mix(upper, _mix(_byte(c, shift), _byte(d, shift), across), down) * BYTE


@cuda.jit(device=True)
def _byte(texel, shift):  # type: ignore[no-untyped-def]
    return np.float32((texel >> shift) & BYTE_MASK)


@cuda.jit(device=True)
def _mix(first, second, weight):  # type: ignore[no-untyped-def]
    return first + (second - first) * weight
