"""What the simulated classification benchmarks share: images by number, of three splits that share nothing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from camshaft.envs.errors import InvalidOption, check_choice, check_seed

SPLITS = ("train", "val", "test")
SMALLEST_SIDE = 8  # pixels


class BenchmarkImages(ABC):
    """Images with labels, drawn when they are asked for; image i of a split follows from the seed and i alone.

    Args:
        split: one of SPLITS.
        size: pixels a side, or (height, width).
        length: how many images; by default those of `lengths`.
        seed: another seed is another set.

    Attributes:
        lengths: how many images a split has by default.
        classes: names by class number.
        labels: what `fetch` gives.
        split, size, seed: as given.
    """

    lengths: ClassVar[Mapping[str, int]]
    classes: tuple[str, ...]
    labels: tuple[str, ...]

    def __init__(self, split: str, size: int | tuple[int, int], length: int | None, seed: int) -> None:
        self.split = check_choice("split", split, SPLITS)
        self.size = _parse_size(size)
        self.seed = int(check_seed(seed))
        self._length = self.lengths[split] if length is None else length
        if self._length < 1:
            raise InvalidOption(f"the number of images must be at least 1, got {length}")

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> dict[str, NDArray[Any]]:
        """Image `index` and its labels."""
        return {name: values[0] for name, values in self.fetch([index]).items()}

    def fetch(self, indices: ArrayLike) -> dict[str, NDArray[Any]]:
        """Draw images.

        Args:
            indices: (n,) within 0..len - 1, in any order.

        Returns:
            Label name to (n, …) array.

        Raises:
            InvalidOption: an index out of range.
        """
        chosen = np.asarray(indices, np.int64).reshape(-1)
        outside = (chosen < 0) | (chosen >= self._length)
        if outside.any():
            raise InvalidOption(f"images are numbered 0..{self._length - 1}, got {int(chosen[outside][0])}")
        return self._draw(chosen)

    @abstractmethod
    def _draw(self, indices: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        """The labels of images whose numbers are in range."""


def _parse_size(size: Any) -> tuple[int, int]:
    sides = tuple(size) if isinstance(size, tuple | list) else (size, size)
    if len(sides) != 2 or not all(isinstance(side, int) and side >= SMALLEST_SIDE for side in sides):
        raise InvalidOption(
            f"size must be pixels a side or (height, width), each at least {SMALLEST_SIDE}, got {size!r}"
        )
    return sides[0], sides[1]
