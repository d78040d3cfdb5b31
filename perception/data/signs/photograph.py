"""Image formation of the sign benchmark: pose, aging of the plate, light, blur, sensor noise and compression."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from camshaft.perception.data.signs.background import FloatImage, noise_field, render_background

Bytes = NDArray[np.uint8]

PIXELS = 56  # side of the rendered scene
SMALLEST, LARGEST = 12.0, 44.0  # side of a crop on the sensor, in pixels
STORED = 32  # largest side of a crop when it is compressed, in pixels
POSE_DEGREES = (16.0, 6.0, 4.5)  # standard deviations of yaw, pitch and roll of a plate
SQUARE = np.array([(-1.0, 1.0), (1.0, 1.0), (1.0, -1.0), (-1.0, -1.0)])


def photograph(face: Bytes, rng: np.random.Generator, size: tuple[int, int], odd: bool) -> Bytes:
    """Render a crop around a sign.

    Args:
        face: (P, P, 4) RGBA face of the sign.
        rng: source of all variation.
        size: (height, width) of the crop.
        odd: whether to use the odd background textures, see `render_background`.

    Returns:
        (height, width, 3) crop.
    """
    scene = render_background(rng, PIXELS, odd)
    if rng.random() < 0.15:
        scene = _blur(rng, scene, 4.0)
    exposure, contrast = _sample_light(rng)
    if rng.random() < 0.15:  # another sign below or above, partly in view
        offset = np.array([rng.normal(0.0, 0.05), rng.choice([-1.0, 1.0]) * rng.uniform(1.75, 2.1)])
        _composite(scene, _other_plate(rng, face), _sample_corners(rng, offset), 1.0)
    _composite(scene, _age(rng, face), _sample_corners(rng, np.zeros(2)), 1.0 / contrast)
    scene *= exposure * contrast
    return _process(rng, _project(rng, scene), size)


def _sample_light(rng: np.random.Generator) -> tuple[float, float]:
    """Exposure of the sign, and brightness of the background relative to the sign."""
    exposure = float(np.exp(rng.uniform(np.log(0.04), np.log(1.9))))
    contrast = float(np.exp(rng.normal(0.0, 0.35)))
    if rng.random() < 0.15:  # backlit
        contrast *= float(rng.uniform(2.0, 6.0))
    return exposure, contrast


def _age(rng: np.random.Generator, face: Bytes) -> FloatImage:
    """(P, P, 4) face in linear light in [0, 1]: faded, dirty, unevenly lit."""
    plate = np.square(face.astype(np.float32) / 255.0)
    plate[..., 3] = face[..., 3] / np.float32(255.0)
    side = len(plate)
    color = plate[..., :3]
    if rng.random() < 0.5:  # lower contrast
        color += float(rng.uniform(0.0, 0.30)) * (0.4 - color)
    if rng.random() < 0.3:  # lower saturation
        gray = color.mean(axis=2, keepdims=True)
        color += float(rng.uniform(0.0, 0.7)) * (gray - color)
    if rng.random() < 0.4:  # dirt
        color *= np.exp(-float(rng.uniform(0.1, 0.4)) * np.abs(noise_field(rng, side)))[..., None]
    if rng.random() < 0.35:
        _cast_shadow(rng, color)
    if rng.random() < 0.4:  # light falls off across the plate
        slope = rng.normal(0.0, 0.30, 2)
        ramp = np.linspace(-1.0, 1.0, side, dtype=np.float32)
        color *= np.clip(1.0 + slope[0] * ramp[:, None] + slope[1] * ramp, 0.2, 2.0)[..., None]
    if rng.random() < 0.06:
        _add_sticker(rng, color)
    return plate


def _cast_shadow(rng: np.random.Generator, color: FloatImage) -> None:
    """Cast the shadow of a building, leaves or a pole."""
    side = len(color)
    depth = float(rng.uniform(0.3, 0.8))
    ramp = np.linspace(-1.0, 1.0, side, dtype=np.float32)
    angle = rng.uniform(0.0, np.pi)
    across = np.cos(angle) * ramp + np.sin(angle) * ramp[:, None] + rng.normal(0.0, 0.4)
    if rng.random() < 0.5:
        across = across + 0.5 * noise_field(rng, side)
    if rng.random() < 0.4:
        across = float(rng.uniform(0.05, 0.3)) - np.abs(across)
    share = np.clip(across * rng.uniform(3.0, 20.0) + 0.5, 0.0, 1.0)
    color *= (1.0 - depth * share).astype(np.float32)[..., None]


def _add_sticker(rng: np.random.Generator, color: FloatImage) -> None:
    side = len(color)
    corner = rng.uniform(0.2, 0.7, 2) * side
    extent = np.maximum(2.0, rng.uniform(0.05, 0.22, 2) * side)
    top, left = corner.astype(int)
    bottom, right = (corner + extent).astype(int)
    color[top:bottom, left:right] = rng.uniform(0.0, 0.9, 3)


def _other_plate(rng: np.random.Generator, face: Bytes) -> FloatImage:
    """A plate of the same outline or a square board, in plain colors."""
    plate = np.ones(face.shape, np.float32)
    plate[..., :3] = rng.uniform(0.1, 0.9) if rng.random() < 0.5 else rng.uniform(0.0, 0.9, 3)
    if rng.random() < 0.6:
        plate[..., 3] = face[..., 3] / np.float32(255.0)
    margin = round(0.08 * len(plate))
    plate[margin:-margin, margin:-margin, :3] = rng.uniform(0.3, 0.95)
    return plate


def _sample_corners(rng: np.random.Generator, offset: NDArray[np.float64]) -> NDArray[np.float32]:
    """(4, 2) corners of a face in pixels of the scene, for a random pose of the plate."""
    angles = np.radians(rng.normal(0.0, POSE_DEGREES)).tolist()
    (cos_yaw, cos_pitch, cos_roll), (sin_yaw, sin_pitch, sin_roll) = (
        [function(angle) for angle in angles] for function in (math.cos, math.sin)
    )
    x, y = SQUARE[:, 0] + offset[0], SQUARE[:, 1] + offset[1]
    x, depth = cos_yaw * x, -sin_yaw * x
    y, depth = cos_pitch * y - sin_pitch * depth, sin_pitch * y + cos_pitch * depth
    x, y = cos_roll * x - sin_roll * y, sin_roll * x + cos_roll * y
    size = rng.normal(0.76, 0.075) * 0.5 * PIXELS / (1.0 - depth / rng.uniform(3.5, 12.0))
    stretch = math.exp(rng.normal(0.0, 0.05))
    center = (0.5 + rng.normal(0.0, 0.03, 2)) * PIXELS - 0.5
    return np.column_stack([center[0] + size * stretch * x, center[1] - size / stretch * y]).astype(
        np.float32
    )


def _composite(scene: FloatImage, plate: FloatImage, corners: NDArray[np.float32], gain: float) -> None:
    """Composite a plate over the scene."""
    side = len(plate)
    plate[..., :3] *= gain * plate[..., 3:]
    edges = np.array([(0, 0), (side, 0), (side, side), (0, side)], np.float32) - np.float32(0.5)
    warp = cv2.getPerspectiveTransform(edges, corners)
    warped = cv2.warpPerspective(plate, warp, (PIXELS, PIXELS), flags=cv2.INTER_LINEAR)
    scene *= 1.0 - warped[..., 3:]
    scene += warped[..., :3]


def _blur(rng: np.random.Generator, image: FloatImage, max_sigma: float) -> FloatImage:
    blurred = cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.3, max_sigma)))
    return np.asarray(blurred, np.float32)


def _project(rng: np.random.Generator, scene: FloatImage) -> FloatImage:
    """Project the scene onto the sensor: motion blur, focus, haze, and few pixels."""
    if rng.random() < 0.25:  # motion blur
        length = int(rng.integers(2, 8))
        kernel = np.zeros((length, length), np.float32)
        ends = [(0, length // 2), (length - 1, length // 2)]
        if rng.random() < 0.4:
            ends = [(length // 2, 0), (length // 2, length - 1)]
        cv2.line(kernel, ends[0], ends[1], 1.0)
        scene = np.asarray(cv2.filter2D(scene, -1, kernel / kernel.sum()), np.float32)
    if rng.random() < 0.6:  # out of focus
        scene = _blur(rng, scene, 1.7)
    if rng.random() < 0.10:  # mist, glare, a dirty windshield
        scene = scene + float(rng.uniform(0.0, 0.35)) * (float(rng.uniform(0.3, 1.2)) - scene)
    pixels = round(float(np.exp(rng.uniform(np.log(SMALLEST), np.log(LARGEST)))))
    return np.asarray(cv2.resize(scene, (pixels, pixels), interpolation=cv2.INTER_AREA), np.float32)


def _process(rng: np.random.Generator, light: FloatImage, size: tuple[int, int]) -> Bytes:
    """Processing in the camera: white balance, tone curve, noise, JPEG compression, and resizing."""
    tint = np.exp(rng.normal(0.0, 0.10, 3)).astype(np.float32)
    tint[2] *= np.float32(np.exp(rng.normal(0.03, 0.10)))
    exponent = float(np.exp(rng.normal(-0.69, 0.16)))  # a gamma of about 2
    image = np.power(np.clip(light * tint, 0.0, 1.0), exponent) * 255.0
    contrast, offset = float(np.exp(rng.normal(0.0, 0.12))), float(rng.normal(0.0, 6.0))
    image = image * contrast + offset
    noise = float(abs(rng.normal(0.0, 3.5)))
    image += rng.standard_normal(image.shape, np.float32) * noise
    pixels = np.clip(image, 0.0, 255.0).astype(np.uint8)
    stored = min(STORED, max(size))
    if rng.random() < 0.8:
        method = cv2.INTER_AREA if len(pixels) > stored else cv2.INTER_LINEAR
        pixels = np.asarray(cv2.resize(pixels, (stored, stored), interpolation=method), np.uint8)
    if rng.random() < 0.7:
        quality = int(rng.integers(55, 97))
        encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        pixels = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)
    method = cv2.INTER_AREA if len(pixels) > max(size) else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, (size[1], size[0]), interpolation=method), np.uint8)
