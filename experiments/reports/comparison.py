"""Drivers side by side: the table that the report and the terminal show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from camshaft.experiments.terminal.console import Console

HEADER = (
    "Driver",
    "Autonomy\n%",
    "Inter-\nventions",
    "Distance\nkm",
    "Lateral error, m\nmean, 95th pct.",
    "Roads without\nintervention",
    "Difference\nto expert",
    "Steering rate\nrad/s",
    "Lateral acc.\nRMS, m/s²",
)


def comparison_row(name: str, summary: Mapping[str, Any]) -> list[str]:
    """One driver's cells; after a line break what belongs below: 95 % intervals, the 95th percentile.

    Args:
        name: of the driver.
        summary: `Evaluation.summary()`.
    """
    low, high = summary["autonomy_interval"]
    few, many = summary["success_interval"]
    return [
        name,
        f"{summary['autonomy']:.1f}\n{low:.1f} – {high:.1f}",
        f"{summary['interventions']}",
        f"{summary['kilometers']:.1f}",
        f"{summary['mean_lateral_error']:.3f}\n{summary['high_lateral_error']:.3f}",
        f"{summary['successes']} of {summary['roads']}\n{few:.0%} – {many:.0%}",
        f"{summary['steering_difference']:.3f}",
        f"{summary['steering_rate']:.3f}",
        f"{summary['lateral_acceleration']:.2f}",
    ]


def print_comparison(summaries: Mapping[str, Mapping[str, Any]], console: Console | None = None) -> None:
    """Print the main columns, narrow enough for a terminal.

    Args:
        summaries: driver to `Evaluation.summary()`.
        console: to print on.
    """
    table = Table(caption="second lines: 95 % intervals; 95th percentile of the lateral error")
    for title in ("driver", "km", "autonomy, %", "interventions", "error, m", "unaided roads"):
        table.add_column(title, justify="left" if title == "driver" else "right")
    for name, summary in summaries.items():
        _, autonomy, interventions, kilometers, error, success, *_ = comparison_row(name, summary)
        table.add_row(name, kilometers, autonomy, interventions, error, success)
    (console or Console()).print(table)
