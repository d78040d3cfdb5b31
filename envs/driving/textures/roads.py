"""Textures of road surfaces and markings."""

from __future__ import annotations

import numpy as np

from camshaft.envs.driving.textures.painting import NUM_VARIANTS, Image, clouds, variants

ROAD_METERS = 8.0  # meters after which a road texture repeats; u runs to the left of the center line
LANE_CENTER = 1.8  # meters, lane center; wheel tracks are symmetric about it
WEAR_LEVELS = 4


@variants
def asphalt(rng: np.random.Generator, variant: int) -> Image:
    """Asphalt, from fresh and dark to old and pale: grain, stains, wheel tracks, cracks and patches."""
    size = 256
    brightness = 0.30 + 0.22 * ((variant * 3 + 1) % NUM_VARIANTS) / (NUM_VARIANTS - 1)
    tint = 1.0 + rng.uniform(-0.035, 0.035, 3)
    gray = 1.0 + 0.09 * rng.standard_normal((size, size)) + 0.06 * clouds(rng, size, 1.2, 3)
    gray += 0.05 * clouds(rng, size, 0.5, 16)
    lateral = ROAD_METERS * (np.arange(size) + 0.5) / size
    from_middle = np.minimum(lateral, ROAD_METERS - lateral)
    from_track = np.abs(from_middle - LANE_CENTER) - 0.75
    gray *= 1.0 - rng.uniform(0.02, 0.10) * np.exp(-((from_track / 0.3) ** 2))
    if variant % 4 >= 2:
        cracks = np.abs(clouds(rng, size, 1.6, 2)) < 0.018
        gray[cracks & (clouds(rng, size, 2.0, 1) > 0.0)] *= 0.62
    for _ in range(int(rng.integers(0, 3))):
        height, width = rng.integers(size // 10, size // 4, 2)
        row, column = rng.integers(0, size, 2)
        rows, columns = (row + np.arange(height)) % size, (column + np.arange(width)) % size
        gray[np.ix_(rows, columns)] *= rng.uniform(0.78, 0.9)
    return brightness * gray[..., None] * tint


@variants
def paint(rng: np.random.Generator, variant: int, color: str) -> Image:
    """Road paint, white or yellow; variants differ by wear: `variant % WEAR_LEVELS`, 0 is new."""
    wear = variant % WEAR_LEVELS
    new = np.array({"white": [0.93, 0.93, 0.91], "yellow": [0.93, 0.74, 0.16]}[color])
    fresh = new * (1.0 - 0.05 * wear)
    worn = np.array([0.42, 0.42, 0.42])
    holes = clouds(rng, 128, 0.4, 6) + 0.7 * rng.standard_normal((128, 128)) > 2.6 - 0.62 * wear
    faded = fresh + 0.05 * wear * (worn - fresh)
    return np.where(holes[..., None], worn + 0.45 * (fresh - worn), faded) * (
        1.0 + 0.03 * clouds(rng, 128, 1.2, 2)[..., None]
    )


@variants
def chevrons(rng: np.random.Generator, variant: int) -> Image:
    """Red and white chevrons of a bend marker that points toward +u."""
    u, v = np.arange(64), np.abs(np.arange(64) - 31.5)[:, None]
    red = ((u + v) % 32 < 16)[..., None]
    return np.where(red, np.array([0.80, 0.10, 0.10]), 0.95) * (1.0 + 0.01 * rng.standard_normal((64, 64, 1)))
