"""Batches made ahead of their use, in a thread or in processes of their own, into buffers that are used again."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from camshaft.envs.errors import CamshaftError

Arrays = dict[str, NDArray[Any]]
Batch = dict[str, Tensor]

PATIENCE_SECONDS = 0.5  # between two looks whether a worker lives
STOPPING_SECONDS = 5.0


class Maker(Protocol):
    """Makes one batch after another."""

    def make(self, out: Arrays | None = None) -> Arrays:
        """The next batch, into `out` if given."""

    def close(self) -> None:
        """Release what it holds."""


class Ring(Protocol):
    """Where batches come from."""

    def next(self) -> Batch:
        """The next batch; what it holds is valid until the one after it is asked for."""

    def close(self) -> None:
        """Stop making batches."""


class ThreadRing:
    """Batches made by a thread of this process; kernels and PyTorch release the interpreter meanwhile.

    Args:
        maker: used by the thread alone from now on.
        buffers: batches at a time, of which one is in use.
    """

    def __init__(self, maker: Maker, buffers: int) -> None:
        self._full: queue.Queue[Any] = queue.Queue()
        self._free: queue.Queue[Arrays | None] = queue.Queue()
        self._used: Arrays | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=_fill, args=(maker, buffers, self._full, self._free, self._stop), daemon=True
        )
        self._thread.start()

    def next(self) -> Batch:
        """The next batch.

        Raises:
            CamshaftError: what went wrong while it was made.
        """
        if self._stop.is_set():
            raise CamshaftError("this stream has been closed")
        if self._used is not None:
            self._free.put(self._used)
            self._used = None
        made = self._full.get()
        if isinstance(made, BaseException):
            self.close()
            raise made
        self._used = made
        return {name: torch.from_numpy(values) for name, values in made.items()}

    def close(self) -> None:
        """Stop the thread."""
        self._stop.set()
        self._free.put(None)
        if threading.current_thread() is not self._thread:
            self._thread.join()  # however long: a process that ends while kernels are compiled aborts


def _fill(
    maker: Maker,
    buffers: int,
    full: queue.Queue[Any],
    free: queue.Queue[Arrays | None],
    stop: threading.Event,
) -> None:
    """The thread of a `ThreadRing`."""
    made = 0
    try:
        while not stop.is_set():
            if made < buffers:
                made += 1
                full.put(_owned(maker.make()))
                continue
            buffer = free.get()
            if buffer is not None:
                full.put(maker.make(buffer))
    except BaseException as error:  # raised where the batch is used
        full.put(error)
    finally:
        maker.close()


class ProcessRing:
    """Batches made by processes of their own, in turn, in memory that they share with this one.

    Args:
        make: builds the maker of a worker from its number; sent to the processes, so a class or function of a module.
        workers: how many processes.
        buffers: batches at a time of each, of which one is in use.
        turn: which worker gives the first batch.
    """

    def __init__(self, make: Callable[[int], Maker], workers: int, buffers: int, turn: int = 0) -> None:
        context = torch.multiprocessing.get_context("spawn")
        self._workers: list[_Worker] = [_Worker(context, make, number, buffers) for number in range(workers)]
        self._turn = turn
        self._used: tuple[_Worker, int] | None = None
        self._closed = False

    def next(self) -> Batch:
        """The next batch.

        Raises:
            CamshaftError: a worker has died, or what went wrong in it.
        """
        if self._closed:
            raise CamshaftError("this stream has been closed")
        if self._used is not None:
            worker, slot = self._used
            worker.give_back(slot)
            self._used = None
        worker = self._workers[self._turn]
        self._turn = (self._turn + 1) % len(self._workers)
        try:
            slot = worker.wait()
        except BaseException:
            self.close()
            raise
        self._used = worker, slot
        return worker.buffers[slot]

    @property
    def process_ids(self) -> list[int]:
        """Of the workers."""
        return [worker.process.pid for worker in self._workers]

    def close(self) -> None:
        """Stop the processes."""
        self._closed = True
        for worker in self._workers:
            worker.close()


class _Worker:
    """One process of a `ProcessRing`, seen from outside."""

    def __init__(self, context: Any, make: Callable[[int], Maker], number: int, buffers: int) -> None:
        self.buffers: list[Batch] = []
        self._number = number
        self._pipe, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs, make, number, buffers), daemon=True)
        self.process.start()
        theirs.close()

    def wait(self) -> int:
        """The slot of its next batch."""
        while True:
            kind, content = self._receive()
            if kind == "buffers":
                self.buffers = content
            elif kind == "error":
                raise content
            else:
                return int(content)

    def give_back(self, slot: int) -> None:
        with contextlib.suppress(OSError):  # it is dead; `wait` will say so
            self._pipe.send(slot)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._pipe.close()
        self.process.join(STOPPING_SECONDS)
        if self.process.is_alive():
            self.process.terminate()
            self.process.join()

    def _receive(self) -> Any:
        try:
            while not self._pipe.poll(PATIENCE_SECONDS):
                if not self.process.is_alive() and not self._pipe.poll():
                    raise EOFError
            return self._pipe.recv()
        except (EOFError, OSError) as error:
            self.process.join(STOPPING_SECONDS)
            code = self.process.exitcode
            if code and code < 0:
                why = f"killed by signal {-code}, as systems do when memory is short: try fewer workers"
            else:
                why = (
                    f"exit code {code}; its own words are above. A script that starts workers needs "
                    "`if __name__ == '__main__':` around what it does"
                )
            raise CamshaftError(
                f"worker {self._number} (process {self.process.pid}), which makes batches, has died: {why}"
            ) from error


def _work(pipe: Any, make: Callable[[int], Maker], number: int, buffers: int) -> None:
    """The process of a `_Worker`: ends when the other end of the pipe is gone."""
    torch.set_num_threads(1)
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError, KeyboardInterrupt):
        try:
            maker = make(number)
            first = _owned(maker.make())
            tensors = [
                {name: torch.from_numpy(values.copy()).share_memory_() for name, values in first.items()}
                for _ in range(buffers)
            ]
            pipe.send(("buffers", tensors))
            arrays = [{name: values.numpy() for name, values in batch.items()} for batch in tensors]
            pipe.send(("slot", 0))
            free = deque(range(1, buffers))
            while True:
                while not free or pipe.poll():
                    free.append(pipe.recv())
                slot = free.popleft()
                maker.make(arrays[slot])
                pipe.send(("slot", slot))
        except CamshaftError as error:
            pipe.send(("error", error))


def _owned(batch: Arrays) -> Arrays:
    """A batch in contiguous memory that nothing else writes to."""
    return {
        name: np.ascontiguousarray(
            values if values.flags.owndata and values.flags.writeable else values.copy()
        )
        for name, values in batch.items()
    }
