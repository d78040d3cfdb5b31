"""A canvas for textures of signs, boards and vehicles: antialiased shapes from distance fields."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from camshaft.envs.driving.textures.lettering import strokes
from camshaft.envs.driving.textures.painting import Image
from camshaft.envs.rendering import Texture

Color = tuple[float, float, float]


class Canvas:
    """A canvas with x to the right and y up from its lower left corner.

    Args:
        pixels: width and height in pixels, powers of two.
        size: width and height in the units of the shapes.
        color: background color.
    """

    def __init__(self, pixels: tuple[int, int], size: tuple[float, float], color: Color) -> None:
        self._x = (np.arange(pixels[0]) + 0.5) * size[0] / pixels[0]
        self._y = (np.arange(pixels[1])[:, None] + 0.5) * size[1] / pixels[1]
        self._pixel = (size[0] / pixels[0], size[1] / pixels[1])
        self._light = np.tile(np.square(np.asarray(color, np.float64)), (pixels[1], pixels[0], 1))

    def circle(self, center: tuple[float, float], radius: float, color: Color) -> None:
        """Fill a circle."""
        self.fill(np.hypot(self._x - center[0], self._y - center[1]) - radius, color)

    def polygon(self, corners: ArrayLike, color: Color, rounding: float = 0.0) -> None:
        """Fill a convex polygon, corners counter-clockwise, expanded by `rounding`."""
        points = np.asarray(corners, np.float64)
        after = np.roll(points, -1, axis=0)
        if rounding > 0.0:
            near = self._from_segments(np.stack([points, after], axis=1)) - rounding
        edges = (after - points) / np.linalg.norm(after - points, axis=1, keepdims=True)
        inside = np.max(
            [(self._x - x) * dy - (self._y - y) * dx for (x, y), (dx, dy) in zip(points, edges, strict=True)],
            axis=0,
        )
        self.fill(np.minimum(inside, near) if rounding > 0.0 else inside, color)

    def lines(self, segments: ArrayLike, width: float, color: Color) -> None:
        """Draw (n, 2, 2) lines with round ends."""
        self.fill(self._from_segments(np.asarray(segments, np.float64)) - 0.5 * width, color)

    def text(
        self,
        text: str,
        center: tuple[float, float],
        height: float,
        color: Color,
        weight: float = 0.16,
        narrow: float = 1.0,
    ) -> None:
        """Draw a line of capitals and digits.

        Args:
            text: text of the line.
            center: center of the line.
            height: height of the letters.
            color: color of the letters.
            weight: width of the strokes relative to the height.
            narrow: scale of the width of the letters.
        """
        line = strokes(text) * [narrow, 1.0 - weight]
        middle = 0.5 * (line.reshape(-1, 2).min(axis=0) + line.reshape(-1, 2).max(axis=0))
        self.lines((line - [middle[0], 0.5 - 0.5 * weight]) * height + center, weight * height, color)

    def fill(self, distance: Image, color: Color) -> None:
        """Fill the pixels with a negative signed distance to a shape (positive outside)."""
        share = np.clip(0.5 - distance / max(self._pixel), 0.0, 1.0)[..., None]
        self._light += share * (np.square(color) - self._light)

    def texture(self, alpha: Image | None = None) -> Texture:
        """The texture of the canvas, with an optional (H, W) `alpha`."""
        image = np.sqrt(self._light)
        if alpha is not None:
            image = np.concatenate([image, alpha[..., None]], axis=2)
        return Texture(np.round(image * 255.0).astype(np.uint8))

    def _from_segments(self, segments: Image) -> Image:
        """(H, W) distance to the nearest of (n, 2, 2) segments."""
        nearest = np.full((len(self._y), len(self._x)), np.inf)
        for (x, y), (end_x, end_y) in segments:
            dx, dy = end_x - x, end_y - y
            length = max(dx * dx + dy * dy, 1e-12)
            share = np.clip(((self._x - x) * dx + (self._y - y) * dy) / length, 0.0, 1.0)
            away = np.square(self._x - x - share * dx) + np.square(self._y - y - share * dy)
            np.minimum(nearest, away, out=nearest)
        return np.sqrt(nearest)


def rectangle(left: float, bottom: float, right: float, top: float) -> Sequence[tuple[float, float]]:
    """Corners of an axis-aligned rectangle."""
    return (left, bottom), (right, bottom), (right, top), (left, top)
