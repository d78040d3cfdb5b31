"""How well every task's own expert does it, over many seeds."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from camshaft import envs
from camshaft.agents.evaluation.intervals import wilson_interval
from camshaft.envs.driving.dynamics import vehicle
from camshaft.envs.driving.simulation import DrivingSimulation
from camshaft.envs.errors import InvalidOption
from camshaft.experiments.benchmarks.measure import write_result
from camshaft.experiments.terminal.console import Console
from camshaft.experiments.terminal.progress import progress_bar

SMOOTHNESS = ("jerk", "lateral_acceleration")
SCORES = ("driving_score", "route_completion", "lap_time", "collisions")  # of an episode's last info


@dataclass(frozen=True)
class ExpertsConfig:
    """Let the experts of tasks do one episode for each of many seeds, and count.

    For example: camshaft bench experts --tasks camshaft/Reach-v0 camshaft/Push-v0 --episodes 200
    """

    tasks: tuple[str, ...] = ()
    """Tasks; all by default, see 'camshaft tasks'."""
    tag: str = ""
    """Only tasks with this tag, such as manipulation."""
    episodes: int = 200
    """Episodes of each task."""
    seed: int = 0
    """Seed of the first episode; episode e has seed + e."""
    randomize: Literal["train", "test", "none"] = "none"
    """Split that appearance and dynamics are drawn from; none for the nominal ones."""
    control_mode: str | None = None
    """What an action means, by default the task's first."""
    noise: float = 0.0
    """Standard deviation of noise on every number of an action."""
    worlds: int = 20
    """Worlds side by side."""
    out: Path = Path("runs/bench/experts.json")
    """File for the figures, with machine, versions and commit."""


def run(config: ExpertsConfig) -> None:
    """Measure, print the table and write the file."""
    if config.episodes < 1 or config.worlds < 1 or config.noise < 0.0:
        raise InvalidOption("episodes and worlds must be at least 1, noise at least 0")
    chosen = [envs.find_task(task) for task in config.tasks or envs.TASK_IDS]
    tasks = [task.id for task in chosen if not config.tag or config.tag in task.tags]
    if not tasks:
        raise InvalidOption(f"no task has the tag {config.tag!r}")
    figures = []
    with progress_bar("Experts") as progress:
        for number, task in enumerate(tasks):
            figures.append(measure_expert(task, config))
            progress(number + 1, len(tasks))
    _print(config, figures)
    write_result(config.out, {**asdict(config), "out": str(config.out)}, figures)
    Console().print(f"Figures in {config.out}")


def measure_expert(task: str, config: ExpertsConfig) -> dict[str, Any]:
    """Success, return and length of one task's episodes under its expert."""
    options: dict[str, Any] = {"obs_mode": "state"}
    if config.control_mode is not None:
        options["control_mode"] = config.control_mode
    worlds = min(config.worlds, config.episodes)
    simulation = envs.make_simulation(
        task, worlds, randomize=None if config.randomize == "none" else config.randomize, **options
    )
    start = time.process_time()
    rows = []
    for first in range(0, config.episodes, worlds):
        rows += _episodes(simulation, config, first)[: config.episodes - first]
    simulation.close()
    successes = sum(row["success"] for row in rows)
    low, high = wilson_interval(successes, len(rows))
    reached = [row["steps_to_success"] for row in rows if row["steps_to_success"] is not None]
    told = [name for name in (*SMOOTHNESS, *SCORES) if name in rows[0]]
    return {
        "task": task,
        "episodes": len(rows),
        "success": successes / len(rows),
        "success_low": low,
        "success_high": high,
        "return": float(np.mean([row["return"] for row in rows])),
        "steps": float(np.mean([row["steps"] for row in rows])),
        "steps_to_success": float(np.median(reached)) if reached else None,
        **{name: float(np.mean([row[name] for row in rows])) for name in told},
        "failed_seeds": [row["seed"] for row in rows if not row["success"]],
        "cpu_seconds": time.process_time() - start,
    }


def _episodes(simulation: Any, config: ExpertsConfig, first: int) -> list[dict[str, Any]]:
    """One episode in each world, from seeds that follow each other; a world that has ended is no longer looked at."""
    count = simulation.num_worlds
    seeds = [config.seed + first + world for world in range(count)]
    simulation.reset(seeds=seeds)
    noises = [np.random.default_rng([seed, 99]) for seed in seeds]
    going, success = np.ones(count, bool), np.zeros(count, bool)
    returns, steps, reached = np.zeros(count), np.zeros(count, np.int64), np.full(count, -1)
    ride = _Ride(simulation) if isinstance(simulation, DrivingSimulation) else None
    scores: dict[str, Any] = {}
    while going.any():
        measured = simulation.step(_action(simulation, config.noise, noises))
        if ride is not None:
            ride.feel(going)
        for name in SCORES:
            if name in measured.info:
                scores[name] = np.where(going, measured.info[name], scores.get(name, 0.0))
        steps[going] += 1
        returns[going] += measured.reward[going]
        success[going] = measured.success[going]
        reached = np.where(going & measured.success & (reached < 0), steps, reached)
        going &= ~(measured.terminated | simulation.truncated)
    return [
        {
            "seed": seeds[world],
            "success": bool(success[world]),
            "return": float(returns[world]),
            "steps": int(steps[world]),
            "steps_to_success": None if reached[world] < 0 else int(reached[world]),
            **({} if ride is None else ride.of(world)),
            **{name: float(values[world]) for name, values in scores.items()},
        }
        for world in range(count)
    ]


class _Ride:
    """How smoothly cars are driven, from their true motion."""

    def __init__(self, simulation: DrivingSimulation) -> None:
        self._simulation = simulation
        count = simulation.num_worlds
        self._before = np.zeros(count)
        self._steps, self._jerk, self._most = np.zeros(count), np.zeros(count), np.zeros(count)

    def feel(self, going: NDArray[np.bool_]) -> None:
        """One step of the cars that still drive."""
        cars = self._simulation.vehicles
        jerk = (cars[:, vehicle.ACCELERATION] - self._before) * self._simulation.control_frequency
        self._before = cars[:, vehicle.ACCELERATION].copy()
        self._jerk += np.where(going & (self._steps > 0), jerk**2, 0.0)
        sideways = np.abs(cars[:, vehicle.SPEED] * cars[:, vehicle.YAW_RATE])
        self._most = np.where(going, np.maximum(self._most, sideways), self._most)
        self._steps += going

    def of(self, world: int) -> dict[str, float]:
        """Root mean square of the jerk, m/s³, and the largest lateral acceleration, m/s², of one world's ride."""
        jerk = float(np.sqrt(self._jerk[world] / max(self._steps[world], 1.0)))
        return dict(zip(SMOOTHNESS, (jerk, float(self._most[world])), strict=True))


def _action(simulation: Any, noise: float, generators: list[np.random.Generator]) -> Any:
    action = simulation.expert_action()
    if noise == 0.0 or not np.issubdtype(action.dtype, np.floating):
        return action
    spread = np.array([generator.normal(0.0, noise, action.shape[1:]) for generator in generators])
    return np.clip(action + spread, simulation.action_space.low, simulation.action_space.high).astype(
        np.float32
    )


def _print(config: ExpertsConfig, figures: list[dict[str, Any]]) -> None:
    table = Table(title=f"Experts over {config.episodes} seeds, randomize={config.randomize}")
    table.add_column("task")
    table.add_column("success (Wilson 95 %)", justify="right")
    table.add_column("return", justify="right")
    table.add_column("steps to success, median", justify="right")
    table.add_column("jerk rms, m/s³", justify="right")
    table.add_column("lateral, most, m/s²", justify="right")
    table.add_column("means at the end")
    for row in figures:
        table.add_row(
            row["task"],
            f"{row['success']:.1%}  ({row['success_low']:.1%} – {row['success_high']:.1%})",
            f"{row['return']:.2f}",
            "–" if row["steps_to_success"] is None else f"{row['steps_to_success']:.0f}",
            *(f"{row[name]:.2f}" if name in row else "" for name in SMOOTHNESS),
            ", ".join(f"{name} {row[name]:.2f}" for name in SCORES if name in row),
        )
    Console(width=150).print(table)
