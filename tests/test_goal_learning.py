"""TQC with hindsight replay: the same arithmetic as sb3-contrib's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from sb3_contrib import TQC
from sb3_contrib.common.utils import quantile_huber_loss as reference_loss
from stable_baselines3 import HerReplayBuffer

import agents.tqc
from agents.tqc import QuickTQC, quantile_huber_loss
from perception.training.hardware import Hardware


class ToyGoals(gymnasium.Env):
    """A point that is pushed towards a goal in the plane, for 10 steps."""

    def __init__(self) -> None:
        box = gymnasium.spaces.Box(-10.0, 10.0, (2,), np.float32)
        names = ("observation", "achieved_goal", "desired_goal")
        self.observation_space = gymnasium.spaces.Dict({name: box for name in names})
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, (2,), np.float32)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[dict[str, np.ndarray], dict]:
        super().reset(seed=seed)
        self.place, self.goal = self.np_random.uniform(-1.0, 1.0, (2, 2)).astype(np.float32)
        self.steps = 0
        return self._seen(), {}

    def step(self, action: np.ndarray) -> tuple[dict[str, np.ndarray], float, bool, bool, dict[str, Any]]:
        self.place = self.place + 0.2 * action.astype(np.float32)
        self.steps += 1
        reward = float(self.compute_reward(self.place, self.goal, {}))
        return self._seen(), reward, reward == 0.0, self.steps == 10, {"is_success": reward == 0.0}

    def compute_reward(self, achieved: np.ndarray, desired: np.ndarray, _: Any) -> np.ndarray:
        return -(np.linalg.norm(achieved - desired, axis=-1) > 0.2).astype(np.float32)

    def _seen(self) -> dict[str, np.ndarray]:
        return {"observation": self.place, "achieved_goal": self.place, "desired_goal": self.goal}


def learner(kind: type[TQC]) -> TQC:
    return kind(
        "MultiInputPolicy",
        ToyGoals(),
        batch_size=128,
        learning_starts=20,
        tau=0.05,
        replay_buffer_class=HerReplayBuffer,
        buffer_size=2000,
        policy_kwargs={"net_arch": [32, 32], "n_critics": 2},
        seed=3,
        device="cpu",
    )


@pytest.fixture
def float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agents.tqc, "choose_hardware", lambda _: Hardware(torch.device("cpu"), torch.float32))


def test_the_quantile_loss_and_its_gradient_are_those_of_sb3_contrib() -> None:
    generator = torch.Generator().manual_seed(0)
    predicted = (2 * torch.randn(200, 2, 25, generator=generator)).requires_grad_()
    target = 2 * torch.randn(200, 46, generator=generator)
    expected = reference_loss(predicted, target[:, None], sum_over_quantiles=False)
    (expected_slope,) = torch.autograd.grad(expected, predicted)
    found = quantile_huber_loss(predicted, target)
    (slope,) = torch.autograd.grad(3.0 * found, predicted)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(slope, 3.0 * expected_slope)


@pytest.mark.usefixtures("float32")
def test_in_float32_it_learns_what_sb3_contrib_learns() -> None:
    learned = [learner(kind).learn(60).policy.state_dict() for kind in (TQC, QuickTQC)]
    for name, expected in learned[0].items():
        torch.testing.assert_close(learned[1][name], expected, rtol=1e-3, atol=1e-5, msg=name)


def test_hidden_layers_in_bfloat16_change_values_by_less_than_a_hundredth() -> None:
    quick = learner(QuickTQC)
    observation = {name: torch.randn(256, 2) for name in ("observation", "achieved_goal", "desired_goal")}
    values = quick.critic(observation, torch.zeros(256, 2))
    few = torch.cat([quick.critic({k: v[i : i + 1] for k, v in observation.items()}, torch.zeros(1, 2))
                     for i in range(256)])  # fmt: skip
    assert values.dtype == torch.float32
    assert (values - few).abs().max() < 0.01 * few.abs().max()


def test_its_agents_are_loaded_by_sb3_contrib(tmp_path: Path) -> None:
    quick = learner(QuickTQC).learn(40)
    quick.save(tmp_path / "agent")
    loaded = TQC.load(tmp_path / "agent", env=ToyGoals())
    observation = ToyGoals().reset(seed=1)[0]
    expected, _ = quick.predict(observation, deterministic=True)
    np.testing.assert_array_equal(loaded.predict(observation, deterministic=True)[0], expected)
