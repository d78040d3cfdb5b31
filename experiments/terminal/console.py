"""Console output without markup, so that paths print unchanged."""

from __future__ import annotations

from typing import Any

from rich import console


class Console(console.Console):
    """Rich console without markup, emoji and highlighting."""

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **options)
