"""VGG-16, small convolutions all the way.

Source: Simonyan, Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015,
configuration D; the layers are torchvision's. As in the paper nothing is normalized between them.
"""

from __future__ import annotations

import torchvision

from camshaft.perception.backbones.sequential import SequentialEncoder
from camshaft.perception.registry import register_model


class VGG16(SequentialEncoder):
    """Thirteen 3×3 convolutions in five blocks and two fully connected layers; 138,357,544 parameters in all.

    The maps are those of each block before its pooling.

    Args:
        size: (height, width) that frames are resized to.
        dropout: probability of leaving out a unit of the fully connected layers.
    """

    channels = (64, 128, 256, 512, 512)
    strides = (1, 2, 4, 8, 16)
    stage_ends = (4, 9, 16, 23, 30)
    smallest_side = 32

    def __init__(self, size: tuple[int, int] = (224, 224), dropout: float = 0.5) -> None:
        super().__init__("vgg16", torchvision.models.vgg16(num_classes=1, dropout=dropout), size)


@register_model
def vgg16(size: tuple[int, int] = (224, 224), dropout: float = 0.5) -> VGG16:
    """VGG-16 (Simonyan and Zisserman 2014), without batch norm: 138,357,544 parameters with 1,000 classes."""
    return VGG16(size, dropout)
