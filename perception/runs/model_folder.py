"""Folder of a trained network: config.json and model.safetensors, with checksums that tie them together."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from torch import nn

from camshaft.envs.errors import CorruptFile
from camshaft.perception.runs.durable_files import (
    named_disk_errors,
    read_file,
    write_durably,
    write_json_durably,
)

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"


def save_model(folder: Path, network: nn.Module, config: Mapping[str, Any]) -> None:
    """Save a network.

    Args:
        folder: folder to write to; created if needed.
        network: network on any device.
        config: settings to rebuild the network from, JSON-serializable.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    weights = safetensors.torch.save(tensors)
    whole = {**config, "weights_sha256": hashlib.sha256(weights).hexdigest()}
    with named_disk_errors(folder):
        write_durably(folder / WEIGHTS_FILE, lambda stream: stream.write(weights))
        write_json_durably(folder / CONFIG_FILE, {**whole, "config_sha256": _json_checksum(whole)})


def read_config(folder: Path, kind: str, fields: Sequence[str]) -> dict[str, Any]:
    """Read the config of a network that `save_model` wrote.

    Args:
        folder: folder of the network.
        kind: kind of network, for error messages ("policy").
        fields: required fields of the config.

    Raises:
        CorruptFile: the config is missing, truncated, modified, or of another kind.
    """
    path = folder / CONFIG_FILE
    try:
        config = json.loads(read_file(path))
        expected = config.pop("config_sha256")
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise CorruptFile(f"{path} is not the config of a {kind}, or is truncated: {error}") from error
    if _json_checksum(config) != expected:
        raise CorruptFile(f"{path} was modified: its checksum does not match its content")
    missing = [name for name in (*fields, "weights_sha256") if name not in config]
    if missing:
        raise CorruptFile(f"{path} is not the config of a {kind}: it lacks {', '.join(missing)}")
    return dict(config)


def read_weights(folder: Path, config: Mapping[str, Any], network: nn.Module) -> None:
    """Load the weights of a folder into the network that its config describes. Nothing is unpickled.

    Raises:
        CorruptFile: the weights are missing, truncated, modified, of another config, or of another architecture.
    """
    path = folder / WEIGHTS_FILE
    content = read_file(path)
    if hashlib.sha256(content).hexdigest() != config["weights_sha256"]:
        raise CorruptFile(f"{path} is truncated, modified, or not the weights of the {CONFIG_FILE} beside it")
    try:
        tensors = safetensors.torch.load(content)
    except (safetensors.SafetensorError, ValueError) as error:
        raise CorruptFile(f"{path} is not a safetensors file: {error}") from error
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    needed = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    if shapes != needed:
        wrong = sorted(name for name in shapes.keys() | needed.keys() if shapes.get(name) != needed.get(name))
        raise CorruptFile(
            f"{path} holds weights of another architecture: {', '.join(wrong[:4])} do not match"
        )
    network.load_state_dict(tensors)


def _json_checksum(config: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()
