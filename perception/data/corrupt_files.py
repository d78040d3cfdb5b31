"""Corrupt files of data sets: raised as an error, or skipped with a warning."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from typing import Any

from camshaft.envs.errors import CorruptFile

ON_CORRUPT = ("raise", "skip")


def read_intact(read: Callable[[Any], Any], entries: Iterable[Any], on_corrupt: str) -> list[Any]:
    """Read entries one by one.

    Args:
        read: reads an entry; raises CorruptFile if it is damaged.
        entries: arguments of `read`.
        on_corrupt: "raise" to pass the error on, or "skip" to leave the entry out with a warning.
    """
    found = []
    for entry in entries:
        try:
            found.append(read(entry))
        except CorruptFile as error:
            if on_corrupt == "raise":
                raise
            warnings.warn(f"left out: {error}", stacklevel=4)
    return found
