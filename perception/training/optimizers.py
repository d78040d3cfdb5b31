"""Optimizers by name, groups of parameters that learn at rates of their own, and penalties on the weights."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from camshaft.perception.training.config import TrainingConfig

OPTIMIZERS = {
    "sgd": 0.05,
    "adam": 1e-3,
    "adamw": 1e-3,
    "rmsprop": 1e-3,
    "adagrad": 1e-2,
}  # and their usual rates


@dataclass(frozen=True)
class ParameterGroup:
    """Parameters that learn at one rate.

    Attributes:
        parameters: which.
        rate: times the learning rate of the training.
    """

    parameters: Sequence[nn.Parameter]
    rate: float = 1.0


def make_optimizer(groups: Iterable[ParameterGroup], config: TrainingConfig) -> torch.optim.Optimizer:
    """The optimizer that `config` asks for.

    Each of its groups holds its rate as "scale". Weights decay, biases and the scales of normalization do not.
    """
    parts = []
    for group in groups:
        for decays in (True, False):
            chosen = [value for value in group.parameters if is_weight(value) == decays]
            if chosen:
                decay = config.weight_decay if decays else 0.0
                parts.append({"params": chosen, "scale": group.rate, "weight_decay": decay})
    rate = config.highest_rate
    if config.optimizer == "sgd":
        nesterov = config.nesterov and config.momentum > 0.0
        return torch.optim.SGD(parts, rate, config.momentum, nesterov=nesterov, fused=True)
    if config.optimizer == "rmsprop":
        return torch.optim.RMSprop(parts, rate, momentum=config.momentum)
    if config.optimizer == "adagrad":
        return torch.optim.Adagrad(parts, rate)
    kind = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.Adam
    return kind(parts, rate, fused=True)


@torch.no_grad()
def add_penalty_gradients(parameters: Iterable[nn.Parameter], l1: float, l2: float) -> None:
    """Add the gradient of l1·Σ|w| + l2/2·Σw² to that of the loss, for the weights that have one."""
    for value in parameters:
        if value.grad is None or not is_weight(value):
            continue
        if l1:
            value.grad.add_(value.sign(), alpha=l1)
        if l2:
            value.grad.add_(value, alpha=l2)


def is_weight(parameter: nn.Parameter) -> bool:
    """Whether it multiplies inputs, and is penalized: not a bias or the scale of a normalization."""
    return parameter.ndim > 1
