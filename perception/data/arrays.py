"""Types of batches of named arrays and tensors."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray
from torch import Tensor

Arrays = dict[str, NDArray[Any]]
"""Name to array; in a batch all arrays have the same first dimension."""
Batch = dict[str, Tensor]
"""Name to (B, …) tensor."""
