"""Prefetching in worker processes, into reusable shared memory."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable
from typing import Any

import torch

from camshaft.envs.errors import CamshaftError
from camshaft.perception.data.arrays import Batch
from camshaft.perception.data.prefetch.makers import Maker, owned

POLL_SECONDS = 0.5  # between checks whether a worker is alive
STOPPING_SECONDS = 5.0


class ProcessPrefetcher:
    """Batches from worker processes, in round-robin order, through shared memory.

    Args:
        make: builds the maker of a worker from its number; it is pickled, so it must be importable.
        workers: number of processes.
        buffers: buffers per worker, one of which is in use.
        turn: number of the worker that gives the first batch.
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
            CamshaftError: a worker has died or failed, or the prefetcher is closed.
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
        """Process ids of the workers."""
        return [worker.process.pid for worker in self._workers]

    def close(self) -> None:
        """Stop the processes."""
        self._closed = True
        for worker in self._workers:
            worker.close()


class _Worker:
    """A worker process of a `ProcessPrefetcher`, as seen from the main process."""

    def __init__(self, context: Any, make: Callable[[int], Maker], number: int, buffers: int) -> None:
        self.buffers: list[Batch] = []
        self._number = number
        self._pipe, remote = context.Pipe()
        self.process = context.Process(target=_work, args=(remote, make, number, buffers), daemon=True)
        self.process.start()
        remote.close()

    def wait(self) -> int:
        """Wait for the next batch and return its slot."""
        while True:
            kind, content = self._receive()
            if kind == "buffers":
                self.buffers = content
            elif kind == "error":
                raise content
            else:
                return int(content)

    def give_back(self, slot: int) -> None:
        with contextlib.suppress(OSError):  # the worker is dead; `wait` reports it
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
            while not self._pipe.poll(POLL_SECONDS):
                if not self.process.is_alive() and not self._pipe.poll():
                    raise EOFError
            return self._pipe.recv()
        except (EOFError, OSError) as error:
            self.process.join(STOPPING_SECONDS)
            code = self.process.exitcode
            if code and code < 0:
                reason = f"killed by signal {-code}, possibly out of memory: try fewer workers"
            else:
                reason = (
                    f"exit code {code}; see its output above. A script that starts workers needs "
                    "`if __name__ == '__main__':` around its code"
                )
            raise CamshaftError(
                f"data worker {self._number} (process {self.process.pid}) died: {reason}"
            ) from error


def _work(pipe: Any, make: Callable[[int], Maker], number: int, buffers: int) -> None:
    """Main function of a worker process; it ends when the other end of the pipe is closed."""
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
