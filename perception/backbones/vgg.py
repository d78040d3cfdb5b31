"""VGG-16, small convolutions all the way.

Source: Simonyan, Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015,
configuration D; the layers are torchvision's. As in the paper nothing is normalised between them.
"""

from __future__ import annotations

import torchvision
from torch import Tensor, nn

from perception.backbones.encoder import IMAGENET_MEAN, IMAGENET_STD, Encoder, Preprocessing, check_size
from perception.zoo import register_model


class VGG16(Encoder):
    """Thirteen 3×3 convolutions in five blocks and two fully connected layers; 138,357,544 parameters in all.

    Args:
        size: (height, width) that frames are resized to.
        dropout: probability of leaving out a unit of the fully connected layers.
    """

    channels = (64, 128, 256, 512, 512)
    strides = (1, 2, 4, 8, 16)
    original_head = "classifier.6"
    smallest_side = 32

    def __init__(self, size: tuple[int, int] = (224, 224), dropout: float = 0.5) -> None:
        checked = check_size("vgg16", size, self.smallest_side)
        super().__init__(Preprocessing(checked, mean=IMAGENET_MEAN, std=IMAGENET_STD))
        self.out_dim = 4096
        original = torchvision.models.vgg16(num_classes=1, dropout=dropout)
        self.features, self.avgpool = original.features, original.avgpool
        self.classifier = original.classifier[:-1]

    def feature_maps(self, images: Tensor) -> list[Tensor]:
        """The last maps of each block, before its pooling."""
        return self._through(images)[0]

    def features_and_maps(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The 4,096 units before the output layer, and the feature maps."""
        maps, last = self._through(images)
        return self.classifier(self.avgpool(last).flatten(1)), maps

    @property
    def layer_groups(self) -> list[nn.Module]:
        """The convolutions and the fully connected layers, one by one."""
        return [layer for layer in self.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]

    def _through(self, images: Tensor) -> tuple[list[Tensor], Tensor]:
        values, maps = self.preprocess(images), []
        for layer in self.features:
            if isinstance(layer, nn.MaxPool2d):
                maps.append(values)
            values = layer(values)
        return maps, values


@register_model
def vgg16(size: tuple[int, int] = (224, 224), dropout: float = 0.5) -> VGG16:
    """VGG-16 (Simonyan and Zisserman 2014), without batch norm: 138,357,544 parameters with 1,000 classes."""
    return VGG16(size, dropout)
