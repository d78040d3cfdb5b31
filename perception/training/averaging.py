"""An exponential moving average of a network's weights.

Source: Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", 1992, with exponential weights.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn


class MovingAverage:
    """average ← d·average + (1 - d)·weights after every step, with d = min(decay, (1 + steps)/(10 + steps)).

    What is not a floating-point number (counters) is copied.

    Args:
        module: whose weights.
        decay: near 1 remembers long.

    Attributes:
        tensors: the average, by the names of the module's state.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay = decay
        self.tensors: dict[str, Tensor] = {
            name: value.detach().clone() for name, value in module.state_dict().items()
        }

    @torch.no_grad()
    def update(self, module: nn.Module, steps: int) -> None:
        """Take in the weights after so many steps."""
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
        get_ema_multi_avg_fn(decay)(averages, weights, steps)  # few kernels for all tensors on a GPU

    @contextlib.contextmanager
    def applied(self, module: nn.Module) -> Iterator[None]:
        """Let the module have the averaged weights within this context."""
        own = {name: value.detach().clone() for name, value in module.state_dict().items()}
        module.load_state_dict(self.tensors)
        try:
            yield
        finally:
            module.load_state_dict(own)
