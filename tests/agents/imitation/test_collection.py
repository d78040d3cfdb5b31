"""Demonstrations: the same whatever the number of worlds, resumable, labeled by the expert, loaded in full."""

import errno
import json
from types import SimpleNamespace

import numpy as np
import pytest

from camshaft.agents.imitation import demonstrations
from camshaft.agents.imitation.collection import (
    ACTION,
    DISPLACED_ACTION,
    CollectionConfig,
    Recorded,
    _Episode,
)
from camshaft.agents.imitation.demonstrations import Demonstrations, collect
from camshaft.agents.lerobot.observations import DISPLACED, FRONT, STATE
from camshaft.agents.lerobot.reader import DatasetReader
from camshaft.envs.errors import CamshaftError, CorruptFile, InvalidOption, UnknownName
from camshaft.envs.rendering.camera import Camera
from camshaft.perception.runs import durable_files

TASK = "camshaft/LaneKeeping-v0"


@pytest.fixture(autouse=True)
def simulated(monkeypatch):
    """Every simulation that is built, a fake one."""
    built = []

    def make(task, num_worlds, **options):
        built.append(DriftingPoint(num_worlds, **options))
        return built[-1]

    monkeypatch.setattr(demonstrations, "make_simulation", make)
    return built


def columns_of(folder):
    reader = DatasetReader(folder)
    episodes = [reader.episode(index) for index in range(reader.num_episodes)]
    return {name: np.concatenate([episode[name] for episode in episodes]) for name in reader.features}


def assert_same(first, second):
    one, other = columns_of(first), columns_of(second)
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


def files_of(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_the_same_files_whatever_the_number_of_worlds(tmp_path):
    for num_worlds in (1, 3, 8):
        collect(TASK, tmp_path / str(num_worlds), 5, seed=3, num_worlds=num_worlds)
    assert files_of(tmp_path / "1") == files_of(tmp_path / "3") == files_of(tmp_path / "8")


def test_episodes_differ_and_follow_the_seed(tmp_path):
    collect(TASK, tmp_path / "a", 3, seed=0)
    collect(TASK, tmp_path / "b", 2, seed=1)
    lengths = DatasetReader(tmp_path / "a").episode_lengths
    assert len(set(lengths.tolist())) > 1
    assert DatasetReader(tmp_path / "b").episode_lengths.tolist() == lengths[1:].tolist()
    first, second = (DatasetReader(tmp_path / "a").episode(index)["displaced.lateral"] for index in (0, 1))
    shorter = min(len(first), len(second))
    assert not np.isclose(first[:shorter], second[:shorter]).any()


def test_collecting_again_goes_on_after_the_last_episode(tmp_path):
    seen = []
    collect(TASK, tmp_path / "whole", 5)
    collect(TASK, tmp_path / "parts", 2)
    collect(
        TASK, tmp_path / "parts", 5, num_worlds=2, progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(3, 5), (4, 5), (5, 5)]
    assert_same(tmp_path / "whole", tmp_path / "parts")


def test_nothing_is_simulated_when_all_episodes_are_there(tmp_path, simulated):
    collect(TASK, tmp_path / "set", 2)
    before = files_of(tmp_path / "set")
    collect(TASK, tmp_path / "set", 1)
    assert len(simulated) == 1
    assert files_of(tmp_path / "set") == before


def test_ctrl_c_keeps_complete_episodes_and_the_next_call_goes_on(tmp_path):
    def interrupt(done, total):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        collect(TASK, tmp_path / "set", 4, num_worlds=1, progress=interrupt)
    assert DatasetReader(tmp_path / "set").num_episodes == 2
    collect(TASK, tmp_path / "set", 4)
    collect(TASK, tmp_path / "whole", 4)
    assert_same(tmp_path / "whole", tmp_path / "set")


def test_other_arguments_on_the_same_folder_are_refused_by_name(tmp_path):
    collect(TASK, tmp_path / "set", 1, env_options={"camera": {"width": 12}})
    with pytest.raises(InvalidOption, match="seed was 0, is 7"):
        collect(TASK, tmp_path / "set", 2, seed=7, env_options={"camera": {"width": 12}})
    with pytest.raises(InvalidOption, match=r"env_options\.camera\.width was 12, is None"):
        collect(TASK, tmp_path / "set", 2)
    with pytest.raises(InvalidOption, match=r"config\.noise_std was 0\.03, is 0\.3"):
        config = CollectionConfig(noise_std=0.3)
        collect(TASK, tmp_path / "set", 2, env_options={"camera": {"width": 12}}, config=config)
    assert DatasetReader(tmp_path / "set").num_episodes == 1


def test_labels_are_the_experts_at_the_visited_state_though_the_car_is_disturbed(tmp_path, simulated):
    config, options = CollectionConfig(noise_std=0.1), {"obs_mode": "rgb+state"}
    folder = collect(TASK, tmp_path / "set", 1, env_options=options, config=config)
    episode = DatasetReader(folder).episode(0)
    wanted = np.clip(-episode[STATE][:, 0], -1, 1)
    np.testing.assert_allclose(episode[ACTION], wanted, atol=1e-6)
    executed = np.array(simulated[0].executed)[::2, 0]
    noise = executed - wanted
    assert 0.02 < np.abs(noise).mean() < 0.4
    still = collect(TASK, tmp_path / "still", 1, config=CollectionConfig(noise_std=0.0))
    np.testing.assert_allclose(
        np.array(simulated[1].executed)[::2, 0], DatasetReader(still).episode(0)[ACTION], atol=1e-6
    )


def test_displaced_views_show_and_label_the_displaced_pose(tmp_path):
    folder = collect(TASK, tmp_path / "set", 2, env_options={"obs_mode": "rgb+state"})
    columns = columns_of(folder)
    lateral, heading = columns["displaced.lateral"], columns["displaced.heading"]
    assert np.abs(lateral).max() <= 1.2
    assert np.abs(lateral).max() > 0.9
    assert 0.08 < np.abs(heading).max() <= np.radians(6.0)
    moved = columns[STATE][:, 0] + lateral
    np.testing.assert_allclose(columns[DISPLACED_ACTION], np.clip(-moved - heading, -1, 1), atol=1e-6)
    simulation = DriftingPoint(len(moved))
    np.testing.assert_allclose(
        columns[DISPLACED].astype(int), simulation._frames(moved, heading).astype(int), atol=1
    )


def test_noise_is_smooth_and_has_the_standard_deviation_asked_for():
    config = CollectionConfig(noise_std=0.2, noise_seconds=0.5)
    episode = _Episode(0, Recorded(0, 1, True, config), 4000, 20.0)
    series = np.array([episode.next_noise() for _ in range(40)])
    np.testing.assert_allclose(series.std(axis=1), 0.2, rtol=0.06)
    after_half_a_second = np.mean(series[10:] * series[:-10]) / np.mean(series**2)
    assert after_half_a_second == pytest.approx(np.exp(-1), abs=0.03)


def test_rewards_and_ends_of_the_skipped_steps_are_kept(tmp_path, simulated):
    rewards = []
    original = DriftingPoint._step

    def watched(self, actions):
        measurements = original(self, actions)
        rewards.append(float(measurements.reward[0]))
        return measurements

    DriftingPoint._step = watched
    try:
        folder = collect(TASK, tmp_path / "set", 1, num_worlds=1)
    finally:
        DriftingPoint._step = original
    episode = DatasetReader(folder).episode(0)
    assert len(episode[ACTION]) == -(-len(rewards) // 2)
    assert episode["next.reward"].sum() == pytest.approx(sum(rewards), rel=1e-5)
    assert episode["next.done"].tolist() == [False] * (len(episode[ACTION]) - 1) + [True]
    assert DatasetReader(folder).fps == 10


def test_demonstrations_load_frames_actions_and_environment(tmp_path):
    options = {"obs_mode": "rgb+state", "camera": (12, 8)}
    folder = collect(TASK, tmp_path / "set", 3, env_options=options)
    columns = columns_of(folder)
    loaded = Demonstrations(folder)
    count = len(columns[ACTION])
    assert len(loaded) == 2 * count
    assert loaded.images.shape == (2 * count, 8, 12, 3)
    np.testing.assert_array_equal(loaded.images[:count], columns[FRONT])
    np.testing.assert_array_equal(loaded.images[count:], columns[DISPLACED])
    np.testing.assert_array_equal(loaded.actions[:count, 0], columns[ACTION])
    np.testing.assert_array_equal(loaded.actions[count:, 0], columns[DISPLACED_ACTION])
    np.testing.assert_array_equal(loaded.episodes, np.tile(columns["episode_index"], 2))
    assert loaded.displaced.sum() == count
    assert loaded.actions.dtype == np.float32
    assert (loaded.task, loaded.num_episodes, loaded.fps) == (TASK, 3, 10)
    assert loaded.env_options["obs_mode"] == "rgb+state"
    assert loaded.env_options["control_mode"] == "steering"
    assert Camera.parse(loaded.env_options["camera"], Camera()) == Camera(width=12, height=8)
    alone = Demonstrations(folder, displaced_views=False)
    np.testing.assert_array_equal(alone.images, columns[FRONT])


def test_what_a_folder_lacks_is_said(tmp_path):
    folder = collect(TASK, tmp_path / "set", 1, displaced_views=False)
    assert DISPLACED not in DatasetReader(folder).features
    assert len(Demonstrations(folder)) == len(Demonstrations(folder, displaced_views=False)) > 0
    with pytest.raises(InvalidOption, match="without displaced views"):
        Demonstrations(folder, displaced_views=True)
    with pytest.raises(InvalidOption, match="not a LeRobot dataset"):
        Demonstrations(tmp_path)
    stored = folder / "meta/camshaft.json"
    content = json.loads(stored.read_text())
    stored.write_text("{")
    with pytest.raises(CorruptFile, match=r"camshaft\.json"):
        Demonstrations(folder)
    stored.unlink()
    with pytest.raises(InvalidOption, match="not made by collecting"):
        Demonstrations(folder)
    with pytest.raises(InvalidOption, match="not collected here"):
        collect(TASK, folder, 2, displaced_views=False)
    assert content["collected_with"]["policy"] == "expert"


def test_arguments_are_checked_before_anything_is_written(tmp_path, simulated):
    folder = tmp_path / "set"
    with pytest.raises(UnknownName, match="Did you mean"):
        collect("camshaft/LaneKeping-v0", folder, 1)
    with pytest.raises(UnknownName, match="policy"):
        collect(TASK, folder, 1, policy="experts")
    with pytest.raises(InvalidOption, match="episodes"):
        collect(TASK, folder, 0)
    with pytest.raises(InvalidOption, match="record_hz must be one of 20, 10, 5"):
        collect(TASK, folder, 1, config=CollectionConfig(record_hz=7))
    with pytest.raises(InvalidOption, match="noise_std"):
        CollectionConfig(noise_std=-1)
    with pytest.raises(InvalidOption, match="'rgb'"):
        collect(TASK, folder, 1, env_options={"obs_mode": "state"})
    with pytest.raises(InvalidOption, match="plain|numbers"):
        collect(TASK, folder, 1, env_options={"camera": SimpleNamespace()})
    assert not folder.exists()


def test_a_full_disk_keeps_the_episodes_before(tmp_path, monkeypatch):
    folder = collect(TASK, tmp_path / "set", 2)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(durable_files.os, "fsync", full)
        with pytest.raises(CamshaftError, match="the disk is full"):
            collect(TASK, folder, 4)
    assert DatasetReader(folder).num_episodes == 2
    assert_same(collect(TASK, folder, 4), collect(TASK, tmp_path / "whole", 4))
