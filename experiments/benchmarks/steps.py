"""Environment steps per second with a camera frame at every step, on one core, beside another environment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from rich.console import Console
from rich.table import Table

import envs
from envs.errors import CamshaftError, InvalidOption
from experiments.benchmarks.measure import Rate, interleaved, pinned, rate_of, write_result

PLANNED_ACTIONS = 256  # drawn beforehand, so that drawing them costs nothing while the clock runs
STEPS_BETWEEN_CLOCKS = 16


@dataclass(frozen=True)
class StepsConfig:
    """Measure environment steps per second with a camera frame at every step, on one core.

    Both environments are driven by random actions in the same process, in turn, on the same core; resets are
    included as they occur. Needs gymnasium[box2d] for CarRacing.

    For example: camshaft bench steps --task camshaft/LaneKeeping-v0 --against CarRacing-v3
    """

    task: str = "camshaft/LaneKeeping-v0"
    """Task to measure."""
    against: str = "CarRacing-v3"
    """Gymnasium environment with image observations to compare with, as shipped; "none" for no comparison."""
    size: int = 84
    """Width and height of the camera image in pixels."""
    worlds: int = 16
    """Worlds of the vector environment, all in one process."""
    seconds: float = 3.0
    """Length of one measurement."""
    repeats: int = 5
    """Measurements of each environment, after one of warm-up."""
    seed: int = 0
    """Seed of the environments and of the random actions."""
    out: Path = Path("runs/bench/steps.json")
    """File for the figures, with machine, versions and commit."""


def run(config: StepsConfig) -> None:
    """Measure, print the table and write the file."""
    if config.worlds < 1 or config.repeats < 1 or config.seconds <= 0:
        raise InvalidOption("worlds and repeats must be at least 1, seconds more than 0")
    with pinned(1):
        subjects = _subjects(config)
        rates = interleaved(subjects, config.repeats)
    baseline = rates.get(config.against)
    figures = [
        {
            "name": name,
            **rate.to_dict(),
            "times_baseline": None if baseline is None else rate.median / baseline.median,
        }
        for name, rate in rates.items()
    ]
    _print(config, rates, baseline)
    write_result(config.out, {**asdict(config), "out": str(config.out)}, figures)
    Console().print(f"Figures in {config.out}", highlight=False)


def _subjects(config: StepsConfig) -> dict[str, Callable[[], float]]:
    options: dict[str, Any] = {
        "obs_mode": "rgb",
        "camera": (config.size, config.size),
        "num_threads": 1,
        "randomize": "train",
    }
    envs.find_task(config.task)
    several = gymnasium.make_vec(config.task, num_envs=config.worlds, **options)
    single = gymnasium.make(config.task, **options)
    subjects = {
        f"{config.task}, {config.worlds} worlds": _Runner(several, config),
        f"{config.task}, single": _Runner(single, config),
    }
    if config.against != "none":
        subjects[config.against] = _Runner(_rival(config.against), config)
    return subjects  # type: ignore[return-value]


def _rival(name: str) -> gymnasium.Env[Any, Any]:
    try:
        return gymnasium.make(name)
    except gymnasium.error.DependencyNotInstalled as error:
        raise CamshaftError(f"{name} needs a package that is not installed: {error}") from error
    except gymnasium.error.Error as error:
        raise InvalidOption(f"Gymnasium cannot make {name!r}: {error}") from error


class _Runner:
    """Steps an environment with random actions; called, it returns steps of one world per second."""

    def __init__(self, environment: Any, config: StepsConfig) -> None:
        self._environment = environment
        self._seconds = config.seconds
        self._several = isinstance(environment, gymnasium.vector.VectorEnv)
        environment.action_space.seed(config.seed)
        self._actions = [environment.action_space.sample() for _ in range(PLANNED_ACTIONS)]
        self._steps = 0
        self._observation, _ = environment.reset(seed=config.seed)

    def __call__(self) -> float:
        rate = rate_of(self._work, self._seconds)
        if np.asarray(self._observation).std() == 0:
            raise CamshaftError(f"{self._environment} gives blank frames: its figure would mean nothing")
        return rate

    def _work(self) -> int:
        for _ in range(STEPS_BETWEEN_CLOCKS):
            action = self._actions[self._steps % PLANNED_ACTIONS]
            self._steps += 1
            self._observation, _, terminated, truncated, _ = self._environment.step(action)
            if not self._several and (terminated or truncated):
                self._observation, _ = self._environment.reset()
        return STEPS_BETWEEN_CLOCKS * (self._environment.num_envs if self._several else 1)


def _print(config: StepsConfig, rates: dict[str, Rate], baseline: Rate | None) -> None:
    table = Table(title=f"Steps per second with a {config.size} × {config.size} RGB frame each, one core")
    table.add_column("environment")
    table.add_column(f"steps/s, median of {config.repeats} (range)", justify="right")
    table.add_column("ratio" if baseline is None else f"× {config.against}", justify="right")
    for name, rate in rates.items():
        table.add_row(name, str(rate), "" if baseline is None else f"{rate.median / baseline.median:.1f}")
    Console().print(table)
