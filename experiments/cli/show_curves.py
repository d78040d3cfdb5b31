"""Figure of the learning curves of one or more runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from tyro.conf import Positional, arg

from camshaft.experiments.cli.outputs import default_output
from camshaft.experiments.terminal.console import Console


@dataclass(frozen=True)
class ShowCurvesConfig:
    """Plot the learning curves of one or more runs in one figure.

    Supervised runs: loss and score by epoch. Runs of 'camshaft train goals': success rate by environment step.

    For example: camshaft show curves runs/classifier/resnet18 runs/classifier/lenet5
    """

    runs: Annotated[tuple[Path, ...], Positional, arg(metavar="RUN")]
    """Run folders."""
    score: str | None = None
    """Score of supervised runs to plot; by default the first one recorded."""
    out: Path | None = None
    """Image file to write, by default in runs/show under a name of its own."""


def run(config: ShowCurvesConfig) -> None:
    """Write the figure."""
    from camshaft.envs.errors import InvalidOption, check_choice
    from camshaft.perception.training.curves import read_metrics

    out = config.out or default_output("curves", *config.runs)
    if not config.runs:
        raise InvalidOption("name at least one run folder")
    runs = {str(folder): read_metrics(folder) for folder in config.runs}
    with_success = [name for name, rows in runs.items() if any("success" in row for row in rows)]
    if with_success and len(with_success) < len(runs):
        others = ", ".join(name for name in runs if name not in with_success)
        raise InvalidOption(
            f"{', '.join(with_success)} recorded success rates, {others} did not: plot them separately"
        )
    if with_success:
        from camshaft.experiments.reports.success_curves import draw_success

        score = check_choice("score", config.score or "success", ("success",))
        draw_success(runs, out)
    else:
        score = _draw_supervised(runs, config.score, out)
    Console().print(f"{len(runs)} curves of {score} in {out}", soft_wrap=True)


def _draw_supervised(runs: dict[str, list[dict[str, Any]]], wanted: str | None, out: Path) -> str:
    """Write the figure, and return the name of the score that it shows."""
    from camshaft.envs.errors import InvalidOption, check_choice
    from camshaft.perception.training.curves import plot_curves

    prefix = "validation/"
    found = [
        name.removeprefix(prefix)
        for rows in runs.values()
        for row in rows
        for name in row
        if name.startswith(prefix) and name != f"{prefix}loss"
    ]
    scores = list(dict.fromkeys(found))
    if not scores:
        raise InvalidOption(f"none of {', '.join(runs)} has a score to plot: no epoch has ended")
    score = scores[0] if wanted is None else check_choice("score", wanted, scores)
    plot_curves(runs, score, out)
    return score
