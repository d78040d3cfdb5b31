"""Errors that name what was given, what is accepted and the nearest right spelling."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class CamshaftError(Exception):
    """Base of every error that Camshaft raises on purpose."""


class InvalidOption(CamshaftError, ValueError):
    """An option, action or argument has a value that is not accepted."""


class UnknownName(InvalidOption):
    """A name (task, model, mode, label) that is not in the table of its kind."""


class CorruptFile(CamshaftError):
    """A file is truncated, altered, or not what its name promises."""


def check_seed(seed: int, most: int | None = None) -> int:
    """Return a seed that is a whole number of at least 0, and at most `most` if that is given."""
    whole = not isinstance(seed, bool) and hasattr(seed, "__index__")
    if not whole or seed < 0 or (most is not None and seed > most):
        limit = "of at least 0" if most is None else f"within 0..{most}"
        raise InvalidOption(f"a seed must be a whole number {limit}, got {seed!r}")
    return seed


MANY = 60  # names beyond which only the nearest are told


def check_choice(what: str, value: str, accepted: Iterable[str], hint: str = "") -> str:
    """Return `value` if it is one of `accepted`.

    Args:
        what: what the value chooses, as a person would call it ("obs_mode").
        value: what was given.
        accepted: every right spelling.
        hint: a sentence added to the message, such as the command that lists the choices.

    Raises:
        UnknownName: with the nearest right spelling and the accepted ones.
    """
    names = sorted(accepted)
    if isinstance(value, str) and value in names:
        return value
    near = difflib.get_close_matches(str(value), names, n=1, cutoff=0.5)
    near = near or [name for name in names if value and str(value) in name]
    parts = [f"unknown {what} {value!r}."]
    if near:
        parts.append(f"Did you mean {near[0]!r}?")
    told = (
        names if len(names) <= MANY else [*difflib.get_close_matches(str(value), names, n=5, cutoff=0.0), "…"]
    )
    parts.append(f"Accepted: {', '.join(told)}.")
    if hint:
        parts.append(hint)
    raise UnknownName(" ".join(parts))
