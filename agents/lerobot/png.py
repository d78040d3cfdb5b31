"""PNG images to and from memory, many at a time on all cores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from camshaft.envs.errors import CamshaftError, CorruptFile
from camshaft.envs.kernels import available_cores, run_chunks

# Level 1 with run-length strategy: the fastest setting that still compresses rendered frames well.
PNG_SETTINGS = (cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE)


def encode_png(images: NDArray[np.uint8]) -> list[bytes]:
    """Encode (N, H, W, 3) uint8 RGB images without loss, in order."""
    encoded: list[bytes] = [b""] * len(images)
    run_chunks(_encode_chunk, len(images), available_cores(), images, encoded)
    return encoded


def decode_png(encoded: Sequence[Any], out: NDArray[np.uint8], source: str) -> None:
    """Decode images in order into `out`.

    Args:
        encoded: N buffers (anything `memoryview` takes) of PNG images.
        out: (N, H, W, 3) uint8 RGB, filled in.
        source: the file they come from, for the error message.

    Raises:
        CorruptFile: an image cannot be decoded, or has another size.
    """
    run_chunks(_decode_chunk, len(encoded), available_cores(), encoded, out, source)


def _encode_chunk(start: int, stop: int, images: NDArray[np.uint8], encoded: list[bytes]) -> None:
    for index in range(start, stop):
        bgr = cv2.cvtColor(images[index], cv2.COLOR_RGB2BGR)
        done, buffer = cv2.imencode(".png", bgr, PNG_SETTINGS)
        if not done:
            raise CamshaftError(f"OpenCV cannot encode an image of shape {bgr.shape} as PNG")
        encoded[index] = buffer.tobytes()


def _decode_chunk(start: int, stop: int, encoded: Sequence[Any], out: NDArray[np.uint8], source: str) -> None:
    for index in range(start, stop):
        try:
            bgr = cv2.imdecode(np.frombuffer(encoded[index], np.uint8), cv2.IMREAD_COLOR)
        except cv2.error:
            bgr = None
        if bgr is None or bgr.shape != out.shape[1:]:
            found = "no image" if bgr is None else f"an image of shape {bgr.shape}"
            raise CorruptFile(f"{source}: {found} where an image of shape {out.shape[1:]} should be")
        cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB, dst=out[index])
