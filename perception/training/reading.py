"""Prefetching data loader: batches are read in a background thread or in worker processes."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from camshaft.envs.errors import CamshaftError
from camshaft.perception.data.prefetch.threads import Prefetcher
from camshaft.perception.training.batches import Batch, as_tensors

AHEAD = 3  # batches to prefetch
WORKER_DEATH = re.compile(r"DataLoader worker .*(exited unexpectedly|is killed by signal)")

Prepare = Callable[[Batch], Batch]


def read_batches(samples: Any, rows: Sequence[Tensor], prepare: Prepare, workers: int = 0) -> Iterator[Batch]:
    """Iterate over batches, which are read in the background.

    Args:
        samples: an object with `fetch`.
        rows: indices of the samples of each batch.
        prepare: applied to each batch in the background thread or worker process.
        workers: number of worker processes; 0 for a thread of this process.

    Raises:
        CamshaftError: a sample cannot be read, or a worker process died.
    """
    if workers > 0:
        yield from _read_in_processes(samples, rows, prepare, workers)
        return
    batches = (prepare(as_tensors(samples.fetch(chosen.numpy()))) for chosen in rows)
    with contextlib.closing(Prefetcher(batches, AHEAD)) as ahead:
        yield from ahead


class _Batches(Dataset[Batch | CamshaftError]):
    """Data set whose items are whole batches, for `DataLoader`."""

    def __init__(self, samples: Any, rows: Sequence[Tensor], prepare: Prepare) -> None:
        self.samples, self.rows, self.prepare = samples, rows, prepare

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Batch | CamshaftError:
        try:
            return self.prepare(as_tensors(self.samples.fetch(self.rows[index].numpy())))
        except CamshaftError as error:  # raised in the main process, without DataLoader's wrapping
            return error


def _read_in_processes(
    samples: Any, rows: Sequence[Tensor], prepare: Prepare, workers: int
) -> Iterator[Batch]:
    loader = DataLoader(_Batches(samples, rows, prepare), batch_size=None, num_workers=workers)
    with translate_worker_errors():
        for batch in loader:
            if isinstance(batch, CamshaftError):
                raise batch
            yield batch


@contextlib.contextmanager
def translate_worker_errors() -> Iterator[None]:
    """Context manager that turns PyTorch's error about a dead worker process into a CamshaftError.

    PyTorch raises it from a signal handler, so at any point of the main process.
    """
    try:
        yield
    except RuntimeError as error:
        if not WORKER_DEATH.search(str(error)):
            raise
        raise CamshaftError(
            f"a data loading worker died ({error}); the last checkpoint is kept: resume with workers 0, or find out "
            "what killed it (memory?)"
        ) from error
