"""Configuration of a training run."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch

from camshaft.envs.errors import InvalidOption, check_choice
from camshaft.perception.training.hardware import DEVICES, PRECISIONS
from camshaft.perception.training.optimizers import OPTIMIZERS, ParameterGroup, make_optimizer
from camshaft.perception.training.schedules import SCHEDULES, schedule_factor


@dataclass(frozen=True)
class TrainingConfig:
    """Hyperparameters of a training run.

    Attributes:
        epochs: passes over the training data.
        batch_size: samples per step, over all processes.
        optimizer: "sgd", "adam", "adamw", "rmsprop" or "adagrad".
        learning_rate: peak learning rate; None for the default of the optimizer.
        momentum: momentum factor ("sgd", "rmsprop").
        nesterov: use Nesterov momentum ("sgd").
        schedule: learning-rate decay after the warm-up: "cosine", "poly", "step" or "constant".
        warmup_fraction: fraction of the training during which the learning rate rises linearly from 0.
        step_milestones: fractions of the training after which the learning rate is lowered ("step").
        step_factor: factor by which it is lowered at each milestone ("step").
        poly_power: exponent ("poly").
        l1: coefficient of the L1 penalty, the sum of absolute weights; biases and normalization are excluded.
        l2: coefficient of the L2 penalty, half the sum of squared weights; likewise.
        weight_decay: decoupled weight decay ("adamw").
        gradient_clip: maximum norm of the gradient; 0 for no clipping.
        ema_decay: decay of the exponential moving average of the weights, which is evaluated and saved; 0 for none.
        patience: epochs without a better validation score after which training stops early; 0 for never.
        seed: random seed.
        checkpoint_steps: steps between checkpoints; each epoch ends with one as well.
        log_steps: steps between rows of the metrics.
        workers: data loading processes; 0 loads in a background thread, which is enough for rendered images when
            training on the CPU. When training on a GPU, that thread competes with kernel launches for the interpreter.
        device: "auto", "cpu" or "cuda".
        precision: "auto", "float32" or "bfloat16".
        compile: compile the network with torch.compile; takes a minute, then steps on a GPU are faster.
    """

    epochs: int = 10
    batch_size: int = 128
    optimizer: str = "adamw"
    learning_rate: float | None = None
    momentum: float = 0.9
    nesterov: bool = True
    schedule: str = "cosine"
    warmup_fraction: float = 0.05
    step_milestones: tuple[float, ...] = (0.5, 0.75)
    step_factor: float = 0.1
    poly_power: float = 0.9
    l1: float = 0.0
    l2: float = 0.0
    weight_decay: float = 0.0
    gradient_clip: float = 1.0
    ema_decay: float = 0.0
    patience: int = 0
    seed: int = 0
    checkpoint_steps: int = 500
    log_steps: int = 20
    workers: int = 0
    device: str = "auto"
    precision: str = "auto"
    compile: bool = False

    def __post_init__(self) -> None:
        check_choice("optimizer", self.optimizer, OPTIMIZERS)
        check_choice("schedule", self.schedule, SCHEDULES)
        check_choice("device", self.device, DEVICES)
        check_choice("precision", self.precision, ("auto", *PRECISIONS))
        for name in ("epochs", "batch_size", "checkpoint_steps", "log_steps"):
            self._check(name, int, lambda value: value >= 1, "a whole number from 1")
        for name in ("seed", "patience", "workers"):
            self._check(name, int, lambda value: value >= 0, "a whole number from 0")
        for name in ("l1", "l2", "weight_decay", "gradient_clip", "poly_power", "step_factor"):
            self._check(name, float, lambda value: 0.0 <= value < math.inf, "a number from 0")
        for name in ("momentum", "warmup_fraction", "ema_decay"):
            self._check(name, float, lambda value: 0.0 <= value < 1.0, "a number from 0 to below 1")
        if any(isinstance(part, str) or not 0.0 <= part <= 1.0 for part in self.step_milestones):
            raise InvalidOption(
                f"step_milestones must be fractions of the training from 0 to 1, got {self.step_milestones!r}"
            )
        if self.learning_rate is not None:
            self._check("learning_rate", float, lambda value: 0.0 < value < math.inf, "a number above 0")
        if self.weight_decay and self.optimizer != "adamw":
            raise InvalidOption(f"weight_decay needs optimizer 'adamw'; use l2 with {self.optimizer!r}")

    @property
    def highest_rate(self) -> float:
        """Peak learning rate, at the end of the warm-up."""
        return OPTIMIZERS[self.optimizer] if self.learning_rate is None else self.learning_rate

    def rate_at(self, step: int, total_steps: int) -> float:
        """Learning rate at a step, counted from 0."""
        return self.highest_rate * schedule_factor(
            step,
            total_steps,
            self.schedule,
            warmup_fraction=self.warmup_fraction,
            milestones=self.step_milestones,
            step_factor=self.step_factor,
            poly_power=self.poly_power,
        )

    def make_optimizer(self, groups: Iterable[ParameterGroup]) -> torch.optim.Optimizer:
        """Build the optimizer for these parameters."""
        return make_optimizer(
            self.optimizer,
            groups,
            self.highest_rate,
            momentum=self.momentum,
            nesterov=self.nesterov,
            weight_decay=self.weight_decay,
        )

    def _check(self, name: str, kind: type, accepted: Callable[[Any], bool], description: str) -> None:
        value = getattr(self, name)
        kinds = (int, float) if kind is float else (int,)
        if isinstance(value, bool) or not isinstance(value, kinds) or not accepted(value):
            raise InvalidOption(f"{name} must be {description}, got {value!r}")
