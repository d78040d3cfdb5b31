"""The table of models: builders by name."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from camshaft.envs.errors import InvalidOption, check_choice

if TYPE_CHECKING:
    from camshaft.perception.backbones.encoder import Encoder

Builder = TypeVar("Builder", bound="Callable[..., Encoder]")

TIMM_PREFIX = "timm:"

_builders: dict[str, Callable[..., Encoder]] = {}


def register_model(builder: Builder) -> Builder:
    """Put a builder into the table under its own name (decorator).

    Raises:
        InvalidOption: the name is taken.
    """
    name = builder.__name__
    if name in _builders:
        raise InvalidOption(f"a model named {name!r} is registered already")
    _builders[name] = builder
    return builder


def list_models() -> list[str]:
    """The names that `create_model` accepts, sorted."""
    return sorted(_all_builders())


def create_model(name: str, *, weights: str | Path | None = None, **options: Any) -> Encoder:
    """Build a model.

    Args:
        name: one of `list_models()`, or "timm:NAME" for any model of the timm library.
        weights: None for fresh ones; "camshaft" for those that ship with the suite, "camshaft-signs" for those that
            tell traffic signs apart; "imagenet" for torchvision's or timm's, fetched when they are not there yet; or a
            file of weights.
        options: arguments of that model's builder.

    Raises:
        UnknownName: no such model or weights, or it has no such option; the message has the nearest name.
        InvalidOption: the weights are those of another network.
        CorruptFile: the file of weights is missing or damaged.
    """
    encoder = _build(name, options)
    if weights is not None:
        importlib.import_module("camshaft.perception.pretrained").load_weights(name, encoder, weights)
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
    return tuple(inspect.signature(_all_builders()[name]).parameters)


def _build(name: str, options: Mapping[str, Any]) -> Encoder:
    check_model(name)
    builders = _all_builders()
    if name.startswith(TIMM_PREFIX):
        bridge = importlib.import_module("camshaft.perception.backbones.timm_bridge").TimmEncoder
        return _call(name, bridge, {**options, "name": name.removeprefix(TIMM_PREFIX)})
    return _call(name, builders[name], options)


def _call(name: str, builder: Callable[..., Encoder], options: Mapping[str, Any]) -> Encoder:
    accepted = inspect.signature(builder).parameters
    for option in options:
        if not accepted:
            raise InvalidOption(f"model {name!r} has no options, got {option!r}")
        check_choice(f"option of model {name!r}", option, accepted)
    return builder(**options)


def _all_builders() -> dict[str, Callable[..., Encoder]]:
    importlib.import_module("camshaft.perception.backbones")  # its modules register themselves
    return _builders
