"""Seconds from starting Python to the first camera frame, with compiled kernels."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from camshaft import envs
from camshaft.envs.errors import CamshaftError, InvalidOption
from camshaft.experiments.benchmarks.measure import write_result
from camshaft.experiments.terminal.console import Console

PROGRAM = "import gymnasium, sys; env = gymnasium.make(f'camshaft:{sys.argv[1]}'); env.reset(seed=0)"


@dataclass(frozen=True)
class StartConfig:
    """Measure the seconds from starting Python to the first camera frame.

    A new Python process imports Gymnasium, creates the task and resets it, which renders a frame. The first start is
    not counted, because it may compile the kernels.

    For example: camshaft bench start
    """

    task: str = "camshaft/LaneKeeping-v0"
    """Task to create."""
    repeats: int = 5
    """Number of measured starts."""
    out: Path = Path("runs/bench/start.json")
    """Results file, with machine, versions and commit."""


def run(config: StartConfig) -> None:
    """Measure, print and write the file."""
    if config.repeats < 1:
        raise InvalidOption(f"repeats must be at least 1, got {config.repeats}")
    task = envs.find_task(config.task).id
    seconds = [_start(task) for _ in range(config.repeats + 1)][1:]
    figure = {
        "name": f"first frame of {task}, seconds",
        "median": statistics.median(seconds),
        "lowest": min(seconds),
        "highest": max(seconds),
        "repeats": seconds,
    }
    console = Console()
    console.print(
        f"First frame of {task} after {figure['median']:.2f} s "
        f"({min(seconds):.2f} – {max(seconds):.2f}), median of {config.repeats}",
    )
    write_result(config.out, {**asdict(config), "out": str(config.out)}, [figure])
    console.print(f"Figures in {config.out}")


def _start(task: str) -> float:
    begin = time.perf_counter()
    finished = subprocess.run([sys.executable, "-c", PROGRAM, task], capture_output=True, text=True)
    if finished.returncode:
        raise CamshaftError(f"{task} did not start: {finished.stderr.strip().splitlines()[-1]}")
    return time.perf_counter() - begin
