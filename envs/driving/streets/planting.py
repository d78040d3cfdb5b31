"""Trees and bushes on open land."""

from __future__ import annotations

import math

from numpy.typing import ArrayLike

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving.streets.layout import LayoutBuilder

TREES = ("broadleaf", "conifer")
DEPTH = -0.1  # meters, depth of a plant's base in the ground


def plant(
    builder: LayoutBuilder, name: str, point: ArrayLike, scale: float | None = None, apart: float = 0.2
) -> None:
    """Plant a tree or bush if its position is free."""
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
    """Plant woods of one or two kinds of tree, and single trees between them.

    Args:
        builder: builder to add them to.
        low: (2,) meters, a corner of the land.
        high: (2,) meters, the opposite corner.
        count: number of trees to try.
        woods: number of woods.
        spread: meters, approximate radius of a wood.
        apart: meters, clearance of each tree.
    """
    rng = builder.rng
    middles, shares = rng.uniform(low, high, (woods, 2)), rng.uniform(0.0, 1.0, woods)
    for _ in range(count):
        wood = int(rng.integers(woods + woods // 3))
        inside = wood < woods
        point = middles[wood] + rng.normal(0.0, spread, 2) if inside else rng.uniform(low, high)
        broad = rng.random() < (shares[wood] if inside else 0.6)
        plant(builder, TREES[0] if broad else TREES[1], point, float(rng.uniform(0.75, 1.5)), apart)
