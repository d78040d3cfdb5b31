"""What the pixels of a row mirror: the sky, and the sun as a highlight.

`shine_row` writes the normals and gloss of its shiny pixels, triangle by triangle, then works the whole row at once,
vectorized; pixels between them have no gloss. Highlights are Blinn's, with Schlick's approximation of Fresnel's
reflectance.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.kernels import inlined
from camshaft.envs.rendering.cpu.gather import LANES, RUN
from camshaft.envs.rendering.cpu.planes import ALBEDO, NORMAL, SHINY, run_of
from camshaft.envs.rendering.cpu.texturing import power_of_two, whole_lanes
from camshaft.envs.rendering.cpu.visibility import METALLIC

ONE = np.float32(1.0)
TWO = np.float32(2.0)
HALF = np.float32(0.5)
ZERO = np.float32(0.0)
FAINT = np.float32(1e-18)  # what is squared is kept from becoming a denormal number
TINY = np.float32(1e-12)


class Gloss(NamedTuple):
    """What the W pixels of a row are like; RUN more may be written.

    Attributes:
        normals: (3, W) in view axes, over depth.
        mirrored: (W,) share of the light that is mirrored, at first where one looks straight down.
        tints: (3, W) linear color of what is mirrored.
        powers: (W,) log2 of the shininess.
        spots: (W,) the sun's highlight.
        sky: (3, W) linear light from where a pixel mirrors.
    """

    normals: NDArray[np.float32]
    mirrored: NDArray[np.float32]
    tints: NDArray[np.float32]
    powers: NDArray[np.int32]
    spots: NDArray[np.float32]
    sky: NDArray[np.float32]


def make_gloss(width: int) -> Gloss:
    """Buffers for rows of this width."""
    padded = width + RUN
    return Gloss(
        normals=np.zeros((3, padded), np.float32),
        mirrored=np.zeros(padded, np.float32),
        tints=np.zeros((3, padded), np.float32),
        powers=np.zeros(padded, np.int32),
        spots=np.zeros(padded, np.float32),
        sky=np.zeros((3, padded), np.float32),
    )


@inlined
def shine_row(
    geometry, scratch, row_triangles, ray_x, ray_y, sun_direction, sun, zenith, horizon, ground, buffer
):  # type: ignore[no-untyped-def]
    """Add what the pixels of a row mirror to their light."""
    gloss = scratch.gloss
    column, width = 0, row_triangles.shape[0]
    first, behind, view, most = 0, 0, -1, 0
    while column < width:
        triangle, stop = run_of(row_triangles, column, width)
        if triangle >= 0 and scratch.traits[triangle] & SHINY:
            if view >= 0 and view != scratch.drawn[triangle, 4]:
                _matt(gloss, behind, behind + LANES)
                _shine(
                    gloss, first, behind, most, ray_x, ray_y, scratch.world_from_view[view],
                    sun_direction, sun, zenith, horizon, ground, scratch.shade, buffer,
                )  # fmt: skip
                view, most = -1, 0
            if view < 0:
                view, first, behind = scratch.drawn[triangle, 4], column, column
            _matt(gloss, behind, column)
            surface = geometry.face_surfaces[scratch.drawn[triangle, 0]]
            power = int(geometry.surface_gloss[surface, 1])
            metallic = geometry.surface_flags[surface] & METALLIC
            _note(
                gloss, scratch.planes[triangle], ray_x, ray_y, column, stop,
                geometry.surface_gloss[surface, 0], power, metallic,
            )  # fmt: skip
            behind, most = stop, int(max(most, power))
        column = stop
    if view >= 0:
        _matt(gloss, behind, behind + LANES)
        _shine(
            gloss, first, behind, most, ray_x, ray_y, scratch.world_from_view[view],
            sun_direction, sun, zenith, horizon, ground, scratch.shade, buffer,
        )  # fmt: skip


@inlined
def _matt(gloss, start, stop):  # type: ignore[no-untyped-def]
    """Let pixels mirror nothing."""
    for pixel in range(np.uint64(start), np.uint64(max(start, stop))):
        gloss.mirrored[pixel] = ZERO
        gloss.powers[pixel] = 0
        for axis in range(np.uint64(3)):
            gloss.tints[axis, pixel] = ZERO
            gloss.normals[axis, pixel] = ZERO


@inlined
def _note(gloss, plane, ray_x, ray_y, start, stop, specular, power, metallic):  # type: ignore[no-untyped-def]
    """Write the normals and gloss of pixels of one triangle."""
    red = plane[ALBEDO] if metallic else ONE
    green = plane[ALBEDO + 1] if metallic else ONE
    blue = plane[ALBEDO + 2] if metallic else ONE
    x0, x1, x2 = plane[NORMAL], plane[NORMAL + 1], plane[NORMAL + 2]
    y0, y1, y2 = plane[NORMAL + 3], plane[NORMAL + 4], plane[NORMAL + 5]
    z0, z1, z2 = plane[NORMAL + 6], plane[NORMAL + 7], plane[NORMAL + 8]
    for place in range(whole_lanes(stop - start)):
        pixel = np.uint64(start) + place
        x, y = ray_x[pixel], ray_y[pixel]
        gloss.normals[0, pixel] = x0 * x + x1 * y + x2
        gloss.normals[1, pixel] = y0 * x + y1 * y + y2
        gloss.normals[2, pixel] = z0 * x + z1 * y + z2
        gloss.mirrored[pixel] = specular
        gloss.powers[pixel] = power
        gloss.tints[0, pixel] = red
        gloss.tints[1, pixel] = green
        gloss.tints[2, pixel] = blue


@inlined
def _shine(
    gloss,
    start,
    stop,
    most,
    ray_x,
    ray_y,
    world_from_view,
    sun_direction,
    sun,
    zenith,
    horizon,
    ground,
    shade,
    buffer,
):  # type: ignore[no-untyped-def]
    """Add the mirrored sky, and the sun's highlight, along pixels of one view."""
    up_x, up_y, up_z = world_from_view[2, 0], world_from_view[2, 1], world_from_view[2, 2]
    sun_x, sun_y, sun_z = (
        sun_direction[0] * world_from_view[0, 0] + sun_direction[1] * world_from_view[1, 0],
        sun_direction[0] * world_from_view[0, 1] + sun_direction[1] * world_from_view[1, 1],
        sun_direction[0] * world_from_view[0, 2] + sun_direction[1] * world_from_view[1, 2],
    )
    sun_x, sun_y, sun_z = (
        sun_x + sun_direction[2] * up_x,
        sun_y + sun_direction[2] * up_y,
        sun_z + sun_direction[2] * up_z,
    )
    normals, mirrored, spots, sky = gloss.normals, gloss.mirrored, gloss.spots, gloss.sky
    rise_red, rise_green, rise_blue = zenith[0] - horizon[0], zenith[1] - horizon[1], zenith[2] - horizon[2]
    low_red, low_green, low_blue = horizon[0] - ground[0], horizon[1] - ground[1], horizon[2] - ground[2]
    first, count = np.uint64(start), whole_lanes(stop - start)
    for place in range(count):
        pixel = first + place
        x, y = ray_x[pixel], ray_y[pixel]
        n_x, n_y, n_z = normals[0, pixel], normals[1, pixel], normals[2, pixel]
        shrink = ONE / (np.sqrt(n_x * n_x + n_y * n_y + n_z * n_z) + TINY)
        n_x, n_y, n_z = n_x * shrink, n_y * shrink, n_z * shrink
        inverse = ONE / np.sqrt(x * x + y * y + ONE)
        v_x, v_y, v_z = -x * inverse, -y * inverse, -inverse
        facing = n_x * v_x + n_y * v_y + n_z * v_z
        facing = facing if facing > ZERO else ZERO
        away = ONE - facing
        square = away * away
        specular = mirrored[pixel]
        mirrored[pixel] = specular + (ONE - specular) * square * square * away
        r_x, r_y, r_z = TWO * facing * n_x - v_x, TWO * facing * n_y - v_y, TWO * facing * n_z - v_z
        rise = r_x * up_x + r_y * up_y + r_z * up_z
        blend = rise * np.float32(4.0) + HALF  # soft across the horizon
        blend = blend if blend > ZERO else ZERO
        blend = blend if blend < ONE else ONE
        high = rise if rise > ZERO else ZERO
        h_x, h_y, h_z = v_x + sun_x, v_y + sun_y, v_z + sun_z
        cosine = n_x * h_x + n_y * h_y + n_z * h_z
        cosine = cosine / np.sqrt(h_x * h_x + h_y * h_y + h_z * h_z + np.float32(1e-6))
        lit = (cosine > ZERO) & (n_x * sun_x + n_y * sun_y + n_z * sun_z > ZERO)
        spots[pixel] = cosine if lit else ZERO
        sky[0, pixel] = ground[0] + blend * (low_red + high * rise_red)
        sky[1, pixel] = ground[1] + blend * (low_green + high * rise_green)
        sky[2, pixel] = ground[2] + blend * (low_blue + high * rise_blue)
    for squaring in range(most):
        for place in range(count):
            pixel = first + place
            spot = spots[pixel]
            squared = spot * spot if spot > FAINT else ZERO
            spots[pixel] = squared if gloss.powers[pixel] > np.int32(squaring) else spot
    for place in range(count):
        pixel = first + place
        peak = (power_of_two(gloss.powers[pixel]) + np.float32(8.0)) * np.float32(0.125)
        spots[pixel] *= peak * shade[pixel]
    for channel in range(3):
        for place in range(count):
            pixel = first + place
            seen = sky[channel, pixel] + spots[pixel] * sun[channel]
            buffer[channel, pixel] += mirrored[pixel] * gloss.tints[channel, pixel] * seen
