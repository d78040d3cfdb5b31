"""Images of the sign benchmark."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from camshaft.perception.data.arrays import Arrays
from camshaft.perception.data.benchmark_images import BenchmarkImages
from camshaft.perception.data.signs.catalogue import CLASSES, STYLES, TEST_STYLES, sign_face
from camshaft.perception.data.signs.photograph import photograph
from camshaft.perception.data.splits import SPLITS

_TRAINING_STYLES = tuple(style for style in range(STYLES) if style not in TEST_STYLES)


class SignImages(BenchmarkImages):
    """Crops around traffic signs with their classes, rendered on demand.

    Image i of a split depends only on the seed and i. The class of image i is i modulo the number of classes, so splits
    are balanced. "train" and "val" share the styles of the signs; "test" has styles and background textures that are
    never seen in training.

    Args:
        split: one of SPLITS.
        size: side in pixels, or (height, width).
        length: number of images; by default 40,000, 2,000 and 4,000.
        seed: random seed; different seeds give different images.

    Attributes:
        classes: class names by class index, those of `CLASSES`.
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

    def _render(self, indices: NDArray[np.int64]) -> Arrays:
        images = np.empty((len(indices), *self.size, 3), np.uint8)
        for row, index in enumerate(indices.tolist()):
            images[row] = self._render_one(index)
        return {"rgb": images, "class": indices % len(CLASSES)}

    def _render_one(self, index: int) -> NDArray[np.uint8]:
        rng = np.random.default_rng([self.seed, SPLITS.index(self.split), index])
        styles = TEST_STYLES if self.split == "test" else _TRAINING_STYLES
        face = sign_face(CLASSES[index % len(CLASSES)], int(rng.choice(styles)))
        return photograph(face, rng, self.size, odd=self.split == "test")
