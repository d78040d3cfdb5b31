"""Manipulation steps per second, from camera and from state, compared with panda-gym's corresponding tasks."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import gymnasium
import numpy as np
from rich.table import Table

from camshaft import envs
from camshaft.envs.errors import CamshaftError, InvalidOption
from camshaft.experiments.benchmarks.measure import Rate, interleaved, pinned, write_result
from camshaft.experiments.terminal.console import Console

PANDA_GYM_TASKS = {
    "camshaft/Reach-v0": "PandaReach-v3",
    "camshaft/Push-v0": "PandaPush-v3",
    "camshaft/Slide-v0": "PandaSlide-v3",
    "camshaft/PickAndPlace-v0": "PandaPickAndPlace-v3",
}
PLANNED_ACTIONS = 64
STEPS_BETWEEN_CLOCKS = 10


@dataclass(frozen=True)
class ManipulationConfig:
    """Measure steps per second of manipulation tasks on one core, compared with panda-gym's corresponding tasks.

    All environments alternate in one process, with random actions sampled in advance; resets are included as they
    occur. panda-gym renders with its own camera, PyBullet's TinyRenderer, at the same size. It runs control at 25 Hz
    with 20 substeps, Camshaft at 20 Hz with 10. Needs camshaft[bench].

    For example: camshaft bench manipulation
    """

    tasks: tuple[str, ...] = ("camshaft/Reach-v0", "camshaft/Push-v0", "camshaft/PickAndPlace-v0")
    """Tasks to measure, of those that panda-gym has too."""
    size: int = 84
    """Width and height of the camera image in pixels."""
    worlds: int = 16
    """Worlds of the vector environments, all in one process."""
    seconds: float = 1.5
    """Length of one measurement in seconds."""
    repeats: int = 5
    """Measurements per environment, after one of warm-up."""
    clock: Literal["wall", "cpu"] = "wall"
    """Wall time, or CPU time of this process if other processes share the core."""
    out: Path = Path("runs/bench/manipulation.json")
    """Results file, with machine, versions and commit."""


def run(config: ManipulationConfig) -> None:
    """Measure, print the tables and write the file."""
    if config.worlds < 1 or config.repeats < 1 or config.seconds <= 0:
        raise InvalidOption("worlds and repeats must be at least 1, seconds more than 0")
    tasks = [envs.find_task(task).id for task in config.tasks]
    for task in tasks:
        if task not in PANDA_GYM_TASKS:
            raise InvalidOption(
                f"panda-gym has no counterpart of {task!r}. Accepted: {', '.join(PANDA_GYM_TASKS)}"
            )
    figures: list[dict[str, Any]] = []
    with pinned(1):
        for task in tasks:
            figures += _measure(task, config)
    write_result(config.out, {**asdict(config), "out": str(config.out)}, figures)
    Console().print(f"Figures in {config.out}")


def _measure(task: str, config: ManipulationConfig) -> list[dict[str, Any]]:
    seconds_to_make, resets = _start(task, config)
    subjects = _subjects(task, config)
    rates = interleaved({name: subject.rate for name, subject in subjects.items()}, config.repeats)
    for subject in subjects.values():
        subject.close()
    baselines = {"rgb": rates["panda-gym, its camera"].median, "state": rates["panda-gym, state"].median}
    table = Table(title=f"{task}, one core, {config.size} × {config.size}, steps/s by {config.clock} time")
    table.add_column("environment")
    table.add_column(f"steps/s, median of {config.repeats} (range)", justify="right")
    table.add_column("÷ panda-gym's", justify="right")
    rows = []
    for name, rate in rates.items():
        ratio = rate.median / baselines[subjects[name].kind]
        table.add_row(name, str(rate), f"{ratio:.1f}")
        rows.append({"task": task, "name": name, **rate.to_dict(), "times_panda_gym": ratio})
    Console().print(table)
    Console().print(
        f"created in {seconds_to_make:.2f} s; reset in {Rate(tuple(resets)).median * 1000:.1f} ms (median)\n",
    )
    rows.append(
        {
            "task": task,
            "name": "start",
            "seconds_to_make": seconds_to_make,
            "reset_seconds": Rate(tuple(resets)).median,
        }
    )
    return rows


def _start(task: str, config: ManipulationConfig) -> tuple[float, list[float]]:
    """Seconds to create an environment and render its first frame, and for each of 50 resets with a frame."""
    clock = _clock(config)
    began = clock()
    environment = gymnasium.make(task, obs_mode="rgb", camera=(config.size, config.size), num_threads=1)
    environment.reset(seed=0)
    made = clock() - began
    resets = []
    for seed in range(50):
        began = clock()
        environment.reset(seed=seed)
        resets.append(clock() - began)
    environment.close()
    return made, resets


def _subjects(task: str, config: ManipulationConfig) -> dict[str, _Subject]:
    size = (config.size, config.size)
    try:
        import panda_gym  # type: ignore[import-not-found, import-untyped, unused-ignore]  # noqa: F401
    except ImportError as error:
        raise CamshaftError("bench manipulation needs panda-gym: pip install 'camshaft[bench]'") from error
    counterpart = PANDA_GYM_TASKS[task]
    single: dict[str, Any] = {"num_threads": 1, "camera": size}
    return {
        f"Camshaft, {config.worlds} worlds, camera": _Subject(
            gymnasium.make_vec(task, num_envs=config.worlds, obs_mode="rgb", **single), "rgb", config
        ),
        "Camshaft, single, camera": _Subject(gymnasium.make(task, obs_mode="rgb", **single), "rgb", config),
        "panda-gym, its camera": _Subject(
            gymnasium.make(counterpart, render_mode="rgb_array", render_width=size[0], render_height=size[1]),
            "rgb",
            config,
            renders=True,
        ),
        f"Camshaft, {config.worlds} worlds, state": _Subject(
            gymnasium.make_vec(task, num_envs=config.worlds, obs_mode="state"), "state", config
        ),
        "Camshaft, single, state": _Subject(gymnasium.make(task, obs_mode="state"), "state", config),
        "panda-gym, state": _Subject(gymnasium.make(counterpart), "state", config),
    }


class _Subject:
    """An environment stepped with pre-sampled actions."""

    def __init__(
        self, environment: Any, kind: str, config: ManipulationConfig, renders: bool = False
    ) -> None:
        self.kind = kind
        self._environment = environment
        self._renders = renders
        self._config = config
        self._several = isinstance(environment, gymnasium.vector.VectorEnv)
        self._worlds = environment.num_envs if self._several else 1
        environment.action_space.seed(0)
        self._planned = [environment.action_space.sample() for _ in range(PLANNED_ACTIONS)]
        self._calls = 0
        environment.reset(seed=0)

    def rate(self) -> float:
        """Steps of one world per second."""
        clock = _clock(self._config)
        done, began = 0, clock()
        while (elapsed := clock() - began) < self._config.seconds or done == 0:
            for _ in range(STEPS_BETWEEN_CLOCKS):
                self._step()
            done += STEPS_BETWEEN_CLOCKS * self._worlds
        return done / elapsed

    def close(self) -> None:
        self._environment.close()

    def _step(self) -> None:
        action = self._planned[self._calls % PLANNED_ACTIONS]
        self._calls += 1
        seen, _, terminated, truncated, _ = self._environment.step(action)
        if self._renders:
            seen = self._environment.render()
        if self.kind == "rgb" and self._calls % 200 == 0 and np.asarray(seen).std() == 0:
            raise CamshaftError(f"{self._environment} renders blank frames: its figures would be meaningless")
        if not self._several and (terminated or truncated):
            self._environment.reset()


def _clock(config: ManipulationConfig) -> Callable[[], float]:
    return time.process_time if config.clock == "cpu" else time.perf_counter
