"""Image layouts: grids and titled rows of tiles, heat maps over frames, and scatter plots of thumbnails."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

from camshaft.envs.arrays import Image

Heat = NDArray[np.float32]

GAP = 4  # pixels between tiles
TITLE_HEIGHT = 16  # pixels above a row
BACKGROUND, TEXT_COLOR = 255, (30, 30, 34)
COLORMAP = "inferno"


def enlarged(image: Image, side: int) -> Image:
    """Resize an image so that its longer side has about `side` pixels; it is enlarged by a whole factor."""
    height, width = image.shape[:2]
    factor = side / max(height, width)
    if factor >= 1.0:
        return np.asarray(image.repeat(max(1, round(factor)), 0).repeat(max(1, round(factor)), 1))
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def grid(tiles: Sequence[Image], columns: int) -> Image:
    """Arrange tiles of the same size in a grid."""
    height, width = tiles[0].shape[:2]
    rows = -(-len(tiles) // columns)
    sheet = np.full((rows * (height + GAP) + GAP, columns * (width + GAP) + GAP, 3), BACKGROUND, np.uint8)
    for number, tile in enumerate(tiles):
        top, left = GAP + number // columns * (height + GAP), GAP + number % columns * (width + GAP)
        sheet[top : top + height, left : left + width] = tile
    return sheet


def stacked(rows: Sequence[tuple[str, Sequence[Image]]]) -> Image:
    """Stack rows of tiles vertically, each below its title."""
    lines = []
    for title, tiles in rows:
        height = max(tile.shape[0] for tile in tiles)
        width = sum(tile.shape[1] + GAP for tile in tiles) + GAP
        line = np.full((height + GAP + TITLE_HEIGHT, width, 3), BACKGROUND, np.uint8)
        origin = (GAP, TITLE_HEIGHT - 4)
        cv2.putText(line, title, origin, cv2.FONT_HERSHEY_SIMPLEX, 0.4, TEXT_COLOR, 1, cv2.LINE_AA)
        left = GAP
        for tile in tiles:
            line[TITLE_HEIGHT : TITLE_HEIGHT + tile.shape[0], left : left + tile.shape[1]] = tile
            left += tile.shape[1] + GAP
        lines.append(line)
    widest = max(line.shape[1] for line in lines)
    padded = [
        np.pad(line, ((0, 0), (0, widest - line.shape[1]), (0, 0)), constant_values=BACKGROUND)
        for line in lines
    ]
    return np.concatenate(padded)


def heat(values: Heat) -> Image:
    """Convert (H, W) values in [0, 1] to colors of a heat map."""
    return np.asarray(mpl.colormaps[COLORMAP](np.clip(values, 0.0, 1.0))[..., :3] * 255.0, np.uint8)


def heated(image: Image, values: Heat, strength: float = 0.65) -> Image:
    """Blend a heat map over a gray copy of an image; the opacity grows with the value."""
    gray = np.repeat(image.mean(axis=2, keepdims=True), 3, axis=2)
    opacity = strength * np.clip(values, 0.0, 1.0)[..., None]
    return np.asarray((1.0 - opacity) * gray + opacity * heat(values), np.uint8)


def scattered(positions: Heat, thumbnails: Sequence[Image], side: int = 900) -> Image:
    """Place thumbnails at (N, 2) positions in [0, 1] on a white square; later ones cover earlier ones."""
    height, width = thumbnails[0].shape[:2]
    sheet = np.full((side, side, 3), BACKGROUND, np.uint8)
    for (x, y), tile in zip(positions, thumbnails, strict=True):
        left, top = round(float(x) * (side - width)), round(float(1.0 - y) * (side - height))
        sheet[top : top + height, left : left + width] = tile
    return sheet
