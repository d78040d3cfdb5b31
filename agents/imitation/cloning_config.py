"""How behavior cloning is set up."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor
from torch.nn import functional

from camshaft.envs.errors import InvalidOption, check_choice
from camshaft.perception.training.hardware import DEVICES, PRECISIONS
from camshaft.perception.zoo import check_model

LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "huber": functional.huber_loss,
    "mse": functional.mse_loss,
}


@dataclass(frozen=True)
class CloningConfig:
    """What a user may change about the training.

    Attributes:
        model: encoder of the policy, a name in the zoo.
        model_options: arguments of the encoder.
        weights: of the encoder at the start: "camshaft", "imagenet" or a file; fresh ones by default.
        epochs: passes over the training frames.
        batch_size: frames a step.
        learning_rate: of AdamW after warm-up; falls to 0 along half a cosine.
        warmup_fraction: part of the training during which the learning rate rises from 0.
        weight_decay: of AdamW, on weights but not on biases.
        gradient_clip: largest norm of the gradient.
        loss: "huber" (of one standard deviation) or "mse", on actions in standard deviations.
        displaced_views: learn from the displaced views too; None where there are any.
        validation_fraction: part of the episodes that is held out and never learned from.
        color_jitter: strength of random changes of color and light; 0 for none.
        seed: of everything random.
        checkpoint_steps: steps from one checkpoint to the next; each epoch ends with one as well.
        log_steps: steps from one row of the metrics to the next.
        device: "auto", "cpu" or "cuda".
        precision: "auto", "float32" or "bfloat16".
    """

    model: str = "pilotnet"
    model_options: Mapping[str, Any] = field(default_factory=dict)
    weights: str | None = None
    epochs: int = 10
    batch_size: int = 128
    learning_rate: float = 1e-3
    warmup_fraction: float = 0.05
    weight_decay: float = 1e-4
    gradient_clip: float = 1.0
    loss: str = "huber"
    displaced_views: bool | None = None
    validation_fraction: float = 0.1
    color_jitter: float = 1.0
    seed: int = 0
    checkpoint_steps: int = 200
    log_steps: int = 20
    device: str = "auto"
    precision: str = "auto"

    def __post_init__(self) -> None:
        check_model(self.model)
        check_choice("loss", self.loss, LOSSES)
        check_choice("device", self.device, DEVICES)
        check_choice("precision", self.precision, ("auto", *PRECISIONS))
        for name in ("epochs", "batch_size", "checkpoint_steps", "log_steps"):
            self._check(name, int, lambda value: value >= 1, "a whole number from 1")
        self._check("seed", int, lambda value: value >= 0, "a whole number from 0")
        for name in ("learning_rate", "gradient_clip"):
            self._check(name, float, lambda value: 0.0 < value < math.inf, "a number above 0")
        for name in ("weight_decay", "color_jitter"):
            self._check(name, float, lambda value: 0.0 <= value < math.inf, "a number from 0")
        for name in ("warmup_fraction", "validation_fraction"):
            self._check(name, float, lambda value: 0.0 <= value < 1.0, "a number from 0 to below 1")

    def _check(self, name: str, kind: type, accepted: Any, description: str) -> None:
        value = getattr(self, name)
        kinds = (int, float) if kind is float else (int,)
        if isinstance(value, bool) or not isinstance(value, kinds) or not accepted(value):
            raise InvalidOption(f"{name} must be {description}, got {value!r}")
