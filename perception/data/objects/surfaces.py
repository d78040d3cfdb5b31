"""Surfaces of objects, ground and backdrops, with procedural textures; even for training, odd for testing."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.driving import textures
from camshaft.envs.driving.textures.boards import advertisement, planks
from camshaft.envs.driving.textures.painting import NUM_VARIANTS, clouds
from camshaft.envs.rendering import Surface, Texture

SIDE = 64  # texels
PATTERNS = ("plain", "checks", "stripes", "speckles")


@cache
def object_surfaces() -> tuple[Surface, ...]:
    """Surfaces of geometric solids, tinted by the color of the slot: each pattern for training and for testing."""
    surfaces = []
    for number, pattern in enumerate(PATTERNS):
        for split in range(2):
            specular = 0.04 * ((number + split) % 2)
            texture = None if pattern == "plain" else Texture(_pattern(pattern, 2 * number + split))
            surfaces.append(Surface((1.0, 1.0, 1.0), texture, specular=specular, shininess=64))
    return tuple(surfaces)


@cache
def ground_surfaces() -> tuple[Surface, ...]:
    """Surfaces of the ground, alternating between training and testing."""
    return _alternating(
        textures.grass,
        textures.gravel,
        textures.street_asphalt,
        textures.paving,
        textures.cobbles,
        textures.concrete,
        textures.lawn,
        _noise,
        planks,
        label="terrain",
    )


@cache
def wall_surfaces() -> tuple[Surface, ...]:
    """Surfaces of backdrops, alternating between training and testing."""
    return _alternating(
        textures.facade,
        textures.forest,
        textures.concrete,
        textures.roof_tiles,
        planks,
        _noise,
        advertisement,
        label="building",
    )


def _alternating(*makers: Callable[[int], Texture], label: str) -> tuple[Surface, ...]:
    return tuple(
        Surface((1.0, 1.0, 1.0), make(2 * pair + split), label, double_sided=True)
        for make in makers
        for pair in range(NUM_VARIANTS // 2)
        for split in range(2)
    )


@cache
def _noise(variant: int) -> Texture:
    rng = np.random.default_rng((7919, variant))
    first, second = rng.uniform(0.15, 0.95, (2, 3))
    share = clouds(rng, SIDE, rng.uniform(0.8, 1.8), 1)[..., None]
    share = (share - share.min()) / np.ptp(share)
    return Texture(np.round(255.0 * (first + share * (second - first))).astype(np.uint8))


def _pattern(pattern: str, seed: int) -> NDArray[np.uint8]:
    """White texture with darker marks, to be tinted by the color of the slot."""
    rng = np.random.default_rng((104729, seed))
    rows, columns = np.mgrid[:SIDE, :SIDE]
    dark = rng.uniform(0.15, 0.5)
    cells = 2 ** int(rng.integers(2, 4))
    if pattern == "checks":
        marked = (rows * cells // SIDE + columns * cells // SIDE) % 2 == 0
    elif pattern == "stripes":
        marked = ((rows + columns * int(rng.integers(0, 2))) * cells // SIDE) % 2 == 0
    else:
        marked = rng.random((SIDE // 4, SIDE // 4)).repeat(4, 0).repeat(4, 1) < rng.uniform(0.15, 0.35)
    value = np.where(marked, dark, 1.0)
    return np.repeat(np.round(255.0 * value).astype(np.uint8)[..., None], 3, axis=2)
