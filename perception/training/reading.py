"""Reading of batches ahead of their use, in a thread or in processes."""

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

AHEAD = 3  # batches that are read ahead
WORKER_DEATH = re.compile(r"DataLoader worker .*(exited unexpectedly|is killed by signal)")

Prepare = Callable[[Batch], Batch]


def read_batches(samples: Any, rows: Sequence[Tensor], prepare: Prepare, workers: int = 0) -> Iterator[Batch]:
    """Read batches ahead of their use.

    Args:
        samples: an object with `fetch`.
        rows: the numbers of the samples of each batch.
        prepare: called with each batch where it is read.
        workers: processes that read; 0 for a thread of this one.

    Raises:
        CamshaftError: a sample cannot be read, or a process that reads died.
    """
    if workers > 0:
        yield from _read_in_processes(samples, rows, prepare, workers)
        return
    batches = (prepare(as_tensors(samples.fetch(chosen.numpy()))) for chosen in rows)
    with contextlib.closing(Prefetcher(batches, AHEAD)) as ahead:
        yield from ahead


class _Batches(Dataset[Batch | CamshaftError]):
    """Whole batches as items, which is how worker processes read them."""

    def __init__(self, samples: Any, rows: Sequence[Tensor], prepare: Prepare) -> None:
        self.samples, self.rows, self.prepare = samples, rows, prepare

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Batch | CamshaftError:
        try:
            return self.prepare(as_tensors(self.samples.fetch(self.rows[index].numpy())))
        except CamshaftError as error:  # raised by the process that asked, as it is
            return error


def _read_in_processes(
    samples: Any, rows: Sequence[Tensor], prepare: Prepare, workers: int
) -> Iterator[Batch]:
    loader = DataLoader(_Batches(samples, rows, prepare), batch_size=None, num_workers=workers)
    with named_worker_deaths():
        for batch in loader:
            if isinstance(batch, CamshaftError):
                raise batch
            yield batch


@contextlib.contextmanager
def named_worker_deaths() -> Iterator[None]:
    """Name the death of a process that reads; PyTorch interrupts whatever the process that uses its batches does."""
    try:
        yield
    except RuntimeError as error:
        if not WORKER_DEATH.search(str(error)):
            raise
        raise CamshaftError(
            f"a process that reads samples died ({error}); the last checkpoint is kept: resume with workers 0, or look "
            "for what killed it (memory?)"
        ) from error
