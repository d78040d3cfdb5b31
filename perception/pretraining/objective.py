"""Objective of multi-task pretraining: segmentation, depth, normals, presence of classes, and lane geometry."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torchmetrics import MeanMetric
from torchmetrics.classification import BinaryF1Score, MulticlassConfusionMatrix

from camshaft.envs.errors import InvalidOption
from camshaft.envs.rendering.meshes.labels import LABEL_NAMES
from camshaft.perception.pretraining.frames import LANE_NAMES
from camshaft.perception.pretraining.network import unit
from camshaft.perception.training.batches import Batch
from camshaft.perception.training.objective import METRIC_OPTIONS, Metrics, Objective

NUM_LABELS = len(LABEL_NAMES)
VECTOR_HEADS = {"presence": NUM_LABELS, "lane": len(LANE_NAMES)}


class MultiTask(Objective):
    """Sum of five losses.

    Cross-entropy of the segmentation, L1 loss of the log depth, 1 - cosine of normals, binary cross-entropy of the
    presence of classes, and Huber loss of the lane geometry. Missing labels (depth and normals of the sky, the lane in
    tasks without one) are ignored.
    """

    labels = ("segmentation", "depth", "normals", "presence", "lane")
    score = "mean_iou"

    def check(self, batch: Batch) -> None:
        """Raise InvalidOption unless images are color frames and semantic labels exist."""
        super().check(batch)
        highest = int(batch["segmentation"].max())
        if highest >= NUM_LABELS:
            raise InvalidOption(
                f"semantic label {highest} is out of range: there are labels 0..{NUM_LABELS - 1}"
            )

    def loss(self, outputs: Any, batch: Batch) -> dict[str, Tensor]:
        """The five terms."""
        known, log_depth = _log_depth(batch)
        seen, normals = _normals(batch)
        lane = batch["lane"]
        valid = ~lane.isnan()
        depth_error = (outputs["depth"][:, 0].float() - log_depth).abs()
        angle_error = 1.0 - (unit(outputs["normals"]) * normals).sum(1)
        lane_error = functional.huber_loss(outputs["lane"].float(), lane.nan_to_num(), reduction="none")
        return {
            "segmentation": functional.cross_entropy(
                outputs["segmentation"].float(), batch["segmentation"].long()
            ),
            "depth": _mean(depth_error, known),
            "normals": _mean(angle_error, seen),
            "presence": functional.binary_cross_entropy_with_logits(
                outputs["presence"].float(), batch["presence"].float()
            ),
            "lane": _mean(lane_error, valid),
        }

    def metrics(self) -> Metrics:
        """Mean IoU, pixel accuracy, depth errors, angular error of normals, F1 of presence, and lane errors."""
        return _MultiTaskMetrics()


class _MultiTaskMetrics(Metrics):
    def __init__(self) -> None:
        self._confusion = MulticlassConfusionMatrix(NUM_LABELS, **METRIC_OPTIONS)
        self._presence = BinaryF1Score(**METRIC_OPTIONS)
        self._means: dict[str, MeanMetric] = {}

    def update(self, outputs: Any, batch: Batch) -> None:
        device = outputs["depth"].device
        predicted = outputs["segmentation"].argmax(1).flatten()
        self._confusion.to(device).update(predicted, batch["segmentation"].long().flatten())
        known, log_depth = _log_depth(batch)
        difference = outputs["depth"][:, 0].float() - log_depth
        self._add("depth_relative_error", (difference.exp() - 1.0).abs()[known])
        self._add("depth_within_25_percent", (difference.abs() < math.log(1.25))[known])
        seen, normals = _normals(batch)
        cosine = (unit(outputs["normals"]) * normals).sum(1).clamp(-1.0, 1.0)
        self._add("normals_degrees", torch.rad2deg(torch.arccos(cosine))[seen])
        predicted, present = outputs["presence"] > 0.0, batch["presence"] > 0
        self._presence.to(device).update(predicted.flatten().long(), present.flatten().long())
        lane = batch["lane"]
        error = (outputs["lane"].float() - lane).abs()
        for number, name in enumerate(LANE_NAMES):
            self._add(f"lane/{name}", error[:, number][~lane[:, number].isnan()])

    def compute(self) -> dict[str, float]:
        confusion: Tensor = self._confusion.compute()
        right, truth = confusion.diagonal(), confusion.sum(1)
        union = truth + confusion.sum(0) - right
        iou = (right / union.clamp(min=1))[truth > 0]
        return {
            "mean_iou": float(iou.mean()),
            "pixel_accuracy": float(right.sum() / truth.sum()),
            "presence_f1": float(self._presence.compute()),
            **{name: float(mean.compute()) for name, mean in self._means.items()},
        }

    def _add(self, name: str, values: Tensor) -> None:
        if values.numel():
            mean = self._means.setdefault(
                name, MeanMetric(sync_on_compute=False).to(values.device, torch.float64)
            )
            mean.update(values.double())


def _log_depth(batch: Batch) -> tuple[Tensor, Tensor]:
    """(B, h, w) mask of known depths, and (B, h, w) log depth."""
    depth = batch["depth"].float()
    return depth > 0.0, depth.clamp(min=0.01).log()


def _normals(batch: Batch) -> tuple[Tensor, Tensor]:
    """(B, h, w) mask of surfaces, and (B, 3, h, w) unit normals."""
    stored = batch["normals"].float().movedim(-1, 1)
    return stored.abs().sum(1) > 0.0, unit(stored)


def _mean(errors: Tensor, valid: Tensor) -> Tensor:
    """Mean of the valid errors; 0 if there are none."""
    return (errors * valid).sum() / valid.sum().clamp(min=1)
