"""Activation maps of the layers of a network for a frame."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from camshaft.perception.backbones.encoder import Encoder


@torch.no_grad()
def activation_maps(encoder: Encoder, image: Tensor, max_channels: int = 8) -> list[NDArray[np.float32]]:
    """The channels with the largest variance of every feature map, for one frame.

    Args:
        encoder: encoder in evaluation mode.
        image: (1, …) frame, as the encoder takes it.
        max_channels: maximum number of channels per feature map.

    Returns:
        (k, H_i, W_i) in [0, 1] for each feature map, finest first, with the largest variance first. 0 is the lowest
        activation of these channels, or 0 after a ReLU; 1 is the highest.
    """
    chosen = []
    for values in encoder.feature_maps(image):
        channels = values[0].float()
        spread = channels.flatten(1).std(dim=1, unbiased=False)
        best = channels[spread.argsort(descending=True)[:max_channels]]
        lowest = best.min().clamp(max=0.0)
        chosen.append(((best - lowest) / (best.max() - lowest).clamp(min=1e-12)).numpy().astype(np.float32))
    return chosen
