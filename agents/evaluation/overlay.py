"""Instruments in a film of an episode: what the policy sees and does, and the metrics of the task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from camshaft.envs.arrays import Image

Color = tuple[int, int, int]

WHITE: Color = (245, 245, 245)
GRAY: Color = (150, 156, 164)
TRACK: Color = (70, 76, 86)
POLICY: Color = (255, 167, 38)
EXPERT: Color = (102, 187, 255)
GOOD: Color = (102, 204, 136)
BAD: Color = (239, 83, 80)

FONT = cv2.FONT_HERSHEY_SIMPLEX
CAPITAL_HEIGHT = 21.0  # pixels at scale 1

PANEL: Color = (18, 22, 28)
PANEL_OPACITY = 0.78
PANEL_HEIGHT = 0.17  # of a 16:9 frame's height
VIEW_WIDTH = 0.34  # of the frame's width
SUPERSAMPLING = 2
SMALLEST = (360, 640)  # height, width that the text is legible at
LABEL, VALUE = 0.32, 0.76  # base lines of the two rows of text, of the panel's height
FULL_STEERING = 0.4  # of the range that a bar shows of steering along a lane; bends rarely need more
MAX_LATERAL_ERROR = 1.0  # meters; the safety driver takes over beyond it


@dataclass(frozen=True)
class Reading:
    """One figure of the panel.

    Attributes:
        label: in capitals.
        text: the value with its unit.
        color: of the text.
    """

    label: str
    text: str
    color: Color = WHITE


@dataclass(frozen=True)
class Instruments:
    """What the panel shows of one moment of an episode.

    Attributes:
        time: seconds since the start.
        readings: at most three figures.
        action: (A,) the policy's, each in [-1, 1]; None for discrete actions.
        expert_action: (A,) the expert's, likewise.
        lateral_error: meters off the middle of a lane, left positive; None where there is none.
    """

    time: float
    readings: Sequence[Reading] = ()
    action: NDArray[np.float32] | None = None
    expert_action: NDArray[np.float32] | None = None
    lateral_error: float | None = None


def annotate(frame: Image, shown: Instruments, view: Image | None = None) -> Image:
    """Add a panel of instruments below, and the policy's view in the upper left corner of, a frame.

    Args:
        frame: (H, W, 3) uint8 RGB; a small one is enlarged until text is legible.
        shown: the instruments.
        view: (h, w, 3) uint8 RGB, what the policy sees.

    Returns:
        (H', W', 3) uint8 RGB with even sides.
    """
    canvas = _enlarged(frame)
    height, width = canvas.shape[:2]
    if view is not None:
        _inset(canvas, view)
    panel_height = round(min(height * PANEL_HEIGHT, width * PANEL_HEIGHT * 9 / 16))
    panel = _draw_panel(panel_height, width, shown)
    strip = canvas[height - panel_height :]
    strip[:] = cv2.addWeighted(strip, 1.0 - PANEL_OPACITY, panel, PANEL_OPACITY, 0.0)
    bright = panel.max(axis=2) > 60
    strip[bright] = panel[bright]
    return canvas


def _enlarged(frame: Image) -> Image:
    """A copy with even sides, at least as large as `SMALLEST`."""
    height, width = frame.shape[:2]
    factor = max(1.0, SMALLEST[0] / height, SMALLEST[1] / width)
    size = (round(width * factor / 2) * 2, round(height * factor / 2) * 2)
    if size == (width, height):
        return frame.copy()
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_CUBIC), np.uint8)


def _inset(canvas: Image, view: Image) -> None:
    """Put the policy's view into the upper left corner, in a frame."""
    height, width = canvas.shape[:2]
    margin = height // 36
    scale = min(width * VIEW_WIDTH / view.shape[1], height * 0.4 / view.shape[0])
    size = (int(view.shape[1] * scale), int(view.shape[0] * scale))
    shown = cv2.resize(view, size, interpolation=cv2.INTER_LINEAR if scale < 4 else cv2.INTER_NEAREST)
    border = max(1, height // 240)
    cv2.rectangle(
        canvas,
        (margin - border, margin - border),
        (margin + size[0] + border - 1, margin + size[1] + border - 1),
        WHITE,
        -1,
    )
    canvas[margin : margin + size[1], margin : margin + size[0]] = shown


def _draw_panel(height: int, width: int, shown: Instruments) -> Image:
    """(height, width, 3) strip: time, readings, actions of the policy and the expert, position in the lane."""
    pen = _Pen(height, width)
    minutes, seconds = divmod(shown.time, 60.0)
    cells = [Reading("TIME", f"{int(minutes)}:{seconds:04.1f}"), *shown.readings]
    for number, reading in enumerate(cells[:4]):
        left = 0.03 + 0.145 * number
        pen.text(reading.label, left, LABEL, 0.13, GRAY, limit=0.127)
        pen.text(reading.text, left, VALUE, 0.26, reading.color, limit=0.127)
    if shown.action is not None:
        _draw_actions(pen, shown)
    if shown.lateral_error is not None:
        error, size = shown.lateral_error, abs(shown.lateral_error)
        half = 0.5 * MAX_LATERAL_ERROR
        color = GOOD if size <= half else POLICY if size <= MAX_LATERAL_ERROR else BAD
        pen.text("OFF CENTER", 0.82, LABEL, 0.13, GRAY, limit=0.09)
        pen.text(f"{size:.2f} m", 0.97, LABEL, 0.13, color, to_the_left=True, limit=0.05)
        pen.gauge(0.82, 0.97, 0.65, error / (1.5 * MAX_LATERAL_ERROR), color)
    return pen.image()


def _draw_actions(pen: _Pen, shown: Instruments) -> None:
    """A bar for every number of the action, the policy's above the expert's."""
    assert shown.action is not None
    right = 0.79 if shown.lateral_error is not None else 0.97
    has_expert = shown.expert_action is not None
    third = (right - 0.62) / 3
    pen.text("ACTION", 0.62, LABEL, 0.13, GRAY, limit=0.92 * third)
    pen.text("policy", right - third * has_expert, LABEL, 0.13, POLICY, to_the_left=True, limit=0.92 * third)
    if has_expert:
        pen.text("expert", right, LABEL, 0.13, EXPERT, to_the_left=True, limit=0.92 * third)
    count = len(shown.action)
    width = (right - 0.62) / count
    scale = FULL_STEERING if shown.lateral_error is not None else 1.0
    for number in range(count):
        left = 0.62 + width * number
        end = left + width - (0.012 if count > 1 else 0.0)
        reach = scale if number == 0 else 1.0
        pen.bar(left, end, 0.54, float(shown.action[number]) / reach, POLICY)
        if shown.expert_action is not None:
            pen.bar(left, end, 0.76, float(shown.expert_action[number]) / reach, EXPERT)


class _Pen:
    """Draws on a strip at twice its size, for smooth edges; positions are fractions of width and height."""

    def __init__(self, height: int, width: int) -> None:
        self._size = (width, height)
        self._height, self._width = height * SUPERSAMPLING, width * SUPERSAMPLING
        self._canvas = np.full((self._height, self._width, 3), PANEL, np.uint8)

    def text(
        self,
        text: str,
        x: float,
        y: float,
        size: float,
        color: Color,
        to_the_left: bool = False,
        limit: float = 1.0,
    ) -> None:
        """Text on the base line y, with capitals of height `size`, that starts (or ends: `to_the_left`) at x.

        It is made smaller where it would be wider than `limit`.
        """
        scale = size * self._height / CAPITAL_HEIGHT
        thickness = max(1, round(size * self._height / 9))
        (width, _), _ = cv2.getTextSize(text, FONT, scale, thickness)
        if width > limit * self._width:
            scale *= limit * self._width / width
            (width, _), _ = cv2.getTextSize(text, FONT, scale, thickness)
        place = (round(x * self._width) - to_the_left * width, round(y * self._height))
        cv2.putText(self._canvas, text, place, FONT, scale, color, thickness, cv2.LINE_AA)

    def bar(self, left: float, right: float, y: float, value: float, color: Color) -> None:
        """A bar from the middle of [left, right], to the left for positive values in [-1, 1]."""
        self._box(left, right, y, 0.12, TRACK)
        middle, half = 0.5 * (left + right), 0.5 * (right - left)
        end = middle - half * float(np.clip(value, -1.0, 1.0))
        self._box(min(middle, end), max(middle, end), y, 0.12, color)
        self._box(middle - 0.001, middle + 0.001, y, 0.2, WHITE)

    def gauge(self, left: float, right: float, y: float, value: float, color: Color) -> None:
        """The lane from above: limits a third from the ends, a dot where the car is, left positive."""
        self._box(left, right, y, 0.05, TRACK)
        middle, half = 0.5 * (left + right), 0.5 * (right - left)
        for limit in (-2 / 3, 2 / 3):
            self._box(middle + half * limit - 0.0015, middle + half * limit + 0.0015, y, 0.34, GRAY)
        self._box(middle - 0.001, middle + 0.001, y, 0.2, WHITE)
        place = middle - half * float(np.clip(value, -1.0, 1.0))
        center = (round(place * self._width), round(y * self._height))
        cv2.circle(self._canvas, center, round(0.1 * self._height), color, -1, cv2.LINE_AA)

    def image(self) -> Image:
        """The strip at its own size."""
        return np.asarray(cv2.resize(self._canvas, self._size, interpolation=cv2.INTER_AREA), np.uint8)

    def _box(self, left: float, right: float, y: float, height: float, color: Color) -> None:
        first = (round(left * self._width), round((y - height / 2) * self._height))
        last = (round(right * self._width), round((y + height / 2) * self._height))
        cv2.rectangle(self._canvas, first, last, color, -1)
