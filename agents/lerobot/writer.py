"""Writes LeRobotDataset v3.0 folders in which every episode exists whole or not at all.

Episodes are collected in memory and written as a group: one data file, one file of episode descriptions and one
video file a camera, each under a temporary name, synced and renamed. info.json is replaced last, and only what it
counts exists. A writer killed at any moment therefore leaves every earlier group readable; `append` removes
what the dead writer had begun, and continues.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from camshaft.agents.lerobot import format as layout
from camshaft.agents.lerobot.columns import Column, arrow_column, check_columns, column_statistics
from camshaft.agents.lerobot.format import INDEX_FEATURES, DatasetState, Feature
from camshaft.agents.lerobot.statistics import (
    Statistics,
    merge_statistics,
    statistics_columns,
    statistics_lists,
    take_statistics,
)
from camshaft.agents.lerobot.video import VideoWriter, video_info
from camshaft.envs.errors import CamshaftError, InvalidOption
from camshaft.perception.runs.durable_files import (
    TEMPORARY_SUFFIX,
    FolderLock,
    named_disk_errors,
    write_durably,
    write_json_durably,
)

MEGABYTE = 1 << 20
LOCK = Path("meta/.lock")


@dataclass(frozen=True)
class _Episode:
    """A complete episode that is not on disk yet."""

    row: dict[str, Any]
    statistics: dict[str, Statistics]
    table: pa.Table


class DatasetWriter:
    """Writes a new dataset; `DatasetWriter.append` adds to an existing one.

    Use it as a context manager: leaving the block, by an exception or Ctrl-C too, writes the episodes that are
    complete.

    Args:
        folder: new or empty.
        fps: frames per second, a whole number.
        features: the columns, by name. Time, frame, episode and task numbers are added.
        robot_type: what drives, as LeRobot's info.json says it.
        task: what the episodes do, in words, unless `add_episode` is told otherwise.
        buffer_megabytes: complete episodes are written when they take this much memory; what a kill can cost.

    Raises:
        InvalidOption: the folder holds something else, or a feature is not one that can be stored.
        CamshaftError: the folder cannot be written to.
    """

    def __init__(
        self,
        folder: str | Path,
        fps: int,
        features: Mapping[str, Feature],
        *,
        robot_type: str = "",
        task: str = "",
        buffer_megabytes: float = 64.0,
    ) -> None:
        folder = Path(folder)
        check_new_folder(folder)
        _check_options(fps, features)
        described = {
            name: _describe(feature, fps) for name, feature in {**features, **INDEX_FEATURES}.items()
        }
        with named_disk_errors(folder):
            write_json_durably(folder / layout.INFO, layout.new_info(fps, described, robot_type))
        self._open(folder, task, buffer_megabytes)

    @classmethod
    def append(cls, folder: str | Path, *, task: str = "", buffer_megabytes: float = 64.0) -> DatasetWriter:
        """Open an existing dataset to add episodes; leftovers of a killed writer are removed.

        Raises:
            InvalidOption: the folder is not a dataset.
            CorruptFile: its metadata is damaged.
            CamshaftError: another process is writing to it.
        """
        writer = cls.__new__(cls)
        writer._open(Path(folder), task, buffer_megabytes)
        return writer

    def _open(self, folder: Path, task: str, buffer_megabytes: float) -> None:
        self.folder = folder
        layout.load_info(folder)
        with named_disk_errors(folder):
            self._lock = FolderLock(folder / LOCK)
        try:
            self._state = layout.load_state(folder, statistics=True)
            with named_disk_errors(folder):
                _remove_leftovers(folder, self._state)
        except CamshaftError:
            self._lock.release()
            raise
        self.fps = int(self._state.info["fps"])
        self.features = {name: f for name, f in self._state.features.items() if name not in INDEX_FEATURES}
        self._schema = layout.data_schema(self._state.features)
        self._task = task or (self._state.tasks[0] if self._state.tasks else "")
        self._buffer_bytes = buffer_megabytes * MEGABYTE
        self._group = _next_group(self._state)
        self._statistics = [take_statistics(row, self._state.features) for row in self._state.episodes]
        self._pending: list[_Episode] = []
        self._videos: dict[str, VideoWriter] = {}
        self._flushing = threading.Lock()
        self._closed = False

    @property
    def num_episodes(self) -> int:
        """Episodes added, written or still in memory."""
        return len(self._state.episodes) + len(self._pending)

    @property
    def num_frames(self) -> int:
        """Frames of these episodes."""
        return self._state.num_frames + sum(len(episode.table) for episode in self._pending)

    def add_episode(self, columns: Mapping[str, Column], task: str = "") -> None:
        """Add one complete episode of T frames.

        Args:
            columns: one entry a feature: (T, D) or (T,) numbers; (T, H, W, 3) uint8 RGB frames, or for an image
                feature T PNG files in memory as `encode_png` makes them.
            task: what this episode does, in words.

        Raises:
            InvalidOption: a column is missing, unknown, or not what its feature says.
            CamshaftError: the disk is full or cannot be written to.
        """
        if self._closed:
            raise CamshaftError(f"the writer of {self.folder} is closed")
        text = task or self._task
        if not text:
            raise InvalidOption("say in words what the episode does: task='...'")
        checked = check_columns(columns, self.features)
        length = len(next(iter(checked.values())))
        if text not in self._state.tasks:
            self._state.tasks.append(text)
        checked |= self._index_columns(length, self._state.tasks.index(text))
        described = self._state.features
        statistics = {
            name: column_statistics(name, column, described[name]) for name, column in checked.items()
        }
        table = pa.table(
            [arrow_column(checked[field.name], field.type) for field in self._schema], self._schema
        )
        with self._giving_up_on_disk_errors():
            row = self._describe_episode(length, text) | self._add_videos(checked)
        self._pending.append(_Episode(row, statistics, table))
        if self._buffered_bytes() >= self._buffer_bytes:
            self.flush()

    def flush(self) -> None:
        """Write the complete episodes that are still in memory; Ctrl-C waits until it is done."""
        with ThreadPoolExecutor(1) as worker:
            worker.submit(self._flush).result()

    def close(self) -> None:
        """Write what is complete, and let others write to the folder."""
        if self._closed:
            return
        try:
            self.flush()
        finally:
            self._give_up()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _flush(self) -> None:
        with self._flushing, self._giving_up_on_disk_errors():
            if not self._pending:
                return
            state, added = self._state, self._pending
            first = added[0].row
            write_durably(self.folder / layout.data_path(state.info, first), self._write_rows)
            for video in self._videos.values():
                video.close()
            write_durably(self.folder / layout.TASKS, _parquet(layout.tasks_table(state.tasks)))
            described = [episode.row | statistics_columns(episode.statistics) for episode in added]
            write_durably(
                self.folder / layout.episodes_path(first), _parquet(pa.Table.from_pylist(described))
            )
            statistics = self._statistics + [episode.statistics for episode in added]
            write_json_durably(
                self.folder / layout.STATISTICS, statistics_lists(merge_statistics(statistics))
            )
            info = {
                **state.info,
                "total_episodes": self.num_episodes,
                "total_frames": self.num_frames,
                "total_tasks": len(state.tasks),
                "splits": {"train": f"0:{self.num_episodes}"},
            }
            write_json_durably(self.folder / layout.INFO, info)
            state.info, self._statistics = info, statistics
            state.episodes += [episode.row for episode in added]
            self._pending, self._videos = [], {}
            self._group += 1

    def _write_rows(self, stream: IO[bytes]) -> None:
        """One row group an episode, so that reading an episode reads no other."""
        with pq.ParquetWriter(
            stream, self._schema, compression="snappy", use_dictionary=False, write_page_checksum=True
        ) as writer:
            for episode in self._pending:
                writer.write_table(episode.table)

    def _index_columns(self, length: int, task_index: int) -> dict[str, NDArray[Any]]:
        frames = np.arange(length)
        return {
            "timestamp": (frames / self.fps).astype(np.float32),
            "frame_index": frames,
            "episode_index": np.full(length, self.num_episodes),
            "index": frames + self.num_frames,
            "task_index": np.full(length, task_index),
        }

    def _describe_episode(self, length: int, task: str) -> dict[str, Any]:
        chunk, file = divmod(self._group, layout.FILES_PER_CHUNK)
        return {
            "episode_index": self.num_episodes,
            "tasks": [task],
            "length": length,
            "data/chunk_index": chunk,
            "data/file_index": file,
            "dataset_from_index": self.num_frames,
            "dataset_to_index": self.num_frames + length,
            "meta/episodes/chunk_index": chunk,
            "meta/episodes/file_index": file,
        }

    def _add_videos(self, columns: Mapping[str, Column]) -> dict[str, Any]:
        """Encode the video features; where in which file they are. Frames of an episode cut off are never named."""
        chunk, file = divmod(self._group, layout.FILES_PER_CHUNK)
        where: dict[str, Any] = {}
        for name in (name for name, feature in self.features.items() if feature.dtype == "video"):
            described: dict[str, Any] = {
                f"videos/{name}/chunk_index": chunk,
                f"videos/{name}/file_index": file,
            }
            if name not in self._videos:
                path = self.folder / layout.video_path(self._state.info, described, name)
                self._videos[name] = VideoWriter(path, self.features[name].frame_size, self.fps)
            start = self._videos[name].num_frames
            self._videos[name].add(columns[name], new_scene=True)  # type: ignore[arg-type]
            described[f"videos/{name}/from_timestamp"] = start / self.fps
            described[f"videos/{name}/to_timestamp"] = self._videos[name].num_frames / self.fps
            where |= described
        return where

    def _buffered_bytes(self) -> int:
        encoded = sum(video.num_bytes for video in self._videos.values())
        return encoded + sum(episode.table.nbytes for episode in self._pending)

    @contextlib.contextmanager
    def _giving_up_on_disk_errors(self) -> Iterator[None]:
        try:
            with named_disk_errors(self.folder):
                yield
        except CamshaftError:
            self._give_up()
            raise

    def _give_up(self) -> None:
        """Drop what is in memory and half-written; the folder keeps what it had."""
        for video in self._videos.values():
            video.discard()
        self._pending, self._videos = [], {}
        self._closed = True
        self._lock.release()


def check_new_folder(folder: Path) -> None:
    """Raise InvalidOption unless a folder is empty or not there."""
    if (folder / layout.INFO).exists():
        raise InvalidOption(f"{folder} already holds a dataset; DatasetWriter.append adds to it")
    leftovers = {LOCK.parent, layout.INFO.with_name(layout.INFO.name + TEMPORARY_SUFFIX), LOCK}
    others = (
        {path.relative_to(folder) for path in folder.rglob("*")} - leftovers if folder.is_dir() else set()
    )
    if others:
        raise InvalidOption(f"{folder} is not empty and not a dataset: it holds {min(others)}")


def _check_options(fps: int, features: Mapping[str, Feature]) -> None:
    if isinstance(fps, bool) or fps != int(fps) or fps < 1:
        raise InvalidOption(f"fps must be a whole number of at least 1, got {fps!r}")
    if not features:
        raise InvalidOption("a dataset needs at least one feature")
    for name in features:
        if name in INDEX_FEATURES or "/" in name or not name:
            raise InvalidOption(f"a feature cannot be called {name!r}")


def _describe(feature: Feature, fps: int) -> dict[str, Any]:
    if feature.dtype != "video":
        return feature.as_json()
    return {**feature.as_json(), "info": video_info(feature.frame_size, fps)}


def _next_group(state: DatasetState) -> int:
    """One past the highest file number in use."""
    numbers = [
        row[key] * layout.FILES_PER_CHUNK + row[key.replace("chunk_index", "file_index")]
        for row in state.episodes
        for key in row
        if key.endswith("/chunk_index")
    ]
    return max(numbers, default=-1) + 1


def _remove_leftovers(folder: Path, state: DatasetState) -> None:
    """Remove what a killed writer began and no episode names."""
    used = {layout.episodes_path(row) for row in state.episodes}
    used |= {layout.data_path(state.info, row) for row in state.episodes}
    videos = [name for name, feature in state.features.items() if feature.dtype == "video"]
    used |= {layout.video_path(state.info, row, name) for row in state.episodes for name in videos}
    patterns = (
        "data/chunk-*/file-*.parquet",
        f"{layout.EPISODES}/chunk-*/file-*.parquet",
        "videos/*/chunk-*/file-*.mp4",
    )
    for pattern in patterns:
        for path in [*folder.glob(pattern), *folder.glob(pattern + TEMPORARY_SUFFIX)]:
            if path.relative_to(folder).as_posix() not in used:
                path.unlink()
    for path in (folder / "meta").glob("*" + TEMPORARY_SUFFIX):
        path.unlink()


def _parquet(table: pa.Table) -> Callable[[IO[bytes]], None]:
    return lambda stream: pq.write_table(table, stream, write_page_checksum=True)
