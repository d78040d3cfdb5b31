"""Film strips: frames of a film at equal intervals in one image, for pages that cannot play it.

Run as `python -m camshaft.experiments.docs_media.film_strip FILM IMAGE`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

ROWS, COLUMNS = 2, 3
WIDTH = 420  # pixels of each frame


def film_strip(film: Path) -> NDArray[np.uint8]:
    """(H, W, 3) BGR image of frames spread over the film.

    Raises:
        SystemExit: the film cannot be read.
    """
    video = cv2.VideoCapture(str(film))
    length = int(video.get(cv2.CAP_PROP_FRAME_COUNT))
    frames = []
    for index in np.linspace(0.05, 0.95, ROWS * COLUMNS) * length:
        video.set(cv2.CAP_PROP_POS_FRAMES, int(index))
        found, frame = video.read()
        if not found:
            sys.exit(f"{film} cannot be read as a film")
        height = WIDTH * frame.shape[0] // frame.shape[1]
        frames.append(cv2.resize(frame, (WIDTH, height), interpolation=cv2.INTER_AREA))
    rows = [np.hstack(frames[row * COLUMNS : (row + 1) * COLUMNS]) for row in range(ROWS)]
    return np.vstack(rows)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    cv2.imwrite(sys.argv[2], film_strip(Path(sys.argv[1])))
