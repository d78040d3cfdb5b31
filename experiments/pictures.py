"""Pictures in files."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from envs.errors import CamshaftError, CorruptFile
from perception.training.durable_files import named_disk_errors, write_durably


def write_picture(path: Path, picture: NDArray[np.uint8]) -> None:
    """Write (H, W, 3) RGB as PNG or JPEG, by the name's ending, whole or not at all."""
    try:
        good, data = cv2.imencode(path.suffix, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    except cv2.error as error:
        raise CamshaftError(f"{path} cannot be written: name a .png or .jpg file") from error
    assert good
    with named_disk_errors(path.parent):
        write_durably(path, lambda stream: stream.write(data.tobytes()))


def read_picture(path: Path) -> NDArray[np.uint8]:
    """(H, W, 3) RGB of an image file.

    Raises:
        CorruptFile: it is missing or no image.
    """
    if not path.is_file():
        raise CorruptFile(f"no image file at {path}")
    image = (
        cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
        if path.stat().st_size
        else None
    )
    if image is None:
        raise CorruptFile(f"{path} is not an image that can be read")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)
