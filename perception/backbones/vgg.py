"""VGG-16, a deep network of 3×3 convolutions.

Source: Simonyan, Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015,
configuration D; the layers are torchvision's, without batch normalization as in the paper.
"""

from __future__ import annotations

import torchvision

from camshaft.perception.backbones.registry import register_model
from camshaft.perception.backbones.sequential import SequentialEncoder


class VGG16(SequentialEncoder):
    """VGG-16: thirteen 3×3 convolutions in five blocks and two fully connected layers.

    With a head of 1,000 classes it has 138,357,544 parameters. The feature maps are the outputs of the blocks before
    their pooling.

    Args:
        size: (height, width) that frames are resized to.
        dropout: dropout probability of the fully connected layers.
    """

    channels = (64, 128, 256, 512, 512)
    strides = (1, 2, 4, 8, 16)
    stage_ends = (4, 9, 16, 23, 30)
    smallest_side = 32

    def __init__(self, size: tuple[int, int] = (224, 224), dropout: float = 0.5) -> None:
        super().__init__("vgg16", torchvision.models.vgg16(num_classes=1, dropout=dropout), size)


@register_model
def vgg16(size: tuple[int, int] = (224, 224), dropout: float = 0.5) -> VGG16:
    """VGG-16 (Simonyan and Zisserman 2014) without batch norm: 138,357,544 parameters with 1,000 classes."""
    return VGG16(size, dropout)
