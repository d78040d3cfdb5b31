"""Dataset folders: exact, complete after a kill, honest about damage, and read by the real lerobot."""

import errno
import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import cv2
import numpy as np
import pytest

from camshaft.agents.lerobot import writer as lerobot_writer
from camshaft.agents.lerobot.reader import DatasetReader, DatasetWriter, Feature, encode_png
from camshaft.envs.errors import CamshaftError, CorruptFile, InvalidOption, UnknownName
from camshaft.perception.runs import durable_files

FRONT = "observation.images.front"
TASK = "keep to the lane"
FEATURES = {
    FRONT: Feature("image", (12, 20, 3)),
    "action": Feature("float32", (2,), ("steering", "speed")),
    "next.reward": Feature("float32"),
    "next.done": Feature("bool"),
}
VIDEO_FEATURES = {**FEATURES, FRONT: Feature("video", (48, 64, 3))}
ROOT = Path(__file__).parents[3]


def make_episode(seed, length=9, features=FEATURES):
    """Random numbers and noisy, smoothly varying frames."""
    rng = np.random.default_rng(seed)
    height, width, _ = features[FRONT].shape
    noise = rng.integers(0, 256, (length, height // 4, width // 4, 3), dtype=np.uint8)
    return {
        FRONT: np.stack([cv2.resize(frame, (width, height)) for frame in noise]),
        "action": rng.uniform(-1, 1, (length, 2)).astype(np.float32),
        "next.reward": rng.normal(size=length).astype(np.float32),
        "next.done": np.arange(length) == length - 1,
    }


def write_dataset(folder, lengths=(9, 5, 12), features=FEATURES, **options):
    episodes = [make_episode(seed, length, features) for seed, length in enumerate(lengths)]
    with DatasetWriter(folder, 10, features, robot_type="car", task=TASK, **options) as writer:
        for episode in episodes:
            writer.add_episode(episode)
    return episodes


def assert_holds(folder, episodes):
    reader = DatasetReader(folder)
    assert reader.num_episodes == len(episodes)
    assert reader.num_frames == sum(len(episode["action"]) for episode in episodes)
    for index, episode in enumerate(episodes):
        read = reader.episode(index)
        for name, column in episode.items():
            np.testing.assert_array_equal(read[name], column, err_msg=f"{name} of episode {index}")
        length = len(episode["action"])
        np.testing.assert_array_equal(read["frame_index"], np.arange(length))
        np.testing.assert_array_equal(read["episode_index"], index)
        np.testing.assert_allclose(read["timestamp"], np.arange(length) / reader.fps, atol=1e-6)


@pytest.mark.parametrize("buffer_megabytes", [64.0, 0.0], ids=["one file", "a file an episode"])
def test_reads_back_every_bit(tmp_path, buffer_megabytes):
    episodes = write_dataset(tmp_path / "set", buffer_megabytes=buffer_megabytes)
    assert_holds(tmp_path / "set", episodes)
    reader = DatasetReader(tmp_path / "set")
    np.testing.assert_array_equal(reader.images(FRONT), np.concatenate([e[FRONT] for e in episodes]))
    np.testing.assert_array_equal(reader.column("action"), np.concatenate([e["action"] for e in episodes]))
    np.testing.assert_array_equal(reader.column("index"), np.arange(26))
    assert reader.tasks == [TASK]
    assert reader.episode_lengths.tolist() == [9, 5, 12]
    files = list((tmp_path / "set/data").rglob("*.parquet"))
    assert len(files) == (1 if buffer_megabytes else 3)


def test_encoded_images_give_the_same_files_as_arrays(tmp_path):
    write_dataset(tmp_path / "arrays")
    with DatasetWriter(tmp_path / "encoded", 10, FEATURES, robot_type="car", task=TASK) as writer:
        for seed, length in enumerate((9, 5, 12)):
            episode = make_episode(seed, length)
            writer.add_episode({**episode, FRONT: encode_png(episode[FRONT])})
    for path in (tmp_path / "arrays").rglob("*.*"):
        if path.is_file():
            twin = tmp_path / "encoded" / path.relative_to(tmp_path / "arrays")
            assert path.read_bytes() == twin.read_bytes(), path.name


def test_video_frames_come_back_in_order_within_the_loss_of_the_codec(tmp_path):
    episodes = write_dataset(tmp_path / "set", features=VIDEO_FEATURES)
    reader = DatasetReader(tmp_path / "set")
    frames = reader.images(FRONT)
    recorded = np.concatenate([episode[FRONT] for episode in episodes])
    errors = np.abs(frames[:, None].astype(int) - recorded[None]).mean(axis=(2, 3, 4))
    np.testing.assert_array_equal(errors.argmin(axis=1), np.arange(26))
    assert errors.diagonal().max() < 12
    np.testing.assert_array_equal(reader.episode(1)[FRONT], frames[9:14])


def test_append_goes_on_and_keeps_what_was_there(tmp_path):
    folder = tmp_path / "set"
    episodes = write_dataset(folder)
    before = {path: path.read_bytes() for path in folder.rglob("file-000.parquet")}
    with DatasetWriter.append(folder) as writer:
        assert writer.num_episodes == 3
        episodes.append(make_episode(7, 4))
        writer.add_episode(episodes[-1], task="turn around")
    assert_holds(folder, episodes)
    reader = DatasetReader(folder)
    assert reader.tasks == [TASK, "turn around"]
    assert reader.column("task_index")[-5:].tolist() == [0, 1, 1, 1, 1]
    assert all(path.read_bytes() == content for path, content in before.items())


def test_statistics_of_several_sessions_are_those_of_all_frames(tmp_path):
    folder = tmp_path / "set"
    episodes = write_dataset(folder)
    with DatasetWriter.append(folder) as writer:
        episodes.append(make_episode(3, 30))
        writer.add_episode(episodes[-1])
    statistics = json.loads((folder / "meta/stats.json").read_text())
    action = np.concatenate([episode["action"] for episode in episodes]).astype(np.float64)
    np.testing.assert_allclose(statistics["action"]["mean"], action.mean(axis=0))
    np.testing.assert_allclose(statistics["action"]["std"], action.std(axis=0))
    np.testing.assert_allclose(statistics["action"]["max"], action.max(axis=0))
    assert statistics["action"]["count"] == [len(action)]
    pixels = np.concatenate([episode[FRONT] for episode in episodes]) / 255.0
    mean = np.array(statistics[FRONT]["mean"])
    assert mean.shape == (3, 1, 1)
    np.testing.assert_allclose(mean.ravel(), pixels.mean(axis=(0, 1, 2)))
    np.testing.assert_allclose(np.ravel(statistics[FRONT]["std"]), pixels.std(axis=(0, 1, 2)))


KILLED_WRITER = """
    import sys
    sys.path[:0] = [{here!r}]
    from test_dataset import FEATURES, VIDEO_FEATURES, TASK, make_episode
    from camshaft.agents.lerobot.reader import DatasetWriter
    features = {features}
    writer = DatasetWriter({folder!r}, 10, features, task=TASK, buffer_megabytes=0)
    for seed in range(10_000):
        writer.add_episode(make_episode(seed, 5, features))
        print(seed, flush=True)
"""


@pytest.mark.parametrize("features", ["FEATURES", "VIDEO_FEATURES"])
@pytest.mark.parametrize("delay", [0.0, 0.003, 0.011, 0.024])
def test_a_writer_killed_at_any_moment_loses_no_written_episode(tmp_path, features, delay):
    folder = tmp_path / "set"
    script = KILLED_WRITER.format(here=str(Path(__file__).parent), features=features, folder=str(folder))
    command = [sys.executable, "-c", textwrap.dedent(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(3)]
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(delay)
        process.send_signal(signal.SIGKILL)
        lines += process.stdout.read().splitlines()
    written = int(lines[-1]) + 1
    kind = FEATURES if features == "FEATURES" else VIDEO_FEATURES

    reader = DatasetReader(folder)
    assert reader.num_episodes in (written, written + 1)
    count = reader.num_episodes
    with DatasetWriter.append(folder) as writer:
        writer.add_episode(make_episode(count, 5, kind))
    assert not list(folder.rglob("*" + durable_files.TEMPORARY_SUFFIX))
    reader = DatasetReader(folder)
    assert reader.num_episodes == count + 1
    actions = [make_episode(seed, 5, kind)["action"] for seed in range(count + 1)]
    np.testing.assert_array_equal(reader.column("action"), np.concatenate(actions))
    assert len(reader.images(FRONT)) == reader.num_frames


@pytest.mark.parametrize("features", [FEATURES, VIDEO_FEATURES], ids=["image", "video"])
def test_files_beyond_info_json_are_ignored_and_then_removed(tmp_path, features):
    folder = tmp_path / "set"
    episodes = write_dataset(folder, features=features)
    info = (folder / "meta/info.json").read_bytes()
    with DatasetWriter.append(folder) as writer:
        writer.add_episode(make_episode(9, 4, features))
    (folder / "meta/info.json").write_bytes(info)
    stray = {path for path in folder.rglob("file-001.*")}
    assert len(stray) == (2 if features is FEATURES else 3)
    assert DatasetReader(folder).num_episodes == 3
    DatasetWriter.append(folder).close()
    assert not any(path.exists() for path in stray)
    assert DatasetReader(folder).num_frames == sum(len(episode["action"]) for episode in episodes)


def test_ctrl_c_keeps_the_complete_episodes(tmp_path):
    with pytest.raises(KeyboardInterrupt), DatasetWriter(tmp_path / "set", 10, FEATURES, task=TASK) as writer:
        writer.add_episode(make_episode(0))
        raise KeyboardInterrupt
    assert_holds(tmp_path / "set", [make_episode(0)])


@pytest.mark.parametrize("features", [FEATURES, VIDEO_FEATURES], ids=["image", "video"])
@pytest.mark.parametrize("call", ["replace", "fsync"])
@pytest.mark.parametrize("after", range(6))
def test_a_full_disk_is_named_and_earlier_episodes_stay(tmp_path, monkeypatch, features, call, after):
    folder = tmp_path / "set"
    lengths = [5, 6]
    write_dataset(folder, lengths, features)
    counts = {"left": after}
    real = getattr(os, call)

    def fail(*args, **options):
        if counts["left"] == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        counts["left"] -= 1
        return real(*args, **options)

    monkeypatch.setattr(durable_files.os, call, fail)
    writer = DatasetWriter.append(folder, buffer_megabytes=0)
    with pytest.raises(CamshaftError, match=r"cannot write to .*set: the disk is full"), writer:
        for seed in (2, 3, 4):
            writer.add_episode(make_episode(seed, 7, features))
    monkeypatch.undo()
    count = DatasetReader(folder).num_episodes
    assert count in (2, 3)
    with DatasetWriter.append(folder) as writer:
        writer.add_episode(make_episode(8, 4, features))
    reader = DatasetReader(folder)
    assert reader.num_episodes == count + 1
    np.testing.assert_array_equal(reader.episode(0)["action"], make_episode(0, 5, features)["action"])
    np.testing.assert_array_equal(reader.episode(count)["action"], make_episode(8, 4, features)["action"])
    assert len(reader.images(FRONT)) == reader.num_frames


def test_a_writer_whose_disk_was_full_says_that_it_is_closed(tmp_path, monkeypatch):
    writer = DatasetWriter(tmp_path / "set", 10, FEATURES, task=TASK)
    writer.add_episode(make_episode(0))

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(lerobot_writer, "write_durably", full)
    with pytest.raises(CamshaftError, match="disk is full"):
        writer.close()
    with pytest.raises(CamshaftError, match="closed"):
        writer.add_episode(make_episode(1))


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])


def flip_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [truncate, flip_bit, Path.unlink])
@pytest.mark.parametrize(
    "name",
    [
        "data/chunk-000/file-000.parquet",
        "meta/episodes/chunk-000/file-000.parquet",
        "meta/tasks.parquet",
        "videos/observation.images.front/chunk-000/file-000.mp4",
    ],
)
def test_a_damaged_file_is_named(tmp_path, name, damage):
    folder = tmp_path / "set"
    write_dataset(folder, features=VIDEO_FEATURES)
    if damage is flip_bit and not name.startswith("data"):
        pytest.skip("only the columns of parquet files have checksums")
    damage(folder / name)
    with pytest.raises(CorruptFile) as caught:
        reader = DatasetReader(folder)
        for episode in range(reader.num_episodes):
            reader.episode(episode)
    expected = "meta/episodes" if "episodes" in name else name
    assert expected in str(caught.value)


def test_a_damaged_info_file_is_named(tmp_path):
    write_dataset(tmp_path / "set")
    truncate(tmp_path / "set/meta/info.json")
    with pytest.raises(CorruptFile, match=r"info\.json"):
        DatasetReader(tmp_path / "set")
    (tmp_path / "set/meta/info.json").write_text("{}")
    with pytest.raises(CorruptFile, match=r"info\.json: .*missing"):
        DatasetReader(tmp_path / "set")


def test_mistakes_are_told_before_anything_is_written(tmp_path):
    folder = tmp_path / "set"
    with pytest.raises(InvalidOption, match="not a LeRobot dataset"):
        DatasetReader(tmp_path)
    with pytest.raises(UnknownName, match="Did you mean 'float32'"):
        Feature("float3")
    with pytest.raises(InvalidOption, match="even"):
        Feature("video", (65, 200, 3))
    with pytest.raises(InvalidOption, match="fps"):
        DatasetWriter(folder, 7.5, FEATURES, task=TASK)
    episode = make_episode(0)
    with DatasetWriter(folder, 10, FEATURES) as writer:
        with pytest.raises(InvalidOption, match="in words"):
            writer.add_episode(episode)
        with pytest.raises(UnknownName, match="Did you mean 'action'"):
            writer.add_episode({**episode, "acton": episode["action"]}, TASK)
        with pytest.raises(InvalidOption, match=r"missing: next\.done"):
            writer.add_episode({name: episode[name] for name in list(episode)[:3]}, TASK)
        with pytest.raises(InvalidOption, match="one length"):
            writer.add_episode({**episode, "action": episode["action"][:-1]}, TASK)
        with pytest.raises(InvalidOption, match="row 2 is"):
            writer.add_episode(
                {**episode, "action": np.where(np.arange(9)[:, None] == 2, np.nan, 0.0).repeat(2, 1)}, TASK
            )
        with pytest.raises(InvalidOption, match="uint8"):
            writer.add_episode({**episode, FRONT: episode[FRONT] / 255.0}, TASK)
        with pytest.raises(InvalidOption, match=r"shape \(12, 20, 3\)"):
            writer.add_episode({**episode, FRONT: episode[FRONT][:, :8]}, TASK)
        writer.add_episode(episode, TASK)
    assert_holds(folder, [episode])
    with pytest.raises(InvalidOption, match="already holds a dataset"):
        DatasetWriter(folder, 10, FEATURES)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/one.png").touch()
    with pytest.raises(InvalidOption, match=r"not empty .*one\.png"):
        DatasetWriter(tmp_path / "photos", 10, FEATURES)


def test_two_writers_of_one_folder_are_refused(tmp_path):
    pytest.importorskip("fcntl")
    with DatasetWriter(tmp_path / "set", 10, FEATURES, task=TASK) as writer:
        writer.add_episode(make_episode(0))
        with pytest.raises(CamshaftError, match="another process"):
            DatasetWriter.append(tmp_path / "set")
    DatasetWriter.append(tmp_path / "set").close()


@pytest.mark.parametrize("features", [FEATURES, VIDEO_FEATURES], ids=["image", "video"])
def test_lerobot_itself_reads_the_folder(tmp_path, features):
    interpreter = os.environ.get("CAMSHAFT_LEROBOT_PYTHON")
    if not interpreter:
        pytest.skip("set CAMSHAFT_LEROBOT_PYTHON to a Python that has lerobot[dataset] installed")
    lengths = (9, 5, 12)
    folder = tmp_path / "set"
    episodes = write_dataset(folder, lengths, features, buffer_megabytes=0)
    with DatasetWriter.append(folder) as writer:
        for seed in (3, 4):
            episodes.append(make_episode(seed, 6, features))
            writer.add_episode(episodes[-1])
    columns = {name: np.concatenate([episode[name] for episode in episodes]) for name in features}
    np.savez(tmp_path / "expected.npz", episode_lengths=[*lengths, 6, 6], task=TASK, **columns)
    script = ROOT / "tests/helpers/lerobot_check.py"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["HF_HOME"] = str(tmp_path / "cache")
    done = subprocess.run(
        [interpreter, script, folder, tmp_path / "expected.npz"],
        capture_output=True,
        check=False,
        text=True,
        env=environment,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "lerobot reads 5 episodes, 38 frames" in done.stdout
