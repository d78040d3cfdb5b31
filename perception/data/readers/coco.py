"""Readers of object detection data sets in COCO's JSON format and in YOLO's text format."""

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
from camshaft.perception.data.arrays import Arrays
from camshaft.perception.data.readers.image_set import (
    ImageSet,
    Size,
    image_files,
    read_image,
    read_text,
)


@dataclass(frozen=True)
class Instance:
    """An object in an image.

    Attributes:
        class_index: index into `classes`.
        box: (4,) left, top, right, bottom in pixels.
        polygons: outlines of its parts, (k, 2) columns and rows each; empty if only the box is known.
    """

    class_index: int
    box: FloatArray
    polygons: tuple[FloatArray, ...] = ()

    def mask(self, height: int, width: int) -> NDArray[np.uint8]:
        """(height, width) mask: 1 where the center of a pixel lies within a part, or within the box without parts."""
        left, top, right, bottom = self.box
        whole = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
        mask = np.zeros((height, width), np.uint8)
        for part in self.polygons or (whole,):
            columns, rows = (
                np.arange(max(0, int(low)), min(most, int(high) + 1))
                for low, high, most in zip(part.min(0), part.max(0), (width, height), strict=True)
            )
            centers = np.stack(np.meshgrid(columns + 0.5, rows + 0.5), axis=-1)
            inside = MplPath(part).contains_points(centers.reshape(-1, 2)).reshape(centers.shape[:2])
            mask[rows[:, None], columns] |= inside
        return mask


class InstanceSet(ImageSet):
    """Base class of images with object annotations.

    Labels: "rgb" (H, W, 3) uint8; "objects" (max_objects, 6) float32 with left, top, right, bottom (pixels), class and
    area, sorted by area and padded with rows of 0, as in simulated frames. `instances(i)` returns all objects of an
    image with their polygons, `masks(i)` their (n, H, W) masks.

    Args:
        root: folder, for error messages.
        size: see `ImageSet`; boxes and polygons are scaled with the image.
        on_corrupt: see `ImageSet`.
        max_objects: rows of "objects".
    """

    def __init__(self, root: str | Path, size: Size, on_corrupt: str, max_objects: int) -> None:
        if max_objects < 1:
            raise InvalidOption(f"max_objects must be at least 1, got {max_objects!r}")
        self.max_objects = max_objects
        super().__init__(root, size, on_corrupt)

    def instances(self, index: int) -> list[Instance]:
        """Objects of image `index`, in pixels of the resized image."""
        path, _ = self._items[index]
        image = read_image(path)
        return self._scaled(self._instances(self._items[index], image.shape[:2]), image.shape[:2])

    def masks(self, index: int) -> NDArray[np.uint8]:
        """(n, H, W) masks of the objects of image `index`; the box of an object without polygons."""
        height, width = self[index]["rgb"].shape[:2]
        found = self.instances(index)
        return np.array([each.mask(height, width) for each in found], np.uint8).reshape(-1, height, width)

    @abstractmethod
    def _instances(self, item: Any, shape: tuple[int, int]) -> list[Instance]:
        """Objects of an item, in pixels of the image file."""

    def _load(self, item: Any) -> Arrays:
        image = read_image(item[0])
        shape = image.shape[:2]
        found = self._scaled(self._instances(item, shape), shape)
        rows = np.zeros((self.max_objects, 6), np.float32)
        areas = [float(np.prod(np.maximum(instance.box[2:] - instance.box[:2], 0.0))) for instance in found]
        for row, index in zip(rows, np.argsort([-area for area in areas], kind="stable"), strict=False):
            row[:] = (*found[index].box, found[index].class_index, areas[index])
        return {"rgb": image if self.size is None else read_image(item[0], self.size), "objects": rows}

    def _scaled(self, found: list[Instance], shape: tuple[int, int]) -> list[Instance]:
        if self.size is None:
            return found
        factors = np.array([self.size[1] / shape[1], self.size[0] / shape[0]])
        return [
            Instance(
                each.class_index,
                each.box * np.tile(factors, 2),
                tuple(part * factors for part in each.polygons),
            )
            for each in found
        ]


class Coco(InstanceSet):
    """Data set in the format of COCO (Lin et al., 2014): a JSON file and a folder of images.

    Crowds (`iscrowd`) are left out.

    Args:
        annotations: JSON file, such as `annotations/instances_train2017.json`.
        images: folder of the images.
        size: see `ImageSet`.
        on_corrupt: see `ImageSet`.
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
            self._class_indices = {category["id"]: index for index, category in enumerate(categories)}
            by_image: dict[Any, list[Any]] = {image["id"]: [] for image in content["images"]}
            for annotation in content["annotations"]:
                if not annotation.get("iscrowd", 0):
                    by_image[annotation["image_id"]].append(annotation)
            return [(self._images / image["file_name"], by_image[image["id"]]) for image in content["images"]]
        except OSError as error:
            raise CorruptFile(f"{self._file} cannot be read: {error.strerror or error}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise CorruptFile(f"{self._file} is not a COCO annotation file: {error!r}") from error

    def _instances(self, item: tuple[Path, list[Any]], shape: tuple[int, int]) -> list[Instance]:
        found = []
        for annotation in item[1]:
            try:
                left, top, width, height = (float(value) for value in annotation["bbox"])
                class_index = self._class_indices[annotation["category_id"]]
                segments = annotation.get("segmentation") or []
                if not isinstance(segments, list):
                    raise TypeError("masks must be polygons, run lengths are not supported")
                polygons = tuple(np.asarray(part, np.float64).reshape(-1, 2) for part in segments)
            except (ValueError, KeyError, TypeError) as error:
                raise CorruptFile(
                    f"{self._file} has an invalid annotation: {error!r} in {annotation!r}"
                ) from error
            found.append(Instance(class_index, np.array([left, top, left + width, top + height]), polygons))
        return found


class YoloFolder(InstanceSet):
    """Data set in YOLO's format: one text file per image, one object per line.

    A line has the class id and a box (center and size) or the corners of a polygon, relative to the image size.

    Args:
        config: YAML file with the `names` of the classes.
        images: folder of the images.
        labels: folder of the text files.
        size: see `ImageSet`.
        on_corrupt: see `ImageSet`.
        max_objects: see `InstanceSet`.
        skip_unlabeled: leave out images without a text file, which are otherwise read as images without objects.
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
        self._class_indices = {key: index for index, key in enumerate(self._ids)}
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
                if key not in self._class_indices:
                    raise ValueError(f"class {key} is not within {min(self._ids)}..{max(self._ids)}")
                if not (
                    np.isfinite(values).all() and (values >= -1e-6).all() and (values <= 1.0 + 1e-6).all()
                ):
                    raise ValueError("coordinates must be within 0..1")
                found.append(_yolo_instance(self._class_indices[key], values, scale))
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
        raise CorruptFile(f"{config} has no class names: {error!r}") from error


def _yolo_instance(class_index: int, values: FloatArray, scale: FloatArray) -> Instance:
    if len(values) == 4:
        center, size = values[:2] * scale, values[2:] * scale
        return Instance(class_index, np.concatenate([center - 0.5 * size, center + 0.5 * size]))
    if len(values) < 6 or len(values) % 2:
        raise ValueError(f"{len(values)} numbers are neither a box nor a polygon")
    polygon = values.reshape(-1, 2) * scale
    return Instance(class_index, np.concatenate([polygon.min(axis=0), polygon.max(axis=0)]), (polygon,))
