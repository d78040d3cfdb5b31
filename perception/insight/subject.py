"""A network to look into: an encoder, and outputs over its features that something can be said about."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from camshaft.envs.errors import InvalidOption
from camshaft.perception.backbones.encoder import Encoder


@dataclass(frozen=True)
class Subject:
    """A network to look into.

    Attributes:
        encoder: frames to features.
        head: features to outputs, (B, K): logits of classes, parts of an action, or the features themselves.
        names: of the outputs; empty where they have none.
    """

    encoder: Encoder
    head: Callable[[Tensor], Tensor]
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        encoder = copy.deepcopy(self.encoder).cpu().float().eval()
        for module in encoder.modules():
            if isinstance(module, nn.ReLU):
                module.inplace = False  # gradients are changed on their way back
        object.__setattr__(self, "encoder", encoder)

    def outputs(self, images: Tensor) -> Tensor:
        """(B, K) of frames as the encoder takes them."""
        outputs: Tensor = self.head(self.encoder(images))
        return outputs

    def chosen(self, images: Tensor, target: int | None) -> Tensor:
        """(B,) the number of the output that is asked about: `target`, or the largest of each frame.

        Raises:
            InvalidOption: there is no such output.
        """
        with torch.no_grad():
            outputs = self.outputs(images)
        if target is None:
            return outputs.argmax(dim=1)
        if not 0 <= target < outputs.shape[1]:
            raise InvalidOption(f"outputs are numbered 0..{outputs.shape[1] - 1}, got {target}")
        return torch.full((len(outputs),), target)


def as_floats(images: Tensor) -> Tensor:
    """(B, 3, H, W) floats in 0..1 of frames of any accepted kind: what gradients can be taken of."""
    from camshaft.perception.backbones.encoder import channels_first

    images = channels_first(images)
    return images.float() / 255.0 if images.dtype == torch.uint8 else images.float()
