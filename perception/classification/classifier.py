"""A classifier: an encoder and a linear head, with auxiliary heads where the paper trains through them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.googlenet import InceptionAux

from camshaft.envs.errors import InvalidOption
from camshaft.perception.backbones.encoder import Encoder, Preprocessing
from camshaft.perception.pretrained import load_weights
from camshaft.perception.zoo import create_model

Logits = Tensor | tuple[Tensor, ...]


class Classifier(nn.Module):
    """Frames to one logit a class.

    Args:
        encoder: frames to features.
        num_classes: how many there are to choose from.
        dropout: probability of leaving out a feature before the head.

    Attributes:
        encoder: as given.
        head: features to logits.
        auxiliary: heads on lower feature maps, for training alone.
    """

    def __init__(self, encoder: Encoder, num_classes: int, dropout: float = 0.0) -> None:
        super().__init__()
        if num_classes < 2:
            raise InvalidOption(f"num_classes must be at least 2, got {num_classes!r}")
        if not 0.0 <= dropout < 1.0:
            raise InvalidOption(f"dropout must be from 0 to below 1, got {dropout!r}")
        self.encoder = encoder
        self.num_classes = num_classes
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(encoder.out_dim, num_classes)
        self.auxiliary = nn.ModuleDict(
            {
                f"aux{number}": InceptionAux(encoder.channels[index], num_classes)
                for number, index in enumerate(encoder.auxiliary_maps, start=1)
            }
        )

    def forward(self, images: Tensor) -> Logits:
        """Logits, (B, num_classes); in training those of auxiliary heads after them, in a tuple, if there are any.

        Args:
            images: as the encoder takes them.
        """
        if not (self.training and len(self.auxiliary)):
            return self._classify(self.encoder(images))
        features, maps = self.encoder.features_and_maps(images)
        lower = [maps[index] for index in self.encoder.auxiliary_maps]
        extra = [head(each) for head, each in zip(self.auxiliary.values(), lower, strict=True)]
        return (self._classify(features), *extra)

    def _classify(self, features: Tensor) -> Tensor:
        with torch.autocast(features.device.type, enabled=False):
            logits: Tensor = self.head(self.dropout(features.to(self.head.weight.dtype)))
        return logits


def create_classifier(
    model: str,
    num_classes: int,
    *,
    weights: str | Path | None = None,
    model_options: Mapping[str, Any] | None = None,
    dropout: float = 0.0,
    keep_head: bool = False,
    normalize: bool = True,
) -> Classifier:
    """A classifier over an encoder of the zoo.

    Args:
        model: name of the encoder.
        num_classes: how many there are to choose from.
        weights: of the encoder, as `create_model` takes them.
        model_options: arguments of the encoder.
        dropout: probability of leaving out a feature before the head.
        keep_head: take the output layers of `weights` too, which must be for as many classes.
        normalize: bring frames to the range that the network is made for; off, it gets bytes from 0 to 255.

    Raises:
        InvalidOption: `keep_head`, and the weights have no output layer or one for another number of classes.
    """
    classifier = Classifier(create_model(model, **(model_options or {})), num_classes, dropout)
    if not normalize:
        _keep_bytes(classifier.encoder)
    if weights is None:
        return classifier
    tensors = load_weights(model, classifier.encoder, weights)
    if keep_head:
        _load_head(classifier, tensors, str(weights))
    return classifier


def _keep_bytes(encoder: Encoder) -> None:
    given = encoder.preprocessing
    encoder.preprocessing = Preprocessing(given.size, given.color, std=(1.0 / 255.0,) * len(given.mean))


def _load_head(classifier: Classifier, tensors: Mapping[str, Tensor], source: str) -> None:
    if "weight" not in tensors:
        raise InvalidOption(f"weights {source!r} have no output layer to keep")
    if len(tensors["weight"]) != classifier.num_classes:
        raise InvalidOption(
            f"weights {source!r} tell {len(tensors['weight'])} classes apart, not {classifier.num_classes}"
        )
    auxiliary = {name: value for name, value in tensors.items() if name.startswith("aux")}
    classifier.head.load_state_dict({name: tensors[name] for name in ("weight", "bias")})
    if auxiliary:
        classifier.auxiliary.load_state_dict(auxiliary)
