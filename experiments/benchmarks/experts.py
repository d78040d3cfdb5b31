"""Success rate and metrics of every task's expert, over many seeds."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from rich.table import Table

from camshaft import envs
from camshaft.agents.evaluation.evaluate import evaluate
from camshaft.agents.policies.scripted import ExpertPolicy
from camshaft.envs.errors import InvalidOption
from camshaft.experiments.benchmarks.measure import write_result
from camshaft.experiments.terminal.console import Console
from camshaft.experiments.terminal.progress import progress_bar


@dataclass(frozen=True)
class ExpertsConfig:
    """Measure the success rate and metrics of the tasks' experts over many seeds.

    For example: camshaft bench experts --tasks camshaft/Reach-v0 camshaft/Push-v0 --episodes 200
    """

    tasks: tuple[str, ...] = ()
    """Tasks; all by default, see 'camshaft tasks'."""
    tag: str = ""
    """Only tasks with this tag, such as manipulation."""
    episodes: int = 200
    """Episodes per task."""
    seed: int = 0
    """Seed of the first episode; episode e has seed + e."""
    randomize: Literal["train", "test", "none"] = "none"
    """Split that appearance and dynamics are sampled from; none for the nominal ones."""
    control_mode: str | None = None
    """Control mode; by default the task's first."""
    worlds: int = 20
    """Worlds simulated in parallel."""
    out: Path = Path("runs/bench/experts.json")
    """Results file, with machine, versions and commit."""


def run(config: ExpertsConfig) -> None:
    """Evaluate, print the table and write the file."""
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
    """Success, return, length and metrics of one task's episodes under its expert."""
    options = {"obs_mode": "state"} | (
        {} if config.control_mode is None else {"control_mode": config.control_mode}
    )
    start = time.process_time()
    evaluation = evaluate(
        ExpertPolicy(),
        task,
        episodes=config.episodes,
        seed=config.seed,
        randomize=None if config.randomize == "none" else config.randomize,
        num_worlds=config.worlds,
        env_options=options,
    )
    return {
        "task": evaluation.task,
        **evaluation.summary(),
        "failed_seeds": [each.seed for each in evaluation.episodes if not each.success],
        "cpu_seconds": time.process_time() - start,
    }


def _print(config: ExpertsConfig, figures: list[dict[str, Any]]) -> None:
    table = Table(title=f"Experts over {config.episodes} seeds, randomize={config.randomize}")
    table.add_column("task")
    table.add_column("success (Wilson 95 %)", justify="right")
    table.add_column("return", justify="right")
    table.add_column("metrics, means over the episodes")
    for row in figures:
        low, high = row["success_interval"]
        metrics = [
            f"{name.replace('_', ' ')} {metric['mean']:.3g} {metric['unit']}".rstrip()
            for name, metric in row["metrics"].items()
            if metric["mean"] is not None
        ]
        table.add_row(
            row["task"],
            f"{row['success_rate']:.1%}  ({low:.1%} – {high:.1%})",
            f"{row['return']['mean']:.2f}",
            ", ".join(metrics),
        )
    Console(width=150).print(table)
