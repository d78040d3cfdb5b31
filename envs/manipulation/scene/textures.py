"""Procedural textures of tables, floors and walls; even variants are for training, odd ones for testing."""

from __future__ import annotations

from functools import cache

import numpy as np

from camshaft.envs.arrays import FloatArray
from camshaft.envs.rendering import Texture

NUM_VARIANTS = 8
SIZE = 256  # pixels, width and height

WOODS = (  # light and dark color of the grain
    ((0.80, 0.66, 0.48), (0.66, 0.50, 0.33)),
    ((0.56, 0.38, 0.25), (0.42, 0.27, 0.16)),
    ((0.86, 0.78, 0.65), (0.76, 0.66, 0.51)),
    ((0.45, 0.33, 0.26), (0.30, 0.21, 0.16)),
    ((0.74, 0.56, 0.36), (0.57, 0.40, 0.23)),
    ((0.66, 0.58, 0.50), (0.50, 0.43, 0.36)),
    ((0.80, 0.58, 0.42), (0.66, 0.42, 0.28)),
    ((0.37, 0.28, 0.20), (0.24, 0.17, 0.12)),
)
FLOORS = (  # color of the tiles and of the joints
    ((0.62, 0.64, 0.66), (0.45, 0.46, 0.48)),
    ((0.47, 0.49, 0.46), (0.36, 0.38, 0.36)),
    ((0.72, 0.69, 0.63), (0.55, 0.52, 0.47)),
    ((0.38, 0.42, 0.48), (0.27, 0.30, 0.35)),
    ((0.55, 0.47, 0.42), (0.40, 0.33, 0.29)),
    ((0.68, 0.72, 0.70), (0.50, 0.54, 0.52)),
    ((0.33, 0.33, 0.34), (0.23, 0.23, 0.24)),
    ((0.60, 0.55, 0.48), (0.46, 0.41, 0.35)),
)
WALLS = (
    (0.82, 0.83, 0.82),
    (0.68, 0.74, 0.79),
    (0.85, 0.80, 0.72),
    (0.62, 0.68, 0.60),
    (0.75, 0.77, 0.81),
    (0.80, 0.74, 0.74),
    (0.70, 0.70, 0.67),
    (0.58, 0.64, 0.72),
)


@cache
def wood(variant: int) -> Texture:
    """Wooden boards with grain along u."""
    rng = np.random.default_rng([1, variant])
    light, dark = (np.array(color) for color in WOODS[variant])
    grain = 0.6 * _clouds(rng, 1.0, (1, 14)) + 0.4 * _clouds(rng, 0.4, (3, 40))
    boards = 4
    row = np.arange(SIZE) * boards // SIZE
    shade = rng.normal(0.0, 0.05, boards)[row][:, None]
    joint = (np.arange(SIZE) * boards % SIZE < boards)[:, None]
    share = np.clip(0.5 + 0.28 * grain + shade, 0.0, 1.0)[..., None]
    image = dark + share * (light - dark)
    return _texture(image * np.where(joint, 0.72, 1.0)[..., None])


@cache
def floor(variant: int) -> Texture:
    """A square tile with joints around it."""
    rng = np.random.default_rng([2, variant])
    base, line = (np.array(color) for color in FLOORS[variant])
    edge = np.minimum(np.arange(SIZE), np.arange(SIZE)[::-1])
    joint = np.minimum(edge[:, None], edge[None]) < 3
    mottle = 1.0 + 0.05 * _clouds(rng, 1.0, (2, 2)) + 0.02 * rng.standard_normal((SIZE, SIZE))
    return _texture(np.where(joint[..., None], line, base * mottle[..., None]))


@cache
def wall(variant: int) -> Texture:
    """Painted plaster."""
    rng = np.random.default_rng([3, variant])
    return _texture(np.array(WALLS[variant]) * (1.0 + 0.02 * _clouds(rng, 0.8, (2, 2)))[..., None])


def _clouds(rng: np.random.Generator, falloff: float, stretch: tuple[int, int]) -> FloatArray:
    """Seamless noise of mean 0 and standard deviation 1, stretched along an axis."""
    spectrum = np.fft.rfft2(rng.standard_normal((SIZE, SIZE)))
    rows, columns = np.fft.fftfreq(SIZE)[:, None] * SIZE, np.fft.rfftfreq(SIZE) * SIZE
    radius = np.hypot(rows * stretch[0], columns * stretch[1])
    noise = np.fft.irfft2(
        spectrum * np.where(radius > 0.0, np.maximum(radius, 1.0), np.inf) ** -(falloff + 1.0)
    )
    return np.asarray(noise / noise.std())


def _texture(image: FloatArray) -> Texture:
    return Texture(np.round(np.clip(image, 0.0, 1.0) * 255.0).astype(np.uint8))
