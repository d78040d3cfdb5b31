"""Procedural textures of roads, fields, plants and houses; every one repeats without a seam.

Each kind comes in `NUM_VARIANTS` variants drawn from seeds of their own, so that even variants can be kept
for training and odd ones for testing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from envs.errors import InvalidOption
from envs.rendering import Texture

NUM_VARIANTS = 8
ROAD_METRES = 8.0  # a road texture repeats after this length; u runs to the left of the centre line
LAND_METRES = 40.0  # likewise for textures of fields
LANE_CENTRE = 1.8  # metres; wheel tracks are painted about it
WEAR_LEVELS = 4

Image = NDArray[np.float64]


def _variants(paint: Callable[..., Image]) -> Callable[..., Texture]:
    """Make a painter of (H, W, 3) images in 0..1 into a cached source of textures."""

    @cache
    def texture(variant: int, *options: Any) -> Texture:
        if not 0 <= variant < NUM_VARIANTS:
            raise InvalidOption(f"{paint.__name__} has variants 0..{NUM_VARIANTS - 1}, got {variant!r}")
        rng = np.random.default_rng([*paint.__name__.encode(), variant])
        return Texture(np.round(np.clip(paint(rng, variant, *options), 0.0, 1.0) * 255.0).astype(np.uint8))

    texture.__doc__ = paint.__doc__
    return texture


@_variants
def asphalt(rng: np.random.Generator, variant: int) -> Image:
    """Asphalt from fresh and dark to old and pale: grain, stains, wheel tracks, cracks and patches."""
    size = 256
    brightness = 0.30 + 0.22 * ((variant * 3 + 1) % NUM_VARIANTS) / (NUM_VARIANTS - 1)
    tint = 1.0 + rng.uniform(-0.035, 0.035, 3)
    grey = 1.0 + 0.09 * rng.standard_normal((size, size)) + 0.06 * _clouds(rng, size, 1.2, 3)
    grey += 0.05 * _clouds(rng, size, 0.5, 16)
    lateral = ROAD_METRES * (np.arange(size) + 0.5) / size
    from_middle = np.minimum(lateral, ROAD_METRES - lateral)
    from_track = np.abs(from_middle - LANE_CENTRE) - 0.75
    grey *= 1.0 - rng.uniform(0.02, 0.10) * np.exp(-((from_track / 0.3) ** 2))
    if variant % 4 >= 2:
        cracks = np.abs(_clouds(rng, size, 1.6, 2)) < 0.018
        grey[cracks & (_clouds(rng, size, 2.0, 1) > 0.0)] *= 0.62
    for _ in range(int(rng.integers(0, 3))):
        height, width = rng.integers(size // 10, size // 4, 2)
        row, column = rng.integers(0, size, 2)
        rows, columns = (row + np.arange(height)) % size, (column + np.arange(width)) % size
        grey[np.ix_(rows, columns)] *= rng.uniform(0.78, 0.9)
    return brightness * grey[..., None] * tint


@_variants
def grass(rng: np.random.Generator, variant: int) -> Image:
    """Grass from lush to dry, in patches."""
    dryness = ((variant * 5 + 2) % NUM_VARIANTS) / (NUM_VARIANTS - 1)
    lush, dry = np.array([0.27, 0.42, 0.15]), np.array([0.56, 0.53, 0.27])
    base = lush + (0.15 + 0.6 * dryness) * (dry - lush) + rng.uniform(-0.025, 0.025, 3)
    return _patchy(rng, 256, base, base * [0.72, 0.80, 0.72], base * [1.2, 1.13, 1.12], grain=0.12)


@_variants
def gravel(rng: np.random.Generator, variant: int) -> Image:
    """Crushed stone, grey to sandy."""
    grey, sand = np.array([0.52, 0.51, 0.49]), np.array([0.62, 0.54, 0.42])
    base = (grey + rng.uniform() * (sand - grey)) * rng.uniform(0.85, 1.1)
    stones = _clouds(rng, 128, 0.0, 10) * 0.10 + rng.standard_normal((128, 128)) * 0.08
    return base * (1.0 + stones + 0.05 * _clouds(rng, 128, 1.2, 2))[..., None]


@_variants
def field(rng: np.random.Generator, variant: int) -> Image:
    """Farm land: ripe wheat, ploughed earth, rows of a young crop, a flowering meadow."""
    kind = (variant // 2) % 4
    base = np.array([[0.72, 0.62, 0.33], [0.44, 0.34, 0.25], [0.40, 0.50, 0.24], [0.40, 0.51, 0.20]])[kind]
    base = base * rng.uniform(0.9, 1.1) + rng.uniform(-0.03, 0.03, 3)
    image = _patchy(rng, 128, base, base * 0.86, base * 1.1, grain=0.08)
    if kind in (1, 2):
        rows = int(rng.choice([16, 32]))
        stripes = np.sin(2.0 * np.pi * rows * np.arange(128) / 128.0)
        furrow = np.array([[0.80, 0.80, 0.80], [1.1, 0.85, 1.0]])[kind - 1]
        image *= np.where(stripes[:, None, None] > 0.2, furrow, 1.0)
    if kind == 3:
        flowers = rng.random((128, 128)) < 0.05
        image[flowers] = rng.choice([[0.92, 0.85, 0.3], [0.9, 0.9, 0.88], [0.75, 0.4, 0.6]])
    return image


@_variants
def forest(rng: np.random.Generator, variant: int) -> Image:
    """A wood seen from afar: dark crowns."""
    base = np.array([0.20, 0.30, 0.15]) * rng.uniform(0.8, 1.2) + rng.uniform(-0.02, 0.02, 3)
    crowns = np.abs(_clouds(rng, 128, 0.6, 6))
    return base * (0.62 + 0.42 * crowns)[..., None] * (1.0 + 0.06 * rng.standard_normal((128, 128, 1)))


@_variants
def paint(rng: np.random.Generator, variant: int, colour: str) -> Image:
    """Road paint, white or yellow; variants differ by wear: `variant % WEAR_LEVELS`, 0 as new."""
    wear = variant % WEAR_LEVELS
    new = np.array({"white": [0.93, 0.93, 0.91], "yellow": [0.93, 0.74, 0.16]}[colour])
    fresh = new * (1.0 - 0.05 * wear)
    worn = np.array([0.42, 0.42, 0.42])
    holes = _clouds(rng, 128, 0.4, 6) + 0.7 * rng.standard_normal((128, 128)) > 2.6 - 0.62 * wear
    faded = fresh + 0.05 * wear * (worn - fresh)
    return np.where(holes[..., None], worn + 0.45 * (fresh - worn), faded) * (
        1.0 + 0.03 * _clouds(rng, 128, 1.2, 2)[..., None]
    )


@_variants
def facade(rng: np.random.Generator, variant: int) -> Image:
    """One storey and bay of a plastered, brick or timber wall with a framed window."""
    walls = [[0.88, 0.84, 0.74], [0.80, 0.78, 0.76], [0.86, 0.72, 0.55], [0.72, 0.42, 0.33]]
    walls += [[0.91, 0.89, 0.85], [0.62, 0.38, 0.30], [0.70, 0.76, 0.78], [0.55, 0.42, 0.30]]
    dirt = 0.04 * _clouds(rng, 128, 1.0, 2) + 0.02 * rng.standard_normal((128, 128))
    wall = np.array(walls[variant]) * (1.0 + dirt)[..., None]
    if variant in (3, 5):
        row, column = np.arange(128)[:, None], np.arange(128)
        wall[((row % 8) == 0) | ((column + 8 * (row // 8 % 2)) % 16 == 0)] *= 1.18
    if variant == 7:
        wall[:, ::16] *= 0.7
    glass = np.array([0.22, 0.27, 0.33]) * rng.uniform(0.8, 1.2)
    frame = np.array([0.93, 0.92, 0.9]) if variant % 3 else np.array([0.36, 0.25, 0.18])
    low, high, left, right = 36, 100, 38, 90
    wall[low - 6 : high + 6, left - 6 : right + 6] = frame
    wall[low:high, left:right] = glass * np.linspace(0.8, 1.5, high - low)[:, None, None]
    wall[low:high, (left + right) // 2 - 2 : (left + right) // 2 + 2] = frame
    wall[(2 * high + low) // 3 - 2 : (2 * high + low) // 3 + 2, left:right] = frame
    return wall


@_variants
def roof_tiles(rng: np.random.Generator, variant: int) -> Image:
    """Rows of tiles, red, brown or slate."""
    bases = [[0.60, 0.29, 0.20], [0.45, 0.27, 0.20], [0.34, 0.35, 0.38], [0.66, 0.36, 0.24]]
    tiles = np.repeat(np.repeat(rng.uniform(0.86, 1.1, (8, 8)), 8, axis=0), 8, axis=1)
    lips = np.where(np.arange(64) % 8 < 2, 0.72, 1.0)[:, None] * np.where(np.arange(64) % 8 == 0, 0.86, 1.0)
    return np.array(bases[variant % 4]) * rng.uniform(0.85, 1.15) * (tiles * lips)[..., None]


@_variants
def leaves(rng: np.random.Generator, variant: int) -> Image:
    """Foliage of broad-leaved trees and bushes."""
    base = np.array([0.30, 0.44, 0.17]) * rng.uniform(0.85, 1.2)
    base += rng.uniform(-0.04, 0.04, 3) * [1.0, 0.5, 0.5]
    return _foliage(rng, base, rough=8)


@_variants
def needles(rng: np.random.Generator, variant: int) -> Image:
    """Foliage of conifers."""
    base = np.array([0.19, 0.32, 0.19]) * rng.uniform(0.85, 1.2) + rng.uniform(-0.03, 0.03, 3)
    return _foliage(rng, base, rough=12)


@_variants
def bark(rng: np.random.Generator, variant: int) -> Image:
    """Bark, furrowed upwards."""
    base = np.array([0.40, 0.31, 0.24]) * rng.uniform(0.8, 1.2)
    furrows = np.repeat(rng.uniform(0.7, 1.15, (1, 32)), 32, axis=0) + 0.1 * rng.standard_normal((32, 32))
    return base * furrows[..., None]


@_variants
def chevrons(rng: np.random.Generator, variant: int) -> Image:
    """Red and white chevrons of a bend marker, pointing towards +u."""
    u, v = np.arange(64), np.abs(np.arange(64) - 31.5)[:, None]
    red = ((u + v) % 32 < 16)[..., None]
    return np.where(red, np.array([0.80, 0.10, 0.10]), 0.95) * (1.0 + 0.01 * rng.standard_normal((64, 64, 1)))


def _clouds(rng: np.random.Generator, size: int, falloff: float, lowest: float) -> Image:
    """(size, size) seamless noise of mean 0 and deviation 1.

    Args:
        rng: source of the draws.
        size: pixels a side.
        falloff: amplitude falls with this power of the frequency.
        lowest: waves a side below which there is nothing.
    """
    spectrum = np.fft.rfft2(rng.standard_normal((size, size))) * _amplitude(size, falloff, lowest)
    noise = np.fft.irfft2(spectrum, s=(size, size))
    return noise / noise.std()


@cache
def _amplitude(size: int, falloff: float, lowest: float) -> Image:
    """(size, size // 2 + 1) of a real spectrum."""
    radius = np.hypot(np.fft.fftfreq(size)[:, None] * size, np.fft.rfftfreq(size) * size)
    return np.where(radius >= lowest, np.maximum(radius, 1.0) ** -(falloff + 1.0), 0.0)


def _patchy(
    rng: np.random.Generator, size: int, base: ArrayLike, dark: ArrayLike, pale: ArrayLike, grain: float
) -> Image:
    """Broad dark and pale patches on a base colour, with fine grain."""
    base, dark, pale = np.asarray(base), np.asarray(dark), np.asarray(pale)
    patches = _clouds(rng, size, 0.9, 1)[..., None]
    share = 0.5 * np.clip(patches, -2.0, 2.0)
    image = base + np.abs(share) * (np.where(share > 0.0, pale, dark) - base)
    fine = rng.standard_normal((size, size, 1)) + _clouds(rng, size, 0.2, 8)[..., None]
    return image * (1.0 + grain * fine)


def _foliage(rng: np.random.Generator, base: NDArray[np.float64], rough: float) -> Image:
    clumps = _clouds(rng, 64, 0.3, rough) * 0.16 + _clouds(rng, 64, 0.8, 2) * 0.16
    return base * (1.0 + clumps + 0.10 * rng.standard_normal((64, 64)))[..., None]
