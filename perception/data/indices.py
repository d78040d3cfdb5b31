"""Validation of sample indices."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from camshaft.envs.errors import InvalidOption


def check_indices(indices: ArrayLike, count: int, items: str) -> NDArray[np.int64]:
    """Flatten indices and check that they are within 0..count - 1.

    Args:
        indices: (n,) indices, in any order.
        count: number of samples.
        items: plural noun for the samples, for the error message ("images").

    Returns:
        (n,) indices.

    Raises:
        InvalidOption: an index is out of range.
    """
    chosen = np.asarray(indices, np.int64).reshape(-1)
    outside = (chosen < 0) | (chosen >= count)
    if outside.any():
        raise InvalidOption(f"{items} are numbered 0..{count - 1}, got {int(chosen[outside][0])}")
    return chosen
