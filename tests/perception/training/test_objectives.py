"""Objectives with inputs of every kind: sequences, voxels, several inputs, lists of targets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from camshaft.envs.errors import InvalidOption
from camshaft.perception.runs.checkpoint import load_checkpoint
from camshaft.perception.training.batches import batch_length, select, stack, to_device
from camshaft.perception.training.config import TrainingConfig
from camshaft.perception.training.evaluation import evaluate
from camshaft.perception.training.objective import Metrics, Objective
from camshaft.perception.training.trainer import train

SMALL = TrainingConfig(
    epochs=12, batch_size=16, learning_rate=5e-2, device="cpu", precision="float32", log_steps=50
)


class ErrorMetrics(Metrics):
    def __init__(self) -> None:
        self.errors: list[Tensor] = []

    def update(self, outputs: Any, batch: dict[str, Any]) -> None:
        self.errors.append((outputs[:, 0] - batch["target"]).abs())

    def compute(self) -> dict[str, float]:
        return {"error": float(torch.cat(self.errors).mean())}


class Regression(Objective):
    labels = ("target",)
    score = "error"
    higher_is_better = False

    def __init__(self, *inputs: str) -> None:
        self.inputs = inputs

    def loss(self, outputs: Any, batch: dict[str, Any]) -> dict[str, Tensor]:
        return {"square": functional.mse_loss(outputs[:, 0], batch["target"])}

    def metrics(self) -> Metrics:
        return ErrorMetrics()


class LastState(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.core, self.head = nn.GRU(2, 8, batch_first=True), nn.Linear(8, 1)

    def forward(self, sequence: Tensor) -> Tensor:
        return self.head(self.core(sequence)[0][:, -1])


class Two(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(6, 1)

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        return self.head(torch.cat([one.flatten(1), other], dim=1))


def sequences(count: int = 96, seed: int = 0) -> dict[str, np.ndarray]:
    values = np.random.default_rng(seed).normal(size=(count, 5, 2)).astype(np.float32)
    return {"sequence": values, "target": values[:, :, 0].mean(axis=1)}


def voxels(count: int = 96, seed: int = 0) -> dict[str, np.ndarray]:
    values = np.random.default_rng(seed).random((count, 1, 6, 6, 6)).astype(np.float32)
    return {"voxels": values, "target": 4.0 * values[:, 0, :3].mean(axis=(1, 2, 3))}


def pairs(count: int = 96, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    one, other = (
        rng.normal(size=(count, 2, 2)).astype(np.float32),
        rng.normal(size=(count, 2)).astype(np.float32),
    )
    return {"one": one, "other": other, "target": one[:, 0, 0] + other[:, 1]}


def convolution() -> nn.Module:
    return nn.Sequential(nn.Conv3d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(256, 1))


@pytest.mark.parametrize(
    ("build", "inputs", "data"),
    [
        (LastState, ("sequence",), sequences),
        (convolution, ("voxels",), voxels),
        (Two, ("one", "other"), pairs),
    ],
)
def test_inputs_of_every_kind_are_learned_from(build: Any, inputs: Any, data: Any, tmp_path: Path) -> None:
    objective = Regression(*inputs)
    held_out = data(32, 1)
    result = train(build, objective, data(), held_out, SMALL, tmp_path, progress=False)
    untrained = evaluate(build(), objective, held_out)["error"]
    assert result.scores["error"] < 0.5 * untrained
    assert evaluate(result.model, objective, held_out)["error"] == pytest.approx(result.scores["error"])


def test_the_lowest_of_a_score_that_should_be_low_is_the_best(tmp_path: Path) -> None:
    result = train(Two, Regression("one", "other"), pairs(), pairs(32, 1), SMALL, tmp_path, progress=False)
    best = load_checkpoint(tmp_path / "checkpoints/best.safetensors")[1]
    rows = [
        line for line in (tmp_path / "metrics.jsonl").read_text().splitlines() if "validation/error" in line
    ]
    errors = [float(row.split('"validation/error": ')[1].rstrip("}")) for row in rows]
    assert best["scores"]["error"] == min(errors) == result.scores["error"]


class Boxes(nn.Module):
    """A minimal detector: losses from images and targets in training mode, boxes in evaluation mode."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(3, 4)

    def forward(self, images: list[Tensor], targets: list[dict[str, Tensor]] | None = None) -> Any:
        boxes = self.head(torch.stack([image.float().mean(dim=(0, 1)) / 255.0 for image in images]))
        if not self.training:
            return [{"boxes": box[None]} for box in boxes]
        assert targets is not None
        aims = torch.stack([target["boxes"].mean(dim=0) for target in targets])
        return {"box": functional.mse_loss(boxes, aims)}


class Detection(Objective):
    labels = ("targets",)
    score = "distance"
    higher_is_better = False

    def outputs(self, network: nn.Module, batch: dict[str, Any]) -> Any:
        return network(batch["rgb"], batch["targets"]) if network.training else network(batch["rgb"])

    def loss(self, outputs: Any, batch: dict[str, Any]) -> dict[str, Tensor]:
        return outputs if isinstance(outputs, dict) else {}

    def metrics(self) -> Metrics:
        return Distance()


class Distance(Metrics):
    def __init__(self) -> None:
        self.sum, self.count = 0.0, 0

    def update(self, outputs: Any, batch: dict[str, Any]) -> None:
        for found, target in zip(outputs, batch["targets"], strict=True):
            self.sum += float((found["boxes"][0] - target["boxes"].mean(dim=0)).abs().mean())
            self.count += 1

    def compute(self) -> dict[str, float]:
        return {"distance": self.sum / self.count}


class Scenes:
    """Images of different sizes, each with a different number of boxes."""

    def __len__(self) -> int:
        return 48

    def __getitem__(self, index: int) -> dict[str, Any]:
        rng = np.random.default_rng(index)
        image = np.full((4 + index % 3, 5, 3), rng.integers(0, 256, 3), np.uint8)
        aim = image[0, 0, 0] / 255.0
        boxes = np.full((1 + index % 4, 4), aim, np.float32)
        return {"rgb": [image], "targets": {"boxes": boxes}}


class Unpacked(Scenes):
    """The same, as the trainer fetches them: lists of images and of mappings."""

    def fetch(self, indices: Any) -> dict[str, Any]:
        items = [self[int(index)] for index in indices]
        return {"rgb": [item["rgb"][0] for item in items], "targets": [item["targets"] for item in items]}


def test_a_detector_has_targets_in_training_and_no_loss_in_evaluation(tmp_path: Path) -> None:
    data = Unpacked()
    result = train(Boxes, Detection(), data, data, SMALL, tmp_path, progress=False)
    assert "loss" not in result.scores
    assert result.scores["distance"] < 0.5 * evaluate(Boxes(), Detection(), data)["distance"]
    resumed = train(Boxes, Detection(), data, data, SMALL, tmp_path, progress=False, resume=True)
    assert resumed.scores == result.scores


def test_missing_inputs_of_an_objective_are_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidOption, match="these samples have no 'points', only: target, voxels"):
        train(convolution, Regression("points"), voxels(), None, SMALL, tmp_path, progress=False)
    objective = Regression("rgb")
    with pytest.raises(InvalidOption, match=r"images of shape \(16, 1, 6, 6, 6\): accepted are"):
        data = {"rgb": voxels()["voxels"], "target": voxels()["target"]}
        train(convolution, objective, data, None, SMALL, tmp_path / "images", progress=False)


def test_entries_of_a_batch_have_the_same_number_of_rows() -> None:
    with pytest.raises(InvalidOption, match=r"same number of rows, got {'a': 2, 'b': 3}"):
        select({"a": torch.zeros(2), "b": [1, 2, 3]}, ("a", "b"))


def test_items_of_different_sizes_are_a_list() -> None:
    items = [{"boxes": [np.zeros((n, 4))], "size": n} for n in (1, 3)]
    batch = to_device(stack(items), torch.device("cpu"))
    assert [boxes[0].shape[0] for boxes in batch["boxes"]] == [1, 3]
    assert batch["size"].tolist() == [1, 3]
    assert batch_length(batch) == 2
    with pytest.raises(InvalidOption, match="'boxes' has different shapes within a batch"):
        stack([{"boxes": np.zeros((n, 4))} for n in (1, 3)])
