"""Images in one folder a class, and the traffic signs of GTSRB."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from camshaft.envs.errors import CorruptFile, InvalidOption, check_choice
from camshaft.perception.data.readers.image_set import (
    Arrays,
    ImageSet,
    Size,
    held_out,
    image_files,
    read_image,
    subfolders,
)

Item = tuple[Path, int]


class ImageFolder(ImageSet):
    """Images in one folder a class; a split is a folder above those.

    Labels: "rgb" (H, W, 3) uint8 and "class" int64, the number of its folder in the order of their names.

    Args:
        root: holds the folders of the classes, or those of the splits.
        split: the folder of the split; None where there is none.
        classes: names of the folders, in the order of their numbers; by default those that are there, which must not
            be empty then.
        size: see `ImageSet`.
        on_corrupt: likewise.
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
        self._told = classes is not None
        if classes is None:
            self.classes = tuple(folder.name for folder in subfolders(self._folder))
        else:
            self.classes = tuple(classes)
        super().__init__(self._folder, size, on_corrupt)

    def _find(self) -> Sequence[Item]:
        if not self.classes:
            raise CorruptFile(f"{self._folder} holds no folders, of which each would be a class of images")
        found = self._readable(self._images_of, enumerate(self.classes))
        return [item for items in found for item in items]

    def _images_of(self, entry: tuple[int, str]) -> list[Item]:
        number, name = entry
        paths = image_files(self._folder / name)
        if not paths and not self._told:
            raise CorruptFile(f"{self._folder / name} holds no image: every folder here is a class")
        return [(path, number) for path in paths]

    def _load(self, item: Item) -> Arrays:
        path, number = item
        return {"rgb": read_image(path, self.size), "class": np.array(number)}


class GTSRB(ImageFolder):
    """The German Traffic Sign Recognition Benchmark (Stallkamp et al., 2012), its training images.

    Each physical sign was filmed as a track of up to 30 images; tracks are held out whole, so that no sign is in both
    splits.

    Args:
        root: the folder that has `Final_Training/Images`, or that itself.
        split: "train", or "val" for the tracks held out, of every class.
        held_out_share: of the tracks of a class.
        size: see `ImageSet`.
        on_corrupt: likewise.
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
        for number in range(len(self.classes)):
            paths = image_files(self._folder / self.classes[number])
            tracked = self._readable(lambda path: (path, self._track(path)), paths)
            kept = held_out((track for _, track in tracked), self._share) if tracked else set()
            chosen += [(path, number) for path, track in tracked if (track in kept) == (self.split == "val")]
        return chosen

    @staticmethod
    def _track(path: Path) -> str:
        track, underscore, _ = path.stem.partition("_")
        if not underscore:
            raise CorruptFile(f"{path} is not named TRACK_FRAME, as images of GTSRB are")
        return track
