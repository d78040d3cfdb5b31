"""Textures of the land along country roads."""

from __future__ import annotations

import numpy as np

from camshaft.envs.driving.textures.painting import NUM_VARIANTS, Image, clouds, patchy, variants

LAND_METERS = 40.0  # meters after which a field texture repeats


@variants
def grass(rng: np.random.Generator, variant: int) -> Image:
    """Patchy grass, from lush to dry."""
    dryness = ((variant * 5 + 2) % NUM_VARIANTS) / (NUM_VARIANTS - 1)
    lush, dry = np.array([0.27, 0.42, 0.15]), np.array([0.56, 0.53, 0.27])
    base = lush + (0.15 + 0.6 * dryness) * (dry - lush) + rng.uniform(-0.025, 0.025, 3)
    return patchy(rng, 256, base, base * [0.72, 0.80, 0.72], base * [1.2, 1.13, 1.12], grain=0.12)


@variants
def gravel(rng: np.random.Generator, variant: int) -> Image:
    """Crushed stone, gray to sandy."""
    gray, sand = np.array([0.52, 0.51, 0.49]), np.array([0.62, 0.54, 0.42])
    base = (gray + rng.uniform() * (sand - gray)) * rng.uniform(0.85, 1.1)
    stones = clouds(rng, 128, 0.0, 10) * 0.10 + rng.standard_normal((128, 128)) * 0.08
    return base * (1.0 + stones + 0.05 * clouds(rng, 128, 1.2, 2))[..., None]


@variants
def field(rng: np.random.Generator, variant: int) -> Image:
    """Farmland: ripe wheat, plowed earth, rows of a young crop, or a flowering meadow."""
    kind = (variant // 2) % 4
    base = np.array([[0.72, 0.62, 0.33], [0.44, 0.34, 0.25], [0.40, 0.50, 0.24], [0.40, 0.51, 0.20]])[kind]
    base = base * rng.uniform(0.9, 1.1) + rng.uniform(-0.03, 0.03, 3)
    image = patchy(rng, 128, base, base * 0.86, base * 1.1, grain=0.08)
    if kind in (1, 2):
        rows = int(rng.choice([16, 32]))
        stripes = np.sin(2.0 * np.pi * rows * np.arange(128) / 128.0)
        furrow = np.array([[0.80, 0.80, 0.80], [1.1, 0.85, 1.0]])[kind - 1]
        image *= np.where(stripes[:, None, None] > 0.2, furrow, 1.0)
    if kind == 3:
        flowers = rng.random((128, 128)) < 0.05
        image[flowers] = rng.choice([[0.92, 0.85, 0.3], [0.9, 0.9, 0.88], [0.75, 0.4, 0.6]])
    return image


@variants
def forest(rng: np.random.Generator, variant: int) -> Image:
    """A forest seen from a distance: dark crowns."""
    base = np.array([0.20, 0.30, 0.15]) * rng.uniform(0.8, 1.2) + rng.uniform(-0.02, 0.02, 3)
    crowns = np.abs(clouds(rng, 128, 0.6, 6))
    return base * (0.62 + 0.42 * crowns)[..., None] * (1.0 + 0.06 * rng.standard_normal((128, 128, 1)))
