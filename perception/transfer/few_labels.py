"""Stratified subsets of labeled images, for learning from few labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from camshaft.envs.errors import InvalidOption


def stratified_rows(classes: ArrayLike, fraction: float, seed: int) -> NDArray[np.int64]:
    """Sample a fraction of the images of every class, at least one of each.

    With the same seed, the subset of a smaller fraction is contained in that of a larger one.

    Args:
        classes: (N,) classes of all images.
        fraction: fraction to sample, above 0 and at most 1.
        seed: random seed.

    Returns:
        (n,) sorted indices of the sampled images.
    """
    if not 0.0 < fraction <= 1.0:
        raise InvalidOption(f"fraction must be above 0 and at most 1, got {fraction!r}")
    known = np.asarray(classes)
    chosen = []
    for number in np.unique(known):
        rows = np.random.default_rng([seed, int(number)]).permutation(np.flatnonzero(known == number))
        chosen.append(rows[: max(1, round(fraction * len(rows)))])
    return np.sort(np.concatenate(chosen)).astype(np.int64)
