"""Learning curves of one or several runs, plotted from their metrics."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib import colormaps
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from camshaft.envs.errors import CorruptFile
from camshaft.perception.runs.durable_files import read_file, write_durably

LARGE_SPREAD = 5.0  # ratio of the largest to the smallest loss above which the axis is logarithmic

Rows = Sequence[Mapping[str, Any]]


def read_metrics(run_folder: str | Path) -> list[dict[str, Any]]:
    """Read the metrics of a run, one row after another.

    Raises:
        CorruptFile: the file is missing, or a row is damaged.
    """
    path = Path(run_folder) / "metrics.jsonl"
    try:
        return [json.loads(line) for line in read_file(path).splitlines()]
    except ValueError as error:
        raise CorruptFile(f"{path} has a damaged row: {error}") from error


def plot_curves(runs: Mapping[str, Rows], score: str, path: Path) -> None:
    """Plot loss and score over epochs, one color per run: dashed for training, solid for validation.

    Args:
        runs: name to the rows of its metrics; the first is the baseline, with a thicker line.
        score: name of the score.
        path: PNG file to write.
    """
    figure = Figure(figsize=(11.0, 4.2), layout="constrained")
    losses, scores = figure.subplots(1, 2)
    for number, (name, rows) in enumerate(runs.items()):
        color = colormaps["tab20"](number % 20 / 20.0 + 0.01) if len(runs) > 10 else f"C{number}"
        width = 3.0 if number == 0 and len(runs) > 2 else 1.5
        epochs = [row for row in rows if "train_loss" in row]
        numbers = [row["epoch"] for row in epochs]
        losses.plot(
            numbers,
            [row["train_loss"] for row in epochs],
            "--",
            color=color,
            linewidth=1.0,
            **_marker(epochs, "x"),
        )
        for axes, column in ((losses, "loss"), (scores, score)):
            valid = [row for row in epochs if row.get(f"validation/{column}") is not None]
            numbers = [row["epoch"] for row in valid]
            values = [row[f"validation/{column}"] for row in valid]
            axes.plot(numbers, values, color=color, linewidth=width, label=name, **_marker(valid, "o"))
    losses.set_title("loss (dashed, ×: training)")
    scores.set_title(score)
    for axes in (losses, scores):
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.grid(alpha=0.3)
    spread = losses.get_ylim()
    if spread[1] > LARGE_SPREAD * max(spread[0], 1e-3):
        losses.set_yscale("log")
    if len(runs) > 1:
        figure.legend(*scores.get_legend_handles_labels(), loc="outside right center", fontsize=8)
    write_durably(path, lambda stream: figure.savefig(stream, format="png", dpi=110))


def _marker(points: Sequence[Any], marker: str) -> dict[str, str]:
    """Plot options with a marker for a curve of a single point, which would be invisible as a line."""
    return {"marker": marker} if len(points) == 1 else {}
