"""Learning curves of one training or several, in one picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from rich.console import Console
from tyro.conf import Positional, arg


@dataclass(frozen=True)
class ShowCurvesConfig:
    """Draw loss and score against the epoch of supervised trainings, one colour each.

    For example: camshaft show curves runs/classifier/resnet18 runs/classifier/lenet5
    """

    runs: Annotated[tuple[Path, ...], Positional, arg(metavar="RUN")]
    """Run folders."""
    score: str | None = None
    """Score to draw; by default the first that is there."""
    out: Path = Path("runs/show/curves.png")
    """Picture to write."""


def run(config: ShowCurvesConfig) -> None:
    """Draw."""
    from envs.errors import InvalidOption, check_choice
    from perception.training.curves import draw_curves, read_metrics

    if not config.runs:
        raise InvalidOption("name at least one run folder")
    runs = {str(folder): read_metrics(folder) for folder in config.runs}
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
        raise InvalidOption(f"none of {', '.join(runs)} has a score on images held out")
    score = scores[0] if config.score is None else check_choice("score", config.score, scores)
    config.out.parent.mkdir(parents=True, exist_ok=True)
    draw_curves(runs, score, config.out)
    Console().print(f"{len(runs)} curves of {score} in {config.out}", highlight=False, soft_wrap=True)
