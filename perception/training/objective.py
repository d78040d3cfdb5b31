"""What a supervised task is to the trainer: a loss, and scores added up over a data set."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from torch import Tensor

Targets = Mapping[str, Tensor]


class Tally(ABC):
    """Scores of one pass over a data set."""

    @abstractmethod
    def add(self, outputs: Any, targets: Targets) -> None:
        """Count one batch in: what the network gave in evaluation, and the labels, on the same device."""

    @abstractmethod
    def result(self) -> dict[str, float]:
        """Scores by name."""


class Task(ABC):
    """A supervised task.

    Attributes:
        labels: the labels that it needs of every image.
        score: the name of the score that tells which weights are best; higher is better.
    """

    labels: tuple[str, ...]
    score: str

    @abstractmethod
    def check(self, targets: Targets) -> None:
        """Raise InvalidOption for labels that cannot be learned from; called with each batch before its transfer."""

    @abstractmethod
    def loss(self, outputs: Any, targets: Targets) -> dict[str, Tensor]:
        """The terms of the loss by name, scalars; their sum is what is learned from."""

    @abstractmethod
    def tally(self) -> Tally:
        """A new count."""
