"""Replays: the same episodes through other cameras, with other labels, in other light."""

import numpy as np
import pytest

from camshaft.agents.imitation.collection import CollectionConfig, collect, replay
from camshaft.agents.imitation.demonstrations import Demonstrations
from camshaft.agents.lerobot.observations import as_images, column_of, from_images
from camshaft.agents.lerobot.reader import DatasetReader
from camshaft.agents.lerobot.schema import ACTION
from camshaft.envs import make_simulation
from camshaft.envs.errors import CamshaftError, InvalidOption
from camshaft.experiments.cli.main import main

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
    frames = after.fetch(np.arange(len(after)))["rgb"]
    assert frames.shape == (len(before), 48, 48, 3)
    assert frames.std() > 10


def test_a_night_drive_is_the_day_drive_in_the_dark(tmp_path):
    first = record("camshaft/LaneKeeping-v0", tmp_path / "first")
    second = replay(first, tmp_path / "night", {"time_of_day": "night"})
    night, day = (DatasetReader(each).images(column_of("rgb")).mean() for each in (second, first))
    assert night < 0.7 * day


def test_what_changes_more_than_what_is_seen_is_told(tmp_path):
    first = record("camshaft/LaneKeeping-v0", tmp_path / "first")
    with pytest.raises(CamshaftError, match="came out otherwise"):
        replay(first, tmp_path / "second", {"control_mode": "steering"})
    assert len(DatasetReader(first).column(ACTION))


def test_a_folder_that_was_not_collected_is_refused(tmp_path):
    with pytest.raises(InvalidOption, match="not made by collecting"):
        replay(tmp_path, tmp_path / "second", {})


def reach(folder, **options):
    options = {"obs_mode": "rgb", "camera": {"width": 32, "height": 24}, "max_episode_steps": 12, **options}
    config = CollectionConfig(record_hz=4.0)
    task, worlds = "camshaft/Reach-v0", {"num_worlds": 2}
    return collect(task, folder, 2, displaced_views=False, env_options=options, config=config, **worlds)


def test_episodes_are_seen_through_named_cameras_with_labels(tmp_path):
    first = reach(tmp_path / "first")
    cameras = {"front": {}, "wrist": {"width": 40, "height": 30}}
    options = {"camera": cameras, "obs_mode": "rgb+depth+segmentation+instances+state"}
    second = DatasetReader(replay(first, tmp_path / "second", options))
    together = make_simulation("camshaft/Reach-v0", 2, randomize="train", reward_mode="dense", **options)
    together.reset(seeds=[0, 1])
    seen = together.observe()
    starts = np.flatnonzero(second.column("frame_index") == 0)
    for camera in cameras:
        for output in ("rgb", "depth", "segmentation", "instances"):
            kept = second.images(column_of(f"{camera}/{output}"))[starts]
            there = seen[f"{camera}/{output}"]
            np.testing.assert_allclose(
                from_images(output, kept), there, atol=1e-4 if output == "depth" else 0
            )
    np.testing.assert_array_equal(second.column("observation.state")[starts], seen["observation"])
    np.testing.assert_array_equal(second.column("observation.desired_goal")[starts], seen["desired_goal"])
    assert set(Demonstrations(second.folder).fetch([0])) == {"front/rgb", "wrist/rgb", "action"}


def test_a_camera_with_a_name_can_be_learned_from(tmp_path):
    first = reach(tmp_path / "first")
    second = replay(first, tmp_path / "second", {"camera": {"wrist": {}}, "obs_mode": "rgb+depth"})
    loaded = Demonstrations(second, displaced_views=False)
    assert loaded.fetch([0, 1])["wrist/rgb"].shape == (2, 84, 84, 3)
    simulation = make_simulation(loaded.task, 1, **loaded.env_options)
    simulation.reset(seeds=[0])
    assert simulation.observe().shape == (1, 84, 84, 3)


def test_displaced_views_are_of_one_camera(tmp_path):
    first = record("camshaft/LaneKeeping-v0", tmp_path / "first")
    options = {"camera": {"left": {}, "right": {}}}
    with pytest.raises(InvalidOption, match="displaced views"):
        replay(first, tmp_path / "second", options)
    again = replay(first, tmp_path / "third", options, displaced_views=False)
    assert {"observation.images.left", "observation.images.right"} <= set(DatasetReader(again).features)


@pytest.mark.parametrize("output", ["rgb", "depth", "segmentation", "instances"])
def test_labels_come_back_from_images(output):
    rng = np.random.default_rng(0)
    types = {"rgb": np.uint8, "depth": np.float32, "segmentation": np.uint8, "instances": np.uint16}
    largest = {"depth": 1600.0, "instances": 65536}.get(output, 256)
    images = rng.uniform(0, largest, (3, 5, 7, 3 if output == "rgb" else 1)).astype(types[output])
    back = from_images(output, as_images(output, images))
    assert back.dtype == images.dtype
    np.testing.assert_allclose(back, images, atol=1.5e-4 if output == "depth" else 0)


def test_a_task_without_displaced_views_is_collected_without_them(tmp_path):
    folder = tmp_path / "reach"
    words = ["--task", "Reach", "--episodes", "1", "--seconds", "0.5", "--camera", "24", "24"]
    assert main(["collect", str(folder), *words]) == 0
    assert "observation.images.displaced" not in DatasetReader(folder).features


def test_the_command_line_names_views(tmp_path, capsys):
    first, second = str(reach(tmp_path / "first")), str(tmp_path / "second")
    assert (
        main(
            ["collect", second, "--replay", first, "--views", "overhead", "wrist", "--obs-mode", "rgb+depth"]
        )
        == 0
    )
    names = {f"observation.images.{name}" for name in ("overhead", "wrist", "overhead_depth", "wrist_depth")}
    assert names <= set(DatasetReader(second).features)
    assert main(["collect", second, "--replay", first, "--views", "overhed"]) == 2
    assert "Did you mean 'overhead'" in capsys.readouterr().err
    assert main(["collect", second, "--views", "overhead"]) == 2
    assert "has one camera" in capsys.readouterr().err
