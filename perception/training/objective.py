"""Objectives: what a network learns from a batch, and the metrics of how well it does."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor, nn

from camshaft.perception.training.batches import IMAGE, Batch, check_images

ALONE: dict[str, Any] = {"sync_on_compute": False, "validate_args": False}
"""Options of torchmetrics' classes: the first process evaluates alone, on batches that the objective has checked."""


class Metrics(ABC):
    """Metrics of one pass over a data set."""

    @abstractmethod
    def update(self, outputs: Any, batch: Batch) -> None:
        """Take in one batch: the network's outputs in evaluation mode, and the batch, on the same device."""

    @abstractmethod
    def compute(self) -> dict[str, float]:
        """Values by name."""


class Objective(ABC):
    """What a network learns: its inputs and labels, its call on a batch, the terms of the loss, and metrics.

    Attributes:
        inputs: entries of a batch that the network reads.
        labels: entries of a batch that it learns from.
        score: the metric by which the best weights are chosen; "loss" for the loss on data held out.
        higher_is_better: whether a higher score is better.
    """

    inputs: tuple[str, ...] = (IMAGE,)
    labels: tuple[str, ...]
    score: str
    higher_is_better: bool = True

    def check(self, batch: Batch) -> None:
        """Raise InvalidOption for a batch that cannot be learned from; called where it is read, before its transfer."""
        if IMAGE in self.inputs:
            check_images(batch[IMAGE])

    def outputs(self, network: nn.Module, batch: Batch) -> Any:
        """The network's outputs for a batch on its device; by default its inputs are the network's arguments.

        Called in training and in evaluation mode. Every learned parameter has to take part through `network(…)` itself:
        several processes share gradients there, and compilation fuses it.
        """
        return network(*(batch[name] for name in self.inputs))

    @abstractmethod
    def loss(self, outputs: Any, batch: Batch) -> dict[str, Tensor]:
        """The terms of the loss by name, scalars; their sum is minimized.

        In evaluation mode the mapping may be empty: a detector, for one, has a loss in training alone.
        """

    @abstractmethod
    def metrics(self) -> Metrics:
        """New metrics of a pass over a data set."""
