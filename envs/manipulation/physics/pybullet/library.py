"""The PyBullet library and the data files that it ships, imported when first used."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from camshaft.envs.errors import CamshaftError, CorruptFile

MISSING = (
    "manipulation tasks need PyBullet, which is not installed: use Python 3.11 (PyBullet has no wheels for later "
    "versions) and pip install pybullet. Driving tasks work without it"
)


def load_pybullet() -> ModuleType:
    """The module `pybullet`.

    Raises:
        CamshaftError: PyBullet is not installed.
    """
    try:
        with _without_greeting():
            import pybullet
    except ImportError as error:
        raise CamshaftError(MISSING) from error
    return pybullet


@contextmanager
def _without_greeting() -> Iterator[None]:
    """Discard what the library prints when it is first imported: the time of its build, on the process's own stdout."""
    if "pybullet" in sys.modules or os.name != "posix":
        yield
        return
    libc = ctypes.CDLL(None)
    if sys.stdout is not None:
        sys.stdout.flush()
    libc.fflush(None)
    stdout = os.dup(1)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 1)
        yield
        libc.fflush(None)
    finally:
        os.dup2(stdout, 1)
        os.close(stdout)


def data_path(file: str) -> Path:
    """Path of a file of `pybullet_data`, given relative to that package.

    Raises:
        CamshaftError: PyBullet is not installed.
        CorruptFile: PyBullet is installed without this file.
    """
    try:
        import pybullet_data
    except ImportError as error:
        raise CamshaftError(MISSING) from error
    path = Path(pybullet_data.getDataPath()) / file
    if not path.is_file():
        raise CorruptFile(f"no file at {path}, which pybullet_data should have: reinstall pybullet")
    return path
