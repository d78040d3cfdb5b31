"""Writing of image files."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from camshaft.envs.errors import CamshaftError
from camshaft.perception.runs.durable_files import named_disk_errors, write_durably


def write_image(path: Path, image: NDArray[np.uint8]) -> None:
    """Write (H, W, 3) RGB as PNG or JPEG, by the file extension, atomically."""
    try:
        good, data = cv2.imencode(path.suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    except cv2.error as error:
        raise CamshaftError(f"{path} cannot be written: name a .png or .jpg file") from error
    assert good
    with named_disk_errors(path.parent):
        write_durably(path, lambda stream: stream.write(data.tobytes()))
