"""Stored frames: round trips, resumption after a crash, and errors for damaged files."""

import json
import pickle

import numpy as np
import pytest

from camshaft.envs.errors import CamshaftError, CorruptFile, InvalidOption, UnknownName
from camshaft.perception.data.stored import StoredFrames, write_frames

FILES, FRAMES = 3, 5
ABOUT = {"what": "counts"}


def content(number):
    rng = np.random.default_rng(number)
    return {
        "rgb": rng.integers(0, 256, (FRAMES, 6, 7, 3), np.uint8),
        "depth": rng.random((FRAMES, 6, 7), np.float32),
        "class": rng.integers(0, 9, FRAMES),
        "success": rng.random(FRAMES) < 0.5,
        "instances": rng.integers(0, 60_000, (FRAMES, 6, 7)).astype(np.uint16),
    }


@pytest.fixture
def folder(tmp_path):
    write_frames(tmp_path / "set", content, FILES, ABOUT, classes=[f"c{number}" for number in range(9)])
    return tmp_path / "set"


def test_frames_are_read_back_as_they_were_written_in_any_order(folder):
    frames = StoredFrames(folder)
    assert len(frames) == FILES * FRAMES and frames.classes[3] == "c3" and frames.about == ABOUT
    everything = [content(number) for number in range(FILES)]
    order = np.array([14, 0, 7, 7, 3])
    read = frames.fetch(order)
    for name, values in read.items():
        written = np.concatenate([part[name] for part in everything])
        assert values.dtype == written.dtype and np.array_equal(values, written[order])
    assert np.array_equal(frames[7]["rgb"], read["rgb"][2])
    assert np.array_equal(pickle.loads(pickle.dumps(frames))[14]["depth"], read["depth"][0])


def test_some_labels_alone_can_be_read(folder):
    assert set(StoredFrames(folder, ("rgb", "class"))[0]) == {"rgb", "class"}
    with pytest.raises(UnknownName, match="'depth'"):
        StoredFrames(folder, ("dept",))


def test_an_interrupted_set_is_resumed(tmp_path):
    made = []

    def failing(number):
        if number == 2 and len(made) < 3:
            made.append(number)
            raise KeyboardInterrupt
        made.append(number)
        return content(number)

    with pytest.raises(KeyboardInterrupt):
        write_frames(tmp_path, failing, FILES, ABOUT)
    assert len(StoredFrames(tmp_path)) == 2 * FRAMES
    assert write_frames(tmp_path, failing, FILES, ABOUT, resume=True) == FILES * FRAMES
    assert made == [0, 1, 2, 2]
    assert np.array_equal(StoredFrames(tmp_path)[12]["rgb"], content(2)["rgb"][2])


def test_resuming_rewrites_a_damaged_file(folder):
    path = folder / "frames-00001.safetensors"
    path.write_bytes(path.read_bytes()[:-40])
    write_frames(folder, content, FILES, ABOUT, resume=True)
    assert np.array_equal(StoredFrames(folder)[5]["rgb"], content(1)["rgb"][0])


def test_a_set_is_neither_overwritten_nor_mixed_with_another(folder):
    with pytest.raises(InvalidOption, match="holds a set already"):
        write_frames(folder, content, FILES, ABOUT)
    with pytest.raises(InvalidOption, match="other settings: what was 'counts', is 'other'"):
        write_frames(folder, content, FILES, {"what": "other"}, resume=True)
    with pytest.raises(InvalidOption, match="other labels"):
        write_frames(folder, lambda _: {"rgb": np.zeros((2, 3, 3, 3), np.uint8)}, 4, ABOUT, resume=True)


def test_no_unfinished_file_is_left_when_the_disk_is_full(tmp_path, monkeypatch):
    monkeypatch.setattr("os.fsync", _full)
    with pytest.raises(CamshaftError, match="the disk is full"):
        write_frames(tmp_path, content, FILES, ABOUT)
    assert not list(tmp_path.glob("*.unfinished")) and not list(tmp_path.glob("frames*"))


def _full(_):
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("damage", ["cut", "altered", "missing", "other"])
def test_a_damaged_file_is_named_and_left_out_if_asked(folder, damage):
    path = folder / "frames-00001.safetensors"
    data = bytearray(path.read_bytes())
    if damage == "cut":
        path.write_bytes(data[: len(data) // 2])
    elif damage == "altered":
        data[-100] ^= 1
        path.write_bytes(data)
    elif damage == "missing":
        path.unlink()
    else:
        path.write_bytes(b"x" * len(data))
    with pytest.raises(CorruptFile, match=r"frames-00001\.safetensors"):
        StoredFrames(folder)
    with pytest.warns(UserWarning, match=r"left out 5 frames.*frames-00001\.safetensors"):
        frames = StoredFrames(folder, on_corrupt="skip")
    assert len(frames) == 2 * FRAMES
    assert np.array_equal(frames[5]["rgb"], content(2)["rgb"][0])


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"format": "other", "version": 1}', '{"format": "camshaft frames", "version": 99}'],
)
def test_a_damaged_index_is_named(folder, text):
    (folder / "index.json").write_text(text)
    with pytest.raises(CorruptFile, match=r"index\.json"):
        StoredFrames(folder)


def test_an_index_cannot_lead_out_of_its_folder(folder):
    index = json.loads((folder / "index.json").read_text())
    index["files"][0]["name"] = "../elsewhere"
    (folder / "index.json").write_text(json.dumps(index))
    with pytest.raises(CorruptFile, match="elsewhere"):
        StoredFrames(folder)


def test_other_mistakes_are_named(folder, tmp_path):
    with pytest.raises(CorruptFile, match=r"no index\.json"):
        StoredFrames(tmp_path)
    with pytest.raises(InvalidOption, match=r"0\.\.14, got 15"):
        StoredFrames(folder).fetch([15])
    with pytest.raises(UnknownName, match="skip"):
        StoredFrames(folder, on_corrupt="ignore")
