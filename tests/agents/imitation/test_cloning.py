"""Cloning learns from any parts and actions, repeats itself bit for bit, and continues exactly after any stop."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
import yaml
from bars import TASK, bars, bars_folder
from torch import nn

from camshaft.agents.imitation.cloning import CloningConfig, clone
from camshaft.agents.imitation.demonstrations import Demonstrations, split_episodes
from camshaft.agents.imitation.objective import Cloning
from camshaft.agents.policies.loading import load_policy
from camshaft.agents.policies.vision import VisionPolicy
from camshaft.envs.errors import CorruptFile, InvalidOption, UnknownName
from camshaft.perception.runs.checkpoint import load_checkpoint
from camshaft.perception.runs.interrupts import TrainingInterrupted
from camshaft.perception.training.config import TrainingConfig
from camshaft.perception.training.training_progress import TrainingProgress
from camshaft.perception.zoo import create_model

TRAINING = TrainingConfig(
    epochs=3, batch_size=8, checkpoint_steps=4, log_steps=3, device="cpu", learning_rate=1e-3, workers=0
)
SMALL = CloningConfig(model="nature_cnn", model_options={"size": [36, 36], "out_dim": 16}, training=TRAINING)
STEPS = 3 * (90 // 8)


def small(**changes: Any) -> CloningConfig:
    training = {name: changes.pop(name) for name in list(changes) if hasattr(TRAINING, name)}
    return replace(SMALL, training=replace(TRAINING, **training), **changes)


def metrics(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def assert_same_run(one: Path, other: Path) -> None:
    """Same weights and optimizer in every bit, and the same rows but for the speed."""
    first, second = (load_policy(folder) for folder in (one, other))
    assert isinstance(first, VisionPolicy)
    assert isinstance(second, VisionPolicy)
    assert first.config == second.config
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name
    tensors = [load_checkpoint(folder / "checkpoints/last.safetensors")[0] for folder in (one, other)]
    assert tensors[0].keys() == tensors[1].keys()
    assert all(torch.equal(value, tensors[1][name]) for name, value in tensors[0].items())
    rows = [metrics(folder) for folder in (one, other)]
    for row in rows[0] + rows[1]:
        row.pop("samples_per_second", None)
    assert rows[0] == rows[1]


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bars_folder(tmp_path_factory.mktemp("bars") / "small")


@pytest.fixture(scope="module")
def straight(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a training that nothing disturbed."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("cloning") / "straight"
    clone(SMALL, data, folder, progress=False)
    return folder


def test_pilotnet_learns_the_experts_action_and_not_the_executed_one(tmp_path: Path) -> None:
    config = CloningConfig(training=replace(TRAINING, epochs=6, batch_size=16, learning_rate=3e-3))
    folder = bars_folder(tmp_path / "data", 320, (66, 200))
    policy = clone(config, folder, tmp_path / "run", progress=False)
    images, actions = bars(100, 66, 200, seed=1)
    assert np.abs(policy.act(images) - actions).mean() < 0.1  # the mean action alone is 0.5 off
    losses = [row["validation/loss"] for row in metrics(tmp_path / "run") if "validation/loss" in row]
    assert len(losses) == 6
    assert losses[-1] < 0.1 * losses[0]
    errors = [row["validation/error"] for row in metrics(tmp_path / "run") if "validation/error" in row]
    assert errors[-1] < 0.1


def test_discrete_actions_are_classified(tmp_path: Path) -> None:
    folder = bars_folder(tmp_path / "data", 300, choices=3)
    policy = clone(small(epochs=8, learning_rate=3e-3), folder, tmp_path / "run", progress=False)
    images, actions = bars(100, 36, 36, seed=1)
    chosen = policy.act(images)
    assert chosen.dtype == np.int64
    assert (chosen == np.minimum((actions[:, 0] + 1) / 2 * 3, 2).astype(int)).mean() > 0.8
    assert metrics(tmp_path / "run")[-1]["validation/accuracy"] > 0.8


def test_vectors_and_stacks_are_learned_from(tmp_path: Path) -> None:
    folder = bars_folder(tmp_path / "data", 200, state_column=True)
    config = small(parts=("rgb", "state"), frame_stack=2, hidden=32, epochs=6, learning_rate=3e-3)
    policy = clone(config, folder, tmp_path / "run", progress=False)
    images, actions = bars(100, 36, 36, seed=1)
    state = np.repeat(np.abs(actions), 2, axis=1)
    error = np.abs(policy.act({"rgb": images, "state": state}) - actions).mean()
    assert error < 0.2
    assert policy.config["env_options"]["obs_mode"] == "rgb+state"
    misled = np.abs(policy.act({"rgb": images, "state": state[::-1].copy()}) - actions).mean()
    assert misled > 1.2 * error


def test_the_same_seed_trains_the_same_policy(straight: Path, data: Path, tmp_path: Path) -> None:
    torch.manual_seed(123)
    np.random.seed(5)
    clone(SMALL, data, tmp_path, progress=False)
    untouched = torch.rand(3, generator=torch.Generator().manual_seed(123))
    assert torch.equal(torch.rand(3), untouched)
    assert_same_run(straight, tmp_path)


def test_another_seed_trains_another_policy(straight: Path, data: Path, tmp_path: Path) -> None:
    policy = clone(small(seed=1), data, tmp_path, progress=False)
    first = load_policy(straight)
    assert isinstance(first, VisionPolicy)
    assert not torch.equal(policy.head.weight, first.head.weight)


@pytest.mark.parametrize("stop", [1, 12, STEPS - 1])
def test_ctrl_c_writes_a_checkpoint_and_resuming_ends_the_same(
    straight: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: int
) -> None:
    handler = signal.getsignal(signal.SIGINT)
    show = TrainingProgress.update

    def press_ctrl_c(bar: TrainingProgress, step: int, *rest: Any, **measured: Any) -> None:
        show(bar, step, *rest, **measured)
        if step == stop:
            os.kill(os.getpid(), signal.SIGINT)
            monkeypatch.undo()

    monkeypatch.setattr(TrainingProgress, "update", press_ctrl_c)
    with pytest.raises(TrainingInterrupted, match=f"stopped after step {stop} of {STEPS}"):
        clone(SMALL, data, tmp_path, progress=False)
    assert signal.getsignal(signal.SIGINT) is handler
    assert load_checkpoint(tmp_path / "checkpoints/last.safetensors")[1]["step"] == stop
    clone(SMALL, data, tmp_path, progress=False, resume=True)
    assert_same_run(straight, tmp_path)


KILLED = """
import sys, torch
data, folder, *sys.path[:0] = sys.argv[1:]
torch.set_num_threads(1)
from test_cloning import SMALL, clone
clone(SMALL, data, folder, progress=False, resume=True)
"""


def test_a_killed_training_ends_the_same(straight: Path, data: Path, tmp_path: Path) -> None:
    here = Path(__file__).parent
    arguments = [str(data), str(tmp_path), str(here), str(here.parents[1] / "helpers")]
    process = subprocess.Popen([sys.executable, "-c", KILLED, *arguments], stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not (tmp_path / "metrics.jsonl").exists() and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.002)
    time.sleep(random.uniform(0.0, 0.5))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    clone(SMALL, data, tmp_path, progress=False, resume=True)
    assert_same_run(straight, tmp_path)


def test_the_run_folder_tells_how_the_training_went(straight: Path, data: Path) -> None:
    stored = yaml.safe_load((straight / "config.yaml").read_text())
    assert stored["origin"] == {"demonstrations": str(data)}
    assert stored["policy"]["model"] == "nature_cnn"
    assert TrainingConfig(**{**stored["training"], "step_milestones": TRAINING.step_milestones}) == TRAINING
    rows = metrics(straight)
    epochs = [(row["epoch"], row["step"]) for row in rows if "validation/error" in row]
    assert epochs == [(1, 11), (2, 22), (3, 33)]


def test_the_policy_knows_its_task_and_the_scale_of_its_actions(straight: Path, data: Path) -> None:
    policy, recorded = load_policy(straight), Demonstrations(data)
    assert isinstance(policy, VisionPolicy)
    assert (policy.task, policy.env_options) == (TASK, recorded.env_options)
    assert policy.name == "straight"
    learned, _ = split_episodes(recorded, SMALL.validation_fraction, TRAINING.seed)
    actions = recorded.actions[learned.rows]
    np.testing.assert_allclose(policy.config["action"]["std"], actions.std(axis=0), rtol=1e-5)
    np.testing.assert_allclose(policy.config["action"]["mean"], actions.mean(axis=0), atol=1e-6)


def test_resuming_something_else_names_what_differs(straight: Path, data: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidOption, match="holds a run already"):
        clone(SMALL, data, straight, progress=False)
    with pytest.raises(
        InvalidOption, match=r"training\.learning_rate was 0\.001, is 1e-05; policy\.hidden was 0, is 8"
    ):
        clone(small(learning_rate=1e-5, hidden=8), data, straight, progress=False, resume=True)
    other = bars_folder(tmp_path / "other", seed=3)
    with pytest.raises(InvalidOption, match="trained on other data"):
        clone(SMALL, other, straight, progress=False, resume=True)


@pytest.mark.parametrize("kept", [0, 1000, -1])
def test_a_truncated_checkpoint_is_named(straight: Path, data: Path, tmp_path: Path, kept: int) -> None:
    clone(small(epochs=1), data, tmp_path, progress=False)
    path = tmp_path / "checkpoints/last.safetensors"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(CorruptFile, match=r"last\.safetensors"):
        clone(small(epochs=1), data, tmp_path, progress=False, resume=True)


def test_a_policy_starts_from_the_weights_it_is_given(data: Path, tmp_path: Path) -> None:
    torch.manual_seed(5)
    encoder = create_model("nature_cnn", size=(36, 36), out_dim=16)
    path = tmp_path / "encoder.safetensors"
    safetensors.torch.save_model(encoder, str(path))
    config = small(weights=str(path), epochs=1, learning_rate=1e-9, weight_decay=0.0)
    policy = clone(config, data, tmp_path / "run", progress=False)
    for name, value in encoder.state_dict().items():
        torch.testing.assert_close(policy.encoder.state_dict()[name], value, rtol=0.0, atol=1e-6)


def test_training_without_validation_is_possible(data: Path, tmp_path: Path) -> None:
    clone(small(epochs=1, validation_fraction=0.0), data, tmp_path, progress=False)
    assert not any("validation/loss" in row for row in metrics(tmp_path))
    assert (tmp_path / "policy" / "model.safetensors").exists()


def test_an_action_that_never_changes_is_learned(tmp_path: Path) -> None:
    folder = bars_folder(tmp_path / "data", more_actions=0.25)
    policy = clone(small(epochs=1), folder, tmp_path / "run", progress=False)
    assert (policy.config["action"]["std"][1], policy.config["action"]["mean"][1]) == (1.0, 0.25)
    assert np.isfinite(policy.act(bars(4, 36, 36)[0])).all()


@pytest.mark.parametrize(
    ("name", "value"),
    [("frame_stack", 0), ("hidden", -1), ("validation_fraction", 1.0), ("color_jitter", float("nan"))],
)
def test_values_that_make_no_sense_are_refused(name: str, value: Any) -> None:
    with pytest.raises(InvalidOption, match=f"{name} must be .* got"):
        CloningConfig(**{name: value})


@pytest.mark.parametrize("name", ["model", "loss"])
def test_names_that_do_not_exist_are_refused(name: str) -> None:
    with pytest.raises(UnknownName, match=f"unknown {name} 'nothing'"):
        CloningConfig(**{name: "nothing"})


def objective(**action: Any) -> Cloning:
    from camshaft.agents.policies.observations import parse_parts

    return Cloning(parse_parts({"rgb": (8, 8, 3), "state": [2]}), action)


def batch(**changes: Any) -> dict[str, Any]:
    frames = torch.zeros(4, 3, 8, 8, dtype=torch.uint8)
    return {"rgb": frames, "state": torch.zeros(4, 2), "action": torch.zeros(4, 1), **changes}


def test_the_error_is_in_units_of_an_action_and_the_loss_in_deviations() -> None:
    learned = objective(size=1, mean=[0.5], std=[0.1])
    values = batch(action=torch.tensor([[0.5], [0.6], [0.7], [0.4]]))
    outputs = torch.zeros(4, 1)
    measured = learned.metrics()
    measured.update(outputs[:1], {name: value[:1] for name, value in values.items()})
    measured.update(outputs[1:], {name: value[1:] for name, value in values.items()})
    assert measured.compute()["error"] == pytest.approx(0.1)
    assert learned.loss(outputs, values)["action"] == pytest.approx((0.0 + 0.5 + 1.5 + 0.5) / 4)
    assert (learned.score, learned.higher_is_better) == ("error", False)


def test_the_network_gets_the_parts_alone() -> None:
    class Network(nn.Module):
        def forward(self, parts: dict[str, torch.Tensor]) -> torch.Tensor:
            self.given = set(parts)
            return parts["state"]

    network = Network()
    objective(size=1, mean=[0.0], std=[1.0]).outputs(network, batch())
    assert network.given == {"rgb", "state"}


@pytest.mark.parametrize(
    ("action", "changes", "message"),
    [
        (
            {"choices": 3},
            {"action": torch.tensor([0, 1, 2, 3])},
            r"action 3 is out of range: there are 0\.\.2",
        ),
        (
            {"size": 1, "mean": [0.0], "std": [1.0]},
            {"action": torch.tensor([[np.nan]] * 4)},
            "not all finite",
        ),
        ({"choices": 3}, {"rgb": torch.zeros(4, 8, 8, dtype=torch.uint8)}, "images"),
    ],
)
def test_labels_and_frames_that_are_none_are_refused(
    action: dict[str, Any], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidOption, match=message):
        objective(**action).check(batch(**changes))
