"""Image classifier: an encoder with a linear head, and auxiliary heads if the encoder has them in its paper."""

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
    """Image classifier.

    Args:
        encoder: maps frames to features.
        num_classes: number of classes.
        dropout: dropout probability of the features.

    Attributes:
        encoder: as given.
        head: maps features to logits.
        auxiliary: auxiliary heads on lower feature maps, used in training mode only.
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
        """Classify a batch.

        Args:
            images: frames, as the encoder takes them.

        Returns:
            (B, num_classes) logits; in training mode with auxiliary heads, a tuple of these and the auxiliary logits.
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
    """Build a classifier with an encoder of the zoo.

    Args:
        model: name of the encoder.
        num_classes: number of classes.
        weights: weights of the encoder, as in `create_model`.
        model_options: options of the encoder.
        dropout: dropout probability of the features.
        keep_head: load the output layers of `weights` as well, which must have the same number of classes.
        normalize: normalize frames as the encoder does; otherwise it receives values from 0 to 255.

    Raises:
        InvalidOption: with `keep_head`, the weights have no output layer or another number of classes.
    """
    classifier = Classifier(create_model(model, **(model_options or {})), num_classes, dropout)
    if not normalize:
        _disable_normalization(classifier.encoder)
    if weights is None:
        return classifier
    tensors = load_weights(model, classifier.encoder, weights)
    if keep_head:
        _load_head(classifier, tensors, str(weights))
    return classifier


def _disable_normalization(encoder: Encoder) -> None:
    own = encoder.preprocessing
    encoder.preprocessing = Preprocessing(own.size, own.color, std=(1.0 / 255.0,) * len(own.mean))


def _load_head(classifier: Classifier, tensors: Mapping[str, Tensor], source: str) -> None:
    if "weight" not in tensors:
        raise InvalidOption(f"weights {source!r} have no output layer to keep")
    if len(tensors["weight"]) != classifier.num_classes:
        raise InvalidOption(
            f"weights {source!r} are for {len(tensors['weight'])} classes, not {classifier.num_classes}"
        )
    auxiliary = {name: value for name, value in tensors.items() if name.startswith("aux")}
    classifier.head.load_state_dict({name: tensors[name] for name in ("weight", "bias")})
    if auxiliary:
        classifier.auxiliary.load_state_dict(auxiliary)
