"""Report page of the demo: complete and self-contained."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sideways_car import SidewaysCar

import camshaft.agents.evaluation.evaluate
from camshaft.agents.evaluation.evaluate import LANE_KEEPING, evaluate
from camshaft.agents.evaluation.results import Evaluation
from camshaft.agents.lerobot.video import read_video, write_video
from camshaft.agents.policies.scripted import ConstantPolicy, ExpertPolicy
from camshaft.envs.errors import CorruptFile
from camshaft.experiments.reports.driving_report import write_driving_report
from camshaft.experiments.reports.driving_results import (
    Driver,
    DrivingResults,
    LearningCurve,
    Rollout,
    learning_curve,
    load_driver,
    save_evaluation,
)
from camshaft.experiments.reports.evaluation_page import poster
from camshaft.experiments.reports.page import Section, Settings, Table, write_page

VOID_ELEMENTS = {"meta", "img", "source", "br", "input", "link", "hr"}


class Weaving(ConstantPolicy):
    """Steers alternately left and right."""

    def __init__(self, strength: float) -> None:
        super().__init__(strength)
        self.steps = 0

    def act(self, observation: Any, deterministic: bool = True) -> NDArray[np.float32]:
        self.steps += 1
        return super().act(observation) * np.float32(1.0 if self.steps % 200 < 100 else -1.0)


def make_evaluation(name: str, strength: float) -> Evaluation:
    """Three roads of ten seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            camshaft.agents.evaluation.evaluate,
            "make_simulation",
            lambda task, count, **options: SidewaysCar(count, max_episode_steps=100, **options),
        )
        policy = Weaving(strength) if strength else ExpertPolicy()
        return evaluate(policy, LANE_KEEPING, episodes=3, seed=7, name=name)


def make_driver(name: str, strength: float) -> Driver:
    evaluation = make_evaluation(name, strength)
    return Driver(name, evaluation.to_dict(), evaluation.series)


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
        cloned=[make_driver("cloned, seed 0", 0.5), make_driver("cloned, seed 1", 0.6)],
        expert=make_driver("expert", 0.0),
        others=[make_driver("constant", 1.5)],
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
        "Evaluation",
        "Comparison with the expert",
        "Learning",
        "Training frames",
        "Settings",
    ):
        assert f"<h2>{heading}</h2>" in page
    for driver in ("expert", "cloned, seed 0", "cloned, seed 1", "constant"):
        assert f"<td>{driver}</td>" in page
    assert page.count("<svg") == 5
    assert page.count("<video controls") == 1
    assert "A car &amp; its camera" in page
    assert "LaneKeeping-v0" in page
    assert "3 min 32 s" in page


def test_intervals_stand_beside_the_figures(page: str) -> None:
    summary = make_evaluation("expert", 0.0).summary()
    low, high = summary["success_interval"]
    assert f"3 of 3<small>{low:.1%} – {high:.1%}</small>" in page
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
    evaluation = make_evaluation("cloned", 1.5)
    save_evaluation(tmp_path / "cloned.json", evaluation)
    driver = load_driver(tmp_path / "cloned.json", "cloned")
    assert driver.evaluation == evaluation.to_dict()
    assert len(driver.series) == 3
    for read, kept in zip(driver.series, evaluation.series, strict=True):
        assert read.keys() == kept.keys()
        for column, values in kept.items():
            np.testing.assert_allclose(read[column], values, rtol=1e-6, atol=1e-6)


def test_damaged_files_are_named(tmp_path: Path) -> None:
    save_evaluation(tmp_path / "cloned.json", make_evaluation("cloned", 0.1))
    (tmp_path / "cloned.npz").write_bytes((tmp_path / "cloned.npz").read_bytes()[:200])
    with pytest.raises(CorruptFile, match="cloned.json"):
        load_driver(tmp_path / "cloned.json", "cloned")
    (tmp_path / "metrics.jsonl").write_text('{"epoch": 1}\n{"ep')
    with pytest.raises(CorruptFile, match="metrics.jsonl"):
        learning_curve(tmp_path, "seed 0")
