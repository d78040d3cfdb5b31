"""Aliases of the four layers, for programs that run with the checkout's root on their path.

There, `import envs` finds the folder of `camshaft.envs`. It must not become a second copy of the package, with a second
registry and second classes: the name then stands for the same modules.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType


def alias(layer: str) -> None:
    """Let `layer` and `layer.…` name the modules of `camshaft.layer`.

    Args:
        layer: "envs", "perception", "agents" or "experiments", as the module that calls this was imported.
    """
    sys.modules[layer] = importlib.import_module(f"camshaft.{layer}")
    if not any(isinstance(finder, _AliasFinder) and finder.layer == layer for finder in sys.meta_path):
        sys.meta_path.insert(0, _AliasFinder(layer))


class _AliasFinder(importlib.machinery.PathFinder):
    """Finds `layer.x` as `camshaft.layer.x`."""

    def __init__(self, layer: str) -> None:
        self.layer = layer

    def find_spec(  # type: ignore[override]
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module that `fullname` is an alias of; None for names of other packages."""
        if not fullname.startswith(f"{self.layer}."):
            return None
        module = importlib.import_module(f"camshaft.{fullname}")
        return importlib.util.spec_from_loader(fullname, _AliasLoader(module))


class _AliasLoader(importlib.abc.Loader):
    """Gives a module that is loaded already, and leaves it as it is."""

    def __init__(self, module: ModuleType) -> None:
        self._module, self._spec = module, module.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The module itself."""
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        """Put back its own spec, which importing it under another name replaced."""
        module.__spec__ = self._spec
