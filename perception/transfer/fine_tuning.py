"""Which layers of a pretrained encoder learn, how fast, and from when on.

Source: gradual unfreezing and rates that differ by layer, Howard and Ruder, "Universal Language Model Fine-tuning for
Text Classification", ACL 2018.
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
    """A plan of the trainer for a network with an `encoder` and anything on top of it.

    Layers are frozen by the encoder's `layer_groups`, counted from its input. A frozen layer's parameters do not
    change, nor do the running statistics of its batch normalization, and nothing that it gets is dropped out.

    Attributes:
        frozen: how many groups, counted from the input, stay as they are; -1 for all of them.
        rate_decay: each group's learning rate is this times that of the group above it; what is on top of the encoder
            learns at the full rate.
        unfreeze_epochs: with gradual unfreezing, epochs from the release of one group, the topmost first, to that of
            the next; all but the `frozen` ones are released in the end. 0 releases them at once.
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
        """What is on top of the encoder, then the encoder's groups from its features to its input."""
        parts = encoder_of(model).layer_groups
        inside = {id(value) for value in encoder_of(model).parameters()}
        chosen = [ParameterGroup([value for value in model.parameters() if id(value) not in inside])]
        for distance, part in enumerate(reversed(parts[self._kept(model) :]), start=1):
            chosen.append(ParameterGroup(list(part.parameters()), self.rate_decay**distance))
        return chosen

    def begin_epoch(self, model: nn.Module, epoch: int) -> None:
        """Freeze what does not learn in this epoch."""
        parts = encoder_of(model).layer_groups
        first = self.first_learning(model, epoch)
        for number, part in enumerate(parts):
            for value in part.parameters():
                value.requires_grad_(number >= first)
            if number < first:
                for module in part.modules():
                    if isinstance(module, _BatchNorm):
                        module.eval()
        _drop_nothing_before_frozen(encoder_of(model), learns=first < len(parts))

    def settings(self) -> dict[str, Any]:
        """All three attributes."""
        return asdict(self)

    def first_learning(self, model: nn.Module, epoch: int) -> int:
        """The number of the lowest group that learns in an epoch (from 0); that of groups if none does."""
        kept, count = self._kept(model), len(encoder_of(model).layer_groups)
        if not self.unfreeze_epochs:
            return kept
        return max(kept, count - epoch // self.unfreeze_epochs)

    def _kept(self, model: nn.Module) -> int:
        count = len(encoder_of(model).layer_groups)
        if self.frozen > count:
            raise InvalidOption(
                f"frozen must be at most the {count} layer groups of this encoder, got {self.frozen}"
            )
        return count if self.frozen == -1 else self.frozen


def encoder_of(model: nn.Module) -> Encoder:
    """The encoder of a network that is made of one and heads."""
    encoder = getattr(model, "encoder", None)
    if not isinstance(encoder, Encoder):
        raise InvalidOption(f"a {type(model).__name__} has no encoder to fine-tune")
    return encoder


def _drop_nothing_before_frozen(encoder: Encoder, learns: bool) -> None:
    """Switch off what drops out the inputs of a frozen layer or, unless any of it `learns`, the encoder's features."""
    for module in reversed(list(encoder.modules())):
        own = next(module.parameters(recurse=False), None)
        if own is not None:
            learns = own.requires_grad
        elif isinstance(module, _DropoutNd) and not learns:
            module.eval()
