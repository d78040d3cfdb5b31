"""Parking planner: collision-free Reeds–Shepp paths, directly or by way of a pose in the aisle."""

from __future__ import annotations

from itertools import product

import numpy as np

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving.dynamics.collisions import hits_static
from camshaft.envs.driving.planning.reeds_shepp import NUM_PATHS, advance_on, trace, write_path
from camshaft.envs.kernels import inlined, kernel

STEP = 0.25  # meters between poses of a plan
CHECK = 0.35  # meters between poses that are checked for collisions
TURN_COST = 3.0  # meters, cost of a change of direction
REVERSE_COST = 1.3  # relative cost of meters in reverse
MARGIN = 0.22  # meters, clearance to all obstacles
MOST_POINTS = 800
NOTHING = 1e9
ENTRIES = np.array([0.0, 2.0, 3.5, 5.0])  # meters in front of a bay


def plan(
    start: FloatArray,
    goal: FloatArray,
    radius: float,
    size: tuple[float, float, float],
    obstacles: FloatArray,
) -> FloatArray | None:
    """(P, 4) x, y, heading and direction (1 or −1) of a collision-free parking maneuver, or None.

    Args:
        start: (3,) x, y, heading of the middle of the rear axle.
        goal: (3,) target pose of the middle of the rear axle.
        radius: meters, smallest turning radius.
        size: meters: length, width, and distance from the rear axle to the car's middle.
        obstacles: (K, 5) x, y, heading, length, width.
    """
    entries = _free_entries(goal, size, obstacles)
    if not len(entries):
        return None
    points = np.zeros((MOST_POINTS, 4))
    scratch = np.zeros((5, 5, 2))
    count = _find(
        start,
        entries,
        _via_poses(start, goal),
        radius,
        size[0] + 2.0 * MARGIN,
        size[1] + 2.0 * MARGIN,
        size[2],
        obstacles,
        scratch,
        points,
    )
    return np.concatenate([points[:count], _straight_in(points[count - 1], goal)]) if count else None


def _entry_poses(goal: FloatArray) -> FloatArray:
    """(E, 3) the goal, and poses in front of the bay with a straight path to it."""
    nose_in = np.sin(goal[2]) * goal[1] > 0.0
    back = np.array([np.cos(goal[2]), np.sin(goal[2]), 0.0]) * (-1.0 if nose_in else 1.0)
    return goal + np.outer(ENTRIES, back)


def _free_entries(goal: FloatArray, size: tuple[float, float, float], obstacles: FloatArray) -> FloatArray:
    """Entry poses in front of a bay with a collision-free straight path to the goal."""
    return np.array(
        [entry for entry in _entry_poses(goal) if _is_open(entry, goal, size, obstacles)]
    ).reshape(-1, 3)


def _is_open(
    entry: FloatArray, goal: FloatArray, size: tuple[float, float, float], obstacles: FloatArray
) -> bool:
    """Whether the straight path from one pose to another is collision-free."""
    length, width, middle = size[0] + 2.0 * MARGIN, size[1] + 2.0 * MARGIN, size[2]
    ahead = np.array([np.cos(goal[2]), np.sin(goal[2]), 0.0])
    poses = np.concatenate([entry[None], _straight_in(entry, goal)[:, :3]]) + middle * ahead
    return all(hits_static(pose, length, width, obstacles, len(obstacles)) < 0 for pose in poses)


def _straight_in(last: FloatArray, goal: FloatArray) -> FloatArray:
    """(K, 4) the straight remainder of the plan."""
    ahead = np.array([np.cos(goal[2]), np.sin(goal[2])])
    rest = float((goal[:2] - last[:2]) @ ahead)
    count = int(np.ceil(abs(rest) / STEP - 1e-6))
    shares = np.linspace(0.0, 1.0, count + 1)[1:]
    points = last[:2] + shares[:, None] * (goal[:2] - last[:2])
    return np.column_stack([points, np.full(count, last[2]), np.full(count, np.sign(rest))]).reshape(-1, 4)


def _via_poses(start: FloatArray, goal: FloatArray) -> FloatArray:
    """(V, 3) candidate via poses in the aisle near the goal; the first stands for the direct path."""
    aside = np.sign(goal[1])
    turns = (0.0, np.pi, 0.35, -0.35, np.pi - 0.35, np.pi + 0.35, 0.8, -0.8, np.pi - 0.8, np.pi + 0.8)
    offsets = product(np.arange(-9.0, 9.1, 1.5), (-1.6, -0.6, 0.4, 1.4), turns)
    poses = [(goal[0] + along, -aside * across, turn) for along, across, turn in offsets]
    return np.array([(*start[:2], NOTHING), *poses])


@kernel
def _find(start, goals, via, radius, length, width, middle, obstacles, scratch, points):  # type: ignore[no-untyped-def]
    """Write the cheapest path to one of several goals; returns its number of points, 0 if none is free."""
    path, first, second, best_first, best_second = scratch[0], scratch[1], scratch[2], scratch[3], scratch[4]
    pose = points[0]
    best, first_count, second_count, chosen = NOTHING, 0, 0, -1
    for number in range(via.shape[0]):
        for entry in range(goals.shape[0]):
            if via[number, 2] == NOTHING:
                cost, count = _cheapest(
                    start, goals[entry], radius, length, width, middle, obstacles, path, second, pose, best
                )
                if count > 0:
                    best, first_count, second_count, chosen = cost, 0, count, number
                    _copy(second, best_second)
                continue
            if _meters(start, via[number]) + _meters(via[number], goals[entry]) >= best:
                continue  # even straight lines would cost more
            late, late_count = _cheapest(
                via[number], goals[entry], radius, length, width, middle, obstacles, path, second, pose, best
            )
            if late_count == 0:
                continue
            early, early_count = _cheapest(
                start, via[number], radius, length, width, middle, obstacles, path, first, pose, best - late
            )
            if early_count > 0 and early + late < best:
                best, first_count, second_count, chosen = early + late, early_count, late_count, number
                _copy(first, best_first)
                _copy(second, best_second)
    if chosen < 0:
        return 0
    if first_count == 0:
        return _write(start, best_second, second_count, radius, points, 0)
    written = _write(start, best_first, first_count, radius, points, 0)
    return _write(via[chosen], best_second, second_count, radius, points, written)


@inlined
def _meters(one, other):  # type: ignore[no-untyped-def]
    return np.sqrt((one[0] - other[0]) ** 2 + (one[1] - other[1]) ** 2)


@inlined
def _cheapest(start, goal, radius, length, width, middle, obstacles, path, found, pose, limit):  # type: ignore[no-untyped-def]
    """Write the cheapest free path between two poses; returns its cost and segments, 0 if none is below the limit."""
    cosine, sine = np.cos(start[2]), np.sin(start[2])
    across, up = goal[0] - start[0], goal[1] - start[1]
    x, y = (cosine * across + sine * up) / radius, (-sine * across + cosine * up) / radius
    best, count = limit, 0
    for number in range(NUM_PATHS):
        segments = write_path(x, y, goal[2] - start[2], number, path)
        if segments == 0:
            continue
        cost, before = 0.0, 0.0
        for place in range(segments):
            meters = radius * path[place, 1]
            cost += meters if meters > 0.0 else -REVERSE_COST * meters
            if abs(meters) > 1e-6:
                cost += TURN_COST if before * meters < 0.0 else 0.0
                before = meters
        if cost >= best:
            continue
        if _is_free(start, path, segments, radius, length, width, middle, obstacles, pose):
            best, count = cost, segments
            _copy(path, found)
    return best, count


@inlined
def _copy(source, target):  # type: ignore[no-untyped-def]
    """Copy without allocating, unlike Numba's own array copy."""
    for row in range(source.shape[0]):
        for column in range(source.shape[1]):
            target[row, column] = source[row, column]


@inlined
def _is_free(start, path, count, radius, length, width, middle, obstacles, pose):  # type: ignore[no-untyped-def]
    """Whether a path from a pose of the rear axle is collision-free."""
    x, y, heading = 0.0, 0.0, 0.0
    cosine, sine = np.cos(start[2]), np.sin(start[2])
    for place in range(count):
        turn, meters = path[place, 0], path[place, 1] * radius
        parts = int(np.ceil(abs(meters) / CHECK))
        for _ in range(parts):
            x, y, heading = advance_on(x, y, heading, turn, meters / radius / parts)
            pose[2] = start[2] + heading
            pose[0] = start[0] + radius * (cosine * x - sine * y) + middle * np.cos(pose[2])
            pose[1] = start[1] + radius * (sine * x + cosine * y) + middle * np.sin(pose[2])
            if hits_static(pose, length, width, obstacles, obstacles.shape[0]) >= 0:
                return False
    return True


@inlined
def _write(start, path, count, radius, points, written):  # type: ignore[no-untyped-def]
    """Append the poses of a path from a start pose."""
    rest = points[written:]
    number = trace(path, count, STEP / radius, rest)
    cosine, sine = np.cos(start[2]), np.sin(start[2])
    for row in range(number):
        x, y = radius * rest[row, 0], radius * rest[row, 1]
        rest[row, 0], rest[row, 1] = start[0] + cosine * x - sine * y, start[1] + sine * x + cosine * y
        rest[row, 2] += start[2]
    return written + number
