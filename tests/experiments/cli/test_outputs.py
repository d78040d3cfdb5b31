"""Default names of figures: one for each of what is shown."""

from __future__ import annotations

from pathlib import Path

from camshaft.experiments.cli.outputs import default_output


def test_figures_are_named_after_what_they_show() -> None:
    assert default_output("filters", "resnet18") == Path("runs/show/filters-resnet18.png")
    runs = [Path("/home/a/runs/cloning/default"), Path("runs/cloning/other")]
    assert default_output("curves", *runs).name == "curves-runs_cloning_default-runs_cloning_other.png"
    assert default_output("rollout", "a b/ü?", suffix=".mp4").name == "rollout-a_b_ü_.mp4"


def test_names_stay_short_enough_for_a_file() -> None:
    assert len(default_output("curves", *[f"runs/{number}" for number in range(99)]).name) < 200
