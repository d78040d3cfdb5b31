"""Contact sheets: titled images side by side in one small JPEG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from camshaft.envs.arrays import Image

FONT = cv2.FONT_HERSHEY_SIMPLEX
BAR = 22  # height of a title, pixels
GAP = 4  # pixels between images
PAPER = (250, 250, 248)
INK = (25, 28, 32)
MAX_BYTES = 290_000


def contact_sheet(tiles: Mapping[str, Image] | Sequence[tuple[str, Image]], columns: int) -> Image:
    """(H, W, 3) tiles in rows, each below its title; all of the size of the first."""
    titled = list(tiles.items()) if isinstance(tiles, Mapping) else list(tiles)
    height, width = titled[0][1].shape[:2]
    rows = -(-len(tiles) // columns)
    sheet = np.full((rows * (height + BAR + GAP) + GAP, columns * (width + GAP) + GAP, 3), PAPER, np.uint8)
    for index, (title, image) in enumerate(titled):
        top = GAP + index // columns * (height + BAR + GAP)
        left = GAP + index % columns * (width + GAP)
        corner = (left + 2, top + BAR - 7)
        cv2.putText(sheet, title, corner, FONT, _scale(title, width), INK, 1, cv2.LINE_AA)
        sheet[top + BAR : top + BAR + height, left : left + width] = fitted(image, width, height)
    return sheet


def title_row(tiles: Mapping[str, Image], height: int) -> Image:
    """(H, W, 3) tiles side by side, each below its title, scaled to one height."""
    scaled = {
        title: fitted(tile, round(tile.shape[1] * height / tile.shape[0]), height)
        for title, tile in tiles.items()
    }
    return np.concatenate([contact_sheet({title: tile}, 1) for title, tile in scaled.items()], axis=1)


def filled(image: Image, width: int, height: int) -> Image:
    """The image, center-cropped and scaled to fill a tile."""
    tall, wide = image.shape[:2]
    across, down = min(wide, round(tall * width / height)), min(tall, round(wide * height / width))
    left, top = (wide - across) // 2, (tall - down) // 2
    return fitted(np.ascontiguousarray(image[top : top + down, left : left + across]), width, height)


def fitted(image: Image, width: int, height: int) -> Image:
    """The image, scaled to fit into a tile, on black."""
    if image.shape[:2] == (height, width):
        return image
    scale = min(width / image.shape[1], height / image.shape[0])
    size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    tile = np.zeros((height, width, 3), np.uint8)
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    method = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_NEAREST
    tile[top : top + size[1], left : left + size[0]] = cv2.resize(image, size, interpolation=method)
    return tile


def write_sheet(path: Path, sheet: Image) -> None:
    """Write a JPEG at the highest quality within `MAX_BYTES`."""
    bgr = cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR)
    for quality in range(92, 40, -4):
        settings = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_OPTIMIZE, 1]
        data = cv2.imencode(".jpg", bgr, settings)[1].tobytes()
        if len(data) <= MAX_BYTES:
            break
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    print(f"wrote {path}, {len(data) / 1e3:.0f} kB")


def _scale(title: str, width: int) -> float:
    """Font scale of a title that fits above an image."""
    (wanted, _), _ = cv2.getTextSize(title, FONT, 0.48, 1)
    return 0.48 * min(1.0, (width - 6) / wanted)
