"""Environment steps per second, from camera and from state, compared with other environments."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from camshaft import envs
from camshaft.envs.errors import CamshaftError, InvalidOption
from camshaft.experiments.benchmarks.measure import interleaved, pinned, rate_of, write_result
from camshaft.experiments.terminal.console import Console

RECORDED = 300  # steps of the expert that are replayed repeatedly
PLANNED_ACTIONS = 256  # random actions for the other environments, sampled in advance
RESETS = 60  # number of timed resets
GRAYSCALE = {
    "type": "GrayscaleObservation",
    "stack_size": 1,
    "weights": [0.2989, 0.5870, 0.1140],
    "scaling": 1.75,
}


@dataclass(frozen=True)
class StepsConfig:
    """Measure environment steps per second, with a camera frame at every step and from state, and reset times.

    All environments alternate on one core in one process. Our tasks replay recorded actions of their experts, whose
    computation is not timed; the others act at random. Resets are included as they occur, with maps generated in
    advance. CarRacing needs gymnasium[box2d], racetrack and highway need highway-env.

    For example: camshaft bench steps --tasks camshaft/LaneKeeping-v0 --against CarRacing-v3
    """

    tasks: tuple[str, ...] = tuple(task.id for task in envs.TASKS if "driving" in task.tags)
    """Tasks to measure; all driving tasks by default."""
    against: tuple[str, ...] = ("CarRacing-v3", "racetrack-v1", "highway-v0")
    """Environments with image observations to compare with: Gymnasium's as shipped, highway-env's with images."""
    size: int = 84
    """Width and height of the camera image in pixels; CarRacing has 96."""
    worlds: int = 16
    """Worlds of the vector environments, each in one process."""
    seconds: float = 2.0
    """Length of one measurement in seconds."""
    repeats: int = 5
    """Measurements per environment, after one of warm-up."""
    resets: int = 400
    """Resets before the measurement, which generate (nearly) all maps of a task; maps are cached."""
    seed: int = 0
    """Seed of the environments and of random actions."""
    out: Path = Path("runs/bench/steps.json")
    """Results file, with machine, versions and commit."""


def run(config: StepsConfig) -> None:
    """Measure, print the table and write the file."""
    if config.worlds < 1 or config.repeats < 1 or config.seconds <= 0:
        raise InvalidOption("worlds and repeats must be at least 1, seconds more than 0")
    tasks = [envs.find_task(task).id for task in config.tasks]
    with pinned(1):
        others = {name: _Random(_make_other(name, config.size), config) for name in config.against}
        figures = [_measure(task, others, config) for task in tasks]
    _print(config, figures)
    write_result(config.out, {**asdict(config), "out": str(config.out)}, figures)
    Console().print(f"Figures in {config.out}")


def _measure(task: str, others: dict[str, _Random], config: StepsConfig) -> dict[str, Any]:
    """All figures of one task; the other environments are measured alternately with it."""
    seen, unseen = _Task(task, "rgb", config), _Task(task, "state", config)
    rates = interleaved({"rgb": seen, "state": unseen, **others}, config.repeats)
    return {
        "task": task,
        "rgb": rates["rgb"].to_dict(),
        "state": rates["state"].to_dict(),
        "reset_milliseconds": seen.reset_milliseconds(),
        "beside": {name: rates[name].to_dict() for name in others},
        "times": {name: rates["rgb"].median / rates[name].median for name in others},
    }


class _Task:
    """A task that replays its expert's actions; called, it returns world steps per second."""

    def __init__(self, task: str, obs_mode: str, config: StepsConfig) -> None:
        self._env = gymnasium.make_vec(
            task,
            num_envs=config.worlds,
            obs_mode=obs_mode,
            camera=(config.size, config.size),
            num_threads=1,
            randomize="train",
        )
        self._simulation = self._env.unwrapped.simulation  # type: ignore[attr-defined]
        self._seconds, self._seed, self._worlds = config.seconds, config.seed, config.worlds
        self._fill_caches(config.resets)
        self._env.reset(seed=self._seed)
        self._actions: list[NDArray[Any]] = []
        for _ in range(RECORDED):
            action = self._simulation.expert_action().copy()
            self._observation = self._env.step(action)[0]
            self._actions.append(action)
        self._at = RECORDED

    def _fill_caches(self, resets: int) -> None:
        for seed in range(resets):
            self._simulation.reset([seed % self._worlds], [seed])
            self._simulation.observe(np.array([seed % self._worlds]))

    def __call__(self) -> float:
        rate = rate_of(self._work, self._seconds)
        observed = self._observation
        if isinstance(observed, np.ndarray) and observed.std() == 0:
            raise CamshaftError(f"{self._env} renders blank frames: its figures would be meaningless")
        return rate

    def _work(self) -> int:
        if self._at >= RECORDED:
            self._env.reset(seed=self._seed)
            self._at = 0
        self._observation = self._env.step(self._actions[self._at])[0]
        self._at += 1
        return self._worlds

    def reset_milliseconds(self) -> float:
        """Median time of a reset of one world, including its first frame."""
        took = []
        for seed in range(RESETS):
            start = time.perf_counter()
            self._simulation.reset([0], [seed])
            self._simulation.observe(np.array([0]))
            took.append(time.perf_counter() - start)
        return 1000.0 * float(np.median(took))


class _Random:
    """Another environment with random actions; called, it returns steps per second."""

    def __init__(self, environment: gymnasium.Env[Any, Any], config: StepsConfig) -> None:
        self._environment, self._seconds = environment, config.seconds
        environment.action_space.seed(config.seed)
        self._planned = [environment.action_space.sample() for _ in range(PLANNED_ACTIONS)]
        self._calls = 0
        environment.reset(seed=config.seed)

    def __call__(self) -> float:
        return rate_of(self._work, self._seconds)

    def _work(self) -> int:
        *_, terminated, truncated, _ = self._environment.step(self._planned[self._calls % PLANNED_ACTIONS])
        self._calls += 1
        if terminated or truncated:
            self._environment.reset()
        return 1


def _make_other(name: str, size: int) -> gymnasium.Env[Any, Any]:
    options: dict[str, Any] = {}
    if name.startswith(("racetrack", "highway", "merge", "roundabout", "parking", "intersection")):
        try:
            import highway_env  # noqa: F401 (registers its environments)
        except ImportError as error:
            raise CamshaftError(f"{name} needs highway-env: pip install 'camshaft[bench]'") from error
        observation = GRAYSCALE | {"observation_shape": (size, size)}
        options["config"] = {"observation": observation, "offscreen_rendering": True}
    try:
        return gymnasium.make(name, **options)
    except gymnasium.error.DependencyNotInstalled as error:
        raise CamshaftError(f"{name} needs a package that is not installed: {error}") from error
    except gymnasium.error.Error as error:
        raise InvalidOption(f"Gymnasium cannot make {name!r}: {error}") from error


def _print(config: StepsConfig, figures: list[dict[str, Any]]) -> None:
    size = f"{config.size} × {config.size}"
    table = Table(title=f"Steps per second, {config.worlds} worlds, one core, median of {config.repeats}")
    for column in ("task", f"{size} RGB", "range", *(f"× {name}" for name in config.against)):
        table.add_column(column, justify="left" if column == "task" else "right")
    table.add_column("state only", justify="right")
    table.add_column("reset, ms", justify="right")
    for row in figures:
        table.add_row(
            row["task"],
            f"{row['rgb']['median']:,.0f}",
            f"{row['rgb']['lowest']:,.0f} – {row['rgb']['highest']:,.0f}",
            *(f"{row['times'][name]:.1f}" for name in config.against),
            f"{row['state']['median']:,.0f}",
            f"{row['reset_milliseconds']:.1f}",
        )
    Console(width=140).print(table)
