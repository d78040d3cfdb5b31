"""Second pass: colour and labels of each pixel, from the triangle that the first pass found there.

Over the image, attributes divided by depth are linear (Olano and Greer, "Triangle scan conversion using 2D
homogeneous coordinates", 1997). Each triangle that is seen somewhere gets, once, the plane equations of
1/depth-weighted light and texture coordinates; a pixel then costs a few multiplications and one division.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.kernels import inlined, kernel
from envs.rendering.texturing import texture_run
from envs.rendering.visibility import draw_world

EMISSIVE = 2

ONE = np.float32(1.0)
FAINT = np.float32(0.3)  # its 64th power is invisible, but no denormal number, which would be slow
HALF = np.float32(0.5)
ZERO = np.float32(0.0)


class Light(NamedTuple):
    """Light, sky and fog of all worlds, (N, …), display colours, as in SceneState."""

    sun_direction: NDArray[np.float32]
    sun: NDArray[np.float32]
    sky_zenith: NDArray[np.float32]
    sky_horizon: NDArray[np.float32]
    ground: NDArray[np.float32]
    fog_density: NDArray[np.float32]


class Outputs(NamedTuple):
    """Images to fill, (n, H, W) and rgb (n, H, 3 W); an output that nobody asked for has n = 0."""

    rgb: NDArray[np.uint8]
    depth: NDArray[np.float32]
    segmentation: NDArray[np.uint8]
    instances: NDArray[np.uint16]


@kernel
def draw_worlds(
    start,
    stop,
    worlds,
    geometry,
    meshes,
    poses,
    bounds,
    colours,
    instances,
    cameras,
    light,
    lens,
    scratch,
    outputs,
):  # type: ignore[no-untyped-def]
    """Draw rows start to stop of the outputs: row i is world `worlds[i]` seen by `cameras[i]`."""
    for row in range(start, stop):
        world = worlds[row]
        _invert(cameras[row], scratch.camera_from_world)
        draw_world(geometry, meshes[world], poses[world], bounds[world], lens, scratch)
        if outputs.rgb.shape[0] > 0:
            _shade(
                geometry,
                poses[world],
                colours[world],
                cameras[row],
                light,
                world,
                lens,
                scratch,
                outputs.rgb[row],
            )
        if outputs.depth.shape[0] > 0:
            _write_depth(scratch.inverse_depth, lens, outputs.depth[row])
        if outputs.segmentation.shape[0] > 0:
            _write_labels(geometry, scratch, outputs.segmentation[row])
        if outputs.instances.shape[0] > 0:
            _write_instances(instances, scratch, outputs.instances[row])


@inlined
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


@inlined
def _write_labels(geometry, scratch, labels):  # type: ignore[no-untyped-def]
    height, width = labels.shape
    for row in range(height):
        for column in range(width):
            triangle = scratch.triangles[row, column]
            if triangle < 0:
                labels[row, column] = 0
            else:
                labels[row, column] = geometry.surface_labels[
                    geometry.face_surfaces[scratch.drawn[triangle, 0]]
                ]


@inlined
def _write_instances(instances, scratch, image):  # type: ignore[no-untyped-def]
    height, width = image.shape
    for row in range(height):
        for column in range(width):
            triangle = scratch.triangles[row, column]
            image[row, column] = 0 if triangle < 0 else instances[scratch.drawn[triangle, 1]]


@kernel
def _shade(geometry, poses, colours, camera, light, world, lens, scratch, rgb):  # type: ignore[no-untyped-def]
    """Colour every pixel of one frame; rgb is (H, 3 W)."""
    height, width = scratch.triangles.shape
    step = np.float32(1.0 / lens.focal)
    left = (HALF - HALF * np.float32(width)) * step
    row_light, triangles, planes, ready, drawn = (
        scratch.row_light, scratch.triangles, scratch.planes, scratch.planes_ready, scratch.drawn
    )  # fmt: skip
    textures, face_surfaces = geometry.surface_textures, geometry.face_surfaces
    sky = (light.sun_direction[world], light.sky_horizon[world], light.sky_zenith[world], light.sun[world])
    for row in range(height):
        y = (np.float32(row) + HALF - HALF * np.float32(height)) * step
        column = 0
        while column < width:
            triangle = triangles[row, column]
            stop = column + 1
            while stop < width and triangles[row, stop] == triangle:
                stop += 1
            x = left + np.float32(column) * step
            if triangle < 0:
                _shade_sky(x, y, step, column, stop, camera, sky, row_light)
            else:
                if not ready[triangle]:
                    _set_up(geometry, poses, colours, light, world, scratch, triangle)
                texture = textures[face_surfaces[drawn[triangle, 0]]]
                _shade_run(planes[triangle], x, y, step, column, stop, row_light)
                if texture >= 0:
                    levels = geometry.texture_levels[texture]
                    texture_run(
                        levels, geometry.texels, planes[triangle], x, y, step, column, stop, row_light
                    )
            column = stop
        if light.fog_density[world] > ZERO:
            _fog_row(
                light.fog_density[world], light.sky_horizon[world], scratch.inverse_depth[row], row_light
            )
        _display_row(row_light, rgb[row])


@inlined
def _shade_run(plane, x, y, step, start, stop, row_light):  # type: ignore[no-untyped-def]
    """Interpolated light along pixels of one triangle."""
    weight, weight_step = plane[0] * x + plane[1] * y + plane[2], plane[0] * step
    red, red_step = plane[3] * x + plane[4] * y + plane[5], plane[3] * step
    green, green_step = plane[6] * x + plane[7] * y + plane[8], plane[6] * step
    blue, blue_step = plane[9] * x + plane[10] * y + plane[11], plane[9] * step
    for pixel in range(start, stop):
        share = ONE / weight
        row_light[3 * pixel] = red * share
        row_light[3 * pixel + 1] = green * share
        row_light[3 * pixel + 2] = blue * share
        weight += weight_step
        red += red_step
        green += green_step
        blue += blue_step


@kernel
def _fog_row(fog_density, horizon, inverse_depth, row_light):  # type: ignore[no-untyped-def]
    """Blend a row towards the horizon's colour by depth; sky pixels (1/depth = 0) keep theirs.

    The transmittance exp(−x) is the eighth power of a rational approximation of exp(−x/8), right to 0.2 %.
    """
    density = fog_density * np.float32(0.125)
    red, green, blue = _linear(horizon)
    for pixel in range(inverse_depth.shape[0]):
        w = inverse_depth[pixel]
        x = density / w if w > ZERO else ZERO
        x = x if x < np.float32(5.0) else np.float32(5.0)
        clear = ONE / (ONE + x * (ONE + x * (HALF + x * np.float32(1.0 / 6.0))))
        clear *= clear
        clear *= clear
        clear *= clear
        row_light[3 * pixel] = red + clear * (row_light[3 * pixel] - red)
        row_light[3 * pixel + 1] = green + clear * (row_light[3 * pixel + 1] - green)
        row_light[3 * pixel + 2] = blue + clear * (row_light[3 * pixel + 2] - blue)


@kernel
def _display_row(row_light, row):  # type: ignore[no-untyped-def]
    """Linear light as display bytes (gamma 2, the inverse of what `Texture` assumes)."""
    for index in range(row.shape[0]):
        value = row_light[index]
        value = value if value > ZERO else ZERO
        value = value if value < ONE else ONE
        row[index] = np.uint8(np.int32(np.sqrt(value) * np.float32(255.0) + HALF))


@kernel
def _shade_sky(x, y, step, start, stop, camera, sky, row_light):  # type: ignore[no-untyped-def]
    """Sky from horizon to zenith, with a glow about the sun."""
    sun = sky[0]
    across = np.float32(camera[2, 0])
    along = np.float32(camera[2, 1]) * y + np.float32(camera[2, 2])
    sun_right = np.float32(sun[0] * camera[0, 0] + sun[1] * camera[1, 0] + sun[2] * camera[2, 0])
    sun_down = np.float32(sun[0] * camera[0, 1] + sun[1] * camera[1, 1] + sun[2] * camera[2, 1])
    sun_ahead = np.float32(sun[0] * camera[0, 2] + sun[1] * camera[1, 2] + sun[2] * camera[2, 2])
    low_red, low_green, low_blue = _linear(sky[1])
    high_red, high_green, high_blue = _linear(sky[2])
    sun_red, sun_green, sun_blue = _linear(sky[3])
    for pixel in range(stop - start):
        right = x + np.float32(np.int32(pixel)) * step
        inverse = ONE / np.sqrt(right * right + y * y + ONE)
        elevation = (across * right + along) * inverse
        elevation = elevation if elevation > ZERO else ZERO
        height = elevation / (elevation + np.float32(0.18)) * np.float32(1.18)
        glow = (sun_right * right + sun_down * y + sun_ahead) * inverse
        glow = glow if glow > FAINT else FAINT
        glow *= glow
        glow *= glow
        glow *= glow
        glow *= glow
        glow *= glow
        glow *= glow
        place = 3 * (start + pixel)
        row_light[place] = low_red + height * (high_red - low_red) + glow * sun_red
        row_light[place + 1] = low_green + height * (high_green - low_green) + glow * sun_green
        row_light[place + 2] = low_blue + height * (high_blue - low_blue) + glow * sun_blue


@inlined
def _linear(colour):  # type: ignore[no-untyped-def]
    """Linear light of a display colour."""
    return colour[0] * colour[0], colour[1] * colour[1], colour[2] * colour[2]


@inlined
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
    sun_direction, sun_colour, ground = light.sun_direction[world], light.sun[world], light.ground[world]
    high, low = light.sky_zenith[world], light.sky_horizon[world]
    sky = (
        HALF * (high[0] * high[0] + low[0] * low[0]),
        HALF * (high[1] * high[1] + low[1] * low[1]),
        HALF * (high[2] * high[2] + low[2] * low[2]),
    )
    for corner in range(3):
        vertex = geometry.faces[face, corner] + first
        _light_vertex(
            geometry.normals[vertex], poses[slot], sun_direction, sun_colour, sky, ground, side, lit
        )
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


@inlined
def _light_vertex(normal, pose, direction, sun_colour, sky, ground, side, lit):  # type: ignore[no-untyped-def]
    """Sun and sky on a vertex: Lambert's cosine law, and a hemisphere that fades from sky to ground."""
    x = pose[0, 0] * normal[0] + pose[0, 1] * normal[1] + pose[0, 2] * normal[2]
    y = pose[1, 0] * normal[0] + pose[1, 1] * normal[1] + pose[1, 2] * normal[2]
    z = pose[2, 0] * normal[0] + pose[2, 1] * normal[1] + pose[2, 2] * normal[2]
    length = np.sqrt(x * x + y * y + z * z)
    share = side / length if length > ZERO else ZERO
    sun = max((x * direction[0] + y * direction[1] + z * direction[2]) * share, ZERO)
    up = HALF + HALF * z * share
    for channel in range(3):
        below = ground[channel] * ground[channel]
        lit[channel] = sun * sun_colour[channel] * sun_colour[channel] + below + up * (sky[channel] - below)
