"""Learning-rate schedules: a linear warm-up, then decay."""

from __future__ import annotations

import math
from collections.abc import Sequence

SCHEDULES = ("cosine", "poly", "step", "constant")


def schedule_factor(
    step: int,
    total_steps: int,
    schedule: str,
    *,
    warmup_fraction: float = 0.0,
    milestones: Sequence[float] = (),
    step_factor: float = 0.1,
    poly_power: float = 0.9,
) -> float:
    """Learning rate of a step relative to the peak learning rate.

    Args:
        step: step, counted from 0.
        total_steps: number of steps of the training.
        schedule: one of SCHEDULES.
        warmup_fraction: fraction of the training during which the rate rises linearly from 0.
        milestones: fractions of the training after which the rate is lowered ("step").
        step_factor: factor by which it is lowered at each milestone ("step").
        poly_power: exponent ("poly").

    Returns:
        (step + 1)/(warm-up steps) during the warm-up. After it, with t the completed fraction of the remaining steps:
        (1 + cos πt)/2 for "cosine", (1 - t)^power for "poly", factor^(milestones passed) for "step", where milestones
        count from the start of the training, and 1 for "constant".
    """
    warmup = round(warmup_fraction * total_steps)
    if step < warmup:
        return (step + 1) / warmup
    done = (step - warmup) / (total_steps - warmup)
    if schedule == "cosine":
        return 0.5 * (1.0 + math.cos(math.pi * done))
    if schedule == "poly":
        return float((1.0 - done) ** poly_power)
    if schedule == "step":
        return float(step_factor ** sum(step >= milestone * total_steps for milestone in milestones))
    return 1.0
