"""Shadow maps on a GPU: their transforms, see `cpu.shadows`; the first pass rasterizes them, and shading reads them."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import cuda

from camshaft.envs.rendering.cpu.shadows import BIAS, DEPTH_RANGE, MIN_AXIS_SINE

MARGIN = 0.02  # of the shadow distance


class ShadowArrays(NamedTuple):
    """Shadow maps of n frames."""

    size: int  # texels a side, 0 for no shadows
    keys: Any  # (n, size²) uint64: height toward the sun, as `rasterize` writes it
    light_from_world: Any  # (n, 12) float32 transform to column, row and height
    biases: Any  # (n,) float32 meters
    scales: Any  # (n, 2) float32 texels per meter, along columns and rows


@cuda.jit
def fit_shadows(cameras, state, distance, half_x, half_y, wide, shadows):  # type: ignore[no-untyped-def]
    """Fit a shadow map to the view of each camera, one thread a frame; see `cpu.shadows`.

    Args:
        cameras: (n, 4, 4) world from camera.
        state: `StateArrays`.
        distance: shadow distance, meters.
        half_x: tangent of half the horizontal field of view.
        half_y: tangent of half the vertical field of view.
        wide: 1 for lenses that may see behind the camera.
        shadows: `ShadowArrays`, to fill except `keys`.
    """
    frame = cuda.grid(1)
    if frame >= cameras.shape[0]:
        return
    world = state.worlds[frame]
    sx, sy, sz = (
        np.float64(state.light[world, 0]),
        np.float64(state.light[world, 1]),
        np.float64(state.light[world, 2]),
    )
    # Rows of the map follow the optical axis as seen from the sun, columns its right side.
    dx, dy, dz, length = _across_sun(cameras, frame, 2, sx, sy, sz)
    if length < MIN_AXIS_SINE:
        dx, dy, dz, length = _across_sun(cameras, frame, 1, sx, sy, sz)
    dx, dy, dz = dx / length, dy / length, dz / length
    rx, ry, rz = sy * dz - sz * dy, sz * dx - sx * dz, sx * dy - sy * dx
    low_x, high_x, low_y, high_y = 0.0, 0.0, 0.0, 0.0
    for corner in range(8):
        cx = distance if corner & 1 else -distance
        cy = distance if corner & 2 else -distance
        cz = distance
        if wide:
            cz = distance if corner & 4 else -distance
        else:
            cx, cy = cx * half_x, cy * half_y
        px = cameras[frame, 0, 0] * cx + cameras[frame, 0, 1] * cy + cameras[frame, 0, 2] * cz
        py = cameras[frame, 1, 0] * cx + cameras[frame, 1, 1] * cy + cameras[frame, 1, 2] * cz
        pz = cameras[frame, 2, 0] * cx + cameras[frame, 2, 1] * cy + cameras[frame, 2, 2] * cz
        x, y = px * rx + py * ry + pz * rz, px * dx + py * dy + pz * dz
        low_x, high_x = min(low_x, x), max(high_x, x)
        low_y, high_y = min(low_y, y), max(high_y, y)
    margin = MARGIN * distance
    low_x, high_x, low_y, high_y = low_x - margin, high_x + margin, low_y - margin, high_y + margin
    scale_x, scale_y = shadows.size / (high_x - low_x), shadows.size / (high_y - low_y)
    eye_x, eye_y, eye_z = cameras[frame, 0, 3], cameras[frame, 1, 3], cameras[frame, 2, 3]
    # Whole texels, so that shadows do not crawl as the camera moves.
    shift_x = math.floor((-low_x - (eye_x * rx + eye_y * ry + eye_z * rz)) * scale_x)
    shift_y = math.floor((-low_y - (eye_x * dx + eye_y * dy + eye_z * dz)) * scale_y)
    _write_row(shadows.light_from_world, frame, 0, rx * scale_x, ry * scale_x, rz * scale_x, shift_x)
    _write_row(shadows.light_from_world, frame, 4, dx * scale_y, dy * scale_y, dz * scale_y, shift_y)
    height = DEPTH_RANGE - (eye_x * sx + eye_y * sy + eye_z * sz)
    _write_row(shadows.light_from_world, frame, 8, sx, sy, sz, height)
    shadows.biases[frame] = BIAS * max(1.0 / scale_x, 1.0 / scale_y)
    shadows.scales[frame, 0] = scale_x
    shadows.scales[frame, 1] = scale_y


@cuda.jit(device=True)
def _across_sun(cameras, frame, axis, sx, sy, sz):  # type: ignore[no-untyped-def]
    """Component of a camera axis perpendicular to the sun's rays, and its length."""
    x, y, z = (
        np.float64(cameras[frame, 0, axis]),
        np.float64(cameras[frame, 1, axis]),
        np.float64(cameras[frame, 2, axis]),
    )
    along = x * sx + y * sy + z * sz
    x, y, z = x - along * sx, y - along * sy, z - along * sz
    return x, y, z, math.sqrt(x * x + y * y + z * z)


@cuda.jit(device=True)
def _write_row(matrices, frame, first, x, y, z, shift):  # type: ignore[no-untyped-def]
    matrices[frame, first] = x
    matrices[frame, first + 1] = y
    matrices[frame, first + 2] = z
    matrices[frame, first + 3] = shift
