"""Pictures of what was found: rows of tiles with titles, heat over frames, thumbnails on a map."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

from camshaft.envs.arrays import Image

Heat = NDArray[np.float32]

GAP = 4
TITLE = 16  # pixels above a row
PAPER, INK = 255, (30, 30, 34)
HEAT = "inferno"


def enlarged(picture: Image, side: int) -> Image:
    """A picture with its longer side at about `side` pixels: whole pixels where it grows."""
    height, width = picture.shape[:2]
    factor = side / max(height, width)
    if factor >= 1.0:
        return np.asarray(picture.repeat(max(1, round(factor)), 0).repeat(max(1, round(factor)), 1))
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def grid(tiles: Sequence[Image], columns: int) -> Image:
    """Tiles of one size in rows."""
    height, width = tiles[0].shape[:2]
    rows = -(-len(tiles) // columns)
    sheet = np.full((rows * (height + GAP) + GAP, columns * (width + GAP) + GAP, 3), PAPER, np.uint8)
    for number, tile in enumerate(tiles):
        top, left = GAP + number // columns * (height + GAP), GAP + number % columns * (width + GAP)
        sheet[top : top + height, left : left + width] = tile
    return sheet


def stacked(rows: Sequence[tuple[str, Sequence[Image]]]) -> Image:
    """Rows of tiles below each other, a title over each."""
    lines = []
    for title, tiles in rows:
        height = max(tile.shape[0] for tile in tiles)
        width = sum(tile.shape[1] + GAP for tile in tiles) + GAP
        line = np.full((height + GAP + TITLE, width, 3), PAPER, np.uint8)
        cv2.putText(line, title, (GAP, TITLE - 4), cv2.FONT_HERSHEY_SIMPLEX, 0.4, INK, 1, cv2.LINE_AA)
        left = GAP
        for tile in tiles:
            line[TITLE : TITLE + tile.shape[0], left : left + tile.shape[1]] = tile
            left += tile.shape[1] + GAP
        lines.append(line)
    widest = max(line.shape[1] for line in lines)
    return np.concatenate(
        [np.pad(line, ((0, 0), (0, widest - line.shape[1]), (0, 0)), constant_values=PAPER) for line in lines]
    )


def heat(values: Heat) -> Image:
    """(H, W) in 0..1 as colors."""
    return np.asarray(mpl.colormaps[HEAT](np.clip(values, 0.0, 1.0))[..., :3] * 255.0, np.uint8)


def heated(picture: Image, values: Heat, strength: float = 0.65) -> Image:
    """Heat over a gray copy of a frame, the more the hotter."""
    gray = np.repeat(picture.mean(axis=2, keepdims=True), 3, axis=2)
    share = strength * np.clip(values, 0.0, 1.0)[..., None]
    return np.asarray((1.0 - share) * gray + share * heat(values), np.uint8)


def scattered(places: Heat, thumbnails: Sequence[Image], side: int = 900) -> Image:
    """Thumbnails at (N, 2) places in 0..1 of a white square, the later over the earlier."""
    height, width = thumbnails[0].shape[:2]
    sheet = np.full((side, side, 3), PAPER, np.uint8)
    for (x, y), tile in zip(places, thumbnails, strict=True):
        left, top = round(float(x) * (side - width)), round(float(1.0 - y) * (side - height))
        sheet[top : top + height, left : left + width] = tile
    return sheet
