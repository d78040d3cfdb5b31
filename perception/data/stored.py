"""Labeled frames on disk, written once and read back by number: numbered safetensors files and an index.

A set is a folder with `index.json` (the labels with their shapes and types, what the set is of, and each file with its
number of frames, its size and its CRC-32) and files `frames-00000.safetensors`, each label one tensor (n, …). Files are
written whole or not at all, the index after each of them, so a set that was cut short is whole up to there and can be
gone on with. Reading maps the files into memory: frames that are used often stay in the system's cache.
"""

from __future__ import annotations

import json
import warnings
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import ArrayLike, NDArray

from camshaft.envs.errors import CorruptFile, InvalidOption, check_choice
from camshaft.perception.runs.durable_files import (
    FolderLock,
    named_disk_errors,
    write_durably,
    write_json_durably,
)
from camshaft.perception.runs.settings import check_same_settings

Arrays = dict[str, NDArray[Any]]
Progress = Callable[[int, int], None]

INDEX_FILE, LOCK_FILE = "index.json", "meta/.lock"
FORMAT, VERSION = "camshaft frames", 1
ON_CORRUPT = ("raise", "skip")
_HEADER_TYPES = {
    "BOOL": "?",
    "U8": "u1",
    "I8": "i1",
    "U16": "<u2",
    "I16": "<i2",
    "U32": "<u4",
    "I32": "<i4",
    "I64": "<i8",
    "F16": "<f2",
    "F32": "<f4",
    "F64": "<f8",
}


def write_frames(
    folder: str | Path,
    make: Callable[[int], Mapping[str, NDArray[Any]]],
    files: int,
    about: Mapping[str, Any],
    *,
    classes: Sequence[str] = (),
    resume: bool = False,
    progress: Progress | None = None,
) -> int:
    """Write a set of labeled frames.

    Args:
        folder: made if needed.
        make: the content of file i, label name to (n, …) array; must not depend on the files before it.
        files: how many.
        about: what the set is of, as JSON can hold it; a set is only gone on with if this is the same.
        classes: names of the classes, where frames have a "class".
        resume: keep the files that are there and whole, and write the others.
        progress: called with files written and files in all.

    Returns:
        Frames in the set.

    Raises:
        InvalidOption: the folder has a set already (and `resume` is off), or one of something else.
        CamshaftError: the disk is full or the folder cannot be written to; what was complete is kept.
    """
    folder = Path(folder)
    if files < 1:
        raise InvalidOption(f"a set needs at least one file, got {files!r}")
    with named_disk_errors(folder):
        lock = FolderLock(folder / LOCK_FILE)
        try:
            return _write(folder, make, files, json.loads(json.dumps(about)), classes, resume, progress)
        finally:
            lock.release()


def _write(
    folder: Path,
    make: Callable[[int], Mapping[str, NDArray[Any]]],
    files: int,
    about: Any,
    classes: Sequence[str],
    resume: bool,
    progress: Progress | None,
) -> int:
    index: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "about": about,
        "classes": list(classes),
        "labels": {},
        "files": [],
    }
    if (folder / INDEX_FILE).exists():
        if not resume:
            raise InvalidOption(f"{folder} holds a set already; resume it, or name another folder")
        found = read_index(folder)
        check_same_settings(folder, found["about"], about)
        index["labels"], index["files"] = found["labels"], _whole(folder, found["files"])
    for number in range(len(index["files"]), files):
        content = {name: np.ascontiguousarray(values) for name, values in make(number).items()}
        labels = {
            name: {"shape": list(array.shape[1:]), "dtype": array.dtype.name}
            for name, array in content.items()
        }
        counts = {len(array) for array in content.values()}
        if len(counts) != 1 or (index["labels"] and index["labels"] != labels):
            raise InvalidOption(
                f"file {number} has other labels or numbers of frames than the first: {labels}"
            )
        index["labels"] = labels
        data = safetensors.numpy.save(content)
        name = f"frames-{number:05d}.safetensors"
        write_durably(folder / name, lambda stream, data=data: stream.write(data))  # type: ignore[misc]
        entry = {"name": name, "frames": counts.pop(), "bytes": len(data), "crc32": zlib.crc32(data)}
        index["files"].append(entry)
        write_json_durably(folder / INDEX_FILE, index)
        if progress is not None:
            progress(number + 1, files)
    return sum(entry["frames"] for entry in index["files"])


def _whole(folder: Path, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The entries up to the first whose file is not as it was written."""
    for number, entry in enumerate(entries):
        try:
            _check_file(folder / entry["name"], entry)
        except CorruptFile:
            return entries[:number]
    return entries


class StoredFrames:
    """A set of labeled frames on disk, by number.

    Args:
        folder: as `write_frames` has written it.
        labels: which to read; all by default.
        on_corrupt: "raise" names the first file that is missing or altered; "skip" leaves such files out and warns.
        verify: compare every file with its checksum, which reads all of it once; else only its size.

    Attributes:
        classes: names of the classes; empty where frames have none.
        about: what the set is of.
        labels: as given.

    Raises:
        CorruptFile: the index or a file is missing or not what it should be; the message names it.
    """

    def __init__(
        self,
        folder: str | Path,
        labels: Sequence[str] | None = None,
        on_corrupt: str = "raise",
        verify: bool = True,
    ) -> None:
        check_choice("on_corrupt", on_corrupt, ON_CORRUPT)
        self.folder = Path(folder)
        index = read_index(self.folder)
        self.classes = tuple(index["classes"])
        self.about = index["about"]
        self.labels = tuple(index["labels"]) if labels is None else tuple(labels)
        for label in self.labels:
            check_choice(f"label of {self.folder}", label, index["labels"])
        self._types = {
            name: (tuple(index["labels"][name]["shape"]), np.dtype(index["labels"][name]["dtype"]))
            for name in self.labels
        }
        self._files: list[Path] = []
        counts = []
        for entry in index["files"]:
            path = self.folder / entry["name"]
            try:
                _check_file(path, entry, verify)
                self._read_header(path, entry["frames"])
            except CorruptFile as error:
                if on_corrupt == "raise":
                    raise
                warnings.warn(f"left out {entry['frames']} frames: {error}", stacklevel=2)
                continue
            self._files.append(path)
            counts.append(entry["frames"])
        if not counts:
            raise CorruptFile(f"{self.folder} holds no frame that can be read")
        self._ends = np.cumsum(counts)
        self._maps: dict[int, Arrays] = {}

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, index: int) -> Arrays:
        """Frame `index` and its labels."""
        return {name: values[0] for name, values in self.fetch([index]).items()}

    def fetch(self, indices: ArrayLike) -> Arrays:
        """Frames and their labels in memory of their own.

        Args:
            indices: (n,) within 0..len - 1, in any order.

        Returns:
            Label name to (n, …) array.
        """
        chosen = np.asarray(indices, np.int64).reshape(-1)
        outside = (chosen < 0) | (chosen >= len(self))
        if outside.any():
            raise InvalidOption(f"frames are numbered 0..{len(self) - 1}, got {int(chosen[outside][0])}")
        files = np.searchsorted(self._ends, chosen, side="right")
        starts = np.concatenate([[0], self._ends[:-1]])
        out = {name: np.empty((len(chosen), *shape), dtype) for name, (shape, dtype) in self._types.items()}
        for file in np.unique(files).tolist():
            rows = np.flatnonzero(files == file)
            arrays = self._mapped(file)
            for name, values in out.items():
                values[rows] = arrays[name][chosen[rows] - starts[file]]
        return out

    def __getstate__(self) -> dict[str, Any]:
        """What a loader's worker needs: files are mapped again where they are used."""
        return {**self.__dict__, "_maps": {}}

    def _mapped(self, file: int) -> Arrays:
        if file not in self._maps:
            path = self._files[file]
            frames = int(self._ends[file] - (self._ends[file - 1] if file else 0))
            start, header = self._read_header(path, frames)
            data = np.memmap(path, np.uint8, "r")
            self._maps[file] = {}
            for name, (shape, dtype) in self._types.items():
                low, high = (start + offset for offset in header[name]["data_offsets"])
                self._maps[file][name] = data[low:high].view(dtype).reshape(frames, *shape)
        return self._maps[file]

    def _read_header(self, path: Path, frames: int) -> tuple[int, dict[str, Any]]:
        """Where the tensors begin, and what the file says of them."""
        try:
            with path.open("rb") as stream:
                size = int.from_bytes(stream.read(8), "little")
                header = json.loads(stream.read(size))
            for name, (shape, dtype) in self._types.items():
                entry = header[name]
                same = tuple(entry["shape"]) == (frames, *shape)
                if not same or np.dtype(_HEADER_TYPES[entry["dtype"]]) != dtype:
                    raise ValueError(f"{name} is {entry['dtype']} {entry['shape']}")
        except (ValueError, KeyError, TypeError, MemoryError) as error:
            raise CorruptFile(f"{path} does not hold the labels that the index says: {error}") from error
        return 8 + size, header


def read_index(folder: Path) -> dict[str, Any]:
    """The index of a set.

    Raises:
        CorruptFile: missing, damaged, or of something else.
    """
    path = folder / INDEX_FILE
    try:
        index: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if index["format"] != FORMAT or index["version"] > VERSION:
            raise ValueError(f"format {index['format']!r}, version {index['version']!r}")
        for entry in index["files"]:
            if not {"name", "frames", "bytes", "crc32"} <= set(entry) or "/" in entry["name"]:
                raise ValueError(f"a file is described by {entry!r}")
        index["labels"], index["classes"], index["about"]
    except FileNotFoundError as error:
        raise CorruptFile(f"{folder} is not a set of frames: it has no {INDEX_FILE}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptFile(f"{path} is not the index of a set of frames: {error}") from error
    return index


def _check_file(path: Path, entry: Mapping[str, Any], verify: bool = True) -> None:
    if not path.is_file():
        raise CorruptFile(f"{path} is missing, of which the index tells")
    size = path.stat().st_size
    if size != entry["bytes"]:
        raise CorruptFile(f"{path} is damaged: {size} bytes, of {entry['bytes']} written")
    if verify:
        checksum = 0
        with path.open("rb") as stream:
            while block := stream.read(1 << 22):
                checksum = zlib.crc32(block, checksum)
        if checksum != entry["crc32"]:
            raise CorruptFile(f"{path} is damaged: its checksum is not the one written")
