"""Demonstrations: parts, stacks and labels of any recorded folder, also of other tools; what is missing is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drifting_point import DriftingPoint

from camshaft.agents.imitation import collection, frames
from camshaft.agents.imitation.collection import CollectionConfig, collect
from camshaft.agents.imitation.demonstrations import Demonstrations, split_episodes, validation_episodes
from camshaft.agents.imitation.recorder import DISPLACED_ACTION
from camshaft.agents.lerobot.format import Feature
from camshaft.agents.lerobot.observations import DISPLACED, FRONT, STATE
from camshaft.agents.lerobot.reader import DatasetReader
from camshaft.agents.lerobot.schema import ACTION, EXPERT_ACTION
from camshaft.agents.lerobot.writer import DatasetWriter
from camshaft.envs import make_simulation
from camshaft.envs.errors import CorruptFile, InvalidOption, UnknownName
from camshaft.envs.rendering.camera import Camera

TASK = "camshaft/LaneKeeping-v0"


@pytest.fixture
def drifting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three episodes of a drifting point, with displaced views and state."""
    monkeypatch.setattr(
        collection, "make_simulation", lambda task, count, **options: DriftingPoint(count, **options)
    )
    options = {"obs_mode": "rgb+state", "camera": (12, 8)}
    return collect(TASK, tmp_path / "set", 3, env_options=options, config=CollectionConfig(noise_std=0.1))


def columns_of(folder: Path) -> dict[str, np.ndarray]:
    reader = DatasetReader(folder)
    episodes = [reader.episode(index) for index in range(reader.num_episodes)]
    return {name: np.concatenate([episode[name] for episode in episodes]) for name in reader.features}


def everything(data: Demonstrations) -> dict[str, np.ndarray]:
    return data.fetch(np.arange(len(data)))


def test_frames_labels_and_environment_are_those_recorded(drifting: Path) -> None:
    columns, data = columns_of(drifting), Demonstrations(drifting)
    count = len(columns[ACTION])
    batch = everything(data)
    assert batch.keys() == {"rgb", "action"}
    np.testing.assert_array_equal(batch["rgb"], np.concatenate([columns[FRONT], columns[DISPLACED]]))
    labels = np.concatenate([columns[EXPERT_ACTION], columns[DISPLACED_ACTION]])
    np.testing.assert_array_equal(batch["action"][:, 0], labels)
    assert not np.allclose(columns[EXPERT_ACTION], columns[ACTION])
    np.testing.assert_array_equal(data.episodes, np.tile(columns["episode_index"], 2))
    assert (data.displaced.sum(), data.actions.dtype) == (count, np.float32)
    assert (data.task, data.num_episodes, data.fps) == (TASK, 3, 20)
    assert data.env_options["obs_mode"] == "rgb"  # the state is not needed to act
    assert data.env_options["control_mode"] == "steering"
    assert Camera.parse(data.env_options["camera"], Camera()) == Camera(width=12, height=8)
    np.testing.assert_array_equal(
        everything(Demonstrations(drifting, displaced_views=False))["rgb"], columns[FRONT]
    )


def test_parts_are_chosen_by_name_and_vectors_have_their_scale(drifting: Path) -> None:
    data = Demonstrations(drifting, ["rgb", "state"], displaced_views=False)
    columns = columns_of(drifting)
    np.testing.assert_array_equal(data.fetch([5, 1])["state"], columns[STATE][[5, 1]])
    assert data.env_options["obs_mode"] == "rgb+state"
    rows = np.arange(0, len(data), 2)
    part = data.parts(rows)["state"]
    np.testing.assert_allclose(part.mean, columns[STATE][rows].mean(axis=0), rtol=1e-5)
    assert part.std[1] == 1.0  # the heading never changes
    action = data.action(rows)
    np.testing.assert_allclose(action["mean"], columns[EXPERT_ACTION][rows].mean(), rtol=1e-5)
    assert "low" not in action
    with pytest.raises(UnknownName, match="Did you mean 'state'"):
        Demonstrations(drifting, ["rgb", "stat"])
    with pytest.raises(InvalidOption, match="displaced views of .* are of its camera alone"):
        Demonstrations(drifting, ["rgb", "state"])


def test_a_stack_has_the_frames_before_within_the_episode(drifting: Path) -> None:
    columns, data = columns_of(drifting), Demonstrations(drifting, frame_stack=3)
    starts = np.flatnonzero(columns["frame_index"] == 0)
    assert starts[1] > 4
    stacks = data.fetch([starts[1], starts[1] + 1, starts[1] + 4, len(columns[ACTION]) + starts[1] + 4])[
        "rgb"
    ]
    frames_of = columns[FRONT]
    for stack, rows in zip(stacks, ([0, 0, 0], [0, 0, 1], [2, 3, 4]), strict=False):
        np.testing.assert_array_equal(stack, frames_of[starts[1] + np.array(rows)])
    beside = stacks[3]
    np.testing.assert_array_equal(beside[:2], frames_of[starts[1] + np.array([2, 3])])
    np.testing.assert_array_equal(beside[2], columns[DISPLACED][starts[1] + 4])


def test_frames_are_not_held_in_memory(drifting: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded = Demonstrations(drifting)
    assert isinstance(decoded._images["rgb"][0]._decoded, np.memmap)
    expected = everything(decoded)
    monkeypatch.setattr(frames, "LARGEST_DECODED", 100)
    encoded = Demonstrations(drifting)
    assert encoded._images["rgb"][0]._bytes.nbytes < expected["rgb"].nbytes
    np.testing.assert_array_equal(everything(encoded)["rgb"], expected["rgb"])
    assert encoded.fingerprint() == decoded.fingerprint()


def test_what_a_folder_lacks_is_said(drifting: Path, tmp_path: Path) -> None:
    plain = collect(TASK, tmp_path / "plain", 1, displaced_views=False)
    assert len(Demonstrations(plain)) == len(Demonstrations(plain, displaced_views=False)) > 0
    with pytest.raises(InvalidOption, match="without displaced views"):
        Demonstrations(plain, displaced_views=True)
    with pytest.raises(InvalidOption, match="not a LeRobot dataset"):
        Demonstrations(tmp_path)
    stored = plain / "meta/camshaft.json"
    content = json.loads(stored.read_text())
    for broken in ("{", "[]", json.dumps({**content, "rate": 3}), json.dumps({"schema": 2})):
        stored.write_text(broken)
        with pytest.raises(CorruptFile, match=r"camshaft\.json"):
            Demonstrations(plain)
    old = {key: value for key, value in content.items() if key != "schema"}
    stored.write_text(json.dumps({"collected_with": old}))
    with pytest.raises(InvalidOption, match=r"plain was recorded by another version.*collect it again"):
        Demonstrations(plain)


def foreign(folder: Path, features: dict[str, Feature], columns: dict[str, Any]) -> Path:
    """A LeRobotDataset that another tool wrote: no expert, no word of Camshaft."""
    with DatasetWriter(folder, 30, features, robot_type="so100", task="stack the cups") as writer:
        for _ in range(3):
            writer.add_episode(columns)
    return folder


def test_datasets_of_other_tools_are_learned_from_their_actions(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    features = {
        "observation.images.top": Feature("video", (48, 64, 3)),
        "observation.images.side": Feature("image", (20, 30, 3)),
        STATE: Feature("float32", (6,)),
        ACTION: Feature("float32", (6,)),
    }
    columns = {
        "observation.images.top": np.full((10, 48, 64, 3), 90, np.uint8),
        "observation.images.side": rng.integers(0, 256, (10, 20, 30, 3), dtype=np.uint8),
        STATE: rng.normal(0, 50, (10, 6)).astype(np.float32),
        ACTION: rng.uniform(20, 90, (10, 6)).astype(np.float32),
    }
    data = Demonstrations(foreign(tmp_path / "cups", features, columns))
    assert (data.task, data.env_options, len(data), data.fps) == (None, {}, 30, 30)
    batch = everything(data)
    assert batch.keys() == {"observation.images.top", "observation.images.side", "action"}
    np.testing.assert_array_equal(batch["observation.images.side"][:10], columns["observation.images.side"])
    np.testing.assert_array_equal(batch["action"][20:], columns[ACTION])
    action = data.action(np.arange(30))
    np.testing.assert_allclose(action["high"], columns[ACTION].max(axis=0))
    chosen = Demonstrations(tmp_path / "cups", ["observation.images.side", STATE])
    np.testing.assert_array_equal(everything(chosen)[STATE][:10], columns[STATE])
    assert Demonstrations(tmp_path / "cups", frame_stack=2).fetch([4])["observation.images.top"].shape == (
        1,
        2,
        48,
        64,
        3,
    )


def test_datasets_without_frames_or_of_choices_are_read_or_refused(tmp_path: Path) -> None:
    numbers = foreign(
        tmp_path / "numbers",
        {STATE: Feature("float32", (2,)), ACTION: Feature("float32", (1,))},
        {STATE: np.zeros((4, 2), np.float32), ACTION: np.zeros((4, 1), np.float32)},
    )
    with pytest.raises(InvalidOption, match=r"no camera frames; its parts are observation\.state"):
        Demonstrations(numbers)
    choices = foreign(
        tmp_path / "choices",
        {STATE: Feature("float32", (2,)), ACTION: Feature("int64", (1,))},
        {STATE: np.zeros((4, 2), np.float32), ACTION: np.array([0, 3, 1, 2])},
    )
    data = Demonstrations(choices, [STATE])
    assert data.is_discrete
    assert data.action(np.arange(4)) == {"choices": 4}
    assert data.fetch([1])["action"].tolist() == [3]


def test_options_name_only_what_the_chosen_parts_need(tmp_path: Path) -> None:
    options = {
        "obs_mode": "rgb+depth+state",
        "camera": {"front": (24, 24), "wrist": (32, 24)},
        "max_episode_steps": 4,
    }
    folder = collect("camshaft/Lift-v0", tmp_path / "lift", 2, displaced_views=False, env_options=options)
    both = Demonstrations(folder)
    assert (set(both.parts(np.arange(2))), both.env_options["obs_mode"]) == (
        {"front/rgb", "wrist/rgb"},
        "rgb",
    )
    wrist = Demonstrations(folder, ["wrist/rgb", "state"])
    assert wrist.env_options["obs_mode"] == "rgb+state"
    assert list(wrist.env_options["camera"]) == ["wrist"]
    simulation = make_simulation(wrist.task, 1, **wrist.env_options)
    simulation.reset(seeds=[0])
    observation = simulation.observe()
    for name, part in wrist.parts(np.arange(2)).items():
        assert observation[name].shape == (1, *part.shape)
    simulation.close()
    with pytest.raises(InvalidOption, match="reads color frames and vectors, not 'front/depth'"):
        Demonstrations(folder, ["front/depth"])


def test_whole_episodes_are_held_out(drifting: Path) -> None:
    episodes = np.repeat(np.arange(20), 7)
    held_out = validation_episodes(episodes, 0.1, seed=0)
    assert held_out.sum() == 2 * 7
    assert not set(episodes[held_out]) & set(episodes[~held_out])
    assert np.array_equal(held_out, validation_episodes(episodes, 0.1, seed=0))
    assert not validation_episodes(episodes, 0.0, seed=0).any()
    assert validation_episodes(episodes[:14], 0.1, seed=0).sum() == 7
    with pytest.raises(InvalidOption, match="leaves none to learn from"):
        validation_episodes(episodes[:7], 0.1, seed=0)
    data = Demonstrations(drifting)
    training, validation = split_episodes(data, 0.4, seed=2)
    assert validation is not None
    assert len(training) + len(validation) == len(data)
    np.testing.assert_array_equal(training.fetch([0])["rgb"], data.fetch(training.rows[:1])["rgb"])
    assert len({data.fingerprint(), training.fingerprint(), validation.fingerprint()}) == 3
    assert split_episodes(data, 0.0, seed=0)[1] is None
