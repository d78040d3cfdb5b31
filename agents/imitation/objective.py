"""Behavior cloning as an objective: regression of continuous actions, classification of discrete ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchmetrics import MeanMetric
from torchmetrics.classification import MulticlassAccuracy

from camshaft.agents.imitation.demonstrations import TARGET
from camshaft.agents.policies.observations import Parts
from camshaft.envs.errors import InvalidOption, check_choice
from camshaft.perception.training.batches import Batch, check_images
from camshaft.perception.training.objective import METRIC_OPTIONS, Metrics, Objective

LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "huber": functional.huber_loss,
    "mse": functional.mse_loss,
}


class Cloning(Objective):
    """The expert's actions, from the parts of an observation that a policy reads.

    Continuous actions are compared in standard deviations of the training actions; the validation error is the mean
    absolute difference in units of an action. Discrete ones are learned by cross-entropy.

    Args:
        parts: of the observation, as the policy reads them.
        action: as the policy describes it.
        loss: of continuous actions, one of LOSSES.

    Raises:
        UnknownName: no such loss.
    """

    labels = (TARGET,)

    def __init__(self, parts: Parts, action: dict[str, Any], loss: str = "huber") -> None:
        self.inputs = tuple(parts)
        self._parts, self._action = parts, action
        self._loss = LOSSES[check_choice("loss", loss, LOSSES)]
        self.is_discrete = "choices" in action
        self.score = "accuracy" if self.is_discrete else "error"
        self.higher_is_better = self.is_discrete
        if not self.is_discrete:
            self._mean, self._std = torch.tensor(action["mean"]), torch.tensor(action["std"])

    def check(self, batch: Batch) -> None:
        """Raise InvalidOption for frames that are none, and for actions that do not exist or are not finite."""
        for name, part in self._parts.items():
            if part.is_image:
                images = batch[name]
                check_images(images.flatten(0, 1) if images.ndim == 5 else images)
        target = batch[TARGET]
        if self.is_discrete:
            outside = (target < 0) | (target >= self._action["choices"])
            if outside.any():
                raise InvalidOption(
                    f"action {int(target[outside][0])} is out of range: there are 0..{self._action['choices'] - 1}"
                )
        elif not torch.isfinite(target).all():
            raise InvalidOption("actions of the demonstrations are not all finite numbers")

    def outputs(self, network: nn.Module, batch: Batch) -> Tensor:
        """The head's output for the parts of the observation."""
        output: Tensor = network({name: batch[name] for name in self.inputs})
        return output

    def loss(self, outputs: Any, batch: Batch) -> dict[str, Tensor]:
        """The loss of the action."""
        if self.is_discrete:
            return {"action": functional.cross_entropy(outputs.float(), batch[TARGET])}
        return {"action": self._loss(outputs, self._normalized(batch[TARGET]))}

    def metrics(self) -> Metrics:
        """Mean absolute error of continuous actions, accuracy of discrete ones."""
        return _ChoiceMetrics(self._action["choices"]) if self.is_discrete else _ErrorMetrics(self)

    def error(self, outputs: Tensor, batch: Batch) -> Tensor:
        """(B, A) absolute errors of continuous actions."""
        return (outputs - self._normalized(batch[TARGET])).abs() * self._std.to(outputs.device)

    def _normalized(self, actions: Tensor) -> Tensor:
        return (actions - self._mean.to(actions.device)) / self._std.to(actions.device)


class _ErrorMetrics(Metrics):
    def __init__(self, objective: Cloning) -> None:
        self._objective, self._error = objective, MeanMetric(sync_on_compute=False)

    def update(self, outputs: Any, batch: Batch) -> None:
        self._error.to(outputs.device).update(self._objective.error(outputs, batch))

    def compute(self) -> dict[str, float]:
        return {"error": float(self._error.compute())}


class _ChoiceMetrics(Metrics):
    def __init__(self, choices: int) -> None:
        self._accuracy = MulticlassAccuracy(choices, average="micro", **METRIC_OPTIONS)

    def update(self, outputs: Any, batch: Batch) -> None:
        self._accuracy.to(outputs.device).update(outputs.float(), batch[TARGET])

    def compute(self) -> dict[str, float]:
        return {"accuracy": float(self._accuracy.compute())}
