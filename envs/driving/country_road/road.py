"""Center lines of country roads: straights, clothoids and arcs over gentle hills."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import ArrayLike

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving.road_network.curves import GAUSS_NODES, GAUSS_WEIGHTS, integrate
from camshaft.envs.errors import InvalidOption
from camshaft.envs.kernels import inlined, kernel

FIRST_STRAIGHT = 20.0  # meters before the first bend
STRAIGHT_PROBABILITY = 0.35  # probability of a straight between two bends
STRAIGHT_LENGTHS = (15.0, 70.0)  # meters
GRADE_CHANGES = (90.0, 200.0)  # meters between changes of grade
SMALLEST_RADIUS = 20.0  # meters; the verges of a tighter bend would fold over

# Gauss-Legendre quadrature on [0, 1]: exact to 1e-12 m over a meter of the tightest road.


@dataclass(frozen=True)
class RoadConfig:
    """Configuration of country roads.

    Attributes:
        length: meters along the center line.
        spacing: meters between points.
        lane_width: meters, from the middle of the road to the edge line.
        shoulder_width: meters beside each lane, edge line included.
        min_radius: meters, radius of the tightest bend.
        max_radius: meters, radius of the widest arc; short bends may be wider.
        max_curvature_rate: 1/m², largest change of curvature along the road.
        max_heading: radians from +x, less than a right angle, so that the road never meets itself.
        hills: whether the road climbs and falls.
        max_grade: largest grade, meters of height per meter of road.
    """

    length: float = 1500.0
    spacing: float = 1.0
    lane_width: float = 3.6
    shoulder_width: float = 1.5
    min_radius: float = 60.0
    max_radius: float = 250.0
    max_curvature_rate: float = 7e-4
    max_heading: float = math.radians(75.0)
    hills: bool = True
    max_grade: float = 0.05

    def __post_init__(self) -> None:
        for entry in fields(self):
            value = getattr(self, entry.name)
            if entry.name != "hills" and not (math.isfinite(value) and value > 0.0):
                raise InvalidOption(f"{entry.name} of a road must be a positive number, got {value!r}")
        if self.length < 2.0 * self.spacing:
            raise InvalidOption(f"a road of {self.length} m cannot have points every {self.spacing} m")
        if not SMALLEST_RADIUS <= self.min_radius <= self.max_radius:
            raise InvalidOption(
                f"radii must satisfy {SMALLEST_RADIUS} ≤ min_radius ≤ max_radius, got {self.min_radius} and "
                f"{self.max_radius}"
            )
        if self.max_heading > math.radians(80.0):
            raise InvalidOption(f"max_heading must be at most 80 degrees (1.396 rad), got {self.max_heading}")


@dataclass(frozen=True, eq=False)
class Road:
    """Center line of a two-lane road with right-hand traffic.

    Attributes:
        points: (P, 3) meters, world frame, at constant arc length; the first is the origin.
        heading: (P,) radians from +x, left positive.
        curvature: (P,) change of heading per meter of arc length, 1/m, left positive.
        spacing: meters of arc length between points.
        lane_width: meters.
        shoulder_width: meters.
    """

    points: FloatArray
    heading: FloatArray
    curvature: FloatArray
    spacing: float
    lane_width: float
    shoulder_width: float
    _left: FloatArray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_left", _left_of(self.heading))

    @property
    def length(self) -> float:
        """Meters of arc length."""
        return self.spacing * (len(self.points) - 1)

    @property
    def half_width(self) -> float:
        """Meters from the center line to the outer edge of a shoulder."""
        return self.lane_width + self.shoulder_width

    @property
    def lane_center(self) -> FloatArray:
        """(P, 3) meters: center of the right lane, where a car should drive."""
        return self.offset_points(-0.5 * self.lane_width)

    @property
    def path(self) -> FloatArray:
        """(P, 5) x, y, z, heading and curvature, as `PathTracker.set_points` takes them."""
        return np.column_stack([self.points, self.heading, self.curvature])

    def offset_points(self, lateral: ArrayLike) -> FloatArray:
        """(P, 3) meters: points of the center line, offset laterally.

        Args:
            lateral: meters to the left, one for all points or (P,).
        """
        return self.points + np.multiply.outer(np.asarray(lateral), 1.0)[..., None] * self._left

    def positions_at(self, distance: ArrayLike, lateral: ArrayLike = 0.0) -> FloatArray:
        """(..., 3) meters: positions after `distance` meters; the road continues straight beyond its ends.

        Args:
            distance: meters of arc length from the origin.
            lateral: meters to the left of the center line.
        """
        distances, laterals = np.broadcast_arrays(
            np.asarray(distance, np.float64), np.asarray(lateral, np.float64)
        )
        positions = np.empty((*distances.shape, 3))
        _positions_at(
            self.points,
            self.heading,
            self.spacing,
            distances.ravel(),
            laterals.ravel(),
            positions.reshape(-1, 3),
        )
        return positions

    def headings_at(self, distance: ArrayLike) -> FloatArray:
        """(...) radians: headings after `distance` meters."""
        distances = np.asarray(distance, np.float64)
        headings = np.empty(distances.shape)
        _headings_at(self.heading, self.spacing, distances.ravel(), headings.reshape(-1))
        return headings


@inlined
def piece_at(spacing, count, distance):  # type: ignore[no-untyped-def]
    """Index of the point before a position on a line of `count` points, and the fraction of the segment beyond it."""
    steps = distance / spacing
    index = min(max(int(np.floor(steps)), 0), count - 2)
    return index, steps - index


@inlined
def heading_at(heading, spacing, distance):  # type: ignore[no-untyped-def]
    """Interpolated heading (rad) of a line; constant beyond its ends."""
    index, fraction = piece_at(spacing, len(heading), distance)
    return heading[index] + min(max(fraction, 0.0), 1.0) * (heading[index + 1] - heading[index])


@inlined
def height_at(points, spacing, distance):  # type: ignore[no-untyped-def]
    """Interpolated height (meters) of a line."""
    index, fraction = piece_at(spacing, len(points), distance)
    return points[index, 2] + fraction * (points[index + 1, 2] - points[index, 2])


@kernel
def _headings_at(heading, spacing, distances, headings):  # type: ignore[no-untyped-def]
    for row in range(len(distances)):
        headings[row] = heading_at(heading, spacing, distances[row])


@kernel
def _positions_at(points, heading, spacing, distances, laterals, positions):  # type: ignore[no-untyped-def]
    for row in range(len(distances)):
        index, fraction = piece_at(spacing, len(points), distances[row])
        angle = heading_at(heading, spacing, distances[row])
        here, there = points[index], points[index + 1]
        positions[row, 0] = here[0] + fraction * (there[0] - here[0]) - laterals[row] * np.sin(angle)
        positions[row, 1] = here[1] + fraction * (there[1] - here[1]) + laterals[row] * np.cos(angle)
        positions[row, 2] = here[2] + fraction * (there[2] - here[2])


def generate_road(rng: np.random.Generator, config: RoadConfig = RoadConfig()) -> Road:
    """Sample a road that starts at the origin toward +x.

    Every bend is a clothoid into an arc and a clothoid out of it, or two clothoids if it is short; a
    straight separates some of them. The bends lead from one random heading to the next.

    Args:
        rng: source of the samples.
        config: configuration of the road.
    """
    knots, curvatures = _curvature_profile(rng, config)
    grades = _grade_profile(rng, config)
    distance = config.spacing * np.arange(int(config.length / config.spacing) + 1)
    inner = distance[:-1, None] + config.spacing * GAUSS_NODES
    heading, slope = integrate(knots, curvatures, inner), np.arctan(np.interp(inner, *grades))
    plan = np.cos(slope)
    tangents = np.stack([plan * np.cos(heading), plan * np.sin(heading), np.sin(slope)], axis=-1)
    points = np.zeros((len(distance), 3))
    np.cumsum(config.spacing * np.einsum("n,pnc->pc", GAUSS_WEIGHTS, tangents), axis=0, out=points[1:])
    return Road(
        points,
        integrate(knots, curvatures, distance.astype(np.float64)),
        np.interp(distance, knots, curvatures),
        config.spacing,
        config.lane_width,
        config.shoulder_width,
    )


def _curvature_profile(rng: np.random.Generator, config: RoadConfig) -> tuple[FloatArray, FloatArray]:
    """Knots of the curvature, which is linear between them: arc lengths and values."""
    lengths, ends = [np.array([0.0, FIRST_STRAIGHT])], [np.zeros(2)]
    reached, heading = FIRST_STRAIGHT, 0.0
    while reached <= config.length:
        block, ending, heading = _bends(rng, config, heading, count=16)
        lengths.append(block)
        ends.append(ending)
        reached += float(block.sum())
    return np.cumsum(np.concatenate(lengths)), np.concatenate(ends)


def _bends(
    rng: np.random.Generator, config: RoadConfig, heading: float, count: int
) -> tuple[FloatArray, FloatArray, float]:
    """Lengths of each bend's clothoid, arc, clothoid and straight; curvatures at their ends; the final heading."""
    targets = rng.uniform(-config.max_heading, config.max_heading, count)
    turns = np.diff(targets, prepend=heading)
    radii = np.exp(rng.uniform(np.log(config.min_radius), np.log(config.max_radius), count))
    rates = config.max_curvature_rate * rng.uniform(0.4, 1.0, count)
    straights = rng.uniform(*STRAIGHT_LENGTHS, count) * (rng.random(count) < STRAIGHT_PROBABILITY)
    angles = np.maximum(np.abs(turns), 1e-6)
    peaks = np.minimum(1.0 / radii, np.sqrt(rates * angles))
    ramps = peaks / rates
    arcs = np.maximum(angles / peaks - ramps, 0.0)
    signed = np.copysign(peaks, turns)
    ends = np.stack([signed, signed, np.zeros(count), np.zeros(count)], axis=1)
    return np.stack([ramps, arcs, ramps, straights], axis=1).ravel(), ends.ravel(), float(targets[-1])


def _grade_profile(rng: np.random.Generator, config: RoadConfig) -> tuple[FloatArray, FloatArray]:
    """Knots of the grade, which is linear between them and 0 at the origin: arc lengths and values."""
    count = int(config.length / GRADE_CHANGES[0]) + 2
    knots = np.cumsum(rng.uniform(*GRADE_CHANGES, count))
    values = rng.uniform(-config.max_grade, config.max_grade, count) * config.hills
    return np.concatenate([[0.0], knots]), np.concatenate([[0.0], values])


def _left_of(heading: FloatArray) -> FloatArray:
    """(..., 3) horizontal unit vectors to the left."""
    return np.stack([-np.sin(heading), np.cos(heading), np.zeros_like(heading)], axis=-1)
