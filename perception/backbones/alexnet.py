"""AlexNet: the two-group network of the paper, and the single-group variant of torchvision.

Sources: Krizhevsky, Sutskever, Hinton, "ImageNet Classification with Deep Convolutional Neural Networks", NIPS 2012;
torchvision follows Krizhevsky, "One weird trick for parallelizing convolutional neural networks", arXiv:1404.5997,
2014.
"""

from __future__ import annotations

import torch
import torchvision
from torch import nn

from camshaft.perception.backbones.encoder import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    Preprocessing,
    StagedEncoder,
    check_size,
)
from camshaft.perception.backbones.pooling import make_pooling
from camshaft.perception.backbones.registry import register_model
from camshaft.perception.backbones.sequential import SequentialEncoder

SMALLEST_SIDE = 67  # pixels; the paper pads neither its first convolution nor its pooling


class AlexNetPaper(StagedEncoder):
    """AlexNet as in the paper: two groups in the second, fourth and fifth convolution, local response normalization.

    With a head of 1,000 classes it has 60,965,224 parameters. The paper states an input of 224×224, but its first
    feature maps of 55×55 need 227×227.

    Args:
        size: (height, width) that frames are resized to.
        pooling: "max" as in the paper, "average" or "lp".
        dropout: dropout probability of the fully connected layers.
    """

    channels = (96, 256, 384, 384, 256)
    strides = (4, 8, 16, 16, 16)
    smallest_side = SMALLEST_SIDE

    def __init__(
        self, size: tuple[int, int] = (227, 227), pooling: str = "max", dropout: float = 0.5
    ) -> None:
        checked = check_size("alexnet_paper", size, SMALLEST_SIDE)
        super().__init__(Preprocessing(checked, mean=IMAGENET_MEAN, std=IMAGENET_STD))
        self.out_dim = 4096

        def pool() -> nn.Module:
            return make_pooling(pooling, 3, 2)

        self.stages = nn.ModuleList(
            [
                nn.Sequential(nn.Conv2d(3, 96, 11, 4), nn.ReLU(inplace=True), response_normalization()),
                nn.Sequential(
                    pool(),
                    nn.Conv2d(96, 256, 5, padding=2, groups=2),
                    nn.ReLU(inplace=True),
                    response_normalization(),
                ),
                nn.Sequential(pool(), nn.Conv2d(256, 384, 3, padding=1), nn.ReLU(inplace=True)),
                nn.Sequential(nn.Conv2d(384, 384, 3, padding=1, groups=2), nn.ReLU(inplace=True)),
                nn.Sequential(nn.Conv2d(384, 256, 3, padding=1, groups=2), nn.ReLU(inplace=True)),
            ]
        )
        self.summary = fully_connected(self, pool(), size, dropout)


class AlexNet(SequentialEncoder):
    """torchvision's AlexNet: no groups, fewer filters in the first layers; 61,100,840 parameters with 1,000 classes.

    Args:
        size: (height, width) that frames are resized to.
        dropout: dropout probability of the fully connected layers.
    """

    channels = (64, 192, 384, 256, 256)
    strides = (4, 8, 16, 16, 16)
    stage_ends = (2, 5, 8, 10, 12)
    smallest_side = 63

    def __init__(self, size: tuple[int, int] = (224, 224), dropout: float = 0.5) -> None:
        super().__init__("alexnet", torchvision.models.alexnet(num_classes=1, dropout=dropout), size)


@register_model
def alexnet_paper(
    size: tuple[int, int] = (227, 227), pooling: str = "max", dropout: float = 0.5
) -> AlexNetPaper:
    """AlexNet as in the paper (Krizhevsky et al. 2012): two groups, 60,965,224 parameters with 1,000 classes."""
    return AlexNetPaper(size, pooling, dropout)


@register_model
def alexnet(size: tuple[int, int] = (224, 224), dropout: float = 0.5) -> AlexNet:
    """AlexNet as in torchvision, a later variant without groups: 61,100,840 parameters with 1,000 classes."""
    return AlexNet(size, dropout)


def fully_connected(
    encoder: StagedEncoder, pooling: nn.Module, size: tuple[int, int], dropout: float
) -> nn.Sequential:
    """Last layers of AlexNet and ZFNet: pooling, then two fully connected layers of 4,096 units with dropout."""
    with torch.no_grad():
        flattened = pooling(encoder.feature_maps(torch.zeros(1, 3, *size))[-1]).numel()
    return nn.Sequential(
        pooling,
        nn.Flatten(),
        nn.Dropout(dropout),
        nn.Linear(flattened, 4096),
        nn.ReLU(inplace=True),
        nn.Dropout(dropout),
        nn.Linear(4096, 4096),
        nn.ReLU(inplace=True),
    )


def response_normalization() -> nn.LocalResponseNorm:
    """Local response normalization with the constants of the paper, which sums where PyTorch averages."""
    neighbors = 5
    return nn.LocalResponseNorm(neighbors, alpha=1e-4 * neighbors, beta=0.75, k=2.0)
