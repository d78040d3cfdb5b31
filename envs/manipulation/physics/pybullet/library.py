"""The PyBullet library and the data files that it ships, imported when first used."""

from __future__ import annotations

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
        import pybullet
    except ImportError as error:
        raise CamshaftError(MISSING) from error
    return pybullet


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
