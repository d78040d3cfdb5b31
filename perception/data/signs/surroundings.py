"""What is behind a sign: walls, leaves, meadows, sky and other signs, in the suite's own textures."""

from __future__ import annotations

from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from camshaft.envs.driving import textures
from camshaft.envs.driving.textures.painting import clouds

Image = NDArray[np.float32]

NOISES = 24
NOISE_PIXELS = 128
TEXTURE_PIXELS = 256
SKIES = ((0.55, 0.66, 0.80), (0.86, 0.88, 0.92), (1.0, 1.0, 1.0), (0.42, 0.55, 0.78))


def draw_surroundings(rng: np.random.Generator, side: int, odd: bool) -> Image:
    """(side, side, 3) in 0 to about 1, smooth or cluttered.

    Args:
        rng: source of the draws.
        side: pixels.
        odd: take the odd variants of the textures, which are for testing, instead of the even ones.
    """
    picture = _ground(rng, side, odd)
    if rng.random() < 0.5:
        _sky(rng, picture)
    for _ in range(int(rng.integers(0, 5))):
        _thing(rng, picture)
    if rng.random() < 0.85:
        _post(rng, picture)
    if rng.random() < 0.25:
        picture += rng.normal(0.0, 0.25) * noise_field(rng, side)[..., None]
    return np.maximum(picture, 0.0, out=picture)


def noise_field(rng: np.random.Generator, side: int) -> Image:
    """(side, side) a piece of smooth noise of mean 0 and deviation 1, at some scale."""
    field = _noise(int(rng.integers(NOISES)))
    return _piece(rng, field, side, float(rng.uniform(0.35, 1.0)))


def _ground(rng: np.random.Generator, side: int, odd: bool) -> Image:
    grounds = _grounds(odd)
    texture = grounds[int(rng.integers(len(grounds)))]
    picture = _piece(rng, texture, side, float(np.exp(rng.uniform(np.log(0.12), np.log(1.0)))))
    color = rng.uniform(0.4, 1.25) * (1.0 + rng.normal(0.0, 0.10, 3))
    return np.asarray(picture * color.astype(np.float32), np.float32)


def _sky(rng: np.random.Generator, picture: Image) -> None:
    """Above a skyline that need not be level, within leaves or not."""
    side = len(picture)
    color = np.asarray(SKIES[int(rng.integers(len(SKIES)))]) * rng.uniform(0.8, 1.6)
    height = rng.uniform(-0.1, 1.2) + rng.normal(0.0, 0.25) * np.linspace(-1.0, 1.0, side)
    rows = np.linspace(0.0, 1.0, side)[:, None]
    ragged = rng.uniform(0.0, 0.4) * noise_field(rng, side)
    share = np.clip((height + ragged - rows) * side * rng.uniform(0.05, 0.5) + 0.5, 0.0, 1.0)[..., None]
    picture += share.astype(np.float32) * (color.astype(np.float32) - picture)


def _thing(rng: np.random.Generator, picture: Image) -> None:
    """A plain shape: part of a house, a car, another sign."""
    side = len(picture)
    shade = rng.uniform(0.0, 1.0)
    color = np.clip(shade + rng.normal(0.0, 0.18, 3) * (rng.random() < 0.5), 0.0, 1.3).tolist()
    center, extent = rng.uniform(-0.1, 1.1, 2) * side, rng.uniform(0.05, 0.5, 2) * side
    kind = int(rng.integers(3))
    if kind == 0:
        box = (tuple(center.tolist()), tuple(extent.tolist()), float(rng.normal(0.0, 12.0)))
        cv2.fillPoly(picture, [np.round(cv2.boxPoints(box)).astype(np.int32)], color, cv2.LINE_AA)
    elif kind == 1:
        place = (round(float(center[0])), round(float(center[1])))
        cv2.circle(picture, place, round(float(extent[0]) / 2), color, -1, cv2.LINE_AA)
    else:
        ends = np.round(rng.uniform(-0.1, 1.1, (2, 2)) * side).astype(int)
        thickness = max(1, round(float(rng.uniform(0.01, 0.06)) * side))
        cv2.line(picture, tuple(ends[0].tolist()), tuple(ends[1].tolist()), color, thickness, cv2.LINE_AA)


def _post(rng: np.random.Generator, picture: Image) -> None:
    """What a sign stands on."""
    side = len(picture)
    x, width = (0.5 + rng.normal(0.0, 0.04)) * side, rng.uniform(0.05, 0.11) * side
    top = 0 if rng.random() < 0.3 else side // 2
    left, right = max(0, round(float(x - width / 2))), max(1, round(float(x + width / 2)))
    picture[top:, left:right] = rng.uniform(0.15, 0.75) * np.linspace(1.1, 0.8, right - left)[:, None]


def _piece(rng: np.random.Generator, whole: NDArray[Any], side: int, share: float) -> Image:
    """A square piece of a texture, `share` of its width, brought to `side` pixels."""
    extent = max(4, min(round(share * len(whole)), len(whole)))
    row, column = (int(rng.integers(len(whole) - extent + 1)) for _ in range(2))
    piece = whole[row : row + extent, column : column + extent]
    if rng.random() < 0.5:
        piece = piece[:, ::-1]
    method = cv2.INTER_AREA if extent > side else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(piece, (side, side), interpolation=method), np.float32)


@cache
def _noise(number: int) -> Image:
    rng = np.random.default_rng([number])
    return clouds(rng, NOISE_PIXELS, float(rng.uniform(0.4, 1.6)), 1).astype(np.float32)


@cache
def _grounds(odd: bool) -> list[Image]:
    """Textures of the suite, whose even variants are for training, as squares in 0..1."""
    chosen = range(int(odd), textures.NUM_VARIANTS, 2)
    painters = (
        textures.grass, textures.forest, textures.leaves, textures.leaf_cover, textures.needles, textures.bark,
        textures.field, textures.gravel, textures.concrete, textures.paving, textures.street_asphalt,
        textures.facade, textures.roof_tiles,
    )  # fmt: skip
    return [_square(painter(variant).levels[0]) for painter in painters for variant in chosen]


def _square(pixels: NDArray[np.uint8]) -> Image:
    extent = min(pixels.shape[:2])
    piece = pixels[:extent, :extent].astype(np.float32) / 255.0
    color = piece[..., :3]
    if piece.shape[2] == 4:  # leaves with gaps between them
        color = color * piece[..., 3:] + 0.2 * (1.0 - piece[..., 3:])
    if extent > TEXTURE_PIXELS:
        color = cv2.resize(color, (TEXTURE_PIXELS, TEXTURE_PIXELS), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(color, np.float32)
