"""The report page: all parts are there, and it needs nothing but itself."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from camshaft.agents.evaluation.autonomy import Evaluation, Trace, summarize
from camshaft.agents.lerobot.video import read_video, write_video
from camshaft.envs.errors import CorruptFile
from camshaft.experiments.reports.driving_report import write_driving_report
from camshaft.experiments.reports.driving_results import (
    Driver,
    DrivingResults,
    LearningCurve,
    Rollout,
    learning_curve,
    load_driver,
    poster,
    save_evaluation,
)
from camshaft.experiments.reports.page import Section, Settings, Table, write_page

VOID_ELEMENTS = {"meta", "img", "source", "br", "input", "link", "hr"}


def make_evaluation(name: str, spread: float) -> Evaluation:
    """Three made-up roads of ten seconds."""
    random = np.random.default_rng(0)
    traces = []
    for _ in range(3):
        time = np.arange(1, 201) / 20
        expert = 0.3 * np.sin(time)
        error = spread * np.sin(3 * time + random.random())
        command = expert + 0.1 * spread * np.cos(time)
        hit = np.abs(error) > 1.0
        traces.append(Trace(time, 20 * time, error, 0.1 * command, command, expert, expert, hit))
    roads = tuple(summarize(number, 7 + number, trace) for number, trace in enumerate(traces))
    return Evaluation(name, "camshaft/LaneKeeping-v0", "test", roads, tuple(traces))


def make_driver(name: str, spread: float) -> Driver:
    evaluation = make_evaluation(name, spread)
    return Driver(name, evaluation.to_dict(), evaluation.traces)


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("films") / "road.mp4"
    write_video(path, (np.full((48, 64, 3), 5 * number, np.uint8) for number in range(50)), 10)
    return path


@pytest.fixture(scope="module")
def page(video: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    epochs = np.arange(1.0, 6.0)
    results = DrivingResults(
        title="A car & its camera",
        settings={"task": "camshaft/LaneKeeping-v0", "epochs": 5},
        stages={"collect": 12.0, "train": 200.0},
        curves=[LearningCurve(f"seed {seed}", epochs, 1 / epochs, 1.1 / epochs) for seed in (0, 1)],
        cloned=[make_driver("cloned, seed 0", 0.2), make_driver("cloned, seed 1", 0.3)],
        expert=make_driver("expert", 0.05),
        others=[make_driver("straight on", 1.2)],
        samples=[(np.full((66, 200, 3), 90, np.uint8), "0.8 m left: command -0.30")],
        rollouts=[Rollout(video, poster(video), "Test road 1: 1.20 km, no intervention.")],
    )
    path = write_driving_report(tmp_path_factory.mktemp("report") / "report.html", results)
    return path.read_text(encoding="utf-8")


def without_data(page: str) -> str:
    return re.sub(r"data:[a-z]+/[a-z0-9+]+;base64,[A-Za-z0-9+/=]*", "data:", page)


def test_the_page_refers_to_nothing_outside_itself(page: str) -> None:
    text = without_data(page)
    assert "http:" not in text
    assert "https:" not in text
    assert "url(//" not in text
    sources = re.findall(r'(?:src|href|poster|data)="([^"]*)"', text)
    assert sources
    assert all(source == "data:" or source.startswith("#") for source in sources)


def test_every_part_is_there(page: str) -> None:
    for heading in (
        "Rollouts",
        "How well it drives",
        "Against the expert",
        "Learning",
        "What it learned from",
        "Settings",
    ):
        assert f"<h2>{heading}</h2>" in page
    for driver in ("expert", "cloned, seed 0", "cloned, seed 1", "straight on"):
        assert f"<td>{driver}</td>" in page
    assert page.count("<svg") == 5
    assert page.count("<video controls") == 1
    assert "A car &amp; its camera" in page
    assert "LaneKeeping-v0" in page
    assert "3 min 32 s" in page


def test_intervals_stand_beside_the_figures(page: str) -> None:
    summary = make_evaluation("expert", 0.05).summary()
    low, high = summary["success_interval"]
    assert f"3 of 3<small>{low:.0%} – {high:.0%}</small>" in page
    assert "100.0<small>26.2 – 100.0</small>" in page  # no event in 30 s: at most 3.69, each costs 6 s


def test_elements_are_closed_in_order(page: str) -> None:
    class Checker(HTMLParser):
        open_elements: list[str] = []

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if tag not in VOID_ELEMENTS:
                self.open_elements.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert self.open_elements.pop() == tag

    checker = Checker()
    checker.feed(page)
    assert checker.open_elements == []


def test_identifiers_are_unique_and_references_resolve(page: str) -> None:
    text = without_data(page)
    clips = re.findall(r'<clipPath id="([^"]+)"', text)
    assert len(clips) == len(set(clips)) > 0
    identifiers = set(re.findall(r'\bid="([^"]+)"', text))
    assert set(re.findall(r"url\(#([^)]+)\)", text)) <= identifiers
    assert set(re.findall(r'xlink:href="#([^"]+)"', text)) <= identifiers


def test_charts_take_their_colors_from_the_page(page: str) -> None:
    for color in ("--first", "--second", "--muted", "--line"):
        assert f"var({color})" in page
    assert re.search(r"#0[1-6]0[1-6]0[1-6]", without_data(page)) is None


def test_the_video_is_the_file_in_h264(page: str, video: Path, tmp_path: Path) -> None:
    source = re.search(r"data:video/mp4;base64,([A-Za-z0-9+/=]+)", page)
    assert source is not None
    content = base64.b64decode(source[1])
    assert content == video.read_bytes()
    assert b"avc1" in content
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(content)
    assert sum(1 for _ in read_video(copy)) == 50


def test_text_cannot_break_out_of_the_page(tmp_path: Path) -> None:
    evil = "<script>alert('x')</script>"
    table = Table([evil], [[evil]], folded=evil)
    path = write_page(
        tmp_path / "p.html", evil, evil, [Section(evil, evil, [Settings({evil: evil}), table])], evil, evil
    )
    assert "<script" not in path.read_text(encoding="utf-8")


def test_an_evaluation_comes_back_from_its_files(tmp_path: Path) -> None:
    evaluation = make_evaluation("cloned", 1.1)
    save_evaluation(tmp_path / "cloned.json", evaluation)
    driver = load_driver(tmp_path / "cloned.json", "cloned")
    assert driver.evaluation == evaluation.to_dict()
    assert len(driver.traces) == 3
    np.testing.assert_allclose(driver.traces[1].lateral_error, evaluation.traces[1].lateral_error, atol=1e-6)
    np.testing.assert_array_equal(driver.traces[2].intervention, evaluation.traces[2].intervention)


def test_damaged_files_are_named(tmp_path: Path) -> None:
    save_evaluation(tmp_path / "cloned.json", make_evaluation("cloned", 0.1))
    (tmp_path / "cloned.npz").write_bytes((tmp_path / "cloned.npz").read_bytes()[:200])
    with pytest.raises(CorruptFile, match="cloned.json"):
        load_driver(tmp_path / "cloned.json", "cloned")
    (tmp_path / "metrics.jsonl").write_text('{"epoch": 1}\n{"ep')
    with pytest.raises(CorruptFile, match="metrics.jsonl"):
        learning_curve(tmp_path, "seed 0")
