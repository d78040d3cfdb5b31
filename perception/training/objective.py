"""Objectives: inputs, labels, loss and metrics of a task that a network is trained on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor, nn

from camshaft.perception.training.batches import IMAGE, Batch, check_images

METRIC_OPTIONS: dict[str, Any] = {"sync_on_compute": False, "validate_args": False}
"""Options of torchmetrics classes: only the first process evaluates, on batches that the objective has checked."""


class Metrics(ABC):
    """Metrics accumulated over a pass through a data set."""

    @abstractmethod
    def update(self, outputs: Any, batch: Batch) -> None:
        """Accumulate a batch: the outputs of the network in evaluation mode, and the batch on the same device."""

    @abstractmethod
    def compute(self) -> dict[str, float]:
        """Values of the metrics by name."""


class Objective(ABC):
    """Base class of objectives: inputs, labels, forward pass, loss terms and metrics.

    Attributes:
        inputs: entries of a batch that are inputs of the network.
        labels: entries of a batch that are labels.
        score: metric by which the best weights are selected; "loss" for the validation loss.
        higher_is_better: whether a higher score is better.
    """

    inputs: tuple[str, ...] = (IMAGE,)
    labels: tuple[str, ...]
    score: str
    higher_is_better: bool = True

    def check(self, batch: Batch) -> None:
        """Raise InvalidOption for a batch that cannot be learned from; called before it is moved to the device."""
        if IMAGE in self.inputs:
            check_images(batch[IMAGE])

    def outputs(self, network: nn.Module, batch: Batch) -> Any:
        """Forward pass of a batch on the network's device; by default `inputs` are the network's arguments.

        Called in training and in evaluation mode. All trainable parameters must be used through `network(…)` itself,
        which is what DistributedDataParallel and torch.compile wrap.
        """
        return network(*(batch[name] for name in self.inputs))

    @abstractmethod
    def loss(self, outputs: Any, batch: Batch) -> dict[str, Tensor]:
        """Scalar terms of the loss by name; their sum is minimized.

        May be empty in evaluation mode: a detector, for example, has a loss only in training mode.
        """

    @abstractmethod
    def metrics(self) -> Metrics:
        """Create the metrics for a pass over a data set."""
