"""Tables of evaluations: one column a policy in the terminal, one row a policy on report pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.measure import Measurement
from rich.table import Table

from camshaft.agents.evaluation.comparison import PairedDifference
from camshaft.experiments.terminal.console import Console

NO_VALUE = "–"
UNLIMITED_WIDTH = 10_000

Summary = Mapping[str, Any]
"""`Evaluation.summary()`, as it is or read back from JSON."""


def evaluation_header(summary: Summary) -> list[str]:
    """Titles of the columns."""
    return ["Policy", *_cells(summary)]


def evaluation_row(name: str, summary: Summary) -> list[str]:
    """One policy's cells; after a line break its 95 % interval."""
    return [name, *_cells(summary).values()]


def print_evaluations(summaries: Mapping[str, Summary], console: Console | None = None) -> None:
    """Print every figure of every policy with its 95 % interval.

    Args:
        summaries: policy to its summary, all of one task.
        console: to print on.
    """
    console = console or Console()
    columns = {name: _cells(summary) for name, summary in summaries.items()}
    table = _figures_table(columns, " ")
    if Measurement.get(console, console.options.update_width(UNLIMITED_WIDTH), table).maximum > console.width:
        table = _figures_table(columns, "\n")
    console.print(table)


def _figures_table(columns: Mapping[str, Mapping[str, str]], before_interval: str) -> Table:
    """Table of one row a figure; a space or a line break stands before each interval."""
    table = Table(caption="in parentheses: 95 % intervals")
    table.add_column("")
    for name in columns:
        table.add_column(name, justify="right", overflow="fold")
    for title in next(iter(columns.values())):
        figures = (column.get(title, NO_VALUE).partition("\n") for column in columns.values())
        table.add_row(
            title,
            *(f"{mean}{before_interval}({interval})" if interval else mean for mean, _, interval in figures),
        )
    return table


def difference_rows(differences: Sequence[PairedDifference]) -> list[list[str]]:
    """Cells of a comparison of two policies: what, difference, interval, p-value."""
    return [
        [
            _title(each.name),
            f"{each.difference:+.3g}",
            f"{each.low:+.3g} – {each.high:+.3g}",
            "" if each.p_value is None else f"{each.p_value:.3g}",
            str(each.episodes),
        ]
        for each in differences
    ]


DIFFERENCE_HEADER = ("Figure", "Difference", "95 % interval", "McNemar's p", "Episodes")


def print_differences(
    title: str, differences: Sequence[PairedDifference], console: Console | None = None
) -> None:
    """Print a comparison of two policies on the same episodes."""
    table = Table(title=title)
    for name in DIFFERENCE_HEADER:
        table.add_column(name, justify="left" if name == "Figure" else "right")
    for row in difference_rows(differences):
        table.add_row(*row)
    (console or Console()).print(table)


def _cells(summary: Summary) -> dict[str, str]:
    """Column title to cell."""
    low, high = summary["success_interval"]
    cells = {}
    if "autonomy" in summary:
        bounds = summary["autonomy_interval"]
        cells["Autonomy, %"] = f"{summary['autonomy']:.1f}\n{bounds[0]:.1f} – {bounds[1]:.1f}"
        cells["Interventions"] = str(summary["interventions"])
        cells["km"] = f"{summary['kilometers']:.1f}"
    cells["Success"] = f"{summary['successes']} of {summary['episodes']}\n{low:.1%} – {high:.1%}"
    cells["Return"] = _figure(summary["return"])
    cells["Length"] = _figure(summary["steps"])
    for name, metric in summary["metrics"].items():
        if name not in summary:  # such as autonomy, which stands above
            unit = f", {metric['unit']}" if metric["unit"] else ""
            cells[f"{_title(name)}{unit}"] = _figure(metric)
    return cells


def _figure(figure: Mapping[str, Any]) -> str:
    if figure["mean"] is None:
        return NO_VALUE
    low, high = figure["interval"]
    return f"{_number(figure['mean'])}\n{_number(low)} – {_number(high)}"


def _number(value: float) -> str:
    if value == 0.0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()
