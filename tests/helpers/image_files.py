"""Images that tests of readers write, and the real sets where they are at hand."""

import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

REAL = Path(__file__).resolve().parents[3] / "shared" / "data"


def write_image(path, value, size=(12, 16)):
    """One color, red = value, in a lossless file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.zeros((*size, 3), np.uint8)
    image[...] = (0, 50, value % 256)  # blue, green, red
    cv2.imwrite(str(path), image)


def unpacked(name, folder, keep=lambda name: True):
    if not (REAL / name).is_file():
        pytest.skip(f"{name} is not at hand")
    with zipfile.ZipFile(REAL / name) as archive:
        for member in archive.namelist():
            if keep(member):
                archive.extract(member, folder)
    return folder
