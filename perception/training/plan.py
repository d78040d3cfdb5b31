"""Training plans: parts of a network that learn, their relative learning rates, and freezing by epoch."""

from __future__ import annotations

from typing import Any, Protocol

from torch import nn

from camshaft.perception.training.optimizers import ParameterGroup


class Plan(Protocol):
    """Selection of the parts of a network that learn, and of their learning rates."""

    def groups(self, model: nn.Module) -> list[ParameterGroup]:
        """All parameters that learn at some point, with their relative learning rates."""

    def begin_epoch(self, model: nn.Module, epoch: int) -> None:
        """Freeze and unfreeze parameters; called after `model.train()` with epochs counted from 0."""

    def settings(self) -> dict[str, Any]:
        """Settings of the plan by name; a training can only be resumed with the same settings."""


class LearnEverything:
    """Plan of a training from scratch: all parameters learn at the same rate."""

    def groups(self, model: nn.Module) -> list[ParameterGroup]:
        """All trainable parameters, at the learning rate of the training."""
        return [ParameterGroup([value for value in model.parameters() if value.requires_grad])]

    def begin_epoch(self, model: nn.Module, epoch: int) -> None:
        """Do nothing: no parameter is frozen."""

    def settings(self) -> dict[str, Any]:
        """No settings."""
        return {}
