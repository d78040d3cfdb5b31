"""Readers of human driving logs: Donkeycar tubs (both versions) and logs of Udacity's simulator."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from camshaft.envs.errors import CorruptFile, InvalidOption, check_choice
from camshaft.perception.data.arrays import Arrays
from camshaft.perception.data.readers.image_set import ImageSet, Size, read_image, read_text
from camshaft.perception.data.splits import SPLITS_OF_WHOLE, in_split

BLOCK = 100  # consecutive frames that belong to the same split
IMAGE_KEY, ANGLE_KEY, THROTTLE_KEY = "cam/image_array", "user/angle", "user/throttle"
UDACITY_COLUMNS = ("center", "left", "right", "steering", "throttle", "brake", "speed")
CAMERAS = ("center", "left", "right")


@dataclass(frozen=True)
class LogFrame:
    """A frame of a log.

    Attributes:
        image: image file.
        steering: −1 to 1, left positive.
        throttle: −1 to 1.
    """

    image: Path
    steering: float
    throttle: float


class DrivingLog(ImageSet):
    """Base class of driving logs: frames with the controls of the driver.

    Labels: "rgb" (H, W, 3) uint8, "steering" and "throttle" float32, −1 to 1; left is positive, as everywhere in
    Camshaft. Consecutive frames are nearly identical, so splits are made of blocks of 100 frames; every fifth block
    belongs to "val".

    Args:
        root: folder of the log.
        split: one of SPLITS_OF_WHOLE.
        size: see `ImageSet`.
        on_corrupt: see `ImageSet`.
    """

    def __init__(
        self, root: str | Path, split: str = "all", size: Size = None, on_corrupt: str = "raise"
    ) -> None:
        self.split = check_choice("split", split, SPLITS_OF_WHOLE)
        super().__init__(root, size, on_corrupt)

    def _item_name(self) -> str:
        if self.split == "all":
            return "frame of a drive"
        return f"frame of split {self.split!r} (every fifth block of {BLOCK} frames is 'val')"

    def _select_split(self, frames: Sequence[Any]) -> list[Any]:
        """Consecutive frames, or groups of simultaneous frames, that belong to the split."""
        mask = in_split(np.arange(len(frames)), self.split, BLOCK)
        return [frame for frame, chosen in zip(frames, mask, strict=True) if chosen]

    def _load(self, item: LogFrame) -> Arrays:
        for name in ("steering", "throttle"):
            value = getattr(item, name)
            if not -1.0 <= value <= 1.0:
                raise CorruptFile(f"{item.image} has a {name} of {value}; it must be within -1..1")
        return {
            "rgb": read_image(item.image, self.size),
            "steering": np.array(item.steering, np.float32),
            "throttle": np.array(item.throttle, np.float32),
        }


class DonkeyTub(DrivingLog):
    """Donkeycar tub of version 2 (`manifest.json` and catalogs) or version 1 (`record_N.json`).

    Deleted frames are left out.
    """

    def _find(self) -> Sequence[LogFrame]:
        if (self.root / "manifest.json").is_file():
            return self._select_split(self._read_version_2())
        if not self.root.is_dir():
            raise CorruptFile(f"no folder at {self.root}")
        return self._select_split(self._read_version_1())

    def _read_version_2(self) -> list[LogFrame]:
        manifest = self.root / "manifest.json"
        try:
            lines = read_text(manifest).splitlines()
            state = json.loads(lines[4])
            catalogs, deleted = list(state["paths"]), set(state.get("deleted_indexes", []))
        except (ValueError, KeyError, IndexError, TypeError) as error:
            raise CorruptFile(f"{manifest} is not the manifest of a version 2 tub: {error!r}") from error
        files, images = [self.root / str(name) for name in catalogs], self.root / "images"
        texts = self._read_intact(lambda file: (file, read_text(file)), files)
        rows = [
            (row, f"{catalog}, line {number}")
            for catalog, text in texts
            for number, row in enumerate(text.splitlines(), start=1)
            if row.strip()
        ]
        found = self._read_intact(lambda entry: self._parse_record(entry[0], entry[1], images), rows)
        return [frame for index, frame in found if index not in deleted]

    def _read_version_1(self) -> list[LogFrame]:
        numbered = {
            int(found.group(1)): path
            for path in self.root.glob("record_*.json")
            if (found := re.fullmatch(r"record_(\d+)\.json", path.name))
        }
        paths = [path for _, path in sorted(numbered.items())]
        records = self._read_intact(
            lambda path: self._parse_record(read_text(path), str(path), self.root), paths
        )
        return [frame for _, frame in records]

    @staticmethod
    def _parse_record(text: str, location: str, images: Path) -> tuple[Any, LogFrame]:
        """Index of a record, if it has one, and its frame."""
        try:
            record = json.loads(text)
            # Positive angles turn right in Donkeycar.
            frame = LogFrame(
                images / record[IMAGE_KEY], -float(record[ANGLE_KEY]), float(record[THROTTLE_KEY])
            )
            return record.get("_index"), frame
        except (KeyError, TypeError, ValueError) as error:
            raise CorruptFile(f"{location} is not a record of a tub: {error!r}") from error


class UdacityLog(DrivingLog):
    """Log of Udacity's driving simulator: `driving_log.csv` and a folder `IMG`.

    Of the image paths in the file, which belong to the machine that wrote it, only the file names are used.

    Args:
        root: folder of the log.
        split: one of SPLITS_OF_WHOLE.
        cameras: cameras to read, any of CAMERAS.
        correction: steering correction of the side cameras, to the right for the left camera and vice versa, as a car
            at the side would have to steer back.
        size: see `ImageSet`.
        on_corrupt: see `ImageSet`.
    """

    def __init__(
        self,
        root: str | Path,
        split: str = "all",
        cameras: Sequence[str] = ("center",),
        correction: float = 0.2,
        size: Size = None,
        on_corrupt: str = "raise",
    ) -> None:
        self._cameras = [check_choice("camera", name, CAMERAS) for name in cameras]
        if not self._cameras:
            raise InvalidOption(f"cameras must name some of {CAMERAS}")
        self._corrections = {"center": 0.0, "left": -correction, "right": correction}
        super().__init__(root, split, size, on_corrupt)

    def _find(self) -> Sequence[LogFrame]:
        path = self.root / "driving_log.csv"
        try:
            rows = [row for row in csv.reader(read_text(path).splitlines()) if row]
        except csv.Error as error:
            raise CorruptFile(f"{path} is not a CSV file: {error}") from error
        if rows and rows[0][0].strip() == UDACITY_COLUMNS[0]:
            rows = rows[1:]
        numbered = [(row, f"{path}, row {number}") for number, row in enumerate(rows, start=1)]
        groups = self._read_intact(lambda entry: self._parse_row(*entry), numbered)
        return [frame for group in self._select_split(groups) for frame in group]

    def _parse_row(self, row: list[str], location: str) -> list[LogFrame]:
        """The frames of a row, one per camera."""
        try:
            values = dict(zip(UDACITY_COLUMNS, (word.strip() for word in row), strict=True))
            steering, throttle = float(values["steering"]), float(values["throttle"])
        except ValueError as error:
            raise CorruptFile(f"{location} is not {', '.join(UDACITY_COLUMNS)}: {error}") from error
        frames = []
        for camera in self._cameras:
            name = re.split(r"[\\/]", values[camera])[-1]
            # Positive angles turn right in the log.
            angle = float(np.clip(-steering + self._corrections[camera], -1.0, 1.0))
            frames.append(LogFrame(self.root / "IMG" / name, angle, throttle))
        return frames
