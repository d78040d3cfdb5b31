"""Default episode options of the commands: control mode, camera, recording rate and length."""

from __future__ import annotations

from camshaft.envs import find_task
from camshaft.envs.errors import InvalidOption
from camshaft.envs.simulation import Simulation


def usual_control_mode(task: str) -> str:
    """Default control mode: curvature, which PilotNet learns, or else the first continuous one."""
    modes = find_task(task).simulation_class().control_modes
    return "curvature" if "curvature" in modes else next(mode for mode in modes if mode != "discrete")


def usual_camera(task: str) -> dict[str, dict[str, int]]:
    """Default camera, as an option of `make_simulation`: PilotNet's size for driving, else the task's own."""
    return {"camera": {"width": 200, "height": 66}} if "driving" in find_task(task).tags else {}


def has_displaced_views(task: str) -> bool:
    """Whether a task renders views displaced from the true camera pose."""
    return bool(find_task(task).simulation_class().displaced_views is not Simulation.displaced_views)


def usual_record_hz(task: str) -> float:
    """Default frame rate of a recording: 4 Hz, or the next lower divisor of the control frequency."""
    frequency = round(find_task(task).simulation_class().control_frequency)
    return max(
        frequency / every
        for every in range(1, frequency + 1)
        if frequency % every == 0 and frequency / every <= 4
    )


def episode_length(task: str, seconds: float | None) -> dict[str, int]:
    """Episode length in control steps, as an option of `make_simulation`; empty for None, the task's own length."""
    if seconds is None:
        return {}
    if not 0.0 < seconds < float("inf"):
        raise InvalidOption(f"seconds must be a number above 0, got {seconds}")
    frequency = find_task(task).simulation_class().control_frequency
    return {"max_episode_steps": max(1, round(seconds * frequency))}
