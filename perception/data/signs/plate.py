"""Canvas for the face of a sign: antialiased shapes, lines and lettering."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from camshaft.envs.driving.textures.lettering import strokes

Color = tuple[float, float, float]
Point = tuple[float, float]

PIXELS = 64  # side of a face
OVERSAMPLING = 4
FRACTION_BITS = 6  # of the fixed-point pixel coordinates of OpenCV


@dataclass(frozen=True)
class Style:
    """Style of a sign manufacturer: colors, widths, proportions.

    Attributes:
        red, blue, yellow, white, black: colors in [0, 1].
        border: width of the red border, relative to the radius.
        weight: stroke width of letters, relative to their height.
        narrow: factor of the width of letters.
        scale: scale of the content within the border.
        shift: shift of the content within the border, in radii.
        rim: width of the white rim outside of the border.
    """

    red: Color
    blue: Color
    yellow: Color
    white: Color
    black: Color
    border: float
    weight: float
    narrow: float
    scale: float
    shift: Point
    rim: float


def sample_style(rng: np.random.Generator) -> Style:
    """Sample a random style."""

    def near(color: Color, spread: float) -> Color:
        red, green, blue = np.clip(np.asarray(color) + rng.normal(0.0, spread, 3), 0.0, 1.0)
        return float(red), float(green), float(blue)

    return Style(
        red=near((0.76, 0.08, 0.10), 0.05),
        blue=near((0.06, 0.28, 0.66), 0.05),
        yellow=near((0.96, 0.72, 0.10), 0.04),
        white=near((0.93, 0.93, 0.92), 0.03),
        black=near((0.06, 0.06, 0.07), 0.03),
        border=float(rng.uniform(0.17, 0.26)),
        weight=float(rng.uniform(0.14, 0.21)),
        narrow=float(rng.uniform(0.78, 1.02)),
        scale=float(rng.uniform(0.90, 1.10)),
        shift=(float(rng.normal(0.0, 0.02)), float(rng.normal(0.0, 0.02))),
        rim=float(rng.uniform(0.0, 0.07)),
    )


class Plate:
    """Canvas for a face within the square from -1 to 1, x to the right and y up.

    Args:
        style: style of the sign.

    Attributes:
        style: as given.
    """

    def __init__(self, style: Style) -> None:
        self.style = style
        side = PIXELS * OVERSAMPLING
        self._colors = np.full((side, side, 3), _bytes(style.white), np.uint8)
        self._alpha = np.zeros((side, side), np.uint8)
        self._scale, self._shift = 1.0, np.zeros(2)

    def cut(self, corners: ArrayLike) -> None:
        """Cut the plate to a polygon."""
        cv2.fillPoly(self._alpha, [self._pixels(corners)], 255, cv2.LINE_AA, FRACTION_BITS)

    def cut_disc(self, radius: float = 1.0) -> None:
        """Cut the plate to a disc."""
        self.cut(disc_corners((0.0, 0.0), radius))

    def apply_style_transform(self) -> None:
        """Apply the scale and shift of the style to everything that is painted from now on."""
        self._scale, self._shift = self.style.scale, np.asarray(self.style.shift)

    def polygon(self, corners: ArrayLike, color: Color) -> None:
        """Fill a polygon, convex or not."""
        cv2.fillPoly(self._colors, [self._pixels(corners)], _bytes(color), cv2.LINE_AA, FRACTION_BITS)

    def disc(self, center: Point, radius: float, color: Color) -> None:
        """Fill a disc."""
        self.polygon(disc_corners(center, radius), color)

    def ring(self, center: Point, radius: float, width: float, color: Color) -> None:
        """Draw a circle."""
        self.line(disc_corners(center, radius), width, color, closed=True)

    def line(self, points: ArrayLike, width: float, color: Color, closed: bool = False) -> None:
        """Draw a line through points, with round ends."""
        pixels = max(1, round(width * self._scale * self._half))
        cv2.polylines(
            self._colors,
            [self._pixels(points)],
            closed,
            _bytes(color),
            pixels,
            cv2.LINE_AA,
            FRACTION_BITS,
        )

    def arrow(self, points: ArrayLike, width: float, color: Color, head: float = 2.4) -> None:
        """Draw an arrow along points, with its tip at the last; `head` is the relative width of the head."""
        line = np.array(points, np.float64)
        tip, direction = line[-1].copy(), line[-1] - line[-2]
        direction = direction / np.linalg.norm(direction)
        left = np.array([-direction[1], direction[0]])
        line[-1] = tip - 0.8 * head * width * direction
        self.line(line, width, color)
        back, side = tip - 1.05 * head * width * direction, 0.62 * head * width * left
        self.polygon([tip, back + side, back - side], color)

    def text(self, text: str, height: float, color: Color, narrow: float = 1.0, thin: float = 1.0) -> None:
        """Write a centered line of capitals and digits; `thin` is a factor of the style's stroke width."""
        weight = thin * self.style.weight
        line = strokes(text) * [narrow * self.style.narrow, 1.0 - weight]
        middle = 0.5 * (line.reshape(-1, 2).min(axis=0) + line.reshape(-1, 2).max(axis=0))
        for segment in (line - middle) * height:
            self.line(segment, weight * height, color)

    def image(self) -> NDArray[np.uint8]:
        """(PIXELS, PIXELS, 4) RGBA image of the face; colors are defined beyond its outline as well."""
        rgba = np.dstack([self._colors, self._alpha])
        return np.asarray(cv2.resize(rgba, (PIXELS, PIXELS), interpolation=cv2.INTER_AREA), np.uint8)

    @property
    def _half(self) -> float:
        return 0.5 * PIXELS * OVERSAMPLING

    def _pixels(self, points: ArrayLike) -> NDArray[np.int32]:
        positions = np.asarray(points, np.float64).reshape(-1, 2) * self._scale + self._shift
        pixels = (positions * [1.0, -1.0] + 1.0) * self._half - 0.5
        return np.round(pixels * 2**FRACTION_BITS).astype(np.int32)


def disc_corners(center: Point, radius: float) -> NDArray[np.float64]:
    """(48, 2) corners of a polygon that approximates a circle."""
    angles = np.linspace(0.0, 2.0 * np.pi, 48, endpoint=False)
    return np.asarray(center) + radius * np.column_stack([np.cos(angles), np.sin(angles)])


def _bytes(color: Color) -> tuple[float, float, float]:
    red, green, blue = (round(255.0 * value) for value in color)
    return red, green, blue
