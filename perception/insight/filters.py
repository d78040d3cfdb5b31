"""First-layer filters as color pictures (Krizhevsky et al., 2012, figure 3)."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from camshaft.envs.errors import InvalidOption
from camshaft.perception.backbones.encoder import Encoder


def first_filters(encoder: Encoder) -> NDArray[np.uint8]:
    """The filters that look at colors, (n, h, w, 3); each stretched to the full range about mid-gray.

    A filter on YUV or gray frames is shown as what it does to RGB.
    """
    layer = first_convolution(encoder)
    weights = layer.weight.detach().float().cpu()
    matrix = encoder.preprocessing.weight.detach().float().cpu()[:, :, 0, 0]
    if weights.shape[1] == matrix.shape[0]:
        weights = torch.einsum("ochw,cr->orhw", weights, matrix)
    elif weights.shape[1] != 3:
        raise InvalidOption(f"the first layer looks at {weights.shape[1]} channels, which are not colors")
    strongest = weights.abs().amax(dim=(1, 2, 3), keepdim=True).clamp(min=1e-12)
    pictures = (127.5 + 127.5 * weights / strongest).round().clamp(0, 255)
    return pictures.permute(0, 2, 3, 1).numpy().astype(np.uint8)


def first_convolution(encoder: Encoder) -> nn.Conv2d:
    """The convolution nearest to the frames."""
    for module in encoder.modules():
        if isinstance(module, nn.Conv2d):
            return module
    raise InvalidOption(f"{type(encoder).__name__} has no convolution")
