"""Readers of human driving logs: Donkeycar tubs and logs of Udacity's simulator."""

import itertools
import json

import cv2
import numpy as np
import pytest
from image_files import unpacked, write_image

from camshaft.envs.errors import CorruptFile
from camshaft.perception.data.readers import DonkeyTub, UdacityLog


def second_version(folder, count=6, deleted=(2,)):
    rows = [
        {
            "_index": number,
            "cam/image_array": f"{number}.png",
            "user/angle": 0.1 * number,
            "user/throttle": 0.5,
        }
        for number in range(count)
    ]
    for number in range(count):
        write_image(folder / "images" / f"{number}.png", number)
    (folder / "catalog_0.catalog").write_text("".join(json.dumps(row) + "\n" for row in rows[:4]))
    (folder / "catalog_1.catalog").write_text("".join(json.dumps(row) + "\n" for row in rows[4:]))
    state = {"paths": ["catalog_0.catalog", "catalog_1.catalog"], "deleted_indexes": list(deleted)}
    (folder / "manifest.json").write_text("\n".join(["[]", "[]", "{}", "{}", json.dumps(state)]))


def test_a_tub_of_version_two_leaves_out_what_the_driver_deleted_and_left_is_positive(tmp_path):
    second_version(tmp_path)
    frames = DonkeyTub(tmp_path)
    assert [int(frames[number]["rgb"][0, 0, 0]) for number in range(len(frames))] == [0, 1, 3, 4, 5]
    assert np.allclose(frames.fetch(range(5))["steering"], [0.0, -0.1, -0.3, -0.4, -0.5])


def test_a_tub_of_version_one_is_read_in_the_order_of_its_numbers(tmp_path):
    for number in (2, 10, 1):
        record = {"cam/image_array": f"{number}_cam.png", "user/angle": -0.5, "user/throttle": 0.1 * number}
        (tmp_path / f"record_{number}.json").write_text(json.dumps(record))
        write_image(tmp_path / f"{number}_cam.png", number)
    frames = DonkeyTub(tmp_path)
    assert np.allclose(frames.fetch(range(3))["throttle"], [0.1, 0.2, 1.0])
    assert frames[0]["steering"] == 0.5


def test_splits_of_a_drive_take_whole_blocks(tmp_path):
    second_version(tmp_path, 520, ())
    parts = {split: DonkeyTub(tmp_path, split) for split in ("train", "val", "all")}
    assert [len(parts[split]) for split in ("train", "val", "all")] == [420, 100, 520]
    assert {item.image.stem for item in parts["val"]._items} == {str(number) for number in range(400, 500)}


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("manifest.json", "[]", "not the manifest"),
        ("catalog_1.catalog", "{", r"catalog_1\.catalog, line 1 is not a record of a tub: JSONDecodeError"),
        ("catalog_1.catalog", '{"_index": 4}', r"line 1 is not a record"),
        ("catalog_1.catalog", None, r"catalog_1\.catalog cannot be read"),
    ],
)
def test_damage_to_a_tub_is_named(tmp_path, file, text, words):
    second_version(tmp_path)
    if text is None:
        (tmp_path / file).unlink()
    else:
        (tmp_path / file).write_text(text)
    with pytest.raises(CorruptFile, match=words):
        DonkeyTub(tmp_path)


def test_a_record_that_was_cut_short_is_left_out_if_asked(tmp_path):
    second_version(tmp_path)
    whole = len(DonkeyTub(tmp_path))
    catalog = tmp_path / "catalog_1.catalog"
    catalog.write_bytes(catalog.read_bytes().rstrip()[:-20])
    with pytest.warns(UserWarning, match=r"catalog_1\.catalog, line \d+ is not a record"):
        assert len(DonkeyTub(tmp_path, on_corrupt="skip")) == whole - 1
    catalog.write_bytes(b"\xff\xfe")
    with pytest.raises(CorruptFile, match=r"catalog_1\.catalog is not UTF-8 text"):
        DonkeyTub(tmp_path)
    with pytest.warns(UserWarning, match="not UTF-8 text"):
        assert 0 < len(DonkeyTub(tmp_path, on_corrupt="skip")) < whole


def test_steering_out_of_range_is_named(tmp_path):
    second_version(tmp_path, 30, ())
    with pytest.raises(CorruptFile, match=r"11\.png has a steering of -1\.1"):
        DonkeyTub(tmp_path).fetch(range(30))
    with pytest.warns(UserWarning, match="steering"):
        assert len(DonkeyTub(tmp_path, on_corrupt="skip")) == 11


def test_udacitys_side_cameras_steer_back(tmp_path):
    header = "center,left,right,steering,throttle,brake,speed\n"
    row = "C:\\drive\\IMG\\c.png, /home/x/IMG/l.png, IMG/r.png, -0.25, 0.5, 0, 12.5\n"
    for number, name in enumerate("clr"):
        write_image(tmp_path / "IMG" / f"{name}.png", number)
    for text in (header + row, row):
        (tmp_path / "driving_log.csv").write_text(text)
        batch = UdacityLog(tmp_path, cameras=("center", "left", "right")).fetch(range(3))
        assert batch["rgb"][:, 0, 0, 0].tolist() == [0, 1, 2]
        assert np.allclose(batch["steering"], [0.25, 0.05, 0.45])  # from the left, more to the right
    assert len(UdacityLog(tmp_path)) == 1
    (tmp_path / "driving_log.csv").write_text(row + "a,b,c\n")
    with pytest.raises(CorruptFile, match="row 2"):
        UdacityLog(tmp_path)
    with pytest.warns(UserWarning, match="row 2"):
        assert len(UdacityLog(tmp_path, on_corrupt="skip")) == 1


def test_real_tub(tmp_path):
    root = unpacked("donkey_tub_5.zip", tmp_path) / "data" / "tub_5_24-04-23"
    frames = DonkeyTub(root, size=(60, 80))
    assert len(frames) == 1996
    batch = frames.fetch(range(700))
    assert np.abs(batch["steering"]).max() > 0.3 and np.isfinite(batch["throttle"]).all()
    # The world moves to the right in the image when the car steers to the left.
    gray = batch["rgb"].mean(axis=3).astype(np.float32)[:, 15:45]
    window = cv2.createHanningWindow(gray.shape[2:0:-1], cv2.CV_32F)
    shifts = [cv2.phaseCorrelate(first, second, window)[0][0] for first, second in itertools.pairwise(gray)]
    assert np.corrcoef(batch["steering"][:-1], np.clip(shifts, -8, 8))[0, 1] > 0.3
