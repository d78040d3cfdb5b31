"""A training whose loss or gradient stops being finite ends, and the last good checkpoint is kept."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from camshaft.envs.errors import CamshaftError


class TrainingDiverged(CamshaftError):
    """The loss or the gradient is no finite number any more."""


def check_finite(totals: Tensor, step: int, saved_step: int | None, checkpoint: Path, rate: float) -> None:
    """Raise TrainingDiverged unless all numbers are finite.

    Args:
        totals: sums of losses and gradient norms.
        step: steps done.
        saved_step: that the checkpoint is of; None if there is none yet.
        checkpoint: where it lies.
        rate: highest learning rate.
    """
    if torch.isfinite(totals).all():
        return
    kept = "no checkpoint was written yet"
    if saved_step is not None:
        kept = f"the checkpoint of step {saved_step} is kept in {checkpoint}"
    raise TrainingDiverged(
        f"the training diverged: loss or gradient is no finite number by step {step}; {kept}. "
        f"Try a learning_rate below {rate:g}"
    )
