"""A command as a person would type it, from its options: for records of what something was made by."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Collection, Iterator
from typing import Any


def command_line(name: str, config: Any, leave_out: Collection[str] = ()) -> str:
    """The words that give a command these options.

    Args:
        name: of the command: "train classifier".
        config: its options, all with defaults; those of a nested dataclass have no prefix.
        leave_out: options that change nothing about the outcome, such as where files lie.

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
