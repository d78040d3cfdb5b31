"""Classification as a task of the trainer: cross-entropy with label smoothing, accuracy."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from camshaft.envs.errors import InvalidOption
from camshaft.perception.training.objective import Tally, Targets, Task

CLASS = "class"
AUXILIARY_WEIGHT = 0.3  # of each auxiliary head's loss (Szegedy et al. 2015)


class Classification(Task):
    """One class an image.

    Args:
        num_classes: how many there are.
        label_smoothing: part of the probability that is spread evenly over all classes.
    """

    labels = (CLASS,)
    score = "accuracy"

    def __init__(self, num_classes: int, label_smoothing: float = 0.0) -> None:
        if not 0.0 <= label_smoothing < 1.0:
            raise InvalidOption(f"label_smoothing must be from 0 to below 1, got {label_smoothing!r}")
        self.num_classes = num_classes
        self.label_smoothing = label_smoothing

    def check(self, targets: Targets) -> None:
        """Raise InvalidOption for classes that do not exist."""
        classes = targets[CLASS]
        if classes.is_floating_point() or classes.ndim != 1:
            raise InvalidOption(
                f"classes must be (B,) whole numbers, got {tuple(classes.shape)} {classes.dtype}"
            )
        outside = (classes < 0) | (classes >= self.num_classes)
        if outside.any():
            raise InvalidOption(
                f"class {int(classes[outside][0])} is out of range: there are classes 0..{self.num_classes - 1}"
            )

    def loss(self, outputs: Any, targets: Targets) -> dict[str, Tensor]:
        """Cross-entropy of the head, and of auxiliary heads at their weight."""
        first, *others = outputs if isinstance(outputs, tuple) else (outputs,)
        terms = {"cross_entropy": self._cross_entropy(first, targets)}
        for number, logits in enumerate(others, start=1):
            terms[f"auxiliary{number}"] = AUXILIARY_WEIGHT * self._cross_entropy(logits, targets)
        return terms

    def tally(self) -> Tally:
        """Accuracy, of the first guess and of the best five."""
        return _Accuracy(self.num_classes)

    def _cross_entropy(self, logits: Tensor, targets: Targets) -> Tensor:
        classes = targets[CLASS].long()
        return functional.cross_entropy(logits.float(), classes, label_smoothing=self.label_smoothing)


class _Accuracy(Tally):
    def __init__(self, num_classes: int) -> None:
        self._confusion = torch.zeros(num_classes, num_classes, dtype=torch.int64)
        self._among_five = self._count = 0

    def add(self, outputs: Any, targets: Targets) -> None:
        classes = targets[CLASS].long()
        best = outputs.topk(min(5, outputs.shape[1]), dim=1).indices
        self._among_five += int((best == classes[:, None]).any(1).sum())
        self._count += len(classes)
        pairs = classes * outputs.shape[1] + best[:, 0]
        self._confusion += (
            torch.bincount(pairs, minlength=self._confusion.numel()).cpu().view_as(self._confusion)
        )

    def result(self) -> dict[str, float]:
        right = self._confusion.diagonal()
        seen = self._confusion.sum(1)
        recall = (right / seen.clamp(min=1))[seen > 0]
        return {
            "accuracy": float(right.sum() / seen.sum()),
            "accuracy_of_five": self._among_five / self._count,
            "mean_recall": float(recall.mean()),
        }
