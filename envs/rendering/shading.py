"""Second pass: colour and labels of each pixel, from the triangle that the first pass found there.

Over the image, attributes divided by depth are linear (Olano and Greer, "Triangle scan conversion using 2D
homogeneous coordinates", 1997). Each triangle that is seen somewhere gets, once, the plane equations of
1/depth-weighted light and texture coordinates; a pixel then costs a few multiplications and one division.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.kernels import kernel
from envs.rendering.visibility import draw_world

EMISSIVE = 2

ONE = np.float32(1.0)
HALF = np.float32(0.5)
ZERO = np.float32(0.0)
BYTE = np.float32(1.0 / 255.0)
LANES = np.uint64(0x00FF00FF00FF)
LANE = np.uint64(0xFF)
EIGHT = np.uint64(8)
SIXTEEN = np.uint64(16)
THIRTY_TWO = np.uint64(32)
UNIT = np.uint64(256)


class Light(NamedTuple):
    """Light, sky and fog of all worlds, (N, …), display colours, as in SceneState."""

    sun_direction: NDArray[np.float32]
    sun: NDArray[np.float32]
    sky_zenith: NDArray[np.float32]
    sky_horizon: NDArray[np.float32]
    ground: NDArray[np.float32]
    fog_density: NDArray[np.float32]


class Outputs(NamedTuple):
    """Images to fill, (n, H, W, …); an output that nobody asked for has n = 0."""

    rgb: NDArray[np.uint8]
    depth: NDArray[np.float32]
    segmentation: NDArray[np.uint8]
    instances: NDArray[np.uint16]


@kernel
def draw_worlds(start, stop, worlds, geometry, meshes, poses, colours, instances, cameras, light, lens, scratch, outputs):  # type: ignore[no-untyped-def]
    """Draw rows start to stop of the outputs: row i is world `worlds[i]` seen by `cameras[i]`."""
    for row in range(start, stop):
        world = worlds[row]
        _invert(cameras[row], scratch.camera_from_world)
        draw_world(geometry, meshes[world], poses[world], lens, scratch)
        if outputs.rgb.shape[0] > 0:
            _shade(geometry, poses[world], colours[world], cameras[row], light, world, lens, scratch, outputs.rgb[row])
        if outputs.depth.shape[0] > 0:
            _write_depth(scratch.inverse_depth, lens, outputs.depth[row])
        if outputs.segmentation.shape[0] > 0:
            _write_labels(geometry, scratch, outputs.segmentation[row])
        if outputs.instances.shape[0] > 0:
            _write_instances(instances, scratch, outputs.instances[row])


@kernel
def _invert(camera, result):  # type: ignore[no-untyped-def]
    """Write (3, 4) camera from world, of a rigid (4, 4) world from camera."""
    for row in range(3):
        total = 0.0
        for column in range(3):
            result[row, column] = camera[column, row]
            total += camera[column, row] * camera[column, 3]
        result[row, 3] = -total


@kernel
def _write_depth(inverse_depth, lens, depth):  # type: ignore[no-untyped-def]
    height, width = depth.shape
    nearest, far = np.float32(1.0 / lens.near), np.float32(lens.far)
    lowest = np.float32(1.0 / lens.far)
    for row in range(height):
        for column in range(width):
            w = inverse_depth[row, column]
            depth[row, column] = ONE / min(w, nearest) if w > lowest else far


@kernel
def _write_labels(geometry, scratch, labels):  # type: ignore[no-untyped-def]
    height, width = labels.shape
    for row in range(height):
        for column in range(width):
            triangle = scratch.triangles[row, column]
            if triangle < 0:
                labels[row, column] = 0
            else:
                labels[row, column] = geometry.surface_labels[geometry.face_surfaces[scratch.drawn[triangle, 0]]]


@kernel
def _write_instances(instances, scratch, image):  # type: ignore[no-untyped-def]
    height, width = image.shape
    for row in range(height):
        for column in range(width):
            triangle = scratch.triangles[row, column]
            image[row, column] = 0 if triangle < 0 else instances[scratch.drawn[triangle, 1]]


@kernel
def _shade(geometry, poses, colours, camera, light, world, lens, scratch, rgb):  # type: ignore[no-untyped-def]
    """Colour every pixel of one frame."""
    height, width = scratch.triangles.shape
    inverse_focal = np.float32(1.0 / lens.focal)
    fog_density = light.fog_density[world]
    fog_red, fog_green, fog_blue = _linear(light.sky_horizon[world])
    planes = scratch.planes
    for row in range(height):
        y = (np.float32(row) + HALF - HALF * np.float32(height)) * inverse_focal
        column = 0
        while column < width:
            triangle = scratch.triangles[row, column]
            stop = column + 1
            while stop < width and scratch.triangles[row, stop] == triangle:
                stop += 1
            x = (np.float32(column) + HALF - HALF * np.float32(width)) * inverse_focal
            if triangle < 0:
                _shade_sky(x, y, inverse_focal, column, stop, camera, light, world, rgb[row])
                column = stop
                continue
            if not scratch.planes_ready[triangle]:
                _set_up(geometry, poses, colours, light, world, scratch, triangle)
            plane = planes[triangle]
            weight = plane[0] * x + plane[1] * y + plane[2]
            red = plane[3] * x + plane[4] * y + plane[5]
            green = plane[6] * x + plane[7] * y + plane[8]
            blue = plane[9] * x + plane[10] * y + plane[11]
            surface = geometry.face_surfaces[scratch.drawn[triangle, 0]]
            texture = geometry.surface_textures[surface]
            u = plane[12] * x + plane[13] * y + plane[14]
            v = plane[15] * x + plane[16] * y + plane[17]
            level = ZERO
            for pixel in range(column, stop):
                share = ONE / weight
                lit_red = max(red * share, ZERO)
                lit_green = max(green * share, ZERO)
                lit_blue = max(blue * share, ZERO)
                if texture >= 0:
                    if (pixel - column) & 3 == 0:
                        level = _mip_level(geometry, texture, plane, u * share, v * share, share * inverse_focal)
                    texel = _sample(geometry, texture, u * share, v * share, level)
                    texel_red = np.float32(texel & LANE) * BYTE
                    texel_green = np.float32((texel >> SIXTEEN) & LANE) * BYTE
                    texel_blue = np.float32((texel >> THIRTY_TWO) & LANE) * BYTE
                    lit_red *= texel_red * texel_red
                    lit_green *= texel_green * texel_green
                    lit_blue *= texel_blue * texel_blue
                    u += plane[12] * inverse_focal
                    v += plane[15] * inverse_focal
                if fog_density > ZERO:
                    clear = _transmittance(fog_density / scratch.inverse_depth[row, pixel])
                    lit_red = fog_red + clear * (lit_red - fog_red)
                    lit_green = fog_green + clear * (lit_green - fog_green)
                    lit_blue = fog_blue + clear * (lit_blue - fog_blue)
                rgb[row, pixel, 0] = _display(lit_red)
                rgb[row, pixel, 1] = _display(lit_green)
                rgb[row, pixel, 2] = _display(lit_blue)
                weight += plane[0] * inverse_focal
                red += plane[3] * inverse_focal
                green += plane[6] * inverse_focal
                blue += plane[9] * inverse_focal
            column = stop


@kernel
def _display(light):  # type: ignore[no-untyped-def]
    """Linear light as a display byte (gamma 2, the inverse of what `Texture` assumes)."""
    if not light < ONE:
        return np.uint8(255)
    return np.uint8(np.sqrt(light) * np.float32(255.0) + HALF)


@kernel
def _transmittance(optical_depth):  # type: ignore[no-untyped-def]
    """exp(−x) to 0.2 %: the eighth power of a rational approximation of exp(−x/8)."""
    x = min(optical_depth, np.float32(40.0)) * np.float32(0.125)
    root = ONE / (ONE + x * (ONE + x * (HALF + x * np.float32(1.0 / 6.0))))
    root *= root
    root *= root
    return root * root


@kernel
def _shade_sky(x, y, step, start, stop, camera, light, world, row):  # type: ignore[no-untyped-def]
    """Sky from horizon to zenith, with a glow about the sun."""
    across = np.float32(camera[2, 0])
    along = np.float32(camera[2, 1]) * y + np.float32(camera[2, 2])
    sun_x, sun_y, sun_z = light.sun_direction[world, 0], light.sun_direction[world, 1], light.sun_direction[world, 2]
    glow_across = np.float32(sun_x * camera[0, 0] + sun_y * camera[1, 0] + sun_z * camera[2, 0])
    glow_along = (
        np.float32(sun_x * camera[0, 1] + sun_y * camera[1, 1] + sun_z * camera[2, 1]) * y
        + np.float32(sun_x * camera[0, 2] + sun_y * camera[1, 2] + sun_z * camera[2, 2])
    )  # fmt: skip
    low_red, low_green, low_blue = _linear(light.sky_horizon[world])
    high_red, high_green, high_blue = _linear(light.sky_zenith[world])
    sun_red, sun_green, sun_blue = _linear(light.sun[world])
    for pixel in range(start, stop):
        inverse = ONE / np.sqrt(x * x + y * y + ONE)
        elevation = max((across * x + along) * inverse, ZERO)
        height = elevation / (elevation + np.float32(0.18)) * np.float32(1.18)
        glow = max((glow_across * x + glow_along) * inverse, ZERO)
        for _ in range(6):
            glow *= glow
        row[pixel, 0] = _display(low_red + height * (high_red - low_red) + glow * sun_red)
        row[pixel, 1] = _display(low_green + height * (high_green - low_green) + glow * sun_green)
        row[pixel, 2] = _display(low_blue + height * (high_blue - low_blue) + glow * sun_blue)
        x += step


@kernel
def _linear(colour):  # type: ignore[no-untyped-def]
    """Linear light of a display colour."""
    return colour[0] * colour[0], colour[1] * colour[1], colour[2] * colour[2]


@kernel
def _set_up(geometry, poses, colours, light, world, scratch, triangle):  # type: ignore[no-untyped-def]
    """Write the plane equations of one triangle; coefficients are of pixel ray x, pixel ray y, and 1.

    Columns of `planes`: 0–2 weight (1/depth), 3–11 red, green and blue light, 12–17 u and v, all but the first
    times the weight.
    """
    plane = scratch.planes[triangle]
    plane[:] = ZERO
    face, slot = scratch.drawn[triangle, 0], scratch.drawn[triangle, 1]
    base, first = scratch.drawn[triangle, 2], scratch.drawn[triangle, 3]
    surface = geometry.face_surfaces[face]
    corners, edges, lit = scratch.corners, scratch.edges, scratch.lit
    for corner in range(3):
        for axis in range(3):
            corners[corner, axis] = scratch.vertices[geometry.faces[face, corner] + base, axis]
    for corner in range(3):
        after, last = (corner + 1) % 3, (corner + 2) % 3
        edges[corner, 0] = corners[after, 1] * corners[last, 2] - corners[after, 2] * corners[last, 1]
        edges[corner, 1] = corners[after, 2] * corners[last, 0] - corners[after, 0] * corners[last, 2]
        edges[corner, 2] = corners[after, 0] * corners[last, 1] - corners[after, 1] * corners[last, 0]
    volume = corners[0, 0] * edges[0, 0] + corners[0, 1] * edges[0, 1] + corners[0, 2] * edges[0, 2]
    scale = 1.0 / volume if volume != 0.0 else 0.0
    side = ONE if volume < 0.0 else -ONE
    for corner in range(3):
        vertex = geometry.faces[face, corner] + first
        _light_vertex(geometry.normals[vertex], poses[slot], light, world, side, lit)
        for axis in range(3):
            edge = np.float32(edges[corner, axis] * scale)
            plane[axis] += edge
            for channel in range(3):
                plane[3 + 3 * channel + axis] += edge * lit[channel]
            plane[12 + axis] += edge * geometry.uvs[vertex, 0]
            plane[15 + axis] += edge * geometry.uvs[vertex, 1]
    emissive = geometry.surface_flags[surface] & EMISSIVE
    for channel in range(3):
        colour = geometry.surface_colours[surface, channel] * colours[slot, channel]
        for axis in range(3):
            lit_plane = plane[axis] if emissive else plane[3 + 3 * channel + axis]
            plane[3 + 3 * channel + axis] = lit_plane * colour * colour
    scratch.planes_ready[triangle] = 1


@kernel
def _light_vertex(normal, pose, light, world, side, lit):  # type: ignore[no-untyped-def]
    """Sun and sky on a vertex: Lambert's cosine law, and a hemisphere that fades from sky to ground."""
    x = pose[0, 0] * normal[0] + pose[0, 1] * normal[1] + pose[0, 2] * normal[2]
    y = pose[1, 0] * normal[0] + pose[1, 1] * normal[1] + pose[1, 2] * normal[2]
    z = pose[2, 0] * normal[0] + pose[2, 1] * normal[1] + pose[2, 2] * normal[2]
    length = np.sqrt(x * x + y * y + z * z)
    share = side / length if length > ZERO else ZERO
    direction = light.sun_direction[world]
    sun = max((x * direction[0] + y * direction[1] + z * direction[2]) * share, ZERO)
    up = HALF + HALF * z * share
    for channel in range(3):
        high, low = light.sky_zenith[world, channel], light.sky_horizon[world, channel]
        sky = HALF * (high * high + low * low)
        ground = light.ground[world, channel] ** 2
        lit[channel] = sun * light.sun[world, channel] ** 2 + ground + up * (sky - ground)


@kernel
def _mip_level(geometry, texture, plane, u, v, step):  # type: ignore[no-untyped-def]
    """Level of detail at which a pixel is one texel along the longer of its two footprints (Williams, 1983)."""
    width = np.float32(1 << geometry.texture_levels[texture, 0, 1])
    height = np.float32(1 << geometry.texture_levels[texture, 0, 2])
    across_u = (plane[12] - u * plane[0]) * step * width
    across_v = (plane[15] - v * plane[0]) * step * height
    down_u = (plane[13] - u * plane[1]) * step * width
    down_v = (plane[16] - v * plane[1]) * step * height
    square = max(across_u * across_u + across_v * across_v, down_u * down_u + down_v * down_v)
    if not square > ONE:
        return ZERO
    return min(HALF * np.float32(np.log2(square)), np.float32(15.0))


@kernel
def _sample(geometry, texture, u, v, level):  # type: ignore[no-untyped-def]
    """Trilinear sample of a repeating texture, as three 16-bit lanes."""
    whole = int(level)
    texel = _bilinear(geometry, texture, u, v, whole)
    part = np.uint64((level - np.float32(whole)) * np.float32(256.0))
    if part == 0 or whole >= 15:
        return texel
    return _blend(texel, _bilinear(geometry, texture, u, v, whole + 1), part)


@kernel
def _bilinear(geometry, texture, u, v, level):  # type: ignore[no-untyped-def]
    offset = geometry.texture_levels[texture, level, 0]
    log_width, log_height = geometry.texture_levels[texture, level, 1], geometry.texture_levels[texture, level, 2]
    width, height = 1 << log_width, 1 << log_height
    if not (abs(u) < np.float32(1e6) and abs(v) < np.float32(1e6)):
        return geometry.texels[offset]
    x = np.int64(np.floor((u * np.float32(width) - HALF) * np.float32(256.0)))
    y = np.int64(np.floor((v * np.float32(height) - HALF) * np.float32(256.0)))
    left, top = (x >> 8) & (width - 1), (y >> 8) & (height - 1)
    right, bottom = (left + 1) & (width - 1), (top + 1) & (height - 1)
    part_x, part_y = np.uint64(x & 255), np.uint64(y & 255)
    upper, lower = offset + (top << log_width), offset + (bottom << log_width)
    above = _blend(geometry.texels[upper + left], geometry.texels[upper + right], part_x)
    below = _blend(geometry.texels[lower + left], geometry.texels[lower + right], part_x)
    return _blend(above, below, part_y)


@kernel
def _blend(first, second, part):  # type: ignore[no-untyped-def]
    """(1 − part/256)·first + part/256·second in each 16-bit lane."""
    return ((first * (UNIT - part) + second * part) >> EIGHT) & LANES
