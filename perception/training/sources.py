"""Where a training's images come from: rendered on demand, or a data set's items, read while the network learns."""

from __future__ import annotations

import contextlib
import queue
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from camshaft.envs.errors import CamshaftError, InvalidOption

IMAGE = "rgb"
AHEAD = 3  # batches that are read ahead
WORKER_DEATH = re.compile(r"DataLoader worker .*(exited unexpectedly|is killed by signal)")

Batch = dict[str, Tensor]


class Images(Protocol):
    """Labeled images by number: image i and its labels are the same whenever they are asked for.

    `render` gives many at once, label name to array (n, …), "rgb" among them as (n, H, W, 3) uint8.
    """

    def __len__(self) -> int:
        """How many images."""

    def render(self, indices: Any) -> Mapping[str, Any]:
        """Images and labels, (n, …) each."""


class Stream(Protocol):
    """Labeled images in one order, such as those of worlds that go on: the same whenever they are begun anew."""

    def __len__(self) -> int:
        """How many images count as an epoch."""

    def batches(self, first: int, batch_size: int, part: int = 0) -> Iterator[Batch]:
        """Batches from number `first` on, without end; each part is a stream of its own."""

    def fingerprint(self) -> str:
        """Tells streams apart."""


class TensorImages:
    """Images and labels that are in memory.

    Args:
        arrays: label name to (N, …) array or tensor, "rgb" among them.
    """

    def __init__(self, arrays: Mapping[str, Any]) -> None:
        self.arrays = {name: torch.as_tensor(values) for name, values in arrays.items()}
        lengths = {name: len(values) for name, values in self.arrays.items()}
        if IMAGE not in lengths or len(set(lengths.values())) != 1 or lengths[IMAGE] == 0:
            raise InvalidOption(
                f"images and labels must be as many of each, {IMAGE!r} among them, got {lengths}"
            )

    def __len__(self) -> int:
        return len(self.arrays[IMAGE])

    def render(self, indices: Any) -> Batch:
        """Images and labels, (n, …) each."""
        rows = torch.as_tensor(np.asarray(indices))
        return {name: values.index_select(0, rows) for name, values in self.arrays.items()}


class ItemImages:
    """A torch data set whose items are mappings of labels, or (image, labels) or (image, class number) pairs.

    Args:
        items: the data set.
    """

    def __init__(self, items: Dataset[Any] | Sequence[Any]) -> None:
        self.items: Any = items

    def __len__(self) -> int:
        return len(self.items)

    def render(self, indices: Any) -> Batch:
        """Images and labels, (n, …) each.

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
            raise CamshaftError(f"image {index} cannot be read: {type(error).__name__}: {error}") from error
        if isinstance(item, Mapping):
            return item
        image, labels = item
        return {IMAGE: image, **(labels if isinstance(labels, Mapping) else {"class": labels})}


class Subset:
    """Some images of a set.

    Args:
        images: the set.
        rows: (n,) their numbers.
    """

    def __init__(self, images: Images, rows: Any) -> None:
        self.images, self.rows = images, np.asarray(rows, np.int64)

    def __len__(self) -> int:
        return len(self.rows)

    def render(self, indices: Any) -> Mapping[str, Any]:
        """Images and labels, (n, …) each."""
        return self.images.render(self.rows[np.asarray(indices)])


def in_memory(images: Images, labels: Sequence[str], batch_size: int = 256) -> TensorImages:
    """All images of a set with these labels, read once."""
    rows = torch.arange(len(images)).split(batch_size)
    batches = list(read_batches(images, rows, lambda batch: check_batch(batch, labels)))
    return TensorImages({name: torch.cat([batch[name] for batch in batches]) for name in batches[0]})


def as_images(data: Any) -> Any:
    """What the trainer takes as images: an object with `render`, a stream, a mapping of arrays, or a torch data set."""
    if hasattr(data, "render") or hasattr(data, "batches"):
        return data
    if isinstance(data, Mapping):
        return TensorImages(data)
    if hasattr(data, "__getitem__") and hasattr(data, "__len__"):
        return ItemImages(data)
    raise InvalidOption(
        f"a {type(data).__name__} is no set of labeled images: it needs render or items and a length"
    )


def as_held_out(data: Any) -> Any:
    """Likewise, of images that all have to be read once: an object with `render` in the end."""
    images = as_images(data)
    if not hasattr(images, "render"):
        raise InvalidOption(f"a {type(data).__name__} has no end: what is held out needs images by number")
    if len(images) == 0:
        raise InvalidOption("there are no images to evaluate on")
    return images


def stack(items: Sequence[Mapping[str, Any]]) -> Batch:
    """One batch of what are items of their own.

    Raises:
        InvalidOption: they differ in shape.
    """
    batch = {}
    for name in items[0]:
        values = [torch.as_tensor(np.asarray(item[name])) for item in items]
        shapes = {tuple(value.shape) for value in values}
        if len(shapes) > 1:
            raise InvalidOption(f"{name!r} of one batch has different shapes: {sorted(shapes)}")
        batch[name] = torch.stack(values)
    return batch


def check_batch(batch: Batch, labels: Sequence[str]) -> Batch:
    """The images and those labels of a batch.

    Raises:
        InvalidOption: a label is missing, or the images are not frames in uint8 or floats in [0, 1].
    """
    missing = [name for name in (IMAGE, *labels) if name not in batch]
    if missing:
        raise InvalidOption(f"these images have no label {missing[0]!r}, only: {', '.join(sorted(batch))}")
    images = batch[IMAGE]
    if images.ndim != 4 or 3 not in (images.shape[1], images.shape[3]):
        raise InvalidOption(
            f"images of shape {tuple(images.shape)}: accepted are (B, H, W, 3) and (B, 3, H, W)"
        )
    if images.is_floating_point():
        low, high = float(images.min()), float(images.max())
        if not (low >= 0.0 and high <= 1.0):
            raise InvalidOption(f"images in floats must be within [0, 1], got {low:g} to {high:g}")
    elif images.dtype != torch.uint8:
        raise InvalidOption(f"images of {images.dtype}: accepted are uint8, and floats in [0, 1]")
    return {name: batch[name] for name in (IMAGE, *labels)}


def read_batches(
    images: Images, rows: Sequence[Tensor], prepare: Callable[[Batch], Batch], workers: int = 0
) -> Iterator[Batch]:
    """Read batches ahead of their use.

    Args:
        images: what to read.
        rows: the numbers of the images of each batch.
        prepare: called with each batch where it is read.
        workers: processes that read; 0 for a thread of this one.

    Raises:
        CamshaftError: an image cannot be read, or a process that reads died.
    """
    if workers > 0:
        yield from _read_in_processes(images, rows, prepare, workers)
        return
    ahead: queue.Queue[Any] = queue.Queue(AHEAD)
    stopped = threading.Event()
    thread = threading.Thread(
        target=_read_in_thread, args=(images, rows, prepare, ahead, stopped), daemon=True
    )
    thread.start()
    try:
        for _ in rows:
            batch = ahead.get()
            if isinstance(batch, BaseException):
                raise batch
            yield batch
    finally:
        stopped.set()
        while thread.is_alive():  # it may wait for room
            _make_room(ahead)
            thread.join(0.05)


def _read_in_thread(
    images: Images,
    rows: Sequence[Tensor],
    prepare: Callable[[Batch], Batch],
    ahead: queue.Queue[Any],
    stopped: threading.Event,
) -> None:
    for chosen in rows:
        if stopped.is_set():
            return
        try:
            ahead.put(prepare(_tensors(images.render(chosen.numpy()))))
        except BaseException as error:  # raised where the batch is used
            ahead.put(error)
            return


def _make_room(ahead: queue.Queue[Any]) -> None:
    with contextlib.suppress(queue.Empty):
        ahead.get_nowait()


class _Batches(Dataset[Batch | CamshaftError]):
    """Whole batches as items, which is how worker processes read them."""

    def __init__(self, images: Images, rows: Sequence[Tensor], prepare: Callable[[Batch], Batch]) -> None:
        self.images, self.rows, self.prepare = images, rows, prepare

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Batch | CamshaftError:
        try:
            return self.prepare(_tensors(self.images.render(self.rows[index].numpy())))
        except CamshaftError as error:  # raised by the process that asked, as it is
            return error


def _read_in_processes(
    images: Images, rows: Sequence[Tensor], prepare: Callable[[Batch], Batch], workers: int
) -> Iterator[Batch]:
    loader = DataLoader(_Batches(images, rows, prepare), batch_size=None, num_workers=workers)
    with named_worker_deaths():
        for batch in loader:
            if isinstance(batch, CamshaftError):
                raise batch
            yield batch


@contextlib.contextmanager
def named_worker_deaths() -> Iterator[None]:
    """Say so if a process that reads images dies; PyTorch interrupts whatever the process that uses them is at."""
    try:
        yield
    except RuntimeError as error:
        if not WORKER_DEATH.search(str(error)):
            raise
        raise CamshaftError(
            f"a process that reads images died ({error}); the last checkpoint is kept: resume with workers 0, or look "
            "for what killed it (memory?)"
        ) from error


def _tensors(batch: Mapping[str, Any]) -> Batch:
    return {name: torch.as_tensor(values) for name, values in batch.items()}
