"""Fine-tuning of a pretrained encoder: frozen layers, layer-wise learning rates and gradual unfreezing.

Source: Howard and Ruder, "Universal Language Model Fine-tuning for Text Classification", ACL 2018.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from camshaft.envs.errors import InvalidOption
from camshaft.perception.backbones.encoder import Encoder
from camshaft.perception.training.optimizers import ParameterGroup


@dataclass(frozen=True)
class FineTuning:
    """Training plan for fine-tuning a network that has an `encoder`.

    Layers are frozen in units of the encoder's `layer_groups`. The parameters and the batch normalization statistics of
    frozen layers do not change, and dropout of their inputs is disabled.

    Attributes:
        frozen: number of groups that are frozen, counted from the input; -1 for all.
        rate_decay: ratio of the learning rates of consecutive groups, decreasing toward the input; the layers on top of
            the encoder learn at the full rate.
        unfreeze_epochs: gradual unfreezing: epochs between unfreezing one group and the next below it, starting at the
            top, until only the `frozen` groups are left. 0 unfreezes all of them at the start.
    """

    frozen: int = 0
    rate_decay: float = 1.0
    unfreeze_epochs: int = 0

    def __post_init__(self) -> None:
        if isinstance(self.frozen, bool) or not isinstance(self.frozen, int) or self.frozen < -1:
            raise InvalidOption(
                f"frozen must be a number of layer groups, or -1 for all, got {self.frozen!r}"
            )
        if not 0.0 < self.rate_decay <= 1.0:
            raise InvalidOption(f"rate_decay must be above 0 and at most 1, got {self.rate_decay!r}")
        if self.unfreeze_epochs < 0:
            raise InvalidOption(f"unfreeze_epochs must be at least 0, got {self.unfreeze_epochs!r}")

    def groups(self, model: nn.Module) -> list[ParameterGroup]:
        """Parameters on top of the encoder, then the encoder's groups from top to bottom."""
        parts = encoder_of(model).layer_groups
        inside = {id(value) for value in encoder_of(model).parameters()}
        chosen = [ParameterGroup([value for value in model.parameters() if id(value) not in inside])]
        for distance, part in enumerate(reversed(parts[self._num_frozen(model) :]), start=1):
            chosen.append(ParameterGroup(list(part.parameters()), self.rate_decay**distance))
        return chosen

    def begin_epoch(self, model: nn.Module, epoch: int) -> None:
        """Freeze the groups that do not learn in this epoch."""
        parts = encoder_of(model).layer_groups
        first = self.first_learning(model, epoch)
        for number, part in enumerate(parts):
            for value in part.parameters():
                value.requires_grad_(number >= first)
            if number < first:
                for module in part.modules():
                    if isinstance(module, _BatchNorm):
                        module.eval()
        _disable_dropout_before_frozen(encoder_of(model), learns=first < len(parts))

    def settings(self) -> dict[str, Any]:
        """All attributes by name."""
        return asdict(self)

    def first_learning(self, model: nn.Module, epoch: int) -> int:
        """Index of the lowest group that learns in an epoch (from 0); the number of groups if none does."""
        frozen, count = self._num_frozen(model), len(encoder_of(model).layer_groups)
        if not self.unfreeze_epochs:
            return frozen
        return max(frozen, count - epoch // self.unfreeze_epochs)

    def _num_frozen(self, model: nn.Module) -> int:
        count = len(encoder_of(model).layer_groups)
        if self.frozen > count:
            raise InvalidOption(
                f"frozen must be at most the {count} layer groups of this encoder, got {self.frozen}"
            )
        return count if self.frozen == -1 else self.frozen


def encoder_of(model: nn.Module) -> Encoder:
    """The encoder of a network.

    Raises:
        InvalidOption: the network has no encoder.
    """
    encoder = getattr(model, "encoder", None)
    if not isinstance(encoder, Encoder):
        raise InvalidOption(f"a {type(model).__name__} has no encoder to fine-tune")
    return encoder


def _disable_dropout_before_frozen(encoder: Encoder, learns: bool) -> None:
    """Disable dropout of the inputs of frozen layers, and of the features unless part of the encoder `learns`."""
    for module in reversed(list(encoder.modules())):
        own = next(module.parameters(recurse=False), None)
        if own is not None:
            learns = own.requires_grad
        elif isinstance(module, _DropoutNd) and not learns:
            module.eval()
