"""The table of models: builders by name."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from envs.errors import InvalidOption, check_choice

if TYPE_CHECKING:
    from perception.backbones.encoder import Encoder

Builder = TypeVar("Builder", bound="Callable[..., Encoder]")

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


def create_model(name: str, **options: Any) -> Encoder:
    """Build a freshly initialised model.

    Args:
        name: one of `list_models()`.
        options: arguments of that model's builder.

    Raises:
        UnknownName: no such model, or it has no such option; the message has the nearest name.
    """
    builders = _all_builders()
    builder = builders[check_choice("model", name, builders)]
    accepted = inspect.signature(builder).parameters
    for option in options:
        if not accepted:
            raise InvalidOption(f"model {name!r} has no options, got {option!r}")
        check_choice(f"option of model {name!r}", option, accepted)
    return builder(**options)


def _all_builders() -> dict[str, Callable[..., Encoder]]:
    importlib.import_module("perception.backbones")  # its modules register themselves
    return _builders
