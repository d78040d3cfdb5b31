"""Trees and bushes on open land."""

from __future__ import annotations

import math

from numpy.typing import ArrayLike

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving.streets.layout import LayoutBuilder

TREES = ("broadleaf", "conifer")
DEPTH = -0.1  # meters, of the foot of a plant in the ground


def plant(
    builder: LayoutBuilder, name: str, point: ArrayLike, scale: float | None = None, apart: float = 0.2
) -> None:
    """A tree or bush at a place, if nothing is there."""
    rng = builder.rng
    size = float(rng.uniform(0.7, 1.25)) if scale is None else scale
    turn = float(rng.uniform(0.0, 2.0 * math.pi))
    variant, tint = builder.choose(name), builder.tint(0.14)
    builder.put_if_free(name, variant, point, turn, apart, DEPTH, size, tint)


def plant_woods(
    builder: LayoutBuilder,
    low: FloatArray,
    high: FloatArray,
    count: int,
    woods: int,
    spread: float,
    apart: float,
) -> None:
    """Woods of one or two kinds of tree, and single ones between them.

    Args:
        builder: gains them.
        low: (2,) meters: a corner of the land.
        high: (2,) meters: the corner across.
        count: trees that are tried.
        woods: how many there are.
        spread: meters from the middle of a wood to its edge, about.
        apart: meters that each keeps from everything.
    """
    rng = builder.rng
    middles, shares = rng.uniform(low, high, (woods, 2)), rng.uniform(0.0, 1.0, woods)
    for _ in range(count):
        wood = int(rng.integers(woods + woods // 3))
        inside = wood < woods
        point = middles[wood] + rng.normal(0.0, spread, 2) if inside else rng.uniform(low, high)
        broad = rng.random() < (shares[wood] if inside else 0.6)
        plant(builder, TREES[0] if broad else TREES[1], point, float(rng.uniform(0.75, 1.5)), apart)
