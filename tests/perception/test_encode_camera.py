"""Camera wrapper: outputs of single and vector environments, including final observations."""

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.utils.env_checker import check_env
from torch import nn

from camshaft import envs  # noqa: F401  registers the tasks
from camshaft.envs.errors import CamshaftError, InvalidOption, UnknownName
from camshaft.perception.encode_camera import EncodeCamera, EncodeCameraVector
from camshaft.perception.zoo import create_model

LANE = "camshaft/LaneKeeping-v0"
OPTIONS = {"camera": (40, 40), "num_threads": 1}


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(0)
    return create_model("nature_cnn", size=(40, 40), out_dim=16).eval()


class Counting(nn.Module):
    """Counts its calls and their frames."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[int] = []

    def forward(self, frames):
        self.calls.append(len(frames))
        return frames.float().mean(dim=(1, 2)) / 255.0


def test_features_equal_those_of_the_encoder(encoder):
    plain = gymnasium.make(LANE, **OPTIONS)
    wrapped = EncodeCamera(gymnasium.make(LANE, **OPTIONS), encoder, device="cpu")
    frame, _ = plain.reset(seed=3)
    features, _ = wrapped.reset(seed=3)
    for _ in range(3):
        with torch.no_grad():
            expected = encoder(torch.from_numpy(frame)[None])[0].numpy()
        assert features.dtype == np.float32 and features.shape == (16,)
        assert np.allclose(features, expected, atol=1e-5)
        frame, features = plain.step(np.zeros(1))[0], wrapped.step(np.zeros(1))[0]


@pytest.mark.filterwarnings("ignore:.*different from the unwrapped version")
@pytest.mark.filterwarnings("ignore:.*A Box observation space m.*imum value is .*infinity")
def test_the_wrapped_environment_keeps_gymnasiums_rules(encoder):
    env = EncodeCamera(gymnasium.make(LANE, obs_mode="rgb+state", **OPTIONS).unwrapped, encoder, device="cpu")
    assert set(env.observation_space.spaces) == {"features", "state"}
    check_env(env, skip_render_check=True)


def test_a_vector_is_read_as_one_batch_and_equals_singles(encoder):
    several = EncodeCamera(gymnasium.make_vec(LANE, num_envs=3, **OPTIONS), encoder, device="cpu")
    assert isinstance(several, EncodeCameraVector)
    batch, _ = several.reset(seed=5)
    assert batch in several.observation_space and batch.shape == (3, 16)
    for world in range(3):
        alone, _ = EncodeCamera(gymnasium.make(LANE, **OPTIONS), encoder, device="cpu").reset(seed=5 + world)
        assert np.allclose(alone, batch[world], atol=1e-5)
    network = Counting()
    counted = EncodeCamera(gymnasium.make_vec(LANE, num_envs=3, **OPTIONS), network, device="cpu")
    network.calls.clear()
    counted.reset(seed=0)
    counted.step(np.zeros((3, 1)))
    assert network.calls == [3, 3]


def test_last_observations_are_encoded_in_the_same_batch():
    network = Counting()
    env = EncodeCamera(
        gymnasium.make_vec(LANE, num_envs=2, max_episode_steps=2, obs_mode="rgb+state", **OPTIONS),
        network,
        device="cpu",
    )
    plain = gymnasium.make_vec(LANE, num_envs=2, max_episode_steps=2, obs_mode="rgb+state", **OPTIONS)
    env.reset(seed=1)
    plain.reset(seed=1)
    network.calls.clear()
    for _ in range(2):
        observation, *_, truncated, info = env.step(np.zeros((2, 1)))
        frames, *_, plain_info = plain.step(np.zeros((2, 1)))
    assert truncated.all() and network.calls == [2, 4]
    for world in range(2):
        final = info["final_obs"][world]
        assert set(final) == {"features", "state"} and final in env.single_observation_space
        expected = plain_info["final_obs"][world]["rgb"].mean(axis=(0, 1)) / 255.0
        assert np.allclose(final["features"], expected, atol=1e-5)
        assert np.array_equal(final["state"], plain_info["final_obs"][world]["state"])
    assert np.allclose(observation["features"], frames["rgb"].mean(axis=(1, 2)) / 255.0, atol=1e-5)


def test_predictions_can_be_observed_beside_the_frames(encoder):
    class Heads(nn.Module):
        def forward(self, frames):
            gray = frames.float().mean(dim=3)
            return {"depth": 100.0 / (1.0 + gray), "logits": torch.stack([gray, 128.0 - gray], dim=1)}

    env = EncodeCamera(
        gymnasium.make_vec(LANE, num_envs=2, obs_mode="rgb+state", **OPTIONS),
        Heads(),
        keep=True,
        convert=lambda out: {"depth": out["depth"], "segmentation": out["logits"].argmax(1).to(torch.uint8)},
        device="cpu",
    )
    observation, _ = env.reset(seed=0)
    assert (
        set(observation) == {"rgb", "state", "depth", "segmentation"} and observation in env.observation_space
    )
    assert np.array_equal(observation["segmentation"], observation["rgb"].mean(axis=3) < 64.0)
    only = EncodeCamera(
        gymnasium.make(LANE, **OPTIONS), Heads(), convert=lambda out: out["depth"], name="depth"
    )
    assert only.reset(seed=0)[0].shape == (40, 40)


def test_one_of_several_cameras_can_be_read(encoder):
    cameras = {"front": (40, 40), "rear": {"width": 40, "height": 40, "yaw_degrees": 180.0}}
    env = EncodeCamera(
        gymnasium.make(LANE, camera=cameras, num_threads=1), encoder, camera="rear/rgb", device="cpu"
    )
    assert set(env.observation_space.spaces) == {"front/rgb", "features"}


def test_a_network_in_training_mode_is_switched_to_evaluation_mode():
    network = nn.Sequential(Counting(), nn.Dropout(0.9)).train()
    env = EncodeCamera(gymnasium.make(LANE, **OPTIONS), network, device="cpu")
    network.train()
    assert (env.reset(seed=0)[0] > 0).all() and not network.training


def test_mistakes_are_named(encoder):
    with pytest.raises(InvalidOption, match=r"\(H, W, 3\) uint8 frames"):
        EncodeCamera(gymnasium.make(LANE, obs_mode="state", **OPTIONS), encoder)
    with pytest.raises(UnknownName, match="camera 'grb'"):
        EncodeCamera(gymnasium.make(LANE, obs_mode="rgb+state", **OPTIONS), encoder, camera="grb")
    with pytest.raises(InvalidOption, match="several parts"):
        EncodeCamera(gymnasium.make(LANE, **OPTIONS), encoder, keep=True)
    with pytest.raises(InvalidOption, match="'state' already"):
        EncodeCamera(gymnasium.make(LANE, obs_mode="rgb+state", **OPTIONS), encoder, name="state")
    with pytest.raises(InvalidOption, match="a row for each of 2 frames"):
        EncodeCamera(gymnasium.make(LANE, **OPTIONS), encoder, convert=lambda output: output[0])
    with pytest.raises(InvalidOption, match="cannot read frames of"):
        EncodeCamera(gymnasium.make(LANE, **OPTIONS), nn.Linear(7, 7))
    broken = Counting()
    env = EncodeCamera(gymnasium.make(LANE, **OPTIONS), broken, convert=lambda output: output / 1.0)
    env._encoding.infer._convert = lambda output: output * float("nan")
    with pytest.raises(CamshaftError, match="not finite"):
        env.reset(seed=0)
