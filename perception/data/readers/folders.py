"""Readers of images in one folder per class, and of the traffic signs of GTSRB."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from camshaft.envs.errors import CorruptFile, InvalidOption, check_choice
from camshaft.perception.data.arrays import Arrays
from camshaft.perception.data.readers.image_set import ImageSet, Size, image_files, read_image, subfolders
from camshaft.perception.data.splits import held_out

Item = tuple[Path, int]


class ImageFolder(ImageSet):
    """Images in one folder per class, optionally in one folder per split above.

    Labels: "rgb" (H, W, 3) uint8 and "class" int64, the index of the folder in the sorted folder names.

    Args:
        root: folder of the class folders, or of the split folders.
        split: name of the split folder; None if there are no splits.
        classes: folder names in the order of their class indices; by default all folders, none of which may be empty.
        size: see `ImageSet`.
        on_corrupt: see `ImageSet`.
    """

    def __init__(
        self,
        root: str | Path,
        split: str | None = None,
        classes: Sequence[str] | None = None,
        size: Size = None,
        on_corrupt: str = "raise",
    ) -> None:
        self._folder = Path(root) / split if split else Path(root)
        self._classes_given = classes is not None
        if classes is None:
            self.classes = tuple(folder.name for folder in subfolders(self._folder))
        else:
            self.classes = tuple(classes)
        super().__init__(self._folder, size, on_corrupt)

    def _find(self) -> Sequence[Item]:
        if not self.classes:
            raise CorruptFile(f"{self._folder} holds no folders; it needs one folder of images per class")
        found = self._read_intact(self._images_of_class, enumerate(self.classes))
        return [item for items in found for item in items]

    def _images_of_class(self, entry: tuple[int, str]) -> list[Item]:
        class_index, name = entry
        paths = image_files(self._folder / name)
        if not paths and not self._classes_given:
            raise CorruptFile(f"{self._folder / name} holds no image: every folder here is a class")
        return [(path, class_index) for path in paths]

    def _load(self, item: Item) -> Arrays:
        path, class_index = item
        return {"rgb": read_image(path, self.size), "class": np.array(class_index)}


class GTSRB(ImageFolder):
    """Training images of the German Traffic Sign Recognition Benchmark (Stallkamp et al., 2012).

    Each physical sign was filmed as a track of up to 30 images; whole tracks are held out, so that no sign is in both
    splits.

    Args:
        root: folder that contains `Final_Training/Images`, or this folder itself.
        split: "train", or "val" for the held-out tracks.
        held_out_share: fraction of the tracks of each class that is held out.
        size: see `ImageSet`.
        on_corrupt: see `ImageSet`.
    """

    def __init__(
        self,
        root: str | Path,
        split: str = "train",
        held_out_share: float = 0.2,
        size: Size = (32, 32),
        on_corrupt: str = "raise",
    ) -> None:
        check_choice("split", split, ("train", "val"))
        if not 0.0 < held_out_share < 1.0:
            raise InvalidOption(f"held_out_share must be between 0 and 1, got {held_out_share!r}")
        self.split = split
        self._share = held_out_share
        images = Path(root) / "Final_Training" / "Images"
        super().__init__(images if images.is_dir() else Path(root), None, None, size, on_corrupt)

    def _find(self) -> Sequence[Item]:
        chosen = []
        for class_index, name in enumerate(self.classes):
            paths = image_files(self._folder / name)
            tracked = self._read_intact(lambda path: (path, self._track(path)), paths)
            validation = held_out((track for _, track in tracked), self._share) if tracked else set()
            chosen += [
                (path, class_index)
                for path, track in tracked
                if (track in validation) == (self.split == "val")
            ]
        return chosen

    @staticmethod
    def _track(path: Path) -> str:
        track, underscore, _ = path.stem.partition("_")
        if not underscore:
            raise CorruptFile(f"{path} is not named TRACK_FRAME like the images of GTSRB")
        return track
