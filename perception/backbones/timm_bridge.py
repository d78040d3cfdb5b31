"""Encoders from the timm library, named `timm:NAME`."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from camshaft.envs.errors import InvalidOption, check_choice
from camshaft.perception.backbones.encoder import Encoder, Preprocessing, check_optional_size, has_parameters

TIMM_PREFIX = "timm:"  # of timm models in the zoo


class TimmEncoder(Encoder):
    """A timm model without its classifier.

    Args:
        name: name in `timm.list_models()`, with or without a pretrained tag.
        size: (height, width) that frames are resized to; the default size of the model if None.

    Raises:
        UnknownName: timm has no such model; the message suggests the nearest name.
        InvalidOption: the model has no feature maps.
    """

    def __init__(self, name: str, size: tuple[int, int] | None = None) -> None:
        import timm  # takes some seconds, so only where it is needed

        architecture, _, tag = name.partition(".")
        check_choice("timm model", architecture, timm.list_models())
        if tag:
            check_choice("timm model", name, timm.list_models(f"{architecture}.*", pretrained=True))
        checked = check_optional_size(f"timm:{name}", size, 32)
        network = _create(name, checked)
        if not hasattr(network, "forward_intermediates"):
            raise InvalidOption(f"timm model {name!r} has no feature maps")
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
            raise InvalidOption(f"timm model {name!r} does not accept frames of {chosen}: {error}") from error
        network.train()
        self.channels = tuple(each.shape[1] for each in maps)
        self.strides = _strides(network, [round(chosen[0] / each.shape[2]) for each in maps])

    def feature_maps(self, images: Tensor) -> list[Tensor]:
        """Intermediate outputs in timm's terms: those of its stages or blocks."""
        maps: list[Tensor] = self.network.forward_intermediates(
            self.preprocess(images), intermediates_only=True
        )
        return maps

    def features_and_maps(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Input of timm's classifier, (B, out_dim), and the feature maps."""
        last, maps = self.network.forward_intermediates(self.preprocess(images))
        return self.network.forward_head(last, pre_logits=True), maps

    def forward(self, images: Tensor) -> Tensor:
        """Input of timm's classifier, (B, out_dim)."""
        features: Tensor = self.network(self.preprocess(images))
        return features

    @property
    def layer_groups(self) -> list[nn.Module]:
        """Parts of the network with parameters, from input to features; tokens belong to the first."""
        first, *others = (part for part in self.network.children() if has_parameters(part))
        tokens = dict(self.network.named_parameters(recurse=False))
        return [nn.ModuleList([nn.ParameterDict(tokens), first]) if tokens else first, *others]


def _strides(network: nn.Module, measured: list[int]) -> tuple[int, ...]:
    """Strides according to timm, else the measured ones, which rounding at the border can distort."""
    declared = [stage["reduction"] for stage in getattr(network, "feature_info", [])]
    return tuple(declared if len(declared) == len(measured) else measured)


def _create(name: str, size: tuple[int, int] | None) -> Any:
    """Create a timm model; most transformers need the frame size, convolutional networks accept any."""
    import timm  # takes some seconds, so only where it is needed

    if size is not None:
        try:
            return timm.create_model(name, num_classes=0, img_size=size)
        except TypeError:  # it has no such option
            pass
        except (AssertionError, RuntimeError, ValueError) as error:
            raise InvalidOption(f"timm model {name!r} does not accept frames of {size}: {error}") from error
    return timm.create_model(name, num_classes=0)
