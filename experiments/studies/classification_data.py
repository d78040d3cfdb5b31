"""Labeled images for classification: a simulated benchmark, or a folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from camshaft.envs.errors import InvalidOption

OBJECTS, SIGNS = "objects", "signs"
LARGEST = 4096  # pixels of a side
HELD_OUT = 0.15  # of a folder without a validation split


@dataclass(frozen=True)
class ClassificationData:
    """Splits of labeled images.

    Attributes:
        train: training images.
        validation: images for model selection.
        test: images for the final test; the validation images where there are no others.
        classes: names by class index.
    """

    train: Any
    validation: Any
    test: Any
    classes: tuple[str, ...]


def open_classification_data(
    data: str, size: int, *, images: int | None = None, seed: int = 0, skip_corrupt: bool = False
) -> ClassificationData:
    """Open labeled images.

    Args:
        data: "objects" or "signs" for a simulated benchmark, rendered on the fly; or a folder: a set written by
            'camshaft data', GTSRB, or one subfolder per class, with or without "train" and "val" above them.
        size: width and height that images are resized to.
        images: number of training images of a simulated benchmark; all by default.
        seed: of the random split of a folder without splits.
        skip_corrupt: skip unreadable files, with a warning for each.

    Raises:
        InvalidOption: there is no such folder, or its images have no classes.
        CorruptFile: an image or an index is damaged; the message names it.
    """
    if not 1 <= size <= LARGEST:
        raise InvalidOption(f"size must be from 1 to {LARGEST} pixels, got {size}")
    found = _found(data, size, images, seed, "skip" if skip_corrupt else "raise")
    if len(found.classes) < 2:
        raise InvalidOption(
            f"{data} has one class only, {found.classes[0]!r}: classification needs at least two"
        )
    return found


def _found(data: str, size: int, images: int | None, seed: int, on_corrupt: str) -> ClassificationData:
    from camshaft.perception.data.objects import ObjectImages
    from camshaft.perception.data.readers import GTSRB, ImageFolder
    from camshaft.perception.data.readers.image_set import subfolders
    from camshaft.perception.data.signs import SignImages

    if data in (OBJECTS, SIGNS):
        benchmark: Any = ObjectImages if data == OBJECTS else SignImages
        lengths = {"train": images, "val": None, "test": None}
        train, val, test = (benchmark(split, size, length) for split, length in lengths.items())
        return ClassificationData(train, val, test, train.classes)
    folder = Path(data)
    if not folder.is_dir():
        raise InvalidOption(f"data {data!r} is neither {OBJECTS!r}, {SIGNS!r} nor a folder")
    if (folder / "index.json").exists():
        return _split(_StoredImages(folder, size, on_corrupt), seed)
    if (folder / "train" / "index.json").exists():
        stored = [_StoredImages(folder / name, size, on_corrupt) for name in ("train", "val")]
        return ClassificationData(stored[0], stored[1], stored[1], stored[0].classes)
    if (folder / "Final_Training" / "Images").is_dir():
        signs = [GTSRB(folder, split, size=(size, size), on_corrupt=on_corrupt) for split in ("train", "val")]
        return ClassificationData(signs[0], signs[1], signs[1], tuple(signs[0].classes))
    if (folder / "train").is_dir():
        shown = ImageFolder(folder, "train", size=(size, size), on_corrupt=on_corrupt)
        beyond = {each.name for each in subfolders(folder / "val")} - set(shown.classes)
        if beyond:
            raise InvalidOption(
                f"{folder / 'val'} has classes that {folder / 'train'} lacks: {', '.join(sorted(beyond))}"
            )
        kept = ImageFolder(folder, "val", shown.classes, (size, size), on_corrupt)
        return ClassificationData(shown, kept, kept, tuple(shown.classes))
    return _split(ImageFolder(folder, size=(size, size), on_corrupt=on_corrupt), seed)


def labels_of(images: Any) -> Any:
    """(N,) class of every image of a set."""
    from camshaft.perception.training.samples import as_samples

    source = as_samples(images)
    rows = range(0, len(source), 256)
    return np.concatenate(
        [np.asarray(source.fetch(np.arange(start, min(start + 256, len(source))))["class"]) for start in rows]
    )


class _StoredImages:
    """Images and classes of a set written by 'camshaft data', resized."""

    def __init__(self, folder: Path, size: int, on_corrupt: str) -> None:
        from camshaft.perception.data.stored import StoredFrames

        self._frames = StoredFrames(folder, on_corrupt=on_corrupt)
        self._size = (size, size)
        self.classes = self._frames.classes
        if not {"rgb", "class"} <= set(self._frames.labels) or not self.classes:
            raise InvalidOption(
                f"the frames in {folder} have no classes or no rgb images, only: {', '.join(self._frames.labels)}"
            )

    def __len__(self) -> int:
        return len(self._frames)

    def fetch(self, indices: Any) -> dict[str, Any]:
        """Images and labels, (n, …) each."""
        from camshaft.perception.data.readers.image_set import BILINEAR, resize

        batch = self._frames.fetch(indices)
        images = batch["rgb"]
        if images.shape[1:3] != self._size:
            images = np.stack([resize(image, self._size, BILINEAR) for image in images])
        return {"rgb": images, "class": batch["class"]}


def _split(images: Any, seed: int) -> ClassificationData:
    """Random split into training and validation images."""
    from camshaft.perception.training.samples import Subset

    order = np.random.default_rng(seed).permutation(len(images))
    if len(images) < 2:
        raise InvalidOption("a single image cannot be split into training and validation")
    held_out = max(1, round(HELD_OUT * len(images)))
    train, validation = Subset(images, np.sort(order[held_out:])), Subset(images, np.sort(order[:held_out]))
    return ClassificationData(train, validation, validation, tuple(images.classes))
