"""A policy that sees: what it accepts and gives, and a folder that brings it back exactly or says what is wrong."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn

from camshaft.agents.policies.vision import VisionPolicy
from camshaft.envs import make_simulation
from camshaft.envs.errors import CorruptFile, InvalidOption, UnknownName
from camshaft.perception.backbones.encoder import count_parameters
from camshaft.perception.zoo import list_models

ENV_OPTIONS = {"obs_mode": "rgb", "control_mode": "steering", "camera": {"width": 200, "height": 66}}
SHAPE = (66, 200, 3)


def make_policy(
    model: str = "pilotnet", parts: Any = None, action: Any = None, **options: Any
) -> VisionPolicy:
    torch.manual_seed(0)
    scale = {"size": 2, "std": options.pop("std", [0.3, 0.1]), "mean": options.pop("mean", [0.05, -0.2])}
    return VisionPolicy(
        parts or {"rgb": SHAPE},
        action or scale,
        model,
        task="camshaft/LaneKeeping-v0",
        env_options=ENV_OPTIONS,
        **options,
    )


def frames(count: int = 3, seed: int = 0, shape: Any = SHAPE) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_policy().save(tmp_path / "policy")
    return tmp_path / "policy"


def test_pilotnet_with_one_action_has_the_parameters_of_its_paper() -> None:
    assert count_parameters(make_policy(action={"size": 1})) == 252_219


@pytest.mark.parametrize("model", list_models())
def test_actions_are_float32_rows_within_the_action_space(model: str) -> None:
    actions = make_policy(model, std=[100.0, 100.0]).act(frames(5))
    assert actions.shape == (5, 2)
    assert actions.dtype == np.float32
    assert np.abs(actions).max() <= 1.0


def test_actions_of_other_tools_keep_their_own_limits() -> None:
    action = {"size": 1, "mean": [5.0], "std": [2.0], "low": [4.5], "high": [80.0]}
    policy = make_policy(action=action)
    nn.init.zeros_(policy.head.weight)
    for bias, expected in ((1.0, 7.0), (-1.0, 4.5), (100.0, 80.0)):
        nn.init.constant_(policy.head.bias, bias)
        assert policy.act(frames(1)) == pytest.approx(expected)


def test_a_dict_of_observations_is_looked_up_for_its_parts() -> None:
    policy = make_policy()
    observation = {"rgb": frames(), "state": np.zeros((3, 4), np.float32)}
    assert np.array_equal(policy.act(observation), policy.act(frames()))


PARTS = {
    "front/rgb": (48, 64, 3),
    "wrist/rgb": (40, 40, 3),
    "observation": {"shape": [2], "mean": [100.0, 0.0], "std": [10.0, 1.0]},
}


def everything(count: int = 3, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        "front/rgb": frames(count, seed, (48, 64, 3)),
        "wrist/rgb": frames(count, seed + 1, (40, 40, 3)),
        "observation": (rng.normal(size=(count, 2)) * [10.0, 1.0] + [100.0, 0.0]).astype(np.float32),
    }


@pytest.mark.parametrize("hidden", [0, 24])
def test_every_part_of_an_observation_matters(hidden: int) -> None:
    policy = make_policy("nature_cnn", PARTS, {"size": 2}, hidden=hidden)
    before = policy.act(everything())
    for name in PARTS:
        changed = {**everything(), name: everything(seed=9)[name]}
        assert not np.allclose(policy.act(changed), before, atol=1e-6), name
    assert policy.head.in_features == (hidden or 2 * policy.encoder.out_dim + 2)


def test_vectors_are_read_on_the_scale_of_the_training() -> None:
    policy = make_policy("nature_cnn", PARTS, {"size": 1, "std": [0.1]})
    nn.init.zeros_(policy.head.weight)
    nn.init.zeros_(policy.head.bias)
    policy.head.weight.data[0, -2:] = torch.tensor([1.0, 3.0])
    observation = everything(1)
    observation["observation"][:] = [120.0, 0.5]
    assert policy.act(observation) == pytest.approx(0.1 * (2.0 + 1.5))


def test_discrete_actions_are_the_most_likely_or_sampled_by_the_seed() -> None:
    policy = make_policy(action={"choices": 4})
    nn.init.zeros_(policy.head.weight)
    policy.head.bias.data = torch.log(torch.tensor([0.1, 0.2, 0.6, 0.1]))
    actions = policy.act(frames(5))
    assert (actions.tolist(), actions.dtype) == ([2] * 5, np.int64)
    policy.reset(np.ones(5, bool), np.arange(5))
    sampled = np.stack([policy.act(frames(5), deterministic=False) for _ in range(200)])
    assert np.bincount(sampled.reshape(-1), minlength=4) / 1000 == pytest.approx(
        [0.1, 0.2, 0.6, 0.1], abs=0.05
    )
    policy.reset(np.array([True] * 2), np.array([3, 4]))
    again = np.stack([policy.act(frames(2), deterministic=False) for _ in range(200)])
    np.testing.assert_array_equal(again, sampled[:, 3:])


def test_a_stack_of_frames_is_what_the_network_gets_at_once() -> None:
    policy = make_policy("nature_cnn", {"rgb": (40, 40, 3)}, frame_stack=3).eval()
    series = [frames(2, seed, (40, 40, 3)) for seed in range(5)]
    policy.reset(np.ones(2, bool))
    acted = [policy.act(each) for each in series]
    for now in range(5):
        window = [series[max(0, now - behind)] for behind in (2, 1, 0)]
        stacked = torch.from_numpy(np.stack(window, axis=1))
        with torch.no_grad():
            expected = policy.actions(policy({"rgb": stacked}))
        np.testing.assert_allclose(acted[now], expected, atol=1e-5, err_msg=str(now))
    policy.reset(np.array([True, False]))
    fresh, going = policy.act(series[0])
    np.testing.assert_allclose(fresh, acted[0][0], atol=1e-6)
    assert not np.allclose(going, acted[0][1], atol=1e-5)


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
    with pytest.raises(InvalidOption, match=r"'rgb' of shape .* accepts \(N, 66, 200, 3\) uint8"):
        make_policy().act(batch)


def test_an_observation_without_a_part_is_refused() -> None:
    with pytest.raises(UnknownName, match="observation part 'rgb'"):
        make_policy().act({"state": np.zeros((1, 4))})


def test_a_task_of_other_spaces_is_refused_by_part_and_shape() -> None:
    reach = make_simulation("camshaft/Reach-v0", 1, obs_mode="rgb+state", camera=(200, 66))
    with pytest.raises(
        InvalidOption, match=r"has actions of shape \(3,\), .* trained on actions of shape \(2,\)"
    ):
        make_policy().bind(reach)
    with pytest.raises(InvalidOption, match=r"'rgb' has shape \(66, 200, 3\).*trained on \(64, 64, 3\)"):
        make_policy("nature_cnn", {"rgb": (64, 64, 3)}, {"size": 3}).bind(reach)
    with pytest.raises(UnknownName, match="observation part 'wrist/rgb'"):
        make_policy("nature_cnn", {"wrist/rgb": (66, 200, 3)}, {"size": 3}).bind(reach)
    with pytest.raises(InvalidOption, match="trained on 5 discrete actions"):
        make_policy("nature_cnn", {"rgb": (66, 200, 3)}, {"choices": 5}).bind(reach)
    highway = make_simulation("camshaft/Highway-v0", 1, control_mode="discrete", camera=(200, 66))
    with pytest.raises(InvalidOption, match=r"has 5 discrete actions, .* of shape \(2,\)"):
        make_policy().bind(highway)
    alone = make_simulation("camshaft/Reach-v0", 1, obs_mode="rgb", camera=(64, 48))
    with pytest.raises(InvalidOption, match="the observation is one array"):
        make_policy("nature_cnn", PARTS, {"size": 3}).bind(alone)
    for simulation in (reach, highway, alone):
        simulation.close()


def test_a_policy_acts_in_an_environment_of_gymnasium() -> None:
    policy = make_policy("nature_cnn", {"rgb": (48, 64, 3)}, {"size": 3})
    env = gymnasium.make("camshaft:camshaft/Reach-v0", obs_mode="rgb", camera=(64, 48))
    observation, _ = env.reset(seed=0)
    assert env.action_space.contains(policy.act(observation[None])[0])
    env.close()


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("std", [1.0], "std"),
        ("mean", [float("nan"), 0.0], "mean"),
        ("parts", {"state": [4]}, "at least one image"),
        ("parts", {"rgb": 5}, "not described by a shape"),
        ("parts", {"rgb": [66, 200, 4]}, "an image .* or a vector"),
        ("action", {"size": 2, "choices": 3}, "a 'size', or 'choices'"),
        ("action", {"choices": 0}, "choices"),
        ("frame_stack", 0, "frame_stack must be a whole number of at least 1"),
        ("hidden", -1, "hidden must be a whole number of at least 0"),
    ],
)
def test_descriptions_that_do_not_fit_are_refused(field: str, value: Any, message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        make_policy(**{field: value})


@pytest.mark.parametrize("model", list_models())
def test_a_saved_policy_acts_to_the_bit_as_before(model: str, tmp_path: Path) -> None:
    policy = make_policy(model)
    policy.save(tmp_path)
    loaded = VisionPolicy.load(tmp_path)
    assert np.array_equal(loaded.act(frames()), policy.act(frames()))
    assert loaded.config == policy.config
    assert not loaded.training
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", "model.safetensors"]


def test_the_folder_says_which_environment_the_policy_is_for(folder: Path) -> None:
    config = VisionPolicy.load(folder).config
    assert config["task"] == "camshaft/LaneKeeping-v0"
    assert config["env_options"] == ENV_OPTIONS


def test_options_of_the_model_are_kept(tmp_path: Path) -> None:
    options = {"size": (40, 48), "out_dim": 5}
    make_policy("nature_cnn", PARTS, model_options=options, frame_stack=2, hidden=7).save(tmp_path)
    policy = VisionPolicy.load(tmp_path)
    assert policy.encoder.preprocessing.size == (40, 48)
    assert policy.encoder.out_dim == 5
    assert (policy.frame_stack, policy.head.in_features) == (2, 7)
    assert policy.parts["observation"].mean == (100.0, 0.0)


def test_loading_never_unpickles(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("unpickled")

    monkeypatch.setattr(torch, "load", refuse)
    monkeypatch.setattr(pickle, "load", refuse)
    monkeypatch.setattr(pickle, "loads", refuse)
    monkeypatch.setattr(pickle, "Unpickler", refuse)
    VisionPolicy.load(folder)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_truncated_files_are_named(folder: Path, name: str) -> None:
    content = (folder / name).read_bytes()
    for length in (0, 1, 9, len(content) // 2, len(content) - 1):
        (folder / name).write_bytes(content[:length])
        with pytest.raises(CorruptFile, match=name):
            VisionPolicy.load(folder)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_flipped_bits_are_noticed(folder: Path, name: str) -> None:
    content = (folder / name).read_bytes()
    rng = np.random.default_rng(0)
    for position in rng.integers(len(content), size=60):
        altered = bytearray(content)
        altered[position] ^= 4
        (folder / name).write_bytes(altered)
        with pytest.raises(CorruptFile, match=name):
            VisionPolicy.load(folder)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_missing_files_are_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(CorruptFile, match=rf"{name} does not exist"):
        VisionPolicy.load(folder)


def test_weights_of_another_policy_are_refused(folder: Path, tmp_path: Path) -> None:
    make_policy("nature_cnn").save(tmp_path / "other")
    (tmp_path / "other/model.safetensors").rename(folder / "model.safetensors")
    with pytest.raises(CorruptFile, match="not the weights"):
        VisionPolicy.load(folder)


def rewrite(folder: Path, **changes: Any) -> None:
    """Put a config with right checksums in place, as another version of Camshaft might have written it."""
    policy = make_policy()
    policy.config.update(changes)
    policy.save(folder)


def test_a_model_of_another_version_is_named(folder: Path) -> None:
    rewrite(folder, model="pilotnet2")
    with pytest.raises(UnknownName, match=r"config.json: unknown model 'pilotnet2'. Did you mean 'pilotnet'"):
        VisionPolicy.load(folder)


def test_another_architecture_is_refused(folder: Path) -> None:
    rewrite(folder, model="nature_cnn")
    with pytest.raises(CorruptFile, match="another architecture"):
        VisionPolicy.load(folder)


@pytest.mark.parametrize(
    ("field", "value"), [("action", {"size": "two"}), ("observation", 3), ("model_options", 5)]
)
def test_a_config_of_wrong_values_is_refused(folder: Path, field: str, value: Any) -> None:
    rewrite(folder, **{field: value})
    with pytest.raises(CorruptFile, match=r"config\.json"):
        VisionPolicy.load(folder)


@pytest.mark.parametrize("content", ["[]", "3", "null", '"text"', "{}", '{"config_sha256": 1}'])
def test_other_json_is_no_config(folder: Path, content: str) -> None:
    (folder / "config.json").write_text(content)
    with pytest.raises(CorruptFile, match=r"config\.json"):
        VisionPolicy.load(folder)


def test_other_tools_can_read_the_folder(folder: Path) -> None:
    json.loads((folder / "config.json").read_text())
    tensors = safetensors.torch.load_file(folder / "model.safetensors")
    assert sum(tensor.numel() for tensor in tensors.values()) == count_parameters(make_policy())
