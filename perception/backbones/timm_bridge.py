"""Any model of the timm library as an encoder: `timm:NAME`."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from camshaft.envs.errors import InvalidOption, check_choice
from camshaft.perception.backbones.encoder import Encoder, Preprocessing, check_optional_size, has_parameters

TIMM_PREFIX = "timm:"  # of the names in the zoo


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

        architecture, _, tag = name.partition(".")
        check_choice("timm model", architecture, timm.list_models())
        if tag:
            check_choice("timm model", name, timm.list_models(f"{architecture}.*", pretrained=True))
        checked = check_optional_size(f"timm:{name}", size, 32)
        network = _create(name, checked)
        if not hasattr(network, "forward_intermediates"):
            raise InvalidOption(f"timm model {name!r} gives no feature maps")
        settings = timm.data.resolve_model_data_config(network)
        own = settings["input_size"][1:]
        chosen = checked or (own[0], own[1])
        super().__init__(Preprocessing(chosen, mean=settings["mean"], std=settings["std"]))
        self.network = network
        self.out_dim = (
            network.head_hidden_size if hasattr(network, "head_hidden_size") else network.num_features
        )
        try:
            with torch.no_grad():
                maps = network.eval().forward_intermediates(
                    torch.zeros(1, 3, *chosen), intermediates_only=True
                )
        except (AssertionError, RuntimeError, ValueError) as error:
            raise InvalidOption(f"timm model {name!r} takes no frames of {chosen}: {error}") from error
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
        """The parts of the network that learn, from its input to its features; tokens with the first of them."""
        first, *others = (part for part in self.network.children() if has_parameters(part))
        tokens = dict(self.network.named_parameters(recurse=False))
        return [nn.ModuleList([nn.ParameterDict(tokens), first]) if tokens else first, *others]


def _strides(network: nn.Module, measured: list[int]) -> tuple[int, ...]:
    """What timm says, else what was measured, which rounding at the border can put out."""
    told = [stage["reduction"] for stage in getattr(network, "feature_info", [])]
    return tuple(told if len(told) == len(measured) else measured)


def _create(name: str, size: tuple[int, int] | None) -> Any:
    """A timm model; most transformers have to be told the size of the frames, convolutions take any."""
    import timm

    if size is not None:
        try:
            return timm.create_model(name, num_classes=0, img_size=size)
        except TypeError:  # it has no such option
            pass
        except (AssertionError, RuntimeError, ValueError) as error:
            raise InvalidOption(f"timm model {name!r} takes no frames of {size}: {error}") from error
    return timm.create_model(name, num_classes=0)
