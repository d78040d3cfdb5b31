"""Textures of foliage and bark."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.driving.textures.painting import Image, clouds, variants


@variants
def leaves(rng: np.random.Generator, variant: int) -> Image:
    """Foliage of broad-leaved trees and bushes."""
    base = np.array([0.30, 0.44, 0.17]) * rng.uniform(0.85, 1.2)
    base += rng.uniform(-0.04, 0.04, 3) * [1.0, 0.5, 0.5]
    return _foliage(rng, base, rough=8)


@variants
def needles(rng: np.random.Generator, variant: int) -> Image:
    """Foliage of conifers."""
    base = np.array([0.19, 0.32, 0.19]) * rng.uniform(0.85, 1.2) + rng.uniform(-0.03, 0.03, 3)
    return _foliage(rng, base, rough=12)


@variants
def leaf_cover(rng: np.random.Generator, variant: int) -> Image:
    """Leafy twigs with gaps between them, for the outside of a crown."""
    base = np.array([0.31, 0.45, 0.17]) * rng.uniform(0.85, 1.2)
    base += rng.uniform(-0.04, 0.04, 3) * [1.0, 0.5, 0.5]
    return _tinted(_leaf_shapes(variant % 2), base)


@variants
def needle_fringe(rng: np.random.Generator, variant: int) -> Image:
    """A whorl of conifer branches, dense at the top (v = 1), apart at the tips (v = 0); repeats along u only."""
    base = np.array([0.19, 0.32, 0.19]) * rng.uniform(0.85, 1.2) + rng.uniform(-0.03, 0.03, 3)
    return _tinted(_branch_shapes(variant % 2), base)


@variants
def bark(rng: np.random.Generator, variant: int) -> Image:
    """Bark with vertical furrows."""
    base = np.array([0.40, 0.31, 0.24]) * rng.uniform(0.8, 1.2)
    furrows = np.repeat(rng.uniform(0.7, 1.15, (1, 32)), 32, axis=0) + 0.1 * rng.standard_normal((32, 32))
    return base * furrows[..., None]


def _tinted(shapes: Image, base: NDArray[np.float64]) -> Image:
    """(H, W, 4) color and alpha from (H, W, 2) brightness and alpha."""
    return np.concatenate([base * shapes[..., :1], shapes[..., 1:]], axis=2)


@cache
def _leaf_shapes(number: int) -> Image:
    """(64, 64, 2) brightness and alpha of leaves; gaps are dark, so that coarser levels blend in."""
    rng, size = np.random.default_rng([6, number]), 64
    shapes = np.tile([0.7, 0.0], (size, size, 1))
    rows, columns = np.indices((size, size))
    for _ in range(150):
        (row, column), turn = rng.uniform(0, size, 2), rng.uniform(0.0, np.pi)
        down, across = ((rows - row) + 32) % size - 32, ((columns - column) + 32) % size - 32
        along = np.cos(turn) * down + np.sin(turn) * across
        aside = np.cos(turn) * across - np.sin(turn) * down
        leaf = (along / 4.0) ** 2 + (aside / 2.0) ** 2 < 1.0
        shapes[leaf, 0] = rng.uniform(0.72, 1.2) * (1.0 + 0.12 * np.sign(aside[leaf]))
        shapes[leaf, 1] = 1.0
    return shapes


@cache
def _branch_shapes(number: int) -> Image:
    """(128, 128, 2) brightness and alpha of branches that hang from v = 1."""
    rng, size, branches = np.random.default_rng([7, number]), 128, 7
    v, u = (np.indices((size, size)) + 0.5) / size
    shapes = np.zeros((size, size, 2))
    shapes[..., 0] = 0.75 + 0.35 * (1.0 - v) + 0.12 * rng.standard_normal((size, size))
    for branch in range(branches):
        tip, bend = rng.uniform(0.0, 0.3), rng.uniform(-0.03, 0.03)
        from_axis = np.abs((u - (branch + 0.5) / branches - bend * (1.0 - v) + 0.5) % 1.0 - 0.5)
        reach = np.clip((v - tip) / (1.0 - tip), 0.0, 1.0)
        teeth = 0.75 + 0.5 * ((14.0 * v + 9.0 * from_axis * branches) % 1.0)
        shapes[from_axis < 0.8 / branches * reach**0.6 * teeth, 1] = 1.0
    return shapes


def _foliage(rng: np.random.Generator, base: NDArray[np.float64], rough: float) -> Image:
    clumps = clouds(rng, 64, 0.3, rough) * 0.16 + clouds(rng, 64, 0.8, 2) * 0.16
    return base * (1.0 + clumps + 0.10 * rng.standard_normal((64, 64)))[..., None]
