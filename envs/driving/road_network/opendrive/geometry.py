"""Reference lines of OpenDRIVE roads: lines, arcs, spirals and cubic polynomials, and the lanes beside them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import fresnel

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving.road_network.curves import Curve, resampled
from camshaft.envs.driving.road_network.opendrive.records import Cubic, Geometry, LaneRecord, Section

FINE = 0.5  # meters between samples
BEFORE = 1e-6  # meters
TABLE = 400  # samples for the arc length of a polynomial


def place(geometries: Sequence[Geometry], s: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(n, 2) points and (n,) headings of a reference line at distances along it."""
    points, headings = np.empty((len(s), 2)), np.empty(len(s))
    starts = np.array([geometry.s for geometry in geometries])
    owner = np.clip(np.searchsorted(starts, s + 1e-9, side="right") - 1, 0, len(geometries) - 1)
    for number in np.unique(owner):
        geometry, here = geometries[number], owner == number
        local, turned = _shape(geometry, np.clip(s[here] - geometry.s, 0.0, geometry.length))
        cosine, sine = math.cos(geometry.heading), math.sin(geometry.heading)
        points[here, 0] = geometry.x + cosine * local[:, 0] - sine * local[:, 1]
        points[here, 1] = geometry.y + sine * local[:, 0] + cosine * local[:, 1]
        headings[here] = geometry.heading + turned
    return points, headings


def end_of(geometry: Geometry) -> tuple[FloatArray, float]:
    """(2,) point and heading of the end of a piece."""
    points, headings = place([geometry], np.array([geometry.s + geometry.length]))
    return points[0], float(headings[0])


def _shape(geometry: Geometry, distance: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(n, 2) points and (n,) headings in the frame of the beginning of a piece."""
    if geometry.kind == "line":
        return np.stack([distance, np.zeros_like(distance)], axis=1), np.zeros_like(distance)
    if geometry.kind == "arc":
        return _arc(geometry.numbers[0], distance)
    if geometry.kind == "spiral":
        first, last = geometry.numbers
        return _spiral(first, last, geometry.length, distance)
    if geometry.kind == "poly3":
        a, b, c, d = geometry.numbers
        return _parametric((0.0, 1.0, 0.0, 0.0), (a, b, c, d), geometry.length, geometry.length, distance)
    span = 1.0 if geometry.normalized else geometry.length
    return _parametric(geometry.numbers[:4], geometry.numbers[4:], span, geometry.length, distance)


def _arc(curvature: float, distance: FloatArray) -> tuple[FloatArray, FloatArray]:
    turned = curvature * distance
    if abs(curvature) < 1e-12:
        return np.stack([distance, np.zeros_like(distance)], axis=1), turned
    return np.stack([np.sin(turned), 1.0 - np.cos(turned)], axis=1) / curvature, turned


def _spiral(first: float, last: float, length: float, distance: FloatArray) -> tuple[FloatArray, FloatArray]:
    """An Euler spiral, by Fresnel integrals: its curvature changes linearly from first to last."""
    rate = (last - first) / length
    if abs(rate) * length * length < 1e-9:
        return _arc(first, distance)
    turned = distance * (first + 0.5 * rate * distance)
    scale, sign = math.sqrt(math.pi / abs(rate)), math.copysign(1.0, rate)
    shift = first / rate  # meters from the point of zero curvature
    sine, cosine = fresnel((shift + distance) / scale)
    sine_before, cosine_before = fresnel(shift / scale)
    along, across = scale * (cosine - cosine_before), sign * scale * (sine - sine_before)
    # The integrals are in the frame of the point of zero curvature; this is the initial heading in that frame.
    before = 0.5 * rate * shift * shift
    cosine_turn, sine_turn = math.cos(before), math.sin(before)
    return (
        np.stack(
            [cosine_turn * along + sine_turn * across, -sine_turn * along + cosine_turn * across], axis=1
        ),
        turned,
    )


def _parametric(
    u: Sequence[float], v: Sequence[float], span: float, length: float, distance: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """A pair of cubic polynomials, sampled by arc length."""
    parameter = np.linspace(0.0, span, TABLE + 1)
    slope_u, slope_v = _derivative(u, parameter), _derivative(v, parameter)
    speed = np.hypot(slope_u, slope_v)
    reached = np.concatenate([[0.0], np.cumsum(0.5 * (speed[1:] + speed[:-1]) * np.diff(parameter))])
    if u[1] == 1.0 and not any((u[0], u[2], u[3])):  # y over x: ends where its length is reached
        parameter_at = np.interp(np.minimum(distance, reached[-1]), reached, parameter)
    else:
        parameter_at = np.interp(distance * (reached[-1] / length), reached, parameter)
    points = np.stack([_polynomial(u, parameter_at), _polynomial(v, parameter_at)], axis=1)
    headings = np.arctan2(_derivative(v, parameter_at), _derivative(u, parameter_at))
    return points, np.unwrap(headings)


def _polynomial(factors: Sequence[float], at: FloatArray) -> FloatArray:
    a, b, c, d = factors
    return a + at * (b + at * (c + at * d))


def _derivative(factors: Sequence[float], at: FloatArray) -> FloatArray:
    _, b, c, d = factors
    return b + at * (2.0 * c + at * 3.0 * d)


def evaluate(cubics: Sequence[Cubic], at: FloatArray) -> FloatArray:
    """(n,) values of a piecewise cubic polynomial; 0 before its first piece."""
    if not cubics:
        return np.zeros(len(at))
    starts = np.array([cubic.start for cubic in cubics])
    factors = np.array([cubic.factors for cubic in cubics])
    number = np.searchsorted(starts, at + 1e-9, side="right") - 1
    beyond = at - starts[np.maximum(number, 0)]
    a, b, c, d = factors[np.maximum(number, 0)].T
    value = a + beyond * (b + beyond * (c + beyond * d))
    return np.where(number >= 0, value, 0.0)


def borders(section: Section, offsets: Sequence[Cubic], s: FloatArray) -> dict[int, FloatArray]:
    """(n,) meters left of the reference line of each lane's outer border, and of the center (number 0)."""
    middle = evaluate(offsets, s)
    found = {0: middle}
    for sign in (1, -1):
        outer = middle
        number = sign
        while number in section.lanes:
            outer = _outer(section.lanes[number], outer, middle, s - section.start, sign)
            found[number] = outer
            number += sign
    return found


def _outer(
    lane: LaneRecord, inner: FloatArray, middle: FloatArray, beyond: FloatArray, sign: int
) -> FloatArray:
    value = evaluate(lane.widths, beyond)
    if lane.are_borders:
        return middle + (value if sign > 0 else -np.abs(value))
    return inner + sign * np.maximum(value, 0.0)


def stations(start: float, stop: float) -> FloatArray:
    """Distances from one to another, dense enough for curves; the last is just before the next part begins."""
    return np.linspace(start, stop - BEFORE, max(4, math.ceil((stop - start) / FINE)) + 1)


def beside(geometries: Sequence[Geometry], s: FloatArray, lateral: FloatArray, backwards: bool) -> Curve:
    """The curve at given meters left of a reference line; from its end to its start if `backwards`."""
    points, heading = place(geometries, s)
    points = points + np.stack([-np.sin(heading), np.cos(heading)], axis=1) * lateral[:, None]
    if backwards:
        points, s = points[::-1], s[-1] - s[::-1]
    slopes = np.gradient(points, s - s[0], axis=0, edge_order=2)
    turned = np.unwrap(np.arctan2(slopes[:, 1], slopes[:, 0]))
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    half = 0.5 * np.diff(turned)
    steps = steps * np.where(
        np.abs(half) > 1e-6, half / np.where(half == 0.0, 1.0, np.sin(half)), 1.0
    )  # arcs
    reached = np.concatenate([[0.0], np.cumsum(np.maximum(steps, 1e-9))])
    curvature = np.gradient(turned, reached, edge_order=2)
    return resampled(points, turned, curvature, reached[1:])
