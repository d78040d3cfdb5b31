"""Batches of samples: mappings of names to tensors, or to nested lists and mappings of tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from camshaft.envs.errors import InvalidOption

IMAGE = "rgb"

Batch = dict[str, Any]
"""Name to B rows: a (B, …) tensor, or a list of B tensors or mappings where rows differ in size (boxes, points)."""


def as_tensors(value: Any) -> Any:
    """Convert arrays and numbers to tensors, also inside lists and mappings."""
    return _mapped(value, lambda each: torch.as_tensor(each) if not isinstance(each, str | bytes) else each)


def to_device(batch: Batch, device: torch.device) -> Batch:
    """Move all tensors of a batch to a device."""
    return dict(
        _mapped(batch, lambda each: each.to(device, non_blocking=True) if isinstance(each, Tensor) else each)
    )


def batch_length(batch: Mapping[str, Any]) -> int:
    """Number of rows of a batch."""
    return len(next(iter(batch.values())))


def select(batch: Mapping[str, Any], names: Sequence[str]) -> Batch:
    """Select entries of a batch by name, in this order.

    Raises:
        InvalidOption: an entry is missing, or the entries differ in their number of rows.
    """
    missing = [name for name in names if name not in batch]
    if missing:
        raise InvalidOption(f"these samples have no {missing[0]!r}, only: {', '.join(sorted(batch))}")
    chosen = {name: batch[name] for name in names}
    lengths = {name: len(values) for name, values in chosen.items()}
    if len(set(lengths.values())) > 1:
        raise InvalidOption(f"all entries of a batch must have the same number of rows, got {lengths}")
    return chosen


def stack(items: Sequence[Mapping[str, Any]]) -> Batch:
    """Collate samples into a batch.

    Raises:
        InvalidOption: an array differs in shape between samples.
    """
    batch: Batch = {}
    for name in items[0]:
        if any(isinstance(item[name], Mapping | list) for item in items):
            batch[name] = [as_tensors(item[name]) for item in items]
            continue
        values = [torch.as_tensor(np.asarray(item[name])) for item in items]
        shapes = {tuple(value.shape) for value in values}
        if len(shapes) > 1:
            raise InvalidOption(f"{name!r} has different shapes within a batch: {sorted(shapes)}")
        batch[name] = torch.stack(values)
    return batch


def check_images(images: Any) -> None:
    """Check that images are color frames.

    Args:
        images: (B, H, W, 3) or (B, 3, H, W), uint8 or floats in [0, 1]; or a list of such images without batch axis.

    Raises:
        InvalidOption: they have another shape, type or range.
    """
    if isinstance(images, list):
        for image in images:
            check_images(image[None])
        return
    if not isinstance(images, Tensor) or images.ndim != 4 or 3 not in (images.shape[1], images.shape[3]):
        given = f"shape {tuple(images.shape)}" if isinstance(images, Tensor) else type(images).__name__
        raise InvalidOption(f"images of {given}: accepted are (B, H, W, 3) and (B, 3, H, W)")
    if images.is_floating_point():
        low, high = float(images.min()), float(images.max())
        if not (low >= 0.0 and high <= 1.0):
            raise InvalidOption(f"images in floats must be within [0, 1], got {low:g} to {high:g}")
    elif images.dtype != torch.uint8:
        raise InvalidOption(f"images of {images.dtype}: accepted are uint8, and floats in [0, 1]")


def _mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, Mapping):
        return {name: _mapped(each, change) for name, each in value.items()}
    if isinstance(value, list):
        return [_mapped(each, change) for each in value]
    return change(value)
