"""Second pass: deferred shading, the color of each pixel from the triangle that the first pass found there.

Attributes divided by depth are linear over the image (Olano and Greer, "Triangle scan conversion using 2D homogeneous
coordinates", 1997). The plane equations of each visible triangle are set up once; a pixel then costs a few
multiplications and one division.

Lighting: Lambertian reflection of the sun, hemisphere lighting from sky and ground, spot lamps with soft cones, and
Blinn highlights with Schlick's approximation of the Fresnel reflectance.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.kernels import inlined, kernel
from camshaft.envs.rendering.cpu.background import copy_values, moving_range
from camshaft.envs.rendering.cpu.gather import RUN
from camshaft.envs.rendering.cpu.planes import (
    ALBEDO,
    INVERSE_DEPTH,
    NORMAL,
    READY,
    SPECULAR,
    SUN,
    TEXTURED,
    UNLIT,
    UP,
    WITH_NORMALS,
    evaluate,
    run_of,
    set_up_triangle,
)
from camshaft.envs.rendering.cpu.shadows import sunlit
from camshaft.envs.rendering.cpu.sky import add_fog, shade_sky
from camshaft.envs.rendering.cpu.specular import add_reflections
from camshaft.envs.rendering.cpu.texturing import BLUE, GREEN, apply_textures, locate_texels, texel_light
from camshaft.envs.rendering.cpu.visibility import OUTSIDE, SKY
from camshaft.envs.rendering.geometry import LEVELS

ONE = np.float32(1.0)
HALF = np.float32(0.5)
ZERO = np.float32(0.0)
MIN_LIGHT = np.float32(0.02)  # display color; darker suns and lamps are ignored
EIGHT, SIXTEEN, TWENTY_FOUR = np.uint32(8), np.uint32(16), np.uint32(24)
LAMP_DISTANCE = np.float32(10.0)  # meters, of the white surface that defines the color of a lamp


class Light(NamedTuple):
    """Lighting, sky and fog of all worlds, (N, …), display colors, as in `SceneState`."""

    sun_direction: NDArray[np.float32]
    sun: NDArray[np.float32]
    sky_zenith: NDArray[np.float32]
    sky_horizon: NDArray[np.float32]
    ground: NDArray[np.float32]
    fog_density: NDArray[np.float32]
    lamp_positions: NDArray[np.float32]
    lamp_directions: NDArray[np.float32]
    lamp_colors: NDArray[np.float32]
    lamp_cosines: NDArray[np.float32]


@inlined
def gives_light(color):  # type: ignore[no-untyped-def]
    """Whether a sun or lamp of this display color is bright enough to matter."""
    return color[0] > MIN_LIGHT or color[1] > MIN_LIGHT or color[2] > MIN_LIGHT


@kernel
def shade_frame(geometry, poses, colors, light, world, shadowed, bias, lens, scratch, rgb, still, background):  # type: ignore[no-untyped-def]
    """Shade all pixels of one frame.

    Args:
        geometry: packed geometry.
        poses: (S, 3, 4) of the world's slots.
        colors: (S, 3) of the world's slots.
        light: `Light` of all worlds.
        world: world index.
        shadowed: whether the shadow map of this world is filled.
        bias: of the shadow map, meters.
        lens: of the camera.
        scratch: buffers that the first pass has filled.
        rgb: (H, 3 W) uint8, to fill.
        still: number of the triangles of the background, which come first; 0 to shade all. Needs one sample a pixel.
        background: (H, 3 W) image of the background.
    """
    samples, height = lens.samples, rgb.shape[0]
    cells, all_x, all_y, lengths, spreads = lens.shading
    triangles, planes, rendered = scratch.triangles, scratch.planes, scratch.rendered
    buffer, sun_visibility = scratch.light, scratch.sun_visibility
    sun_direction, fog = light.sun_direction[world], light.fog_density[world]
    sun, zenith, horizon, ground = (
        _linear(light.sun[world]),
        _linear(light.sky_zenith[world]),
        _linear(light.sky_horizon[world]),
        _linear(light.ground[world]),
    )
    above = (
        HALF * (zenith[0] + horizon[0]) - ground[0],
        HALF * (zenith[1] + horizon[1]) - ground[1],
        HALF * (zenith[2] + horizon[2]) - ground[2],
    )
    lamps = _write_lamps(light, world, scratch)
    map_size = int(np.sqrt(np.float64(scratch.shadow_map.shape[0])) + 0.5)
    needed = WITH_NORMALS if lamps else READY
    levels, texels, lookups = geometry.texture_levels, geometry.texels, scratch.lookups
    sun_visibility[:] = ONE
    width = cells.shape[1]
    for row in range(samples * height):
        ray_x, ray_y, row_cells = all_x[row], all_y[row], cells[row]
        row_triangles = scratch.row_triangles
        if lens.exact:
            row_triangles = triangles[row * width : (row + 1) * width]
        else:
            for index in range(np.uint64(width)):
                row_triangles[index] = triangles[np.uint64(row_cells[index])]
        begin, end = 0, width
        if still > 0:
            begin, end = moving_range(row_triangles, still)
            if begin == end:
                copy_values(background[row], rgb[row], 0, rgb.shape[1])
                continue
        textured, textured_stop, blended, blended_stop, specular = 0, 0, 0, 0, 0
        column = begin
        while column < end:
            triangle, stop = run_of(row_triangles, column, end)
            if triangle == OUTSIDE:
                buffer[:, column:stop] = ZERO
            elif triangle < 0:
                view = SKY - triangle
                shade_sky(
                    ray_x, ray_y, lengths[row], column, stop, scratch.world_from_view[view],
                    sun_direction, horizon, zenith, sun, fog, buffer,
                )  # fmt: skip
            else:
                if not scratch.traits[triangle] & needed:
                    set_up_triangle(geometry, poses, colors, sun_direction, scratch, triangle, lamps > 0)
                traits, plane, view = scratch.traits[triangle], planes[triangle], rendered[triangle, 4]
                if shadowed:
                    _shadow_run(
                        plane, ray_x, ray_y, column, stop, scratch.light_from_view[view],
                        scratch.shadow_map, map_size, bias, sun_visibility,
                    )  # fmt: skip
                if traits & UNLIT:
                    buffer[0, column:stop] = plane[ALBEDO]
                    buffer[1, column:stop] = plane[ALBEDO + 1]
                    buffer[2, column:stop] = plane[ALBEDO + 2]
                else:
                    _light_run(plane, ray_x, ray_y, column, stop, sun, ground, above, sun_visibility, buffer)
                    for lamp in range(lamps):
                        _lamp_run(plane, ray_x, ray_y, column, stop, scratch.lamps[lamp, view], buffer)
                if traits & TEXTURED:
                    texture = geometry.surface_textures[geometry.face_surfaces[rendered[triangle, 0]]]
                    near, blends = locate_texels(
                        levels, texture, plane, ray_x, ray_y, spreads[row], column, stop, lookups
                    )
                    if near:
                        textured = _extend(lookups, textured, textured_stop, column)
                        textured_stop = stop
                        if blends:
                            blended = column if blended_stop == 0 else blended
                            blended_stop = stop
                    else:  # a single texel: the distant ground, half of a driver's view
                        _multiply(buffer, column, stop, texels[levels[texture, LEVELS - 1, 0]])
                specular |= traits & SPECULAR
            column = stop
        if textured_stop > 0:
            _extend(lookups, textured, textured_stop, textured_stop + RUN)
            apply_textures(levels, texels, textured, textured_stop, blended, blended_stop, lookups, buffer)
        if specular:
            add_reflections(
                geometry,
                scratch,
                row_triangles,
                begin,
                end,
                ray_x,
                ray_y,
                sun_direction,
                sun,
                zenith,
                horizon,
                ground,
                buffer,
            )
        if fog > ZERO:
            for index in range(np.uint64(width)):
                scratch.row_depth[index] = scratch.inverse_depth[np.uint64(row_cells[index])]
            add_fog(fog, horizon, scratch.row_depth, lengths[row], buffer)
        if samples == 1:
            _display_row(buffer, scratch.packed, rgb[row])
            copy_values(background[row], rgb[row], 0, 3 * begin)
            copy_values(background[row], rgb[row], 3 * end, 3 * width)
        else:
            _add_samples(buffer, scratch.total, row % samples == 0)
            if row % samples == samples - 1:
                _display_row(scratch.total, scratch.packed, rgb[row // samples])


@inlined
def _extend(lookups, start, stop, column):  # type: ignore[no-untyped-def]
    """Assign the white texture to the pixels from `stop` to `column`; returns the first textured pixel."""
    if stop == 0:
        return column
    lookups.levels[stop:column] = 0
    lookups.blends[stop:column] = 0
    return start


@inlined
def _multiply(buffer, start, stop, texel):  # type: ignore[no-untyped-def]
    """Multiply the light of pixels by that of one texel."""
    red, green, blue = texel_light(texel, np.uint32(0)), texel_light(texel, GREEN), texel_light(texel, BLUE)
    for pixel in range(np.uint64(start), np.uint64(stop)):
        buffer[0, pixel] *= red
        buffer[1, pixel] *= green
        buffer[2, pixel] *= blue


@inlined
def _light_run(plane, ray_x, ray_y, start, stop, sun, ground, above, sun_visibility, buffer):  # type: ignore[no-untyped-def]
    """Write the light of sun, sky and ground reflected by pixels of one triangle."""
    w0, w1, w2 = plane[0], plane[1], plane[2]
    s0, s1, s2 = plane[SUN], plane[SUN + 1], plane[SUN + 2]
    u0, u1, u2 = plane[UP], plane[UP + 1], plane[UP + 2]
    red, green, blue = plane[ALBEDO], plane[ALBEDO + 1], plane[ALBEDO + 2]
    sun_red, sun_green, sun_blue = red * sun[0], green * sun[1], blue * sun[2]
    low_red, low_green, low_blue = red * ground[0], green * ground[1], blue * ground[2]
    up_red, up_green, up_blue = red * above[0], green * above[1], blue * above[2]
    for first in range(np.uint64(start), np.uint64(stop), np.uint64(RUN)):
        for index in range(np.uint64(RUN)):
            pixel = first + index
            x, y = ray_x[pixel], ray_y[pixel]
            depth = ONE / (w0 * x + w1 * y + w2)
            cosine = (s0 * x + s1 * y + s2) * depth
            cosine = cosine if cosine > ZERO else ZERO
            cosine = (cosine if cosine < ONE else ONE) * sun_visibility[pixel]
            up = (u0 * x + u1 * y + u2) * depth
            up = up if up > ZERO else ZERO
            up = up if up < ONE else ONE
            buffer[0, pixel] = cosine * sun_red + up * up_red + low_red
            buffer[1, pixel] = cosine * sun_green + up * up_green + low_green
            buffer[2, pixel] = cosine * sun_blue + up * up_blue + low_blue


@inlined
def _shadow_run(plane, ray_x, ray_y, start, stop, matrix, shadow_map, size, bias, sun_visibility):  # type: ignore[no-untyped-def]
    """Write the fraction of sunlight that reaches pixels of one triangle."""
    for pixel in range(np.uint64(start), np.uint64(stop)):
        x, y = ray_x[pixel], ray_y[pixel]
        if evaluate(plane, SUN, x, y) > ZERO:
            depth = ONE / evaluate(plane, INVERSE_DEPTH, x, y)
            sun_visibility[pixel] = sunlit(x * depth, y * depth, depth, matrix, shadow_map, size, bias)
        else:
            sun_visibility[pixel] = ONE


@inlined
def _write_lamps(light, world, scratch):  # type: ignore[no-untyped-def]
    """Write the lamps that are on, in the axes of each view; returns their number."""
    count = 0
    for lamp in range(light.lamp_colors.shape[1]):
        if not gives_light(light.lamp_colors[world, lamp]):
            continue
        for view in range(scratch.view_from_world.shape[0]):
            matrix, result = scratch.view_from_world[view], scratch.lamps[count, view]
            for row in range(3):
                result[row] = matrix[row, 3]
                result[3 + row] = ZERO
                for column in range(3):
                    result[row] += matrix[row, column] * light.lamp_positions[world, lamp, column]
                    result[3 + row] += matrix[row, column] * light.lamp_directions[world, lamp, column]
                color = light.lamp_colors[world, lamp, row] * LAMP_DISTANCE
                result[6 + row] = color * color
            result[9], result[10] = light.lamp_cosines[world, lamp, 0], light.lamp_cosines[world, lamp, 1]
        count += 1
    return count


@inlined
def _lamp_run(plane, ray_x, ray_y, start, stop, lamp, buffer):  # type: ignore[no-untyped-def]
    """Add the light of a lamp reflected by pixels of one triangle."""
    softness = ONE / max(lamp[9] - lamp[10], np.float32(1e-4))
    for pixel in range(np.uint64(start), np.uint64(stop)):
        x, y = ray_x[pixel], ray_y[pixel]
        depth = ONE / evaluate(plane, INVERSE_DEPTH, x, y)
        to_x, to_y, to_z = lamp[0] - x * depth, lamp[1] - y * depth, lamp[2] - depth
        square = to_x * to_x + to_y * to_y + to_z * to_z + np.float32(0.01)
        inverse = ONE / np.sqrt(square)
        cone = (-(to_x * lamp[3] + to_y * lamp[4] + to_z * lamp[5]) * inverse - lamp[10]) * softness
        if not cone > ZERO:
            continue
        cone = cone if cone < ONE else ONE
        n_x = evaluate(plane, NORMAL, x, y)
        n_y = evaluate(plane, NORMAL + 3, x, y)
        n_z = evaluate(plane, NORMAL + 6, x, y)
        cosine = (n_x * to_x + n_y * to_y + n_z * to_z) * depth * inverse
        if not cosine > ZERO:
            continue
        power = cone * cone * (np.float32(3.0) - np.float32(2.0) * cone) * min(cosine, ONE) / square
        buffer[0, pixel] += plane[ALBEDO] * power * lamp[6]
        buffer[1, pixel] += plane[ALBEDO + 1] * power * lamp[7]
        buffer[2, pixel] += plane[ALBEDO + 2] * power * lamp[8]


@inlined
def _linear(color):  # type: ignore[no-untyped-def]
    """Linear light of a display color."""
    return color[0] * color[0], color[1] * color[1], color[2] * color[2]


@inlined
def _add_samples(buffer, total, first):  # type: ignore[no-untyped-def]
    """Accumulate a row of samples, two a pixel, in the means of their pixels; light is clipped to white."""
    quarter = np.float32(0.25)
    for channel in range(3):
        for pixel in range(total.shape[1]):
            two = min(buffer[channel, 2 * pixel], ONE) + min(buffer[channel, 2 * pixel + 1], ONE)
            total[channel, pixel] = quarter * two if first else total[channel, pixel] + quarter * two


@inlined
def _display_row(light, packed, row):  # type: ignore[no-untyped-def]
    """Write linear light as display bytes (gamma 2, as in `Texture`)."""
    width = row.shape[0] // 3
    for pixel in range(np.uint64(width)):
        red, green, blue = (
            _display(light[0, pixel]),
            _display(light[1, pixel]),
            _display(light[2, pixel]),
        )
        packed[pixel] = red | green << EIGHT | blue << SIXTEEN
    if width % 4 == 0:  # write four pixels as three words instead of twelve bytes
        words = row.view(np.uint32)
        for group in range(np.uint64(width // 4)):
            start, word = np.uint64(4) * group, np.uint64(3) * group
            first, second = packed[start], packed[start + np.uint64(1)]
            third, fourth = packed[start + np.uint64(2)], packed[start + np.uint64(3)]
            words[word] = first | second << TWENTY_FOUR
            words[word + np.uint64(1)] = second >> EIGHT | third << SIXTEEN
            words[word + np.uint64(2)] = third >> SIXTEEN | fourth << EIGHT
        return
    for single in range(np.uint64(width)):
        color, byte = packed[single], np.uint64(3) * single
        row[byte] = np.uint8(color)
        row[byte + np.uint64(1)] = np.uint8(color >> EIGHT)
        row[byte + np.uint64(2)] = np.uint8(color >> SIXTEEN)


@inlined
def _display(value):  # type: ignore[no-untyped-def]
    value = value if value > ZERO else ZERO
    value = value if value < ONE else ONE
    return np.uint32(np.int32(np.sqrt(value) * np.float32(255.0) + HALF))
