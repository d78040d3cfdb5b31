"""Evaluation of frozen features by a linear probe and by k nearest neighbors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from camshaft.envs.errors import InvalidOption
from camshaft.perception.training.batches import IMAGE, select
from camshaft.perception.training.hardware import Hardware, choose_hardware
from camshaft.perception.training.reading import read_batches
from camshaft.perception.training.samples import as_samples

PENALTIES = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
LBFGS_STEPS = 60


@torch.no_grad()
def extract_features(
    encoder: nn.Module,
    images: Any,
    label: str = "class",
    *,
    hardware: Hardware | None = None,
    batch_size: int = 128,
) -> tuple[Tensor, Tensor]:
    """Feature vectors and labels of a data set.

    Args:
        encoder: encoder on the device of `hardware`; it is left in evaluation mode.
        images: data set, as in `train`.
        label: name of the label.
        hardware: device and precision; float32 on the CPU by default.
        batch_size: images per batch.

    Returns:
        (N, D) float32 features and (N, …) labels, on the CPU.
    """
    hardware = hardware or choose_hardware("cpu", "float32")
    source = as_samples(images)
    encoder.eval()
    features, labels = [], []
    rows = torch.arange(len(source)).split(batch_size)
    for batch in read_batches(source, rows, lambda each: select(each, (IMAGE, label))):
        with hardware.autocast():
            features.append(encoder(batch[IMAGE].to(hardware.device)).float().cpu())
        labels.append(batch[label])
    return torch.cat(features), torch.cat(labels)


def linear_probe(
    train: tuple[Tensor, Tensor],
    validation: tuple[Tensor, Tensor],
    test: tuple[Tensor, Tensor],
    num_classes: int,
    penalties: Sequence[float] = PENALTIES,
) -> dict[str, float]:
    """Logistic regression on standardized features, with the L2 penalty selected on the validation set.

    Args:
        train: training features and classes.
        validation: validation features and classes.
        test: test features and classes.
        num_classes: number of classes.
        penalties: candidate L2 penalties.

    Returns:
        "accuracy" on the test set, "validation_accuracy" and the selected "penalty".
    """
    mean, std = train[0].mean(0), train[0].std(0, correction=0).clamp(min=1e-6)
    sets = [((features - mean) / std, classes.long()) for features, classes in (train, validation, test)]
    best = {"validation_accuracy": -1.0}
    for penalty in penalties:
        weight, bias = _logistic_regression(*sets[0], num_classes, penalty)
        accuracies = [_accuracy(features @ weight + bias, classes) for features, classes in sets[1:]]
        if accuracies[0] > best["validation_accuracy"]:
            best = {"accuracy": accuracies[1], "validation_accuracy": accuracies[0], "penalty": penalty}
    return best


def nearest_neighbors(
    train: tuple[Tensor, Tensor], test: tuple[Tensor, Tensor], num_classes: int, k: int = 5
) -> float:
    """Accuracy of a k-nearest-neighbor classifier, with votes weighted by cosine similarity.

    Args:
        train: training features and classes.
        test: test features and classes.
        num_classes: number of classes.
        k: number of neighbors, limited to the number of training images.
    """
    if k < 1:
        raise InvalidOption(f"the number of neighbors must be at least 1, got {k!r}")
    mean = train[0].mean(0)
    known, queries = (functional.normalize(features - mean, dim=1) for features in (train[0], test[0]))
    similarity, rows = (queries @ known.T).topk(min(k, len(known)), dim=1)
    votes = torch.zeros(len(queries), num_classes).scatter_add_(
        1, train[1].long()[rows], similarity.clamp(min=0.0) + 1e-6
    )
    return _accuracy(votes, test[1])


def _logistic_regression(
    features: Tensor, classes: Tensor, num_classes: int, penalty: float
) -> tuple[Tensor, Tensor]:
    weight = torch.zeros(features.shape[1], num_classes, requires_grad=True)
    bias = torch.zeros(num_classes, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=LBFGS_STEPS, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = (
            functional.cross_entropy(features @ weight + bias, classes)
            + 0.5 * penalty * weight.square().sum()
        )
        loss.backward()
        return loss

    with torch.enable_grad():
        optimizer.step(closure)  # type: ignore[arg-type]
    return weight.detach(), bias.detach()


def _accuracy(scores: Tensor, classes: Tensor) -> float:
    return float((scores.argmax(1) == classes.long()).float().mean())
