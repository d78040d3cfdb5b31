"""Recorded rollouts: a dataset and films that play, complete once a road is finished."""

import json
import shutil
from types import SimpleNamespace

import av
import cv2
import numpy as np
import pytest

from camshaft.agents.evaluation.overlay import BAD, EXPERT, GOOD, POLICY, annotate
from camshaft.agents.evaluation.recording import RolloutRecorder
from camshaft.agents.lerobot.observations import FRONT, STATE
from camshaft.agents.lerobot.reader import DatasetReader
from camshaft.agents.lerobot.video import VideoWriter, read_video, write_video
from camshaft.envs.errors import CamshaftError, CorruptFile, InvalidOption

TASK = "camshaft/LaneKeeping-v0"
ROAD = SimpleNamespace(success=True)


def make_moment(
    step, observation="rgb", size=(66, 200), command=0.4, expert=-0.2, error=0.1, interventions=0
):
    rng = np.random.default_rng(step)
    view = cv2.resize(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8), size[::-1])
    return SimpleNamespace(
        observation=view if observation == "rgb" else {"rgb": view, "state": np.full(3, step, np.float32)},
        picture=cv2.resize(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8), (640, 360)),
        command=np.array([command], np.float32),
        expert_command=np.array([expert], np.float32),
        time=step / 20,
        lateral_error=error,
        interventions=interventions,
    )


def record(folder, roads=2, steps=12, **options):
    with RolloutRecorder(folder, TASK, episodes=roads) as recorder:
        for step in range(steps):
            for road in range(roads):
                recorder.add(road, make_moment(100 * road + step, **options))
        for road in range(roads):
            recorder.finish(road, ROAD)
        recorder.write_metrics({"autonomy": 98.5})
    return recorder


def test_rollouts_are_a_dataset_with_view_actions_and_ends(tmp_path):
    record(tmp_path, observation="dict")
    reader = DatasetReader(tmp_path / "rollouts")
    assert (reader.num_episodes, reader.num_frames, reader.fps) == (2, 24, 20)
    episode = reader.episode(1)
    for step in range(12):
        moment = make_moment(100 + step)
        assert np.abs(episode[FRONT][step].astype(int) - moment.observation).mean() < 8
    np.testing.assert_array_equal(episode[STATE][:, 0], np.arange(100, 112))
    np.testing.assert_allclose(episode["action"], 0.4)
    np.testing.assert_allclose(episode["expert.action"], -0.2)
    assert episode["next.done"].tolist() == [False] * 11 + [True]
    assert json.loads((tmp_path / "metrics.json").read_text()) == {"autonomy": 98.5}


def test_films_are_what_browsers_play(tmp_path):
    recorder = record(tmp_path)
    for number in range(2):
        video = tmp_path / f"videos/road-{number:03d}.mp4"
        assert video == recorder.video_path(number)
        content = video.read_bytes()
        assert content.find(b"moov") < content.find(b"mdat"), "the index comes first"
        with av.open(str(video)) as container:
            stream = container.streams.video[0]
            assert (stream.codec_context.name, stream.pix_fmt, stream.average_rate) == ("h264", "yuv420p", 20)
            assert (stream.width, stream.height, stream.frames) == (640, 360, 12)
        moment = make_moment(100 * number + 11)
        last = annotate(moment.picture, moment, moment.observation).astype(int)
        assert np.abs(next(read_video(video, 11)) - last).mean() < 10


def test_frames_of_odd_size_are_kept_exactly(tmp_path):
    record(tmp_path, size=(33, 45))
    reader = DatasetReader(tmp_path / "rollouts")
    assert reader.features[FRONT].dtype == "image"
    np.testing.assert_array_equal(reader.episode(0)[FRONT][3], make_moment(3, size=(33, 45)).observation)


def test_an_interrupted_recording_leaves_only_finished_roads(tmp_path):
    with pytest.raises(KeyboardInterrupt), RolloutRecorder(tmp_path, TASK) as recorder:
        for step in range(5):
            recorder.add(0, make_moment(step))
            recorder.add(1, make_moment(step))
        recorder.finish(0, ROAD)
        raise KeyboardInterrupt
    assert [path.name for path in (tmp_path / "videos").iterdir()] == ["road-000.mp4"]
    assert DatasetReader(tmp_path / "rollouts").num_episodes == 1


def test_a_new_recording_replaces_the_one_before(tmp_path):
    record(tmp_path, roads=3)
    (tmp_path / "videos/mine.mp4").touch()
    record(tmp_path, roads=1, steps=5)
    assert sorted(path.name for path in (tmp_path / "videos").iterdir()) == ["mine.mp4", "road-000.mp4"]
    assert DatasetReader(tmp_path / "rollouts").num_frames == 5


def test_instruments_show_what_they_are_given():
    picture = np.full((360, 640, 3), 128, np.uint8)

    def columns_of(color, image):
        near = np.abs(image[299:].astype(int) - color).sum(axis=2) < 30
        return np.flatnonzero(near[30:].any(axis=0))

    left = annotate(picture, make_moment(0, command=0.2, expert=-0.2))
    middle = np.mean([columns_of(POLICY, left).max(), columns_of(EXPERT, left).min()])
    assert columns_of(POLICY, left).mean() < middle < columns_of(EXPERT, left).mean()
    swapped = annotate(picture, make_moment(0, command=-0.2, expert=0.2))
    assert columns_of(POLICY, swapped).mean() > middle > columns_of(EXPERT, swapped).mean()
    off_left = annotate(picture, make_moment(0, error=0.4))
    off_right = annotate(picture, make_moment(0, error=-0.4))
    assert columns_of(GOOD, off_left).max() < columns_of(GOOD, off_right).max()
    assert columns_of(BAD, annotate(picture, make_moment(0, error=1.3))).size
    np.testing.assert_array_equal(left[:290], picture[:290])
    np.testing.assert_array_equal(picture, 128)


def test_small_pictures_are_enlarged_and_show_the_policys_view():
    view = np.zeros((66, 200, 3), np.uint8)
    shown = annotate(np.full((90, 121, 3), 200, np.uint8), make_moment(0), view)
    assert shown.shape[0] >= 360
    assert shown.shape[1] >= 640
    assert shown.shape[0] % 2 == shown.shape[1] % 2 == 0
    assert (shown[30:60, 60:180] == 0).all()


def test_video_mistakes_are_named(tmp_path):
    with pytest.raises(InvalidOption, match="at least one frame"):
        write_video(tmp_path / "empty.mp4", [], 10)
    with pytest.raises(CorruptFile, match=r"no\.mp4"):
        list(read_video(tmp_path / "no.mp4"))
    with pytest.raises(InvalidOption, match="frames_per_second"):
        RolloutRecorder(tmp_path, TASK, frames_per_second=7.5)
    write_video(tmp_path / "odd.mp4", np.zeros((3, 21, 31, 3), np.uint8), 10)
    assert next(read_video(tmp_path / "odd.mp4")).shape == (20, 30, 3)


def test_a_folder_that_is_gone_is_named(tmp_path):
    writer = VideoWriter(tmp_path / "films/road.mp4", (32, 48), 10)
    shutil.rmtree(tmp_path / "films")
    with pytest.raises(CamshaftError, match="cannot write to .*films"):
        writer.add([np.zeros((32, 48, 3), np.uint8)] * 60)
        writer.close()
