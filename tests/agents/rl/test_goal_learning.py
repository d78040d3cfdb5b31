"""TQC with hindsight replay: the same arithmetic as sb3-contrib's, and trainings that go on after a stop."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import gymnasium
import numpy as np
import pytest
import torch
from sb3_contrib import TQC
from sb3_contrib.common.utils import quantile_huber_loss as reference_loss
from stable_baselines3 import HerReplayBuffer

import camshaft.agents.rl.tqc
import camshaft.experiments.cli.train_goals
from camshaft.agents.rl.goal_training import GoalTraining, make_learner
from camshaft.agents.rl.tqc import QuickTQC, quantile_huber_loss
from camshaft.envs.errors import InvalidOption
from camshaft.experiments.cli.main import main
from camshaft.perception.runs.checkpoint import load_checkpoint
from camshaft.perception.runs.run_folder import CHECKPOINT_FILE, RunFolder, check_resumable
from camshaft.perception.training.curves import read_metrics
from camshaft.perception.training.hardware import Hardware

SETTINGS = {
    "normalize": True,
    "buffer_size": 120,
    "batch_size": 64,
    "gamma": 0.95,
    "learning_rate": 0.001,
    "learning_starts": 20,
    "net_arch": [16, 16],
    "n_critics": 2,
    "n_sampled_goal": 4,
    "goal_selection_strategy": "future",
}


class ToyGoals(gymnasium.Env):
    """A point that is pushed toward a goal in the plane, for 10 steps."""

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
    monkeypatch.setattr(
        camshaft.agents.rl.tqc, "choose_hardware", lambda _: Hardware(torch.device("cpu"), torch.float32)
    )


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


def train(folder: Path, total: int, *, resume: bool = False, stop_at: int | None = None) -> QuickTQC:
    """A training of some steps; stopped at one of them by Ctrl-C if asked to."""

    def progress(done: int, _: int) -> None:
        if done == stop_at:
            raise KeyboardInterrupt

    learner = make_learner(ToyGoals(), SETTINGS, seed=5)
    with RunFolder(folder, SETTINGS, resume=resume) as kept:
        GoalTraining(
            learner,
            "ToyGoals-v0",
            ToyGoals(),
            kept,
            seed=5,
            total=total,
            eval_every=40,
            eval_episodes=4,
            checkpoint_every=60,
            progress=progress,
        ).train()
    return learner


def test_a_stopped_training_goes_on_and_ends_with_the_same_weights_and_curve(tmp_path: Path) -> None:
    whole = train(tmp_path / "whole", 260)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "stopped", 260, stop_at=200)  # when the replay buffer has gone round
    assert load_checkpoint(tmp_path / "stopped" / CHECKPOINT_FILE)[1]["step"] < 200
    resumed = train(tmp_path / "stopped", 260, resume=True)
    for name, weight in whole.policy.state_dict().items():
        assert torch.equal(resumed.policy.state_dict()[name], weight), name
    curves = [read_metrics(tmp_path / name) for name in ("whole", "stopped")]
    assert [row["step"] for row in curves[0]] == [40, 80, 120, 160, 200, 240, 260]
    for row, other in zip(*curves, strict=True):
        assert {**row, "cpu_seconds": 0} == {**other, "cpu_seconds": 0}


def test_a_finished_training_goes_on_for_longer(tmp_path: Path) -> None:
    train(tmp_path, 83)
    with pytest.raises(InvalidOption, match="holds a run already"):
        train(tmp_path, 160)
    assert train(tmp_path, 160, resume=True).num_timesteps == 160
    assert [row["step"] for row in read_metrics(tmp_path)] == [40, 80, 83, 120, 160]
    unchanged = train(tmp_path, 160, resume=True)
    stored = load_checkpoint(tmp_path / CHECKPOINT_FILE)[0]
    assert torch.equal(unchanged.policy.state_dict()["actor.mu.weight"], stored["policy.actor.mu.weight"])


def test_a_run_that_is_not_there_is_not_resumed(tmp_path: Path) -> None:
    with pytest.raises(InvalidOption, match="nothing to resume"):
        check_resumable(tmp_path / "none")


def test_an_agent_is_kept_for_stable_baselines_and_its_environments_are_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = []

    class Closing(ToyGoals):
        def close(self) -> None:
            closed.append(self)

    monkeypatch.setattr(camshaft.experiments.cli.train_goals, "make_goal_env", lambda _: Closing())
    words = ["train", "goals", "PandaReach-v3", "--eval-every", "20", "--eval-episodes", "1", "--steps"]
    assert main([*words, "40", "--out", str(tmp_path)]) == 0
    assert len(set(map(id, closed))) == 2
    scales = json.loads((tmp_path / "normalization.json").read_text())
    stored = load_checkpoint(tmp_path / CHECKPOINT_FILE)[0]
    for part in ("observation", "achieved_goal", "desired_goal"):
        assert scales["mean"][part] == stored[f"normalize.{part}.mean"].tolist()
        assert scales["variance"][part] == stored[f"normalize.{part}.var"].tolist()
    weights = TQC.load(tmp_path / "agent", env=ToyGoals()).policy.state_dict()
    for name, weight in weights.items():
        assert torch.equal(weight, stored[f"policy.{name}"]), name
    assert not list(tmp_path.rglob("*.pkl")) + list(tmp_path.rglob("*.unfinished"))


def test_success_of_several_trainings_is_drawn_with_its_intervals(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, successes in (("ours", (0.1, 0.6)), ("theirs", (0.2, 0.3))):
        rows = [
            {
                "step": 100 * (number + 1),
                "success": rate,
                "success_low": rate - 0.1,
                "success_high": rate + 0.1,
            }
            for number, rate in enumerate(successes)
        ]
        (tmp_path / name).mkdir()
        (tmp_path / name / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "metrics.jsonl").write_text('{"step": 1, "train_loss": 0.5}\n')
    runs, picture = [str(tmp_path / "ours"), str(tmp_path / "theirs")], tmp_path / "picture.png"
    assert main(["show", "curves", *runs, "--out", str(picture)]) == 0
    assert "2 curves of success" in capsys.readouterr().out
    image = cv2.imread(str(picture))
    colors = {tuple(color) for color in image.reshape(-1, 3)}
    assert {(180, 119, 31), (14, 127, 255)} <= colors  # matplotlib's C0 and C1 as BGR
    assert main(["show", "curves", *runs, str(tmp_path / "images"), "--out", str(picture)]) == 2
    assert "plot them separately" in capsys.readouterr().err
