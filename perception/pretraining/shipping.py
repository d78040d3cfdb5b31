"""Shipping of weights with the suite: float16 safetensors, their SHA-256, and a model card."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import nn

from camshaft.envs.errors import InvalidOption
from camshaft.perception.pretrained import CHECKSUMS, SHIPPED, shipped_weights
from camshaft.perception.runs.durable_files import named_disk_errors, write_durably
from camshaft.perception.training.config import TrainingConfig
from camshaft.perception.training.hardware import choose_hardware

LARGEST_BYTES = 16 * 1024 * 1024


def ship_encoder(name: str, encoder: nn.Module, card: Mapping[str, Any], folder: Path = SHIPPED) -> Path:
    """Save the weights of an encoder for `create_model(name, weights="camshaft")`.

    Args:
        name: name of the encoder in the zoo, with the suffix "-signs" for a classifier of signs.
        encoder: encoder or classifier.
        card: model card: heading to text, or to a mapping that becomes a table; `Title` is required.
        folder: folder of the shipped weights.

    Returns:
        Path of the weights file.

    Raises:
        InvalidOption: the file would be larger than 16 MB, or the weights are not finite in float16.
    """
    state = encoder.state_dict()
    halved = {key: value.half() if value.is_floating_point() else value for key, value in state.items()}
    content = safetensors.torch.save({key: value.contiguous().cpu() for key, value in halved.items()})
    if len(content) > LARGEST_BYTES:
        raise InvalidOption(f"weights of {name!r} take {len(content) / 2**20:.1f} MB; at most 16 ship")
    if not all(torch.isfinite(value).all() for value in halved.values() if value.is_floating_point()):
        raise InvalidOption(f"weights of {name!r} are not finite in float16")
    digest = hashlib.sha256(content).hexdigest()
    known = shipped_weights(folder) | {name: digest}
    sums = "".join(f"{value}  {key}.safetensors\n" for key, value in sorted(known.items()))
    path = folder / f"{name}.safetensors"
    with named_disk_errors(folder):
        write_durably(path, lambda stream: stream.write(content))
        write_durably(folder / f"{name}.md", lambda stream: stream.write(_markdown(card, digest).encode()))
        write_durably(folder / CHECKSUMS, lambda stream: stream.write(sums.encode()))
    return path


def training_card(
    training: TrainingConfig, steps: str, jitter: float, processor: str, commit: str | None
) -> dict[str, Any]:
    """Table of a model card with the settings of the training.

    Args:
        training: hyperparameters.
        steps: description of the length of the training.
        jitter: strength of the color jitter.
        processor: processor of the machine.
        commit: commit of the suite; None outside of a checkout.
    """
    return {
        "steps": steps,
        "optimizer": f"{training.optimizer}, {training.highest_rate:g}, {training.schedule}",
        "weight decay": training.weight_decay,
        "moving average": training.ema_decay,
        "color jitter": jitter,
        "seed": training.seed,
        "hardware": choose_hardware(training.device, training.precision).description(),
        "processor": processor,
        "commit": commit,
    }


def _markdown(card: Mapping[str, Any], digest: str) -> str:
    parts = [f"# {card['Title']}\n"]
    for heading, content in card.items():
        if heading == "Title":
            continue
        parts.append(f"## {heading}\n")
        if isinstance(content, Mapping):
            rows = "\n".join(f"| {key} | {value} |" for key, value in content.items())
            parts.append(f"| | |\n|---|---|\n{rows}\n")
        else:
            parts.append(f"{content}\n")
    parts.append(f"## SHA-256\n\n`{digest}`\n")
    return "\n".join(parts)
