"""Racing lines: the line of least curvature, and the speed profile that tires, engine and brakes allow on it.

Source: F. Braghin et al., "Race driver model", Computers and Structures 86, 2008: the line within the track that
bends least, as a least-squares problem over lateral offsets.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csc_array, csr_array, diags_array
from scipy.sparse.linalg import spsolve

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving.dynamics.vehicle import GRAVITY, VehicleParameters
from camshaft.envs.driving.road_network.curves import Curve, through

STEP = 3  # stride of the optimized points of the track
GRIP = 0.80  # fraction of the tire friction used in bends
BRAKES = 0.75  # fraction of it used for braking
SMOOTHNESS = 1e-6  # weight that keeps offsets small on straights
ITERATIONS = 40


def racing_line(curve: Curve, half_width: float) -> Curve:
    """A closed line of least curvature.

    Args:
        curve: center line of the track, closed.
        half_width: meters, largest offset of the line to either side.
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
    """(P,) m/s at the points of a closed line: the fastest periodic speed profile."""
    grip = GRIP * car.friction * GRAVITY
    curvature = np.abs(curve.curvature[:-1])
    limit = np.sqrt(grip / np.maximum(curvature, 1e-4))
    speed = np.minimum(limit, 80.0)
    brakes = min(BRAKES * car.friction * GRAVITY, 0.9 * car.max_braking)
    for _ in range(2):  # the second lap begins at the final speed of the first
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
    """(n,) minimizer of ½ xᵀ A x + bᵀ x within ±bound, by Newton's method on the free variables."""
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
    """A step within the bounds, halved until it lowers the objective."""

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
    """(count, count) second-difference matrix of a closed line."""
    index = np.arange(count)
    rows = np.concatenate([index] * 3)
    columns = np.concatenate([(index - 1) % count, index, (index + 1) % count])
    values = np.concatenate([np.ones(count), np.full(count, -2.0), np.ones(count)])
    return csr_array((values, (rows, columns)), shape=(count, count))
