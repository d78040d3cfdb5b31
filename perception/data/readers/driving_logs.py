"""Logs of people who drove: Donkeycar tubs (both versions) and the log of Udacity's simulator."""

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
from camshaft.perception.data.readers.image_set import Arrays, ImageSet, Size, read_image, read_text

SPLITS = ("all", "train", "val")
BLOCK = 100  # frames in a row that go to the same split
IMAGE_KEY, ANGLE_KEY, THROTTLE_KEY = "cam/image_array", "user/angle", "user/throttle"
UDACITY_COLUMNS = ("center", "left", "right", "steering", "throttle", "brake", "speed")
CAMERAS = ("center", "left", "right")


@dataclass(frozen=True)
class LogFrame:
    """One frame of a log.

    Attributes:
        image: its file.
        steering: −1 to 1, left positive.
        throttle: −1 to 1.
    """

    image: Path
    steering: float
    throttle: float


class DrivingLog(ImageSet):
    """Frames of a drive with what the driver did.

    Labels: "rgb" (H, W, 3) uint8, "steering" and "throttle" float32, −1 to 1; left is positive, as everywhere in
    Camshaft. Neighboring frames are near copies: a split takes whole blocks of 100, every fifth of them for "val".

    Args:
        root: the folder of the log.
        split: one of SPLITS.
        size: see `ImageSet`.
        on_corrupt: likewise.
    """

    def __init__(
        self, root: str | Path, split: str = "all", size: Size = None, on_corrupt: str = "raise"
    ) -> None:
        self.split = check_choice("split", split, SPLITS)
        super().__init__(root, size, on_corrupt)

    def _what(self) -> str:
        if self.split == "all":
            return "frame of a drive"
        return f"frame of split {self.split!r} (every fifth {BLOCK} frames in a row are 'val')"

    def _chosen(self, frames: Sequence[LogFrame]) -> list[LogFrame]:
        if self.split == "all":
            return list(frames)
        return [
            frame
            for number, frame in enumerate(frames)
            if (number // BLOCK % 5 == 4) == (self.split == "val")
        ]

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
    """A tub of a Donkeycar: version 2 (`manifest.json` and catalogs) or version 1 (`record_N.json`).

    Frames that the driver deleted are left out.
    """

    def _find(self) -> Sequence[LogFrame]:
        if (self.root / "manifest.json").is_file():
            return self._chosen(self._second_version())
        if not self.root.is_dir():
            raise CorruptFile(f"no folder at {self.root}")
        return self._chosen(self._first_version())

    def _second_version(self) -> list[LogFrame]:
        manifest = self.root / "manifest.json"
        try:
            lines = read_text(manifest).splitlines()
            state = json.loads(lines[4])
            catalogs, deleted = list(state["paths"]), set(state.get("deleted_indexes", []))
        except (ValueError, KeyError, IndexError, TypeError) as error:
            raise CorruptFile(f"{manifest} is not the manifest of a tub of version 2: {error!r}") from error
        files, images = [self.root / str(name) for name in catalogs], self.root / "images"
        texts = self._readable(lambda file: (file, read_text(file)), files)
        rows = [
            (row, f"{catalog}, line {number}")
            for catalog, text in texts
            for number, row in enumerate(text.splitlines(), start=1)
            if row.strip()
        ]
        found = self._readable(lambda entry: self._record(entry[0], entry[1], images), rows)
        return [frame for index, frame in found if index not in deleted]

    def _first_version(self) -> list[LogFrame]:
        numbered = {
            int(found.group(1)): path
            for path in self.root.glob("record_*.json")
            if (found := re.fullmatch(r"record_(\d+)\.json", path.name))
        }
        paths = [path for _, path in sorted(numbered.items())]
        records = self._readable(lambda path: self._record(read_text(path), str(path), self.root), paths)
        return [frame for _, frame in records]

    @staticmethod
    def _record(text: str, where: str, images: Path) -> tuple[Any, LogFrame]:
        """A record's number, if it tells one, and its frame."""
        try:
            record = json.loads(text)
            # A positive angle of a Donkeycar turns right.
            frame = LogFrame(
                images / record[IMAGE_KEY], -float(record[ANGLE_KEY]), float(record[THROTTLE_KEY])
            )
            return record.get("_index"), frame
        except (KeyError, TypeError, ValueError) as error:
            raise CorruptFile(f"{where} is not a record of a tub: {error!r}") from error


class UdacityLog(DrivingLog):
    """A log of Udacity's driving simulator: `driving_log.csv` and a folder `IMG`.

    Paths in the file are those of the machine that wrote it; only the names count.

    Args:
        root: the folder of the log.
        split: one of SPLITS.
        cameras: which to read, any of CAMERAS.
        correction: steering to the right that is added to the left camera's frames, and to the left to the right
            camera's: a driver there would steer back.
        size: see `ImageSet`.
        on_corrupt: likewise.
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
            raise CorruptFile(f"{path} is no table of comma-separated values: {error}") from error
        if rows and rows[0][0].strip() == UDACITY_COLUMNS[0]:
            rows = rows[1:]
        numbered = [(row, f"{path}, row {number}") for number, row in enumerate(rows, start=1)]
        moments = self._readable(lambda entry: self._moment(*entry), numbered)
        kept = range(len(moments))
        if self.split != "all":
            kept_set = [number for number in kept if (number // BLOCK % 5 == 4) == (self.split == "val")]
            moments = [moments[number] for number in kept_set]
        return [frame for moment in moments for frame in moment]

    def _moment(self, row: list[str], where: str) -> list[LogFrame]:
        try:
            places = dict(zip(UDACITY_COLUMNS, (word.strip() for word in row), strict=True))
            steering, throttle = float(places["steering"]), float(places["throttle"])
        except ValueError as error:
            raise CorruptFile(f"{where} is not {', '.join(UDACITY_COLUMNS)}: {error}") from error
        frames = []
        for camera in self._cameras:
            name = re.split(r"[\\/]", places[camera])[-1]
            # A positive angle turns right there.
            angle = float(np.clip(-steering + self._corrections[camera], -1.0, 1.0))
            frames.append(LogFrame(self.root / "IMG" / name, angle, throttle))
        return frames
