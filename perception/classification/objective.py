"""Objective of image classification: cross-entropy; accuracy, top-5 accuracy and mean recall."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torchmetrics.classification import MulticlassAccuracy, MulticlassConfusionMatrix

from camshaft.envs.errors import InvalidOption
from camshaft.perception.training.batches import Batch
from camshaft.perception.training.objective import METRIC_OPTIONS, Metrics, Objective

CLASS = "class"
AUXILIARY_WEIGHT = 0.3  # of each auxiliary head's loss (Szegedy et al. 2015)


class Classification(Objective):
    """Single-label image classification.

    Args:
        num_classes: number of classes.
        label_smoothing: fraction of the target probability that is distributed evenly over all classes.
    """

    labels = (CLASS,)
    score = "accuracy"

    def __init__(self, num_classes: int, label_smoothing: float = 0.0) -> None:
        if not 0.0 <= label_smoothing < 1.0:
            raise InvalidOption(f"label_smoothing must be from 0 to below 1, got {label_smoothing!r}")
        self.num_classes = num_classes
        self.label_smoothing = label_smoothing

    def check(self, batch: Batch) -> None:
        """Raise InvalidOption unless images are color frames and classes exist."""
        super().check(batch)
        classes = batch[CLASS]
        if classes.is_floating_point() or classes.ndim != 1:
            raise InvalidOption(
                f"classes must be (B,) whole numbers, got {tuple(classes.shape)} {classes.dtype}"
            )
        outside = (classes < 0) | (classes >= self.num_classes)
        if outside.any():
            raise InvalidOption(
                f"class {int(classes[outside][0])} is out of range: there are classes 0..{self.num_classes - 1}"
            )

    def loss(self, outputs: Any, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy of the head, and weighted cross-entropies of auxiliary heads."""
        first, *others = outputs if isinstance(outputs, tuple) else (outputs,)
        terms = {"cross_entropy": self._cross_entropy(first, batch)}
        for number, logits in enumerate(others, start=1):
            terms[f"auxiliary{number}"] = AUXILIARY_WEIGHT * self._cross_entropy(logits, batch)
        return terms

    def metrics(self) -> Metrics:
        """Accuracy, top-5 accuracy, and the mean recall of the classes that occur."""
        return _Accuracy(self.num_classes)

    def _cross_entropy(self, logits: Tensor, batch: Batch) -> Tensor:
        classes = batch[CLASS].long()
        return functional.cross_entropy(logits.float(), classes, label_smoothing=self.label_smoothing)


class _Accuracy(Metrics):
    def __init__(self, num_classes: int) -> None:
        self._confusion = MulticlassConfusionMatrix(num_classes, **METRIC_OPTIONS)
        self._top5 = MulticlassAccuracy(
            num_classes, top_k=min(5, num_classes), average="micro", **METRIC_OPTIONS
        )

    def update(self, outputs: Any, batch: Batch) -> None:
        logits, classes = outputs.float(), batch[CLASS].long()
        self._confusion.to(logits.device).update(logits, classes)
        self._top5.to(logits.device).update(logits, classes)

    def compute(self) -> dict[str, float]:
        confusion: Tensor = self._confusion.compute()
        right, seen = confusion.diagonal(), confusion.sum(1)
        recall = (right / seen.clamp(min=1))[seen > 0]
        return {
            "accuracy": float(right.sum() / seen.sum()),
            "top5_accuracy": float(self._top5.compute()),
            "mean_recall": float(torch.mean(recall)),
        }
