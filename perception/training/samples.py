"""Data sets of a training: samples by index, or endless streams of batches."""

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
    """Map-style data set: sample i is the same each time it is fetched."""

    def __len__(self) -> int:
        """Number of samples."""

    def fetch(self, indices: Any) -> Mapping[str, Any]:
        """Samples at n indices: name to (n, …) array or tensor, or to a list of n where samples differ in size."""


class Stream(Protocol):
    """Endless data set in a fixed order, such as frames of a simulation; it is the same each time it is started."""

    def __len__(self) -> int:
        """Number of samples that count as an epoch."""

    def batches(self, first: int, batch_size: int, part: int = 0) -> Iterator[Batch]:
        """Endless batches, starting at batch number `first`; each part is an independent stream."""

    def fingerprint(self) -> str:
        """Text that differs between streams."""


class TensorSamples:
    """Samples in memory.

    Args:
        arrays: name to (N, …) array or tensor.

    Raises:
        InvalidOption: there are no samples, or the arrays differ in length.
    """

    def __init__(self, arrays: Mapping[str, Any]) -> None:
        self.arrays = {name: torch.as_tensor(values) for name, values in arrays.items()}
        lengths = {name: len(values) for name, values in self.arrays.items()}
        if len(set(lengths.values())) != 1 or not min(lengths.values()):
            raise InvalidOption(f"arrays of samples must have the same length of at least 1, got {lengths}")

    def __len__(self) -> int:
        return batch_length(self.arrays)

    def fetch(self, indices: Any) -> Batch:
        """Samples at these indices."""
        rows = torch.as_tensor(np.asarray(indices))
        return {name: values.index_select(0, rows) for name, values in self.arrays.items()}


class DatasetSamples:
    """Samples of a PyTorch data set.

    Args:
        items: data set whose items are mappings, or (image, labels) or (image, class index) pairs.
    """

    def __init__(self, items: Dataset[Any] | Sequence[Any]) -> None:
        self.items: Any = items

    def __len__(self) -> int:
        return len(self.items)

    def fetch(self, indices: Any) -> Batch:
        """Samples at these indices.

        Raises:
            CamshaftError: an item cannot be read; the message has its index and the reason.
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
    """Subset of a data set.

    Args:
        samples: the data set.
        rows: (n,) indices of the selected samples.
    """

    def __init__(self, samples: Samples, rows: Any) -> None:
        self.samples, self.rows = samples, np.asarray(rows, np.int64)

    def __len__(self) -> int:
        return len(self.rows)

    def fetch(self, indices: Any) -> Mapping[str, Any]:
        """Samples at these indices."""
        return self.samples.fetch(self.rows[np.asarray(indices)])


def in_memory(samples: Samples, names: Sequence[str], batch_size: int = 256) -> TensorSamples:
    """Read the named entries of all samples into memory."""
    rows = torch.arange(len(samples)).split(batch_size)
    batches = list(read_batches(samples, rows, lambda batch: select(batch, names)))
    return TensorSamples({name: torch.cat([batch[name] for batch in batches]) for name in names})


def as_samples(data: Any) -> Any:
    """Convert data to `Samples` or a `Stream`.

    Args:
        data: an object with `fetch` and a length, a stream, a mapping of arrays, or a PyTorch data set.

    Raises:
        InvalidOption: it is none of these.
    """
    if hasattr(data, "fetch") or hasattr(data, "batches"):
        return data
    if isinstance(data, Mapping):
        return TensorSamples(data)
    if hasattr(data, "__getitem__") and hasattr(data, "__len__"):
        return DatasetSamples(data)
    raise InvalidOption(f"a {type(data).__name__} is not a data set: it needs fetch or items, and a length")


def as_held_out(data: Any) -> Samples:
    """Convert held-out data to `Samples`; it must be finite, so streams are refused."""
    samples = as_samples(data)
    if not hasattr(samples, "fetch"):
        raise InvalidOption(f"a {type(data).__name__} is endless: held-out data needs samples by index")
    if len(samples) == 0:
        raise InvalidOption("there are no samples to evaluate on")
    return samples  # type: ignore[no-any-return]
