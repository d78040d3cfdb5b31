"""Projection of lenses: from points to pixels and from pixels to rays.

Sources: the camera models of OpenCV's calib3d and fisheye modules (Brown, "Close-range camera calibration", 1971;
Kannala and Brandt, "A generic camera model and calibration method", 2006). A cylindrical image has the ray
(sin φ, h, cos φ) at column φ·f and row h·f from its center.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from camshaft.envs.kernels import inlined, kernel
from camshaft.envs.rendering.camera import Camera

PINHOLE, FISHEYE, CYLINDRICAL = 0, 1, 2
KINDS = {"pinhole": PINHOLE, "fisheye": FISHEYE, "cylindrical": CYLINDRICAL}
MAX_FISHEYE_ANGLE = math.radians(100.0)
MAX_TANGENT = 1e3  # of a ray from the axis of a distorted pinhole
MAX_INVERSION_ERROR = (
    0.01  # pixels; a pixel whose ray cannot be found to this accuracy is outside the image circle
)


class Optics(NamedTuple):
    """Parameters of a lens, in pixels; the center of the first pixel is (0, 0)."""

    kind: int
    focal: float
    center_x: float
    center_y: float
    distortion: NDArray[np.float64]  # (8,)
    limit: float  # squared tangent (pinhole) or angle (fisheye) beyond which nothing is projected


def make_optics(camera: Camera) -> Optics:
    """Lens parameters of a camera."""
    distortion = np.zeros(8)
    distortion[: len(camera.distortion)] = camera.distortion
    kind = KINDS[camera.lens]
    return Optics(
        kind,
        camera.focal_length,
        0.5 * (camera.width - 1),
        0.5 * (camera.height - 1),
        distortion,
        _limit(kind, distortion),
    )


def project(camera: Camera, points: ArrayLike) -> NDArray[np.float64]:
    """(…, 2) column and row of points (…, 3) in camera axes; NaN for points outside the lens's field of view.

    The center of the first pixel is (0, 0), as in OpenCV. Coordinates may lie outside the image.
    """
    array = np.asarray(points, np.float64)
    flat = np.ascontiguousarray(array.reshape(-1, 3))
    pixels = np.empty((len(flat), 2))
    _project_points(make_optics(camera), flat, pixels)
    return pixels.reshape(*array.shape[:-1], 2)


def rays(camera: Camera, pixels: ArrayLike | None = None) -> NDArray[np.float64]:
    """(…, 3) unit rays in camera axes of pixels (…, 2), by default of all pixels, (H, W, 3); NaN outside the lens."""
    coordinates = sample_coordinates(camera, 1) if pixels is None else np.asarray(pixels, np.float64)
    directions = unproject(make_optics(camera), coordinates)
    return directions / np.linalg.norm(directions, axis=-1, keepdims=True)


@inlined
def project_point(optics, x, y, z):  # type: ignore[no-untyped-def]
    """Column and row of a point in camera axes, and whether it is within the lens's field of view."""
    k = optics.distortion
    if optics.kind == PINHOLE:
        if z <= 0.0:
            return 0.0, 0.0, False
        a, b = x / z, y / z
        r2 = a * a + b * b
        if r2 > optics.limit:
            return 0.0, 0.0, False
        radial = (1.0 + r2 * (k[0] + r2 * (k[1] + r2 * k[4]))) / (1.0 + r2 * (k[5] + r2 * (k[6] + r2 * k[7])))
        column = a * radial + 2.0 * k[2] * a * b + k[3] * (r2 + 2.0 * a * a)
        row = b * radial + k[2] * (r2 + 2.0 * b * b) + 2.0 * k[3] * a * b
    elif optics.kind == FISHEYE:
        radius = math.sqrt(x * x + y * y)
        angle = math.atan2(radius, z)
        if angle > optics.limit:
            return 0.0, 0.0, False
        t2 = angle * angle
        distorted = angle * (1.0 + t2 * (k[0] + t2 * (k[1] + t2 * (k[2] + t2 * k[3]))))
        scale = distorted / radius if radius > 0.0 else 0.0
        column, row = x * scale, y * scale
    else:
        distance = math.sqrt(x * x + z * z)
        if distance <= 0.0:
            return 0.0, 0.0, False
        column, row = math.atan2(x, z), y / distance
    return optics.center_x + optics.focal * column, optics.center_y + optics.focal * row, True


@kernel
def _project_points(optics, points, pixels):  # type: ignore[no-untyped-def]
    for index in range(points.shape[0]):
        column, row, in_view = project_point(optics, points[index, 0], points[index, 1], points[index, 2])
        pixels[index, 0] = column if in_view else np.nan
        pixels[index, 1] = row if in_view else np.nan


def _limit(kind: int, k: NDArray[np.float64]) -> float:
    """Limit up to which the distorted radius grows; beyond it, two rays would share a pixel."""
    if kind == CYLINDRICAL:
        return math.inf
    if kind == FISHEYE:
        angles = np.linspace(0.0, MAX_FISHEYE_ANGLE, 4001)
        squares = angles**2
        radii = angles * (1.0 + squares * (k[0] + squares * (k[1] + squares * (k[2] + squares * k[3]))))
        return float(angles[_last_growing(radii)])
    if not k.any():
        return math.inf
    tangents = np.linspace(0.0, 20.0, 40001)
    r2 = tangents**2
    radii = (
        tangents
        * (1.0 + r2 * (k[0] + r2 * (k[1] + r2 * k[4])))
        / (1.0 + r2 * (k[5] + r2 * (k[6] + r2 * k[7])))
    )
    return float(r2[_last_growing(radii)])


def _last_growing(values: NDArray[np.float64]) -> int:
    """Last index up to which values grow strictly."""
    falls = np.flatnonzero(~(np.diff(values) > 0.0))
    return int(falls[0]) if len(falls) else len(values) - 1


def unproject(optics: Optics, pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    """(…, 3) directions of pixels (…, 2), not of unit length; NaN where there is none."""
    target = (pixels - [optics.center_x, optics.center_y]) / optics.focal
    if optics.kind == CYLINDRICAL:
        azimuth = np.where(np.abs(target[..., 0]) <= math.pi, target[..., 0], np.nan)
        return np.stack([np.sin(azimuth), target[..., 1], np.cos(azimuth)], axis=-1)
    directions = _undistort_fisheye(optics, target) if optics.kind == FISHEYE else _undistort(optics, target)
    projected = np.empty((directions[..., 0].size, 2))
    _project_points(optics, np.ascontiguousarray(directions.reshape(-1, 3)), projected)
    error = np.abs(projected.reshape(pixels.shape) - pixels).max(axis=-1)
    directions[~(error < MAX_INVERSION_ERROR)] = np.nan
    return directions


def _undistort_fisheye(optics: Optics, target: NDArray[np.float64]) -> NDArray[np.float64]:
    """Directions of a fisheye's image points; the angle is found by bisection."""
    k = optics.distortion
    radius = np.hypot(target[..., 0], target[..., 1])
    low, high = np.zeros_like(radius), np.full_like(radius, optics.limit)
    for _ in range(50):
        angle = 0.5 * (low + high)
        t2 = angle**2
        above = angle * (1.0 + t2 * (k[0] + t2 * (k[1] + t2 * (k[2] + t2 * k[3])))) > radius
        low, high = np.where(above, low, angle), np.where(above, angle, high)
    angle = 0.5 * (low + high)
    scale = np.divide(np.sin(angle), radius, out=np.ones_like(radius), where=radius > 0.0)
    return np.stack([target[..., 0] * scale, target[..., 1] * scale, np.cos(angle)], axis=-1)


def _undistort(optics: Optics, target: NDArray[np.float64]) -> NDArray[np.float64]:
    """Directions of a distorted pinhole's image points: bisection of the radius, then Newton's method in 2D."""
    k = optics.distortion
    if not k.any():
        return np.concatenate([target, np.ones_like(target[..., :1])], axis=-1)
    radius = np.hypot(target[..., 0], target[..., 1])
    low, high = np.zeros_like(radius), np.full_like(radius, min(math.sqrt(optics.limit), MAX_TANGENT))
    for _ in range(30):
        middle = 0.5 * (low + high)
        above = middle * _radial(k, middle**2)[0] > radius
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    scale = np.divide(0.5 * (low + high), radius, out=np.ones_like(radius), where=radius > 0.0)
    a, b = target[..., 0] * scale, target[..., 1] * scale
    with np.errstate(all="ignore"):
        for _ in range(8):
            radial, slope = _radial(k, a * a + b * b)
            aa, ab, bb = a * a, a * b, b * b
            residual_a = a * radial + 2.0 * k[2] * ab + k[3] * (3.0 * aa + bb) - target[..., 0]
            residual_b = b * radial + k[2] * (aa + 3.0 * bb) + 2.0 * k[3] * ab - target[..., 1]
            a_by_a = radial + 2.0 * aa * slope + 2.0 * k[2] * b + 6.0 * k[3] * a
            cross = 2.0 * ab * slope + 2.0 * k[2] * a + 2.0 * k[3] * b
            b_by_b = radial + 2.0 * bb * slope + 6.0 * k[2] * b + 2.0 * k[3] * a
            determinant = a_by_a * b_by_b - cross * cross
            a, b = (
                a - (b_by_b * residual_a - cross * residual_b) / determinant,
                b - (a_by_a * residual_b - cross * residual_a) / determinant,
            )
    return np.stack([a, b, np.ones_like(a)], axis=-1)


def _radial(
    k: NDArray[np.float64], r2: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Radial factor of Brown's model at a squared radius, and its derivative."""
    numerator = 1.0 + r2 * (k[0] + r2 * (k[1] + r2 * k[4]))
    denominator = 1.0 + r2 * (k[5] + r2 * (k[6] + r2 * k[7]))
    numerator_slope = k[0] + r2 * (2.0 * k[1] + 3.0 * r2 * k[4])
    denominator_slope = k[5] + r2 * (2.0 * k[6] + 3.0 * r2 * k[7])
    slope = (numerator_slope * denominator - numerator * denominator_slope) / denominator**2
    return numerator / denominator, slope


def sample_coordinates(camera: Camera, samples: int) -> NDArray[np.float64]:
    """(samples H, samples W, 2) image coordinates of all samples, `samples` along each side of a pixel."""
    columns = (np.arange(samples * camera.width) + 0.5) / samples - 0.5
    rows = (np.arange(samples * camera.height) + 0.5) / samples - 0.5
    return np.stack(np.meshgrid(columns, rows), axis=-1)
