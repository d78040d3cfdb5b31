"""Which parts of a network learn, how fast, and from when on."""

from __future__ import annotations

from typing import Any, Protocol

from torch import nn

from camshaft.perception.training.optimizers import ParameterGroup


class Plan(Protocol):
    """Which parts of a network learn, and how fast."""

    def groups(self, model: nn.Module) -> list[ParameterGroup]:
        """Every parameter that ever learns, with its rate."""

    def begin_epoch(self, model: nn.Module, epoch: int) -> None:
        """Called after `model.train()`, epochs from 0: freeze and unfreeze."""

    def settings(self) -> dict[str, Any]:
        """What tells it from other plans, by name: a training only goes on with the same."""


class LearnEverything:
    """The plan of a training from scratch: all parameters, at one rate, all the time."""

    def groups(self, model: nn.Module) -> list[ParameterGroup]:
        """Every parameter, at the rate of the training."""
        return [ParameterGroup([value for value in model.parameters() if value.requires_grad])]

    def begin_epoch(self, model: nn.Module, epoch: int) -> None:
        """Nothing is frozen."""

    def settings(self) -> dict[str, Any]:
        """There are none."""
        return {}
