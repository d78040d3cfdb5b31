"""Registry of encoder builders by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from camshaft.envs.errors import InvalidOption
from camshaft.perception.backbones.encoder import Encoder

Builder = TypeVar("Builder", bound=Callable[..., Encoder])

BUILDERS: dict[str, Callable[..., Encoder]] = {}


def register_model(builder: Builder) -> Builder:
    """Register a builder under its function name (decorator).

    Raises:
        InvalidOption: the name is already registered.
    """
    name = builder.__name__
    if name in BUILDERS:
        raise InvalidOption(f"a model named {name!r} is registered already")
    BUILDERS[name] = builder
    return builder
