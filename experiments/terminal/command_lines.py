"""Command lines reconstructed from their options, for records of provenance."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Collection, Iterator
from typing import Any


def command_line(name: str, config: Any, leave_out: Collection[str] = ()) -> str:
    """The command line of a command with these options.

    Args:
        name: of the command: "train classifier".
        config: its options, all with defaults; those of a nested dataclass have no prefix.
        leave_out: options without effect on the result, such as output folders.

    Returns:
        `camshaft`, the name, and every option that is not at its default.
    """
    return " ".join(["camshaft", name, *_words(config, type(config)(), leave_out)])


def _words(config: Any, default: Any, leave_out: Collection[str]) -> Iterator[str]:
    for field in dataclasses.fields(config):
        value, usual = getattr(config, field.name), getattr(default, field.name)
        if field.name in leave_out or value == usual:
            continue
        option = field.name.replace("_", "-")
        if dataclasses.is_dataclass(value):
            yield from _words(value, usual, leave_out)
        elif isinstance(value, bool):
            yield f"--{option}" if value else f"--no-{option}"
        else:
            values = value if isinstance(value, tuple) else (value,)
            yield " ".join([f"--{option}", *(shlex.quote(str(each)) for each in values)])
