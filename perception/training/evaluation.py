"""The scores of a network on a set of images."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from camshaft.perception.training.hardware import Hardware, choose_hardware
from camshaft.perception.training.objective import Task
from camshaft.perception.training.sources import (
    IMAGE,
    Batch,
    as_held_out,
    check_batch,
    named_worker_deaths,
    read_batches,
)


@named_worker_deaths()
@torch.no_grad()
def evaluate(
    model: nn.Module,
    task: Task,
    images: Any,
    hardware: Hardware | None = None,
    batch_size: int = 128,
    workers: int = 0,
) -> dict[str, float]:
    """A network's loss and scores on a set of images.

    Args:
        model: on the hardware's device; is left in evaluation mode.
        task: what it was trained for.
        images: as `train` takes them, but for streams.
        hardware: float32 on the CPU by default.
        batch_size: images at once.
        workers: as in `TrainingConfig`.

    Returns:
        "loss", the mean over the images, and the task's scores.
    """
    hardware = hardware or choose_hardware("cpu", "float32")
    source = as_held_out(images)

    def prepare(batch: Batch) -> Batch:
        checked = check_batch(batch, task.labels)
        task.check(checked)
        return checked

    model.eval()
    tally = task.tally()
    total, count = torch.zeros((), dtype=torch.float64, device=hardware.device), 0
    rows = torch.arange(len(source)).split(batch_size)
    for batch in read_batches(source, rows, prepare, workers):
        moved = {name: values.to(hardware.device) for name, values in batch.items()}
        with hardware.autocast():
            outputs = model(moved[IMAGE])
        terms = task.loss(outputs, moved)
        total += torch.stack(list(terms.values())).sum() * len(moved[IMAGE])
        count += len(moved[IMAGE])
        tally.add(outputs, moved)
    return {"loss": float(total) / count, **tally.result()}
