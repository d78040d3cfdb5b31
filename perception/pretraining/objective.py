"""Segmentation, depth, normals, presence and lane geometry as one task of the trainer."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from camshaft.envs.errors import InvalidOption
from camshaft.envs.rendering.meshes.labels import LABEL_NAMES
from camshaft.perception.pretraining.frames import LANE_NAMES
from camshaft.perception.pretraining.network import unit
from camshaft.perception.training.objective import Tally, Targets, Task

NUM_LABELS = len(LABEL_NAMES)
VECTOR_HEADS = {"presence": NUM_LABELS, "lane": len(LANE_NAMES)}


class MultiTask(Task):
    """The sum of five losses: cross-entropy, L1 of the log depth, 1 - cosine of normals, binary cross-entropy, Huber.

    What has no label (the sky's depth and normals, the lane in tasks without one) counts nothing.
    """

    labels = ("segmentation", "depth", "normals", "presence", "lane")
    score = "mean_iou"

    def check(self, targets: Targets) -> None:
        """Raise InvalidOption for semantic labels that do not exist."""
        highest = int(targets["segmentation"].max())
        if highest >= NUM_LABELS:
            raise InvalidOption(
                f"semantic label {highest} is out of range: there are labels 0..{NUM_LABELS - 1}"
            )

    def loss(self, outputs: Any, targets: Targets) -> dict[str, Tensor]:
        """The five terms."""
        known, log_depth = _log_depth(targets)
        seen, normals = _normals(targets)
        lane = targets["lane"]
        valid = ~lane.isnan()
        depth_error = (outputs["depth"][:, 0].float() - log_depth).abs()
        angle_error = 1.0 - (unit(outputs["normals"]) * normals).sum(1)
        lane_error = functional.huber_loss(outputs["lane"].float(), lane.nan_to_num(), reduction="none")
        return {
            "segmentation": functional.cross_entropy(
                outputs["segmentation"].float(), targets["segmentation"].long()
            ),
            "depth": _mean(depth_error, known),
            "normals": _mean(angle_error, seen),
            "presence": functional.binary_cross_entropy_with_logits(
                outputs["presence"].float(), targets["presence"].float()
            ),
            "lane": _mean(lane_error, valid),
        }

    def tally(self) -> Tally:
        """Mean IoU, depth errors, angle of normals, F1 of presence, errors of the lane."""
        return _Scores()


class _Scores(Tally):
    def __init__(self) -> None:
        self._confusion = torch.zeros(NUM_LABELS, NUM_LABELS, dtype=torch.int64)
        self._sums: dict[str, float] = {}
        self._counts: dict[str, int] = {}
        self._presence = torch.zeros(3, dtype=torch.int64)  # true positives, guessed, there

    def add(self, outputs: Any, targets: Targets) -> None:
        truth, guess = targets["segmentation"].long().flatten(), outputs["segmentation"].argmax(1).flatten()
        pairs = torch.bincount(truth * NUM_LABELS + guess, minlength=NUM_LABELS**2)
        self._confusion += pairs.cpu().view(NUM_LABELS, NUM_LABELS)
        known, log_depth = _log_depth(targets)
        difference = outputs["depth"][:, 0].float() - log_depth
        self._add("depth_relative_error", (difference.exp() - 1.0).abs()[known])
        self._add("depth_within_25_percent", (difference.abs() < 0.2231)[known])  # log 1.25
        seen, normals = _normals(targets)
        cosine = (unit(outputs["normals"]) * normals).sum(1).clamp(-1.0, 1.0)
        self._add("normals_degrees", torch.rad2deg(torch.arccos(cosine))[seen])
        guessed, there = outputs["presence"] > 0.0, targets["presence"] > 0
        self._presence += torch.stack([(guessed & there).sum(), guessed.sum(), there.sum()]).cpu()
        lane = targets["lane"]
        error = (outputs["lane"].float() - lane).abs()
        for number, name in enumerate(LANE_NAMES):
            self._add(f"lane/{name}", error[:, number][~lane[:, number].isnan()])

    def result(self) -> dict[str, float]:
        right, truth = self._confusion.diagonal(), self._confusion.sum(1)
        union = truth + self._confusion.sum(0) - right
        iou = (right / union.clamp(min=1))[truth > 0]
        means = {name: self._sums[name] / self._counts[name] for name in self._sums if self._counts[name]}
        return {
            "mean_iou": float(iou.mean()),
            "pixel_accuracy": float(right.sum() / truth.sum()),
            "presence_f1": float(2 * self._presence[0] / self._presence[1:].sum()),
            **means,
        }

    def _add(self, name: str, values: Tensor) -> None:
        self._sums[name] = self._sums.get(name, 0.0) + float(values.double().sum())
        self._counts[name] = self._counts.get(name, 0) + values.numel()


def _log_depth(targets: Targets) -> tuple[Tensor, Tensor]:
    """(B, h, w) where the depth is known, and its logarithm."""
    depth = targets["depth"].float()
    return depth > 0.0, depth.clamp(min=0.01).log()


def _normals(targets: Targets) -> tuple[Tensor, Tensor]:
    """(B, h, w) where there is a surface, and (B, 3, h, w) its normal."""
    stored = targets["normals"].float().movedim(-1, 1)
    return stored.abs().sum(1) > 0.0, unit(stored)


def _mean(errors: Tensor, valid: Tensor) -> Tensor:
    """The mean of the valid ones; 0 if there are none."""
    return (errors * valid).sum() / valid.sum().clamp(min=1)
