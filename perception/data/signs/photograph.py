"""A sign as a camera in a moving car sees it: pose, weather and dirt on the plate, light, blur, noise, compression."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from camshaft.perception.data.signs.surroundings import draw_surroundings, noise_field

Image = NDArray[np.float32]
Bytes = NDArray[np.uint8]

PIXELS = 56  # that the scene is drawn with, a side
SMALLEST, LARGEST = 12.0, 44.0  # pixels of a crop, a side, as the camera saw it
STORED = 32  # pixels that crops are kept in at most
POSE_DEGREES = (16.0, 6.0, 4.5)  # deviation of yaw, pitch and roll of a plate
SQUARE = np.array([(-1.0, 1.0), (1.0, 1.0), (1.0, -1.0), (-1.0, -1.0)])


def photograph(face: Bytes, rng: np.random.Generator, size: tuple[int, int], odd: bool) -> Bytes:
    """(height, width, 3) a crop around a sign.

    Args:
        face: (P, P, 4) colors and what of the plate is there.
        rng: source of everything that varies.
        size: of the result, (height, width).
        odd: of the textures behind, see `draw_surroundings`.
    """
    scene = draw_surroundings(rng, PIXELS, odd)
    if rng.random() < 0.15:
        scene = _smeared(rng, scene, 4.0)
    exposure, behind = _light(rng)
    if rng.random() < 0.15:  # another sign below or above, partly in view
        place = np.array([rng.normal(0.0, 0.05), rng.choice([-1.0, 1.0]) * rng.uniform(1.75, 2.1)])
        _put(scene, _other_plate(rng, face), _corners(rng, place), 1.0)
    _put(scene, _weathered(rng, face), _corners(rng, np.zeros(2)), 1.0 / behind)
    scene *= exposure * behind
    return _developed(rng, _seen(rng, scene), size)


def _light(rng: np.random.Generator) -> tuple[float, float]:
    """The exposure of the sign, and how much brighter than it what is behind it is."""
    exposure = float(np.exp(rng.uniform(np.log(0.04), np.log(1.9))))
    behind = float(np.exp(rng.normal(0.0, 0.35)))
    if rng.random() < 0.15:  # against the light
        behind *= float(rng.uniform(2.0, 6.0))
    return exposure, behind


def _weathered(rng: np.random.Generator, face: Bytes) -> Image:
    """The face with linear light, faded, dirty, in the sun or in shadow: (P, P, 4) in 0..1."""
    plate = np.square(face.astype(np.float32) / 255.0)
    plate[..., 3] = face[..., 3] / np.float32(255.0)
    side = len(plate)
    color = plate[..., :3]
    if rng.random() < 0.5:
        color += float(rng.uniform(0.0, 0.30)) * (0.4 - color)
    if rng.random() < 0.3:
        hue = color.mean(axis=2, keepdims=True)
        color += float(rng.uniform(0.0, 0.7)) * (hue - color)
    if rng.random() < 0.4:
        color *= np.exp(-float(rng.uniform(0.1, 0.4)) * np.abs(noise_field(rng, side)))[..., None]
    if rng.random() < 0.35:
        _shadow(rng, color)
    if rng.random() < 0.4:  # light that falls off over the plate
        slope = rng.normal(0.0, 0.30, 2)
        ramp = np.linspace(-1.0, 1.0, side, dtype=np.float32)
        color *= np.clip(1.0 + slope[0] * ramp[:, None] + slope[1] * ramp, 0.2, 2.0)[..., None]
    if rng.random() < 0.06:
        _sticker(rng, color)
    return plate


def _shadow(rng: np.random.Generator, color: Image) -> None:
    """Of a branch, of leaves, of a pole."""
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


def _sticker(rng: np.random.Generator, color: Image) -> None:
    side = len(color)
    corner = rng.uniform(0.2, 0.7, 2) * side
    extent = np.maximum(2.0, rng.uniform(0.05, 0.22, 2) * side)
    top, left = corner.astype(int)
    bottom, right = (corner + extent).astype(int)
    color[top:bottom, left:right] = rng.uniform(0.0, 0.9, 3)


def _other_plate(rng: np.random.Generator, face: Bytes) -> Image:
    """A plate of the same outline or a board, in plain colors."""
    plate = np.ones(face.shape, np.float32)
    plate[..., :3] = rng.uniform(0.1, 0.9) if rng.random() < 0.5 else rng.uniform(0.0, 0.9, 3)
    if rng.random() < 0.6:
        plate[..., 3] = face[..., 3] / np.float32(255.0)
    margin = round(0.08 * len(plate))
    plate[margin:-margin, margin:-margin, :3] = rng.uniform(0.3, 0.95)
    return plate


def _corners(rng: np.random.Generator, place: NDArray[np.float64]) -> NDArray[np.float32]:
    """(4, 2) where the corners of a face come to lie, in pixels of the scene: from a pose of the plate."""
    turns = np.radians(rng.normal(0.0, POSE_DEGREES)).tolist()
    (cos_yaw, cos_pitch, cos_roll), (sin_yaw, sin_pitch, sin_roll) = (
        [function(turn) for turn in turns] for function in (math.cos, math.sin)
    )
    x, y = SQUARE[:, 0] + place[0], SQUARE[:, 1] + place[1]
    x, depth = cos_yaw * x, -sin_yaw * x
    y, depth = cos_pitch * y - sin_pitch * depth, sin_pitch * y + cos_pitch * depth
    x, y = cos_roll * x - sin_roll * y, sin_roll * x + cos_roll * y
    size = rng.normal(0.76, 0.075) * 0.5 * PIXELS / (1.0 - depth / rng.uniform(3.5, 12.0))
    stretch = math.exp(rng.normal(0.0, 0.05))
    center = (0.5 + rng.normal(0.0, 0.03, 2)) * PIXELS - 0.5
    return np.column_stack([center[0] + size * stretch * x, center[1] - size / stretch * y]).astype(
        np.float32
    )


def _put(scene: Image, plate: Image, corners: NDArray[np.float32], gain: float) -> None:
    """Draw a plate over the scene."""
    side = len(plate)
    plate[..., :3] *= gain * plate[..., 3:]
    edges = np.array([(0, 0), (side, 0), (side, side), (0, side)], np.float32) - np.float32(0.5)
    warp = cv2.getPerspectiveTransform(edges, corners)
    drawn = cv2.warpPerspective(plate, warp, (PIXELS, PIXELS), flags=cv2.INTER_LINEAR)
    scene *= 1.0 - drawn[..., 3:]
    scene += drawn[..., :3]


def _smeared(rng: np.random.Generator, image: Image, strongest: float) -> Image:
    """Out of focus or in motion."""
    blurred = cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.3, strongest)))
    return np.asarray(blurred, np.float32)


def _seen(rng: np.random.Generator, scene: Image) -> Image:
    """The scene through the lens and on the sensor, whose pixels are few."""
    if rng.random() < 0.25:
        length = int(rng.integers(2, 8))
        kernel = np.zeros((length, length), np.float32)
        ends = [(0, length // 2), (length - 1, length // 2)]
        if rng.random() < 0.4:
            ends = [(length // 2, 0), (length // 2, length - 1)]
        cv2.line(kernel, ends[0], ends[1], 1.0)
        scene = np.asarray(cv2.filter2D(scene, -1, kernel / kernel.sum()), np.float32)
    if rng.random() < 0.6:
        scene = _smeared(rng, scene, 1.7)
    if rng.random() < 0.10:  # mist, glare, a dirty windscreen
        scene = scene + float(rng.uniform(0.0, 0.35)) * (float(rng.uniform(0.3, 1.2)) - scene)
    pixels = round(float(np.exp(rng.uniform(np.log(SMALLEST), np.log(LARGEST)))))
    return np.asarray(cv2.resize(scene, (pixels, pixels), interpolation=cv2.INTER_AREA), np.float32)


def _developed(rng: np.random.Generator, light: Image, size: tuple[int, int]) -> Bytes:
    """What the camera makes of light: its colors, tone, noise and compression, brought to a size."""
    tint = np.exp(rng.normal(0.0, 0.10, 3)).astype(np.float32)
    tint[2] *= np.float32(np.exp(rng.normal(0.03, 0.10)))
    tone = float(np.exp(rng.normal(-0.69, 0.16)))  # of a gamma about 2
    image = np.power(np.clip(light * tint, 0.0, 1.0), tone) * 255.0
    contrast, offset = float(np.exp(rng.normal(0.0, 0.12))), float(rng.normal(0.0, 6.0))
    image = image * contrast + offset
    noise = float(abs(rng.normal(0.0, 3.5)))
    image += rng.standard_normal(image.shape, np.float32) * noise
    picture = np.clip(image, 0.0, 255.0).astype(np.uint8)
    stored = min(STORED, max(size))
    if rng.random() < 0.8:
        method = cv2.INTER_AREA if len(picture) > stored else cv2.INTER_LINEAR
        picture = np.asarray(cv2.resize(picture, (stored, stored), interpolation=method), np.uint8)
    if rng.random() < 0.7:
        quality = int(rng.integers(55, 97))
        code = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        picture = np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR), np.uint8)
    method = cv2.INTER_AREA if len(picture) > max(size) else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (size[1], size[0]), interpolation=method), np.uint8)
