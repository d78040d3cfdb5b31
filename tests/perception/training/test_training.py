"""Schedules, optimizers, penalties, averages, metrics and data loading, compared with values computed by hand."""

from __future__ import annotations

import math
import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from camshaft.envs.errors import CamshaftError, InvalidOption, UnknownName
from camshaft.perception.backbones.encoder import count_parameters
from camshaft.perception.classification import Classification
from camshaft.perception.training.averaging import MovingAverage
from camshaft.perception.training.batches import check_images, select
from camshaft.perception.training.config import TrainingConfig
from camshaft.perception.training.curves import plot_curves
from camshaft.perception.training.optimizers import ParameterGroup, add_penalty_gradients
from camshaft.perception.training.reading import read_batches, translate_worker_errors
from camshaft.perception.training.samples import DatasetSamples, TensorSamples, as_samples

TOTAL = 100


def rates(**options: Any) -> list[float]:
    config = TrainingConfig(learning_rate=2.0, **options)
    return [config.rate_at(step, TOTAL) for step in range(TOTAL)]


def test_every_schedule_warms_up_linearly() -> None:
    for schedule in ("cosine", "poly", "step", "constant"):
        assert rates(schedule=schedule, warmup_fraction=0.04)[:4] == pytest.approx([0.5, 1.0, 1.5, 2.0])


def test_cosine_falls_along_half_a_cosine() -> None:
    values = rates(schedule="cosine", warmup_fraction=0.0)
    assert [values[0], values[25], values[50], values[75]] == pytest.approx(
        [2.0, 1.0 + math.sqrt(0.5), 1.0, 1.0 - math.sqrt(0.5)]
    )


def test_poly_falls_by_its_power() -> None:
    values = rates(schedule="poly", warmup_fraction=0.0, poly_power=2.0)
    assert [values[0], values[50], values[90]] == pytest.approx([2.0, 0.5, 0.02])


def test_step_falls_at_its_milestones() -> None:
    values = rates(schedule="step", warmup_fraction=0.0)
    assert [values[0], values[49], values[50], values[74], values[75], values[99]] == pytest.approx(
        [2.0, 2.0, 0.2, 0.2, 0.02, 0.02]
    )


def test_constant_stays() -> None:
    assert set(rates(schedule="constant", warmup_fraction=0.0)) == {2.0}


def test_penalties_add_their_gradients_to_weights_alone() -> None:
    layer = nn.Linear(2, 1)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[3.0, -2.0]]))
        layer.bias.fill_(5.0)
    layer(torch.zeros(1, 2)).sum().backward()
    add_penalty_gradients(layer.parameters(), l1=0.1, l2=0.01)
    torch.testing.assert_close(layer.weight.grad, torch.tensor([[0.13, -0.12]]))
    assert layer.bias.grad.item() == 1.0


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # Second of two steps with rate 0.1 on w²/2 from w = 1, computed by hand.
        ("sgd", 0.9 - 0.1 * (0.9 + 0.5 * (0.9 + 0.5 * 1.0))),
        ("adagrad", 0.9 - 0.1 * 0.9 / math.sqrt(1.0 + 0.81)),
    ],
)
def test_optimizers_take_the_steps_of_their_papers(name: str, expected: float) -> None:
    weight = nn.Parameter(torch.ones(1, 1))
    config = TrainingConfig(optimizer=name, momentum=0.5)
    optimizer = config.make_optimizer([ParameterGroup([weight])])
    for group in optimizer.param_groups:
        group["lr"] = 0.1
    path = []
    for _ in range(2):
        optimizer.zero_grad()
        (0.5 * weight.square()).sum().backward()
        optimizer.step()
        path.append(weight.item())
    if name == "sgd":  # Nesterov's first step looks ahead as well
        first = 1.0 - 0.1 * (1.0 + 0.5 * 1.0)
        assert path[0] == pytest.approx(first)
        assert path[1] == pytest.approx(first - 0.1 * (first + 0.5 * (0.5 * 1.0 + first)))
    else:
        assert path == [pytest.approx(0.9), pytest.approx(expected)]


@pytest.mark.parametrize("name", ["sgd", "adam", "adamw", "rmsprop", "adagrad"])
def test_every_optimizer_learns_at_the_rates_of_its_groups(name: str) -> None:
    fast, slow = nn.Parameter(torch.ones(2, 2)), nn.Parameter(torch.ones(2, 2))
    config = TrainingConfig(optimizer=name, momentum=0.0)
    optimizer = config.make_optimizer([ParameterGroup([fast]), ParameterGroup([slow], 0.01)])
    for _ in range(5):
        for group in optimizer.param_groups:
            group["lr"] = 0.01 * group["scale"]
        optimizer.zero_grad()
        (fast.square().sum() + slow.square().sum()).backward()
        optimizer.step()
    moved = [1.0 - value.mean().item() for value in (fast, slow)]
    assert moved[0] > 0.005
    assert 0.0 < moved[1] < 0.02 * moved[0]


def test_weight_decay_is_for_weights_and_adamw() -> None:
    layer = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    config = TrainingConfig(optimizer="adamw", weight_decay=0.3)
    optimizer = config.make_optimizer([ParameterGroup(list(layer.parameters()))])
    decays = {
        id(value): group["weight_decay"] for group in optimizer.param_groups for value in group["params"]
    }
    assert decays == {id(value): 0.3 if value.ndim > 1 else 0.0 for value in layer.parameters()}
    with pytest.raises(InvalidOption, match="use l2 with 'sgd'"):
        TrainingConfig(optimizer="sgd", weight_decay=0.1)


def test_moving_average_is_the_weighted_sum() -> None:
    layer = nn.Linear(1, 1, bias=False)
    average = MovingAverage(layer, 0.5)
    start = layer.weight.item()
    with torch.no_grad():
        layer.weight.fill_(8.0)
    average.update(layer, steps=1000)
    assert average.tensors["weight"].item() == pytest.approx(0.5 * start + 4.0)
    average.update(layer, steps=0)  # the decay is small at the start
    assert average.tensors["weight"].item() == pytest.approx(0.1 * (0.5 * start + 4.0) + 7.2)
    with average.applied(layer):
        assert layer.weight.item() == average.tensors["weight"].item()
    assert layer.weight.item() == 8.0


def test_label_smoothing_spreads_probability() -> None:
    logits = torch.tensor([[2.0, 0.0, -1.0]])
    targets = {"class": torch.tensor([0])}
    logs = logits.log_softmax(1)[0]
    plain = Classification(3).loss(logits, targets)["cross_entropy"]
    smooth = Classification(3, label_smoothing=0.3).loss(logits, targets)["cross_entropy"]
    assert plain.item() == pytest.approx(-logs[0].item())
    assert smooth.item() == pytest.approx(-(0.8 * logs[0] + 0.1 * logs[1] + 0.1 * logs[2]).item())


def test_auxiliary_losses_have_their_weight() -> None:
    logits = torch.randn(4, 3)
    targets = {"class": torch.tensor([0, 1, 2, 0])}
    terms = Classification(3).loss((logits, logits, logits), targets)
    assert terms["auxiliary1"].item() == pytest.approx(0.3 * terms["cross_entropy"].item())


def test_accuracy_counts_right_answers() -> None:
    metrics = Classification(7).metrics()
    metrics.update(torch.eye(7)[[0, 1, 2, 3]], {"class": torch.tensor([0, 1, 1, 1])})
    metrics.update(torch.eye(7)[[6]], {"class": torch.tensor([6])})
    scores = metrics.compute()
    assert scores["accuracy"] == pytest.approx(3 / 5)
    assert scores["mean_recall"] == pytest.approx((1 + 1 / 3 + 1) / 3)


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        (torch.tensor([0, 3]), "class 3 is out of range: there are classes 0..2"),
        (torch.tensor([-1, 0]), "class -1 is out of range"),
        (torch.tensor([0.5, 1.0]), "whole numbers"),
    ],
)
def test_classes_that_do_not_exist_are_refused(targets: torch.Tensor, message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        Classification(3).check({"rgb": torch.zeros(2, 8, 8, 3), "class": targets})


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"optimizer": "adm"}, UnknownName, "Did you mean 'adam'"),
        ({"schedule": "cosin"}, UnknownName, "Did you mean 'cosine'"),
        ({"epochs": 0}, InvalidOption, "epochs must be a whole number from 1, got 0"),
        ({"learning_rate": -1.0}, InvalidOption, "learning_rate"),
        ({"learning_rate": math.nan}, InvalidOption, "learning_rate"),
        ({"ema_decay": 1.0}, InvalidOption, "ema_decay"),
        ({"l1": -0.1}, InvalidOption, "l1"),
        ({"batch_size": True}, InvalidOption, "batch_size"),
    ],
)
def test_settings_that_make_no_sense_are_refused(options: dict[str, Any], error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        TrainingConfig(**options)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (torch.zeros(2, 8, 8, dtype=torch.uint8), "accepted are"),
        (torch.zeros(2, 8, 8, 4, dtype=torch.uint8), "accepted are"),
        (torch.zeros(2, 8, 8, 3, dtype=torch.int64), "accepted are uint8"),
        (torch.full((2, 8, 8, 3), 255.0), r"within \[0, 1\], got 255"),
        (torch.full((2, 8, 8, 3), math.nan), r"within \[0, 1\]"),
    ],
)
def test_images_other_than_frames_are_refused(images: torch.Tensor, message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        check_images(images)


def test_a_missing_label_is_named() -> None:
    with pytest.raises(InvalidOption, match="no 'depth', only: class, rgb"):
        select({"rgb": torch.zeros(1, 8, 8, 3), "class": torch.zeros(1)}, ("rgb", "depth"))


def test_items_of_every_kind_become_batches() -> None:
    image = np.zeros((4, 4, 3), np.uint8)
    for items in ([(image, 1), (image, 2)], [(image, {"class": 1}), (image, {"class": 2})]):
        assert as_samples(items).fetch([1, 0])["class"].tolist() == [2, 1]
    assert as_samples([{"rgb": image, "class": 5}]).fetch([0])["rgb"].shape == (1, 4, 4, 3)
    with pytest.raises(InvalidOption, match="is not a data set"):
        as_samples(3)
    with pytest.raises(InvalidOption, match="must have the same length"):
        TensorSamples({"rgb": np.zeros((2, 4, 4, 3)), "class": np.zeros(3)})


class Broken:
    """Reading image 3 fails, or kills the worker process."""

    def __init__(self, kill: bool) -> None:
        self.kill = kill

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> dict[str, Any]:
        if index == 3:
            if self.kill:
                os.kill(os.getpid(), signal.SIGKILL)
            raise ValueError("bad pixels")
        return {"rgb": np.zeros((4, 4, 3), np.uint8), "class": 0}


@pytest.mark.parametrize("workers", [0, 1])
def test_an_unreadable_image_is_named(workers: int) -> None:
    rows = torch.arange(8).split(2)
    batches = read_batches(DatasetSamples(Broken(kill=False)), rows, lambda batch: batch, workers)
    assert next(batches)["class"].tolist() == [0, 0]
    with pytest.raises(CamshaftError, match="sample 3 cannot be read: ValueError: bad pixels"):
        next(batches)


def test_a_dead_worker_is_reported() -> None:
    rows = torch.arange(8).split(2)
    with pytest.raises(CamshaftError, match="a data loading worker died.*resume"):
        list(read_batches(DatasetSamples(Broken(kill=True)), rows, lambda batch: batch, workers=1))


def test_a_worker_that_dies_while_a_batch_is_used_is_reported() -> None:
    batches = read_batches(
        DatasetSamples(Broken(kill=True)), torch.arange(8).split(1), lambda batch: batch, 1
    )
    with (
        pytest.raises(CamshaftError, match="a data loading worker died.*resume"),
        translate_worker_errors(),
    ):
        for _ in batches:
            time.sleep(2.0)


def test_batches_may_be_left_unread() -> None:
    images = TensorSamples({"rgb": np.zeros((64, 4, 4, 3), np.uint8)})
    batches = read_batches(images, torch.arange(64).split(1), lambda batch: batch)
    next(batches)
    batches.close()


def test_curves_are_plotted_to_an_image(tmp_path: Path) -> None:
    rows = [
        {"epoch": n, "train_loss": 1.0 / n, "validation/loss": 1.2 / n, "validation/accuracy": 1.0 - 1.0 / n}
        for n in range(1, 6)
    ]
    plot_curves({"all": rows, "without": rows[:3]}, "accuracy", tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_parameters_are_counted_once() -> None:
    layer = nn.Linear(3, 4)
    assert count_parameters(nn.Sequential(layer, layer)) == 16
