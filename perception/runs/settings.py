"""Comparison of settings: a folder that was begun with some is only continued with the same."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from camshaft.envs.errors import CorruptFile, InvalidOption
from camshaft.perception.runs.durable_files import read_file


def check_same_settings(
    folder: Path, before: Mapping[str, Any], now: Mapping[str, Any], advice: str = "choose another folder"
) -> None:
    """Make sure that a folder is continued with the settings that it was begun with.

    Args:
        folder: for the message.
        before: settings that the folder holds.
        now: settings that are asked for, of types that JSON and YAML can hold.
        advice: what to do otherwise.

    Raises:
        InvalidOption: they differ; each entry that does, with both values.
    """
    differences = list(_differences(before, plain(now)))
    if differences:
        raise InvalidOption(
            f"{folder} was begun with other settings: {'; '.join(differences)}. To use these, {advice}"
        )


def plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings as JSON gives them back: tuples become lists.

    Raises:
        InvalidOption: a value is of a type that JSON does not have.
    """
    try:
        return dict(json.loads(json.dumps(settings)))
    except (TypeError, ValueError) as error:
        raise InvalidOption(f"settings are numbers, text, lists and mappings: {error}") from error


def read_settings(path: Path) -> dict[str, Any]:
    """The settings in a YAML file.

    Raises:
        CorruptFile: it is missing, is not YAML, or holds something else.
    """
    try:
        settings = yaml.safe_load(read_file(path).decode())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CorruptFile(f"{path} is not YAML: {error}") from error
    if not isinstance(settings, dict):
        raise CorruptFile(f"{path} does not hold the settings of a run, or is cut short")
    return settings


def settings_yaml(settings: Mapping[str, Any]) -> bytes:
    """The settings as YAML, in their order."""
    return yaml.safe_dump(plain(settings), sort_keys=False, allow_unicode=True).encode()


def _differences(before: Mapping[str, Any], now: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name in dict.fromkeys([*before, *now]):
        old, new = before.get(name), now.get(name)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from _differences(old, new, f"{prefix}{name}.")
        elif old != new:
            yield f"{prefix}{name} was {old!r}, is {new!r}"
