"""Learning curves of one training or several, in one picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from tyro.conf import Positional, arg

from camshaft.experiments.terminal.console import Console


@dataclass(frozen=True)
class ShowCurvesConfig:
    """Draw several trainings in one picture, one color each.

    Of supervised trainings, loss and score against the epoch; of 'camshaft train goals', success against steps.

    For example: camshaft show curves runs/classifier/resnet18 runs/classifier/lenet5
    """

    runs: Annotated[tuple[Path, ...], Positional, arg(metavar="RUN")]
    """Run folders."""
    score: str | None = None
    """Score of supervised trainings to draw; by default the first that is there."""
    out: Path = Path("runs/show/curves.png")
    """Picture to write."""


def run(config: ShowCurvesConfig) -> None:
    """Draw."""
    from camshaft.envs.errors import InvalidOption, check_choice
    from camshaft.perception.training.curves import read_metrics

    if not config.runs:
        raise InvalidOption("name at least one run folder")
    runs = {str(folder): read_metrics(folder) for folder in config.runs}
    with_success = [name for name, rows in runs.items() if any("success" in row for row in rows)]
    if with_success and len(with_success) < len(runs):
        others = ", ".join(name for name in runs if name not in with_success)
        raise InvalidOption(
            f"{', '.join(with_success)} have success to draw, {others} have not: draw them apart"
        )
    if with_success:
        from camshaft.experiments.reports.success_curves import draw_success

        score = check_choice("score", config.score or "success", ("success",))
        draw_success(runs, config.out)
    else:
        score = _draw_supervised(runs, config)
    Console().print(f"{len(runs)} curves of {score} in {config.out}", soft_wrap=True)


def _draw_supervised(runs: dict[str, list[dict[str, Any]]], config: ShowCurvesConfig) -> str:
    """Draw; the score that was drawn."""
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
        raise InvalidOption(f"none of {', '.join(runs)} has a score to draw: no epoch has ended")
    score = scores[0] if config.score is None else check_choice("score", config.score, scores)
    plot_curves(runs, score, config.out)
    return score
