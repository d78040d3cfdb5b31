"""Any model of the timm library as an encoder: `timm:NAME`."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from envs.errors import InvalidOption, check_choice
from perception.backbones.encoder import Encoder, Preprocessing, check_size


class TimmEncoder(Encoder):
    """A timm model without its classifier.

    Args:
        name: as in `timm.list_models()`, with a pretrained tag or without.
        size: (height, width) that frames are resized to; the model's own by default.

    Raises:
        UnknownName: timm has no such model; the message has the nearest name.
        InvalidOption: the model gives no feature maps.
    """

    def __init__(self, name: str, size: tuple[int, int] | None = None) -> None:
        import timm  # some seconds, so only for those who use it

        check_choice("timm model", name.split(".")[0], timm.list_models())
        network = timm.create_model(name, num_classes=0, **_image_size(name, size))
        if not hasattr(network, "forward_intermediates"):
            raise InvalidOption(f"timm model {name!r} gives no feature maps")
        settings = timm.data.resolve_model_data_config(network)
        own = settings["input_size"][1:]
        chosen = (size[0], size[1]) if size is not None else (own[0], own[1])
        super().__init__(
            Preprocessing(check_size(f"timm:{name}", chosen, 32), mean=settings["mean"], std=settings["std"])
        )
        self.network = network
        self.out_dim = (
            network.head_hidden_size if hasattr(network, "head_hidden_size") else network.num_features
        )
        with torch.no_grad():
            maps = network.eval().forward_intermediates(torch.zeros(1, 3, *chosen), intermediates_only=True)
        network.train()
        self.channels = tuple(each.shape[1] for each in maps)
        self.strides = _strides(network, [round(chosen[0] / each.shape[2]) for each in maps])

    def feature_maps(self, images: Tensor) -> list[Tensor]:
        """What timm calls the intermediates: the outputs of its stages or blocks."""
        maps: list[Tensor] = self.network.forward_intermediates(
            self.preprocess(images), intermediates_only=True
        )
        return maps

    def features_and_maps(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """What timm's classifier would see, and the feature maps."""
        last, maps = self.network.forward_intermediates(self.preprocess(images))
        return self.network.forward_head(last, pre_logits=True), maps

    def forward(self, images: Tensor) -> Tensor:
        """What timm's classifier would see, (B, out_dim)."""
        features: Tensor = self.network(self.preprocess(images))
        return features

    @property
    def layer_groups(self) -> list[nn.Module]:
        """The parts of the network that learn, from its input to its features."""
        return [part for part in self.network.children() if any(True for _ in part.parameters())]


def _strides(network: nn.Module, measured: list[int]) -> tuple[int, ...]:
    """What timm says, else what was measured, which rounding at the border can put out."""
    told = [stage["reduction"] for stage in getattr(network, "feature_info", [])]
    return tuple(told if len(told) == len(measured) else measured)


def _image_size(name: str, size: tuple[int, int] | None) -> dict[str, tuple[int, int]]:
    """Transformers have to be told the size of the frames; convolutions take any."""
    if size is None or "vit" not in name:
        return {}
    return {"img_size": (size[0], size[1])}
