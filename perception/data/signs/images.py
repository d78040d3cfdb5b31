"""Simulated images of traffic signs for classification."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from camshaft.perception.data.benchmark_images import SPLITS, BenchmarkImages
from camshaft.perception.data.signs.catalogue import CLASSES, STYLES, TEST_STYLES, sign_face
from camshaft.perception.data.signs.photograph import photograph

_LEARNED_STYLES = tuple(style for style in range(STYLES) if style not in TEST_STYLES)


class SignImages(BenchmarkImages):
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

    lengths: ClassVar[Mapping[str, int]] = {"train": 40_000, "val": 2_000, "test": 4_000}
    classes = CLASSES
    labels = ("rgb", "class")

    def __init__(
        self,
        split: str = "train",
        size: int | tuple[int, int] = 64,
        length: int | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(split, size, length, seed)

    def _draw(self, indices: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        images = np.empty((len(indices), *self.size, 3), np.uint8)
        for place, index in enumerate(indices.tolist()):
            images[place] = self._draw_one(index)
        return {"rgb": images, "class": indices % len(CLASSES)}

    def _draw_one(self, index: int) -> NDArray[np.uint8]:
        rng = np.random.default_rng([self.seed, SPLITS.index(self.split), index])
        styles = TEST_STYLES if self.split == "test" else _LEARNED_STYLES
        face = sign_face(CLASSES[index % len(CLASSES)], int(rng.choice(styles)))
        return photograph(face, rng, self.size, odd=self.split == "test")
