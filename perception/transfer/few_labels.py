"""Subsets of labeled images that keep the shares of the classes: for learning from few labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from camshaft.envs.errors import InvalidOption


def stratified_rows(classes: ArrayLike, fraction: float, seed: int) -> NDArray[np.int64]:
    """Draw a part of the images of every class, at least one of each.

    With one seed a smaller part lies within a larger one, so that accuracies over fractions are of growing sets.

    Args:
        classes: (N,) of all images.
        fraction: of them to draw, above 0 and at most 1.
        seed: another one draws others.

    Returns:
        (n,) sorted numbers of the images.
    """
    if not 0.0 < fraction <= 1.0:
        raise InvalidOption(f"fraction must be above 0 and at most 1, got {fraction!r}")
    known = np.asarray(classes)
    chosen = []
    for number in np.unique(known):
        rows = np.random.default_rng([seed, int(number)]).permutation(np.flatnonzero(known == number))
        chosen.append(rows[: max(1, round(fraction * len(rows)))])
    return np.sort(np.concatenate(chosen)).astype(np.int64)
