"""Model zoo: encoders by name, with their weights."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from camshaft.envs.errors import InvalidOption, check_choice
from camshaft.perception import backbones  # noqa: F401  registers every encoder
from camshaft.perception.backbones.encoder import Encoder
from camshaft.perception.backbones.timm_bridge import TIMM_PREFIX, TimmEncoder
from camshaft.perception.pretrained import load_weights
from camshaft.perception.registry import BUILDERS, register_model

__all__ = ["check_model", "create_model", "list_models", "model_option_names", "register_model"]


def list_models() -> list[str]:
    """The names that `create_model` accepts, sorted."""
    return sorted(BUILDERS)


def create_model(name: str, *, weights: str | Path | None = None, **options: Any) -> Encoder:
    """Build a model.

    Args:
        name: one of `list_models()`, or "timm:NAME" for any model of the timm library.
        weights: None for fresh ones; "camshaft" for those that ship with the suite, "camshaft-signs" for those that
            classify traffic signs; "imagenet" for torchvision's or timm's, fetched when they are not there yet; or a
            file of weights.
        options: arguments of that model's builder.

    Raises:
        UnknownName: no such model or weights, or it has no such option; the message has the nearest name.
        InvalidOption: the weights are those of another network.
        CorruptFile: the file of weights is missing or damaged.
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
        UnknownName: with the nearest right spelling.
    """
    if name.startswith(TIMM_PREFIX):
        return name
    return check_choice("model", name, list_models(), f"Or '{TIMM_PREFIX}NAME' for a model of timm.")


def model_option_names(name: str) -> tuple[str, ...]:
    """The options that `create_model` takes for this model."""
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
