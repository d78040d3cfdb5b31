"""Evaluation of a network on a data set: loss and metrics."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from camshaft.perception.training.batches import Batch, batch_length, select, to_device
from camshaft.perception.training.hardware import Hardware, choose_hardware
from camshaft.perception.training.objective import Objective
from camshaft.perception.training.reading import read_batches, translate_worker_errors
from camshaft.perception.training.samples import as_held_out


@translate_worker_errors()
@torch.no_grad()
def evaluate(
    network: nn.Module,
    objective: Objective,
    data: Any,
    hardware: Hardware | None = None,
    batch_size: int = 128,
    workers: int = 0,
) -> dict[str, float]:
    """Evaluate a network on a data set.

    Args:
        network: network on the device of `hardware`; it is left in evaluation mode.
        objective: objective that it was trained with.
        data: data set, as in `train`; streams are not supported.
        hardware: device and precision; float32 on the CPU by default.
        batch_size: samples per batch.
        workers: data loading processes, as in `TrainingConfig`.

    Returns:
        "loss", the mean over all samples if the objective has a loss in evaluation mode, and the objective's metrics.
    """
    hardware = hardware or choose_hardware("cpu", "float32")
    samples = as_held_out(data)

    def prepare(batch: Batch) -> Batch:
        return select_and_check(batch, objective)

    network.eval()
    metrics = objective.metrics()
    total, count = torch.zeros((), dtype=torch.float64, device=hardware.device), 0
    rows = torch.arange(len(samples)).split(batch_size)
    for batch in read_batches(samples, rows, prepare, workers):
        moved = to_device(batch, hardware.device)
        with hardware.autocast():
            outputs = objective.outputs(network, moved)
        terms = objective.loss(outputs, moved)
        if terms:
            total += torch.stack(list(terms.values())).sum() * batch_length(moved)
            count += batch_length(moved)
        metrics.update(outputs, moved)
    return {**({"loss": float(total) / count} if count else {}), **metrics.compute()}


def select_and_check(batch: Batch, objective: Objective) -> Batch:
    """Select the inputs and labels of an objective from a batch.

    Raises:
        InvalidOption: an entry is missing, or the objective cannot learn from them.
    """
    chosen = select(batch, (*objective.inputs, *objective.labels))
    objective.check(chosen)
    return chosen
