"""Residual networks of 18 to 152 layers.

Source: He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", CVPR 2016; the layers are torchvision's,
which place the stride of a bottleneck at its 3×3 convolution instead of the first 1×1 convolution as in the paper.
"""

from __future__ import annotations

import torchvision
from torch import Tensor, nn
from torchvision.models.resnet import Bottleneck

from camshaft.perception.backbones.encoder import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    Encoder,
    Preprocessing,
    check_optional_size,
)
from camshaft.perception.backbones.registry import register_model

STAGES = ("layer1", "layer2", "layer3", "layer4")


class ResNet(Encoder):
    """ResNet: a 7×7/2 convolution, 3×3/2 pooling, four stages of residual blocks, and global average pooling.

    Args:
        depth: 18, 34, 50, 101 or 152 layers, including the head.
        size: (height, width) that frames are resized to; None keeps their size.
        paper_stride: place the stride of bottlenecks at the first convolution, as in the paper; the published weights
            of torchvision do not fit this variant.
    """

    strides = (4, 8, 16, 32)
    original_head = "fc"
    smallest_side = 32

    def __init__(
        self, depth: int, size: tuple[int, int] | None = (224, 224), paper_stride: bool = False
    ) -> None:
        name = f"resnet{depth}"
        checked = check_optional_size(name, size, self.smallest_side)
        super().__init__(Preprocessing(checked, mean=IMAGENET_MEAN, std=IMAGENET_STD))
        original = getattr(torchvision.models, name)(num_classes=1)
        self.out_dim = original.fc.in_features
        self.channels = tuple(self.out_dim >> shift for shift in (3, 2, 1, 0))
        self.conv1, self.bn1, self.relu, self.maxpool = (
            original.conv1,
            original.bn1,
            original.relu,
            original.maxpool,
        )
        for stage in STAGES:
            self.add_module(stage, getattr(original, stage))
        if paper_stride:
            for block in (module for module in self.modules() if isinstance(module, Bottleneck)):
                block.conv1.stride, block.conv2.stride = block.conv2.stride, (1, 1)
                self.takes_published = False

    def feature_maps(self, images: Tensor) -> list[Tensor]:
        """Outputs of the four stages, at strides 4, 8, 16 and 32."""
        values, maps = self.maxpool(self.relu(self.bn1(self.conv1(self.preprocess(images))))), []
        for stage in STAGES:
            values = getattr(self, stage)(values)
            maps.append(values)
        return maps

    def features_and_maps(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Global average of the last maps, (B, out_dim), and the feature maps."""
        maps = self.feature_maps(images)
        return maps[-1].mean((2, 3)), maps

    @property
    def layer_groups(self) -> list[nn.Module]:
        """The first convolution with its normalization, then each residual block."""
        blocks = [block for stage in STAGES for block in getattr(self, stage)]
        return [nn.ModuleList([self.conv1, self.bn1]), *blocks]


@register_model
def resnet18(size: tuple[int, int] | None = (224, 224)) -> ResNet:
    """ResNet-18 (He et al. 2015): 11,689,512 parameters with 1,000 classes."""
    return ResNet(18, size)


@register_model
def resnet34(size: tuple[int, int] | None = (224, 224)) -> ResNet:
    """ResNet-34 (He et al. 2015): 21,797,672 parameters with 1,000 classes."""
    return ResNet(34, size)


@register_model
def resnet50(size: tuple[int, int] | None = (224, 224), paper_stride: bool = False) -> ResNet:
    """ResNet-50 (He et al. 2015): 25,557,032 parameters with 1,000 classes."""
    return ResNet(50, size, paper_stride)


@register_model
def resnet101(size: tuple[int, int] | None = (224, 224), paper_stride: bool = False) -> ResNet:
    """ResNet-101 (He et al. 2015): 44,549,160 parameters with 1,000 classes."""
    return ResNet(101, size, paper_stride)


@register_model
def resnet152(size: tuple[int, int] | None = (224, 224), paper_stride: bool = False) -> ResNet:
    """ResNet-152 (He et al. 2015): 60,192,808 parameters with 1,000 classes."""
    return ResNet(152, size, paper_stride)
