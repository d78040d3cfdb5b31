"""Progress of work that reports (done, total): a bar on a terminal, lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from camshaft.experiments.terminal.console import Console

LINE_SECONDS = 15.0  # between lines of progress, where there is no terminal


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """Show progress on stderr: a bar if that is a terminal, else a line every 15 seconds, for logs.

    Args:
        title: description of the work.

    Yields:
        A function to call with (done, total).
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _progress_lines(title, console)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task(title, total=None)
        yield lambda done, total: progress.update(bar, completed=done, total=total)


def _progress_lines(title: str, console: Console) -> Callable[[int, int], None]:
    begun = told = time.monotonic()

    def tell(done: int, total: int) -> None:
        nonlocal told
        now = time.monotonic()
        if now - told >= LINE_SECONDS:
            told = now
            console.print(f"{title}: {done:,} of {total:,} after {now - begun:.0f} s", soft_wrap=True)

    return tell
