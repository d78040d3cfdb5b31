"""Second pass on a GPU: the color of every pixel, one thread a pixel.

The formulas are those of `cpu.shading`, `cpu.specular`, `cpu.sky` and `cpu.shadows`. Instead of setting up plane
equations for each triangle, a thread computes the interpolation weights of its own pixel. Lighting is in world axes.
"""

from __future__ import annotations

import math

import numpy as np
from numba import cuda

from camshaft.envs.rendering.cpu.shading import LAMP_DISTANCE, MIN_LIGHT
from camshaft.envs.rendering.cpu.sky import FAINT as FAINT_GLOW
from camshaft.envs.rendering.cpu.sky import FOG_HEIGHT, MAX_EIGHTH, MID_ELEVATION, MIN_ELEVATION
from camshaft.envs.rendering.cpu.specular import FAINT as FAINT_HIGHLIGHT
from camshaft.envs.rendering.cuda.pixels import (
    find_edges,
    find_view,
    find_weights,
    inverse_depth,
    normal_at,
    rotate,
    unpack_key,
)
from camshaft.envs.rendering.cuda.texturing import mip_level, sample
from camshaft.envs.rendering.geometry import EMISSIVE, METALLIC, UNTINTED

ONE = np.float32(1.0)
HALF = np.float32(0.5)
ZERO = np.float32(0.0)
TWO = np.float32(2.0)
THREE = np.float32(3.0)
FOUR = np.float32(4.0)
EIGHTH = np.float32(0.125)
SUN, ZENITH, HORIZON, GROUND, FOG = 3, 6, 9, 12, 15  # columns of StateArrays.light; 0 is the sun's direction
LAMP_AXIS, LAMP_COLOR, LAMP_CONE = 3, 6, 9  # columns of StateArrays.lamps; 0 is the position


@cuda.jit
def shade(shapes, surfaces, state, visible, world_from_view, pixels, samples, keys, order_bits, shadows, rgb):  # type: ignore[no-untyped-def]
    """Shade all pixels; threads along x are pixels, threads along y frames.

    Args:
        shapes: `ShapeArrays`.
        surfaces: `SurfaceArrays`.
        state: `StateArrays`.
        visible: `VisibleArrays` of the first pass.
        world_from_view: (n V, 12).
        pixels: `PixelArrays` of the samples.
        samples: samples along each side of a pixel.
        keys: (n, cells) of the first pass.
        order_bits: as in `rasterize`.
        shadows: `ShadowArrays`.
        rgb: (n, H, W, 3) uint8, to fill.
    """
    pixel, frame = cuda.grid(2)
    columns = rgb.shape[2]
    if pixel >= rgb.shape[1] * columns:
        return
    row, column = pixel // columns, pixel % columns
    red, green, blue = ZERO, ZERO, ZERO
    for number in range(samples * samples):
        line = (row * samples + number // samples) * samples * columns
        sample_red, sample_green, sample_blue = _shade_sample(
            frame, line, column * samples + number % samples, shapes, surfaces, state, visible, world_from_view, pixels,
            keys, order_bits, shadows,
        )  # fmt: skip
        red += min(sample_red, ONE)
        green += min(sample_green, ONE)
        blue += min(sample_blue, ONE)
    weight = ONE / np.float32(samples * samples)
    rgb[frame, row, column, 0] = _display(red * weight)
    rgb[frame, row, column, 1] = _display(green * weight)
    rgb[frame, row, column, 2] = _display(blue * weight)


@cuda.jit(device=True)
def _shade_sample(
    frame, line, column, shapes, surfaces, state, visible, world_from_view, pixels, keys, order_bits, shadows
):  # type: ignore[no-untyped-def]
    """Linear red, green and blue of the sample in column `column` of the row that starts at index `line`."""
    cell = pixels.cells[line + column]
    views = pixels.first_cells.shape[0] - 1
    if cell >= pixels.first_cells[views]:
        return ZERO, ZERO, ZERO  # outside the image circle
    view = find_view(pixels.first_cells, cell)
    axes = frame * views + view
    world = state.worlds[frame]
    light = state.light
    x, y, length = pixels.ray_x[line + column], pixels.ray_y[line + column], pixels.lengths[line + column]
    ray_x, ray_y, ray_z = rotate(world_from_view, axes, x, y, ONE)
    key = keys[frame, cell]
    if key == 0:
        return _sky(light, world, ray_x / length, ray_y / length, ray_z / length)
    slot, number = unpack_key(key, order_bits)
    where = axes * visible.entries.shape[1] + slot
    mesh = visible.meshes[where]
    face = shapes.ranges[mesh, 2] + number
    first = shapes.ranges[mesh, 0]
    a, b, c = first + shapes.faces[face, 0], first + shapes.faces[face, 1], first + shapes.faces[face, 2]
    surface = shapes.face_surfaces[face]
    flags = surfaces.flags[surface]
    edges, side = find_edges(shapes.positions, a, b, c, visible.matrices, where)
    weight_a, weight_b, weight_c, inverse = find_weights(edges, x, y)
    depth = ONE / inverse
    ahead_x, ahead_y, ahead_z = ray_x * depth, ray_y * depth, ray_z * depth
    n_x, n_y, n_z = normal_at(
        shapes.normals, a, b, c, weight_a, weight_b, weight_c, state.poses, world, slot, side
    )
    red, green, blue = (
        surfaces.colors[surface, 0],
        surfaces.colors[surface, 1],
        surfaces.colors[surface, 2],
    )
    if not flags & UNTINTED:
        red *= state.colors[world, slot, 0]
        green *= state.colors[world, slot, 1]
        blue *= state.colors[world, slot, 2]
    red, green, blue = _square(red), _square(green), _square(blue)
    tint_red, tint_green, tint_blue = red, green, blue
    cosine = n_x * light[world, 0] + n_y * light[world, 1] + n_z * light[world, 2]
    lit = ONE
    if shadows.size > 0 and cosine > ZERO and _sun_gives_light(light, world):
        lit = _sunlit(shadows, frame, world_from_view, axes, ahead_x, ahead_y, ahead_z)
    if not flags & EMISSIVE:
        cosine = min(max(cosine, ZERO), ONE) * lit
        up = min(max(HALF + HALF * n_z, ZERO), ONE)
        lamp_red, lamp_green, lamp_blue = _lamps(
            state.lamps, world, world_from_view[axes, 3] + ahead_x, world_from_view[axes, 7] + ahead_y,
            world_from_view[axes, 11] + ahead_z, n_x, n_y, n_z,
        )  # fmt: skip
        red *= _daylight(light, world, 0, cosine, up) + lamp_red
        green *= _daylight(light, world, 1, cosine, up) + lamp_green
        blue *= _daylight(light, world, 2, cosine, up) + lamp_blue
    texture = surfaces.textures[surface]
    if texture > 0:
        u = weight_a * shapes.uvs[a, 0] + weight_b * shapes.uvs[b, 0] + weight_c * shapes.uvs[c, 0]
        v = weight_a * shapes.uvs[a, 1] + weight_b * shapes.uvs[b, 1] + weight_c * shapes.uvs[c, 1]
        step = pixels.spreads[line + column] / inverse
        level = _level(surfaces.levels, texture, shapes.uvs, a, b, c, edges, u, v, step)
        texel_red, texel_green, texel_blue = sample(surfaces.levels, surfaces.texels, texture, level, u, v)
        red, green, blue = red * texel_red, green * texel_green, blue * texel_blue
    if surfaces.specular[surface, 0] > ZERO:
        if not flags & METALLIC:
            tint_red, tint_green, tint_blue = ONE, ONE, ONE
        reflectance, rise, highlight = _reflect(
            surfaces.specular,
            surface,
            light,
            world,
            n_x,
            n_y,
            n_z,
            ray_x / length,
            ray_y / length,
            ray_z / length,
            lit,
        )
        red += reflectance * tint_red * _reflection(light, world, 0, rise, highlight)
        green += reflectance * tint_green * _reflection(light, world, 1, rise, highlight)
        blue += reflectance * tint_blue * _reflection(light, world, 2, rise, highlight)
    if light[world, FOG] > ZERO:
        clear = _transmittance(light[world, FOG] * EIGHTH * length / inverse_depth(key))
        red = _fogged(light, world, 0, clear, red)
        green = _fogged(light, world, 1, clear, green)
        blue = _fogged(light, world, 2, clear, blue)
    return red, green, blue


@cuda.jit(device=True)
def _sky(light, world, x, y, z):  # type: ignore[no-untyped-def]
    """Light of the sky in a unit direction; see `cpu.sky.shade_sky`."""
    elevation = max(z, ZERO)
    height = elevation / (elevation + MID_ELEVATION) * (ONE + MID_ELEVATION)
    glow = max(light[world, 0] * x + light[world, 1] * y + light[world, 2] * z, FAINT_GLOW)
    for _ in range(6):
        glow *= glow
    clear = _transmittance(light[world, FOG] * EIGHTH * FOG_HEIGHT / max(elevation, MIN_ELEVATION))
    height, glow = height * clear, glow * clear
    return (
        _sky_channel(light, world, 0, height, glow),
        _sky_channel(light, world, 1, height, glow),
        _sky_channel(light, world, 2, height, glow),
    )


@cuda.jit(device=True)
def _sky_channel(light, world, channel, height, glow):  # type: ignore[no-untyped-def]
    horizon, zenith = _square(light[world, HORIZON + channel]), _square(light[world, ZENITH + channel])
    return horizon + height * (zenith - horizon) + glow * _square(light[world, SUN + channel])


@cuda.jit(device=True)
def _daylight(light, world, channel, cosine, up):  # type: ignore[no-untyped-def]
    """Light of sun, sky and ground on a surface, one channel."""
    ground = _square(light[world, GROUND + channel])
    horizon, zenith = _square(light[world, HORIZON + channel]), _square(light[world, ZENITH + channel])
    sun = _square(light[world, SUN + channel])
    return cosine * sun + up * (HALF * (zenith + horizon) - ground) + ground


@cuda.jit(device=True)
def _lamps(lamps, world, x, y, z, n_x, n_y, n_z):  # type: ignore[no-untyped-def]
    """Light of all lamps on a white surface at a point; see `cpu.shading`."""
    red, green, blue = ZERO, ZERO, ZERO
    for lamp in range(lamps.shape[1]):
        lamp_red, lamp_green, lamp_blue = (
            lamps[world, lamp, LAMP_COLOR],
            lamps[world, lamp, LAMP_COLOR + 1],
            lamps[world, lamp, LAMP_COLOR + 2],
        )
        if not max(lamp_red, lamp_green, lamp_blue) > MIN_LIGHT:
            continue
        to_x, to_y, to_z = lamps[world, lamp, 0] - x, lamps[world, lamp, 1] - y, lamps[world, lamp, 2] - z
        square = to_x * to_x + to_y * to_y + to_z * to_z + np.float32(0.01)
        inverse = ONE / np.float32(math.sqrt(square))
        along = (
            to_x * lamps[world, lamp, LAMP_AXIS]
            + to_y * lamps[world, lamp, LAMP_AXIS + 1]
            + to_z * lamps[world, lamp, LAMP_AXIS + 2]
        )
        inner, outer = lamps[world, lamp, LAMP_CONE], lamps[world, lamp, LAMP_CONE + 1]
        cone = min((-along * inverse - outer) / max(inner - outer, np.float32(1e-4)), ONE)
        cosine = (n_x * to_x + n_y * to_y + n_z * to_z) * inverse
        if cone > ZERO and cosine > ZERO:
            power = cone * cone * (THREE - TWO * cone) * min(cosine, ONE) / square
            red += power * _square(lamp_red * LAMP_DISTANCE)
            green += power * _square(lamp_green * LAMP_DISTANCE)
            blue += power * _square(lamp_blue * LAMP_DISTANCE)
    return red, green, blue


@cuda.jit(device=True)
def _level(levels, texture, uvs, a, b, c, edges, u, v, step):  # type: ignore[no-untyped-def]
    """Mip level of a texture at u, v, where the next ray is `step` meters away."""
    # The weights sum to 1, so that coordinates may be relative to those of this pixel, which is more accurate.
    ua, ub, uc = uvs[a, 0] - u, uvs[b, 0] - u, uvs[c, 0] - u
    va, vb, vc = uvs[a, 1] - v, uvs[b, 1] - v, uvs[c, 1] - v
    return mip_level(
        levels,
        texture,
        (edges[0] * ua + edges[3] * ub + edges[6] * uc) * step,
        (edges[0] * va + edges[3] * vb + edges[6] * vc) * step,
        (edges[1] * ua + edges[4] * ub + edges[7] * uc) * step,
        (edges[1] * va + edges[4] * vb + edges[7] * vc) * step,
    )


@cuda.jit(device=True)
def _reflect(specular, surface, light, world, n_x, n_y, n_z, x, y, z, lit):  # type: ignore[no-untyped-def]
    """Specular reflection of a surface seen in the unit direction (x, y, z) from the camera; see `cpu.specular`.

    Returns:
        The reflectance, the sine of the reflected ray's elevation, and the intensity of the sun's highlight.
    """
    square = n_x * n_x + n_y * n_y + n_z * n_z
    if not square > ZERO:
        return ZERO, ZERO, ZERO
    scale = ONE / np.float32(math.sqrt(square))
    n_x, n_y, n_z = n_x * scale, n_y * scale, n_z * scale
    facing = max(-(n_x * x + n_y * y + n_z * z), ZERO)
    away = ONE - facing
    reflectance = specular[surface, 0] + (ONE - specular[surface, 0]) * _square(_square(away)) * away
    rise = TWO * facing * n_z + z
    h_x, h_y, h_z = light[world, 0] - x, light[world, 1] - y, light[world, 2] - z
    length = np.float32(math.sqrt(h_x * h_x + h_y * h_y + h_z * h_z + np.float32(1e-6)))
    cosine = (n_x * h_x + n_y * h_y + n_z * h_z) / length
    highlight = ZERO
    if cosine > ZERO and n_x * light[world, 0] + n_y * light[world, 1] + n_z * light[world, 2] > ZERO:
        highlight = cosine
        squarings = int(specular[surface, 1])
        for _ in range(squarings):
            highlight = highlight * highlight if highlight > FAINT_HIGHLIGHT else ZERO
        highlight *= np.float32((1 << squarings) + 8) * EIGHTH * lit
    return reflectance, rise, highlight


@cuda.jit(device=True)
def _reflection(light, world, channel, rise, highlight):  # type: ignore[no-untyped-def]
    """Light of the reflected sky or ground and the sun's highlight, one channel."""
    ground = _square(light[world, GROUND + channel])
    horizon, zenith = _square(light[world, HORIZON + channel]), _square(light[world, ZENITH + channel])
    blend = min(max(rise * FOUR + HALF, ZERO), ONE)  # soft across the horizon
    sky = ground + blend * (horizon + max(rise, ZERO) * (zenith - horizon) - ground)
    return sky + highlight * _square(light[world, SUN + channel])


@cuda.jit(device=True)
def _sunlit(shadows, frame, world_from_view, axes, x, y, z):  # type: ignore[no-untyped-def]
    """Fraction of sunlight that reaches a point relative to the camera, in world axes; see `cpu.shadows.sunlit`."""
    matrices, size = shadows.light_from_world, shadows.size
    eye_x, eye_y, eye_z = world_from_view[axes, 3], world_from_view[axes, 7], world_from_view[axes, 11]
    right, down, high = rotate(matrices, frame, x, y, z)
    eye_right, eye_down, eye_high = rotate(matrices, frame, eye_x, eye_y, eye_z)
    column = right + (eye_right + matrices[frame, 3]) - HALF
    row = down + (eye_down + matrices[frame, 7]) - HALF
    limit = np.float32(size - 1)
    if not (column >= ZERO and row >= ZERO and column < limit and row < limit):
        return ONE
    height = high + (eye_high + matrices[frame, 11]) + shadows.biases[frame]
    left, top = int(column), int(row)
    fraction_x, fraction_y = column - np.float32(left), row - np.float32(top)
    texel = top * size + left
    upper_left = _is_lit(shadows.keys, frame, texel, height)
    upper_right = _is_lit(shadows.keys, frame, texel + 1, height)
    lower_left = _is_lit(shadows.keys, frame, texel + size, height)
    lower_right = _is_lit(shadows.keys, frame, texel + size + 1, height)
    upper = upper_left + fraction_x * (upper_right - upper_left)
    lower = lower_left + fraction_x * (lower_right - lower_left)
    return upper + fraction_y * (lower - upper)


@cuda.jit(device=True)
def _is_lit(keys, frame, texel, height):  # type: ignore[no-untyped-def]
    return ONE if inverse_depth(keys[frame, texel]) <= height else ZERO


@cuda.jit(device=True)
def _sun_gives_light(light, world):  # type: ignore[no-untyped-def]
    """Whether the sun is bright enough to matter."""
    return max(light[world, SUN], light[world, SUN + 1], light[world, SUN + 2]) > MIN_LIGHT


@cuda.jit(device=True)
def _transmittance(eighth):  # type: ignore[no-untyped-def]
    """Transmittance of eight times this optical depth; see `cpu.sky.transmittance`."""
    x = min(eighth, MAX_EIGHTH)
    clear = ONE / (ONE + x * (ONE + x * (HALF + x * np.float32(1.0 / 6.0))))
    return _square(_square(_square(clear)))


@cuda.jit(device=True)
def _fogged(light, world, channel, clear, value):  # type: ignore[no-untyped-def]
    horizon = _square(light[world, HORIZON + channel])
    return horizon + clear * (value - horizon)


@cuda.jit(device=True)
def _square(value):  # type: ignore[no-untyped-def]
    return value * value


@cuda.jit(device=True)
def _display(value):  # type: ignore[no-untyped-def]
    """Linear light as a display byte (gamma 2)."""
    return np.uint8(int(np.float32(math.sqrt(min(max(value, ZERO), ONE))) * np.float32(255.0) + HALF))
