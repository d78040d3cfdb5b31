"""Splits of data sets, and held-out parts of sets that come without a validation split."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from camshaft.perception.data.counter_rng import CounterRNG

SPLITS = ("train", "val", "test")
SPLITS_OF_WHOLE = ("all", "train", "val")
"""Splits of a set whose files do not tell splits apart."""


def in_split(numbers: ArrayLike, split: str, block: int = 1) -> NDArray[np.bool_]:
    """Whether numbered items belong to a split: every fifth block to "val", the others to "train", all to "all".

    Args:
        numbers: (n,) numbers of the items.
        split: one of SPLITS_OF_WHOLE.
        block: consecutive items that are kept together.

    Returns:
        (n,) mask.
    """
    validation = np.asarray(numbers, np.int64) // block % 5 == 4
    if split == "all":
        return np.ones_like(validation)
    return validation == (split == "val")


def held_out(names: Iterable[str], fraction: float, seed: int = 0) -> set[str]:
    """Random fraction of names, at least one; for splits by group."""
    ordered = sorted(set(names))
    order = np.argsort(CounterRNG((seed, len(ordered)), np.arange(len(ordered))).uniform())
    return {ordered[index] for index in order[: max(1, round(fraction * len(ordered)))]}
