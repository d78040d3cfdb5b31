"""Recorded rollouts: a dataset to learn from and films that play, each episode whole once it is over."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from drifting_point import DriftingPoint

import camshaft.agents.evaluation.evaluate
from camshaft.agents.evaluation.evaluate import evaluate
from camshaft.agents.evaluation.recording import RolloutRecorder
from camshaft.agents.evaluation.results import Evaluation
from camshaft.agents.imitation.demonstrations import Demonstrations
from camshaft.agents.lerobot.observations import FRONT, STATE, from_images
from camshaft.agents.lerobot.reader import DatasetReader
from camshaft.agents.lerobot.schema import SCHEMA
from camshaft.agents.lerobot.video import read_video
from camshaft.agents.policies.base import Policy
from camshaft.agents.policies.scripted import ConstantPolicy, ExpertPolicy, RandomPolicy
from camshaft.envs.errors import InvalidOption

TASK = "camshaft/Reach-v0"


@pytest.fixture
def drifting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every simulation that an evaluation makes: a drifting point, whatever the task."""
    monkeypatch.setattr(
        camshaft.agents.evaluation.evaluate,
        "make_simulation",
        lambda task, num_worlds, **options: DriftingPoint(num_worlds, **options),
    )


def record(
    folder: Path,
    episodes: int = 2,
    *,
    task: str = TASK,
    policy: Policy | None = None,
    rate: float | None = None,
    more: int = 2,
    **options: Any,
) -> Evaluation:
    """Evaluate some episodes more than are recorded."""
    with RolloutRecorder(folder, episodes=episodes, frames_per_second=rate) as recorder:
        return evaluate(
            policy or ConstantPolicy(0.25),
            task,
            episodes=episodes + more,
            num_worlds=3,
            recorder=recorder,
            env_options=options,
        )


@pytest.mark.usefixtures("drifting")
def test_rollouts_are_a_dataset_with_observations_actions_and_ends(tmp_path: Path) -> None:
    evaluation = record(tmp_path, obs_mode="rgb+state", camera=(32, 24))
    reader = DatasetReader(tmp_path / "rollouts")
    assert (reader.num_episodes, reader.fps) == (2, 20)
    for number in range(2):
        episode, result = reader.episode(number), evaluation.episodes[number]
        assert len(episode["action"]) == result.steps
        np.testing.assert_allclose(episode["action"], 0.25)
        np.testing.assert_allclose(episode["expert.action"], np.clip(-episode[STATE][:, 0], -1, 1), atol=1e-6)
        np.testing.assert_allclose(episode["next.reward"], evaluation.series[number]["reward"], rtol=1e-6)
        np.testing.assert_array_equal(episode["next.success"], evaluation.series[number]["success"] > 0)
        assert episode["next.done"].tolist() == [False] * (result.steps - 1) + [True]
        assert episode["next.truncated"][-1] == (result.steps == 45)
        simulation = DriftingPoint(1, camera=(32, 24))
        frames = simulation._frames(episode[STATE][:, 0], episode[STATE][:, 1])
        assert np.abs(episode[FRONT].astype(int) - frames).mean() < 12  # of a compressed video
    stored = json.loads((tmp_path / "rollouts/meta/camshaft.json").read_text())
    assert (stored["schema"], stored["task"], stored["stride"]) == (SCHEMA, TASK, 1)


@pytest.mark.usefixtures("drifting")
def test_what_was_recorded_does_not_depend_on_the_worlds_side_by_side(tmp_path: Path) -> None:
    for worlds in (1, 4):
        with RolloutRecorder(tmp_path / str(worlds), episodes=3) as recorder:
            options = {"obs_mode": "rgb+state"}
            evaluate(
                RandomPolicy(), TASK, episodes=5, num_worlds=worlds, recorder=recorder, env_options=options
            )
    for name in ("action", "expert.action", "next.reward", STATE):
        one, other = (DatasetReader(tmp_path / folder / "rollouts").column(name) for folder in ("1", "4"))
        np.testing.assert_array_equal(one, other, err_msg=name)
    films = [sorted((tmp_path / folder / "videos").iterdir()) for folder in ("1", "4")]
    assert [path.read_bytes() for path in films[0]] == [path.read_bytes() for path in films[1]]


@pytest.mark.usefixtures("drifting")
def test_films_are_what_browsers_play(tmp_path: Path) -> None:
    evaluation = record(tmp_path)
    for number in range(2):
        film = tmp_path / f"videos/episode-{number:03d}.mp4"
        content = film.read_bytes()
        assert content.find(b"moov") < content.find(b"mdat"), "the index comes first"
        with av.open(str(film)) as container:
            stream = container.streams.video[0]
            assert (stream.codec_context.name, stream.pix_fmt, stream.average_rate) == ("h264", "yuv420p", 20)
            assert min(stream.width / 640, stream.height / 360) >= 1
            assert stream.frames == evaluation.episodes[number].steps


@pytest.mark.usefixtures("drifting")
def test_a_lower_rate_records_fewer_rows_with_the_rewards_of_all_steps(tmp_path: Path) -> None:
    evaluation = record(tmp_path, episodes=1, rate=5.0, obs_mode="rgb+state")
    episode = DatasetReader(tmp_path / "rollouts").episode(0)
    assert len(episode["action"]) == -(-evaluation.episodes[0].steps // 4)
    assert episode["next.reward"].sum() == pytest.approx(evaluation.episodes[0].total_reward, rel=1e-5)
    assert episode["next.done"][-1]
    with pytest.raises(
        InvalidOption, match=r"frames_per_second must be a whole number that divides 20, got 7\.5"
    ):
        record(tmp_path, rate=7.5)
    with pytest.raises(InvalidOption, match="at least 1"):
        RolloutRecorder(tmp_path, episodes=0)


@pytest.mark.usefixtures("drifting")
def test_frames_of_odd_size_are_kept_exactly(tmp_path: Path) -> None:
    record(tmp_path, obs_mode="rgb+state", camera=(45, 33))
    reader = DatasetReader(tmp_path / "rollouts")
    assert reader.features[FRONT].dtype == "image"
    episode = reader.episode(0)
    frames = DriftingPoint(1, camera=(45, 33))._frames(episode[STATE][:, 0], episode[STATE][:, 1])
    assert np.abs(episode[FRONT].astype(int) - frames).max() <= 1


@pytest.mark.usefixtures("drifting")
def test_an_interrupted_recording_leaves_only_whole_episodes(tmp_path: Path) -> None:
    def press_ctrl_c(done: int, total: int) -> None:
        if done > 0.6 * total:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), RolloutRecorder(tmp_path, episodes=4) as recorder:
        evaluate(ConstantPolicy(), TASK, episodes=4, num_worlds=2, recorder=recorder, progress=press_ctrl_c)
    count = DatasetReader(tmp_path / "rollouts").num_episodes
    assert 1 <= count < 4
    films = sorted(path.name for path in (tmp_path / "videos").iterdir())
    assert films == [f"episode-{number:03d}.mp4" for number in range(count)]
    assert all(len(list(read_video(tmp_path / "videos" / name))) > 1 for name in films)


@pytest.mark.usefixtures("drifting")
def test_a_new_recording_replaces_the_one_before(tmp_path: Path) -> None:
    record(tmp_path, 3)
    (tmp_path / "videos/mine.mp4").touch()
    evaluation = record(tmp_path, 1)
    films = sorted(path.name for path in (tmp_path / "videos").iterdir())
    assert films == ["episode-000.mp4", "mine.mp4"]
    assert DatasetReader(tmp_path / "rollouts").num_frames == evaluation.episodes[0].steps


@pytest.mark.parametrize(
    ("task", "options"),
    [
        ("camshaft/LaneKeeping-v0", {"camera": (64, 48)}),
        ("camshaft/Highway-v0", {"control_mode": "discrete", "obs_mode": "rgb+state", "camera": (64, 48)}),
        ("camshaft/Town-v0", {"obs_mode": "rgb+ego+command", "camera": (64, 48)}),
        (
            "camshaft/Lift-v0",
            {"obs_mode": "rgb+depth+segmentation+state", "camera": {"front": (32, 32), "wrist": (32, 32)}},
        ),
    ],
)
def test_rollouts_of_real_tasks_can_be_learned_from(
    task: str, options: dict[str, Any], tmp_path: Path
) -> None:
    evaluation = record(
        tmp_path, 2, more=0, task=task, policy=ExpertPolicy(), max_episode_steps=10, **options
    )
    reader = DatasetReader(tmp_path / "rollouts")
    for entry in {metric.entry for metric in DriftingPoint.metrics}:
        assert f"info.{entry}" in reader.features
    data = Demonstrations(tmp_path / "rollouts")
    assert (len(data), data.task) == (int(evaluation.values("steps").sum()), task)
    batch = data.fetch([0, len(data) - 1])
    assert all(batch[name].std() > 1.0 for name, part in data.parts(np.arange(2)).items() if part.is_image)
    assert data.is_discrete == (options.get("control_mode") == "discrete")
    for column in ("expert.action", "action"):
        np.testing.assert_array_equal(reader.column(column).reshape(data.actions.shape), data.actions)
    if "depth" in options.get("obs_mode", ""):
        depth = from_images("depth", reader.images("observation.images.wrist_depth"))
        assert 0.02 < np.median(depth) < 2.0
    if task == "camshaft/LaneKeeping-v0":
        assert reader.column("info.interventions").tolist() == [0] * len(data)
