"""Evaluation of a network on a data set: loss and metrics."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from camshaft.perception.training.batches import Batch, batch_length, select, to_device
from camshaft.perception.training.hardware import Hardware, choose_hardware
from camshaft.perception.training.objective import Objective
from camshaft.perception.training.reading import named_worker_deaths, read_batches
from camshaft.perception.training.samples import as_held_out


@named_worker_deaths()
@torch.no_grad()
def evaluate(
    network: nn.Module,
    objective: Objective,
    data: Any,
    hardware: Hardware | None = None,
    batch_size: int = 128,
    workers: int = 0,
) -> dict[str, float]:
    """A network's loss and metrics on a data set.

    Args:
        network: on the hardware's device; is left in evaluation mode.
        objective: what it was trained for.
        data: as `train` takes it, but no stream.
        hardware: float32 on the CPU by default.
        batch_size: samples at once.
        workers: as in `TrainingConfig`.

    Returns:
        "loss", the mean over the samples where the objective has one in evaluation, and the objective's metrics.
    """
    hardware = hardware or choose_hardware("cpu", "float32")
    samples = as_held_out(data)

    def prepare(batch: Batch) -> Batch:
        return checked(batch, objective)

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


def checked(batch: Batch, objective: Objective) -> Batch:
    """The inputs and labels of a batch.

    Raises:
        InvalidOption: one is missing, or the objective cannot learn from them.
    """
    chosen = select(batch, (*objective.inputs, *objective.labels))
    objective.check(chosen)
    return chosen
