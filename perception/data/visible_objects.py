"""Bounding boxes of the visible objects of an image, from its instance and class ids."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from camshaft.envs.rendering import LABELS

STUFF = (
    "sky",
    "terrain",
    "road",
    "lane_marking",
    "shoulder",
    "sidewalk",
    "floor",
    "wall",
)  # uncountable classes, without boxes
_IS_THING = np.ones(256, np.bool_)
_IS_THING[[LABELS[name] for name in STUFF]] = False
COLUMNS = 6  # left, top, right, bottom, class, pixels


def visible_objects(
    instances: NDArray[np.uint16], segmentation: NDArray[np.uint8], max_objects: int
) -> NDArray[np.float32]:
    """Bounding boxes of the visible parts of objects.

    Args:
        instances: (n, H, W) instance ids, as rendered.
        segmentation: (n, H, W) class ids, as rendered.
        max_objects: objects per image; the largest are kept.

    Returns:
        (n, max_objects, 6) left, top, right and bottom edges (the first pixel spans 0..1), the most frequent class id
        among the object's pixels, and the number of visible pixels; sorted by size, padded with rows of 0.
    """
    found = np.zeros((len(instances), max_objects, COLUMNS), np.float32)
    for image, labels, rows in zip(instances, segmentation, found, strict=True):
        _fill(image, labels, rows)
    return found


def _fill(instances: NDArray[np.uint16], segmentation: NDArray[np.uint8], rows: NDArray[Any]) -> None:
    pairs, counts = np.unique(instances.astype(np.int64) * 256 + segmentation, return_counts=True)
    ids, classes = pairs // 256, pairs % 256
    order = np.lexsort((-counts, ids))
    ids, classes, counts = ids[order], classes[order], counts[order]
    first = np.flatnonzero(np.diff(ids, prepend=-1))
    pixels = np.add.reduceat(counts, first)
    ids, classes = ids[first], classes[first]
    things = np.flatnonzero((ids > 0) & _IS_THING[classes])
    things = things[np.argsort(-pixels[things], kind="stable")][: len(rows)]
    boxes = ndimage.find_objects(instances.astype(np.int32))
    for row, thing in zip(rows, things, strict=False):
        down, across = boxes[ids[thing] - 1]
        row[:] = across.start, down.start, across.stop, down.stop, classes[thing], pixels[thing]
