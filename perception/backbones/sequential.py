"""torchvision's networks that are one row of layers and a few fully connected ones after it."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor, nn

from camshaft.perception.backbones.encoder import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    Encoder,
    Preprocessing,
    check_optional_size,
)


class SequentialEncoder(Encoder):
    """A network of torchvision with `features`, `avgpool` and `classifier`, up to the 4,096 units before its output.

    Args:
        name: of the model, for errors.
        original: torchvision's.
        size: (height, width) that frames are resized to.

    Attributes:
        stage_ends: how many of the layers lie before the end of each stage, whose maps are given.
    """

    original_head = "classifier.6"
    smallest_side: ClassVar[int]
    stage_ends: ClassVar[tuple[int, ...]]

    def __init__(self, name: str, original: Any, size: tuple[int, int]) -> None:
        checked = check_optional_size(name, size, self.smallest_side)
        super().__init__(Preprocessing(checked, mean=IMAGENET_MEAN, std=IMAGENET_STD))
        self.out_dim = 4096
        self.features, self.avgpool = original.features, original.avgpool
        self.classifier = original.classifier[:-1]

    def feature_maps(self, images: Tensor) -> list[Tensor]:
        """The maps at the end of each stage."""
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
        for index, layer in enumerate(self.features):
            values = layer(values)
            if index + 1 in self.stage_ends:
                maps.append(values)
        return maps, values
