"""Cloning learns, repeats itself to the bit, and goes on exactly after it was stopped in any way."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
import yaml
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import camshaft.agents.imitation.cloning_loop
from camshaft.agents.imitation.cloning import CloningConfig, TrainingInterrupted, train
from camshaft.agents.imitation.cloning_data import validation_episodes
from camshaft.agents.imitation.cloning_loop import learning_rate
from camshaft.agents.policies.base import ConvPolicy
from camshaft.envs.errors import CorruptFile, InvalidOption, UnknownName
from camshaft.perception.runs.checkpoint import load_checkpoint
from camshaft.perception.training.augmentation import jitter_colors
from camshaft.perception.training.divergence import TrainingDiverged
from camshaft.perception.training.training_progress import TrainingProgress
from camshaft.perception.zoo import create_model


@dataclass
class Bars:
    """Frames with a bright bar on noise; the bar's place is the action."""

    images: np.ndarray
    actions: np.ndarray
    episodes: np.ndarray
    task: str = "camshaft/LaneKeeping-v0"
    env_options: dict[str, Any] = field(default_factory=lambda: {"obs_mode": "rgb"})


def make_bars(count: int, height: int, width: int, seed: int = 0, episode_length: int = 10) -> Bars:
    rng = np.random.default_rng(seed)
    actions = rng.uniform(-1.0, 1.0, (count, 1)).astype(np.float32)
    images = rng.integers(0, 120, (count, height, width, 3), dtype=np.uint8)
    half = max(1, width // 25)
    for image, action in zip(images, actions[:, 0], strict=True):
        center = round(half + (action + 1.0) / 2.0 * (width - 1 - 2 * half))
        image[:, center - half : center + half + 1] += 120
    return Bars(images, actions, np.arange(count) // episode_length)


SMALL = CloningConfig(
    model="nature_cnn",
    model_options={"size": [36, 36], "out_dim": 16},
    epochs=3,
    batch_size=8,
    checkpoint_steps=4,
    log_steps=3,
    device="cpu",
)
SMALL_STEPS = 3 * (90 // 8)


def small_bars() -> Bars:
    return make_bars(100, 36, 36)


def metrics(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def assert_same_run(one: Path, other: Path) -> None:
    """Same weights to the bit, same optimizer, and the same rows but for the speed."""
    first, second = (ConvPolicy.load(folder / "policy") for folder in (one, other))
    assert first.config == second.config
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name
    tensors = [load_checkpoint(folder / "checkpoints/last.safetensors")[0] for folder in (one, other)]
    assert tensors[0].keys() == tensors[1].keys()
    assert all(torch.equal(value, tensors[1][name]) for name, value in tensors[0].items())
    rows = [metrics(folder) for folder in (one, other)]
    for row in rows[0] + rows[1]:
        row.pop("images_per_second", None)
    assert rows[0] == rows[1]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small nets are no faster with two, and tests run side by side."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a training that nothing disturbed."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("cloning") / "straight"
    train(SMALL, small_bars(), folder, progress=False)
    return folder


def test_pilotnet_learns_where_the_bar_is(tmp_path: Path) -> None:
    config = CloningConfig(epochs=6, batch_size=16, learning_rate=3e-3, device="cpu")
    policy = train(config, make_bars(320, 66, 200), tmp_path, progress=False)
    unseen = make_bars(100, 66, 200, seed=1)
    error = np.abs(policy.act(unseen.images) - unseen.actions).mean()
    assert error < 0.1  # the mean action alone is 0.5 off
    losses = [row["validation/loss"] for row in metrics(tmp_path) if "validation/loss" in row]
    assert len(losses) == 6
    assert losses[-1] < 0.1 * losses[0]


def test_two_threads_train_the_same_pilotnet_twice(tmp_path: Path) -> None:
    torch.set_num_threads(2)
    data = make_bars(96, 66, 200)
    config = CloningConfig(epochs=1, batch_size=32, checkpoint_steps=1, log_steps=1, device="cpu")
    for name in ("one", "other"):
        train(config, data, tmp_path / name, progress=False)
    assert_same_run(tmp_path / "one", tmp_path / "other")


def test_the_same_seed_trains_the_same_policy(straight: Path, tmp_path: Path) -> None:
    torch.manual_seed(123)
    np.random.seed(5)
    train(SMALL, small_bars(), tmp_path, progress=False)
    assert_same_run(straight, tmp_path)


def test_another_seed_trains_another_policy(straight: Path, tmp_path: Path) -> None:
    policy = train(replace(SMALL, seed=1), small_bars(), tmp_path, progress=False)
    first = ConvPolicy.load(straight / "policy")
    assert not torch.equal(policy.head.weight, first.head.weight)


def test_random_numbers_of_the_caller_are_left_alone(tmp_path: Path) -> None:
    torch.manual_seed(4)
    expected = torch.rand(3)
    torch.manual_seed(4)
    train(replace(SMALL, epochs=1), small_bars(), tmp_path, progress=False)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("stop", [1, 11, 13, SMALL_STEPS - 1])
def test_ctrl_c_writes_a_checkpoint_and_resuming_ends_the_same(
    straight: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: int
) -> None:
    handler = signal.getsignal(signal.SIGINT)
    show = TrainingProgress.update

    def press_ctrl_c(bar: TrainingProgress, step: int, *rest: Any, **measured: Any) -> None:
        show(bar, step, *rest, **measured)
        if step == stop:
            os.kill(os.getpid(), signal.SIGINT)
            monkeypatch.undo()

    monkeypatch.setattr(TrainingProgress, "update", press_ctrl_c)
    with pytest.raises(TrainingInterrupted, match=f"stopped after step {stop} of {SMALL_STEPS}; resume"):
        train(SMALL, small_bars(), tmp_path, progress=False)
    assert signal.getsignal(signal.SIGINT) is handler
    assert load_checkpoint(tmp_path / "checkpoints/last.safetensors")[1]["step"] == stop
    train(SMALL, small_bars(), tmp_path, progress=False, resume=True)
    assert_same_run(straight, tmp_path)


@pytest.mark.parametrize("stop", [2, 17])
def test_an_error_within_a_step_spoils_nothing(
    straight: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: int
) -> None:
    count = 0

    def fail(*arguments: Any) -> torch.Tensor:
        nonlocal count
        count += 1
        if count == stop:
            raise KeyboardInterrupt
        return jitter_colors(*arguments)

    monkeypatch.setattr(camshaft.agents.imitation.cloning_loop, "jitter_colors", fail)
    with pytest.raises(KeyboardInterrupt):
        train(SMALL, small_bars(), tmp_path, progress=False)
    monkeypatch.undo()
    train(SMALL, small_bars(), tmp_path, progress=False, resume=True)
    assert_same_run(straight, tmp_path)


KILLED = """
import sys, torch
folder, threads, *sys.path[:0] = sys.argv[1:]
torch.set_num_threads(int(threads))
from test_cloning import SMALL, small_bars, train
train(SMALL, small_bars(), folder, progress=False, resume=True)
"""


def test_a_killed_training_ends_the_same(straight: Path, tmp_path: Path) -> None:
    here = Path(__file__).parent
    arguments = [str(tmp_path), str(torch.get_num_threads()), str(here), str(here.parent / "helpers")]
    process = subprocess.Popen([sys.executable, "-c", KILLED, *arguments], stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not (tmp_path / "metrics.jsonl").exists() and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.002)
    time.sleep(random.uniform(0.0, 0.5))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    train(SMALL, small_bars(), tmp_path, progress=False, resume=True)
    assert_same_run(straight, tmp_path)


def test_resuming_a_finished_run_changes_nothing(straight: Path, tmp_path: Path) -> None:
    train(SMALL, small_bars(), tmp_path, progress=False, resume=True)
    train(SMALL, small_bars(), tmp_path, progress=False, resume=True)
    assert_same_run(straight, tmp_path)


def test_the_run_folder_tells_how_the_training_went(straight: Path) -> None:
    stored = yaml.safe_load((straight / "config.yaml").read_text())
    assert stored.pop("origin") == {}
    assert CloningConfig(**stored) == SMALL
    rows = metrics(straight)
    logged = [row["step"] for row in rows if "loss" in row]
    assert logged == list(range(3, SMALL_STEPS + 1, 3))
    epochs = [(row["epoch"], row["step"]) for row in rows if "validation/loss" in row]
    assert epochs == [(1, 11), (2, 22), (3, 33)]
    events = EventAccumulator(str(straight / "tensorboard")).Reload()
    assert [event.step for event in events.Scalars("loss")] == logged
    assert [event.step for event in events.Scalars("validation/loss")] == [11, 22, 33]
    assert not list(straight.rglob("*.unfinished"))


def test_the_policy_knows_its_task_and_the_scale_of_its_actions(straight: Path) -> None:
    data = small_bars()
    config = ConvPolicy.load(straight / "policy").config
    assert (config["task"], config["env_options"]) == (data.task, data.env_options)
    learned = ~validation_episodes(data.episodes, SMALL.validation_fraction, SMALL.seed)
    np.testing.assert_allclose(config["action_std"], data.actions[learned].std(axis=0), rtol=1e-5)
    np.testing.assert_allclose(config["action_mean"], data.actions[learned].mean(axis=0), atol=1e-6)


def test_a_folder_with_a_run_is_not_trained_over(straight: Path) -> None:
    before = (straight / "checkpoints/last.safetensors").read_bytes()
    with pytest.raises(InvalidOption, match="holds a run already"):
        train(SMALL, small_bars(), straight, progress=False)
    assert (straight / "checkpoints/last.safetensors").read_bytes() == before


def test_resuming_with_another_config_names_what_differs(straight: Path) -> None:
    other = replace(SMALL, learning_rate=1e-5, epochs=4)
    with pytest.raises(InvalidOption, match=r"epochs was 3, is 4; learning_rate was 0\.001, is 1e-05"):
        train(other, small_bars(), straight, progress=False, resume=True)


def test_resuming_on_other_demonstrations_is_refused(straight: Path) -> None:
    data = small_bars()
    data.actions[3] *= 0.5
    with pytest.raises(InvalidOption, match="other demonstrations"):
        train(SMALL, data, straight, progress=False, resume=True)


@pytest.mark.parametrize("kept", [0, 1000, -1])
def test_a_truncated_checkpoint_is_named(straight: Path, tmp_path: Path, kept: int) -> None:
    train(replace(SMALL, epochs=1), small_bars(), tmp_path, progress=False)
    path = tmp_path / "checkpoints/last.safetensors"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(CorruptFile, match=r"last\.safetensors"):
        train(replace(SMALL, epochs=1), small_bars(), tmp_path, progress=False, resume=True)


def test_a_diverging_training_stops_and_keeps_the_last_good_checkpoint(tmp_path: Path) -> None:
    config = replace(SMALL, learning_rate=1e30, checkpoint_steps=1)
    with pytest.raises(
        TrainingDiverged, match=r"diverged.*checkpoint of step 1 is kept.*learning_rate below 1e\+30"
    ):
        train(config, small_bars(), tmp_path, progress=False)
    tensors, _ = load_checkpoint(tmp_path / "checkpoints/last.safetensors")
    assert all(torch.isfinite(tensor).all() for tensor in tensors.values())
    assert not (tmp_path / "policy").exists()


def test_a_policy_starts_from_the_weights_it_is_given(tmp_path: Path) -> None:
    torch.manual_seed(5)
    encoder = create_model("nature_cnn", size=(36, 36), out_dim=16)
    path = tmp_path / "encoder.safetensors"
    safetensors.torch.save_model(encoder, str(path))
    config = replace(SMALL, weights=str(path), epochs=1, learning_rate=1e-9, weight_decay=0.0)
    policy = train(config, small_bars(), tmp_path / "run", progress=False)
    for name, value in encoder.state_dict().items():
        torch.testing.assert_close(policy.encoder.state_dict()[name], value, rtol=0.0, atol=1e-6)


def test_validation_holds_out_whole_episodes() -> None:
    episodes = np.repeat(np.arange(20), 7)
    held_out = validation_episodes(episodes, 0.1, seed=0)
    assert held_out.sum() == 2 * 7
    assert not set(episodes[held_out]) & set(episodes[~held_out])
    assert np.array_equal(held_out, validation_episodes(episodes, 0.1, seed=0))
    assert not validation_episodes(episodes, 0.0, seed=0).any()
    assert validation_episodes(episodes[:14], 0.1, seed=0).sum() == 7
    with pytest.raises(InvalidOption, match="leaves none to learn from"):
        validation_episodes(episodes[:7], 0.1, seed=0)


def test_training_without_validation_is_possible(tmp_path: Path) -> None:
    train(replace(SMALL, epochs=1, validation_fraction=0.0), small_bars(), tmp_path, progress=False)
    assert metrics(tmp_path)[-1]["validation/loss"] is None


def test_an_action_that_never_changes_is_learned(tmp_path: Path) -> None:
    data = small_bars()
    data.actions = np.concatenate([data.actions, np.full_like(data.actions, 0.25)], axis=1)
    policy = train(replace(SMALL, epochs=1), data, tmp_path, progress=False)
    assert policy.config["action_std"][1] == 1.0
    assert policy.config["action_mean"][1] == 0.25
    assert np.isfinite(policy.act(data.images)).all()


def test_the_learning_rate_warms_up_and_falls_to_nothing() -> None:
    rates = [learning_rate(step, 100, 2.0, 0.1) for step in range(100)]
    assert rates[:10] == pytest.approx(np.linspace(0.2, 2.0, 10))
    assert rates[10] == 2.0
    assert rates[55] == pytest.approx(1.0)
    assert 0.0 < rates[-1] < 0.001
    assert all(before >= after for before, after in pairwise(rates[10:]))
    assert learning_rate(0, 10, 2.0, 0.0) == 2.0


@pytest.mark.parametrize(
    ("field_name", "value"),
    [
        ("epochs", 0),
        ("batch_size", 2.5),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("learning_rate", "fast"),
        ("gradient_clip", -1.0),
        ("weight_decay", float("inf")),
        ("warmup_fraction", 1.0),
        ("validation_fraction", -0.1),
        ("seed", -1),
        ("log_steps", True),
    ],
)
def test_values_that_make_no_sense_are_refused(field_name: str, value: Any) -> None:
    with pytest.raises(InvalidOption, match=f"{field_name} must be .* got"):
        CloningConfig(**{field_name: value})


@pytest.mark.parametrize("name", ["model", "loss", "device", "precision"])
def test_names_that_do_not_exist_are_refused(name: str) -> None:
    with pytest.raises(UnknownName, match=f"unknown {name} 'nothing'"):
        CloningConfig(**{name: "nothing"})


def test_demonstrations_that_do_not_fit_together_are_refused(tmp_path: Path) -> None:
    data = small_bars()
    with pytest.raises(InvalidOption, match="as many rows"):
        train(SMALL, replace(data, actions=data.actions[:-1]), tmp_path / "a", progress=False)
    with pytest.raises(InvalidOption, match="uint8"):
        train(SMALL, replace(data, images=data.images / 255.0), tmp_path / "b", progress=False)
    data.actions[5] = np.nan
    with pytest.raises(InvalidOption, match="finite"):
        train(SMALL, data, tmp_path / "c", progress=False)


def test_color_jitter_of_no_strength_changes_nothing() -> None:
    frames = torch.from_numpy(small_bars().images).permute(0, 3, 1, 2)
    result = jitter_colors(frames, 0.0, torch.Generator().manual_seed(0), torch.float32)
    torch.testing.assert_close(result, frames / 255.0)


def test_color_jitter_keeps_shapes_and_changes_light() -> None:
    ramp = torch.arange(0, 256, dtype=torch.uint8).view(1, 1, 16, 16).expand(64, 3, 16, 16)
    result = jitter_colors(ramp, 1.0, torch.Generator().manual_seed(0), torch.float32)
    assert result.shape == (64, 3, 16, 16)
    assert result.is_contiguous(memory_format=torch.channels_last)
    assert result.min() >= 0.0
    assert result.max() <= 1.0
    assert (result.flatten(2).diff() >= -1e-6).all()  # darker stays darker
    assert result.mean(dim=(1, 2, 3)).std() > 0.05
