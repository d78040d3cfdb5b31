"""Registry of the kinds of policies that folders hold."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from camshaft.agents.policies.base import Policy
from camshaft.envs.errors import InvalidOption


class SavedPolicy(Protocol):
    """A class of policies that can be kept in a folder: config.json, with its kind, and model.safetensors."""

    @classmethod
    def load(cls, folder: Path) -> Policy:
        """Read what `save` wrote. Nothing is unpickled."""


Kind = TypeVar("Kind", bound=type)

KINDS: dict[str, type[SavedPolicy]] = {}


def register_policy(kind: str) -> Callable[[Kind], Kind]:
    """Register a class under the kind that its config.json names (decorator).

    Raises:
        InvalidOption: the kind is taken.
    """

    def register(policy: Kind) -> Kind:
        if kind in KINDS:
            raise InvalidOption(f"a policy of kind {kind!r} is registered already")
        KINDS[kind] = policy
        return policy

    return register
