"""ZFNet, a variant of AlexNet with finer first layers.

Source: Zeiler, Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014: figure 3, and the wider
middle layers of table 3.
"""

from __future__ import annotations

from torch import nn

from camshaft.perception.backbones.alexnet import fully_connected, response_normalization
from camshaft.perception.backbones.encoder import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    Preprocessing,
    StagedEncoder,
    check_size,
)
from camshaft.perception.backbones.pooling import make_pooling
from camshaft.perception.backbones.registry import register_model

SMALLEST_SIDE = 33


class ZFNet(StagedEncoder):
    """ZFNet: AlexNet with a first convolution of 7×7/2 and a second of 5×5/2, which keep more detail.

    With a head of 1,000 classes it has 62,357,608 parameters; 107,627,624 with 512, 1,024 and 512 channels in the last
    three convolutions. AlexNet's local response normalization stands in for the paper's contrast normalization.

    Args:
        size: (height, width) that frames are resized to.
        widths: channels of the third, fourth and fifth convolution.
        pooling: "max" as in the paper, "average" or "lp".
        dropout: dropout probability of the fully connected layers.
    """

    strides = (2, 8, 16, 16, 16)
    smallest_side = SMALLEST_SIDE

    def __init__(
        self,
        size: tuple[int, int] = (224, 224),
        widths: tuple[int, int, int] = (384, 384, 256),
        pooling: str = "max",
        dropout: float = 0.5,
    ) -> None:
        checked = check_size("zfnet", size, SMALLEST_SIDE)
        super().__init__(Preprocessing(checked, mean=IMAGENET_MEAN, std=IMAGENET_STD))
        self.channels = (96, 256, *widths)
        self.out_dim = 4096
        self.stages = nn.ModuleList(
            [
                nn.Sequential(nn.Conv2d(3, 96, 7, 2, padding=1), nn.ReLU(inplace=True)),
                nn.Sequential(
                    make_pooling(pooling, 3, 2, padding=1),
                    response_normalization(),
                    nn.Conv2d(96, 256, 5, 2),
                    nn.ReLU(inplace=True),
                ),
                nn.Sequential(
                    make_pooling(pooling, 3, 2, padding=1),
                    response_normalization(),
                    nn.Conv2d(256, widths[0], 3, padding=1),
                    nn.ReLU(inplace=True),
                ),
                nn.Sequential(nn.Conv2d(widths[0], widths[1], 3, padding=1), nn.ReLU(inplace=True)),
                nn.Sequential(nn.Conv2d(widths[1], widths[2], 3, padding=1), nn.ReLU(inplace=True)),
            ]
        )
        self.summary = fully_connected(self, make_pooling(pooling, 3, 2), size, dropout)


@register_model
def zfnet(size: tuple[int, int] = (224, 224), pooling: str = "max", dropout: float = 0.5) -> ZFNet:
    """ZFNet of figure 3 (Zeiler and Fergus 2014): 62,357,608 parameters with 1,000 classes."""
    return ZFNet(size, pooling=pooling, dropout=dropout)


@register_model
def zfnet_512(size: tuple[int, int] = (224, 224), pooling: str = "max", dropout: float = 0.5) -> ZFNet:
    """ZFNet with the wide middle layers of table 3: 107,627,624 parameters with 1,000 classes."""
    return ZFNet(size, (512, 1024, 512), pooling, dropout)
