"""First-layer filters as color images (Krizhevsky et al., 2012, figure 3)."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from camshaft.envs.errors import InvalidOption
from camshaft.perception.backbones.encoder import Encoder


def first_layer_filters(encoder: Encoder) -> NDArray[np.uint8]:
    """(n, h, w, 3) filters of the first convolution as RGB images, each scaled to the full range around mid-gray.

    Filters of YUV or gray frames are converted to their equivalents on RGB.
    """
    layer = first_convolution(encoder)
    weights = layer.weight.detach().float().cpu()
    matrix = encoder.preprocessing.weight.detach().float().cpu()[:, :, 0, 0]
    if weights.shape[1] == matrix.shape[0]:
        weights = torch.einsum("ochw,cr->orhw", weights, matrix)
    elif weights.shape[1] != 3:
        raise InvalidOption(f"the first layer has {weights.shape[1]} input channels, which are not colors")
    largest = weights.abs().amax(dim=(1, 2, 3), keepdim=True).clamp(min=1e-12)
    images = (127.5 + 127.5 * weights / largest).round().clamp(0, 255)
    return images.permute(0, 2, 3, 1).numpy().astype(np.uint8)


def first_convolution(encoder: Encoder) -> nn.Conv2d:
    """The first convolution of an encoder."""
    for module in encoder.modules():
        if isinstance(module, nn.Conv2d):
            return module
    raise InvalidOption(f"{type(encoder).__name__} has no convolution")
