"""Textures of walls and roofs of houses."""

from __future__ import annotations

import numpy as np

from camshaft.envs.driving.textures.painting import Image, clouds, variants

WINDOW = (
    (38 / 128, 90 / 128),
    (36 / 128, 100 / 128),
)  # left and right, lower and upper edge in a facade texture


@variants
def facade(rng: np.random.Generator, variant: int) -> Image:
    """One story and bay of a plastered, brick or timber wall with a framed window."""
    walls = [[0.88, 0.84, 0.74], [0.80, 0.78, 0.76], [0.86, 0.72, 0.55], [0.72, 0.42, 0.33]]
    walls += [[0.91, 0.89, 0.85], [0.62, 0.38, 0.30], [0.70, 0.76, 0.78], [0.55, 0.42, 0.30]]
    dirt = 0.04 * clouds(rng, 128, 1.0, 2) + 0.02 * rng.standard_normal((128, 128))
    wall = np.array(walls[variant]) * (1.0 + dirt)[..., None]
    if variant in (3, 5):
        row, column = np.arange(128)[:, None], np.arange(128)
        wall[((row % 8) == 0) | ((column + 8 * (row // 8 % 2)) % 16 == 0)] *= 1.18
    if variant == 7:
        wall[:, ::16] *= 0.7
    glass = np.array([0.22, 0.27, 0.33]) * rng.uniform(0.8, 1.2)
    frame = np.array([0.93, 0.92, 0.9]) if variant % 3 else np.array([0.36, 0.25, 0.18])
    (left, right), (low, high) = (np.array(WINDOW) * 128).astype(int)
    wall[low - 6 : high + 6, left - 6 : right + 6] = frame
    wall[low:high, left:right] = glass * np.linspace(0.8, 1.5, high - low)[:, None, None]
    wall[low:high, (left + right) // 2 - 2 : (left + right) // 2 + 2] = frame
    wall[(2 * high + low) // 3 - 2 : (2 * high + low) // 3 + 2, left:right] = frame
    return wall


@variants
def roof_tiles(rng: np.random.Generator, variant: int) -> Image:
    """Rows of tiles, red, brown or slate."""
    bases = [[0.60, 0.29, 0.20], [0.45, 0.27, 0.20], [0.34, 0.35, 0.38], [0.66, 0.36, 0.24]]
    tiles = np.repeat(np.repeat(rng.uniform(0.86, 1.1, (8, 8)), 8, axis=0), 8, axis=1)
    lips = np.where(np.arange(64) % 8 < 2, 0.72, 1.0)[:, None] * np.where(np.arange(64) % 8 == 0, 0.86, 1.0)
    return np.array(bases[variant % 4]) * rng.uniform(0.85, 1.15) * (tiles * lips)[..., None]
