"""Network to inspect: an encoder and a head whose outputs can be explained."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from camshaft.envs.errors import InvalidOption
from camshaft.perception.backbones.encoder import Encoder, channels_first


@dataclass(frozen=True)
class Subject:
    """A network to inspect; its encoder is copied to the CPU in float32.

    Attributes:
        encoder: maps frames to features.
        head: maps features to (B, K) outputs: logits of classes, components of an action, or the features themselves.
        names: names of the outputs; empty if they have none.
    """

    encoder: Encoder
    head: Callable[[Tensor], Tensor]
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        encoder = copy.deepcopy(self.encoder).cpu().float().eval()
        for module in encoder.modules():
            if isinstance(module, nn.ReLU):
                module.inplace = False  # guided backpropagation modifies the gradients of ReLU
        object.__setattr__(self, "encoder", encoder)

    def outputs(self, images: Tensor) -> Tensor:
        """(B, K) outputs for frames, as the encoder takes them."""
        outputs: Tensor = self.head(self.encoder(images))
        return outputs

    def select_outputs(self, images: Tensor, target: int | None) -> Tensor:
        """(B,) index of the output to explain: `target`, or the largest output of each frame.

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
    """Convert frames of any accepted kind to (B, 3, H, W) floats in [0, 1], for which gradients are defined."""
    images = channels_first(images)
    return images.float() / 255.0 if images.dtype == torch.uint8 else images.float()
