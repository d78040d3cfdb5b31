"""Collection: the same episodes whatever the number of worlds, resumable, executed actions and the expert's labels."""

import errno
from types import SimpleNamespace

import numpy as np
import pytest
from drifting_point import DriftingPoint

from camshaft.agents.imitation import collection
from camshaft.agents.imitation.collection import CollectionConfig, collect
from camshaft.agents.imitation.recorder import DISPLACED_ACTION
from camshaft.agents.lerobot.observations import DISPLACED, FRONT, STATE
from camshaft.agents.lerobot.reader import DatasetReader
from camshaft.agents.lerobot.schema import ACTION, EXPERT_ACTION
from camshaft.envs.errors import CamshaftError, InvalidOption, UnknownName
from camshaft.perception.runs import durable_files

TASK = "camshaft/LaneKeeping-v0"
BOTH = (ACTION, EXPERT_ACTION)
HALF = CollectionConfig(record_hz=10.0)


@pytest.fixture
def simulated(monkeypatch):
    """Every simulation that is built, a fake one."""
    built = []

    def make(task, num_worlds, **options):
        built.append(DriftingPoint(num_worlds, **options))
        return built[-1]

    monkeypatch.setattr(collection, "make_simulation", make)
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


@pytest.mark.usefixtures("simulated")
def test_the_same_files_whatever_the_number_of_worlds(tmp_path):
    for num_worlds in (1, 3, 8):
        collect(TASK, tmp_path / str(num_worlds), 5, seed=3, num_worlds=num_worlds)
    assert files_of(tmp_path / "1") == files_of(tmp_path / "3") == files_of(tmp_path / "8")


@pytest.mark.usefixtures("simulated")
def test_episodes_differ_and_follow_the_seed(tmp_path):
    collect(TASK, tmp_path / "a", 3, seed=0)
    collect(TASK, tmp_path / "b", 2, seed=1)
    lengths = DatasetReader(tmp_path / "a").episode_lengths
    assert len(set(lengths.tolist())) > 1
    assert DatasetReader(tmp_path / "b").episode_lengths.tolist() == lengths[1:].tolist()
    first, second = (DatasetReader(tmp_path / "a").episode(index)["displaced.lateral"] for index in (0, 1))
    shorter = min(len(first), len(second))
    assert not np.isclose(first[:shorter], second[:shorter]).any()


@pytest.mark.usefixtures("simulated")
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


@pytest.mark.usefixtures("simulated")
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


@pytest.mark.usefixtures("simulated")
def test_other_arguments_on_the_same_folder_are_refused_by_name(tmp_path):
    collect(TASK, tmp_path / "set", 1, env_options={"camera": {"width": 12}})
    with pytest.raises(InvalidOption, match="seed was 0, is 7"):
        collect(TASK, tmp_path / "set", 2, seed=7, env_options={"camera": {"width": 12}})
    with pytest.raises(InvalidOption, match=r"env_options\.camera was \{'width': 12\}, is None"):
        collect(TASK, tmp_path / "set", 2)
    with pytest.raises(InvalidOption, match=r"config\.noise_std was 0\.03, is 0\.3"):
        config = CollectionConfig(noise_std=0.3)
        collect(TASK, tmp_path / "set", 2, env_options={"camera": {"width": 12}}, config=config)
    assert DatasetReader(tmp_path / "set").num_episodes == 1


def test_what_was_executed_is_the_action_and_the_experts_choice_its_label(tmp_path, simulated):
    config, options = CollectionConfig(noise_std=0.1), {"obs_mode": "rgb+state"}
    folder = collect(TASK, tmp_path / "set", 1, env_options=options, config=config)
    episode = DatasetReader(folder).episode(0)
    wanted = np.clip(-episode[STATE][:, 0], -1, 1)
    np.testing.assert_allclose(episode[EXPERT_ACTION], wanted, atol=1e-6)
    np.testing.assert_array_equal(episode[ACTION], np.array(simulated[0].executed)[:, 0])
    noise = episode[ACTION] - wanted
    assert 0.02 < np.abs(noise).mean() < 0.4
    still = collect(TASK, tmp_path / "still", 1, config=CollectionConfig(noise_std=0.0))
    again = DatasetReader(still).episode(0)
    np.testing.assert_array_equal(again[ACTION], again[EXPERT_ACTION])


def test_another_policy_acts_and_the_expert_labels(tmp_path, simulated):
    config, options = CollectionConfig(noise_std=0.0), {"obs_mode": "rgb+state"}
    folder = collect(TASK, tmp_path / "set", 2, policy="constant", env_options=options, config=config)
    columns = columns_of(folder)
    assert (columns[ACTION] == 0.0).all()
    np.testing.assert_allclose(columns[EXPERT_ACTION], np.clip(-columns[STATE][:, 0], -1, 1), atol=1e-6)


@pytest.mark.usefixtures("simulated")
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


def test_rewards_and_ends_of_the_skipped_steps_are_kept(tmp_path, simulated):
    every = columns_of(collect(TASK, tmp_path / "every", 3))
    half = columns_of(collect(TASK, tmp_path / "half", 3, config=HALF))
    assert DatasetReader(tmp_path / "every").fps == 20
    assert DatasetReader(tmp_path / "half").fps == 10
    for episode in range(3):
        whole, fewer = (columns["episode_index"] == episode for columns in (every, half))
        rows = np.flatnonzero(whole)
        np.testing.assert_array_equal(every[ACTION][rows[::2]], half[ACTION][fewer])
        np.testing.assert_array_equal(every[FRONT][rows[::2]], half[FRONT][fewer])
        for reward, pair in zip(
            half["next.reward"][fewer], np.split(rows, range(2, len(rows), 2)), strict=True
        ):
            assert reward == pytest.approx(every["next.reward"][pair].sum(), rel=1e-5)
        for name in ("next.done", "next.truncated", "next.success"):
            np.testing.assert_array_equal(
                half[name][fewer], every[name][[*rows[1::2], rows[-1]][: fewer.sum()]]
            )
        assert half["next.done"][fewer].tolist() == [False] * (fewer.sum() - 1) + [True]
        truncated = len(rows) == 45
        assert every["next.truncated"][rows[-1]] == truncated


@pytest.mark.parametrize(
    ("task", "options", "columns"),
    [
        (
            "camshaft/Highway-v0",
            {"control_mode": "discrete"},
            {FRONT: "image", ACTION: "int64", EXPERT_ACTION: "int64"},
        ),
        (
            "camshaft/Town-v0",
            {"obs_mode": "rgb+ego+command"},
            {
                FRONT: "image",
                "observation.ego": "float32",
                "observation.command": "float32",
                ACTION: "float32",
            },
        ),
        (
            "camshaft/Lift-v0",
            {"obs_mode": "rgb+depth+state", "camera": {"front": (24, 24), "wrist": (32, 24)}},
            {
                FRONT: "image",
                "observation.images.wrist": "image",
                "observation.images.wrist_depth": "image",
                STATE: "float32",
                "info.progress.lift": "float32",
            },
        ),
        (
            "camshaft/Push-v0",
            {"obs_mode": "rgb+state"},
            {STATE: "float32", "observation.desired_goal": "float32", "info.distance": "float32"},
        ),
    ],
)
def test_every_part_and_every_kind_of_action_is_recorded(tmp_path, task, options, columns):
    options = {"camera": (32, 24), "max_episode_steps": 6, **options}
    config = CollectionConfig(noise_std=0.3)
    for worlds in (1, 3):
        folder = collect(
            task,
            tmp_path / str(worlds),
            3,
            num_worlds=worlds,
            displaced_views=False,
            env_options=options,
            config=config,
        )
    assert_same(tmp_path / "1", tmp_path / "3")
    reader = DatasetReader(folder)
    for name, dtype in columns.items():
        assert reader.features[name].dtype == dtype, name
    found = columns_of(folder)
    if options.get("control_mode") == "discrete":
        assert set(np.unique(found[ACTION])) <= set(range(5))
        assert (found[ACTION] != found[EXPERT_ACTION]).any()
    assert {"next.reward", "next.done", "next.truncated", "next.success"} <= found.keys()


def test_arguments_are_checked_before_anything_is_written(tmp_path, simulated):
    folder = tmp_path / "set"
    with pytest.raises(UnknownName, match="Did you mean"):
        collect("camshaft/LaneKeping-v0", folder, 1)
    with pytest.raises(InvalidOption, match="no policy at 'experts'"):
        collect(TASK, folder, 1, policy="experts")
    with pytest.raises(InvalidOption, match="episodes"):
        collect(TASK, folder, 0)
    with pytest.raises(InvalidOption, match="record_hz must be one of 20, 10, 5, 4, 2, 1, got 7"):
        collect(TASK, folder, 1, config=CollectionConfig(record_hz=7))
    with pytest.raises(InvalidOption, match="noise_std"):
        CollectionConfig(noise_std=-1)
    with pytest.raises(InvalidOption, match="obs_mode 'state'.*leave them out"):
        collect(TASK, folder, 1, env_options={"obs_mode": "state"})
    with pytest.raises(InvalidOption, match="plain|numbers"):
        collect(TASK, folder, 1, env_options={"camera": SimpleNamespace()})
    assert not folder.exists()


@pytest.mark.usefixtures("simulated")
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


@pytest.mark.usefixtures("simulated")
def test_folders_of_others_are_not_added_to(tmp_path):
    folder = collect(TASK, tmp_path / "set", 1)
    stored = folder / "meta/camshaft.json"
    content = stored.read_text()
    stored.write_text(content.replace('"schema": 2', '"schema": 1'))
    with pytest.raises(
        InvalidOption, match=r"set was recorded by another version.*schema 1.*collect it again"
    ):
        collect(TASK, folder, 2)
    stored.unlink()
    with pytest.raises(InvalidOption, match="not collected here"):
        collect(TASK, folder, 2)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").touch()
    with pytest.raises(InvalidOption, match=r"holds cat\.jpg"):
        collect(TASK, tmp_path / "photos", 1)
