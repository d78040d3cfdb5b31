"""Checkpoints: round trips, verification, and atomic writes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from camshaft.envs.errors import CorruptFile
from camshaft.perception.runs.checkpoint import (
    load_checkpoint,
    optimizer_tensors,
    restore_optimizer,
    save_checkpoint,
)

STATE = {"step": 12, "rate": 0.1, "nested": {"name": "ö", "none": None, "list": [1, 2]}}


def some_tensors() -> dict[str, Tensor]:
    torch.manual_seed(0)
    return {
        "weights": torch.randn(3, 4, 2, 2).to(memory_format=torch.channels_last),
        "halves": torch.randn(5).to(torch.bfloat16),
        "scalar": torch.tensor(3.5, dtype=torch.float64),
        "empty": torch.zeros(0, 2),
        "mask": torch.tensor([True, False]),
        "generator": torch.Generator().manual_seed(3).get_state(),
    }


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "checkpoints" / "last.safetensors"
    save_checkpoint(path, some_tensors(), STATE)
    return path


def test_everything_is_restored_bit_exactly(path: Path) -> None:
    tensors, metadata = load_checkpoint(path)
    assert metadata == STATE
    assert tensors.keys() == some_tensors().keys()
    for name, value in some_tensors().items():
        assert tensors[name].dtype == value.dtype
        assert torch.equal(tensors[name], value), name


def test_every_truncation_is_noticed(path: Path) -> None:
    content = path.read_bytes()
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        with pytest.raises(CorruptFile, match=r"last\.safetensors"):
            load_checkpoint(path)


def test_no_flipped_bit_changes_what_is_loaded(path: Path) -> None:
    content = path.read_bytes()
    noticed = 0
    for position in range(0, len(content), 3):
        altered = bytearray(content)
        altered[position] ^= 1 << (position % 8)
        path.write_bytes(altered)
        try:
            tensors, metadata = load_checkpoint(path)
        except CorruptFile:
            noticed += 1
        else:
            assert metadata == STATE
            assert all(torch.equal(tensors[name], value) for name, value in some_tensors().items())
    assert noticed > 0.95 * len(content) / 3


@pytest.mark.parametrize("content", [b"", b"\x00" * 64, b"hello", b"\xff" * 200])
def test_other_files_are_no_checkpoints(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(CorruptFile):
        load_checkpoint(tmp_path / "file")


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(CorruptFile, match=r"nothing\.safetensors does not exist"):
        load_checkpoint(tmp_path / "nothing.safetensors")
    with pytest.raises(CorruptFile, match="cannot be read"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_failed_write_keeps_the_previous_checkpoint(
    path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    def fail(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, failing, fail)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(path, {"weights": torch.ones(3)}, {"step": 13})
    monkeypatch.undo()
    assert load_checkpoint(path)[1] == STATE
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_restored_optimizer_continues_exactly(tmp_path: Path) -> None:
    def build() -> tuple[nn.Module, torch.optim.Optimizer]:
        torch.manual_seed(0)
        model = nn.Conv2d(3, 8, 3).to(memory_format=torch.channels_last)
        return model, torch.optim.AdamW(model.parameters(), lr=0.01, fused=True)

    def learn(model: nn.Module, optimizer: torch.optim.Optimizer, steps: range) -> None:
        for step in steps:
            optimizer.zero_grad()
            model(torch.full((1, 3, 5, 5), step / 10.0)).square().sum().backward()
            optimizer.step()

    straight, optimizer = build()
    learn(straight, optimizer, range(10))

    model, optimizer = build()
    learn(model, optimizer, range(4))
    save_checkpoint(tmp_path / "file", {**model.state_dict(), **optimizer_tensors(optimizer)}, {})
    stored, _ = load_checkpoint(tmp_path / "file")
    model, optimizer = build()
    model.load_state_dict({name: stored.pop(name) for name in list(model.state_dict())})
    restore_optimizer(optimizer, stored)
    learn(model, optimizer, range(4, 10))
    for before, after in zip(straight.parameters(), model.parameters(), strict=True):
        assert torch.equal(before, after)
