"""Frames of a dataset by number, on disk instead of in memory."""

from __future__ import annotations

import tempfile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from camshaft.agents.lerobot.png import decode_png
from camshaft.agents.lerobot.reader import DatasetReader
from camshaft.envs.arrays import Image
from camshaft.envs.kernels import cache_root
from camshaft.perception.runs.durable_files import named_disk_errors

LARGEST_DECODED = 8 * 2**30  # bytes of decoded frames; larger columns are decoded at every fetch


class Frames:
    """All frames of an image or video column, fetched by number.

    They are in a temporary file that is mapped into memory and deleted with this process: decoded, so that a fetch is a
    copy, or as the PNG files of a column that would take more than LARGEST_DECODED.

    Args:
        reader: of the dataset.
        name: of the column.

    Raises:
        CorruptFile: a frame is damaged.
        CamshaftError: the disk is full.
    """

    def __init__(self, reader: DatasetReader, name: str) -> None:
        feature = reader.features[name]
        self._shape, self._count = feature.shape, reader.num_frames
        self._source = f"column {name} of {reader.folder}"
        self._ends: NDArray[np.int64] | None = None
        size = self._count * int(np.prod(self._shape))
        if size > LARGEST_DECODED and feature.dtype == "image":
            self._bytes = self._keep_encoded(reader, name)
        else:
            self._bytes = _mapped(max(size, 1))
            self._decoded = self._bytes[:size].reshape(self._count, *self._shape)
            reader.images(name, out=self._decoded)

    def __len__(self) -> int:
        return self._count

    @property
    def shape(self) -> tuple[int, ...]:
        """(H, W, 3) of a frame."""
        return self._shape

    def fetch(self, rows: NDArray[np.int64]) -> Image:
        """(n, H, W, 3) uint8 frames of these numbers."""
        if self._ends is None:
            return self._decoded[rows]
        starts = np.concatenate([[0], self._ends[:-1]])
        encoded = [self._bytes[starts[row] : self._ends[row]] for row in rows.tolist()]
        frames = np.empty((len(rows), *self._shape), np.uint8)
        decode_png(encoded, frames, self._source)
        return frames

    def _keep_encoded(self, reader: DatasetReader, name: str) -> Any:
        lengths: list[int] = []
        with named_disk_errors(cache_root()), _temporary_file() as stream:
            for encoded in reader.encoded_images(name):
                lengths.append(stream.write(encoded))
            stream.flush()
            self._ends = np.cumsum(lengths)
            return np.memmap(stream, np.uint8, "r")


def _mapped(size: int) -> Any:
    with named_disk_errors(cache_root()), _temporary_file() as stream:
        return np.memmap(stream, np.uint8, "w+", shape=(size,))


def _temporary_file() -> Any:
    """A file that disappears once it is neither open nor mapped."""
    folder = cache_root() / "frames"
    folder.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryFile(dir=folder)
