"""Compiled kernels: one decorator that caches and announces, and one thread pool per process."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import re
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numba
from numba.core import event

from camshaft.envs.errors import InvalidOption

IMPORTS = re.compile(r"^from camshaft\.(envs[.\w]*) import (\([^)]*\)|.*)$", re.MULTILINE)
NAMES = re.compile(r"\w+")

_executors: dict[int, ThreadPoolExecutor] = {}


def inlined(function: Callable[..., Any]) -> Any:
    """A kernel that is always inlined where it is called: many arrays as arguments then cost nothing."""
    return kernel(function, inline=True)


def kernel(function: Callable[..., Any], inline: bool = False) -> Any:
    """Compile a function with Numba: GIL released, strict floating point, cached on disk.

    A kernel writes into the arrays that it is given, and makes none: reference counts of arrays, which would take up
    to a third of a frame's time, are switched off.

    The cache lives in a folder named after the content of every kernel module of the same area (`envs/driving`,
    `envs/rendering`, …) and of what these import, from which kernels take constants. Numba alone checks only the
    file that a kernel stands in, and would go on using machine code of what has changed in the next file. A kernel
    calls kernels of its own area only.
    """
    with _cache_folder(_kernel_cache(_area(Path(function.__code__.co_filename)))):
        return numba.njit(
            function, nogil=True, cache=True, error_model="numpy", forceinline=inline, _nrt=False
        )


def run_chunks(function: Callable[..., None], count: int, num_threads: int, *args: Any) -> None:
    """Call `function(start, stop, *args)` over [0, count) cut into at most `num_threads` chunks.

    Numba's own `prange` is not used: its OpenMP layer kills forked children and its workqueue layer does not
    allow two threads to enter. Kernels that release the GIL on a plain pool scale as well.
    """
    chunks = min(num_threads, count)
    if chunks <= 1:
        function(0, count, *args)
        return
    edges = [count * chunk // chunks for chunk in range(chunks + 1)]
    executor = _executor(num_threads)
    futures = [executor.submit(function, start, stop, *args) for start, stop in itertools.pairwise(edges[1:])]
    function(edges[0], edges[1], *args)
    for future in futures:
        future.result()


def check_num_threads(num_threads: int | None, num_worlds: int) -> int:
    """Number of threads to render with: as asked, or one per available core and never more than worlds."""
    if num_threads is None:
        return max(1, min(available_cores(), num_worlds))
    if not isinstance(num_threads, int) or isinstance(num_threads, bool) or num_threads < 1:
        raise InvalidOption(f"num_threads must be a whole number of at least 1, got {num_threads!r}")
    return num_threads


def available_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _executor(num_threads: int) -> ThreadPoolExecutor:
    if num_threads not in _executors:
        _executors[num_threads] = ThreadPoolExecutor(num_threads - 1, thread_name_prefix="camshaft")
    return _executors[num_threads]


os.register_at_fork(after_in_child=_executors.clear)


def cache_root() -> Path:
    """Folder of what is made once a machine: `CAMSHAFT_CACHE`, by default ~/.cache/camshaft."""
    return Path(os.environ.get("CAMSHAFT_CACHE") or Path.home() / ".cache" / "camshaft")


def _cache_root() -> Path:
    return cache_root() / "kernels"


def _area(file: Path) -> Path:
    """The folder right below this one that a file stands in; that of the file itself, when it is elsewhere."""
    root = Path(__file__).parent
    return root / file.relative_to(root).parts[0] if root in file.parents else file.parent


def kernel_sources(package: Path) -> set[Path]:
    """Files of a folder that hold kernels, and those of its own top package that they import, directly or not."""
    top = Path(__file__).parent
    marks = (b"@kernel", b"@inlined", b"@intrinsic")
    waiting = [path for path in package.rglob("*.py") if any(mark in path.read_bytes() for mark in marks)]
    sources: set[Path] = set()
    while waiting:
        path = waiting.pop()
        if path in sources:
            continue
        sources.add(path)
        for module, names in IMPORTS.findall(path.read_text("utf-8")):
            place = top.joinpath(*module.split(".")[1:])
            places = [place.with_suffix(".py"), *(place / f"{name}.py" for name in NAMES.findall(names))]
            waiting += [each for each in places if each.is_file()]
    return sources


@cache
def _kernel_cache(package: Path) -> str:
    digest = hashlib.sha256(f"numba {numba.__version__}".encode() + Path(__file__).read_bytes())
    for path in sorted(kernel_sources(package)):
        digest.update(path.read_bytes())
    return str(_cache_root() / f"{package.name}-{digest.hexdigest()[:16]}")


@contextlib.contextmanager
def _cache_folder(folder: str) -> Iterator[None]:
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = folder
    try:
        yield
    finally:
        numba.config.CACHE_DIR = before


class _Announcer(event.Listener):  # type: ignore[misc]
    """Says once per process that kernels are being compiled: the wait is long, and happens once a machine."""

    announced = False

    def on_start(self, event: Any) -> None:
        module = str(event.data["dispatcher"].py_func.__module__)
        if not _Announcer.announced and module.startswith("camshaft.envs."):
            _Announcer.announced = True
            print(
                "Camshaft: compiling kernels for this machine (half a minute to a minute and a half, once for each "
                f"kind of task; kept in {_cache_root()})",
                file=sys.stderr,
                flush=True,
            )

    def on_end(self, event: Any) -> None:
        """The end of a compilation needs no word."""


event.register("numba:compile", _Announcer())
