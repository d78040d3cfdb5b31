"""Detection of diverged trainings."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from camshaft.envs.errors import CamshaftError


class TrainingDiverged(CamshaftError):
    """The loss or the gradient is no longer finite."""


def check_finite(totals: Tensor, step: int, saved_step: int | None, checkpoint: Path, rate: float) -> None:
    """Raise TrainingDiverged unless all numbers are finite.

    Args:
        totals: sums of losses and gradient norms.
        step: number of steps taken.
        saved_step: step of the last checkpoint; None if there is none yet.
        checkpoint: path of the checkpoint.
        rate: peak learning rate.
    """
    if torch.isfinite(totals).all():
        return
    kept = "no checkpoint was written yet"
    if saved_step is not None:
        kept = f"the checkpoint of step {saved_step} is kept in {checkpoint}"
    raise TrainingDiverged(
        f"the training diverged: loss or gradient is not finite at step {step}; {kept}. "
        f"Try a learning_rate below {rate:g}"
    )
