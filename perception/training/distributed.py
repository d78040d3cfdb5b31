"""Distributed data-parallel training in processes started by torchrun."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from camshaft.envs.errors import InvalidOption


@dataclass(frozen=True)
class Processes:
    """The process group of a training, seen from this process.

    Attributes:
        rank: number of this process.
        count: number of processes.
    """

    rank: int = 0
    count: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this process logs and saves."""
        return self.rank == 0

    def shard(self, rows: Tensor) -> Tensor:
        """The part of a batch that this process computes."""
        return rows[self.rank :: self.count]

    def check_batch_size(self, size: int) -> None:
        """Raise InvalidOption unless a batch can be divided evenly."""
        if size % self.count:
            raise InvalidOption(f"batch_size must be a multiple of the {self.count} processes, got {size}")

    def wrap(self, module: nn.Module, device: torch.device) -> nn.Module:
        """Wrap a module so that its gradients are averaged over all processes."""
        if self.count == 1:
            return module
        return DistributedDataParallel(module, device_ids=[device.index] if device.type == "cuda" else None)

    def barrier(self) -> None:
        """Wait until all processes have reached this call."""
        if self.count > 1:
            dist.barrier()

    def mean(self, values: Tensor) -> Tensor:
        """Mean of a tensor over all processes."""
        if self.count > 1:
            dist.all_reduce(values)
            values = values / self.count
        return values

    def broadcast(self, value: float) -> float:
        """Send the value of the first process to all others."""
        if self.count == 1:
            return value
        shared = torch.tensor([value], dtype=torch.float64)
        if dist.get_backend() == "nccl":
            shared = shared.cuda()
        dist.broadcast(shared, 0)
        return float(shared)


def is_first_process() -> bool:
    """Whether this process saves and reports results; also valid after the process group was left."""
    return int(os.environ.get("RANK", "0")) == 0


@contextlib.contextmanager
def join_processes(device: torch.device) -> Iterator[Processes]:
    """Context manager that joins the process group, if torchrun started this process.

    Args:
        device: device that this process trains on.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1 or dist.is_initialized():
        yield Processes(dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else Processes()
        return
    if device.type == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Processes(dist.get_rank(), count)
    finally:
        dist.destroy_process_group()
