"""Textures of the ground of towns, race tracks and parking lots; all tile seamlessly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.driving.textures.painting import NUM_VARIANTS, Image, clouds, patchy, variants

STREET_METERS = (
    8.0  # meters after which street asphalt, track asphalt and parking lots repeat; v runs along the road
)
PAVING_METERS = 4.0
COBBLE_METERS = 2.5
LAWN_METERS = 16.0
CURB_METERS = 4.0  # along u; four stones
STRIPE_METERS = 2.0  # of a race track's curb along u: one block of each color


@variants
def street_asphalt(rng: np.random.Generator, variant: int) -> Image:
    """Town asphalt, darker or paler, with patched trenches and sealed cracks."""
    size = 256
    gray = 1.0 + 0.08 * rng.standard_normal((size, size)) + 0.05 * clouds(rng, size, 1.2, 2)
    for _ in range(int(rng.integers(1, 4))):
        height, width = rng.integers(size // 8, size // 3, 2)
        _patch(gray, rng.integers(0, size, 2), (int(height), int(width)), rng.uniform(0.80, 1.12), seam=0.7)
    if variant % 4 >= 1:
        sealed = np.abs(clouds(rng, size, 1.8, 2)) < 0.014
        gray[sealed & (clouds(rng, size, 2.0, 1) > 0.3)] *= 0.55
    brightness = 0.29 + 0.17 * ((variant * 5 + 3) % NUM_VARIANTS) / (NUM_VARIANTS - 1)
    return brightness * gray[..., None] * (1.0 + rng.uniform(-0.03, 0.03, 3))


@variants
def track_asphalt(rng: np.random.Generator, variant: int) -> Image:
    """Smooth, dark asphalt of a race track, with rubber along the driving line."""
    size = 256
    streaks = np.repeat(clouds(rng, size, 0.8, 2)[:1], size, axis=0) * (0.8 + 0.2 * clouds(rng, size, 1.2, 1))
    gray = 1.0 + 0.05 * rng.standard_normal((size, size)) + 0.03 * clouds(rng, size, 1.2, 2)
    gray *= 1.0 - 0.07 * np.clip(streaks, 0.0, 2.0)
    brightness = 0.25 + 0.12 * ((variant * 3 + 1) % NUM_VARIANTS) / (NUM_VARIANTS - 1)
    return brightness * gray[..., None] * (1.0 + rng.uniform(-0.02, 0.02, 3))


@variants
def car_park(rng: np.random.Generator, variant: int) -> Image:
    """Pale asphalt or concrete of a parking lot, with oil stains."""
    size = 256
    gray = 1.0 + 0.07 * rng.standard_normal((size, size)) + 0.06 * clouds(rng, size, 1.3, 1)
    rows, columns = np.indices((size, size))
    for _ in range(6):
        (row, column), radius = rng.uniform(0, size, 2), rng.uniform(3.0, 9.0)
        down, across = (
            ((rows - row + size // 2) % size - size // 2),
            ((columns - column + size // 2) % size - size // 2),
        )
        gray *= 1.0 - rng.uniform(0.1, 0.35) * np.exp(-(down**2 + across**2) / (2.0 * radius**2))
    base = np.array([0.40, 0.40, 0.41]) if variant % 4 < 2 else np.array([0.55, 0.54, 0.51])
    if variant % 4 >= 2:
        gray[:2], gray[:, :2] = 0.82 * gray[:2], 0.82 * gray[:, :2]
    return base * rng.uniform(0.85, 1.1) * gray[..., None]


@variants
def paving(rng: np.random.Generator, variant: int) -> Image:
    """Sidewalk paving of square or long slabs or bricks, gray, sandy or reddish."""
    rows, columns, shift = ((8, 8, 0), (16, 8, 1), (10, 5, 1), (16, 16, 0))[variant // 2]
    colors = [[0.62, 0.61, 0.59], [0.58, 0.57, 0.57], [0.60, 0.44, 0.37], [0.66, 0.60, 0.50]]
    colors += [[0.55, 0.54, 0.53], [0.66, 0.63, 0.57], [0.56, 0.50, 0.48], [0.52, 0.40, 0.35]]
    slabs = _slabs(rng, 256, rows, columns, shift, spread=0.07)
    dirt = 0.04 * clouds(rng, 256, 1.2, 1) + 0.035 * rng.standard_normal((256, 256))
    return np.array(colors[variant]) * (slabs * (1.0 + dirt))[..., None]


@variants
def cobbles(rng: np.random.Generator, variant: int) -> Image:
    """Small rounded stones in rows."""
    size, rows = 256, 16
    v, u = (np.indices((size, size)) + 0.5) * rows / size
    row = np.floor(v).astype(np.int64) % rows
    widths = rng.uniform(-0.12, 0.12, (rows, rows))
    shifted = u + 0.5 * (row % 2) + widths[row, np.floor(u).astype(np.int64) % rows]
    stone = np.floor(shifted).astype(np.int64) % rows
    from_edge = np.minimum(0.5 - np.abs(shifted % 1.0 - 0.5), 0.5 - np.abs(v % 1.0 - 0.5))
    dome = np.clip(from_edge / 0.22, 0.0, 1.0) ** 0.5
    shade = rng.uniform(0.8, 1.15, (rows, rows))[row, stone]
    grain = 1.0 + 0.06 * rng.standard_normal((size, size))
    base = np.array([[0.46, 0.45, 0.45], [0.40, 0.39, 0.41], [0.52, 0.48, 0.43], [0.45, 0.41, 0.39]])[
        variant % 4
    ]
    return base * rng.uniform(0.9, 1.1) * ((0.5 + 0.5 * dome) * shade * grain)[..., None]


@variants
def curb_stone(rng: np.random.Generator, variant: int) -> Image:
    """Curb stones, one meter long; u runs along the street."""
    stones = np.repeat(rng.uniform(0.92, 1.06, 4), 32)[None, :] * np.ones((32, 1))
    stones[:, ::32] *= 0.6
    base = np.array([0.62, 0.61, 0.60]) if variant % 4 < 2 else np.array([0.53, 0.52, 0.52])
    grain = 1.0 + 0.05 * rng.standard_normal((32, 128))
    return base * rng.uniform(0.92, 1.08) * (stones * grain)[..., None]


@variants
def lawn(rng: np.random.Generator, variant: int) -> Image:
    """Mowed grass of parks, gardens and verges."""
    fresh = ((variant * 3 + 2) % NUM_VARIANTS) / (NUM_VARIANTS - 1)
    base = np.array([0.30, 0.45, 0.17]) + 0.6 * (1.0 - fresh) * np.array([0.16, 0.05, 0.07])
    base += rng.uniform(-0.02, 0.02, 3)
    image = patchy(rng, 128, base, base * [0.84, 0.88, 0.84], base * [1.12, 1.08, 1.08], grain=0.09)
    if variant % 4 >= 2:
        image *= np.where(np.arange(128) % 32 < 16, 1.06, 0.94)[:, None, None]
    return image


@variants
def runoff_gravel(rng: np.random.Generator, variant: int) -> Image:
    """Deep, pale gravel of a runoff area, raked in lines."""
    gray, sand = np.array([0.64, 0.62, 0.58]), np.array([0.70, 0.62, 0.48])
    base = (gray + rng.uniform() * (sand - gray)) * rng.uniform(0.92, 1.06)
    rake = 1.0 + 0.04 * np.sin(2.0 * np.pi * 16.0 * np.arange(128) / 128.0)[:, None]
    stones = 0.10 * clouds(rng, 128, 0.0, 12) + 0.07 * rng.standard_normal((128, 128))
    return base * (rake * (1.0 + stones))[..., None]


@variants
def curb_stripes(rng: np.random.Generator, variant: int) -> Image:
    """Red and white blocks of a race track curb, worn and streaked with rubber; u runs along the track."""
    red, white = np.array([0.74, 0.10, 0.09]), np.array([0.92, 0.91, 0.89])
    blocks = np.where((np.arange(64) < 32)[None, :, None], red * rng.uniform(0.9, 1.08), white)
    wear = 0.05 + 0.05 * (variant % 4)
    rubber = np.clip(clouds(rng, 64, 0.8, 2), 0.0, 2.0)[..., None]
    return blocks * (1.0 - wear * rubber) * (1.0 + 0.03 * rng.standard_normal((64, 64, 1)))


@variants
def concrete(rng: np.random.Generator, variant: int) -> Image:
    """Cast concrete with vertical stains."""
    stains = np.repeat(clouds(rng, 128, 0.8, 3)[:1], 128, axis=0) * np.linspace(0.2, 1.0, 128)[:, None]
    gray = 1.0 + 0.04 * stains + 0.03 * clouds(rng, 128, 1.2, 2) + 0.03 * rng.standard_normal((128, 128))
    return np.array([0.60, 0.59, 0.57]) * rng.uniform(0.88, 1.08) * gray[..., None]


def _patch(
    gray: Image, place: NDArray[np.int64], extent: tuple[int, int], factor: float, seam: float
) -> None:
    """Change the brightness of a rectangle, which may wrap around the edges, with a darker seam around it."""
    size = len(gray)
    rows, columns = (place[0] + np.arange(extent[0])) % size, (place[1] + np.arange(extent[1])) % size
    gray[np.ix_(rows, columns)] *= factor
    edge = [0, 1, -2, -1]
    gray[np.ix_(rows[edge], columns)] *= seam
    gray[np.ix_(rows, columns[edge])] *= seam


def _slabs(rng: np.random.Generator, size: int, rows: int, columns: int, shift: int, spread: float) -> Image:
    """(size, size) brightness of slabs with joints; every other row is shifted by half a slab."""
    v, u = (np.indices((size, size)) + 0.5) / size
    row = np.floor(v * rows).astype(np.int64)
    along = u * columns + 0.5 * shift * (row % 2)
    shade = rng.uniform(1.0 - spread, 1.0 + spread, (rows, columns))[
        row, np.floor(along).astype(np.int64) % columns
    ]
    joint = 1.2 / size
    near_row = np.minimum(v * rows % 1.0, 1.0 - v * rows % 1.0) / rows < joint
    near_column = np.minimum(along % 1.0, 1.0 - along % 1.0) / columns < joint
    return np.where(near_row | near_column, 0.72, shade)
