"""Lengths of episodes, from seconds as people give them to control steps."""

from __future__ import annotations

from envs import find_task
from envs.errors import InvalidOption


def episode_length(task: str, seconds: float | None) -> dict[str, int]:
    """The option of `make_simulation` for episodes of `seconds`; nothing, the task's own length, for None."""
    if seconds is None:
        return {}
    if not 0.0 < seconds < float("inf"):
        raise InvalidOption(f"seconds must be a number above 0, got {seconds}")
    frequency = find_task(task).simulation_class().control_frequency
    return {"max_episode_steps": max(1, round(seconds * frequency))}
