"""Texturing of a row of pixels: mip level selection, and filtering within and between mip levels (trilinear).

`locate_texels` writes, triangle by triangle, the texture coordinates and mip level of each pixel; `apply_textures` then
reads and filters the texels of the whole row, across textures, and multiplies the light by them. Both are vectorized:
loops run over whole `LANES`, whatever the width of a triangle, and write past its end before the next triangle does.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.kernels import inlined
from camshaft.envs.rendering.cpu.gather import LANES, RUN, gather
from camshaft.envs.rendering.cpu.planes import U, V
from camshaft.envs.rendering.geometry import LEVEL_FIELDS, LEVELS

ONE = np.float32(1.0)
ZERO = np.float32(0.0)
QUARTER = np.float32(0.25)
MAX_REPEATS = np.float32(1e6)  # larger texture coordinates are treated as 0
MAX_LEVEL = np.float32(14.0)
BYTE = np.float32(1.0 / 255.0)
UNIT = np.float32(256.0)
STEP = np.float32(1.0 / 256.0)
GREEN, BLUE = np.uint32(8), np.uint32(16)  # bits above red


class Lookups(NamedTuple):
    """Texture lookups of the W pixels of a row; RUN more may be written.

    Attributes:
        levels: (W,) index of the mip level in `Geometry.texture_levels`, flat; 0 is the white texture.
        u, v: (W,) texture coordinates, 0..1.
        blends: (W,) weight of the next coarser level, in 1/256; eight bits above, log2 width of the level; eight bits
            above that, log2 height.
        texels: (4, W) indices of the four nearest texels, then their colors: upper left, upper right, lower left,
            lower right.
        fractions: (W,) position between them, in 1/256: to the right and, eight bits above, downward.
        colors: (3, W) red, green and blue, display values.
    """

    levels: NDArray[np.int32]
    u: NDArray[np.float32]
    v: NDArray[np.float32]
    blends: NDArray[np.int32]
    texels: NDArray[np.int32]
    fractions: NDArray[np.int32]
    colors: NDArray[np.float32]


def make_lookups(width: int) -> Lookups:
    """Buffers for rows of this width."""
    padded = width + RUN
    return Lookups(
        levels=np.zeros(padded, np.int32),
        u=np.zeros(padded, np.float32),
        v=np.zeros(padded, np.float32),
        blends=np.zeros(padded, np.int32),
        texels=np.zeros((4, padded), np.int32),
        fractions=np.zeros(padded, np.int32),
        colors=np.zeros((3, padded), np.float32),
    )


@inlined
def whole_lanes(count):  # type: ignore[no-untyped-def]
    """Number of pixels, rounded up to whole lanes."""
    return np.uint64((count + (LANES - 1)) & -LANES)


@inlined
def locate_texels(levels, texture, plane, ray_x, ray_y, spread, start, stop, lookups):  # type: ignore[no-untyped-def]
    """Write the texture coordinates and mip levels of the pixels of one triangle.

    Within a quarter of a whole level only that level is read; in between, two levels are blended.

    Args:
        levels: `Geometry.texture_levels`.
        texture: number of the texture.
        plane: coefficients of the triangle.
        ray_x: x of the row's rays.
        ray_y: y of the row's rays.
        spread: distance from each ray to the next.
        start: first pixel.
        stop: end of the pixels.
        lookups: to fill.

    Returns:
        Whether any pixel reads a finer level than the coarsest one, which is a single texel; and whether any pixel
        blends two levels.
    """
    w0, w1, w2 = plane[0], plane[1], plane[2]
    u0, u1, u2 = plane[U], plane[U + 1], plane[U + 2]
    v0, v1, v2 = plane[V], plane[V + 1], plane[V + 2]
    log_width, log_height = np.int32(levels[texture, 0, 1]), np.int32(levels[texture, 0, 2])
    width, height = np.float32(1 << log_width), np.float32(1 << log_height)
    last = np.int32(max(log_width, log_height))
    base = np.int32(texture * (LEVELS * LEVEL_FIELDS))
    finest, max_blend = last, np.int32(0)
    first = np.uint64(start)
    for index in range(whole_lanes(stop - start)):
        pixel = first + index
        x, y = ray_x[pixel], ray_y[pixel]
        depth = ONE / (w0 * x + w1 * y + w2)
        u, v = (u0 * x + u1 * y + u2) * depth, (v0 * x + v1 * y + v2) * depth
        step = spread[pixel] * depth
        # Level at which a pixel is one texel along the longer of its two footprints (Williams, 1983).
        across_u, across_v = (u0 - u * w0) * step * width, (v0 - v * w0) * step * height
        down_u, down_v = (u1 - u * w1) * step * width, (v1 - v * w1) * step * height
        across, down = across_u * across_u + across_v * across_v, down_u * down_u + down_v * down_v
        square = across if across > down else down
        square = square if square > ONE else ONE
        # log2 from the bits of the float, linear between powers of two: accurate to 0.05 levels.
        bits = np.int32(np.float32(square).view(np.int32) - np.int32(0x3F800000))
        level = np.float32(bits) * np.float32(0.5 / (1 << 23))
        level = level if level < MAX_LEVEL else MAX_LEVEL
        whole = np.int32(level + QUARTER)
        blend = np.int32((level - np.float32(whole) - QUARTER) * np.float32(512.0))
        blend = blend if blend > 0 else np.int32(0)
        blend = blend if whole < last else np.int32(0)
        whole = whole if whole < last else last
        finest = whole if whole < finest else finest
        max_blend = blend if blend > max_blend else max_blend
        valid = (abs(u) < MAX_REPEATS) & (abs(v) < MAX_REPEATS)
        lookups.levels[pixel] = np.int32(base + np.int32(whole * np.int32(LEVEL_FIELDS)))
        lookups.u[pixel] = u - np.floor(u) if valid else ZERO
        lookups.v[pixel] = v - np.floor(v) if valid else ZERO
        wide, high = _subtract(log_width, whole), _subtract(log_height, whole)
        lookups.blends[pixel] = np.int32(blend | np.int32(wide << 8) | np.int32(high << 16))
    return finest < last, max_blend > 0


@inlined
def apply_textures(levels, texels, start, stop, blend_start, blend_stop, lookups, light):  # type: ignore[no-untyped-def]
    """Multiply the light of pixels by their filtered texture colors.

    Args:
        levels: `Geometry.texture_levels`.
        texels: `Geometry.texels`.
        start: first pixel.
        stop: end of the pixels.
        blend_start: first pixel that may blend two levels.
        blend_stop: end of those pixels.
        lookups: filled by `locate_texels`; `levels` and `blends` are 0 for pixels without a texture.
        light: (3, W) to multiply.
    """
    flat = levels.reshape(levels.size)
    colors = lookups.colors
    first = np.uint64(start)
    count = whole_lanes(stop - start)
    _read_texels(flat, texels, first, count, 0, lookups)
    for index in range(count):
        pixel = first + index
        red, green, blue = _filter(lookups, pixel)
        colors[0, pixel] = red
        colors[1, pixel] = green
        colors[2, pixel] = blue
    if blend_start < blend_stop:
        coarse, coarse_count = np.uint64(blend_start), whole_lanes(blend_stop - blend_start)
        _read_texels(flat, texels, coarse, coarse_count, 1, lookups)
        for index in range(coarse_count):
            pixel = coarse + index
            red, green, blue = _filter(lookups, pixel)
            weight = np.float32(np.int32(lookups.blends[pixel] & 255)) * STEP
            colors[0, pixel] = _mix(colors[0, pixel], red, weight)
            colors[1, pixel] = _mix(colors[1, pixel], green, weight)
            colors[2, pixel] = _mix(colors[2, pixel], blue, weight)
    for channel in range(3):
        for index in range(count):
            light[channel, first + index] *= colors[channel, first + index] * colors[channel, first + index]


@inlined
def texel_light(texel, shift):  # type: ignore[no-untyped-def]
    """Linear light of one byte of a texel (gamma 2)."""
    value = _byte(texel, shift) * BYTE
    return value * value


@inlined
def _read_texels(levels, texels, first, count, coarser, lookups):  # type: ignore[no-untyped-def]
    """Write the four nearest texels of pixels, `coarser` levels above their own, and the fractions between them."""
    found = lookups.texels
    for index in range(count):
        pixel = first + index
        found[0, pixel] = np.int32(lookups.levels[pixel] + LEVEL_FIELDS * coarser)
    for index in range(np.uint64(0), count, np.uint64(LANES)):
        gather(levels, found[0], first + index)
    for index in range(count):
        pixel = first + index
        offset, blends = found[0, pixel], lookups.blends[pixel]
        wide, high = _subtract((blends >> 8) & 255, coarser), _subtract(blends >> 16, coarser)
        width, height = power_of_two(wide), power_of_two(high)
        # In 1/256 texels; the center of the first texel is at 128.
        column = np.int32(np.int32(lookups.u[pixel] * width * UNIT) - 128)
        row = np.int32(np.int32(lookups.v[pixel] * height * UNIT) - 128)
        pitch = np.int32(width)
        mask_x, mask_y = np.int32(pitch - 1), np.int32(np.int32(height) - 1)
        left, top = np.int32((column >> 8) & mask_x), np.int32((row >> 8) & mask_y)
        right, bottom = np.int32(np.int32(left + 1) & mask_x), np.int32(np.int32(top + 1) & mask_y)
        upper = np.int32(offset + np.int32(top * pitch))
        lower = np.int32(offset + np.int32(bottom * pitch))
        found[0, pixel] = np.int32(upper + left)
        found[1, pixel] = np.int32(upper + right)
        found[2, pixel] = np.int32(lower + left)
        found[3, pixel] = np.int32(lower + right)
        lookups.fractions[pixel] = np.int32(np.int32(column & 255) | np.int32(np.int32(row & 255) << 8))
    for index in range(np.uint64(0), count, np.uint64(LANES)):
        blends = np.int32(0)
        for lane in range(np.uint64(LANES)):
            blends |= lookups.blends[first + index + lane]
        if coarser == 0 or blends & 255:
            for corner in range(np.uint64(4)):
                gather(texels, found[corner], first + index)


@inlined
def _filter(lookups, pixel):  # type: ignore[no-untyped-def]
    """Red, green and blue, interpolated between four texels."""
    found, fractions = lookups.texels, lookups.fractions[pixel]
    across = np.float32(np.int32(fractions & 255)) * STEP
    down = np.float32(np.int32(fractions >> 8)) * STEP
    four = (
        np.uint32(found[0, pixel]),
        np.uint32(found[1, pixel]),
        np.uint32(found[2, pixel]),
        np.uint32(found[3, pixel]),
    )
    return (
        _filter_byte(four, np.uint32(0), across, down),
        _filter_byte(four, GREEN, across, down),
        _filter_byte(four, BLUE, across, down),
    )


@inlined
def _filter_byte(four, shift, across, down):  # type: ignore[no-untyped-def]
    upper = _mix(_byte(four[0], shift), _byte(four[1], shift), across)
    lower = _mix(_byte(four[2], shift), _byte(four[3], shift), across)
    return _mix(upper, lower, down) * BYTE


@inlined
def _byte(texel, shift):  # type: ignore[no-untyped-def]
    return np.float32(np.int32((np.uint32(texel) >> np.uint32(shift)) & np.uint32(255)))


@inlined
def _mix(first, second, weight):  # type: ignore[no-untyped-def]
    return first + (second - first) * weight


@inlined
def power_of_two(exponent):  # type: ignore[no-untyped-def]
    """2 to an integer power, from the bits of a float: Numba shifts in 64 bits, which vectorizes half as well."""
    return np.int32((exponent + np.int32(127)) << 23).view(np.float32)


@inlined
def _subtract(number, by):  # type: ignore[no-untyped-def]
    """Difference of two integers, at least 0."""
    difference = np.int32(number - by)
    return difference if difference > 0 else np.int32(0)
