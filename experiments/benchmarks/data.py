"""Training speed on data rendered on the fly, compared with data in memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any

import torch
from rich.table import Table

from camshaft.envs.errors import InvalidOption
from camshaft.experiments.benchmarks.measure import Rate, interleaved, write_result
from camshaft.experiments.terminal.console import Console
from camshaft.perception.classification.classifier import create_classifier
from camshaft.perception.data.objects import CLASSES, ObjectImages
from camshaft.perception.data.simulated import FrameStream, SimulatedFrames
from camshaft.perception.data.stored import StoredFrames, write_frames
from camshaft.perception.training.batches import Batch
from camshaft.perception.training.hardware import Hardware, choose_hardware, keep_freed_memory
from camshaft.perception.training.reading import read_batches
from camshaft.perception.training.samples import TensorSamples

CACHED, STORED, RENDERED = "in memory", "stored on disk", "rendered on the fly"


@dataclass(frozen=True)
class DataConfig:
    """Measure training images per second on data rendered on the fly, compared with data in memory.

    Training steps of a classifier (forward, backward, SGD) on the object benchmark and on a task's frames with depth
    and segmentation, alternating between data in memory, on disk (frames only) and rendered on the fly. "Own time" is
    the CPU time of the training thread plus its waiting for data, which is robust to other load on the machine.

    For example: camshaft bench data --model resnet18
    """

    model: str = "policy_resnet"
    """Encoder to train."""
    task: str = "camshaft/LaneKeeping-v0"
    """Task whose frames are rendered."""
    size: int = 84
    """Width and height of the images in pixels."""
    batch_size: int = 64
    """Images per step."""
    images: int = 2048
    """Images in memory and on disk."""
    seconds: float = 6.0
    """Length of one measurement in seconds."""
    repeats: int = 3
    """Measurements per subject, after one of warm-up."""
    threads: int = 1
    """Threads of PyTorch."""
    drawing_threads: int = 1
    """Rendering threads per process."""
    workers: int = 0
    """Rendering processes; 0 to render in the training process."""
    device: str = "auto"
    """auto, cpu or cuda."""
    out: Path = Path("runs/bench/data.json")
    """Results file, with machine, versions and commit."""


def run(config: DataConfig) -> None:
    """Measure, print the table and write the file."""
    if (
        min(config.batch_size, config.repeats, config.threads, config.drawing_threads) < 1
        or config.workers < 0
        or config.images < config.batch_size
        or config.seconds <= 0
    ):
        raise InvalidOption(
            "batch_size, repeats, threads and drawing_threads must be at least 1, workers at least 0, images at least "
            "batch_size, seconds more than 0"
        )
    torch.set_num_threads(config.threads)
    hardware = choose_hardware(config.device)
    folder = config.out.parent / "data"
    figures: list[dict[str, Any]] = []
    with keep_freed_memory():
        for name, sources in (("objects", _objects(config)), (config.task, _frames(config, folder))):
            step = _Step(config.model, hardware)
            subjects = {kind: _Runner(step, batches, config.seconds) for kind, batches in sources.items()}
            rates = interleaved(subjects, config.repeats)
            _print(name, rates, subjects)
            figures += [
                {
                    "data": name,
                    "kind": kind,
                    **rate.to_dict(),
                    "share_of_cached": rate.median / rates[CACHED].median,
                    "waiting_share": subjects[kind].waiting_share,
                    "own_rate": subjects[kind].own_rate,
                    "own_share_of_cached": subjects[kind].own_rate / subjects[CACHED].own_rate,
                }
                for kind, rate in rates.items()
            ]
    settings = {**asdict(config), "out": str(config.out), "hardware": hardware.description()}
    write_result(config.out, settings, figures)
    Console().print(f"Figures in {config.out}")


def _objects(config: DataConfig) -> dict[str, Iterator[Batch]]:
    """Batches of the object benchmark, from memory and rendered on the fly."""
    images = ObjectImages("train", config.size, num_threads=config.drawing_threads)
    cached = TensorSamples(images.fetch(range(config.images)))
    return {CACHED: _read(cached, config), RENDERED: _read(images, config, config.workers)}


def _frames(config: DataConfig, folder: Path) -> dict[str, Iterator[Batch]]:
    """Batches of a task's frames, from memory, from disk and rendered on the fly."""
    options: dict[str, Any] = {
        "camera": (config.size, config.size),
        "num_threads": config.drawing_threads,
        "workers": config.workers,
    }
    labels = ("rgb", "depth", "segmentation")
    with SimulatedFrames(config.task, labels, batch_size=config.batch_size, **options) as frames:
        arrays = frames.collect(config.images)
    about = {"task": config.task, "size": config.size, "frames": config.images}
    stored = folder / f"{config.task.rpartition('/')[2]}-{config.size}-{config.images}"
    write_frames(stored, lambda _: arrays, 1, about, resume=True)
    return {
        CACHED: _read(TensorSamples(arrays), config),
        STORED: _read(StoredFrames(stored), config),
        RENDERED: FrameStream(config.task, labels, **options).batches(0, config.batch_size),
    }


def _read(images: Any, config: DataConfig, workers: int = 0) -> Iterator[Batch]:
    """Infinite stream of prefetched batches, in random order."""
    for epoch in count():
        order = torch.randperm(len(images), generator=torch.Generator().manual_seed(epoch))
        rows = order[: len(order) // config.batch_size * config.batch_size].split(config.batch_size)
        yield from read_batches(images, rows, lambda batch: batch, workers)


class _Step:
    """Training step of a classifier."""

    def __init__(self, model: str, hardware: Hardware) -> None:
        self._hardware = hardware
        classifier = create_classifier(model, len(CLASSES))
        self._model = classifier.to(hardware.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._model.train()
        self._optimizer = torch.optim.SGD(self._model.parameters(), 0.001, momentum=0.9)

    def __call__(self, batch: Batch) -> int:
        moved = {name: values.to(self._hardware.device, non_blocking=True) for name, values in batch.items()}
        self._optimizer.zero_grad()
        with self._hardware.autocast():
            outputs = self._model(moved["rgb"])
        logits = outputs[0] if isinstance(outputs, tuple) else outputs
        logits.float().logsumexp(dim=1).mean().backward()  # costs what any loss on the outputs costs
        self._optimizer.step()
        if self._hardware.device.type == "cuda":
            torch.cuda.synchronize()
        return len(batch["rgb"])


class _Runner:
    """Measurement of images per second; the first call, which starts the data source, is warm-up."""

    def __init__(self, step: Callable[[Batch], int], batches: Iterator[Batch], seconds: float) -> None:
        self._step, self._batches, self._seconds = step, batches, seconds
        self._waited = self._elapsed = self._worked = 0.0
        self._done = 0
        self._warm = False

    @property
    def waiting_share(self) -> float:
        """Fraction of the time that training waited for data."""
        return self._waited / max(self._elapsed, 1e-9)

    @property
    def own_rate(self) -> float:
        """Images per second of this thread's CPU time plus waiting for data."""
        return self._done / max(self._worked + self._waited, 1e-9)

    def __call__(self) -> float:
        done, waited, worked, start = 0, 0.0, 0.0, time.perf_counter()
        while (elapsed := time.perf_counter() - start) < self._seconds or done == 0:
            asked = time.perf_counter()
            batch = next(self._batches)
            waited += time.perf_counter() - asked
            begun = time.thread_time()
            done += self._step(batch)
            worked += time.thread_time() - begun
        if self._warm:
            self._elapsed += elapsed
            self._waited += waited
            self._worked += worked
            self._done += done
        self._warm = True
        return done / elapsed


def _print(name: str, rates: dict[str, Rate], runners: dict[str, _Runner]) -> None:
    table = Table(title=f"Training images per second, {name}")
    table.add_column("data")
    table.add_column("images/s, median (range)", justify="right")
    table.add_column("of that in memory", justify="right")
    table.add_column("waiting", justify="right")
    table.add_column("images/s of own time", justify="right")
    table.add_column("of that in memory", justify="right")
    for kind, rate in rates.items():
        own = runners[kind].own_rate
        table.add_row(
            kind,
            str(rate),
            f"{rate.median / rates[CACHED].median:.1%}",
            f"{runners[kind].waiting_share:.1%}",
            f"{own:,.0f}",
            f"{own / runners[CACHED].own_rate:.1%}",
        )
    Console().print(table)
