"""Specular reflection: the sky mirrored by the pixels of a row, and highlights of the sun.

`add_reflections` writes the normals and materials of the specular pixels, triangle by triangle, then shades the row at
once, vectorized; pixels in between get a reflectance of 0. Blinn highlights, with Schlick's approximation of the
Fresnel reflectance.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.kernels import inlined
from camshaft.envs.rendering.cpu.gather import LANES, RUN
from camshaft.envs.rendering.cpu.planes import ALBEDO, NORMAL, SPECULAR, run_of
from camshaft.envs.rendering.cpu.texturing import power_of_two, whole_lanes
from camshaft.envs.rendering.geometry import METALLIC

ONE = np.float32(1.0)
TWO = np.float32(2.0)
HALF = np.float32(0.5)
ZERO = np.float32(0.0)
FAINT = np.float32(1e-18)  # smaller numbers become 0, so that squares are not denormal
TINY = np.float32(1e-12)


class Reflections(NamedTuple):
    """Specular materials and reflections of the W pixels of a row; RUN more may be written.

    Attributes:
        normals: (3, W) in view axes, divided by depth.
        reflectances: (W,) first at normal incidence, then in the direction of view.
        tints: (3, W) linear color of the reflection.
        powers: (W,) log2 of the shininess.
        highlights: (W,) of the sun.
        sky: (3, W) linear light of the reflected sky.
    """

    normals: NDArray[np.float32]
    reflectances: NDArray[np.float32]
    tints: NDArray[np.float32]
    powers: NDArray[np.int32]
    highlights: NDArray[np.float32]
    sky: NDArray[np.float32]


def make_reflections(width: int) -> Reflections:
    """Buffers for rows of this width."""
    padded = width + RUN
    return Reflections(
        normals=np.zeros((3, padded), np.float32),
        reflectances=np.zeros(padded, np.float32),
        tints=np.zeros((3, padded), np.float32),
        powers=np.zeros(padded, np.int32),
        highlights=np.zeros(padded, np.float32),
        sky=np.zeros((3, padded), np.float32),
    )


@inlined
def add_reflections(
    geometry,
    scratch,
    row_triangles,
    begin,
    width,
    ray_x,
    ray_y,
    sun_direction,
    sun,
    zenith,
    horizon,
    ground,
    buffer,
):  # type: ignore[no-untyped-def]
    """Add the reflections of the pixels of a row from `begin` to `width` to their light."""
    reflections = scratch.reflections
    column = begin
    first, end, view, max_power = 0, 0, -1, 0
    while column < width:
        triangle, stop = run_of(row_triangles, column, width)
        if triangle >= 0 and scratch.traits[triangle] & SPECULAR:
            if view >= 0 and view != scratch.rendered[triangle, 4]:
                _clear(reflections, end, end + LANES)
                _reflect(
                    reflections, first, end, max_power, ray_x, ray_y, scratch.world_from_view[view],
                    sun_direction, sun, zenith, horizon, ground, scratch.sun_visibility, buffer,
                )  # fmt: skip
                view, max_power = -1, 0
            if view < 0:
                view, first, end = scratch.rendered[triangle, 4], column, column
            _clear(reflections, end, column)
            surface = geometry.face_surfaces[scratch.rendered[triangle, 0]]
            power = int(geometry.surface_specular[surface, 1])
            metallic = geometry.surface_flags[surface] & METALLIC
            _write_materials(
                reflections, scratch.planes[triangle], ray_x, ray_y, column, stop,
                geometry.surface_specular[surface, 0], power, metallic,
            )  # fmt: skip
            end, max_power = stop, int(max(max_power, power))
        column = stop
    if view >= 0:
        _clear(reflections, end, end + LANES)
        _reflect(
            reflections, first, end, max_power, ray_x, ray_y, scratch.world_from_view[view],
            sun_direction, sun, zenith, horizon, ground, scratch.sun_visibility, buffer,
        )  # fmt: skip


@inlined
def _clear(reflections, start, stop):  # type: ignore[no-untyped-def]
    """Set the reflectance of pixels to 0."""
    for pixel in range(np.uint64(start), np.uint64(max(start, stop))):
        reflections.reflectances[pixel] = ZERO
        reflections.powers[pixel] = 0
        for axis in range(np.uint64(3)):
            reflections.tints[axis, pixel] = ZERO
            reflections.normals[axis, pixel] = ZERO


@inlined
def _write_materials(reflections, plane, ray_x, ray_y, start, stop, specular, power, metallic):  # type: ignore[no-untyped-def]
    """Write the normals and specular material of pixels of one triangle."""
    red = plane[ALBEDO] if metallic else ONE
    green = plane[ALBEDO + 1] if metallic else ONE
    blue = plane[ALBEDO + 2] if metallic else ONE
    x0, x1, x2 = plane[NORMAL], plane[NORMAL + 1], plane[NORMAL + 2]
    y0, y1, y2 = plane[NORMAL + 3], plane[NORMAL + 4], plane[NORMAL + 5]
    z0, z1, z2 = plane[NORMAL + 6], plane[NORMAL + 7], plane[NORMAL + 8]
    for index in range(whole_lanes(stop - start)):
        pixel = np.uint64(start) + index
        x, y = ray_x[pixel], ray_y[pixel]
        reflections.normals[0, pixel] = x0 * x + x1 * y + x2
        reflections.normals[1, pixel] = y0 * x + y1 * y + y2
        reflections.normals[2, pixel] = z0 * x + z1 * y + z2
        reflections.reflectances[pixel] = specular
        reflections.powers[pixel] = power
        reflections.tints[0, pixel] = red
        reflections.tints[1, pixel] = green
        reflections.tints[2, pixel] = blue


@inlined
def _reflect(
    reflections,
    start,
    stop,
    max_power,
    ray_x,
    ray_y,
    world_from_view,
    sun_direction,
    sun,
    zenith,
    horizon,
    ground,
    sun_visibility,
    buffer,
):  # type: ignore[no-untyped-def]
    """Add the reflected sky and the highlight of the sun to pixels of one view."""
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
    normals, reflectances, highlights, sky = (
        reflections.normals,
        reflections.reflectances,
        reflections.highlights,
        reflections.sky,
    )
    rise_red, rise_green, rise_blue = zenith[0] - horizon[0], zenith[1] - horizon[1], zenith[2] - horizon[2]
    low_red, low_green, low_blue = horizon[0] - ground[0], horizon[1] - ground[1], horizon[2] - ground[2]
    first, count = np.uint64(start), whole_lanes(stop - start)
    for index in range(count):
        pixel = first + index
        x, y = ray_x[pixel], ray_y[pixel]
        n_x, n_y, n_z = normals[0, pixel], normals[1, pixel], normals[2, pixel]
        scale = ONE / (np.sqrt(n_x * n_x + n_y * n_y + n_z * n_z) + TINY)
        n_x, n_y, n_z = n_x * scale, n_y * scale, n_z * scale
        inverse = ONE / np.sqrt(x * x + y * y + ONE)
        v_x, v_y, v_z = -x * inverse, -y * inverse, -inverse
        facing = n_x * v_x + n_y * v_y + n_z * v_z
        facing = facing if facing > ZERO else ZERO
        away = ONE - facing
        square = away * away
        specular = reflectances[pixel]
        reflectances[pixel] = specular + (ONE - specular) * square * square * away
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
        highlights[pixel] = cosine if lit else ZERO
        sky[0, pixel] = ground[0] + blend * (low_red + high * rise_red)
        sky[1, pixel] = ground[1] + blend * (low_green + high * rise_green)
        sky[2, pixel] = ground[2] + blend * (low_blue + high * rise_blue)
    for squaring in range(max_power):
        for index in range(count):
            pixel = first + index
            highlight = highlights[pixel]
            squared = highlight * highlight if highlight > FAINT else ZERO
            highlights[pixel] = squared if reflections.powers[pixel] > np.int32(squaring) else highlight
    for index in range(count):
        pixel = first + index
        peak = (power_of_two(reflections.powers[pixel]) + np.float32(8.0)) * np.float32(0.125)
        highlights[pixel] *= peak * sun_visibility[pixel]
    for channel in range(3):
        for index in range(count):
            pixel = first + index
            incoming = sky[channel, pixel] + highlights[pixel] * sun[channel]
            buffer[channel, pixel] += reflectances[pixel] * reflections.tints[channel, pixel] * incoming
