"""Optimizers by name, parameter groups with relative learning rates, and weight penalties."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from camshaft.envs.errors import check_choice

OPTIMIZERS = {
    "sgd": 0.05,
    "adam": 1e-3,
    "adamw": 1e-3,
    "rmsprop": 1e-3,
    "adagrad": 1e-2,
}  # and their default learning rates


@dataclass(frozen=True)
class ParameterGroup:
    """Parameters with a common learning rate.

    Attributes:
        parameters: the parameters.
        rate: learning rate relative to that of the training.
    """

    parameters: Sequence[nn.Parameter]
    rate: float = 1.0


def make_optimizer(
    name: str,
    groups: Iterable[ParameterGroup],
    rate: float,
    *,
    momentum: float = 0.0,
    nesterov: bool = False,
    weight_decay: float = 0.0,
) -> torch.optim.Optimizer:
    """Build an optimizer by name.

    Each parameter group stores its relative learning rate as "scale". Weight decay applies to weights, not to biases
    and the scales of normalization layers.

    Args:
        name: one of OPTIMIZERS.
        groups: parameters to optimize.
        rate: learning rate.
        momentum: momentum factor ("sgd", "rmsprop").
        nesterov: use Nesterov momentum ("sgd").
        weight_decay: decoupled weight decay ("adamw").
    """
    check_choice("optimizer", name, OPTIMIZERS)
    parts = []
    for group in groups:
        for decays in (True, False):
            chosen = [value for value in group.parameters if is_weight(value) == decays]
            if chosen:
                decay = weight_decay if decays else 0.0
                parts.append({"params": chosen, "scale": group.rate, "weight_decay": decay})
    if name == "sgd":
        return torch.optim.SGD(parts, rate, momentum, nesterov=nesterov and momentum > 0.0, fused=True)
    if name == "rmsprop":
        return torch.optim.RMSprop(parts, rate, momentum=momentum)
    if name == "adagrad":
        return torch.optim.Adagrad(parts, rate)
    kind = torch.optim.AdamW if name == "adamw" else torch.optim.Adam
    return kind(parts, rate, fused=True)


@torch.no_grad()
def add_penalty_gradients(parameters: Iterable[nn.Parameter], l1: float, l2: float) -> None:
    """Add the gradient of the penalty l1·Σ|w| + l2/2·Σw² to the gradients of the weights."""
    for value in parameters:
        if value.grad is None or not is_weight(value):
            continue
        if l1:
            value.grad.add_(value.sign(), alpha=l1)
        if l2:
            value.grad.add_(value, alpha=l2)


def is_weight(parameter: nn.Parameter) -> bool:
    """Whether a parameter is a weight, which penalties apply to, rather than a bias or a normalization scale."""
    return parameter.ndim > 1
