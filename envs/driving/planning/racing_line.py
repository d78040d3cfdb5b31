"""The fast way round a race track: a line of least curvature, and the speeds that tires, engine and brakes allow on it.

Source: F. Braghin et al., "Race driver model", Computers and Structures 86, 2008: of all lines within the track the one
that bends least, found as a least-squares problem over lateral offsets.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csc_array, csr_array, diags_array
from scipy.sparse.linalg import spsolve

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving.dynamics.vehicle import GRAVITY, VehicleParameters
from camshaft.envs.driving.road_network.curves import Curve, through

STEP = 3  # points of the track from one that is moved to the next
GRIP = 0.80  # share of the tires' friction that is used in bends
BRAKES = 0.75  # share of it that is used for braking
SMOOTHNESS = 1e-6  # weight that keeps offsets small where the line is straight anyway
ITERATIONS = 40


def racing_line(curve: Curve, half_width: float) -> Curve:
    """A closed line of least curvature.

    Args:
        curve: the track's middle, closed.
        half_width: meters to either side that the line may keep away from it.
    """
    indices = np.arange(0, len(curve.points) - 1, STEP)
    points, heading = curve.points[indices], curve.heading[indices]
    left = np.stack([-np.sin(heading), np.cos(heading)], axis=1)
    second = _second_differences(len(indices))
    across, up = second @ diags_array(left[:, 0]), second @ diags_array(left[:, 1])
    matrix = csc_array(across.T @ across + up.T @ up + SMOOTHNESS * diags_array(np.ones(len(indices))))
    slope = across.T @ (second @ points[:, 0]) + up.T @ (second @ points[:, 1])
    offsets = _bounded_minimum(matrix, slope, half_width)
    line = points + offsets[:, None] * left
    lap = through(np.concatenate([line[-8:], line, line[:9]]), float(curve.heading[0]))
    lengths = np.linalg.norm(np.diff(np.concatenate([line[-8:], line, line[:9]]), axis=0), axis=1)
    start, whole = float(lengths[:8].sum()), float(lengths[8 : 8 + len(line)].sum())
    scale = lap.length / float(lengths.sum())
    return lap.part(scale * start, scale * (start + whole))


def speed_profile(curve: Curve, car: VehicleParameters) -> FloatArray:
    """(P,) m/s at the points of a closed line: as fast as a car gets round, lap after lap."""
    grip = GRIP * car.friction * GRAVITY
    curvature = np.abs(curve.curvature[:-1])
    limit = np.sqrt(grip / np.maximum(curvature, 1e-4))
    speed = np.minimum(limit, 80.0)
    brakes = min(BRAKES * car.friction * GRAVITY, 0.9 * car.max_braking)
    for _ in range(2):  # the second lap begins as the first one ends
        for index in range(len(speed) - 1, -1, -1):
            after = speed[(index + 1) % len(speed)]
            room = np.sqrt(max(1.0 - (after**2 * curvature[index] / grip) ** 2, 0.05))
            speed[index] = min(speed[index], np.sqrt(after**2 + 2.0 * brakes * room * curve.spacing))
        for index in range(len(speed)):
            before = speed[index - 1]
            pull = min(car.max_acceleration, car.power / (car.mass * max(before, 1.0)))
            pull -= car.drag * before**2 / car.mass
            speed[index] = min(speed[index], np.sqrt(max(before**2 + 2.0 * 0.9 * pull * curve.spacing, 1.0)))
    return np.concatenate([speed, speed[:1]])


def _bounded_minimum(matrix: csc_array, slope: FloatArray, bound: float) -> FloatArray:
    """(n,) what minimizes ½ xᵀ A x + bᵀ x within ±bound: Newton's method on those that are free, step by step."""
    found = np.zeros(len(slope))
    for _ in range(ITERATIONS):
        gradient = matrix @ found + slope
        free = ~(((found >= bound) & (gradient < 0.0)) | ((found <= -bound) & (gradient > 0.0)))
        if not free.any() or np.abs(gradient[free]).max() < 1e-9:
            break
        step = np.zeros(len(slope))
        step[free] = spsolve(matrix[free][:, free], -gradient[free])
        found = _shorter_until_better(matrix, slope, found, step, bound)
    return found


def _shorter_until_better(
    matrix: csc_array, slope: FloatArray, start: FloatArray, step: FloatArray, bound: float
) -> FloatArray:
    """A step within the bounds, halved until it lowers the sum."""

    def value(point: FloatArray) -> float:
        return float(0.5 * point @ (matrix @ point) + slope @ point)

    before, share = value(start), 1.0
    while share > 1e-4:
        point = np.clip(start + share * step, -bound, bound)
        if value(point) < before:
            return point
        share *= 0.5
    return start


def _second_differences(count: int) -> csr_array:
    """(count, count) of a closed line."""
    index = np.arange(count)
    rows = np.concatenate([index] * 3)
    columns = np.concatenate([(index - 1) % count, index, (index + 1) % count])
    values = np.concatenate([np.ones(count), np.full(count, -2.0), np.ones(count)])
    return csr_array((values, (rows, columns)), shape=(count, count))
