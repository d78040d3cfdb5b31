"""How the learning rate changes over a training: a linear warm-up, then a falling curve."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from camshaft.perception.training.config import TrainingConfig

SCHEDULES = ("cosine", "poly", "step", "constant")


def learning_rate(step: int, total_steps: int, config: TrainingConfig) -> float:
    """The rate of one step.

    Args:
        step: from 0.
        total_steps: of the training.
        config: with the highest rate, the warm-up and the schedule.

    Returns:
        highest·(step + 1)/warm-up while it warms up; then, with t the part of the rest that is done, highest times
        (1 + cos πt)/2 for "cosine", (1 - t)^power for "poly", factor^(milestones passed) for "step", where milestones
        count from the start of the training, and 1 for "constant".
    """
    warmup = round(config.warmup_fraction * total_steps)
    if step < warmup:
        return config.highest_rate * (step + 1) / warmup
    done = (step - warmup) / (total_steps - warmup)
    if config.schedule == "cosine":
        factor = 0.5 * (1.0 + math.cos(math.pi * done))
    elif config.schedule == "poly":
        factor = (1.0 - done) ** config.poly_power
    elif config.schedule == "step":
        passed = sum(step >= milestone * total_steps for milestone in config.step_milestones)
        factor = config.step_factor**passed
    else:
        factor = 1.0
    return config.highest_rate * factor
