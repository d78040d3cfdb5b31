"""Prefetching in worker processes, into shared memory that is reused."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable
from typing import Any

import torch

from camshaft.envs.errors import CamshaftError
from camshaft.perception.data.prefetch.makers import Batch, Maker, owned

PATIENCE_SECONDS = 0.5  # between two looks whether a worker lives
STOPPING_SECONDS = 5.0


class ProcessPrefetcher:
    """Batches made by worker processes in turn, in memory that they share with this one.

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
    """One process of a `ProcessPrefetcher`, seen from outside."""

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
            first = owned(maker.make())
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
