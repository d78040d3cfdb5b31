"""What the readers of real data share: images with labels by number, damage named, all of one size if asked."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from camshaft.envs.errors import CorruptFile, InvalidOption, check_choice

Arrays = dict[str, NDArray[Any]]
Size = tuple[int, int] | None

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".ppm", ".bmp", ".webp")
ON_CORRUPT = ("raise", "skip")
MOST_PIXELS = 16_384  # a side
IGNORED = 255  # in segmentations: a pixel that no class is known for
BILINEAR, NEAREST = cv2.INTER_LINEAR, cv2.INTER_NEAREST


class ImageSet(ABC):
    """Labeled images by number.

    Args:
        root: the folder, for messages.
        size: (height, width) that images and their labels are brought to; None leaves them as they are, and then only
            images of one size can be read as a batch.
        on_corrupt: "raise" names a file that cannot be read when it is asked for; "skip" reads every file once at the
            start and leaves out, with a warning each, what cannot be read.

    Attributes:
        classes: names by class number; empty where there are none.
    """

    classes: tuple[str, ...] = ()

    def __init__(self, root: str | Path, size: Size = None, on_corrupt: str = "raise") -> None:
        self.root = Path(root)
        if size is not None:
            check_image_size(size)
        self.size = size
        self._skip = check_choice("on_corrupt", on_corrupt, ON_CORRUPT) == "skip"
        self._items: Sequence[Any] = self._find()
        if not self._items:
            raise CorruptFile(f"{self.root} holds no {self._what()}")
        if self._skip:
            self._items = self._readable(self._loaded, self._items)
            if not self._items:
                raise CorruptFile(f"{self.root} holds no {self._what()} that can be read")

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Arrays]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> Arrays:
        """Image `index` and its labels.

        Raises:
            CorruptFile: it cannot be read; the message names the file.
        """
        if not 0 <= index < len(self._items):
            raise InvalidOption(f"images are numbered 0..{len(self._items) - 1}, got {index}")
        return self._load(self._items[index])

    def fetch(self, indices: ArrayLike) -> Arrays:
        """Images and labels as a batch, label name to (n, …) array.

        Raises:
            InvalidOption: they differ in size; name one.
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
        """What there is to read, in a fixed order."""

    @abstractmethod
    def _load(self, item: Any) -> Arrays:
        """One image and its labels."""

    def _what(self) -> str:
        return "image"

    def _loaded(self, item: Any) -> Any:
        """The item, if it can be read."""
        self._load(item)
        return item

    def _readable(self, read: Callable[[Any], Any], entries: Iterable[Any]) -> list[Any]:
        """What `read` makes of each entry; with on_corrupt "skip", of those that it does not refuse."""
        found = []
        for entry in entries:
            try:
                found.append(read(entry))
            except CorruptFile as error:
                if not self._skip:
                    raise
                warnings.warn(f"left out: {error}", stacklevel=4)
        return found


def check_image_size(size: Any) -> None:
    """Raise InvalidOption unless this is (height, width) in pixels."""
    if not isinstance(size, Sequence) or len(size) != 2 or not all(1 <= side <= MOST_PIXELS for side in size):
        raise InvalidOption(f"size must be (height, width) from 1 to {MOST_PIXELS} pixels, got {size!r}")


def read_image(path: Path, size: Size = None) -> NDArray[np.uint8]:
    """(H, W, 3) RGB.

    Raises:
        CorruptFile: missing, empty or no image.
    """
    image = _decode(path, cv2.IMREAD_COLOR)
    return np.asarray(cv2.cvtColor(resized(image, size, BILINEAR), cv2.COLOR_BGR2RGB), np.uint8)


def read_label_image(path: Path, size: Size = None) -> NDArray[np.uint8]:
    """(H, W) class ids of an image of one channel, or of a palette.

    Raises:
        CorruptFile: missing, empty, no image, or not of 8 bits.
    """
    from PIL import Image

    content = _content(path)
    try:
        with Image.open(path) as image:
            if image.mode not in ("L", "P"):
                raise CorruptFile(f"{path} holds no class ids: it is {image.mode}, not 8 bits a pixel")
            labels = np.asarray(image, np.uint8)
    except (OSError, SyntaxError, ValueError) as error:
        raise CorruptFile(
            f"{path} is not an image that can be read ({len(content)} bytes): {error}"
        ) from error
    return resized(labels, size, NEAREST)


def read_text(path: Path) -> str:
    """The content of a text file.

    Raises:
        CorruptFile: missing, or not text in UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CorruptFile(f"{path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise CorruptFile(f"{path} is no text in UTF-8: {error}") from error


def resized(image: NDArray[Any], size: Size, method: int) -> NDArray[Any]:
    """An image in another size (height, width); smoothly smaller where it is not of labels."""
    if size is None or image.shape[:2] == tuple(size):
        return image
    smaller = size[0] < image.shape[0] and method == BILINEAR
    return np.asarray(
        cv2.resize(image, (size[1], size[0]), interpolation=cv2.INTER_AREA if smaller else method)
    )


def check_range(path: Path, labels: NDArray[np.uint8], classes: int) -> None:
    """Refuse class ids that do not exist; IGNORED passes.

    Raises:
        CorruptFile: with the first such id.
    """
    wrong = (labels >= classes) & (labels != IGNORED)
    if wrong.any():
        raise CorruptFile(f"{path} has class {int(labels[wrong][0])}; there are 0..{classes - 1}")


def image_files(folder: Path) -> list[Path]:
    """The images of a folder, sorted by name."""
    if not folder.is_dir():
        raise CorruptFile(f"no folder at {folder}")
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)


def subfolders(folder: Path) -> list[Path]:
    """The folders of a folder, sorted by name."""
    if not folder.is_dir():
        raise CorruptFile(f"no folder at {folder}")
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def held_out(names: Iterable[str], share: float, seed: int = 0) -> set[str]:
    """A share of names, rounded to at least one, chosen by the seed; for splits by group."""
    from camshaft.perception.data.draws import Draws

    ordered = sorted(set(names))
    order = np.argsort(Draws((seed, len(ordered)), np.arange(len(ordered))).uniform())
    return {ordered[place] for place in order[: max(1, round(share * len(ordered)))]}


def _decode(path: Path, flags: int) -> NDArray[Any]:
    content = _content(path)
    image = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    if image is None:
        raise CorruptFile(f"{path} is not an image that can be read ({len(content)} bytes)")
    return np.asarray(image)


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CorruptFile(f"{path} cannot be read: {error.strerror or error}") from error
    if not content:
        raise CorruptFile(f"{path} is empty")
    return content
