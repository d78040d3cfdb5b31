"""Labeled frames on disk: numbered safetensors files with an index, written once and read by frame index.

A set is a folder of files `frames-00000.safetensors`, in which each label is an (n, …) tensor, and an `index.json` with
the shapes and types of the labels, the metadata of the set, and the number of frames, size and CRC-32 of each file.
Files are written atomically, and the index is updated after each, so an interrupted set is valid up to there and can be
resumed. Files are memory-mapped when read, so frequently used frames stay in the page cache.
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
from camshaft.perception.data.arrays import Arrays
from camshaft.perception.data.corrupt_files import ON_CORRUPT
from camshaft.perception.data.indices import check_indices
from camshaft.perception.runs.durable_files import (
    FolderLock,
    named_disk_errors,
    write_durably,
    write_json_durably,
)
from camshaft.perception.runs.settings import check_same_settings

Progress = Callable[[int, int], None]

INDEX_FILE, LOCK_FILE = "index.json", "meta/.lock"
FORMAT, VERSION = "camshaft frames", 1
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
    sizes: Sequence[int] | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> int:
    """Write a set of labeled frames.

    Args:
        folder: folder of the set; created if needed.
        make: returns the content of file i, label name to (n, …) array; must not depend on earlier files.
        files: number of files.
        about: metadata of the set, JSON-serializable; a set can only be resumed with the same metadata.
        classes: class names, if frames have a "class".
        sizes: frames of each file, where they are known before; files of a resumed set that have others are replaced.
        resume: keep the intact files of an existing set and write the others.
        progress: called with the number of files written and the total.

    Returns:
        Number of frames in the set.

    Raises:
        InvalidOption: the folder holds a set and `resume` is off, or a set with other metadata.
        CamshaftError: the disk is full or the folder is not writable; complete files are kept.
    """
    folder = Path(folder)
    if files < 1:
        raise InvalidOption(f"a set needs at least one file, got {files!r}")
    with named_disk_errors(folder):
        lock = FolderLock(folder / LOCK_FILE)
        try:
            index = _begin_index(folder, json.loads(json.dumps(about)), classes, resume)
            if sizes is not None:
                fits = [entry["frames"] == size for entry, size in zip(index["files"], sizes, strict=False)]
                del index["files"][fits.index(False) if False in fits else len(fits) :]
            for number in range(len(index["files"]), files):
                _write_file(folder, number, make(number), index)
                if progress is not None:
                    progress(number + 1, files)
        finally:
            lock.release()
    return sum(entry["frames"] for entry in index["files"])


def _begin_index(folder: Path, about: Any, classes: Sequence[str], resume: bool) -> dict[str, Any]:
    """A new index, or one with the intact files of a set to resume."""
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
        index["labels"], index["files"] = found["labels"], _intact(folder, found["files"])
    return index


def _write_file(folder: Path, number: int, arrays: Mapping[str, NDArray[Any]], index: dict[str, Any]) -> None:
    """Write a file of frames and add it to the index."""
    content = {name: np.ascontiguousarray(values) for name, values in arrays.items()}
    labels = {
        name: {"shape": list(array.shape[1:]), "dtype": array.dtype.name} for name, array in content.items()
    }
    counts = {len(array) for array in content.values()}
    if len(counts) != 1 or (index["labels"] and index["labels"] != labels):
        raise InvalidOption(f"file {number} has other labels or numbers of frames than the first: {labels}")
    index["labels"] = labels
    data = safetensors.numpy.save(content)
    name = f"frames-{number:05d}.safetensors"
    write_durably(folder / name, lambda stream: stream.write(data))
    entry = {"name": name, "frames": counts.pop(), "bytes": len(data), "crc32": zlib.crc32(data)}
    index["files"].append(entry)
    write_json_durably(folder / INDEX_FILE, index)


def _intact(folder: Path, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Entries before the first whose file is missing or damaged."""
    for number, entry in enumerate(entries):
        try:
            _check_file(folder / entry["name"], entry)
        except CorruptFile:
            return entries[:number]
    return entries


class StoredFrames:
    """A set of labeled frames on disk.

    Args:
        folder: folder that `write_frames` has written.
        labels: labels to read; all by default.
        on_corrupt: "raise" an error for a missing or damaged file, or "skip" it with a warning.
        verify: check the checksum of every file, which reads all files once; otherwise only their size.

    Attributes:
        classes: class names; empty if frames have none.
        about: metadata of the set.
        labels: labels that are read.

    Raises:
        CorruptFile: the index or a file is missing or damaged; the message names it.
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
            raise CorruptFile(f"{self.folder} holds no readable frame")
        self._ends = np.cumsum(counts)
        self._maps: dict[int, Arrays] = {}

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, index: int) -> Arrays:
        """Frame `index` and its labels."""
        return {name: values[0] for name, values in self.fetch([index]).items()}

    def fetch(self, indices: ArrayLike) -> Arrays:
        """Copies of frames and their labels.

        Args:
            indices: (n,) within 0..len - 1, in any order.

        Returns:
            Label name to (n, …) array.
        """
        chosen = check_indices(indices, len(self), "frames")
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
        """Pickle without the memory maps, which data loading workers open again."""
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
        """Offset of the tensors, and the header that describes them."""
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
            raise CorruptFile(f"{path} does not hold the labels of the index: {error}") from error
        return 8 + size, header


def read_index(folder: Path) -> dict[str, Any]:
    """Read the index of a set.

    Raises:
        CorruptFile: the index is missing, damaged, or of another format.
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
        raise CorruptFile(f"{path} is missing, but listed in the index")
    size = path.stat().st_size
    if size != entry["bytes"]:
        raise CorruptFile(f"{path} is damaged: it has {size} of {entry['bytes']} bytes")
    if verify:
        checksum = 0
        with path.open("rb") as stream:
            while block := stream.read(1 << 22):
                checksum = zlib.crc32(block, checksum)
        if checksum != entry["crc32"]:
            raise CorruptFile(f"{path} is damaged: its checksum does not match the index")
