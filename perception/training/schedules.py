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
    """The learning rate of one step as a share of the highest.

    Args:
        step: from 0.
        total_steps: of the training.
        schedule: one of SCHEDULES.
        warmup_fraction: share of the training during which the rate rises from 0.
        milestones: of "step", as shares of the training.
        step_factor: of "step", at each milestone.
        poly_power: of "poly".

    Returns:
        (step + 1)/warm-up during the warm-up; then, with t the share of the rest that is done, (1 + cos πt)/2 for
        "cosine", (1 - t)^power for "poly", factor^(milestones passed) for "step", where milestones count from the start
        of the training, and 1 for "constant".
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
