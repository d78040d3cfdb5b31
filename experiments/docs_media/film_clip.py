"""Film clips: some seconds of one film or of several side by side, as an animated image for pages.

Run as `python -m camshaft.experiments.docs_media.film_clip IMAGE.webp FILM...`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from PIL import Image as PillowImage

from camshaft.envs.arrays import Image

SECONDS, RATE = 10.0, 8.0  # length and frames per second of a clip
HEIGHT = 240  # pixels
QUALITY = 45  # of WebP, 0..100


def clip(films: Sequence[Path]) -> list[Image]:
    """Frames of the films side by side, each from its beginning; as many as the shortest has, and at most 10 s.

    Raises:
        SystemExit: a film cannot be read.
    """
    rows = zip(*(_frames(film) for film in films), strict=False)
    return [np.hstack(row) for row in islice(rows, int(SECONDS * RATE))]


def _frames(film: Path) -> Iterator[Image]:
    video = cv2.VideoCapture(str(film))
    stride = video.get(cv2.CAP_PROP_FPS) / RATE
    number, due = 0, 0.0
    while True:
        found, frame = video.read()
        if not found:
            if number == 0:
                sys.exit(f"{film} cannot be read as a film")
            return
        if number >= due:
            due += stride
            width = HEIGHT * frame.shape[1] // frame.shape[0]
            small = cv2.resize(frame, (width, HEIGHT), interpolation=cv2.INTER_AREA)
            yield cv2.cvtColor(small, cv2.COLOR_BGR2RGB)
        number += 1


def write_clip(path: Path, films: Sequence[Path]) -> None:
    """Write a clip as an animated image that repeats."""
    first, *others = [PillowImage.fromarray(frame) for frame in clip(films)]
    first.save(
        path,
        save_all=True,
        append_images=others,
        duration=round(1000.0 / RATE),
        loop=0,
        quality=QUALITY,
        method=6,
    )


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    write_clip(Path(sys.argv[1]), [Path(film) for film in sys.argv[2:]])
