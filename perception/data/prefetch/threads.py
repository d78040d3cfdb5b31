"""Prefetching in a background thread."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch

from camshaft.envs.errors import CamshaftError
from camshaft.perception.data.arrays import Arrays, Batch
from camshaft.perception.data.prefetch.makers import Maker, owned

Item = TypeVar("Item")

END = object()
JOIN_SECONDS = 0.05  # between attempts to end a thread that waits for room in the queue


@dataclass(frozen=True)
class _Failure:
    error: BaseException


class Prefetcher(Generic[Item]):
    """Iterator over an iterable that is consumed by a background thread.

    An error raised by the iterable is raised by this iterator, in the place of its item.

    Args:
        items: iterable; from now on only the thread may use it.
        ahead: number of items to prefetch; 0 for no limit.
    """

    def __init__(self, items: Iterable[Item], ahead: int) -> None:
        self._ready: queue.Queue[Any] = queue.Queue(ahead)
        self._stop = threading.Event()
        self._ended = False
        self._thread = threading.Thread(target=self._run, args=(items,), daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[Item]:
        return self

    def __next__(self) -> Item:
        if self._ended:
            raise StopIteration
        item = self._ready.get()
        if item is END or isinstance(item, _Failure):
            self.close()
            if isinstance(item, _Failure):
                raise item.error
            raise StopIteration
        return item  # type: ignore[no-any-return]

    def close(self) -> None:
        """Stop the thread and wait for its current item, as a process that exits during compilation aborts."""
        self._ended = True
        self._stop.set()
        if threading.current_thread() is self._thread:
            return
        while self._thread.is_alive():  # it may wait for room in the queue
            with contextlib.suppress(queue.Empty):
                self._ready.get_nowait()
            self._thread.join(JOIN_SECONDS)

    def _run(self, items: Iterable[Item]) -> None:
        iterator = iter(items)
        try:
            while not self._stop.is_set():
                item = next(iterator, END)
                self._ready.put(item)
                if item is END:
                    break
        except BaseException as error:  # raised again by __next__
            self._ready.put(_Failure(error))
        finally:
            if hasattr(iterator, "close"):
                iterator.close()


class ThreadPrefetcher:
    """Batches of a maker that runs in a background thread, in reusable buffers.

    Args:
        maker: maker of the batches; from now on only the thread may use it.
        buffers: number of buffers, one of which is in use.
    """

    def __init__(self, maker: Maker, buffers: int) -> None:
        self._free: queue.Queue[Arrays | None] = queue.Queue()
        self._used: Arrays | None = None
        self._closed = False
        self._batches = Prefetcher(self._made(maker, buffers), 0)

    def next(self) -> Batch:
        """The next batch.

        Raises:
            CamshaftError: the prefetcher is closed, or the maker failed.
        """
        if self._closed:
            raise CamshaftError("this stream has been closed")
        if self._used is not None:
            self._free.put(self._used)
            self._used = None
        try:
            self._used = next(self._batches)
        except BaseException:
            self._closed = True
            raise
        return {name: torch.from_numpy(values) for name, values in self._used.items()}

    def close(self) -> None:
        """Stop the thread."""
        self._closed = True
        self._free.put(None)
        self._batches.close()

    def _made(self, maker: Maker, buffers: int) -> Iterator[Arrays]:
        try:
            for _ in range(buffers):
                yield owned(maker.make())
            while (buffer := self._free.get()) is not None:
                yield maker.make(buffer)
        finally:
            maker.close()
