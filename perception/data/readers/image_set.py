"""Base class of the readers of labeled images, and functions that read image and text files."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from camshaft.envs.errors import CorruptFile, InvalidOption, check_choice
from camshaft.perception.data.arrays import Arrays
from camshaft.perception.data.corrupt_files import ON_CORRUPT, read_intact
from camshaft.perception.data.indices import check_indices

Size = tuple[int, int] | None

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".ppm", ".bmp", ".webp")
LARGEST_SIDE = 16_384  # pixels
IGNORED = 255  # class id of unlabeled pixels in segmentations
BILINEAR, NEAREST = cv2.INTER_LINEAR, cv2.INTER_NEAREST


class ImageSet(ABC):
    """Base class of data sets of labeled images.

    Args:
        root: folder, for error messages.
        size: (height, width) that images and their labels are resized to; None keeps their size, but then only images
            of the same size can be read as a batch.
        on_corrupt: "raise" an error when a corrupt file is read, or "skip" corrupt files: every file is read once at
            the start, and those that cannot be read are left out with a warning.

    Attributes:
        classes: class names by class index; empty if there are none.
    """

    classes: tuple[str, ...] = ()

    def __init__(self, root: str | Path, size: Size = None, on_corrupt: str = "raise") -> None:
        self.root = Path(root)
        if size is not None:
            check_image_size(size)
        self.size = size
        self._on_corrupt = check_choice("on_corrupt", on_corrupt, ON_CORRUPT)
        self._items: Sequence[Any] = self._find()
        if not self._items:
            raise CorruptFile(f"{self.root} holds no {self._item_name()}")
        if on_corrupt == "skip":
            self._items = self._read_intact(self._verified, self._items)
            if not self._items:
                raise CorruptFile(f"{self.root} holds no readable {self._item_name()}")

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Arrays]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> Arrays:
        """Image `index` and its labels.

        Raises:
            CorruptFile: it cannot be read; the message names the file.
        """
        return self._load(self._items[int(check_indices([index], len(self._items), "images")[0])])

    def fetch(self, indices: ArrayLike) -> Arrays:
        """Images and labels as a batch: label name to (n, …) array.

        Raises:
            InvalidOption: the images differ in size, and no size was given.
        """
        items = [self[int(index)] for index in np.asarray(indices).reshape(-1)]
        if not items:
            raise InvalidOption(f"a batch of {self.root} needs at least one image")
        for name, first in items[0].items():
            odd = next((item[name] for item in items if item[name].shape != first.shape), None)
            if odd is not None:
                raise InvalidOption(
                    f"{name!r} of {self.root} is {first.shape} here and {odd.shape} there: give the reader a size"
                )
        return {name: np.stack([item[name] for item in items]) for name in items[0]}

    @abstractmethod
    def _find(self) -> Sequence[Any]:
        """Items to read, in a fixed order."""

    @abstractmethod
    def _load(self, item: Any) -> Arrays:
        """Read the image and labels of an item."""

    def _item_name(self) -> str:
        """Singular noun for an item, for error messages."""
        return "image"

    def _verified(self, item: Any) -> Any:
        """The item; raises CorruptFile if it cannot be read."""
        self._load(item)
        return item

    def _read_intact(self, read: Callable[[Any], Any], entries: Iterable[Any]) -> list[Any]:
        """Results of `read` for all entries, without corrupt ones if they are to be skipped."""
        return read_intact(read, entries, self._on_corrupt)


def check_image_size(size: Any) -> None:
    """Raise InvalidOption unless this is (height, width) in pixels."""
    if (
        not isinstance(size, Sequence)
        or len(size) != 2
        or not all(1 <= side <= LARGEST_SIDE for side in size)
    ):
        raise InvalidOption(f"size must be (height, width) from 1 to {LARGEST_SIDE} pixels, got {size!r}")


def read_image(path: Path, size: Size = None) -> NDArray[np.uint8]:
    """Read an image file as (H, W, 3) RGB.

    Raises:
        CorruptFile: the file is missing, empty or not an image.
    """
    image = _decode(path, cv2.IMREAD_COLOR)
    return np.asarray(cv2.cvtColor(resize(image, size, BILINEAR), cv2.COLOR_BGR2RGB), np.uint8)


def read_label_image(path: Path, size: Size = None) -> NDArray[np.uint8]:
    """Read a grayscale or palette image as (H, W) class ids.

    Raises:
        CorruptFile: the file is missing, empty, not an image, or does not have 8 bits per pixel.
    """
    content = _content(path)
    try:
        with Image.open(path) as image:
            if image.mode not in ("L", "P"):
                raise CorruptFile(f"{path} holds no class ids: it is {image.mode}, not 8 bits per pixel")
            labels = np.asarray(image, np.uint8)
    except (OSError, SyntaxError, ValueError) as error:
        raise CorruptFile(f"{path} is not a readable image ({len(content)} bytes): {error}") from error
    return resize(labels, size, NEAREST)


def read_text(path: Path) -> str:
    """Read a text file.

    Raises:
        CorruptFile: the file is missing or not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CorruptFile(f"{path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise CorruptFile(f"{path} is not UTF-8 text: {error}") from error


def resize(image: NDArray[Any], size: Size, method: int) -> NDArray[Any]:
    """Resize an image to (height, width); BILINEAR averages areas when it shrinks the image."""
    if size is None or image.shape[:2] == tuple(size):
        return image
    smaller = size[0] < image.shape[0] and method == BILINEAR
    return np.asarray(
        cv2.resize(image, (size[1], size[0]), interpolation=cv2.INTER_AREA if smaller else method)
    )


def check_range(path: Path, labels: NDArray[np.uint8], classes: int) -> None:
    """Check that class ids exist or are IGNORED.

    Raises:
        CorruptFile: a class id does not exist.
    """
    wrong = (labels >= classes) & (labels != IGNORED)
    if wrong.any():
        raise CorruptFile(f"{path} has class {int(labels[wrong][0])}; there are 0..{classes - 1}")


def image_files(folder: Path) -> list[Path]:
    """Image files of a folder, sorted by name."""
    if not folder.is_dir():
        raise CorruptFile(f"no folder at {folder}")
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)


def subfolders(folder: Path) -> list[Path]:
    """Subfolders of a folder, sorted by name."""
    if not folder.is_dir():
        raise CorruptFile(f"no folder at {folder}")
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _decode(path: Path, flags: int) -> NDArray[Any]:
    content = _content(path)
    image = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    if image is None:
        raise CorruptFile(f"{path} is not a readable image ({len(content)} bytes)")
    return np.asarray(image)


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CorruptFile(f"{path} cannot be read: {error.strerror or error}") from error
    if not content:
        raise CorruptFile(f"{path} is empty")
    return content
