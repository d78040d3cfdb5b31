"""A policy acts on camera frames, and its folder brings it back exactly or says what is wrong."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn

from camshaft.agents.policies.base import ConvPolicy
from camshaft.envs.errors import CorruptFile, InvalidOption, UnknownName
from camshaft.perception.backbones.encoder import count_parameters
from camshaft.perception.zoo import list_models

ENV_OPTIONS = {"obs_mode": "rgb", "control_mode": "steering", "camera": {"width": 200, "height": 66}}


def make_policy(model: str = "pilotnet", **options: Any) -> ConvPolicy:
    torch.manual_seed(0)
    options.setdefault("action_std", [0.3, 0.1])
    options.setdefault("action_mean", [0.05, -0.2])
    return ConvPolicy(model, 2, task="camshaft/LaneKeeping-v0", env_options=ENV_OPTIONS, **options)


def frames(count: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 66, 200, 3), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_policy().save(tmp_path / "policy")
    return tmp_path / "policy"


def test_pilotnet_with_one_action_has_the_parameters_of_its_paper() -> None:
    assert count_parameters(ConvPolicy("pilotnet", 1)) == 252_219


@pytest.mark.parametrize("model", list_models())
def test_actions_are_float32_rows_within_the_action_space(model: str) -> None:
    actions = make_policy(model, action_std=[100.0, 100.0]).act(frames(5))
    assert actions.shape == (5, 2)
    assert actions.dtype == np.float32
    assert np.abs(actions).max() <= 1.0


def test_a_dict_of_observations_is_looked_up_for_its_frames() -> None:
    policy = make_policy()
    observation = {"rgb": frames(), "state": np.zeros((3, 4), np.float32)}
    assert np.array_equal(policy.act(observation), policy.act(frames()))


def test_acting_leaves_frames_mode_and_gradients_alone() -> None:
    policy = make_policy().train()
    observation = frames()
    observation.flags.writeable = False
    policy.act(observation[:, ::-1])
    assert np.array_equal(observation, frames())
    assert policy.training
    assert all(parameter.grad is None for parameter in policy.parameters())


def test_actions_are_scaled_by_the_training_actions() -> None:
    policy = make_policy()
    nn.init.zeros_(policy.head.weight)
    policy.head.bias.data = torch.tensor([1.0, 2.0])
    np.testing.assert_allclose(policy.act(frames(1)), [[0.05 + 0.3, -0.2 + 0.2]], atol=1e-6)


@pytest.mark.parametrize("batch", [frames(1)[0], frames() / 255.0, frames()[..., :2], np.zeros(3, np.uint8)])
def test_observations_that_are_no_frames_are_refused(batch: np.ndarray) -> None:
    with pytest.raises(InvalidOption, match="accepts frames of shape"):
        make_policy().act(batch)


def test_an_observation_without_a_camera_is_refused() -> None:
    with pytest.raises(UnknownName, match="camera frames"):
        make_policy().act({"state": np.zeros((1, 4))})


def test_a_scale_that_does_not_fit_the_action_is_refused() -> None:
    with pytest.raises(InvalidOption, match="action_std"):
        make_policy(action_std=[1.0])
    with pytest.raises(InvalidOption, match="action_mean"):
        make_policy(action_mean=[float("nan"), 0.0])


@pytest.mark.parametrize("model", list_models())
def test_a_saved_policy_acts_to_the_bit_as_before(model: str, tmp_path: Path) -> None:
    policy = make_policy(model)
    policy.save(tmp_path)
    loaded = ConvPolicy.load(tmp_path)
    assert np.array_equal(loaded.act(frames()), policy.act(frames()))
    assert loaded.config == policy.config
    assert not loaded.training
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", "model.safetensors"]


def test_the_folder_says_which_environment_the_policy_is_for(folder: Path) -> None:
    config = ConvPolicy.load(folder).config
    assert config["task"] == "camshaft/LaneKeeping-v0"
    assert config["env_options"] == ENV_OPTIONS


def test_options_of_the_model_are_kept(tmp_path: Path) -> None:
    options = {"size": (40, 48), "out_dim": 5}
    make_policy("nature_cnn", model_options=options).save(tmp_path)
    encoder = ConvPolicy.load(tmp_path).encoder
    assert encoder.preprocessing.size == (40, 48)
    assert encoder.out_dim == 5


def test_loading_never_unpickles(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("unpickled")

    monkeypatch.setattr(torch, "load", refuse)
    monkeypatch.setattr(pickle, "load", refuse)
    monkeypatch.setattr(pickle, "loads", refuse)
    monkeypatch.setattr(pickle, "Unpickler", refuse)
    ConvPolicy.load(folder)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_truncated_files_are_named(folder: Path, name: str) -> None:
    content = (folder / name).read_bytes()
    for length in (0, 1, 9, len(content) // 2, len(content) - 1):
        (folder / name).write_bytes(content[:length])
        with pytest.raises(CorruptFile, match=name):
            ConvPolicy.load(folder)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_flipped_bits_are_noticed(folder: Path, name: str) -> None:
    content = (folder / name).read_bytes()
    rng = np.random.default_rng(0)
    for position in rng.integers(len(content), size=60):
        altered = bytearray(content)
        altered[position] ^= 4
        (folder / name).write_bytes(altered)
        with pytest.raises(CorruptFile, match=name):
            ConvPolicy.load(folder)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_missing_files_are_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(CorruptFile, match=rf"{name} does not exist"):
        ConvPolicy.load(folder)


def test_weights_of_another_policy_are_refused(folder: Path, tmp_path: Path) -> None:
    make_policy("nature_cnn").save(tmp_path / "other")
    (tmp_path / "other/model.safetensors").rename(folder / "model.safetensors")
    with pytest.raises(CorruptFile, match="not the weights"):
        ConvPolicy.load(folder)


def rewrite(folder: Path, **changes: Any) -> None:
    """Put a config with right checksums in place, as another version of Camshaft might have written it."""
    policy = make_policy()
    policy.config.update(changes)
    policy.save(folder)


def test_a_model_of_another_version_is_named(folder: Path) -> None:
    rewrite(folder, model="pilotnet2")
    with pytest.raises(UnknownName, match=r"config.json: unknown model 'pilotnet2'. Did you mean 'pilotnet'"):
        ConvPolicy.load(folder)


def test_another_architecture_is_refused(folder: Path) -> None:
    rewrite(folder, model="nature_cnn")
    with pytest.raises(CorruptFile, match="another architecture"):
        ConvPolicy.load(folder)


@pytest.mark.parametrize(("field", "value"), [("action_dim", "two"), ("action_std", 3), ("model_options", 5)])
def test_a_config_of_wrong_values_is_refused(folder: Path, field: str, value: Any) -> None:
    rewrite(folder, **{field: value})
    with pytest.raises(CorruptFile, match=r"config\.json"):
        ConvPolicy.load(folder)


@pytest.mark.parametrize("content", ["[]", "3", "null", '"text"', "{}", '{"config_sha256": 1}'])
def test_other_json_is_no_config(folder: Path, content: str) -> None:
    (folder / "config.json").write_text(content)
    with pytest.raises(CorruptFile, match=r"config\.json"):
        ConvPolicy.load(folder)


def test_other_tools_can_read_the_folder(folder: Path) -> None:
    json.loads((folder / "config.json").read_text())
    tensors = safetensors.torch.load_file(folder / "model.safetensors")
    assert sum(tensor.numel() for tensor in tensors.values()) == count_parameters(make_policy())
