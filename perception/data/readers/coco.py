"""COCO: boxes and polygons of instances, from COCO's own JSON or YOLO's text files."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from matplotlib.path import Path as MplPath
from numpy.typing import NDArray

from camshaft.envs.arrays import FloatArray
from camshaft.envs.errors import CorruptFile, InvalidOption
from camshaft.perception.data.readers.image_set import (
    Arrays,
    ImageSet,
    Size,
    image_files,
    read_image,
    read_text,
)


@dataclass(frozen=True)
class Instance:
    """One object of an image.

    Attributes:
        number: of its class, into `classes`.
        box: (4,) left, top, right, bottom, pixels.
        polygons: (k, 2) columns and rows of corners each, of its parts; empty where only the box is known.
    """

    number: int
    box: FloatArray
    polygons: tuple[FloatArray, ...] = ()

    def mask(self, height: int, width: int) -> NDArray[np.uint8]:
        """(height, width) 1 where the middle of a pixel lies in one of the parts, or in the box if there are none."""
        left, top, right, bottom = self.box
        whole = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
        mask = np.zeros((height, width), np.uint8)
        for part in self.polygons or (whole,):
            columns, rows = (
                np.arange(max(0, int(low)), min(most, int(high) + 1))
                for low, high, most in zip(part.min(0), part.max(0), (width, height), strict=True)
            )
            middles = np.stack(np.meshgrid(columns + 0.5, rows + 0.5), axis=-1)
            inside = MplPath(part).contains_points(middles.reshape(-1, 2)).reshape(middles.shape[:2])
            mask[rows[:, None], columns] |= inside
        return mask


class InstanceSet(ImageSet):
    """Images with their objects.

    Labels: "rgb" (H, W, 3) uint8; "objects" (max_objects, 6) float32, left, top, right, bottom (pixels), class and
    area, the largest first, rows of 0 behind the last, as simulated frames have them. `instances(i)` gives all of an
    image with their polygons, `masks(i)` these as (n, H, W).

    Args:
        root: for messages.
        size: see `ImageSet`; boxes and polygons are brought along.
        on_corrupt: likewise.
        max_objects: rows of "objects".
    """

    def __init__(self, root: str | Path, size: Size, on_corrupt: str, max_objects: int) -> None:
        if max_objects < 1:
            raise InvalidOption(f"max_objects must be at least 1, got {max_objects!r}")
        self.max_objects = max_objects
        super().__init__(root, size, on_corrupt)

    def instances(self, index: int) -> list[Instance]:
        """The objects of image `index`, in pixels of the image as it is given."""
        path, _ = self._items[index]
        image = read_image(path)
        return self._scaled(self._instances(self._items[index], image.shape[:2]), image.shape[:2])

    def masks(self, index: int) -> NDArray[np.uint8]:
        """(n, H, W) 1 inside each object of image `index`; its box where it has no polygon."""
        height, width = self[index]["rgb"].shape[:2]
        found = self.instances(index)
        return np.array([each.mask(height, width) for each in found], np.uint8).reshape(-1, height, width)

    @abstractmethod
    def _instances(self, item: Any, shape: tuple[int, int]) -> list[Instance]:
        """The objects of an item, in pixels of the file."""

    def _load(self, item: Any) -> Arrays:
        image = read_image(item[0])
        shape = image.shape[:2]
        found = self._scaled(self._instances(item, shape), shape)
        rows = np.zeros((self.max_objects, 6), np.float32)
        areas = [float(np.prod(np.maximum(instance.box[2:] - instance.box[:2], 0.0))) for instance in found]
        for row, place in zip(rows, np.argsort([-area for area in areas], kind="stable"), strict=False):
            row[:] = (*found[place].box, found[place].number, areas[place])
        return {"rgb": image if self.size is None else read_image(item[0], self.size), "objects": rows}

    def _scaled(self, found: list[Instance], shape: tuple[int, int]) -> list[Instance]:
        if self.size is None:
            return found
        factors = np.array([self.size[1] / shape[1], self.size[0] / shape[0]])
        return [
            Instance(
                each.number, each.box * np.tile(factors, 2), tuple(part * factors for part in each.polygons)
            )
            for each in found
        ]


class Coco(InstanceSet):
    """A set in COCO's format (Lin et al., 2014): one JSON file, images in a folder.

    Crowds (`iscrowd`) are left out.

    Args:
        annotations: such as `annotations/instances_train2017.json`.
        images: folder of the images.
        size: see `ImageSet`.
        on_corrupt: likewise.
        max_objects: see `InstanceSet`.
    """

    def __init__(
        self,
        annotations: str | Path,
        images: str | Path,
        size: Size = None,
        on_corrupt: str = "raise",
        max_objects: int = 64,
    ) -> None:
        self._file = Path(annotations)
        self._images = Path(images)
        super().__init__(images, size, on_corrupt, max_objects)

    def _find(self) -> Sequence[tuple[Path, list[Any]]]:
        try:
            content = json.loads(self._file.read_text(encoding="utf-8"))
            categories = sorted(content["categories"], key=lambda category: category["id"])
            self.classes = tuple(category["name"] for category in categories)
            self._numbers = {category["id"]: number for number, category in enumerate(categories)}
            by_image: dict[Any, list[Any]] = {image["id"]: [] for image in content["images"]}
            for annotation in content["annotations"]:
                if not annotation.get("iscrowd", 0):
                    by_image[annotation["image_id"]].append(annotation)
            return [(self._images / image["file_name"], by_image[image["id"]]) for image in content["images"]]
        except OSError as error:
            raise CorruptFile(f"{self._file} cannot be read: {error.strerror or error}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise CorruptFile(f"{self._file} is not a file of COCO annotations: {error!r}") from error

    def _instances(self, item: tuple[Path, list[Any]], shape: tuple[int, int]) -> list[Instance]:
        found = []
        for annotation in item[1]:
            try:
                left, top, width, height = (float(value) for value in annotation["bbox"])
                number = self._numbers[annotation["category_id"]]
                segments = annotation.get("segmentation") or []
                if not isinstance(segments, list):
                    raise TypeError("of masks, polygons are read, not run lengths")
                polygons = tuple(np.asarray(part, np.float64).reshape(-1, 2) for part in segments)
            except (ValueError, KeyError, TypeError) as error:
                raise CorruptFile(
                    f"{self._file} has an annotation that cannot be used: {error!r} in {annotation!r}"
                ) from error
            found.append(Instance(number, np.array([left, top, left + width, top + height]), polygons))
        return found


class YoloFolder(InstanceSet):
    """A set in YOLO's format: a text file an image, one object a line.

    A line is the class and the box (middle and size) or the corners of a polygon, as shares of width and height.

    Args:
        config: the YAML file with the `names` of the classes.
        images: folder of the images.
        labels: folder of the text files.
        size: see `ImageSet`.
        on_corrupt: likewise.
        max_objects: see `InstanceSet`.
        skip_unlabeled: leave out images without a text file, which count as empty otherwise.
    """

    def __init__(
        self,
        config: str | Path,
        images: str | Path,
        labels: str | Path,
        size: Size = None,
        on_corrupt: str = "raise",
        max_objects: int = 64,
        skip_unlabeled: bool = False,
    ) -> None:
        self._images, self._labels = Path(images), Path(labels)
        self._skip_unlabeled = skip_unlabeled
        self._ids = _yolo_names(Path(config))
        self.classes = tuple(self._ids.values())
        self._numbers = {key: number for number, key in enumerate(self._ids)}
        super().__init__(images, size, on_corrupt, max_objects)

    def _find(self) -> Sequence[tuple[Path, Path]]:
        if not self._labels.is_dir():
            raise CorruptFile(f"no folder at {self._labels}")
        pairs = [(path, self._labels / f"{path.stem}.txt") for path in image_files(self._images)]
        if pairs and not any(labels.is_file() for _, labels in pairs):
            raise CorruptFile(f"{self._labels} holds no text file for any image of {self._images}")
        return [pair for pair in pairs if pair[1].is_file() or not self._skip_unlabeled]

    def _instances(self, item: tuple[Path, Path], shape: tuple[int, int]) -> list[Instance]:
        path = item[1]
        if not path.is_file():
            return []
        found = []
        scale = np.array([shape[1], shape[0]], np.float64)
        for line_number, line in enumerate(read_text(path).splitlines(), start=1):
            words = line.split()
            if not words:
                continue
            try:
                key, values = int(words[0]), np.array(words[1:], np.float64)
                if key not in self._numbers:
                    raise ValueError(f"class {key} is none of {min(self._ids)}..{max(self._ids)}")
                if not (
                    np.isfinite(values).all() and (values >= -1e-6).all() and (values <= 1.0 + 1e-6).all()
                ):
                    raise ValueError("shares must be within 0..1")
                found.append(_yolo_instance(self._numbers[key], values, scale))
            except ValueError as error:
                raise CorruptFile(f"{path}, line {line_number}: {error}") from error
        return found


def _yolo_names(config: Path) -> dict[int, str]:
    try:
        names = yaml.safe_load(config.read_text(encoding="utf-8"))["names"]
        return dict(enumerate(names)) if isinstance(names, list) else {int(key): names[key] for key in names}
    except OSError as error:
        raise CorruptFile(f"{config} cannot be read: {error.strerror or error}") from error
    except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise CorruptFile(f"{config} has no names of classes: {error!r}") from error


def _yolo_instance(number: int, values: FloatArray, scale: FloatArray) -> Instance:
    if len(values) == 4:
        middle, size = values[:2] * scale, values[2:] * scale
        return Instance(number, np.concatenate([middle - 0.5 * size, middle + 0.5 * size]))
    if len(values) < 6 or len(values) % 2:
        raise ValueError(f"{len(values)} numbers are neither a box nor a polygon")
    polygon = values.reshape(-1, 2) * scale
    return Instance(number, np.concatenate([polygon.min(axis=0), polygon.max(axis=0)]), (polygon,))
