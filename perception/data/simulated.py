"""Streams of labeled frames of any task, rendered on the fly during training."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from types import TracebackType
from typing import Any

import numpy as np

from camshaft.envs.errors import InvalidOption
from camshaft.perception.data.arrays import Arrays, Batch
from camshaft.perception.data.frames import FrameMaker, FramesConfig
from camshaft.perception.data.prefetch.makers import BatchPrefetcher
from camshaft.perception.data.prefetch.processes import ProcessPrefetcher
from camshaft.perception.data.prefetch.threads import ThreadPrefetcher


class SimulatedFrames:
    """Endless stream of labeled frames of a task, as batches of tensors that are rendered in the background.

    For example:

        with SimulatedFrames("camshaft/LaneKeeping-v0", labels=("rgb", "depth", "segmentation")) as frames:
            for batch in itertools.islice(frames, 1000):
                learn(batch["rgb"], batch["depth"])

    Buffers are reused: a batch is valid until the next one is requested, so copy it to keep it. Streams with the same
    arguments, including the number of workers, are identical.

    Args:
        task: id of the task.
        labels: see `FramesConfig`.
        workers: number of worker processes, worthwhile for tasks whose physics hold the interpreter lock; 0 renders in
            a thread of this process. A script that uses processes needs `if __name__ == "__main__":`.
        buffers: buffers per worker; one is in use, the others are filled ahead.
        first: number of the first batch; earlier ones are simulated but not rendered.
        part: number of the stream among those that share all other arguments.
        options: other fields of `FramesConfig`.

    Attributes:
        config: configuration of the stream.
    """

    def __init__(
        self,
        task: str,
        labels: Sequence[str] = ("rgb",),
        *,
        workers: int = 0,
        buffers: int = 3,
        first: int = 0,
        part: int = 0,
        **options: Any,
    ) -> None:
        self.config = FramesConfig(
            task, tuple(labels) if not isinstance(labels, str) else (labels,), **options
        )
        for name, value, least in (
            ("workers", workers, 0),
            ("buffers", buffers, 2),
            ("first", first, 0),
            ("part", part, 0),
        ):
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise InvalidOption(f"{name} must be a whole number of at least {least}, got {value!r}")
        self._prefetcher: BatchPrefetcher
        if workers:
            make = partial(_make, self.config, first, part, workers)
            self._prefetcher = ProcessPrefetcher(make, workers, buffers, first % workers)
        else:
            self._prefetcher = ThreadPrefetcher(_make(self.config, first, part, 1, 0), buffers)
        self._finalizer = weakref.finalize(self, self._prefetcher.close)  # also at interpreter exit

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        return self._prefetcher.next()

    def collect(self, frames: int) -> Arrays:
        """Copy the next frames into memory: label name to (frames, …) array."""
        if frames < 1:
            raise InvalidOption(f"frames must be at least 1, got {frames!r}")
        parts: list[Arrays] = []
        for batch in self:
            parts.append({name: values.numpy().copy() for name, values in batch.items()})
            if len(parts) * self.config.batch_size >= frames:
                break
        return {name: np.concatenate([part[name] for part in parts])[:frames] for name in parts[0]}

    def close(self) -> None:
        """Stop rendering."""
        self._finalizer()

    def __enter__(self) -> SimulatedFrames:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class FrameStream:
    """Simulated frames as training data: a stream with an epoch length that can be resumed at any batch.

    Args:
        task: id of the task.
        labels: see `FramesConfig`.
        length: number of frames that count as an epoch.
        workers: as in `SimulatedFrames`.
        buffers: as in `SimulatedFrames`.
        options: other fields of `FramesConfig`, except the batch size, which the training sets.
    """

    def __init__(
        self,
        task: str,
        labels: Sequence[str] = ("rgb",),
        *,
        length: int = 8192,
        workers: int = 0,
        buffers: int = 3,
        **options: Any,
    ) -> None:
        self._make = partial(
            SimulatedFrames, task, tuple(labels), workers=workers, buffers=buffers, **options
        )
        self._config = FramesConfig(task, tuple(labels), **options)
        if "batch_size" in options or length < 1:
            raise InvalidOption(
                f"length must be at least 1, got {length!r}, and batch_size is set by the training"
            )
        self._length = length
        self._workers = workers
        self._open: tuple[SimulatedFrames, tuple[int, int, int]] | None = None

    def __len__(self) -> int:
        return self._length

    def batches(self, first: int, batch_size: int, part: int = 0) -> Iterator[Batch]:
        """Endless batches, starting at batch number `first`; continuing from the previous call costs nothing."""
        if self._open is None or self._open[1] != (first, batch_size, part):
            self.close()
            frames = self._make(batch_size=batch_size, first=first, part=part)
            self._open = frames, (first, batch_size, part)
        frames = self._open[0]
        for number in count(first + 1):
            batch = next(frames)
            self._open = frames, (number, batch_size, part)
            yield batch

    def fingerprint(self) -> str:
        """Text that differs between streams; it does not depend on the number of threads, as frames do not."""
        config = replace(self._config, num_threads=None)
        return f"{config!r}, {self._length} per epoch, {self._workers} workers"

    def close(self) -> None:
        """Stop rendering."""
        if self._open is not None:
            self._open[0].close()
        self._open = None


def _make(config: FramesConfig, first: int, part: int, workers: int, number: int) -> FrameMaker:
    """The maker of a worker, advanced to its next batch at or after batch `first` of the stream."""
    maker = FrameMaker(config, part * workers + number)
    for _ in range(len(range(number, first, workers))):
        maker.skip()
    return maker
