"""Random seeds of a training: an independent stream for each purpose, derived from the seed and the step."""

from __future__ import annotations

import numpy as np

INITIALIZATION, SHUFFLE, STEP = range(3)  # purposes of random numbers


def stream_seed(seed: int, *purpose: int) -> int:
    """Derive the seed of a random stream.

    Args:
        seed: seed of the training.
        purpose: INITIALIZATION, SHUFFLE or STEP, followed by numbers such as the epoch or the step.
    """
    return int(np.random.SeedSequence([seed, *purpose]).generate_state(1, np.uint64)[0])
