"""Smooth plane curves at equal steps of arc length: center lines of roads and lanes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import CubicSpline

from camshaft.envs.arrays import FloatArray
from camshaft.envs.kernels import kernel

STEP = 1.0  # meters, largest distance between points
GAUSS_NODES = np.array([0.5 - math.sqrt(0.15), 0.5, 0.5 + math.sqrt(0.15)])  # of a step
GAUSS_WEIGHTS = np.array([5.0, 8.0, 5.0]) / 18.0


@dataclass(frozen=True)
class Pose:
    """Position and heading, for example of the end of a curve.

    Attributes:
        x, y: meters.
        heading: rad from +x, left positive.
    """

    x: float
    y: float
    heading: float

    @property
    def point(self) -> FloatArray:
        """(2,) meters."""
        return np.array([self.x, self.y])

    @property
    def direction(self) -> FloatArray:
        """(2,) unit vector ahead."""
        return np.array([math.cos(self.heading), math.sin(self.heading)])

    def moved(self, ahead: float, left: float = 0.0, turn: float = 0.0) -> Pose:
        """The pose moved ahead and to the left (meters) and turned left by `turn` rad."""
        cosine, sine = math.cos(self.heading), math.sin(self.heading)
        return Pose(
            self.x + ahead * cosine - left * sine, self.y + ahead * sine + left * cosine, self.heading + turn
        )

    def reversed(self) -> Pose:
        """The same position with opposite heading."""
        return Pose(self.x, self.y, self.heading + math.pi)


@dataclass(frozen=True, eq=False)
class Curve:
    """A sampled curve.

    Attributes:
        points: (P, 2) meters, at arc lengths `spacing` apart.
        heading: (P,) rad, without jumps of 2π.
        curvature: (P,) 1/m, left positive.
        spacing: meters, at most STEP.
    """

    points: FloatArray
    heading: FloatArray
    curvature: FloatArray
    spacing: float

    def __post_init__(self) -> None:
        for name in ("points", "heading", "curvature"):
            object.__setattr__(self, name, np.ascontiguousarray(getattr(self, name), np.float64))

    @property
    def length(self) -> float:
        """Arc length in meters."""
        return self.spacing * (len(self.points) - 1)

    @property
    def start(self) -> Pose:
        """Pose of its beginning."""
        return Pose(float(self.points[0, 0]), float(self.points[0, 1]), float(self.heading[0]))

    @property
    def end(self) -> Pose:
        """Pose of its end."""
        return Pose(float(self.points[-1, 0]), float(self.points[-1, 1]), float(self.heading[-1]))

    def at(self, distance: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """(..., 2) points and (...) headings at distances along the curve; straight beyond its ends."""
        distances = np.asarray(distance, np.float64)
        flat = distances.ravel()
        points, heading = np.empty((len(flat), 2)), np.empty(len(flat))
        _sample(self.points, self.heading, self.spacing, flat, points, heading)
        return points.reshape(*distances.shape, 2), heading.reshape(distances.shape)

    def pose_at(self, distance: float) -> Pose:
        """Like `at` for a single distance, but many times faster."""
        steps = distance / self.spacing
        index = min(max(math.floor(steps), 0), len(self.points) - 2)
        part = steps - index
        (x, y), (next_x, next_y) = self.points[index].tolist(), self.points[index + 1].tolist()
        before, after = float(self.heading[index]), float(self.heading[index + 1])
        turned = before + min(max(part, 0.0), 1.0) * (after - before)
        return Pose(x + part * (next_x - x), y + part * (next_y - y), turned)

    def beside(self, distance: ArrayLike, lateral: ArrayLike) -> FloatArray:
        """(..., 2) points at distances along the curve and lateral offsets, left positive."""
        points, heading = self.at(distance)
        across = np.asarray(lateral, np.float64)
        if points.shape[:-1] != across.shape:
            points = np.broadcast_to(
                points, (*np.broadcast_shapes(points.shape[:-1], across.shape), 2)
            ).copy()
        points[..., 0] -= np.sin(heading) * across
        points[..., 1] += np.cos(heading) * across
        return points

    def reversed(self) -> Curve:
        """The same curve from its end to its start."""
        return Curve(self.points[::-1], self.heading[::-1] + math.pi, -self.curvature[::-1], self.spacing)

    def parallel(self, lateral: float) -> Curve:
        """The curve `lateral` meters to the left.

        Raises:
            ValueError: a bend is too tight for that.
        """
        if abs(lateral) < 1e-9:
            return self
        shrink = 1.0 - lateral * self.curvature
        if shrink.min() < 0.05:
            raise ValueError(
                f"a bend of {1.0 / np.abs(self.curvature).max():.1f} m has no parallel {lateral:.1f} m beside it"
            )
        left = np.stack([-np.sin(self.heading), np.cos(self.heading)], axis=1)
        lengths = self.spacing * 0.5 * (shrink[1:] + shrink[:-1])
        return resampled(
            self.points + lateral * left, self.heading, self.curvature / shrink, np.cumsum(lengths)
        )

    def part(self, first: float, last: float) -> Curve:
        """The part from `first` to `last` meters."""
        count = max(1, math.ceil((last - first) / STEP - 1e-9))
        distance = np.linspace(first, last, count + 1)
        points, heading = self.at(distance)
        curvature = np.interp(distance, self.spacing * np.arange(len(self.points)), self.curvature)
        return Curve(points, heading, curvature, (last - first) / count)


@kernel
def _sample(points, heading, spacing, distances, positions, headings):  # type: ignore[no-untyped-def]
    for row in range(len(distances)):
        steps = distances[row] / spacing
        index = min(max(int(np.floor(steps)), 0), len(points) - 2)
        part = steps - index
        for axis in range(2):
            before = points[index, axis]
            positions[row, axis] = before + part * (points[index + 1, axis] - before)
        inner = min(max(part, 0.0), 1.0)
        headings[row] = heading[index] + inner * (heading[index + 1] - heading[index])


def bend(start: Pose, lengths: ArrayLike, curvatures: ArrayLike) -> Curve:
    """A curve with piecewise linear curvature: straights, arcs and clothoids.

    Args:
        start: pose of its beginning.
        lengths: (K,) meters, lengths of the pieces.
        curvatures: (K + 1,) 1/m, curvatures at their ends.
    """
    knots = np.concatenate([[0.0], np.cumsum(np.asarray(lengths, np.float64))])
    values = np.asarray(curvatures, np.float64)
    count = max(1, math.ceil(knots[-1] / STEP - 1e-9))
    spacing = float(knots[-1]) / count
    distance = spacing * np.arange(count + 1)
    inner = distance[:-1, None] + spacing * GAUSS_NODES
    turned = start.heading + integrate(knots, values, inner)
    tangents = np.stack([np.cos(turned), np.sin(turned)], axis=-1)
    points = np.zeros((count + 1, 2))
    np.cumsum(spacing * np.einsum("n,pnc->pc", GAUSS_WEIGHTS, tangents), axis=0, out=points[1:])
    return Curve(
        start.point + points,
        start.heading + integrate(knots, values, distance),
        np.interp(distance, knots, values),
        spacing,
    )


def straight(start: Pose, length: float) -> Curve:
    """A straight line."""
    return bend(start, [length], [0.0, 0.0])


def arc(start: Pose, length: float, curvature: float) -> Curve:
    """A circular arc."""
    return bend(start, [length], [curvature, curvature])


def join(start: Pose, end: Pose) -> Curve:
    """A smooth curve from one pose to another: a cubic Bézier curve, close to an arc where an arc fits."""
    chord = end.point - start.point
    distance = float(np.linalg.norm(chord))
    bearing = math.atan2(chord[1], chord[0])
    first, last = _wrapped(bearing - start.heading), _wrapped(end.heading - bearing)
    handles = [distance * _handle(angle) for angle in (first, last)]
    control = np.array(
        [
            start.point,
            start.point + handles[0] * start.direction,
            end.point - handles[1] * end.direction,
            end.point,
        ]
    )
    count = max(16, math.ceil(4.0 * distance / STEP))
    t = np.linspace(0.0, 1.0, count + 1)[:, None]
    s = 1.0 - t
    points = s**3 * control[0] + 3 * s * s * t * control[1] + 3 * s * t * t * control[2] + t**3 * control[3]
    slope = 3 * (
        s * s * (control[1] - control[0])
        + 2 * s * t * (control[2] - control[1])
        + t * t * (control[3] - control[2])
    )
    change = 6 * (
        s * (control[2] - 2 * control[1] + control[0]) + t * (control[3] - 2 * control[2] + control[1])
    )
    speed = np.linalg.norm(slope, axis=1)
    curvature = (slope[:, 0] * change[:, 1] - slope[:, 1] * change[:, 0]) / np.maximum(speed, 1e-9) ** 3
    heading = np.unwrap(np.arctan2(slope[:, 1], slope[:, 0]))
    heading += 2.0 * math.pi * round((start.heading - heading[0]) / (2.0 * math.pi))
    steps = 0.5 * (speed[1:] + speed[:-1]) / count
    return resampled(points, heading, curvature, np.cumsum(steps))


def through(points: ArrayLike, start_heading: float) -> Curve:
    """A smooth curve through points a few meters apart: a cubic spline with zero curvature at its ends.

    Args:
        points: (n, 2) meters.
        start_heading: rad, near that of the first piece; sets the multiple of 2π of the headings.
    """
    knots = np.asarray(points, np.float64)
    lengths = np.linalg.norm(np.diff(knots, axis=0), axis=1)
    spline = CubicSpline(np.concatenate([[0.0], np.cumsum(lengths)]), knots)
    t = np.linspace(0.0, float(lengths.sum()), 4 * math.ceil(float(lengths.sum()) / STEP) + 1)
    slope, change = spline(t, 1), spline(t, 2)
    speed = np.linalg.norm(slope, axis=1)
    curvature = (slope[:, 0] * change[:, 1] - slope[:, 1] * change[:, 0]) / speed**3
    heading = np.unwrap(np.arctan2(slope[:, 1], slope[:, 0]))
    heading += 2.0 * math.pi * round((start_heading - heading[0]) / (2.0 * math.pi))
    return resampled(spline(t), heading, curvature, np.cumsum(0.5 * (speed[1:] + speed[:-1]) * (t[1] - t[0])))


def chain(curves: Sequence[Curve]) -> Curve:
    """Concatenate curves that each begin at the end of the previous one."""
    if len(curves) == 1:
        return curves[0]
    points = np.concatenate([curves[0].points, *(curve.points[1:] for curve in curves[1:])])
    curvature = np.concatenate([curves[0].curvature, *(curve.curvature[1:] for curve in curves[1:])])
    heading = [curves[0].heading]
    for curve in curves[1:]:
        turns = round((heading[-1][-1] - curve.heading[0]) / (2.0 * math.pi))
        heading.append(curve.heading[1:] + 2.0 * math.pi * turns)
    steps = np.concatenate([np.full(len(curve.points) - 1, curve.spacing) for curve in curves])
    return resampled(points, np.concatenate(heading), curvature, np.cumsum(steps))


def integrate(knots: FloatArray, values: FloatArray, at: FloatArray) -> FloatArray:
    """Exact integral from 0 of a piecewise linear function that starts there."""
    lengths = np.diff(knots)
    totals = np.concatenate([[0.0], np.cumsum(0.5 * lengths * (values[1:] + values[:-1]))])
    slopes = np.diff(values) / np.where(lengths > 0.0, lengths, 1.0)
    piece = np.clip(np.searchsorted(knots, at, side="right") - 1, 0, len(slopes) - 1)
    beyond = at - knots[piece]
    return totals[piece] + beyond * (values[piece] + 0.5 * slopes[piece] * beyond)


def _handle(angle: float) -> float:
    """Length of a Bézier handle over the chord, for an arc whose tangent leaves the chord at this angle."""
    half = min(abs(angle), 0.45 * math.pi)
    if half < 1e-3:
        return 1.0 / 3.0
    return 4.0 / 3.0 * math.tan(0.5 * half) / (2.0 * math.sin(half))


def resampled(points: FloatArray, heading: FloatArray, curvature: FloatArray, reached: FloatArray) -> Curve:
    """Resample from uneven arc lengths, 0 and then `reached`, to even ones."""
    knots = np.concatenate([[0.0], reached])
    length = float(knots[-1])
    count = max(1, math.ceil(length / STEP - 1e-9))
    distance = np.linspace(0.0, length, count + 1)
    return Curve(
        np.stack([np.interp(distance, knots, points[:, axis]) for axis in range(2)], axis=1),
        np.interp(distance, knots, heading),
        np.interp(distance, knots, curvature),
        length / count,
    )


def _wrapped(angle: float) -> float:
    return math.atan2(math.sin(angle), math.cos(angle))
