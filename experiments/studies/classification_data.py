"""The images that commands for classification learn from: a simulated benchmark, or a folder."""

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
    """Images with classes.

    Attributes:
        train: to learn from.
        validation: to choose weights by.
        test: never looked at before the end; the validation images where there are no others.
        classes: names by number.
    """

    train: Any
    validation: Any
    test: Any
    classes: tuple[str, ...]


def open_classification_data(
    data: str, size: int, *, images: int | None = None, seed: int = 0, skip_corrupt: bool = False
) -> ClassificationData:
    """Find labeled images.

    Args:
        data: "objects" or "signs" for a simulated benchmark, drawn on the fly; or a folder: a set that 'camshaft data'
            wrote, GTSRB, or images in one folder a class, with folders "train" and "val" above them or without.
        size: width and height that images are brought to.
        images: of a simulated benchmark to learn from; all by default.
        seed: of the split of a folder that has none.
        skip_corrupt: leave out files that cannot be read, with a warning each.

    Raises:
        InvalidOption: there is no such folder, or its images have no classes.
        CorruptFile: an image or an index is damaged; which one.
    """
    if not 1 <= size <= LARGEST:
        raise InvalidOption(f"size must be from 1 to {LARGEST} pixels, got {size}")
    found = _found(data, size, images, seed, "skip" if skip_corrupt else "raise")
    if len(found.classes) < 2:
        raise InvalidOption(
            f"{data} has one class only, {found.classes[0]!r}: there is nothing to tell apart"
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
        return _halved(_StoredImages(folder, size, on_corrupt), seed)
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
    return _halved(ImageFolder(folder, size=(size, size), on_corrupt=on_corrupt), seed)


def labels_of(images: Any) -> Any:
    """(N,) the class of every image of a set, read once."""
    from camshaft.perception.training.samples import as_samples

    source = as_samples(images)
    rows = range(0, len(source), 256)
    return np.concatenate(
        [np.asarray(source.fetch(np.arange(start, min(start + 256, len(source))))["class"]) for start in rows]
    )


class _StoredImages:
    """The images of a set that 'camshaft data' wrote, brought to one size, with their classes."""

    def __init__(self, folder: Path, size: int, on_corrupt: str) -> None:
        from camshaft.perception.data.stored import StoredFrames

        self._frames = StoredFrames(folder, on_corrupt=on_corrupt)
        self._size = (size, size)
        self.classes = self._frames.classes
        if not {"rgb", "class"} <= set(self._frames.labels) or not self.classes:
            raise InvalidOption(
                f"the frames in {folder} are no images with classes, only: {', '.join(self._frames.labels)}"
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


def _halved(images: Any, seed: int) -> ClassificationData:
    """Split by image, at random."""
    from camshaft.perception.training.samples import Subset

    order = np.random.default_rng(seed).permutation(len(images))
    if len(images) < 2:
        raise InvalidOption("one image cannot be both learned from and held out")
    held_out = max(1, round(HELD_OUT * len(images)))
    train, validation = Subset(images, np.sort(order[held_out:])), Subset(images, np.sort(order[:held_out]))
    return ClassificationData(train, validation, validation, tuple(images.classes))
