"""Model zoo: encoders by name, with their weights."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from camshaft.envs.errors import InvalidOption, check_choice
from camshaft.perception import backbones  # noqa: F401  registers every encoder
from camshaft.perception.backbones.encoder import Encoder
from camshaft.perception.backbones.registry import BUILDERS, register_model
from camshaft.perception.backbones.timm_bridge import TIMM_PREFIX, TimmEncoder
from camshaft.perception.pretrained import load_weights

__all__ = ["check_model", "create_model", "list_models", "model_option_names", "register_model"]


def list_models() -> list[str]:
    """Names accepted by `create_model`, sorted."""
    return sorted(BUILDERS)


def create_model(name: str, *, weights: str | Path | None = None, **options: Any) -> Encoder:
    """Build a model.

    Args:
        name: one of `list_models()`, or "timm:NAME" for any model of the timm library.
        weights: None for random initialization; "camshaft" for the pretrained weights that ship with the suite,
            "camshaft-signs" for the shipped traffic-sign classifier; "imagenet" for the weights of torchvision or
            timm, downloaded on first use; or the path of a weights file.
        options: keyword arguments of the model's builder.

    Raises:
        UnknownName: the model, the weights or an option does not exist; the message suggests the nearest name.
        InvalidOption: the weights belong to another architecture.
        CorruptFile: the weights file is missing or damaged.
    """
    check_model(name)
    if name.startswith(TIMM_PREFIX):
        encoder = _call(name, TimmEncoder, {**options, "name": name.removeprefix(TIMM_PREFIX)})
    else:
        encoder = _call(name, BUILDERS[name], options)
    if weights is not None:
        load_weights(name, encoder, weights)
    return encoder


def check_model(name: str) -> str:
    """Return `name` if `create_model` accepts it.

    Raises:
        UnknownName: the model does not exist; the message suggests the nearest name.
    """
    if name.startswith(TIMM_PREFIX):
        return name
    return check_choice("model", name, list_models(), f"Or '{TIMM_PREFIX}NAME' for a timm model.")


def model_option_names(name: str) -> tuple[str, ...]:
    """Names of the options that `create_model` accepts for this model."""
    check_model(name)
    if name.startswith(TIMM_PREFIX):
        return ("size",)
    return tuple(inspect.signature(BUILDERS[name]).parameters)


def _call(name: str, builder: Callable[..., Encoder], options: Mapping[str, Any]) -> Encoder:
    accepted = inspect.signature(builder).parameters
    for option in options:
        if not accepted:
            raise InvalidOption(f"model {name!r} has no options, got {option!r}")
        check_choice(f"option of model {name!r}", option, accepted)
    return builder(**options)
