"""Transfer: freezing, probes, subsets of labels, and copied layers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from camshaft.agents.evaluation.intervals import mean_interval
from camshaft.envs.errors import InvalidOption
from camshaft.perception.classification import (
    Classification,
    ClassifierConfig,
    create_classifier,
    fit_classifier,
)
from camshaft.perception.training.config import TrainingConfig
from camshaft.perception.training.initialization import initialize
from camshaft.perception.training.trainer import TrainingResult, train
from camshaft.perception.transfer import FineTuning, extract_features, linear_probe, nearest_neighbors
from camshaft.perception.transfer.few_labels import stratified_rows
from camshaft.perception.transfer.transferability import ClassSubset, keep_layers, split_classes
from camshaft.perception.zoo import create_model, list_models

SMALL = TrainingConfig(
    epochs=1, batch_size=8, optimizer="sgd", learning_rate=0.1, l2=0.01, device="cpu", precision="float32"
)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def images(count: int = 32, size: int = 32, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    frames = rng.integers(0, 256, (count, size, size, 3), dtype=np.uint8)
    classes = rng.integers(0, 3, count)
    frames[classes == 1, :, : size // 2] //= 4
    frames[classes == 2, : size // 2] //= 4
    return {"rgb": frames, "class": classes}


def classifier() -> nn.Module:
    """A small classifier with batch normalization and dropout."""
    return create_classifier("timm:test_resnet", 3, model_options={"size": (32, 32)}, dropout=0.5)


def changed(before: dict[str, torch.Tensor], after: dict[str, torch.Tensor]) -> set[str]:
    return {name for name, value in before.items() if not torch.equal(value, after[name])}


def names_in(model: nn.Module, groups: list[nn.Module]) -> set[str]:
    """State of these parts by the model's names, without counters."""
    inside = {id(value) for group in groups for value in group.state_dict(keep_vars=True).values()}
    return {name for name, value in model.state_dict(keep_vars=True).items() if id(value) in inside}


@pytest.mark.parametrize("frozen", [0, 1, 3, -1])
def test_frozen_layers_do_not_change_and_all_others_do(tmp_path: Path, frozen: int) -> None:
    torch.manual_seed(0)
    model = classifier()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    groups = model.encoder.layer_groups
    expected = names_in(model, groups[: len(groups) if frozen == -1 else frozen])
    train(
        lambda: model,
        Classification(3),
        images(),
        None,
        SMALL,
        tmp_path,
        plan=FineTuning(frozen),
        progress=False,
    )
    after = model.state_dict()
    assert before.keys() - changed(before, after) == expected


@pytest.mark.parametrize(
    ("name", "frozen", "dropping"),
    [("alexnet", -1, 0), ("alexnet", 5, 2), ("alexnet", 6, 1), ("googlenet", -1, 0), ("googlenet", 3, 1)],
)
def test_dropout_before_a_frozen_layer_is_disabled(name: str, frozen: int, dropping: int) -> None:
    model = create_classifier(name, 3, model_options={"size": (63, 63)}, dropout=0.5).train()
    FineTuning(frozen).begin_epoch(model, 0)
    found = [module for module in model.encoder.modules() if isinstance(module, nn.Dropout)]
    assert sum(module.training for module in found) == dropping
    assert model.dropout.training
    model.train()
    FineTuning().begin_epoch(model, 1)
    assert all(module.training for module in found)


@pytest.mark.parametrize("name", ["timm:test_vit", "timm:test_resnet", "googlenet", "lenet5"])
def test_layer_groups_hold_every_parameter_once(name: str) -> None:
    encoder = create_classifier(name, 3, model_options={"size": (64, 64)}).encoder
    held = [id(value) for part in encoder.layer_groups for value in part.parameters()]
    assert sorted(held) == sorted(id(value) for value in encoder.parameters())


def test_gradual_unfreezing_unfreezes_one_group_after_another(tmp_path: Path) -> None:
    model = create_classifier("pilotnet", 3)
    plan = FineTuning(frozen=2, unfreeze_epochs=3)
    count = len(model.encoder.layer_groups)
    learning = []
    for epoch in range(40):
        model.train()
        plan.begin_epoch(model, epoch)
        learns = [
            part.weight.requires_grad
            for part in model.encoder.modules()
            if hasattr(part, "weight") and isinstance(part.weight, nn.Parameter)
        ]
        assert learns == sorted(learns)  # the lowest are frozen
        learning.append(sum(learns))
    assert learning[:7] == [0, 0, 0, 1, 1, 1, 2]
    assert learning[-1] == count - 2


def test_lower_layers_learn_at_smaller_rates() -> None:
    model = create_classifier("pilotnet", 3)
    groups = FineTuning(frozen=3, rate_decay=0.5).groups(model)
    assert [group.rate for group in groups] == [0.5**n for n in range(len(groups))]
    assert set(groups[0].parameters) == set(model.head.parameters())
    held = {id(value) for group in groups for value in group.parameters}
    lowest = {id(value) for part in model.encoder.layer_groups[:3] for value in part.parameters()}
    assert not held & lowest
    assert len(held | lowest) == len(list(model.parameters()))


def test_a_resumed_fine_tuning_is_bit_exact(tmp_path: Path) -> None:
    plan = FineTuning(frozen=1, rate_decay=0.7, unfreeze_epochs=1)
    config = ClassifierConfig(
        model="lenet5_dense",
        training=TrainingConfig(epochs=4, batch_size=8, device="cpu", checkpoint_steps=3),
    )

    def fit(folder: Path, **options: Any) -> TrainingResult:
        return fit_classifier(
            config, images(), images(16), "abc", folder, plan=plan, progress=False, **options
        )

    class Stop:
        left = 10

        def __call__(self, batch: Any) -> Any:
            self.left -= 1
            if self.left == 0:
                raise RuntimeError("power cut")
            return {**batch, "rgb": batch["rgb"].float() / 255.0}

    def plain(batch: Any) -> Any:
        return {**batch, "rgb": batch["rgb"].float() / 255.0}

    whole = fit(tmp_path / "whole", augment=plain)
    with pytest.raises(RuntimeError):
        fit(tmp_path / "cut", augment=Stop())
    resumed = fit(tmp_path / "cut", augment=plain, resume=True)
    assert not changed(whole.model.state_dict(), resumed.model.state_dict())


@pytest.mark.parametrize("other", [FineTuning(frozen=2, rate_decay=0.7), FineTuning(frozen=1), None])
def test_a_fine_tuning_is_not_resumed_with_another_plan(tmp_path: Path, other: FineTuning | None) -> None:
    config = ClassifierConfig(model="lenet5_dense", training=SMALL)

    def fit(plan: FineTuning | None) -> TrainingResult:
        return fit_classifier(config, images(), None, "abc", tmp_path, plan=plan, progress=False, resume=True)

    fit(FineTuning(frozen=1, rate_decay=0.7))
    fit(FineTuning(frozen=1, rate_decay=0.7))
    with pytest.raises(
        InvalidOption,
        match=r"other settings: plan(\.frozen was 1, is 2|\.rate_decay was 0.7, is 1.0| was .*, is None)",
    ):
        fit(other)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"frozen": 99}, "at most the 4 layer groups"),
        ({"frozen": -2}, "frozen must be"),
        ({"rate_decay": 0.0}, "rate_decay must be"),
        ({"unfreeze_epochs": -1}, "unfreeze_epochs"),
    ],
)
def test_plans_that_make_no_sense_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        FineTuning(**options).groups(create_classifier("lenet5", 3))


def test_networks_without_an_encoder_cannot_be_fine_tuned() -> None:
    with pytest.raises(InvalidOption, match="has no encoder"):
        FineTuning().groups(nn.Linear(2, 2))


def blobs(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Two classes far apart along one axis of four; the other axes have larger noise."""
    generator = torch.Generator().manual_seed(seed)
    classes = torch.arange(count) % 2
    features = torch.randn(count, 4, generator=generator) * torch.tensor([0.1, 5.0, 5.0, 5.0])
    features[:, 0] += classes
    return features, classes


def test_a_linear_probe_finds_what_is_linear() -> None:
    sets = [blobs(200, seed) for seed in range(3)]
    result = linear_probe(*sets, num_classes=2)
    assert result["accuracy"] > 0.98
    assert result["validation_accuracy"] > 0.98
    shuffled = (sets[0][0], sets[0][1][torch.randperm(200, generator=torch.Generator().manual_seed(0))])
    assert linear_probe(shuffled, *sets[1:], num_classes=2)["accuracy"] < 0.75


def test_neighbors_vote() -> None:
    known = torch.tensor([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [0.1, 0.9], [-1.0, -1.0]])
    classes = torch.tensor([0, 0, 1, 1, 2])
    asked = (torch.tensor([[0.8, 0.0], [0.0, 0.7], [-0.5, -0.6]]), torch.tensor([0, 1, 2]))
    assert nearest_neighbors((known, classes), asked, 3, k=1) == 1.0
    assert nearest_neighbors((known, classes), asked, 3, k=2) == 1.0
    assert nearest_neighbors((known, 2 - classes), asked, 3, k=1) == pytest.approx(1 / 3)
    with pytest.raises(InvalidOption, match="at least 1"):
        nearest_neighbors((known, classes), asked, 3, k=0)


def test_features_are_those_of_every_image_in_order() -> None:
    encoder = create_model("lenet5").eval()
    data = images(20)
    features, classes = extract_features(encoder, data, batch_size=7)
    with torch.no_grad():
        torch.testing.assert_close(features, encoder(torch.as_tensor(data["rgb"])), rtol=1e-4, atol=1e-5)
    assert classes.tolist() == data["class"].tolist()


def test_few_labels_keep_the_class_proportions() -> None:
    classes = np.repeat([0, 1, 2], [100, 40, 3])
    rows = stratified_rows(classes, 0.1, seed=0)
    assert np.bincount(classes[rows]).tolist() == [10, 4, 1]
    assert set(rows) <= set(stratified_rows(classes, 0.25, seed=0))
    assert set(rows) != set(stratified_rows(classes, 0.1, seed=1))
    assert stratified_rows(classes, 1.0, seed=0).tolist() == list(range(143))
    with pytest.raises(InvalidOption, match="fraction"):
        stratified_rows(classes, 0.0, seed=0)


@pytest.mark.parametrize("layers", [0, 2, 9])
def test_kept_layers_are_the_first_ones(layers: int) -> None:
    torch.manual_seed(0)
    trained, fresh = (create_model("resnet18", size=(32, 32)) for _ in range(2))
    for value in trained.buffers():
        value.add_(1)
    before = {name: value.clone() for name, value in fresh.state_dict().items()}
    keep_layers(fresh, trained.state_dict(), layers)
    after, source = fresh.state_dict(), trained.state_dict()
    kept = names_in(fresh, fresh.layer_groups[:layers])
    for name, value in after.items():
        assert torch.equal(value, source[name] if name in kept else before[name]), name
    with pytest.raises(InvalidOption, match=r"within 0\.\.9"):
        keep_layers(fresh, source, 10)


def test_classes_are_split_in_two_and_renumbered() -> None:
    one, other = split_classes(9, seed=3)
    assert len(one) == 5
    assert sorted([*one, *other]) == list(range(9))
    assert not np.array_equal(one, split_classes(9, seed=4)[0])
    data = images(30)

    class Whole:
        def fetch(self, indices: Any) -> dict[str, np.ndarray]:
            return {name: values[indices] for name, values in data.items()}

    part = ClassSubset(Whole(), data["class"], [2, 0])
    batch = part.fetch(range(len(part)))
    assert len(part) == int(np.isin(data["class"], [0, 2]).sum())
    chosen = np.isin(data["class"], [0, 2])
    assert batch["class"].tolist() == [{2: 0, 0: 1}[number] for number in data["class"][chosen]]
    assert np.array_equal(batch["rgb"], data["rgb"][chosen])
    with pytest.raises(InvalidOption, match="need four"):
        split_classes(3, seed=0)


def test_fan_in_initialization_keeps_the_scale_of_signals() -> None:
    torch.manual_seed(0)
    layers = nn.Sequential(*[layer for _ in range(20) for layer in (nn.Linear(256, 256), nn.ReLU())])
    inputs = torch.randn(64, 256)
    sizes = {}
    for kind in ("own", "fan_in", "unit"):
        initialize(layers, kind)
        sizes[kind] = layers(inputs).detach().square().mean().item()
    assert 0.2 < sizes["fan_in"] < 5.0
    assert sizes["own"] < 1e-2 * sizes["fan_in"]
    assert sizes["unit"] > 1e12


def test_the_interval_of_a_mean_is_students() -> None:
    low, high = mean_interval([1.0, 2.0, 3.0])
    spread = 4.3027 / 3**0.5  # t(0.975, 2) times the deviation over √3
    assert (low, high) == (pytest.approx(2.0 - spread, abs=1e-3), pytest.approx(2.0 + spread, abs=1e-3))
    with pytest.raises(InvalidOption, match="at least two"):
        mean_interval([1.0])


@pytest.mark.parametrize("name", [name for name in list_models() if name not in ("vgg16", "zfnet_512")])
def test_every_model_can_be_fine_tuned(name: str) -> None:
    model = create_classifier(name, 3)
    groups = FineTuning(rate_decay=0.9).groups(model)
    assert sum(value.numel() for group in groups for value in group.parameters) == sum(
        value.numel() for value in model.parameters()
    )
