"""Tracking of reference paths: Frenet coordinates, curvature preview, pure pursuit and cruise speed, for all worlds."""

from __future__ import annotations

import numpy as np

from camshaft.envs.arrays import FloatArray, IntArray
from camshaft.envs.driving.dynamics import frenet
from camshaft.envs.driving.dynamics.frenet import ReferencePaths, lane_curvature, locate_one, point_at
from camshaft.envs.driving.dynamics.vehicle import (
    HEADING,
    LATERAL_SPEED,
    MAX_BRAKING,
    REAR,
    SPEED,
    YAW_RATE,
    X,
    Y,
)
from camshaft.envs.driving.road_network.curves import Curve
from camshaft.envs.kernels import kernel

LOOKAHEAD_TIME, LEAST_LOOKAHEAD = 0.8, 6.0  # s by default, and meters; lookahead of the pursuit
COMFORTABLE_LATERAL = 3.0  # m/s², for which the cruise controller slows down in bends
PREVIEW_STEP, PREVIEW_STEPS = 4.0, 12  # meters between preview points, and their number
MAX_CORRECTION = 1.2  # meters; the pursuit corrects a larger lateral error no faster than this one
OVERLAP = 300.0  # meters by which the points of a closed path continue into the next lap


class PathTracker:
    """Reference paths of all worlds and the Frenet coordinates of the cars on them.

    Args:
        num_worlds: N.
        lane_offset: meters from a path to the lane center, left positive.
        lookahead: preview time of the pursuit in seconds; longer oscillates less, shorter cuts corners less.

    Attributes:
        paths: for kernels; replaced when a longer path is set.
        frenet: (N, 6) of each car: meters along the path, meters left of the lane center, heading error (rad, left
            positive), curvature of the lane (1/m), height (meters) and grade of the road.
    """

    def __init__(self, num_worlds: int, lane_offset: float = 0.0, lookahead: float = LOOKAHEAD_TIME) -> None:
        self._lookahead = lookahead
        self._everyone = np.arange(num_worlds)
        self.frenet = np.zeros((num_worlds, frenet.NUM_COLUMNS))
        self.paths = ReferencePaths(
            np.zeros((num_worlds, 2, 5)),
            np.full(num_worlds, 2),
            np.ones(num_worlds),
            np.zeros(num_worlds),
            np.full(num_worlds, lane_offset),
        )

    def set_points(self, world: int, points: FloatArray, spacing: float, lap: float = 0.0) -> None:
        """Set the path of one world.

        Args:
            world: its index.
            points: (P, 5) x, y, z, heading and curvature.
            spacing: meters between the points.
            lap: length of a closed path in meters; 0 for an open one.
        """
        old = self.paths.points
        if old.shape[1] < len(points):
            longer = np.zeros((old.shape[0], int(1.2 * len(points)) + 8, 5))
            longer[:, : old.shape[1]] = old
            self.paths = self.paths._replace(points=longer)
        paths = self.paths
        paths.points[world, : len(points)] = points
        paths.counts[world], paths.spacing[world], paths.laps[world] = len(points), spacing, lap

    def set_curve(self, world: int, curve: Curve, closed: bool = False) -> None:
        """Set the path of one world to a level curve, open or closed."""
        points = np.column_stack([curve.points, np.zeros(len(curve.points)), curve.heading, curve.curvature])
        if closed:
            count = min(int(OVERLAP / curve.spacing), len(points) - 1)
            again = points[1 : count + 1].copy()
            again[:, 3] += curve.heading[-1] - curve.heading[0]
            points = np.concatenate([points, again])
        self.set_points(world, points, curve.spacing, curve.length if closed else 0.0)

    def locate(self, state: FloatArray, worlds: IntArray | None = None) -> None:
        """Update `frenet` from the cars' states (N, 8), in these worlds (all by default).

        The search starts from the last coordinates, so that the result depends on them in its last bits.
        """
        frenet.locate(self.paths, state, self._everyone if worlds is None else worlds, self.frenet)

    def locate_anywhere(self, state: FloatArray) -> None:
        """Update `frenet` from the cars' states (N, 8), independent of the last coordinates."""
        frenet.locate_anywhere(self.paths, state, self.frenet)

    def curvature_ahead(self, ahead: FloatArray) -> FloatArray:
        """(N, K) curvature of the lane (1/m) `ahead` (K,) meters from each car."""
        result = np.empty((len(self.frenet), len(ahead)))
        frenet.write_curvature_ahead(self.paths, self.frenet, ahead, result)
        return result

    def cruise_speed(
        self, parameters: FloatArray, wanted: FloatArray, distances: FloatArray | None = None
    ) -> FloatArray:
        """(N,) m/s to hold: the desired speed, reduced for the bends within braking distance.

        Args:
            parameters: (N, 16) of the cars.
            wanted: (N,) m/s, desired speed.
            distances: (N,) meters along the paths, by default those of the cars.
        """
        starts = self.frenet[:, frenet.DISTANCE] if distances is None else distances
        result = np.empty(len(self.frenet))
        _cruise_speed(self.paths, np.ascontiguousarray(starts), parameters, wanted, result)
        return result

    def pursue(
        self, state: FloatArray, parameters: FloatArray, lateral: FloatArray, heading: FloatArray
    ) -> FloatArray:
        """(N,) path curvature (1/m) by pure pursuit of the lane center (R. C. Coulter, CMU-RI-TR-92-01, 1992).

        The rear axle is steered onto the arc through the point of the lane `lookahead` seconds ahead.

        Args:
            state: (N, 8) cars.
            parameters: (N, 16) of the cars.
            lateral: (N,) meters by which the cars are assumed to be displaced to the left.
            heading: (N,) rad by which they are assumed to be turned to the left.
        """
        result = np.empty(len(self.frenet))
        scratch = np.empty(frenet.NUM_COLUMNS)
        _pursue(
            self.paths, state, self.frenet, parameters, lateral, heading, self._lookahead, scratch, result
        )
        return result


@kernel
def _cruise_speed(paths, distances, parameters, wanted, result):  # type: ignore[no-untyped-def]
    for world in range(distances.shape[0]):
        speed = wanted[world]
        for step in range(PREVIEW_STEPS):
            ahead = step * PREVIEW_STEP
            curvature = abs(lane_curvature(paths, world, distances[world] + ahead))
            through = COMFORTABLE_LATERAL / max(curvature, 1e-6)
            speed = min(speed, np.sqrt(through + 0.6 * parameters[world, MAX_BRAKING] * ahead))
        result[world] = speed


@kernel
def _pursue(paths, state, coordinates, parameters, lateral, heading, lookahead, rear, result):  # type: ignore[no-untyped-def]
    for world in range(state.shape[0]):
        car = state[world]
        slip = np.arctan2(car[LATERAL_SPEED] - parameters[world, REAR] * car[YAW_RATE], max(car[SPEED], 1.0))
        direction = car[HEADING] + heading[world] + slip  # of the rear axle's motion
        x = car[X] - lateral[world] * np.sin(car[HEADING]) - parameters[world, REAR] * np.cos(direction)
        y = car[Y] + lateral[world] * np.cos(car[HEADING]) - parameters[world, REAR] * np.sin(direction)
        rear[frenet.DISTANCE] = coordinates[world, frenet.DISTANCE]
        locate_one(paths, world, x, y, direction, rear)
        reach = max(lookahead * car[SPEED], LEAST_LOOKAHEAD)
        excess = rear[frenet.LATERAL] - min(max(rear[frenet.LATERAL], -MAX_CORRECTION), MAX_CORRECTION)
        target = rear[frenet.DISTANCE] + reach
        target_x, target_y, _ = point_at(paths, world, target, paths.offset[world] + excess)
        aside = -np.sin(direction) * (target_x - x) + np.cos(direction) * (target_y - y)
        result[world] = 2.0 * aside / ((target_x - x) ** 2 + (target_y - y) ** 2)
