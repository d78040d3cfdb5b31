"""Backgrounds of the sign benchmark: procedural textures, sky, clutter and the post of the sign."""

from __future__ import annotations

from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from camshaft.envs.driving import textures
from camshaft.envs.driving.textures.painting import clouds

FloatImage = NDArray[np.float32]
"""(H, W) or (H, W, C) in linear light, about 0 to 1."""

NOISES = 24
NOISE_PIXELS = 128
TEXTURE_PIXELS = 256
SKIES = ((0.55, 0.66, 0.80), (0.86, 0.88, 0.92), (1.0, 1.0, 1.0), (0.42, 0.55, 0.78))


def render_background(rng: np.random.Generator, side: int, odd: bool) -> FloatImage:
    """Render a random background, smooth or cluttered.

    Args:
        rng: source of all variation.
        side: side in pixels.
        odd: whether to use the odd variants of the textures, which are for testing, or the even ones.

    Returns:
        (side, side, 3) image.
    """
    image = _textured(rng, side, odd)
    if rng.random() < 0.5:
        _paint_sky(rng, image)
    for _ in range(int(rng.integers(0, 5))):
        _paint_shape(rng, image)
    if rng.random() < 0.85:
        _paint_post(rng, image)
    if rng.random() < 0.25:
        image += rng.normal(0.0, 0.25) * noise_field(rng, side)[..., None]
    return np.maximum(image, 0.0, out=image)


def noise_field(rng: np.random.Generator, side: int) -> FloatImage:
    """(side, side) smooth noise of mean 0 and standard deviation 1, at a random scale."""
    field = _noise(int(rng.integers(NOISES)))
    return _random_crop(rng, field, side, float(rng.uniform(0.35, 1.0)))


def _textured(rng: np.random.Generator, side: int, odd: bool) -> FloatImage:
    """A crop of a random texture in a random tint."""
    choices = _textures(odd)
    texture = choices[int(rng.integers(len(choices)))]
    image = _random_crop(rng, texture, side, float(np.exp(rng.uniform(np.log(0.12), np.log(1.0)))))
    color = rng.uniform(0.4, 1.25) * (1.0 + rng.normal(0.0, 0.10, 3))
    return np.asarray(image * color.astype(np.float32), np.float32)


def _paint_sky(rng: np.random.Generator, image: FloatImage) -> None:
    """Paint the sky above a skyline, which may be tilted and ragged."""
    side = len(image)
    color = np.asarray(SKIES[int(rng.integers(len(SKIES)))]) * rng.uniform(0.8, 1.6)
    height = rng.uniform(-0.1, 1.2) + rng.normal(0.0, 0.25) * np.linspace(-1.0, 1.0, side)
    rows = np.linspace(0.0, 1.0, side)[:, None]
    ragged = rng.uniform(0.0, 0.4) * noise_field(rng, side)
    share = np.clip((height + ragged - rows) * side * rng.uniform(0.05, 0.5) + 0.5, 0.0, 1.0)[..., None]
    image += share.astype(np.float32) * (color.astype(np.float32) - image)


def _paint_shape(rng: np.random.Generator, image: FloatImage) -> None:
    """Paint a plain shape, such as a part of a house, a car, or another sign."""
    side = len(image)
    shade = rng.uniform(0.0, 1.0)
    color = np.clip(shade + rng.normal(0.0, 0.18, 3) * (rng.random() < 0.5), 0.0, 1.3).tolist()
    center, extent = rng.uniform(-0.1, 1.1, 2) * side, rng.uniform(0.05, 0.5, 2) * side
    kind = int(rng.integers(3))
    if kind == 0:
        box = (tuple(center.tolist()), tuple(extent.tolist()), float(rng.normal(0.0, 12.0)))
        cv2.fillPoly(image, [np.round(cv2.boxPoints(box)).astype(np.int32)], color, cv2.LINE_AA)
    elif kind == 1:
        pixel = (round(float(center[0])), round(float(center[1])))
        cv2.circle(image, pixel, round(float(extent[0]) / 2), color, -1, cv2.LINE_AA)
    else:
        ends = np.round(rng.uniform(-0.1, 1.1, (2, 2)) * side).astype(int)
        thickness = max(1, round(float(rng.uniform(0.01, 0.06)) * side))
        cv2.line(image, tuple(ends[0].tolist()), tuple(ends[1].tolist()), color, thickness, cv2.LINE_AA)


def _paint_post(rng: np.random.Generator, image: FloatImage) -> None:
    """Paint the post of the sign."""
    side = len(image)
    x, width = (0.5 + rng.normal(0.0, 0.04)) * side, rng.uniform(0.05, 0.11) * side
    top = 0 if rng.random() < 0.3 else side // 2
    left, right = max(0, round(float(x - width / 2))), max(1, round(float(x + width / 2)))
    image[top:, left:right] = rng.uniform(0.15, 0.75) * np.linspace(1.1, 0.8, right - left)[:, None]


def _random_crop(rng: np.random.Generator, texture: NDArray[Any], side: int, share: float) -> FloatImage:
    """A square crop of `share` of a texture's width, flipped at random and resized to `side` pixels."""
    extent = max(4, min(round(share * len(texture)), len(texture)))
    row, column = (int(rng.integers(len(texture) - extent + 1)) for _ in range(2))
    crop = texture[row : row + extent, column : column + extent]
    if rng.random() < 0.5:
        crop = crop[:, ::-1]
    method = cv2.INTER_AREA if extent > side else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(crop, (side, side), interpolation=method), np.float32)


@cache
def _noise(number: int) -> FloatImage:
    rng = np.random.default_rng([number])
    return clouds(rng, NOISE_PIXELS, float(rng.uniform(0.4, 1.6)), 1).astype(np.float32)


@cache
def _textures(odd: bool) -> list[FloatImage]:
    """Odd or even variants of the suite's textures, as squares in [0, 1]."""
    variants = range(int(odd), textures.NUM_VARIANTS, 2)
    painters = (
        textures.grass, textures.forest, textures.leaves, textures.leaf_cover, textures.needles, textures.bark,
        textures.field, textures.gravel, textures.concrete, textures.paving, textures.street_asphalt,
        textures.facade, textures.roof_tiles,
    )  # fmt: skip
    return [_square(painter(variant).levels[0]) for painter in painters for variant in variants]


def _square(pixels: NDArray[np.uint8]) -> FloatImage:
    extent = min(pixels.shape[:2])
    square = pixels[:extent, :extent].astype(np.float32) / 255.0
    color = square[..., :3]
    if square.shape[2] == 4:  # leaves with gaps between them
        color = color * square[..., 3:] + 0.2 * (1.0 - square[..., 3:])
    if extent > TEXTURE_PIXELS:
        color = cv2.resize(color, (TEXTURE_PIXELS, TEXTURE_PIXELS), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(color, np.float32)
