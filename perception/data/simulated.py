"""Streams of labeled frames from any task, rendered on the fly while the network learns."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.errors import InvalidOption
from camshaft.perception.data.frames import FrameMaker, FramesConfig
from camshaft.perception.data.prefetch.makers import Batch, BatchPrefetcher
from camshaft.perception.data.prefetch.processes import ProcessPrefetcher
from camshaft.perception.data.prefetch.threads import ThreadPrefetcher


class SimulatedFrames:
    """An endless stream of labeled frames of one task, as batches of tensors; frames are made ahead of their use.

    For example:

        with SimulatedFrames("camshaft/LaneKeeping-v0", labels=("rgb", "depth", "segmentation")) as frames:
            for batch in itertools.islice(frames, 1000):
                learn(batch["rgb"], batch["depth"])

    Buffers are used again: a batch is valid until the next one is asked for; copy what has to last. The stream is the
    same in every run with the same arguments, the number of workers included.

    Args:
        task: id of the task.
        labels: see `FramesConfig`.
        workers: 0 makes frames in a thread of this process; else in so many processes, worth it for tasks whose
            physics hold the interpreter. A script that uses processes needs its `if __name__ == "__main__":`.
        buffers: batches kept, of each worker; one is in use, the others are ahead.
        first: number of the first batch that is given; those before it are simulated, not drawn.
        part: which of several streams that share all other arguments.
        options: the other fields of `FramesConfig`.

    Attributes:
        config: what the stream is of.
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
        self._finalizer = weakref.finalize(self, self._prefetcher.close)  # also at the end of the program

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        return self._prefetcher.next()

    def collect(self, frames: int) -> dict[str, NDArray[Any]]:
        """The next `frames` in memory of their own, label name to (frames, …) array."""
        if frames < 1:
            raise InvalidOption(f"frames must be at least 1, got {frames!r}")
        parts: list[dict[str, NDArray[Any]]] = []
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
    """What a training takes simulated frames as: a stream that knows how long an epoch is and where it was left.

    Args:
        task: id of the task.
        labels: see `FramesConfig`.
        length: frames that count as an epoch.
        workers: as in `SimulatedFrames`.
        buffers: likewise.
        options: other fields of `FramesConfig`, but for the batch size, which is the training's.
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
                f"length must be at least 1, got {length!r}, and the batch size is the training's"
            )
        self._length = length
        self._workers = workers
        self._open: tuple[SimulatedFrames, tuple[int, int, int]] | None = None

    def __len__(self) -> int:
        return self._length

    def batches(self, first: int, batch_size: int, part: int = 0) -> Iterator[Batch]:
        """Batches from number `first` on; going on where the last call was left costs nothing."""
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
        """Tells streams apart, by all that decides a frame: the number of threads does not."""
        config = replace(self._config, num_threads=None)
        return f"{config!r}, {self._length} an epoch, {self._workers} workers"

    def close(self) -> None:
        """Stop rendering."""
        if self._open is not None:
            self._open[0].close()
        self._open = None


def _make(config: FramesConfig, first: int, part: int, workers: int, number: int) -> FrameMaker:
    """The maker of one worker, after the batches that it would have made before batch `first` of the whole stream."""
    maker = FrameMaker(config, part * workers + number)
    for _ in range(len(range(number, first, workers))):
        maker.skip()
    return maker
