"""Device and precision of a training, detected at run time."""

from __future__ import annotations

import contextlib
import ctypes
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch

from camshaft.envs.errors import InvalidOption, check_choice

DEVICES = ("auto", "cpu", "cuda")
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
BFLOAT16_INSTRUCTIONS = ("avx512_bf16", "amx_bf16", "sve_bf16", "bf16")

# Parameters of glibc's mallopt and their defaults.
M_TRIM_THRESHOLD, DEFAULT_TRIM_THRESHOLD = -1, 128 * 1024
M_MMAP_MAX, DEFAULT_MMAP_MAX = -4, 65536
LARGEST_INT = 2**31 - 1


@dataclass(frozen=True)
class Hardware:
    """A device and the precision of computations on it; weights are always float32."""

    device: torch.device
    precision: torch.dtype

    def autocast(self) -> AbstractContextManager[Any]:
        """Context manager in which computations run in the chosen precision."""
        return torch.autocast(self.device.type, self.precision, enabled=self.precision != torch.float32)

    def cuda_devices(self) -> list[torch.device]:
        """The device if it is a GPU, else nothing."""
        return [self.device] if self.device.type == "cuda" else []

    def description(self) -> str:
        """Human-readable description, such as "CPU, 2 threads, bfloat16, channels last"."""
        if self.device.type == "cuda":
            device = torch.cuda.get_device_name(self.device)
        else:
            device = f"CPU, {torch.get_num_threads()} threads"
        return f"{device}, {str(self.precision).removeprefix('torch.')}, channels last"


def choose_hardware(device: str = "auto", precision: str = "auto") -> Hardware:
    """Choose a device and a precision.

    Args:
        device: "cpu", "cuda", or "auto" for a GPU if there is one.
        precision: "float32", "bfloat16", or "auto" for bfloat16 if the hardware computes in it.

    Raises:
        InvalidOption: the name is not accepted, or there is no such device.
    """
    check_choice("device", device, DEVICES)
    check_choice("precision", precision, ("auto", *PRECISIONS))
    if device == "cuda" and not torch.cuda.is_available():
        raise InvalidOption("device 'cuda': PyTorch finds no CUDA device here; accepted: auto, cpu")
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if precision == "auto":
        precision = "bfloat16" if _computes_in_bfloat16(device) else "float32"
    return Hardware(torch.device(device), PRECISIONS[precision])


@contextlib.contextmanager
def keep_freed_memory() -> Iterator[None]:
    """Context manager in which glibc keeps freed memory for the next training step.

    By default glibc returns large blocks to the operating system at once, and a step on the CPU spends more than a
    tenth of its time on page faults when it allocates them again. Does nothing with other C libraries.
    """
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    if library is None or not hasattr(library, "mallopt") or not hasattr(library, "malloc_trim"):
        yield
        return
    library.mallopt(M_MMAP_MAX, 0)
    library.mallopt(M_TRIM_THRESHOLD, LARGEST_INT)
    try:
        yield
    finally:
        library.mallopt(M_MMAP_MAX, DEFAULT_MMAP_MAX)
        library.mallopt(M_TRIM_THRESHOLD, DEFAULT_TRIM_THRESHOLD)
        library.malloc_trim(0)


def _computes_in_bfloat16(device: str) -> bool:
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return any(capabilities.get(name, False) for name in BFLOAT16_INSTRUCTIONS)
