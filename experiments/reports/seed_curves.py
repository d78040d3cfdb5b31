"""Means over training seeds with intervals, as a figure and as a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean

from matplotlib.figure import Figure
from rich.table import Table

from camshaft.agents.evaluation.intervals import mean_interval
from camshaft.perception.runs.durable_files import write_durably

OFFSET = 0.06  # between curves, in units of the axis; relative to the position on a logarithmic axis
Results = Mapping[str, Mapping[float, Sequence[float]]]


def draw_intervals(
    results: Results, path: Path, xlabel: str, ylabel: str, *, logarithmic: bool = False
) -> None:
    """Plot the mean of every point, with an error bar for Student's 95 % interval if there are several seeds.

    Args:
        results: curve name to position on the horizontal axis to one value per seed, each within 0..1.
        path: of the PNG.
        xlabel: label of the horizontal axis.
        ylabel: label of the vertical axis.
        logarithmic: whether the horizontal axis is logarithmic.
    """
    figure = Figure(figsize=(7.5, 5.0), layout="constrained")
    axes = figure.subplots()
    all_positions = sorted({position for points in results.values() for position in points})
    for number, (name, points) in enumerate(results.items()):
        offset = OFFSET * (number - 0.5 * (len(results) - 1))  # so that error bars do not overlap
        positions = sorted(points)
        shown = [position * (1.0 + offset) if logarithmic else position + offset for position in positions]
        means = [fmean(points[position]) for position in positions]
        bounds = [
            _interval(points[position]) if len(points[position]) > 1 else (mean, mean)
            for position, mean in zip(positions, means, strict=True)
        ]
        bars = [
            [mean - low for mean, (low, _) in zip(means, bounds, strict=True)],
            [high - mean for mean, (_, high) in zip(means, bounds, strict=True)],
        ]
        axes.errorbar(shown, means, yerr=bars, marker="o", capsize=3.0, label=name)
    if logarithmic:
        axes.set_xscale("log")
    axes.set_xticks(all_positions, [f"{position:g}" for position in all_positions], minor=False)
    axes.minorticks_off()
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
    axes.grid(alpha=0.3)
    axes.legend()
    write_durably(path, lambda stream: figure.savefig(stream, format="png", dpi=120))


def interval_table(results: Results, header: str, show: Callable[[float], str]) -> Table:
    """One row per position: the mean of each curve with its 95 % interval."""
    table = Table(header, *results)
    for position in sorted({position for points in results.values() for position in points}):
        table.add_row(show(position), *(_cell(points.get(position, ())) for points in results.values()))
    return table


def _interval(values: Sequence[float]) -> tuple[float, float]:
    """Student's interval, clipped to 0..1."""
    low, high = mean_interval(values)
    return max(low, 0.0), min(high, 1.0)


def _cell(values: Sequence[float]) -> str:
    if len(values) < 2:
        return f"{values[0]:.1%}" if values else ""
    low, high = _interval(values)
    return f"{fmean(values):.1%} ({low:.1%} – {high:.1%})"
