"""Base class of torchvision networks with sequential features and a fully connected classifier."""

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
    """A torchvision network with `features`, `avgpool` and `classifier`, without its output layer.

    Args:
        name: name of the model, for error messages.
        original: the torchvision network.
        size: (height, width) that frames are resized to.

    Attributes:
        stage_ends: number of layers up to the end of each stage; these outputs are the feature maps.
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
        """Outputs of the stages, finest first."""
        return self._maps_and_last(images)[0]

    def features_and_maps(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The 4,096 units before the output layer, and the feature maps."""
        maps, last = self._maps_and_last(images)
        return self.classifier(self.avgpool(last).flatten(1)), maps

    @property
    def layer_groups(self) -> list[nn.Module]:
        """Each convolution and fully connected layer."""
        return [layer for layer in self.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]

    def _maps_and_last(self, images: Tensor) -> tuple[list[Tensor], Tensor]:
        """The feature maps, and the output of the last layer."""
        values, maps = self.preprocess(images), []
        for index, layer in enumerate(self.features):
            values = layer(values)
            if index + 1 in self.stage_ends:
                maps.append(values)
        return maps, values
