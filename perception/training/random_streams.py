"""Seeds of a training: each use of random numbers has a stream of its own, found again from the step alone."""

from __future__ import annotations

import numpy as np

INITIALIZATION, SHUFFLE, STEP = range(3)  # what random numbers are for


def stream_seed(seed: int, *purpose: int) -> int:
    """A seed for one use of random numbers, unlike that of any other use.

    Args:
        seed: of the training.
        purpose: INITIALIZATION, SHUFFLE or STEP, and which of them.
    """
    return int(np.random.SeedSequence([seed, *purpose]).generate_state(1, np.uint64)[0])
