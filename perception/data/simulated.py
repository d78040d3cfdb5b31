"""Streams of labelled frames from any task, rendered on the fly while the network learns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.errors import InvalidOption
from perception.data.frames import FrameMaker, FramesConfig
from perception.data.ring import Batch, ProcessRing, Ring, ThreadRing


class SimulatedFrames:
    """An endless stream of labelled frames of one task, as batches of tensors; frames are made ahead of their use.

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
        **options: Any,
    ) -> None:
        self.config = FramesConfig(
            task, tuple(labels) if not isinstance(labels, str) else (labels,), **options
        )
        for name, value, least in (("workers", workers, 0), ("buffers", buffers, 2)):
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise InvalidOption(f"{name} must be a whole number of at least {least}, got {value!r}")
        self._ring: Ring
        if workers:
            self._ring = ProcessRing(partial(FrameMaker, self.config), workers, buffers)
        else:
            self._ring = ThreadRing(FrameMaker(self.config), buffers)

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        return self._ring.next()

    def collect(self, count: int) -> dict[str, NDArray[Any]]:
        """The next `count` frames in memory of their own, label name to (count, …) array."""
        if count < 1:
            raise InvalidOption(f"count must be at least 1, got {count!r}")
        parts: list[dict[str, NDArray[Any]]] = []
        for batch in self:
            parts.append({name: values.numpy().copy() for name, values in batch.items()})
            if len(parts) * self.config.batch_size >= count:
                break
        return {name: np.concatenate([part[name] for part in parts])[:count] for name in parts[0]}

    def close(self) -> None:
        """Stop rendering."""
        self._ring.close()

    def __enter__(self) -> SimulatedFrames:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
