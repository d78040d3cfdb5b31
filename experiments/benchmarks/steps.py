"""Environment steps per second with a camera frame at every step, on one core, beside another environment."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

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

    The task is driven by its expert, so that episodes are as long as in use, the other environment by random
    actions; in the same process, in turn, on the same core; resets are included as they occur. Needs
    gymnasium[box2d] for CarRacing.

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
    actions: Literal["expert", "random"] = "expert"
    """Who drives the task; random steering leaves the lane, and needs a new world, every two seconds."""
    seed: int = 0
    """Seed of the environments and of random actions."""
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
            "steps_per_episode": subjects[name].steps_per_episode,
            "times_baseline": None if baseline is None else rate.median / baseline.median,
        }
        for name, rate in rates.items()
    ]
    _print(config, rates, baseline, subjects)
    write_result(config.out, {**asdict(config), "out": str(config.out)}, figures)
    Console().print(f"Figures in {config.out}", highlight=False)


def _subjects(config: StepsConfig) -> dict[str, _Runner]:
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
        f"{config.task}, {config.worlds} worlds": _Runner(several, config, config.actions),
        f"{config.task}, single": _Runner(single, config, config.actions),
    }
    if config.against != "none":
        subjects[config.against] = _Runner(_rival(config.against), config, "random")
    return subjects


def _rival(name: str) -> gymnasium.Env[Any, Any]:
    try:
        return gymnasium.make(name)
    except gymnasium.error.DependencyNotInstalled as error:
        raise CamshaftError(f"{name} needs a package that is not installed: {error}") from error
    except gymnasium.error.Error as error:
        raise InvalidOption(f"Gymnasium cannot make {name!r}: {error}") from error


class _Runner:
    """Steps an environment; called, it returns steps of one world per second."""

    def __init__(self, environment: Any, config: StepsConfig, actions: str) -> None:
        self._environment = environment
        self._seconds = config.seconds
        self._several = isinstance(environment, gymnasium.vector.VectorEnv)
        self._worlds = environment.num_envs if self._several else 1
        environment.action_space.seed(config.seed)
        self._planned = [environment.action_space.sample() for _ in range(PLANNED_ACTIONS)]
        self._expert = environment.unwrapped.simulation.expert_action if actions == "expert" else None
        self._calls = self._episodes = 0
        self._observation, _ = environment.reset(seed=config.seed)

    @property
    def steps_per_episode(self) -> float | None:
        """Steps of one world per episode that ended, warm-up included; None if none did."""
        return self._calls * self._worlds / self._episodes if self._episodes else None

    def __call__(self) -> float:
        rate = rate_of(self._work, self._seconds)
        if np.asarray(self._observation).std() == 0:
            raise CamshaftError(f"{self._environment} gives blank frames: its figure would mean nothing")
        return rate

    def _work(self) -> int:
        for _ in range(STEPS_BETWEEN_CLOCKS):
            self._observation, _, terminated, truncated, _ = self._environment.step(self._action())
            self._calls += 1
            ended = int(np.sum(terminated | truncated))
            self._episodes += ended
            if ended and not self._several:
                self._observation, _ = self._environment.reset()
        return STEPS_BETWEEN_CLOCKS * self._worlds

    def _action(self) -> Any:
        if self._expert is None:
            return self._planned[self._calls % PLANNED_ACTIONS]
        return self._expert() if self._several else self._expert()[0]


def _print(
    config: StepsConfig, rates: dict[str, Rate], baseline: Rate | None, runners: dict[str, _Runner]
) -> None:
    table = Table(title=f"Steps per second with a {config.size} × {config.size} RGB frame each, one core")
    table.add_column("environment")
    table.add_column(f"steps/s, median of {config.repeats} (range)", justify="right")
    table.add_column("ratio" if baseline is None else f"× {config.against}", justify="right")
    table.add_column("steps an episode", justify="right")
    for name, rate in rates.items():
        length = runners[name].steps_per_episode
        table.add_row(
            name,
            str(rate),
            "" if baseline is None else f"{rate.median / baseline.median:.1f}",
            "none ended" if length is None else f"{length:,.0f}",
        )
    Console().print(table)
