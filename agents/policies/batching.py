"""Batches of one fixed shape, so that a row's outputs depend on that row alone.

Matrix libraries choose their kernels by the shape of a batch and by the alignment of its rows, and round differently in
each. A network that is given all worlds at once would therefore answer in other bits for eight worlds than for one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

ROWS = 4  # few, because the last batch is filled up
CACHE_LINE = 16  # float32 numbers
SHIFTS = (1, 2, 3)

Rows = Mapping[str, Tensor]


class FixedBatches:
    """A function of a batch, called on batches of one fixed size; the last one is filled up.

    Whether the machine's kernels give a row the same bits wherever it stands in such a batch is tried out once. Where
    they do not, the inputs of linear layers are padded; where that does not help, rows are given one at a time.

    Args:
        function: rows by name to rows by name.
        example: ROWS rows of each input.

    Attributes:
        rows: of a batch.
    """

    def __init__(self, function: Callable[[Rows], Rows], example: Rows) -> None:
        self._function = function
        self._mode: Callable[[], AbstractContextManager[Any]] = nullcontext
        if not self._is_position_independent(example):
            self._mode = _AlignedLinear
        self.rows = ROWS if self._mode is nullcontext or self._is_position_independent(example) else 1

    @torch.no_grad()
    def __call__(self, inputs: Rows) -> dict[str, Tensor]:
        """The outputs for any number of rows."""
        count = len(next(iter(inputs.values())))
        parts = []
        with self._mode():
            for start in range(0, count, self.rows):
                part = {name: values[start : start + self.rows] for name, values in inputs.items()}
                parts.append(self._function({name: self._filled(values) for name, values in part.items()}))
        return {name: torch.cat([part[name] for part in parts])[:count] for name in parts[0]}

    def _filled(self, values: Tensor) -> Tensor:
        missing = self.rows - len(values)
        return values if missing == 0 else torch.cat([values, values[:1].expand(missing, *values.shape[1:])])

    @torch.no_grad()
    def _is_position_independent(self, example: Rows) -> bool:
        with self._mode():
            outputs = self._function(example)
            for shift in SHIFTS:
                moved = self._function({name: values.roll(shift, 0) for name, values in example.items()})
                if any(
                    not torch.equal(moved[name], values.roll(shift, 0)) for name, values in outputs.items()
                ):
                    return False
        return True


class _AlignedLinear(TorchFunctionMode):
    """Pads the inputs of linear layers to whole cache lines, so that all rows of a batch are aligned alike."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is functional.linear and args[0].shape[-1] % CACHE_LINE:
            padding = (0, -args[0].shape[-1] % CACHE_LINE)
            args = (functional.pad(args[0], padding), functional.pad(args[1], padding), *args[2:])
        return func(*args, **(kwargs or {}))
