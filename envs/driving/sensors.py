"""Sensors besides cameras: range finder, bird's-eye raster, inertial measurement unit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving.dynamics.vehicle import (
    ACCELERATION,
    GRAVITY,
    LATERAL_SPEED,
    SPEED,
    STEERING,
    YAW_RATE,
)
from camshaft.envs.kernels import inlined, kernel

EGO_COLUMNS = (SPEED, LATERAL_SPEED, YAW_RATE, STEERING, ACCELERATION)
EGO_NAMES = ("speed", "lateral_speed", "yaw_rate", "steering", "acceleration")
EGO_LIMITS = np.array([80.0, 20.0, 6.0, 1.0, 20.0], np.float32)  # m/s, m/s, rad/s, rad, m/s²
IMU_LIMITS = np.array([20.0, 20.0, 20.0, 10.0, 10.0, 10.0], np.float32)  # m/s², then rad/s
NUM_RAYS, RANGE = 72, 60.0  # number of rays of the range finder, and its range in meters


@kernel
def measure_ranges(poses, boxes, lengths, widths, present, obstacles, counts, reach, ranges):  # type: ignore[no-untyped-def]
    """Write (N, R) meters from each car to the first hit of horizontal rays, counter-clockwise from straight ahead.

    Args:
        poses: (N, 3) x, y, heading of the cars.
        boxes: (N, B, 3) poses of moving boxes; box 0 is the car itself.
        lengths: (N, B) meters along the headings.
        widths: (N, B) meters across.
        present: (N, B) whether the box exists.
        obstacles: (N, K, 5) x, y, heading, length, width of static boxes.
        counts: (N,) number of obstacles.
        reach: meters, largest range.
        ranges: (N, R) to fill.
    """
    rays = ranges.shape[1]
    for world in range(ranges.shape[0]):
        ranges[world] = reach
        x, y, heading = poses[world, 0], poses[world, 1], poses[world, 2]
        for box in range(1, boxes.shape[1]):
            if present[world, box]:
                _meet(
                    boxes[world, box, 0] - x, boxes[world, box, 1] - y, boxes[world, box, 2],
                    lengths[world, box], widths[world, box], heading, reach, rays, ranges[world],
                )  # fmt: skip
        for number in range(counts[world]):
            obstacle = obstacles[world, number]
            _meet(
                obstacle[0] - x, obstacle[1] - y, obstacle[2], obstacle[3], obstacle[4], heading, reach, rays,
                ranges[world],
            )  # fmt: skip


@inlined
def _meet(x, y, turn, length, width, heading, reach, rays, ranges):  # type: ignore[no-untyped-def]
    """Shorten the rays that hit a box, given in the frame of the car."""
    radius = 0.5 * np.sqrt(length * length + width * width)
    distance = np.sqrt(x * x + y * y)
    if distance - radius > reach:
        return
    step = 2.0 * np.pi / rays
    if distance <= radius:
        first, count = 0, rays
    else:
        spread = np.arcsin(min(radius / distance, 1.0))
        bearing = np.arctan2(y, x) - heading
        first = int(np.ceil((bearing - spread) / step))
        count = int(np.floor((bearing + spread) / step)) - first + 1
    cosine, sine = np.cos(turn), np.sin(turn)
    own_x, own_y = -(cosine * x + sine * y), -(-sine * x + cosine * y)
    for number in range(count):
        ray = (first + number) % rays
        angle = heading + ray * step - turn
        across, along = np.cos(angle), np.sin(angle)
        near, far = -np.inf, np.inf
        for axis in range(2):
            origin = own_x if axis == 0 else own_y
            slope = across if axis == 0 else along
            half = 0.5 * length if axis == 0 else 0.5 * width
            if abs(slope) < 1e-9:
                if abs(origin) > half:
                    near = np.inf
                continue
            one, other = (-half - origin) / slope, (half - origin) / slope
            near, far = max(near, min(one, other)), min(far, max(one, other))
        if near <= far and far > 0.0:
            ranges[ray] = min(ranges[ray], max(near, 0.0))


def ego_motion(vehicles: FloatArray) -> NDArray[np.float32]:
    """(n, 5) speed, lateral speed, yaw rate, steering angle and acceleration of cars (n, 8)."""
    return np.clip(vehicles[:, EGO_COLUMNS], -EGO_LIMITS, EGO_LIMITS).astype(np.float32)


def inertial(vehicles: FloatArray) -> NDArray[np.float32]:
    """(n, 6) measurements of an inertial unit in cars (n, 8): specific force (m/s²) and turn rate (rad/s), x, y, z."""
    rows = np.zeros((len(vehicles), 6), np.float32)
    rows[:, 0] = vehicles[:, ACCELERATION]
    rows[:, 1] = vehicles[:, SPEED] * vehicles[:, YAW_RATE]
    rows[:, 2] = GRAVITY
    rows[:, 5] = vehicles[:, YAW_RATE]
    return np.clip(rows, -IMU_LIMITS, IMU_LIMITS)


@kernel
def sample_raster(raster, origins, scale, poses, meters, result):  # type: ignore[no-untyped-def]
    """Write (n, S, S) classes of the ground around cars, forward up.

    Args:
        raster: (n, H, W) classes; row 0 is the lowest y.
        origins: (n, 2) meters, x and y of the first cell.
        scale: cells per meter.
        poses: (n, 3) x, y, heading.
        meters: side of the square covered; the car is a quarter of it above the lower edge.
        result: (n, S, S) to fill; 0 outside the raster.
    """
    size = result.shape[1]
    step = meters / size
    for row in range(poses.shape[0]):
        x, y = poses[row, 0], poses[row, 1]
        cosine, sine = np.cos(poses[row, 2]), np.sin(poses[row, 2])
        for line in range(size):
            ahead = (0.75 * size - line - 0.5) * step
            for column in range(size):
                left = (0.5 * size - column - 0.5) * step
                east = int((x + cosine * ahead - sine * left - origins[row, 0]) * scale)
                north = int((y + sine * ahead + cosine * left - origins[row, 1]) * scale)
                inside = 0 <= east < raster.shape[2] and 0 <= north < raster.shape[1]
                result[row, line, column] = raster[row, north, east] if inside else 0


@kernel
def stamp_boxes(poses, boxes, lengths, widths, present, kind, meters, result):  # type: ignore[no-untyped-def]
    """Write the class `kind` at boxes into rasters of `sample_raster`.

    Args:
        poses: (n, 3) x, y, heading of the cars.
        boxes: (n, B, 3) poses of the boxes.
        lengths: (n, B) meters along the headings.
        widths: (n, B) meters across.
        present: (n, B).
        kind: class to write.
        meters: side of the square covered by the rasters.
        result: (n, S, S) to update.
    """
    size = result.shape[1]
    step = meters / size
    for row in range(poses.shape[0]):
        cosine, sine = np.cos(poses[row, 2]), np.sin(poses[row, 2])
        for box in range(boxes.shape[1]):
            if not present[row, box]:
                continue
            x, y = boxes[row, box, 0] - poses[row, 0], boxes[row, box, 1] - poses[row, 1]
            ahead, left = cosine * x + sine * y, -sine * x + cosine * y
            turn = boxes[row, box, 2] - poses[row, 2]
            half, across = 0.5 * lengths[row, box], 0.5 * widths[row, box]
            reach = half + across
            first_line = max(int((0.75 * meters - ahead - reach) / step), 0)
            last_line = min(int((0.75 * meters - ahead + reach) / step) + 1, size)
            first_column = max(int((0.5 * meters - left - reach) / step), 0)
            last_column = min(int((0.5 * meters - left + reach) / step) + 1, size)
            box_cosine, box_sine = np.cos(turn), np.sin(turn)
            for line in range(first_line, last_line):
                for column in range(first_column, last_column):
                    u = 0.75 * meters - (line + 0.5) * step - ahead
                    v = 0.5 * meters - (column + 0.5) * step - left
                    if abs(box_cosine * u + box_sine * v) <= max(half, 0.6 * step) and abs(
                        -box_sine * u + box_cosine * v
                    ) <= max(across, 0.6 * step):
                        result[row, line, column] = kind
