"""Settings of runs and data sets: saved as YAML, and compared when a folder is resumed."""

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
    """Check that a folder is resumed with the settings that it was started with.

    Args:
        folder: the folder, for the error message.
        before: settings that the folder was started with.
        now: requested settings, JSON-serializable.
        advice: how to use other settings, for the error message.

    Raises:
        InvalidOption: the settings differ; the message has each difference.
    """
    differences = list(_differences(before, plain(now)))
    if differences:
        raise InvalidOption(
            f"{folder} was started with other settings: {'; '.join(differences)}. To use these, {advice}"
        )


def plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings after a round trip through JSON: tuples become lists.

    Raises:
        InvalidOption: a value is not JSON-serializable.
    """
    try:
        return dict(json.loads(json.dumps(settings)))
    except (TypeError, ValueError) as error:
        raise InvalidOption(f"settings must be numbers, text, lists and mappings: {error}") from error


def read_settings(path: Path) -> dict[str, Any]:
    """Read settings from a YAML file.

    Raises:
        CorruptFile: the file is missing, not YAML, or not a mapping.
    """
    try:
        settings = yaml.safe_load(read_file(path).decode())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CorruptFile(f"{path} is not YAML: {error}") from error
    if not isinstance(settings, dict):
        raise CorruptFile(f"{path} does not hold the settings of a run, or is truncated")
    return settings


def settings_yaml(settings: Mapping[str, Any]) -> bytes:
    """Settings as YAML, in their order."""
    return yaml.safe_dump(plain(settings), sort_keys=False, allow_unicode=True).encode()


def _differences(before: Mapping[str, Any], now: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name in dict.fromkeys([*before, *now]):
        old, new = before.get(name), now.get(name)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from _differences(old, new, f"{prefix}{name}.")
        elif old != new:
            yield f"{prefix}{name} was {old!r}, is {new!r}"
