"""Race track generator: one wide, closed lane with fast and slow bends and a straight at the start."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving.road_network.builder import NetworkBuilder
from camshaft.envs.driving.road_network.curves import STEP, Curve
from camshaft.envs.driving.road_network.elements import Network
from camshaft.envs.errors import CamshaftError, InvalidOption

ATTEMPTS = 200


@dataclass(frozen=True)
class CircuitConfig:
    """Configuration of race tracks.

    Attributes:
        length: meters, length of a lap, low and high.
        width: meters.
        min_radius: meters, radius of the tightest bend.
        knots: number of points that the track passes through.
        unevenness: relative variation of their distance from the center.
    """

    length: tuple[float, float] = (700.0, 1200.0)
    width: float = 10.0
    min_radius: float = 14.0
    knots: int = 12
    unevenness: float = 0.45

    def __post_init__(self) -> None:
        if not 0.0 < self.length[0] <= self.length[1]:
            raise InvalidOption(f"length of a race track is (low, high) in meters, got {self.length}")
        if not 0.5 * self.width + 3.0 <= self.min_radius:
            raise InvalidOption(
                f"bends of {self.min_radius} m radius are too tight for a track of {self.width} m width"
            )


def generate_circuit(seed: int, config: CircuitConfig = CircuitConfig()) -> Network:
    """Generate the race track of a seed, driven counter-clockwise; its only lane leads into itself.

    Raises:
        CamshaftError: no track of this configuration was found.
    """
    for attempt in range(ATTEMPTS):
        curve = _sample_centerline(np.random.default_rng([seed, attempt]), config)
        if _is_drivable(curve, config):
            builder = NetworkBuilder(f"race track {seed}")
            road = builder.add_road(
                curve,
                1,
                0,
                speed_limit=60.0,
                style="circuit",
                lane_width=config.width,
                inner_offset=0.5 * config.width,
            )
            builder.link(road.forward[0], road.forward[0])
            return builder.build()
    raise CamshaftError(f"found no race track for seed {seed} with {config}")


def _sample_centerline(rng: np.random.Generator, config: CircuitConfig) -> Curve:
    """A spline through points around a center, scaled to a sampled length; it begins on its straightest part."""
    angles = 2.0 * math.pi * (np.arange(config.knots) + rng.uniform(-0.35, 0.35, config.knots)) / config.knots
    radius = 1.0 + config.unevenness * rng.uniform(-1.0, 1.0, config.knots)
    stretch = np.array([1.0, rng.uniform(0.55, 1.0)])
    points = radius[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1) * stretch
    spline = CubicSpline(
        np.arange(config.knots + 1), np.concatenate([points, points[:1]]), bc_type="periodic"
    )
    fine = np.linspace(0.0, config.knots, 200 * config.knots + 1)
    reached = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(spline(fine), axis=0), axis=1))])
    length = rng.uniform(*config.length)
    count = math.ceil(length / STEP)
    at = np.interp(np.linspace(0.0, reached[-1], count + 1), reached, fine)
    scale = length / reached[-1]
    slope, change = scale * spline(at, 1), scale * spline(at, 2)
    curvature = (slope[:, 0] * change[:, 1] - slope[:, 1] * change[:, 0]) / np.linalg.norm(slope, axis=1) ** 3
    start = _straightest(curvature[:-1])
    points = np.roll(scale * spline(at)[:-1], -start, axis=0)
    heading = np.unwrap(np.roll(np.arctan2(slope[:-1, 1], slope[:-1, 0]), -start))
    curvature = np.roll(curvature[:-1], -start)
    return Curve(
        np.concatenate([points, points[:1]]),
        np.concatenate([heading, heading[:1] + 2.0 * math.pi]),
        np.concatenate([curvature, curvature[:1]]),
        length / count,
    )


def _straightest(curvature: FloatArray, meters: int = 60) -> int:
    """Index of the middle of the straightest section of a given length."""
    wrapped = np.concatenate([curvature, curvature[:meters]])
    bends = np.convolve(np.abs(wrapped), np.ones(meters), mode="valid")[: len(curvature)]
    return int((np.argmin(bends) + meters // 2) % len(curvature))


def _is_drivable(curve: Curve, config: CircuitConfig) -> bool:
    """Whether all bends are wide enough and the track keeps away from itself."""
    if np.abs(curve.curvature).max() > 1.0 / config.min_radius:
        return False
    points = curve.points[:-1:4]
    distance = np.linalg.norm(points[:, None] - points[None], axis=2)
    steps = np.abs(np.arange(len(points))[:, None] - np.arange(len(points)))
    steps = np.minimum(steps, len(points) - steps) * 4.0 * curve.spacing
    return bool((distance[steps > 4.0 * config.width] > 2.2 * config.width).all())
