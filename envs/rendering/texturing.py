"""Textures on pixels: levels of detail, and filtering within and between them."""

from __future__ import annotations

import numpy as np

from envs.kernels import inlined
from envs.rendering.planes import U, V

ONE = np.float32(1.0)
HALF = np.float32(0.5)
ZERO = np.float32(0.0)
MOST_REPEATS = np.float32(1e6)  # texture coordinates beyond this are taken as 0
QUARTER = np.float32(0.25)
LEVEL_RUN = 8  # pixels that share a level of detail
BYTE = np.float32(1.0 / 255.0)
LANES = np.uint64(0x00FF00FF00FF)
LANE = np.uint64(0xFF)
NEXT = np.uint64(1)
ZERO_LANE = np.uint64(0)
EIGHT = np.uint64(8)
SIXTEEN = np.uint64(16)
THIRTY_TWO = np.uint64(32)
UNIT = np.uint64(256)


@inlined
def texture_run(levels, texels, plane, ray_x, ray_y, spread, start, stop, buffer):  # type: ignore[no-untyped-def]
    """Multiply the light along pixels of one triangle by its texture, filtered within and between mip levels.

    The level of detail is chosen once for every few pixels. Within a quarter of a whole level that level alone is
    read; in between, two are blended.
    """
    w0, w1, w2 = plane[0], plane[1], plane[2]
    u0, u1, u2 = plane[U], plane[U + 1], plane[U + 2]
    v0, v1, v2 = plane[V], plane[V + 1], plane[V + 2]
    last = max(levels[0, 1], levels[0, 2])
    mean_red, mean_green, mean_blue = _light(np.uint64(texels[levels[last, 0]]))
    begin = start
    while begin < stop:
        end = min(begin + LEVEL_RUN, stop)
        x, y = ray_x[begin], ray_y[begin]
        share = ONE / (w0 * x + w1 * y + w2)
        u, v = (u0 * x + u1 * y + u2) * share, (v0 * x + v1 * y + v2) * share
        level = _mip_level(levels, plane, u, v, share * spread[begin])
        whole = int(level + QUARTER)
        if whole >= last:  # a single texel: the far ground, half of a driver's view
            for pixel in range(np.uint64(begin), np.uint64(end)):
                buffer[0, pixel] *= mean_red
                buffer[1, pixel] *= mean_green
                buffer[2, pixel] *= mean_blue
            begin = end
            continue
        blend = max((level - np.float32(whole) - QUARTER) * np.float32(512.0), ZERO)
        part = np.uint64(np.int32(blend))
        coarse = whole + 1
        log_width, log_height = levels[whole, 1], levels[whole, 2]
        width, height = np.float32(256 << log_width), np.float32(256 << log_height)
        mask_x, mask_y = np.uint64((1 << log_width) - 1), np.uint64((1 << log_height) - 1)
        offset, shift = np.uint64(levels[whole, 0]), np.uint64(log_width)
        coarse_log_width, coarse_log_height = levels[coarse, 1], levels[coarse, 2]
        coarse_width, coarse_height = (
            np.float32(256 << coarse_log_width),
            np.float32(256 << coarse_log_height),
        )
        coarse_mask_x = np.uint64((1 << coarse_log_width) - 1)
        coarse_mask_y = np.uint64((1 << coarse_log_height) - 1)
        coarse_offset, coarse_shift = np.uint64(levels[coarse, 0]), np.uint64(coarse_log_width)
        for pixel in range(np.uint64(begin), np.uint64(end)):
            x, y = ray_x[pixel], ray_y[pixel]
            share = ONE / (w0 * x + w1 * y + w2)
            u, v = (u0 * x + u1 * y + u2) * share, (v0 * x + v1 * y + v2) * share
            if not (abs(u) < MOST_REPEATS and abs(v) < MOST_REPEATS):
                u = v = ZERO
            texel = _bilinear(texels, offset, shift, mask_x, mask_y, u * width, v * height)
            if part != ZERO_LANE:
                coarser = _bilinear(
                    texels, coarse_offset, coarse_shift, coarse_mask_x, coarse_mask_y,
                    u * coarse_width, v * coarse_height,
                )  # fmt: skip
                texel = _blend(texel, coarser, part)
            red, green, blue = _light(texel)
            buffer[0, pixel] *= red
            buffer[1, pixel] *= green
            buffer[2, pixel] *= blue
        begin = end


@inlined
def _light(texel):  # type: ignore[no-untyped-def]
    """Linear light of a texel's three lanes (gamma 2)."""
    red = np.float32(np.int32(texel & LANE)) * BYTE
    green = np.float32(np.int32((texel >> SIXTEEN) & LANE)) * BYTE
    blue = np.float32(np.int32((texel >> THIRTY_TWO) & LANE)) * BYTE
    return red * red, green * green, blue * blue


@inlined
def _mip_level(levels, plane, u, v, step):  # type: ignore[no-untyped-def]
    """Level of detail at which a pixel is one texel along the longer of its two footprints (Williams, 1983)."""
    width = np.float32(1 << levels[0, 1])
    height = np.float32(1 << levels[0, 2])
    across_u = (plane[U] - u * plane[0]) * step * width
    across_v = (plane[V] - v * plane[0]) * step * height
    down_u = (plane[U + 1] - u * plane[1]) * step * width
    down_v = (plane[V + 1] - v * plane[1]) * step * height
    square = max(across_u * across_u + across_v * across_v, down_u * down_u + down_v * down_v)
    if not square > ONE:
        return ZERO
    # log2 by the bits of the number, linear between powers of two: right to 0.05 levels.
    bits = np.int32(np.float32(square).view(np.int32) - np.int32(0x3F800000))
    return min(np.float32(bits) * np.float32(0.5 / (1 << 23)), np.float32(14.0))


@inlined
def _bilinear(texels, offset, shift, mask_x, mask_y, x, y):  # type: ignore[no-untyped-def]
    """Sample one level at x, y in 1/256 texels. Unsigned throughout: Numba tests signed indices for a sign."""
    column = np.uint64(np.int64(np.floor(x)) - 128)
    row = np.uint64(np.int64(np.floor(y)) - 128)
    left, top = (column >> EIGHT) & mask_x, (row >> EIGHT) & mask_y
    right, bottom = (left + NEXT) & mask_x, (top + NEXT) & mask_y
    upper, lower = offset + (top << shift), offset + (bottom << shift)
    above = _blend(texels[upper + left], texels[upper + right], column & LANE)
    below = _blend(texels[lower + left], texels[lower + right], column & LANE)
    return _blend(above, below, row & LANE)


@inlined
def _blend(first, second, part):  # type: ignore[no-untyped-def]
    """(1 − part/256)·first + part/256·second in each 16-bit lane."""
    return ((first * (UNIT - part) + second * part) >> EIGHT) & LANES
