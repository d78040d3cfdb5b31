"""A trained network in a folder: config.json and model.safetensors, tied to each other by checksums."""

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
    """Write a network, each file whole or not at all.

    Args:
        folder: made if needed.
        network: on any device.
        config: what it is made by, as JSON can hold it.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    weights = safetensors.torch.save(tensors)
    whole = {**config, "weights_sha256": hashlib.sha256(weights).hexdigest()}
    with named_disk_errors(folder):
        write_durably(folder / WEIGHTS_FILE, lambda stream: stream.write(weights))
        write_json_durably(folder / CONFIG_FILE, {**whole, "config_sha256": _json_checksum(whole)})


def read_config(folder: Path, what: str, fields: Sequence[str]) -> dict[str, Any]:
    """The config of a network that `save_model` wrote.

    Args:
        folder: of the network.
        what: it is, for messages: "policy".
        fields: that the config must have.

    Raises:
        CorruptFile: it is missing, cut short, altered, or the config of something else.
    """
    path = folder / CONFIG_FILE
    try:
        config = json.loads(read_file(path))
        expected = config.pop("config_sha256")
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise CorruptFile(f"{path} is not the config of a {what}, or is cut short: {error}") from error
    if _json_checksum(config) != expected:
        raise CorruptFile(f"{path} was altered after it was written: its checksum does not match its content")
    missing = [name for name in (*fields, "weights_sha256") if name not in config]
    if missing:
        raise CorruptFile(f"{path} is not the config of a {what}: it lacks {', '.join(missing)}")
    return dict(config)


def read_weights(folder: Path, config: Mapping[str, Any], network: nn.Module) -> None:
    """Put the weights of a folder into the network that its config describes. Nothing is unpickled.

    Raises:
        CorruptFile: they are missing, cut short, altered, not those of this config, or of another architecture.
    """
    path = folder / WEIGHTS_FILE
    content = read_file(path)
    if hashlib.sha256(content).hexdigest() != config["weights_sha256"]:
        raise CorruptFile(f"{path} is cut short, altered, or not the weights of the {CONFIG_FILE} beside it")
    try:
        tensors = safetensors.torch.load(content)
    except (safetensors.SafetensorError, ValueError) as error:
        raise CorruptFile(f"{path} is not a safetensors file: {error}") from error
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    needed = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    if shapes != needed:
        wrong = sorted(name for name in shapes.keys() | needed.keys() if shapes.get(name) != needed.get(name))
        raise CorruptFile(f"{path} holds weights of another architecture: {', '.join(wrong[:4])} do not fit")
    network.load_state_dict(tensors)


def _json_checksum(config: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()
