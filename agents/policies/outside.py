"""Policies of the user's own, named as `module:name`."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from camshaft.agents.policies.base import NO_OPTIONS, Policy
from camshaft.envs.arrays import BoolArray, IntArray
from camshaft.envs.errors import InvalidOption


class OutsidePolicy(Policy):
    """A policy that knows nothing of Camshaft: anything with `act(observation)`, or a function of an observation.

    `reset(done_mask)`, `bind(simulation)`, and the attributes `task` and `env_options` are used where it has them.

    Args:
        policy: an object with `act`, or a function; observations and actions are those of `Policy.act`.
        name: in tables.
    """

    def __init__(self, policy: Any, name: str) -> None:
        act = policy if inspect.isroutine(policy) else getattr(policy, "act", None)
        if not callable(act):
            raise InvalidOption(f"{name}: a {type(policy).__name__} is no policy, it has no act(observation)")
        self._act: Callable[..., Any] = act
        self._policy = policy
        self._takes_deterministic = _takes(act, "deterministic")
        self.name = name
        self.task = getattr(policy, "task", None)
        self.env_options = getattr(policy, "env_options", NO_OPTIONS)

    def bind(self, simulation: Any) -> None:
        """Hand on the simulation."""
        if hasattr(self._policy, "bind"):
            self._policy.bind(simulation)

    def reset(self, done_mask: BoolArray, seeds: IntArray | None = None) -> None:
        """Hand on which worlds begin an episode."""
        if hasattr(self._policy, "reset"):
            extra = {"seeds": seeds} if _takes(self._policy.reset, "seeds") else {}
            self._policy.reset(done_mask, **extra)

    def act(self, observation: Any, deterministic: bool = True) -> NDArray[Any]:
        """The policy's actions."""
        extra = {"deterministic": deterministic} if self._takes_deterministic else {}
        actions: NDArray[Any] = self._act(observation, **extra)
        return actions


def import_policy(path: str) -> Policy:
    """A policy from a module on the path or in the working directory.

    Args:
        path: "module:name"; the name is a class or a function without arguments, which is called and returns a policy,
            or a policy itself: a `Policy`, or what `OutsidePolicy` accepts.

    Raises:
        InvalidOption: there is no such module or name, or it is no policy.
    """
    module_name, _, name = path.partition(":")
    if not module_name or not name:
        raise InvalidOption(f"a policy of your own is named as 'module:name', got {path!r}")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)  # where console scripts do not look
    try:
        found: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not module_name.startswith(error.name):
            raise InvalidOption(f"{path}: {module_name} needs a module that is missing: {error}") from error
        raise InvalidOption(
            f"{path}: there is no module {module_name!r} here or on the Python path"
        ) from error
    except Exception as error:
        raise InvalidOption(
            f"{path}: {module_name} cannot be imported: {type(error).__name__}: {error}"
        ) from error
    for attribute in name.split("."):
        if not hasattr(found, attribute):
            raise InvalidOption(f"{path}: {module_name} has no {name!r}")
        found = getattr(found, attribute)
    if inspect.isclass(found) or (inspect.isroutine(found) and not _needed(found)):
        try:
            found = found()
        except Exception as error:
            raise InvalidOption(f"{path} cannot be made: {type(error).__name__}: {error}") from error
    return found if isinstance(found, Policy) else OutsidePolicy(found, path)


def _takes(function: Callable[..., Any], name: str) -> bool:
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False
    return name in parameters or any(each.kind is each.VAR_KEYWORD for each in parameters.values())


def _needed(function: Callable[..., Any]) -> list[str]:
    """Arguments without a default."""
    empty, kinds = inspect.Parameter.empty, (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    parameters = inspect.signature(function).parameters.values()
    return [each.name for each in parameters if each.default is empty and each.kind not in kinds]
