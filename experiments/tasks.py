"""The table of tasks, for the terminal."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from envs import TASKS


@dataclass(frozen=True)
class TasksConfig:
    """List the tasks, their ids and what has to be done.

    For example: camshaft tasks
    """


def run(config: TasksConfig) -> None:
    """Print one row a task."""
    table = Table()
    table.add_column("id", no_wrap=True)
    table.add_column("what has to be done")
    table.add_column("steps", justify="right")
    table.add_column("tags")
    for task in TASKS:
        table.add_row(task.id, task.summary, f"{task.max_episode_steps:,}", ", ".join(task.tags))
    Console().print(table)
