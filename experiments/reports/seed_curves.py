"""Results over several seeds: their means with intervals, as a figure and as a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean

from matplotlib.figure import Figure
from rich.table import Table

from camshaft.agents.evaluation.intervals import mean_interval
from camshaft.perception.runs.durable_files import write_durably

SIDESTEP = 0.06  # of the axis' unit, or of the place itself on a logarithmic axis, from one curve to the next
Results = Mapping[str, Mapping[float, Sequence[float]]]


def draw_intervals(
    results: Results, path: Path, across: str, upwards: str, *, logarithmic: bool = False
) -> None:
    """Draw the mean of every point, with a bar for Student's 95 % interval where there are several seeds.

    Args:
        results: name of a curve to place along the axis to one value a seed, each a share of 1.
        path: of the PNG.
        across: label of the horizontal axis.
        upwards: label of the vertical axis.
        logarithmic: the horizontal axis.
    """
    figure = Figure(figsize=(7.5, 5.0), layout="constrained")
    axes = figure.subplots()
    everywhere = sorted({place for points in results.values() for place in points})
    for number, (name, points) in enumerate(results.items()):
        aside = SIDESTEP * (number - 0.5 * (len(results) - 1))  # so that bars stand beside each other
        places = sorted(points)
        shown = [place * (1.0 + aside) if logarithmic else place + aside for place in places]
        middle = [fmean(points[place]) for place in places]
        bounds = [
            _interval(points[place]) if len(points[place]) > 1 else (mean, mean)
            for place, mean in zip(places, middle, strict=True)
        ]
        bars = [
            [mean - low for mean, (low, _) in zip(middle, bounds, strict=True)],
            [high - mean for mean, (_, high) in zip(middle, bounds, strict=True)],
        ]
        axes.errorbar(shown, middle, yerr=bars, marker="o", capsize=3.0, label=name)
    if logarithmic:
        axes.set_xscale("log")
    axes.set_xticks(everywhere, [f"{place:g}" for place in everywhere], minor=False)
    axes.minorticks_off()
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
