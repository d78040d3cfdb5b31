"""Task pages match the tasks' docstrings; replay without a window."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from camshaft import envs
from camshaft.envs.errors import CamshaftError, InvalidOption
from camshaft.experiments.cli.main import main
from camshaft.experiments.cli.play import PlayConfig, _Window, run
from camshaft.experiments.docs_media.task_pages import index, page, short_name, task_images

DOCS = Path(__file__).parents[3] / "docs" / "tasks"


@pytest.mark.parametrize("task", envs.TASKS, ids=short_name)
def test_every_task_has_its_page_and_image(task):
    assert (DOCS / f"{short_name(task)}.md").read_text(encoding="utf-8") == page(task), (
        "camshaft tasks --docs docs/tasks"
    )
    assert (DOCS / f"{short_name(task)}.jpg").stat().st_size > 10_000


def test_the_gallery_lists_every_task():
    assert (DOCS / "README.md").read_text(encoding="utf-8") == index()
    assert (DOCS / "gallery.jpg").exists()


def test_images_are_of_what_the_page_says():
    tiles = task_images(envs.find_task("camshaft/Parking-v0"))
    assert set(tiles) == {"from outside", "what the camera sees", "its labels", "the map"}
    assert all(tile.std() > 10 for tile in tiles.values())


def test_recorded_actions_are_replayed(tmp_path, capsys):
    actions = np.tile(np.array([[0.1, 0.5]], np.float32), (30, 1))
    actions[15] = np.nan  # the next episode
    np.save(tmp_path / "drive.npy", actions)
    film, again = tmp_path / "drive.mp4", tmp_path / "again.npy"
    run(PlayConfig("Racing", actions=tmp_path / "drive.npy", video=film, record=again))
    assert "30 steps" in capsys.readouterr().out
    assert film.stat().st_size > 5_000
    np.testing.assert_array_equal(np.load(again), actions)


def test_discrete_actions_are_replayed(tmp_path):
    np.save(tmp_path / "choices.npy", np.array([1, 0, 2, 1], np.int64))
    played = PlayConfig("Highway", control_mode="discrete", actions=tmp_path / "choices.npy")
    run(replace(played, record=tmp_path / "again.npy"))
    np.testing.assert_array_equal(np.load(tmp_path / "again.npy"), [1, 0, 2, 1])
    run(replace(played, actions=tmp_path / "again.npy"))
    for wrong in (5, -1, 0.5):
        np.save(tmp_path / "choices.npy", np.array([1, wrong]))
        with pytest.raises(InvalidOption, match=rf"choices within 0\.\.4: row 1 is {wrong}"):
            run(played)


def test_what_was_played_until_ctrl_c_is_kept(tmp_path, monkeypatch, capsys):
    pytest.importorskip("pygame")
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    show, shown = _Window.show, []

    def stopped(window, frame):
        shown.append(show(window, frame))
        if len(shown) == 4:  # the first is of the opening
            raise KeyboardInterrupt

    monkeypatch.setattr(_Window, "show", stopped)
    assert main(["play", "LaneKeeping", "--view", "map", "--record", str(tmp_path / "a.npy")]) == 130
    assert f"The steps played so far are in {tmp_path / 'a.npy'}." in capsys.readouterr().err
    assert np.load(tmp_path / "a.npy").shape == (3, 1)


def test_a_window_is_played_in(tmp_path, monkeypatch, capsys):
    pytest.importorskip("pygame")
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    run(PlayConfig("camshaft/LaneKeeping-v0", steps=4, view="map", record=tmp_path / "a.npy"))
    assert "4 steps" in capsys.readouterr().out
    assert np.load(tmp_path / "a.npy").shape == (4, 1)


@pytest.mark.parametrize(
    ("content", "error", "told"),
    [
        (np.zeros((5, 3), np.float32), InvalidOption, "shape"),
        (np.zeros((0, 2), np.float32), InvalidOption, "there are none"),
        (np.array([[0.1, 0.5], [0.1, np.nan]], np.float32), InvalidOption, "row 1 is not finite"),
        (np.array(["left", "right"]), CamshaftError, "not an array of actions"),
        (b"no array", CamshaftError, "not an array of actions"),
        (b"", CamshaftError, "not an array of actions"),
    ],
)
def test_wrong_recordings_are_refused(tmp_path, content, error, told):
    path = tmp_path / "wrong.npy"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        np.save(path, content)
    with pytest.raises(error, match=told):
        run(PlayConfig("Racing", actions=path))
