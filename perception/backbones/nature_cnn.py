"""NatureCNN, the convolutional network of the deep Q-network (DQN).

Source: Mnih et al., "Human-level control through deep reinforcement learning", Nature 518, 2015, Methods.
"""

from __future__ import annotations

import torch
from torch import nn

from camshaft.perception.backbones.encoder import Preprocessing, StagedEncoder, check_size
from camshaft.perception.backbones.registry import register_model

SMALLEST_SIDE = 36  # pixels; the last convolution has no output below it


class NatureCNN(StagedEncoder):
    """Three convolutions without padding and a fully connected layer of 512 units, all with ReLU.

    The input is one color frame instead of the paper's four gray ones. At 84×84 the layers have 6,176 + 32,832 +
    36,928 + 1,606,144 = 1,682,080 parameters (8,224 in the first layer with four channels).

    Args:
        size: (height, width) that frames are resized to.
        out_dim: size of the feature vector.
    """

    channels = (32, 64, 64)
    strides = (4, 8, 8)
    smallest_side = SMALLEST_SIDE

    def __init__(self, size: tuple[int, int] = (84, 84), out_dim: int = 512) -> None:
        super().__init__(Preprocessing(check_size("nature_cnn", size, SMALLEST_SIDE)))
        self.out_dim = out_dim
        self.stages = nn.ModuleList(
            [
                nn.Sequential(nn.Conv2d(3, 32, 8, 4), nn.ReLU(inplace=True)),
                nn.Sequential(nn.Conv2d(32, 64, 4, 2), nn.ReLU(inplace=True)),
                nn.Sequential(nn.Conv2d(64, 64, 3, 1), nn.ReLU(inplace=True)),
            ]
        )
        with torch.no_grad():
            flattened = self.feature_maps(torch.zeros(1, 3, *size))[-1].numel()
        self.summary = nn.Sequential(nn.Flatten(), nn.Linear(flattened, out_dim), nn.ReLU())


@register_model
def nature_cnn(size: tuple[int, int] = (84, 84), out_dim: int = 512) -> NatureCNN:
    """Network of the DQN (Mnih et al. 2015): RGB frames of 84×84 pixels by default to 512 features."""
    return NatureCNN(size, out_dim)
