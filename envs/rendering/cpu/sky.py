"""Sky and fog: gradient sky with a glow around the sun, and exponential fog."""

from __future__ import annotations

import numpy as np

from camshaft.envs.kernels import inlined

ONE = np.float32(1.0)
HALF = np.float32(0.5)
ZERO = np.float32(0.0)
FAINT = np.float32(0.3)  # the 64th power is invisible but not denormal, which would be slow
MAX_EIGHTH = np.float32(5.0)  # an eighth of the optical depth beyond which only fog is visible
MID_ELEVATION = np.float32(0.18)  # sine of the elevation halfway from the horizon's color to the zenith's
FOG_HEIGHT = np.float32(150.0)  # meters, thickness of the fog layer
MIN_ELEVATION = np.float32(1e-3)  # sine; lower rays have the same path length through the fog


@inlined
def shade_sky(
    ray_x, ray_y, lengths, start, stop, world_from_view, sun, horizon, zenith, glow_color, fog, light
):  # type: ignore[no-untyped-def]
    """Write the light of the sky along part of a row: a gradient from horizon to zenith, sun glow and fog.

    Args:
        ray_x: x of the row's rays in the axes of one view, at z = 1.
        ray_y: y of the rays.
        lengths: lengths of the rays.
        start: first pixel.
        stop: end of the pixels.
        world_from_view: (3, 4).
        sun: (3,) unit, world frame.
        horizon: linear color at the horizon.
        zenith: linear color at the zenith.
        glow_color: linear color of the sun's glow.
        fog: density, 1/m.
        light: (3, W) to fill.
    """
    right, down, ahead = world_from_view[2, 0], world_from_view[2, 1], world_from_view[2, 2]
    sun_x = sun[0] * world_from_view[0, 0] + sun[1] * world_from_view[1, 0] + sun[2] * right
    sun_y = sun[0] * world_from_view[0, 1] + sun[1] * world_from_view[1, 1] + sun[2] * down
    sun_z = sun[0] * world_from_view[0, 2] + sun[1] * world_from_view[1, 2] + sun[2] * ahead
    red, green, blue = zenith[0] - horizon[0], zenith[1] - horizon[1], zenith[2] - horizon[2]
    eighth = np.float32(0.125) * fog * FOG_HEIGHT
    for pixel in range(np.uint64(start), np.uint64(stop)):
        x, y, inverse = ray_x[pixel], ray_y[pixel], ONE / lengths[pixel]
        elevation = (right * x + down * y + ahead) * inverse
        elevation = elevation if elevation > ZERO else ZERO
        height = elevation / (elevation + MID_ELEVATION) * (ONE + MID_ELEVATION)
        glow = (sun_x * x + sun_y * y + sun_z) * inverse
        glow = glow if glow > FAINT else FAINT
        glow *= glow
        glow *= glow
        glow *= glow
        glow *= glow
        glow *= glow
        glow *= glow
        elevation = elevation if elevation > MIN_ELEVATION else MIN_ELEVATION
        clear = transmittance(eighth / elevation)
        height *= clear
        glow *= clear
        light[0, pixel] = horizon[0] + height * red + glow * glow_color[0]
        light[1, pixel] = horizon[1] + height * green + glow * glow_color[1]
        light[2, pixel] = horizon[2] + height * blue + glow * glow_color[2]


@inlined
def add_fog(density, horizon, inverse_depth, lengths, light):  # type: ignore[no-untyped-def]
    """Blend a row toward the horizon's color by distance; the sky (1/depth = 0) is left unchanged."""
    eighth = density * np.float32(0.125)
    for pixel in range(np.uint64(inverse_depth.shape[0])):
        w = inverse_depth[pixel]
        is_surface = w > ZERO
        w = w if is_surface else ONE
        x = eighth * lengths[pixel] / w
        clear = transmittance(x if is_surface else ZERO)
        light[0, pixel] = horizon[0] + clear * (light[0, pixel] - horizon[0])
        light[1, pixel] = horizon[1] + clear * (light[1, pixel] - horizon[1])
        light[2, pixel] = horizon[2] + clear * (light[2, pixel] - horizon[2])


@inlined
def transmittance(eighth):  # type: ignore[no-untyped-def]
    """Transmittance exp(−8 x): the eighth power of a rational approximation of exp(−x), accurate to 0.2 %."""
    x = eighth if eighth < MAX_EIGHTH else MAX_EIGHTH
    clear = ONE / (ONE + x * (ONE + x * (HALF + x * np.float32(1.0 / 6.0))))
    clear *= clear
    clear *= clear
    return clear * clear
