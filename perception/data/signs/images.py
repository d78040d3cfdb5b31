"""Simulated images of traffic signs for classification."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from envs.errors import InvalidOption, check_choice
from perception.data.signs.catalogue import CLASSES, STYLES, TEST_STYLES, sign_face
from perception.data.signs.photograph import photograph

SPLITS = ("train", "val", "test")
LENGTHS = {"train": 40_000, "val": 2_000, "test": 4_000}
LABELS = ("rgb", "class")
SMALLEST_SIDE = 8
_LEARNED_STYLES = tuple(style for style in range(STYLES) if style not in TEST_STYLES)


class SignImages:
    """Crops around traffic signs with their kinds, drawn when they are asked for.

    Image i of a split follows from the seed and i alone. Classes take turns, so every split is balanced. "train" and
    "val" show the same styles of the signs under other random numbers; "test" shows styles, and textures behind the
    signs, that training never does.

    Args:
        split: one of SPLITS.
        size: pixels a side, or (height, width).
        length: how many images; by default 40,000, 2,000 or 4,000.
        seed: another seed is another set.

    Attributes:
        classes: names by class number, those of `CLASSES`.
        split, size, seed: as given.
    """

    classes = CLASSES
    labels = LABELS

    def __init__(
        self,
        split: str = "train",
        size: int | tuple[int, int] = 64,
        length: int | None = None,
        seed: int = 0,
    ) -> None:
        self.split = check_choice("split", split, SPLITS)
        self.size = _parse_size(size)
        self.seed = int(seed)
        self._length = LENGTHS[split] if length is None else length
        if self._length < 1:
            raise InvalidOption(f"length must be at least 1, got {length}")

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> dict[str, NDArray[Any]]:
        """Image `index` and its class."""
        return {name: values[0] for name, values in self.render([index]).items()}

    def render(self, indices: ArrayLike) -> dict[str, NDArray[Any]]:
        """Draw images.

        Args:
            indices: (n,) within 0..len - 1, in any order.

        Returns:
            "rgb", (n, height, width, 3) uint8, and "class", (n,) int64.

        Raises:
            InvalidOption: an index out of range.
        """
        chosen = np.asarray(indices, np.int64).reshape(-1)
        outside = (chosen < 0) | (chosen >= self._length)
        if outside.any():
            raise InvalidOption(f"images are numbered 0..{self._length - 1}, got {int(chosen[outside][0])}")
        images = np.empty((len(chosen), *self.size, 3), np.uint8)
        for place, index in enumerate(chosen.tolist()):
            images[place] = self._draw(index)
        return {"rgb": images, "class": chosen % len(CLASSES)}

    def _draw(self, index: int) -> NDArray[np.uint8]:
        rng = np.random.default_rng([self.seed, SPLITS.index(self.split), index])
        styles = TEST_STYLES if self.split == "test" else _LEARNED_STYLES
        face = sign_face(CLASSES[index % len(CLASSES)], int(rng.choice(styles)))
        return photograph(face, rng, self.size, odd=self.split == "test")


def _parse_size(size: Any) -> tuple[int, int]:
    sides = tuple(size) if isinstance(size, tuple | list) else (size, size)
    if len(sides) != 2 or not all(isinstance(side, int) and side >= SMALLEST_SIDE for side in sides):
        raise InvalidOption(
            f"size must be pixels a side or (height, width), each at least {SMALLEST_SIDE}, got {size!r}"
        )
    return sides[0], sides[1]
