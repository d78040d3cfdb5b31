"""Demonstrations and rollouts as LeRobotDataset v3.0 folders: reading them, and the names to write them with.

Source: Cadene et al., LeRobot, https://github.com/huggingface/lerobot (dataset format v3.0).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from camshaft.agents.lerobot.format import (
    Feature,
    data_path,
    load_state,
    numpy_column,
    video_path,
)
from camshaft.agents.lerobot.png import decode_png, encode_png
from camshaft.agents.lerobot.video import read_video
from camshaft.agents.lerobot.writer import DatasetWriter
from camshaft.envs.errors import CorruptFile, InvalidOption, check_choice

__all__ = ["DatasetReader", "DatasetWriter", "Feature", "encode_png"]


class DatasetReader:
    """Reads the complete episodes of a LeRobotDataset v3.0 folder.

    Args:
        folder: of the dataset.

    Attributes:
        fps: frames per second.
        features: every column, the index columns included.
        tasks: task texts; the column `task_index` counts along them.
        episode_lengths: (E,) frames in each episode.

    Raises:
        InvalidOption: the folder is not a dataset.
        CorruptFile: its metadata is damaged; the message names the file.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._state = load_state(self.folder)
        self.fps = int(self._state.info["fps"])
        self.features: dict[str, Feature] = self._state.features
        self.tasks: list[str] = self._state.tasks
        self.episode_lengths = np.array([row["length"] for row in self._state.episodes], np.int64)

    @property
    def num_episodes(self) -> int:
        """Complete episodes."""
        return len(self._state.episodes)

    @property
    def num_frames(self) -> int:
        """Frames of all episodes."""
        return self._state.num_frames

    def column(self, name: str) -> NDArray[Any]:
        """All frames of a column of numbers: (num_frames, D), or (num_frames,) where D is 1."""
        feature = self._feature(name)
        if feature.is_visual:
            raise InvalidOption(f"{name} holds {feature.dtype}s: read it with images({name!r})")
        parts = [numpy_column(table[name], feature) for _, table in self._tables(name, 0, self.num_episodes)]
        empty = np.empty((0, *feature.shape) if feature.shape != (1,) else 0, feature.dtype)
        return np.concatenate(parts) if parts else empty

    def images(self, name: str, out: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
        """All frames of an image or video column: (num_frames, H, W, 3) uint8 RGB.

        Args:
            name: of the column.
            out: where to put them, by default a new array.
        """
        return self._frames_of(name, 0, self.num_episodes, out)

    def encoded_images(self, name: str) -> Iterator[bytes]:
        """The PNG files of an image column, in order.

        Raises:
            InvalidOption: the column holds no images.
            CorruptFile: a data file is damaged.
        """
        if self._feature(name).dtype != "image":
            raise InvalidOption(f"{name} holds no PNG images")
        for _, table in self._tables(name, 0, self.num_episodes):
            for chunk in table[name].chunks:
                yield from (buffer.as_py() for buffer in chunk.field("bytes"))

    def episode(self, index: int) -> dict[str, NDArray[Any]]:
        """Every column of one episode: numbers as `column`, frames as `images`."""
        if not 0 <= index < self.num_episodes:
            raise InvalidOption(f"{self.folder} has episodes 0 to {self.num_episodes - 1}, got {index}")
        columns: dict[str, NDArray[Any]] = {}
        for name, feature in self.features.items():
            if feature.is_visual:
                columns[name] = self._frames_of(name, index, index + 1, None)
            else:
                (_, table), *_ = self._tables(name, index, index + 1)
                columns[name] = numpy_column(table[name], feature)
        return columns

    def _feature(self, name: str) -> Feature:
        return self.features[check_choice("column", name, self.features)]

    def _frames_of(self, name: str, first: int, end: int, out: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
        feature = self._feature(name)
        if not feature.is_visual:
            raise InvalidOption(f"{name} holds numbers: read it with column({name!r})")
        shape = (int(self.episode_lengths[first:end].sum()), *feature.shape)
        frames = np.empty(shape, np.uint8) if out is None else out
        if frames.shape != shape or frames.dtype != np.uint8:
            raise InvalidOption(
                f"out must be a uint8 array of shape {shape}, got {frames.dtype} {frames.shape}"
            )
        read = self._read_images if feature.dtype == "image" else self._read_videos
        read(name, first, end, frames)
        return frames

    def _read_images(self, name: str, first: int, end: int, frames: NDArray[np.uint8]) -> None:
        position = 0
        for path, table in self._tables(name, first, end):
            for chunk in table[name].chunks:
                encoded = [buffer.as_buffer() for buffer in chunk.field("bytes")]
                decode_png(encoded, frames[position : position + len(encoded)], str(path))
                position += len(encoded)

    def _read_videos(self, name: str, first: int, end: int, frames: NDArray[np.uint8]) -> None:
        position = 0
        for row in self._state.episodes[first:end]:
            path = self.folder / video_path(self._state.info, row, name)
            start = round(row[f"videos/{name}/from_timestamp"] * self.fps)
            for frame in read_video(path, start, start + row["length"]):
                if frame.shape != frames.shape[1:]:
                    raise CorruptFile(f"{path}: frames of shape {frame.shape} instead of {frames.shape[1:]}")
                frames[position] = frame
                position += 1

    def _tables(self, name: str, first: int, end: int) -> Iterator[tuple[Path, pa.Table]]:
        """One column of episodes [first, end), one episode at a time, with the file it comes from."""
        file, opened = None, None
        try:
            for row in self._state.episodes[first:end]:
                path = self.folder / data_path(self._state.info, row)
                if path != opened:
                    if file is not None:
                        file.close()
                    file, opened = _open_parquet(path), path
                    begin = self._first_row(row)
                assert file is not None
                offset = row["dataset_from_index"] - begin
                yield path, _read_rows(file, path, name, offset, row["length"])
        finally:
            if file is not None:
                file.close()

    def _first_row(self, row: dict[str, Any]) -> int:
        """Which frame of the dataset is the first of the file that this episode is in."""
        place = (row["data/chunk_index"], row["data/file_index"])
        return min(
            int(each["dataset_from_index"])
            for each in self._state.episodes
            if (each["data/chunk_index"], each["data/file_index"]) == place
        )


def _open_parquet(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path, page_checksum_verification=True)
    except (pa.ArrowException, OSError) as error:
        raise CorruptFile(f"{path}: {error}") from error


def _read_rows(file: pq.ParquetFile, path: Path, name: str, offset: int, length: int) -> pa.Table:
    """Rows [offset, offset + length) of one column, from the row groups that hold them."""
    sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
    starts = np.cumsum([0, *sizes])
    groups = [g for g in range(len(sizes)) if starts[g] < offset + length and starts[g + 1] > offset]
    try:
        table = file.read_row_groups(groups, columns=[name]) if groups else None
    except (pa.ArrowException, OSError) as error:
        raise CorruptFile(f"{path}: {error}") from error
    if table is None or starts[-1] < offset + length:
        raise CorruptFile(f"{path}: {starts[-1]} rows, episodes need {offset + length}")
    return table.slice(offset - starts[groups[0]], length)
