"""Learning curves of goal-conditioned training: success rate by environment step, with Wilson 95 % intervals."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from matplotlib.figure import Figure

from camshaft.perception.runs.durable_files import write_durably
from camshaft.perception.training.curves import Rows


def draw_success(runs: Mapping[str, Rows], path: Path) -> None:
    """Plot one curve per run, with its interval as a band.

    Args:
        runs: run name to the rows of its metrics, which have step, success, success_low and success_high.
        path: of the PNG.
    """
    figure = Figure(figsize=(7.0, 4.2), layout="constrained")
    axes = figure.subplots()
    for number, (name, rows) in enumerate(runs.items()):
        steps, success, low, high = (
            [row[column] for row in rows] for column in ("step", "success", "success_low", "success_high")
        )
        axes.plot(steps, success, marker="o", markersize=3.5, color=f"C{number}", label=name)
        axes.fill_between(steps, low, high, color=f"C{number}", alpha=0.15, linewidth=0.0)
    axes.set_xlabel("environment steps")
    axes.set_ylabel("success (band: Wilson 95 %)")
    axes.set_ylim(0.0, 1.0)
    axes.grid(alpha=0.3)
    axes.legend()
    write_durably(path, lambda stream: figure.savefig(stream, format="png", dpi=110))
