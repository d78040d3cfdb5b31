"""Base class of the simulated classification benchmarks: images by index, in three disjoint splits."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from camshaft.envs.errors import InvalidOption, check_choice, check_seed
from camshaft.perception.data.arrays import Arrays
from camshaft.perception.data.indices import check_indices
from camshaft.perception.data.splits import SPLITS

SMALLEST_SIDE = 8  # pixels


class BenchmarkImages(ABC):
    """Labeled images, rendered on demand; image i of a split depends only on the seed and i.

    Args:
        split: one of SPLITS.
        size: side in pixels, or (height, width).
        length: number of images; by default that of `lengths`.
        seed: random seed; different seeds give different images.

    Attributes:
        lengths: default number of images of each split.
        classes: class names by class index.
        labels: names of the arrays that `fetch` returns.
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

    def __getitem__(self, index: int) -> Arrays:
        """Image `index` and its labels."""
        return {name: values[0] for name, values in self.fetch([index]).items()}

    def fetch(self, indices: ArrayLike) -> Arrays:
        """Render images.

        Args:
            indices: (n,) within 0..len - 1, in any order.

        Returns:
            Label name to (n, …) array.

        Raises:
            InvalidOption: an index is out of range.
        """
        return self._render(check_indices(indices, self._length, "images"))

    @abstractmethod
    def _render(self, indices: NDArray[np.int64]) -> Arrays:
        """Render images whose indices are in range."""


def _parse_size(size: Any) -> tuple[int, int]:
    sides = tuple(size) if isinstance(size, tuple | list) else (size, size)
    if len(sides) != 2 or not all(isinstance(side, int) and side >= SMALLEST_SIDE for side in sides):
        raise InvalidOption(
            f"size must be a side in pixels or (height, width), each at least {SMALLEST_SIDE}, got {size!r}"
        )
    return sides[0], sides[1]
