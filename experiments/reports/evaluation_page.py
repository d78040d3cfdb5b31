"""Report page of an evaluation: key figures, films, tables and every episode."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from camshaft.agents.evaluation.comparison import compare
from camshaft.agents.evaluation.results import EpisodeResult, Evaluation
from camshaft.agents.lerobot.video import read_video
from camshaft.envs import find_task
from camshaft.envs.arrays import Image
from camshaft.envs.errors import CorruptFile
from camshaft.experiments.reports.evaluation_tables import (
    DIFFERENCE_HEADER,
    difference_rows,
    evaluation_header,
    evaluation_row,
)
from camshaft.experiments.reports.page import (
    FIRST,
    SECOND,
    THIRD,
    Block,
    Chart,
    Figures,
    Grid,
    Section,
    Settings,
    Table,
    Video,
    plot,
    write_page,
)

POSTER_FRAME = 40
COLORS = (FIRST, SECOND, THIRD)


def write_evaluation_page(
    path: Path,
    evaluations: Sequence[Evaluation],
    films: Mapping[str, Sequence[Path]],
    settings: Mapping[str, Any],
) -> Path:
    """Write the page of policies evaluated on the same task and seeds.

    Args:
        path: of the HTML file.
        evaluations: one per policy; the others are compared with the first.
        films: policy name to its films, by episode.
        settings: of the evaluation.
    """
    first = evaluations[0]
    names = ", ".join(each.policy for each in evaluations)
    task = find_task(first.task)
    sections = [
        Section("", "", [_key_figures(first)]),
        *_films(evaluations, films),
        _results(evaluations),
        *_comparisons(evaluations),
        _episodes(evaluations),
        Section("Settings", "", [Settings(settings)]),
    ]
    return write_page(
        path,
        f"{names} on {task.id.rpartition('/')[2]}",
        f"{task.summary} {len(first.episodes)} episodes, the same seeds for every policy.",
        sections,
        kicker="Camshaft · evaluation",
        footer=f"Written by camshaft on {platform.machine()}, Python {platform.python_version()}.",
    )


def poster(video: Path) -> Image:
    """Poster frame of a film: frame `POSTER_FRAME`, or the last if the film is shorter.

    Raises:
        CorruptFile: the film is damaged or has no frame.
    """
    shown = None
    for number, frame in enumerate(read_video(video)):
        shown = frame
        if number == POSTER_FRAME:
            break
    if shown is None:
        raise CorruptFile(f"{video} has no frame")
    return shown


def film_caption(episode: EpisodeResult, units: Mapping[str, str]) -> str:
    """Caption with the seed and result of an episode."""
    figures = [
        f"{name.replace('_', ' ')} {value:.3g} {units[name]}".rstrip()
        for name, value in episode.metrics.items()
        if not np.isnan(value)
    ]
    outcome = "success" if episode.success else "no success"
    said = [f"Seed {episode.seed}: {outcome}", f"return {episode.total_reward:.1f}", *figures[:3]]
    return ", ".join(said) + "."


def _key_figures(evaluation: Evaluation) -> Figures:
    summary = evaluation.summary()
    low, high = summary["success_interval"]
    entries = [
        (
            "Success",
            f"{summary['success_rate']:.1%}",
            f"{summary['successes']} of {summary['episodes']}, 95 % interval {low:.1%} – {high:.1%}",
        )
    ]
    if "autonomy" in summary:
        few, many = summary["autonomy_interval"]
        remark = f"95 % interval {few:.1f} – {many:.1f} %"
        entries.insert(0, ("Autonomy", f"{summary['autonomy']:.1f} %", remark))
    for name, unit in evaluation.units.items():
        figure = summary["metrics"][name]
        if figure["mean"] is not None and name not in summary and len(entries) < 3:
            bounds = figure["interval"]
            remark = f"mean; 95 % interval {bounds[0]:.3g} – {bounds[1]:.3g}"
            entries.append(
                (name.replace("_", " ").capitalize(), f"{figure['mean']:.3g} {unit}".rstrip(), remark)
            )
    figure = summary["return"]
    bounds = figure["interval"]
    entries.append(
        ("Return", f"{figure['mean']:.3g}", f"mean; 95 % interval {bounds[0]:.3g} – {bounds[1]:.3g}")
    )
    return Figures(entries)


def _films(evaluations: Sequence[Evaluation], films: Mapping[str, Sequence[Path]]) -> list[Section]:
    blocks: list[Block] = []
    for evaluation in evaluations:
        for episode, film in zip(evaluation.episodes, films.get(evaluation.policy, ()), strict=False):
            caption = film_caption(episode, evaluation.units)
            if len(evaluations) > 1:
                caption = f"{evaluation.policy}. {caption}"
            blocks.append(Video(film, poster(film), caption))
    if not blocks:
        return []
    text = "The first episodes; the small image is the policy's observation."
    return [Section("Films", text, [Grid(blocks)])]


def _results(evaluations: Sequence[Evaluation]) -> Section:
    rows = [evaluation_row(each.policy, each.summary()) for each in evaluations]
    return Section(
        "Results",
        "In small print: 95 % intervals, Wilson's for success and bootstrapped ones for means.",
        [Table(evaluation_header(evaluations[0].summary()), rows, emphasis=0), _returns(evaluations)],
    )


def _returns(evaluations: Sequence[Evaluation]) -> Chart:
    with plot("returns", 9.6, 2.8) as chart:
        for number, evaluation in enumerate(evaluations):
            returns = np.sort(evaluation.values("return"))
            share = np.arange(1, len(returns) + 1) / len(returns)
            color = COLORS[number % len(COLORS)]
            chart.axes.step(returns, share, where="post", color=color, label=evaluation.policy)
            chart.axes.plot(returns, share, ".", color=color, markersize=3)
        chart.axes.set(xlabel="return", ylabel="share of episodes", ylim=(0, 1.02))
        chart.axes.legend(loc="upper left", ncols=3, bbox_to_anchor=(0, 1.16))
    return Chart(
        chart.svg, "Distribution of the return: share of episodes with at most this return.", wide=True
    )


def _comparisons(evaluations: Sequence[Evaluation]) -> list[Section]:
    first = evaluations[0]
    sections = []
    for other in evaluations[1:]:
        rows = difference_rows(compare(first, other))
        sections.append(
            Section(
                f"{other.policy} against {first.policy}",
                "Mean differences over the same episodes with bootstrapped 95 % intervals; for success, the exact "
                "p-value of McNemar's test.",
                [Table(DIFFERENCE_HEADER, rows)],
            )
        )
    return sections


def _episodes(evaluations: Sequence[Evaluation]) -> Section:
    tables: list[Block] = []
    for evaluation in evaluations:
        header = [
            "Seed",
            "Success",
            "Return",
            "Steps",
            *(name.replace("_", " ") for name in evaluation.units),
        ]
        rows = [
            [
                str(each.seed),
                "yes" if each.success else "no",
                f"{each.total_reward:.3g}",
                str(each.steps),
                *("–" if np.isnan(value) else f"{value:.3g}" for value in each.metrics.values()),
            ]
            for each in evaluation.episodes
        ]
        tables.append(Table(header, rows, folded=f"Every episode of {evaluation.policy}"))
    return Section("Episodes", "", tables)
