"""Episode options of the commands: defaults, length, and options of the task given as NAME=VALUE."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

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


def task_options(given: Sequence[str]) -> dict[str, Any]:
    """Options of a task from texts NAME=VALUE, and fields of its camera from camera.NAME=VALUE.

    Values are JSON where they can be read as such, None for "none", and else texts: weather=rain, num_vehicles=30,
    camera.lens=fisheye, camera.position=[1.6,0,1.2].

    Raises:
        InvalidOption: a text has no "=", no name, or a name twice.
    """
    options: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        parent, dot, field = name.partition(".")
        if not equals or not name or (dot and (parent != "camera" or not field)):
            raise InvalidOption(f"an option of the task is NAME=VALUE or camera.NAME=VALUE, got {text!r}")
        place = options.setdefault("camera", {}) if dot else options
        key = field if dot else name
        if key in place or not isinstance(place, dict):
            raise InvalidOption(f"the option {name} is given twice")
        place[key] = _value(value)
    return options


def merged(*options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of a task, the later over the earlier; fields of a camera are joined."""
    result: dict[str, Any] = {}
    for part in options:
        for name, value in part.items():
            before = result.get(name)
            if name == "camera" and isinstance(before, dict) and isinstance(value, dict):
                result[name] = {**before, **value}
            else:
                result[name] = value
    return result


def _value(text: str) -> Any:
    if text.lower() == "none":
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text


def episode_length(task: str, seconds: float | None) -> dict[str, int]:
    """Episode length in control steps, as an option of `make_simulation`; empty for None, the task's own length."""
    if seconds is None:
        return {}
    if not 0.0 < seconds < float("inf"):
        raise InvalidOption(f"seconds must be a number above 0, got {seconds}")
    frequency = find_task(task).simulation_class().control_frequency
    return {"max_episode_steps": max(1, round(seconds * frequency))}
