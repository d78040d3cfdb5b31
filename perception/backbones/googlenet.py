"""GoogLeNet (Inception v1).

Source: Szegedy et al., "Going Deeper with Convolutions", CVPR 2015; the layers are torchvision's, with batch
normalization.
"""

from __future__ import annotations

import functools
from typing import Any

import torchvision
from torch import Tensor, nn
from torchvision.models.googlenet import Inception, InceptionAux

from camshaft.perception.backbones.encoder import Encoder, Preprocessing, check_optional_size
from camshaft.perception.backbones.registry import register_model

STAGES = (
    ("conv1",),
    ("maxpool1", "conv2", "conv3"),
    ("maxpool2", "inception3a", "inception3b"),
    ("maxpool3", "inception4a"),
    ("inception4b", "inception4c", "inception4d"),
    ("inception4e",),
    ("maxpool4", "inception5a", "inception5b"),
)


class _Convolution(nn.Module):
    """torchvision's BasicConv2d with ReLU as a module, which guided backpropagation needs."""

    def __init__(self, in_channels: int, out_channels: int, **options: Any) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, bias=False, **options)
        self.bn = nn.BatchNorm2d(out_channels, eps=0.001)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, maps: Tensor) -> Tensor:
        values: Tensor = self.relu(self.bn(self.conv(maps)))
        return values


class GoogLeNet(Encoder):
    """GoogLeNet: nine inception modules, 6,624,904 parameters with a head of 1,000 classes and no auxiliary heads.

    Frames are normalized to [-1, 1], the range that torchvision's weights were trained on.

    Args:
        size: (height, width) that frames are resized to; None keeps their size.
        dropout: dropout probability of the features.
    """

    channels = (64, 192, 480, 512, 528, 832, 1024)
    strides = (2, 4, 8, 16, 16, 16, 32)
    original_head = "fc"
    auxiliary_maps = (3, 4)
    smallest_side = 32

    def __init__(self, size: tuple[int, int] | None = (224, 224), dropout: float = 0.2) -> None:
        checked = check_optional_size("googlenet", size, self.smallest_side)
        super().__init__(Preprocessing(checked, mean=(0.5,) * 3, std=(0.5,) * 3))
        self.out_dim = 1024
        inception = functools.partial(Inception, conv_block=_Convolution)
        original = torchvision.models.googlenet(
            num_classes=1,
            aux_logits=False,
            init_weights=True,
            dropout=dropout,
            blocks=[_Convolution, inception, InceptionAux],
        )
        for stage in STAGES:
            for name in stage:
                self.add_module(name, getattr(original, name))
        self.dropout = original.dropout

    def feature_maps(self, images: Tensor) -> list[Tensor]:
        """Outputs of conv1, conv3, 3b, 4a, 4d, 4e and 5b; the auxiliary heads are attached to 4a and 4d."""
        values, maps = self.preprocess(images), []
        for stage in STAGES:
            for name in stage:
                values = getattr(self, name)(values)
            maps.append(values)
        return maps

    def features_and_maps(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Global average of the last maps, (B, 1024), and the feature maps."""
        maps = self.feature_maps(images)
        return self.dropout(maps[-1].mean((2, 3))), maps

    @property
    def layer_groups(self) -> list[nn.Module]:
        """Convolutions and inception modules, from input to features."""
        names = (name for stage in STAGES for name in stage if "pool" not in name)
        return [getattr(self, name) for name in names]


@register_model
def googlenet(size: tuple[int, int] | None = (224, 224), dropout: float = 0.2) -> GoogLeNet:
    """GoogLeNet (Szegedy et al. 2014) with torchvision's layers: 6,624,904 parameters with 1,000 classes."""
    return GoogLeNet(size, dropout)
