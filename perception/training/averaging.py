"""Exponential moving average of the weights of a network.

Source: Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", 1992, with exponential weights.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn


class MovingAverage:
    """Exponential moving average of the weights of a module.

    After every step, average ← d·average + (1 - d)·weights with d = min(decay, (1 + steps)/(10 + steps)). Tensors that
    are not floating-point (counters) are copied.

    Args:
        module: module whose weights are averaged.
        decay: decay per step; values near 1 average over many steps.

    Attributes:
        tensors: the average, by the keys of the module's state dict.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay = decay
        self.tensors: dict[str, Tensor] = {
            name: value.detach().clone() for name, value in module.state_dict().items()
        }

    @torch.no_grad()
    def update(self, module: nn.Module, steps: int) -> None:
        """Update the average with the weights after `steps` steps."""
        decay = min(self.decay, (1.0 + steps) / (10.0 + steps))
        averages: list[Tensor] = []
        weights: list[Tensor] = []
        for name, value in module.state_dict().items():
            average = self.tensors[name]
            if average.is_floating_point():
                averages.append(average)
                weights.append(value)
            else:
                average.copy_(value)
        get_ema_multi_avg_fn(decay)(averages, weights, steps)  # few kernel launches on a GPU

    @contextlib.contextmanager
    def applied(self, module: nn.Module) -> Iterator[None]:
        """Context manager in which the module has the averaged weights."""
        own = {name: value.detach().clone() for name, value in module.state_dict().items()}
        module.load_state_dict(self.tensors)
        try:
            yield
        finally:
            module.load_state_dict(own)
