"""Activation maps: what each layer makes of a frame."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from camshaft.perception.backbones.encoder import Encoder


@torch.no_grad()
def activation_maps(encoder: Encoder, image: Tensor, most: int = 8) -> list[NDArray[np.float32]]:
    """The strongest channels of every feature map for one frame.

    Args:
        encoder: in evaluation mode.
        image: (1, …) one frame as the encoder takes it.
        most: channels of a layer.

    Returns:
        (k, H_i, W_i) in 0..1 a layer, finest first: from the lowest activation shown of the layer, 0 behind rectifiers,
        to the strongest, the channel with the greatest spread first; k is `most` or the channels that there are.
    """
    chosen = []
    for values in encoder.feature_maps(image):
        channels = values[0].float()
        spread = channels.flatten(1).std(dim=1, unbiased=False)
        best = channels[spread.argsort(descending=True)[:most]]
        lowest = best.min().clamp(max=0.0)
        chosen.append(((best - lowest) / (best.max() - lowest).clamp(min=1e-12)).numpy().astype(np.float32))
    return chosen
