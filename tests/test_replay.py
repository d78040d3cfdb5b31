"""Demonstrations seen anew through another camera: the same episodes, other frames."""

import numpy as np
import pytest

from agents.collection import ACTION, CollectionConfig
from agents.demonstrations import Demonstrations, collect, replay
from agents.lerobot_dataset import DatasetReader
from envs.errors import CamshaftError, InvalidOption

TASKS = {
    "camshaft/LaneKeeping-v0": ("curvature", True),
    "camshaft/Reach-v0": ("ee_position", False),
}


def record(task, folder):
    control_mode, displaced = TASKS[task]
    options = {"obs_mode": "rgb", "control_mode": control_mode, "camera": {"width": 32, "height": 24}}
    options["max_episode_steps"] = 24
    config = CollectionConfig(record_hz=4.0)
    return collect(
        task, folder, 2, seed=3, displaced_views=displaced, env_options=options, config=config, num_worlds=2
    )


@pytest.mark.parametrize("task", TASKS)
def test_episodes_are_the_same_and_frames_are_not(task, tmp_path):
    first = record(task, tmp_path / "first")
    camera = {"width": 48, "height": 48, "fov_degrees": 100.0}
    second = replay(first, tmp_path / "second", {"camera": camera}, num_worlds=1)
    before, after = (Demonstrations(each, displaced_views=TASKS[task][1]) for each in (first, second))
    np.testing.assert_array_equal(before.actions, after.actions)
    assert after.images.shape == (len(before.images), 48, 48, 3)
    assert after.images.std() > 10


def test_a_night_drive_is_the_day_drive_in_the_dark(tmp_path):
    first = record("camshaft/LaneKeeping-v0", tmp_path / "first")
    second = replay(first, tmp_path / "night", {"time_of_day": "night"})
    assert Demonstrations(second).images.mean() < 0.7 * Demonstrations(first).images.mean()


def test_what_changes_more_than_what_is_seen_is_told(tmp_path):
    first = record("camshaft/LaneKeeping-v0", tmp_path / "first")
    with pytest.raises(CamshaftError, match="came out otherwise"):
        replay(first, tmp_path / "second", {"control_mode": "steering"})
    assert len(DatasetReader(first).column(ACTION))


def test_a_folder_that_was_not_collected_is_refused(tmp_path):
    with pytest.raises(InvalidOption, match="not made by collecting"):
        replay(tmp_path, tmp_path / "second", {})
