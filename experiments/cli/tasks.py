"""The table of tasks, for the terminal."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from camshaft.envs import TASKS
from camshaft.experiments.terminal.console import Console


@dataclass(frozen=True)
class TasksConfig:
    """List the tasks: ids, goals, episode lengths and tags.

    For example: camshaft tasks
    """

    docs: Path | None = None
    """Write a documentation page with images per task, and a gallery, to this folder instead."""


def run(config: TasksConfig) -> None:
    """Print one row per task, or write the pages."""
    if config.docs is not None:
        from camshaft.experiments.docs_media.task_pages import write_pages

        written = write_pages(config.docs)
        Console().print(f"{len(written)} files in {config.docs}")
        return
    table = Table()
    table.add_column("id", no_wrap=True)
    table.add_column("goal")
    table.add_column("steps", justify="right")
    table.add_column("tags")
    for task in TASKS:
        table.add_row(task.id, task.summary, f"{task.max_episode_steps:,}", ", ".join(task.tags))
    Console().print(table)
