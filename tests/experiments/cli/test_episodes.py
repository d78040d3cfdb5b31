"""Options of tasks given as texts."""

from __future__ import annotations

import pytest

from camshaft.envs.errors import InvalidOption
from camshaft.experiments.cli.episodes import merged, task_options


def test_options_are_json_or_texts_and_the_cameras_fields_apart() -> None:
    given = (
        "weather=rain",
        "num_vehicles=30",
        "arm=none",
        "camera.lens=fisheye",
        "camera.position=[1.6, 0, 1.2]",
    )
    assert task_options(given) == {
        "weather": "rain",
        "num_vehicles": 30,
        "arm": None,
        "camera": {"lens": "fisheye", "position": [1.6, 0, 1.2]},
    }
    assert task_options(()) == {}


@pytest.mark.parametrize("given", ["weather", "=rain", "lens.kind=fisheye", "camera.=3"])
def test_other_texts_are_refused_by_name(given: str) -> None:
    with pytest.raises(InvalidOption, match=f"NAME=VALUE or camera.NAME=VALUE, got '{given}'"):
        task_options([given])


@pytest.mark.parametrize("given", [("weather=rain", "weather=fog"), ("camera=front", "camera.width=84")])
def test_an_option_given_twice_is_refused(given: tuple[str, ...]) -> None:
    with pytest.raises(InvalidOption, match="given twice"):
        task_options(given)


def test_later_options_win_and_fields_of_the_camera_are_joined() -> None:
    first = {"camera": {"width": 64, "height": 48}, "weather": "fog"}
    assert merged(first, {"camera": {"height": 32}, "weather": "rain"}) == {
        "camera": {"width": 64, "height": 32},
        "weather": "rain",
    }
    assert merged(first, {"camera": "wrist"})["camera"] == "wrist"
