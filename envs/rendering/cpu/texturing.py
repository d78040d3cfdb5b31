"""Textures on a row of pixels: levels of detail, and filtering within and between them.

`locate` says, triangle by triangle, where in which level of its texture each pixel looks; `tint` then reads the texels
of the row, whichever textures they are of, and multiplies the light by what they add up to. All of it is vectorized:
loops are of whole `LANES`, whatever a triangle's width, and what they write behind it is written anew by its owner.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.kernels import inlined
from camshaft.envs.rendering.cpu.gather import LANES, RUN, gather
from camshaft.envs.rendering.cpu.planes import U, V

ONE = np.float32(1.0)
ZERO = np.float32(0.0)
QUARTER = np.float32(0.25)
MOST_REPEATS = np.float32(1e6)  # texture coordinates beyond this are taken as 0
COARSEST = np.float32(14.0)  # level
BYTE = np.float32(1.0 / 255.0)
UNIT = np.float32(256.0)
PART = np.float32(1.0 / 256.0)
GREEN, BLUE = np.uint32(8), np.uint32(16)  # bits above red
LEVEL_FIELDS = 3  # numbers a level in `Geometry.texture_levels`
LEVELS = 16  # a texture


class Lookups(NamedTuple):
    """Where the W pixels of a row look; RUN more may be written.

    Attributes:
        levels: (W,) places of the pixels' levels in `Geometry.texture_levels`, flat; 0 is that of the white texture.
        u, v: (W,) texture coordinates, 0..1.
        blends: (W,) share of the next coarser level, in 1/256; eight bits above, log2 width of the level; eight bits
            above that, log2 height.
        texels: (4, W) places of the four texels around each, then their colors: upper left, upper right, lower left,
            lower right.
        parts: (W,) how far between them, in 1/256: to the right and, eight bits above, downwards.
        tints: (3, W) red, green and blue, as displayed.
    """

    levels: NDArray[np.int32]
    u: NDArray[np.float32]
    v: NDArray[np.float32]
    blends: NDArray[np.int32]
    texels: NDArray[np.int32]
    parts: NDArray[np.int32]
    tints: NDArray[np.float32]


def make_lookups(width: int) -> Lookups:
    """Buffers for rows of this width."""
    padded = width + RUN
    return Lookups(
        levels=np.zeros(padded, np.int32),
        u=np.zeros(padded, np.float32),
        v=np.zeros(padded, np.float32),
        blends=np.zeros(padded, np.int32),
        texels=np.zeros((4, padded), np.int32),
        parts=np.zeros(padded, np.int32),
        tints=np.zeros((3, padded), np.float32),
    )


@inlined
def whole_lanes(count):  # type: ignore[no-untyped-def]
    """A count of pixels, rounded up to what is worked at once."""
    return np.uint64((count + (LANES - 1)) & -LANES)


@inlined
def locate(levels, texture, plane, ray_x, ray_y, spread, start, stop, lookups):  # type: ignore[no-untyped-def]
    """Write where the pixels of one triangle look.

    Within a quarter of a whole level that level alone is read; in between, two are blended.

    Args:
        levels: (T, LEVELS, 3) as in `Geometry`.
        texture: of the triangle.
        plane: likewise.
        ray_x: of the row's rays.
        ray_y: likewise.
        spread: distance from each ray to the next.
        start: first pixel.
        stop: the pixel behind the last.
        lookups: to fill.

    Returns:
        Whether more than the texture's coarsest level, a single texel, is looked at.
    """
    w0, w1, w2 = plane[0], plane[1], plane[2]
    u0, u1, u2 = plane[U], plane[U + 1], plane[U + 2]
    v0, v1, v2 = plane[V], plane[V + 1], plane[V + 2]
    log_width, log_height = np.int32(levels[texture, 0, 1]), np.int32(levels[texture, 0, 2])
    width, height = np.float32(1 << log_width), np.float32(1 << log_height)
    last = np.int32(max(log_width, log_height))
    base = np.int32(texture * (LEVELS * LEVEL_FIELDS))
    finest, most = last, np.int32(0)
    first = np.uint64(start)
    for place in range(whole_lanes(stop - start)):
        pixel = first + place
        x, y = ray_x[pixel], ray_y[pixel]
        share = ONE / (w0 * x + w1 * y + w2)
        u, v = (u0 * x + u1 * y + u2) * share, (v0 * x + v1 * y + v2) * share
        step = spread[pixel] * share
        # Level at which a pixel is one texel along the longer of its two footprints (Williams, 1983).
        across_u, across_v = (u0 - u * w0) * step * width, (v0 - v * w0) * step * height
        down_u, down_v = (u1 - u * w1) * step * width, (v1 - v * w1) * step * height
        across, down = across_u * across_u + across_v * across_v, down_u * down_u + down_v * down_v
        square = across if across > down else down
        square = square if square > ONE else ONE
        # log2 by the bits of the number, linear between powers of two: right to 0.05 levels.
        bits = np.int32(np.float32(square).view(np.int32) - np.int32(0x3F800000))
        level = np.float32(bits) * np.float32(0.5 / (1 << 23))
        level = level if level < COARSEST else COARSEST
        whole = np.int32(level + QUARTER)
        blend = np.int32((level - np.float32(whole) - QUARTER) * np.float32(512.0))
        blend = blend if blend > 0 else np.int32(0)
        blend = blend if whole < last else np.int32(0)
        whole = whole if whole < last else last
        finest = whole if whole < finest else finest
        most = blend if blend > most else most
        sane = (abs(u) < MOST_REPEATS) & (abs(v) < MOST_REPEATS)
        lookups.levels[pixel] = np.int32(base + np.int32(whole * np.int32(LEVEL_FIELDS)))
        lookups.u[pixel] = u - np.floor(u) if sane else ZERO
        lookups.v[pixel] = v - np.floor(v) if sane else ZERO
        wide, high = _less(log_width, whole), _less(log_height, whole)
        lookups.blends[pixel] = np.int32(blend | np.int32(wide << 8) | np.int32(high << 16))
    return finest < last, most > 0


@inlined
def tint(levels, texels, start, stop, blend_start, blend_stop, lookups, light):  # type: ignore[no-untyped-def]
    """Multiply the light of pixels by what they see of their textures.

    Args:
        levels: (T, LEVELS, 3) as in `Geometry`.
        texels: of all textures.
        start: first pixel.
        stop: the pixel behind the last.
        blend_start: first pixel that may look at two levels.
        blend_stop: the pixel behind the last of those.
        lookups: filled by `locate`; elsewhere, `levels` and `blends` are 0.
        light: (3, W) to multiply.
    """
    flat = levels.reshape(levels.size)
    tints = lookups.tints
    first = np.uint64(start)
    count = whole_lanes(stop - start)
    _read(flat, texels, first, count, 0, lookups)
    for place in range(count):
        pixel = first + place
        red, green, blue = _filter(lookups, pixel)
        tints[0, pixel] = red
        tints[1, pixel] = green
        tints[2, pixel] = blue
    if blend_start < blend_stop:
        coarse, coarse_count = np.uint64(blend_start), whole_lanes(blend_stop - blend_start)
        _read(flat, texels, coarse, coarse_count, 1, lookups)
        for place in range(coarse_count):
            pixel = coarse + place
            red, green, blue = _filter(lookups, pixel)
            part = np.float32(np.int32(lookups.blends[pixel] & 255)) * PART
            tints[0, pixel] = _mix(tints[0, pixel], red, part)
            tints[1, pixel] = _mix(tints[1, pixel], green, part)
            tints[2, pixel] = _mix(tints[2, pixel], blue, part)
    for channel in range(3):
        for place in range(count):
            light[channel, first + place] *= tints[channel, first + place] * tints[channel, first + place]


@inlined
def texel_light(texel, shift):  # type: ignore[no-untyped-def]
    """Linear light of one byte of a texel (gamma 2)."""
    value = _byte(texel, shift) * BYTE
    return value * value


@inlined
def _read(levels, texels, first, count, coarser, lookups):  # type: ignore[no-untyped-def]
    """Write the four texels around where pixels look, so many levels coarser, and how far between them that is."""
    found = lookups.texels
    for place in range(count):
        pixel = first + place
        found[0, pixel] = np.int32(lookups.levels[pixel] + LEVEL_FIELDS * coarser)
    for place in range(np.uint64(0), count, np.uint64(LANES)):
        gather(levels, found[0], first + place)
    for place in range(count):
        pixel = first + place
        offset, blends = found[0, pixel], lookups.blends[pixel]
        wide, high = _less((blends >> 8) & 255, coarser), _less(blends >> 16, coarser)
        width, height = power_of_two(wide), power_of_two(high)
        # In 1/256 texels; the middle of the first texel is at 128.
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
        lookups.parts[pixel] = np.int32(np.int32(column & 255) | np.int32(np.int32(row & 255) << 8))
    for place in range(np.uint64(0), count, np.uint64(LANES)):
        blends = np.int32(0)
        for lane in range(np.uint64(LANES)):
            blends |= lookups.blends[first + place + lane]
        if coarser == 0 or blends & 255:
            for corner in range(np.uint64(4)):
                gather(texels, found[corner], first + place)


@inlined
def _filter(lookups, pixel):  # type: ignore[no-untyped-def]
    """Red, green and blue between four texels."""
    found, parts = lookups.texels, lookups.parts[pixel]
    across = np.float32(np.int32(parts & 255)) * PART
    down = np.float32(np.int32(parts >> 8)) * PART
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
def _mix(first, second, part):  # type: ignore[no-untyped-def]
    return first + (second - first) * part


@inlined
def power_of_two(exponent):  # type: ignore[no-untyped-def]
    """2 to a whole number, by its bits: Numba's shifts are of 64 bits, half as many at once."""
    return np.int32((exponent + np.int32(127)) << 23).view(np.float32)


@inlined
def _less(number, by):  # type: ignore[no-untyped-def]
    """A whole number less another, and not below 0."""
    difference = np.int32(number - by)
    return difference if difference > 0 else np.int32(0)
