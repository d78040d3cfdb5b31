"""Makers of batches, and the prefetchers that run them."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Arrays = dict[str, NDArray[Any]]
Batch = dict[str, Tensor]


class Maker(Protocol):
    """Makes one batch after another."""

    def make(self, out: Arrays | None = None) -> Arrays:
        """The next batch, into `out` if given."""

    def close(self) -> None:
        """Release what it holds."""


class BatchPrefetcher(Protocol):
    """Runs makers in the background."""

    def next(self) -> Batch:
        """The next batch; its memory is reused once the one after it is asked for."""

    def close(self) -> None:
        """Stop making batches."""


def owned(batch: Arrays) -> Arrays:
    """A batch in contiguous memory that nothing else writes to."""
    return {
        name: np.ascontiguousarray(
            values if values.flags.owndata and values.flags.writeable else values.copy()
        )
        for name, values in batch.items()
    }
