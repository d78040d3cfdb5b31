"""`camshaft data` and the benchmarks of data, end to end with tiny settings."""

import json

import cv2
import numpy as np
import pytest

from camshaft.envs.errors import CorruptFile
from camshaft.experiments.cli.data_show import sheet
from camshaft.experiments.cli.main import main
from camshaft.perception.data import FrameMaker, FramesConfig
from camshaft.perception.data.objects import ObjectImages
from camshaft.perception.data.signs import SignImages
from camshaft.perception.data.stored import StoredFrames

FRAMES = (
    *("--labels", "rgb", "depth", "objects", "--frames", "12", "--frames-per-file", "6"),
    *("--camera", "32", "24", "--num-worlds", "3", "--stride", "2"),
)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_frames_are_written_resumed_shown_and_checked(here, capsys):
    assert main(["data", "frames", "roads", *FRAMES]) == 0
    first = StoredFrames("roads").fetch(range(12))
    assert first["rgb"].shape == (12, 24, 32, 3) and first["objects"].shape == (12, 32, 6)
    assert not np.array_equal(first["rgb"][:6], first["rgb"][6:])
    assert main(["data", "frames", "roads", *FRAMES]) == 2
    assert "holds a set already" in capsys.readouterr().err
    (here / "roads" / "frames-00001.safetensors").unlink()
    with pytest.raises(CorruptFile):
        StoredFrames("roads")
    assert main(["data", "frames", "roads", "--resume", *FRAMES]) == 0
    again = StoredFrames("roads").fetch(range(12))
    assert all(np.array_equal(again[name], first[name]) for name in first)
    assert main(["data", "show", "roads", "--out", "sheet.png", "--count", "4"]) == 0
    assert cv2.imread("sheet.png").std() > 10.0
    assert "12 frames: rgb uint8 (24, 32, 3)" in capsys.readouterr().out
    (here / "roads" / "frames-00000.safetensors").write_bytes(b"x")
    assert main(["data", "show", "roads"]) == 2
    assert "frames-00000.safetensors is damaged" in capsys.readouterr().err


def test_sets_hold_as_many_frames_as_asked_for_and_grow(here):
    size = ("--frames-per-file", "4", "--camera", "32", "24", "--num-worlds", "2", "--labels", "rgb")
    assert main(["data", "frames", "roads", "--frames", "5", *size]) == 0
    five = StoredFrames("roads").fetch(range(5))["rgb"]
    assert len(StoredFrames("roads")) == 5
    assert main(["data", "frames", "roads", "--frames", "7", "--resume", *size]) == 0
    assert len(StoredFrames("roads")) == 7
    assert np.array_equal(StoredFrames("roads").fetch(range(5))["rgb"], five)


def test_frames_take_options_of_the_task_and_of_its_camera(here, capsys):
    size = (
        "--frames",
        "2",
        "--frames-per-file",
        "2",
        "--camera",
        "32",
        "24",
        "--num-worlds",
        "2",
        "--labels",
        "rgb",
    )
    for name, options in (
        ("plain", ()),
        ("wet", ("--env", "weather=rain", "time_of_day=night", "camera.lens=fisheye")),
    ):
        assert main(["data", "frames", name, *size, *options]) == 0
    plain, wet = (StoredFrames(name).fetch(range(2))["rgb"] for name in ("plain", "wet"))
    assert plain.shape == wet.shape and plain.mean() > 1.5 * wet.mean()
    assert main(["data", "frames", "snowy", *size, "--env", "weather=snow"]) == 2
    assert "'snow'" in capsys.readouterr().err


def test_a_set_without_color_is_shown_and_one_without_images_is_refused(here, capsys):
    few = ("--frames", "2", "--frames-per-file", "2", "--camera", "32", "24", "--num-worlds", "2")
    assert main(["data", "frames", "depths", "--labels", "depth", *few]) == 0
    assert main(["data", "show", "depths", "--out", "depths.png"]) == 0
    assert cv2.imread("depths.png").std() > 10.0
    assert main(["data", "frames", "states", "--labels", "state", *few]) == 0
    assert main(["data", "show", "states"]) == 2
    assert "none of these labels is an image" in capsys.readouterr().err


def test_near_and_far_are_distinguishable_in_any_task(here):
    rng = np.random.default_rng(0)
    near = rng.uniform(0.4, 1.2, (1, 16, 16)).astype(np.float32)
    near[:, :4] = 350.0  # the sky
    sheets = {name: sheet({"depth": scale * near}) for name, scale in (("table", 1.0), ("road", 40.0))}
    assert np.ptp(sheets["table"][60:].astype(int)) > 100
    assert np.array_equal(sheets["table"][60:], sheets["road"][60:])


def test_the_object_benchmark_is_written_as_it_is_rendered(here):
    words = ("--images", "10", "--images-per-file", "4", "--size", "32", "--labels", "rgb", "class", "mask")
    assert main(["data", "objects", "things", *words]) == 0
    stored = StoredFrames("things")
    rendered = ObjectImages("train", 32, 10, labels=("rgb", "class", "mask"))
    assert len(stored) == 10 and stored.classes == rendered.classes
    expected = rendered.fetch(range(10))
    assert all(np.array_equal(values, expected[name]) for name, values in stored.fetch(range(10)).items())
    assert main(["data", "show", "things", "--out", "sheet.jpg"]) == 0


def test_the_sign_benchmark_is_written_as_it_is_rendered(here):
    words = ("--split", "test", "--images", "10", "--images-per-file", "4", "--size", "32")
    assert main(["data", "signs", "crops", *words]) == 0
    stored, rendered = StoredFrames("crops"), SignImages("test", 32, 10)
    assert len(stored) == 10 and stored.classes == rendered.classes
    expected = rendered.fetch(range(10))
    assert all(np.array_equal(values, expected[name]) for name, values in stored.fetch(range(10)).items())


def test_mistakes_are_named(here, capsys):
    for words, message in (
        (("frames", "x", "--task", "camshaft/LaneKeping-v0"), "LaneKeeping"),
        (("frames", "x", "--labels", "rbg"), "'rgb'"),
        (("frames", "x", "--frames", "0"), "at least 1"),
        (("frames", "x", "--num-worlds", "0"), "num_worlds must be at least 1"),
        (("frames", "x", "--seed", "-1"), "a seed must be a whole number of at least 0, got -1"),
        (("signs", "x", "--seed", "-1"), "a seed must be a whole number of at least 0, got -1"),
        (("objects", "x", "--images", "0"), "number of images must be at least 1"),
        (("objects", "x", "--size", "3"), "at least 8"),
        (("signs", "x", "--size", "3"), "at least 8"),
        (("signs", "x", "--images-per-file", "0"), "at least 1"),
        (("show", "x"), "index.json"),
    ):
        assert main(["data", *words]) == 2
        assert message in capsys.readouterr().err
    assert not (here / "x" / "index.json").exists()


@pytest.mark.slow
def test_benchmarks_of_data_and_encoders_write_their_figures(here, capsys):
    tiny = ("--seconds", "0.1", "--repeats", "1", "--model", "nature_cnn")
    assert main(["bench", "encode", "--worlds", "2", "--size", "36", *tiny]) == 0
    figures = {
        row["name"]: row for row in json.loads((here / "runs/bench/encode.json").read_text())["figures"]
    }
    assert len(figures) == 3 and all(row["median"] > 0 for row in figures.values())
    for elsewhere in ((), ("--workers", "1", "--drawing-threads", "2")):
        words = ("--size", "36", "--batch-size", "4", "--images", "8", *tiny, *elsewhere)
        assert main(["bench", "data", *words]) == 0
        rows = json.loads((here / "runs/bench/data.json").read_text())["figures"]
        assert [row["kind"] for row in rows] == [
            *("in memory", "rendered on the fly"),
            *("in memory", "stored on disk", "rendered on the fly"),
        ]
        assert all(0.0 <= row["waiting_share"] <= 1.0 for row in rows)
    assert main(["bench", "data", "--workers", "-1"]) == 2
    assert "workers at least 0" in capsys.readouterr().err


def test_manipulation_has_every_label_too():
    labels = ("rgb", "depth", "segmentation", "normals", "flow", "camera_motion", "action", "state", "goal")
    maker = FrameMaker(
        FramesConfig(
            "camshaft/Reach-v0", labels, batch_size=2, camera=(48, 48), stride=4, interval=2, num_threads=1
        )
    )
    maker.make()
    batch = maker.make()
    assert np.allclose(batch["camera_motion"], np.eye(4), atol=1e-6)  # the camera stands still, the arm moves
    moving = np.linalg.norm(batch["flow"], axis=-1) > 0.05
    assert 0.0 < moving.mean() < 0.5
    seen = np.linalg.norm(batch["normals"], axis=-1)
    assert np.isclose(seen[seen > 0.5], 1.0, atol=1e-3).all() and (seen > 0.5).mean() > 0.3
    assert batch["state"].shape == (2, 12) and np.array_equal(batch["state"][:, -3:], batch["goal"])
    maker.close()
