"""Interfaces of batch makers and of the prefetchers that run them in the background."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from camshaft.perception.data.arrays import Arrays, Batch


class Maker(Protocol):
    """Generator of batches."""

    def make(self, out: Arrays | None = None) -> Arrays:
        """The next batch, written to `out` if given."""

    def close(self) -> None:
        """Release resources."""


class BatchPrefetcher(Protocol):
    """Source of batches that are made in the background."""

    def next(self) -> Batch:
        """The next batch; its memory is reused when the following one is requested."""

    def close(self) -> None:
        """Stop making batches."""


def owned(batch: Arrays) -> Arrays:
    """The batch in contiguous, writable memory that is not shared with other arrays."""
    return {
        name: np.ascontiguousarray(
            values if values.flags.owndata and values.flags.writeable else values.copy()
        )
        for name, values in batch.items()
    }
