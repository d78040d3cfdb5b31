"""Checkpoints: a safetensors file with all tensors, other state as JSON, and a checksum over both."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from camshaft.envs.errors import CorruptFile
from camshaft.perception.runs.durable_files import named_disk_errors, read_file, write_durably


def save_checkpoint(path: str | Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, Any]) -> None:
    """Write a checkpoint atomically: a crash leaves the previous one intact.

    Args:
        path: file to write.
        tensors: tensors by name, on any device.
        metadata: other state, JSON-serializable.
    """
    path = Path(path)
    stored = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    text = json.dumps(metadata)
    header = {"metadata": text, "sha256": _checksum(stored, text)}
    content = safetensors.torch.save(stored, header)
    with named_disk_errors(path.parent):
        write_durably(path, lambda stream: stream.write(content))


def load_checkpoint(path: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read and verify a checkpoint. Nothing is unpickled.

    Returns:
        The tensors by name, on the CPU, and the metadata.

    Raises:
        CorruptFile: the file is missing, truncated, modified, or not a checkpoint.
    """
    path = Path(path)
    content = read_file(path)
    try:
        tensors = safetensors.torch.load(content)
        header = safetensors_metadata(content)
        expected, text = header["sha256"], header["metadata"]
        metadata = json.loads(text)
    except (safetensors.SafetensorError, ValueError, KeyError, TypeError) as error:
        raise CorruptFile(f"{path} is not a checkpoint or is truncated: {error}") from error
    if _checksum(tensors, text) != expected:
        raise CorruptFile(f"{path} was modified: its checksum does not match its content")
    return tensors, metadata


def tensors_with_prefix(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors whose names begin with a prefix; it is removed from their names."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """State of an optimizer (moments, step counts) as named tensors."""
    state = optimizer.state_dict()["state"]
    return {f"{index}.{name}": value for index, values in state.items() for name, value in values.items()}


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Restore the state that `optimizer_tensors` returned; settings such as weight decay are kept."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        index, name = key.split(".", 1)
        parameter = parameters[int(index)]
        if value.shape == parameter.shape:  # fused optimizers need the memory format of the parameter
            value = torch.empty_like(parameter, dtype=value.dtype).copy_(value)
        state.setdefault(int(index), {})[name] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def safetensors_metadata(content: bytes) -> dict[str, str]:
    """Metadata in the header of a safetensors file."""
    length = int.from_bytes(content[:8], "little")
    metadata: dict[str, str] = json.loads(content[8 : 8 + length])["__metadata__"]
    return metadata


def _checksum(tensors: Mapping[str, Tensor], text: str) -> str:
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"\n{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
