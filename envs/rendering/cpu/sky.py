"""Sky and fog."""

from __future__ import annotations

import numpy as np

from camshaft.envs.kernels import inlined

ONE = np.float32(1.0)
HALF = np.float32(0.5)
ZERO = np.float32(0.0)
FAINT = np.float32(0.3)  # its 64th power is invisible, but no denormal number, which would be slow
DENSEST = np.float32(5.0)  # eighths of an optical depth; all that is farther is fog
RISE = np.float32(0.18)  # sine of the elevation at which the sky is half its way to the zenith's color
HAZE_HEIGHT = np.float32(150.0)  # meters that fog reaches up
LOWEST = np.float32(1e-3)  # sine of an elevation; lower rays are as long as this one


@inlined
def shade_sky(ray_x, ray_y, lengths, start, stop, world_from_view, sun, horizon, zenith, glare, fog, light):  # type: ignore[no-untyped-def]
    """Light of the sky along part of a row: from horizon to zenith, with a glow about the sun, through the fog.

    Args:
        ray_x: of the row's rays, in the axes of one view.
        ray_y: likewise.
        lengths: of those rays.
        start: first pixel.
        stop: the pixel behind the last.
        world_from_view: (3, 4).
        sun: (3,) unit, world frame.
        horizon: linear color.
        zenith: likewise.
        glare: likewise, of the sun.
        fog: density, 1/m.
        light: (3, W) to fill.
    """
    right, down, ahead = world_from_view[2, 0], world_from_view[2, 1], world_from_view[2, 2]
    sun_x = sun[0] * world_from_view[0, 0] + sun[1] * world_from_view[1, 0] + sun[2] * right
    sun_y = sun[0] * world_from_view[0, 1] + sun[1] * world_from_view[1, 1] + sun[2] * down
    sun_z = sun[0] * world_from_view[0, 2] + sun[1] * world_from_view[1, 2] + sun[2] * ahead
    red, green, blue = zenith[0] - horizon[0], zenith[1] - horizon[1], zenith[2] - horizon[2]
    haze = np.float32(0.125) * fog * HAZE_HEIGHT
    for pixel in range(np.uint64(start), np.uint64(stop)):
        x, y, inverse = ray_x[pixel], ray_y[pixel], ONE / lengths[pixel]
        elevation = (right * x + down * y + ahead) * inverse
        elevation = elevation if elevation > ZERO else ZERO
        height = elevation / (elevation + RISE) * (ONE + RISE)
        glow = (sun_x * x + sun_y * y + sun_z) * inverse
        glow = glow if glow > FAINT else FAINT
        glow *= glow
        glow *= glow
        glow *= glow
        glow *= glow
        glow *= glow
        glow *= glow
        elevation = elevation if elevation > LOWEST else LOWEST
        clear = transmittance(haze / elevation)
        height *= clear
        glow *= clear
        light[0, pixel] = horizon[0] + height * red + glow * glare[0]
        light[1, pixel] = horizon[1] + height * green + glow * glare[1]
        light[2, pixel] = horizon[2] + height * blue + glow * glare[2]


@inlined
def add_fog(density, horizon, inverse_depth, lengths, light):  # type: ignore[no-untyped-def]
    """Blend a row toward the horizon's color by distance; sky (1/depth = 0) keeps its own."""
    eighth = density * np.float32(0.125)
    for pixel in range(np.uint64(inverse_depth.shape[0])):
        w = inverse_depth[pixel]
        covered = w > ZERO
        w = w if covered else ONE
        x = eighth * lengths[pixel] / w
        clear = transmittance(x if covered else ZERO)
        light[0, pixel] = horizon[0] + clear * (light[0, pixel] - horizon[0])
        light[1, pixel] = horizon[1] + clear * (light[1, pixel] - horizon[1])
        light[2, pixel] = horizon[2] + clear * (light[2, pixel] - horizon[2])


@inlined
def transmittance(eighth):  # type: ignore[no-untyped-def]
    """What fog lets through, exp(−8 x): the eighth power of a rational approximation of exp(−x), right to 0.2 %."""
    x = eighth if eighth < DENSEST else DENSEST
    clear = ONE / (ONE + x * (ONE + x * (HALF + x * np.float32(1.0 / 6.0))))
    clear *= clear
    clear *= clear
    return clear * clear
