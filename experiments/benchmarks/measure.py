"""Measurement shared by all benchmarks: core pinning, interleaved repeats, spread, and a record of the machine."""

from __future__ import annotations

import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from camshaft.experiments.terminal.provenance import commit, machine, versions
from camshaft.perception.runs.durable_files import write_json_durably


@dataclass(frozen=True)
class Rate:
    """A rate measured several times, per second.

    Attributes:
        values: one per repeat.
    """

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """Median over the repeats."""
        return statistics.median(self.values)

    def to_dict(self) -> dict[str, Any]:
        """For the results file."""
        return {
            "median": self.median,
            "lowest": min(self.values),
            "highest": max(self.values),
            "repeats": list(self.values),
        }

    def __str__(self) -> str:
        return f"{self.median:,.0f}  ({min(self.values):,.0f} – {max(self.values):,.0f})"


def interleaved(subjects: Mapping[str, Callable[[], float]], repeats: int) -> dict[str, Rate]:
    """Measure all subjects alternately, so that slowdowns of the machine affect all of them.

    Args:
        subjects: name to a function that runs for a while and returns its rate per second.
        repeats: after one unmeasured round of warm-up.
    """
    values: dict[str, list[float]] = {name: [] for name in subjects}
    for repeat in range(repeats + 1):
        for name, measure in subjects.items():
            rate = measure()
            if repeat > 0:
                values[name].append(rate)
    return {name: Rate(tuple(rates)) for name, rates in values.items()}


def rate_of(work: Callable[[], int], seconds: float) -> float:
    """Call `work`, which returns a number of items, for at least `seconds`; returns items per second."""
    done, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds or done == 0:
        done += work()
    return done / elapsed


class OwnProcess:
    """Work measured in its own process, because OpenGL contexts of two libraries interfere within one.

    Args:
        make: called in the process with `arguments`; returns the work for `rate_of`. Must be picklable: no closure.
        arguments: picklable.

    Raises:
        RuntimeError: `make` raised an error; the message has its type and message.
    """

    def __init__(self, make: Callable[..., Callable[[], int]], *arguments: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, make, arguments), daemon=True)
        self._process.start()
        error = self._pipe.recv()
        if error is not None:
            raise RuntimeError(error)

    def rate(self, seconds: float, cores: int) -> float:
        """As `rate_of`, on a number of cores."""
        self._pipe.send((seconds, cores))
        return float(self._pipe.recv())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pipe.send(None)
        self._process.join()


def _serve(pipe: Any, make: Callable[..., Callable[[], int]], arguments: Sequence[Any]) -> None:
    try:
        work = make(*arguments)
    except Exception as error:  # of any kind: it is raised in the parent process
        pipe.send(f"{type(error).__name__}: {error}")
        return
    pipe.send(None)
    while (order := pipe.recv()) is not None:
        seconds, cores = order
        with pinned(cores):
            rate = rate_of(work, seconds)
        pipe.send(rate)


@contextmanager
def pinned(cores: int | None) -> Iterator[None]:
    """Keep this thread, and those it starts, on the first `cores` of the cores it may use; None for all."""
    if cores is None or not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, set(sorted(before)[:cores]))
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def write_result(path: Path, settings: Mapping[str, Any], figures: Sequence[Mapping[str, Any]]) -> None:
    """Write the figures of a benchmark with the machine, versions and commit."""
    write_json_durably(
        path,
        {
            "when": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": machine(),
            "versions": versions(),
            "commit": commit(),
            "settings": dict(settings),
            "figures": [dict(figure) for figure in figures],
        },
    )
