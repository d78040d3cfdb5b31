"""Results over several seeds: their means with intervals, as a figure and as a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean

from matplotlib.figure import Figure
from rich.table import Table

from agents.intervals import mean_interval
from perception.training.durable_files import write_durably

Results = Mapping[str, Mapping[float, Sequence[float]]]


def draw_intervals(
    results: Results, path: Path, across: str, upwards: str, *, logarithmic: bool = False
) -> None:
    """Draw the mean of every point, with Student's 95 % interval where there are several seeds.

    Args:
        results: name of a curve to place along the axis to one value a seed, each a share of 1.
        path: of the PNG.
        across: label of the horizontal axis.
        upwards: label of the vertical axis.
        logarithmic: the horizontal axis.
    """
    figure = Figure(figsize=(7.5, 5.0), layout="constrained")
    axes = figure.subplots()
    for name, points in results.items():
        places = sorted(points)
        middle = [fmean(points[place]) for place in places]
        (line,) = axes.plot(places, middle, marker="o", label=name)
        if all(len(points[place]) > 1 for place in places):
            bounds = [_interval(points[place]) for place in places]
            axes.fill_between(
                places,
                [low for low, _ in bounds],
                [high for _, high in bounds],
                color=line.get_color(),
                alpha=0.15,
            )
    if logarithmic:
        axes.set_xscale("log")
    axes.set_xlabel(across)
    axes.set_ylabel(upwards)
    axes.grid(alpha=0.3)
    axes.legend()
    write_durably(path, lambda stream: figure.savefig(stream, format="png", dpi=120))


def interval_table(results: Results, across: str, show: Callable[[float], str]) -> Table:
    """A row for every place: the mean of each curve with its 95 % interval."""
    table = Table(across, *results)
    for place in sorted({place for points in results.values() for place in points}):
        table.add_row(show(place), *(_cell(points.get(place, ())) for points in results.values()))
    return table


def _interval(values: Sequence[float]) -> tuple[float, float]:
    """Student's interval, as far as a share can be: within 0..1."""
    low, high = mean_interval(values)
    return max(low, 0.0), min(high, 1.0)


def _cell(values: Sequence[float]) -> str:
    if len(values) < 2:
        return f"{values[0]:.1%}" if values else ""
    low, high = _interval(values)
    return f"{fmean(values):.1%} ({low:.1%} – {high:.1%})"
