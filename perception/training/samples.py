"""Data sets that a training learns from: samples by number, or endless streams of batches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch.utils.data import Dataset

from camshaft.envs.errors import CamshaftError, InvalidOption
from camshaft.perception.training.batches import IMAGE, Batch, batch_length, select, stack
from camshaft.perception.training.reading import read_batches


class Samples(Protocol):
    """Samples by number: sample i is the same whenever it is fetched.

    `fetch` gives many at once: name to array or tensor (n, …), or a list of n where samples differ in size.
    """

    def __len__(self) -> int:
        """Number of samples."""

    def fetch(self, indices: Any) -> Mapping[str, Any]:
        """The samples of these numbers, n rows of everything."""


class Stream(Protocol):
    """Batches in one order, such as those of worlds that are stepped: the same whenever the stream is started."""

    def __len__(self) -> int:
        """Samples that count as an epoch."""

    def batches(self, first: int, batch_size: int, part: int = 0) -> Iterator[Batch]:
        """Batches from number `first` on, without limit; each part is a stream of its own."""

    def fingerprint(self) -> str:
        """Text that differs between streams."""


class TensorSamples:
    """Samples in memory.

    Args:
        arrays: name to (N, …) array or tensor.

    Raises:
        InvalidOption: there are none, or not as many of everything.
    """

    def __init__(self, arrays: Mapping[str, Any]) -> None:
        self.arrays = {name: torch.as_tensor(values) for name, values in arrays.items()}
        lengths = {name: len(values) for name, values in self.arrays.items()}
        if len(set(lengths.values())) != 1 or not min(lengths.values()):
            raise InvalidOption(f"samples in memory need as many rows of each, at least one, got {lengths}")

    def __len__(self) -> int:
        return batch_length(self.arrays)

    def fetch(self, indices: Any) -> Batch:
        """The samples of these numbers."""
        rows = torch.as_tensor(np.asarray(indices))
        return {name: values.index_select(0, rows) for name, values in self.arrays.items()}


class DatasetSamples:
    """Samples of a torch data set whose items are mappings, or (image, labels) or (image, class number) pairs.

    Args:
        items: the data set.
    """

    def __init__(self, items: Dataset[Any] | Sequence[Any]) -> None:
        self.items: Any = items

    def __len__(self) -> int:
        return len(self.items)

    def fetch(self, indices: Any) -> Batch:
        """The samples of these numbers.

        Raises:
            CamshaftError: an item cannot be read; its number and the reason.
        """
        return stack([self._item(int(index)) for index in np.asarray(indices)])

    def _item(self, index: int) -> Mapping[str, Any]:
        try:
            item = self.items[index]
        except CamshaftError:
            raise
        except Exception as error:
            raise CamshaftError(f"sample {index} cannot be read: {type(error).__name__}: {error}") from error
        if isinstance(item, Mapping):
            return item
        image, labels = item
        return {IMAGE: image, **(labels if isinstance(labels, Mapping) else {"class": labels})}


class Subset:
    """Some samples of a set.

    Args:
        samples: the set.
        rows: (n,) their numbers.
    """

    def __init__(self, samples: Samples, rows: Any) -> None:
        self.samples, self.rows = samples, np.asarray(rows, np.int64)

    def __len__(self) -> int:
        return len(self.rows)

    def fetch(self, indices: Any) -> Mapping[str, Any]:
        """The samples of these numbers."""
        return self.samples.fetch(self.rows[np.asarray(indices)])


def in_memory(samples: Samples, names: Sequence[str], batch_size: int = 256) -> TensorSamples:
    """All samples of a set with these entries, read once."""
    rows = torch.arange(len(samples)).split(batch_size)
    batches = list(read_batches(samples, rows, lambda batch: select(batch, names)))
    return TensorSamples({name: torch.cat([batch[name] for batch in batches]) for name in names})


def as_samples(data: Any) -> Any:
    """The data as the trainer reads it.

    Args:
        data: an object with `fetch` and a length, a stream, a mapping of arrays, or a torch data set.

    Raises:
        InvalidOption: it is none of these.
    """
    if hasattr(data, "fetch") or hasattr(data, "batches"):
        return data
    if isinstance(data, Mapping):
        return TensorSamples(data)
    if hasattr(data, "__getitem__") and hasattr(data, "__len__"):
        return DatasetSamples(data)
    raise InvalidOption(f"a {type(data).__name__} is no data set: it needs fetch or items, and a length")


def as_held_out(data: Any) -> Samples:
    """Likewise, of data that is read once as a whole, and so is no stream."""
    samples = as_samples(data)
    if not hasattr(samples, "fetch"):
        raise InvalidOption(f"a {type(data).__name__} has no end: what is held out needs samples by number")
    if len(samples) == 0:
        raise InvalidOption("there are no samples to evaluate on")
    return samples  # type: ignore[no-any-return]
