"""Reader of CamVid, a data set of segmented street scenes, and the mapping of simulated classes to its classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.errors import CorruptFile, check_choice
from camshaft.envs.rendering import LABELS
from camshaft.perception.data.arrays import Arrays
from camshaft.perception.data.readers.image_set import (
    IGNORED,
    NEAREST,
    ImageSet,
    Size,
    check_range,
    image_files,
    read_image,
    read_label_image,
    resize,
)
from camshaft.perception.data.splits import SPLITS

CLASSES = (
    "sky",
    "building",
    "pole",
    "road",
    "pavement",
    "tree",
    "sign",
    "fence",
    "car",
    "pedestrian",
    "bicyclist",
)
VOID = 11  # class id in the files

_SIMULATED: Mapping[str, str] = {
    "sky": "sky",
    "building": "building",
    "pole": "pole",
    "road": "road",
    "lane_marking": "road",
    "sidewalk": "pavement",
    "vegetation": "tree",
    "traffic_sign": "sign",
    "traffic_light": "sign",
    "fence": "fence",
    "vehicle": "car",
    "person": "pedestrian",
    "bicycle": "bicyclist",
}


class CamVid(ImageSet):
    """CamVid (Brostow et al., 2009) with the 11 classes of SegNet's version.

    Labels: "rgb" (H, W, 3) uint8 and "segmentation" (H, W) uint8, indices into `classes`, or IGNORED (255) for void.

    Args:
        root: folder with `train`, `trainannot`, `val`, `valannot`, …
        split: one of SPLITS.
        size: see `ImageSet`.
        on_corrupt: see `ImageSet`.
    """

    classes = CLASSES

    def __init__(
        self, root: str | Path, split: str = "train", size: Size = None, on_corrupt: str = "raise"
    ) -> None:
        self.split = check_choice("split", split, SPLITS)
        super().__init__(root, size, on_corrupt)

    def _find(self) -> Sequence[tuple[Path, Path]]:
        labels = self.root / f"{self.split}annot"
        return [(path, labels / f"{path.stem}.png") for path in image_files(self.root / self.split)]

    def _load(self, item: tuple[Path, Path]) -> Arrays:
        image, segmentation = read_image(item[0]), read_label_image(item[1])
        if image.shape[:2] != segmentation.shape:
            raise CorruptFile(f"{item[1]} is {segmentation.shape}, its image {item[0]} is {image.shape[:2]}")
        segmentation = np.where(segmentation == VOID, np.uint8(IGNORED), segmentation)
        check_range(item[1], segmentation, len(CLASSES))
        if self.size is not None:
            image, segmentation = read_image(item[0], self.size), resize(segmentation, self.size, NEAREST)
        return {"rgb": image, "segmentation": segmentation}


def camvid_from_simulation(segmentation: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Convert simulated class ids to CamVid classes; IGNORED where CamVid has no such class."""
    table = np.full(256, IGNORED, np.uint8)
    for simulated, name in _SIMULATED.items():
        table[LABELS[simulated]] = CLASSES.index(name)
    return table[segmentation]
