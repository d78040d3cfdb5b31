"""Tables and report page of an evaluation: every policy, metric, episode and film."""

from __future__ import annotations

import math
import re
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from camshaft.agents.evaluation.comparison import compare
from camshaft.agents.evaluation.results import EpisodeResult, Evaluation
from camshaft.agents.lerobot.video import write_video
from camshaft.envs.errors import CorruptFile
from camshaft.experiments.reports.evaluation_page import film_caption, poster, write_evaluation_page
from camshaft.experiments.reports.evaluation_tables import (
    evaluation_header,
    evaluation_row,
    print_differences,
    print_evaluations,
)


def evaluation(name: str, lap: float = 30.0) -> Evaluation:
    episodes = tuple(
        EpisodeResult(
            number, 5 + number, number < 3, 100.0 * number, 40, 2.0, {"lap_time": lap if number else math.nan}
        )
        for number in range(4)
    )
    return Evaluation(name, "camshaft/Racing-v0", "test", {"lap_time": "s"}, episodes)


def test_rows_have_a_cell_for_every_column_with_units_and_intervals() -> None:
    summary = evaluation("fast").summary()
    header, row = evaluation_header(summary), evaluation_row("fast", summary)
    assert header == ["Policy", "Success", "Return", "Length", "Lap time, s"]
    assert row[0] == "fast"
    assert row[1].startswith("3 of 4\n")
    assert row[4].startswith("30.0\n")
    absent = evaluation("slow", math.nan).summary()
    assert evaluation_row("slow", absent)[4] == "–"


@pytest.mark.parametrize("width", [72, 120])
def test_tables_are_printed_for_people(width: int) -> None:
    output = StringIO()
    console = Console(file=output, width=width)
    first, second = evaluation("fast"), evaluation("<b>slow", 40.0)
    print_evaluations({each.policy: each.summary() for each in (first, second)}, console)
    print_differences("slow against fast", compare(first, second), console)
    text = output.getvalue()
    for word in ("fast", "<b>slow", "3 of 4", "(30.1% – 95.4%)", "McNemar's"):
        assert word in text
    if width == 120:
        assert "3 of 4 (30.1% – 95.4%)" in text
        assert "Lap time, s" in text


def test_the_page_holds_every_policy_episode_and_film(tmp_path: Path) -> None:
    film = tmp_path / "episode-000.mp4"
    write_video(film, (np.full((48, 64, 3), 5 * number, np.uint8) for number in range(50)), 10)
    evaluations = [evaluation("fast"), evaluation("slow & steady", 40.0)]
    path = write_evaluation_page(
        tmp_path / "report.html", evaluations, {"fast": [film]}, {"episodes": 4, "task": "Racing"}
    )
    page = path.read_text("utf-8")
    assert page.count("<video controls") == 1
    assert "Seed 5: success, return 0.0, ." not in page
    for text in (
        "fast, slow &amp; steady on Racing-v0",
        "Results",
        "Episodes",
        "Settings",
        "slow &amp; steady against fast",
    ):
        assert text in page
    for seed in range(5, 9):
        assert page.count(f"<td>{seed}</td>") == 2
    bare = re.sub(r"data:[a-z]+/[a-z0-9+]+;base64,[A-Za-z0-9+/=]*", "data:", page)
    assert "http" not in re.sub(r"http://www\.w3\.org/\S+", "", bare)


def test_captions_leave_out_missing_metrics() -> None:
    first, second = evaluation("fast").episodes[:2]
    assert film_caption(first, {"lap_time": "s"}) == "Seed 5: success, return 0.0."
    assert film_caption(second, {"lap_time": "s"}) == "Seed 6: success, return 100.0, lap time 30 s."


def test_a_film_without_frames_is_named(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(b"")
    with pytest.raises(CorruptFile, match=r"film\.mp4"):
        poster(tmp_path / "film.mp4")
