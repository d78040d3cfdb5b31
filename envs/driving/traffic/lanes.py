"""Lookups along the lanes of one world."""

from __future__ import annotations

import numpy as np

from camshaft.envs.driving.road_network.arrays import CELL, CURVATURE, HEADING, X, Y
from camshaft.envs.kernels import inlined, kernel

COARSE = 16  # stride of the lane points in a coarse search


@inlined
def point_on(lanes, world, lane, along):  # type: ignore[no-untyped-def]
    """x, y, heading and curvature at a distance along a lane; straight beyond its ends."""
    first, count = lanes.starts[world, lane], lanes.starts[world, lane + 1] - lanes.starts[world, lane]
    steps = along / lanes.spacing[world, lane]
    index = min(max(int(steps), 0), count - 2)
    part = steps - index
    here, there = lanes.points[world, first + index], lanes.points[world, first + index + 1]
    inner = min(max(part, 0.0), 1.0)
    return (
        here[X] + part * (there[X] - here[X]),
        here[Y] + part * (there[Y] - here[Y]),
        here[HEADING] + inner * (there[HEADING] - here[HEADING]),
        here[CURVATURE] + inner * (there[CURVATURE] - here[CURVATURE]),
    )


@inlined
def curvature_on(lanes, world, lane, along):  # type: ignore[no-untyped-def]
    """Curvature at a distance along a lane."""
    first, count = lanes.starts[world, lane], lanes.starts[world, lane + 1] - lanes.starts[world, lane]
    index = min(max(int(along / lanes.spacing[world, lane] + 0.5), 0), count - 1)
    return lanes.points[world, first + index, CURVATURE]


@inlined
def nearest_on(lanes, world, lane, x, y, most):  # type: ignore[no-untyped-def]
    """Meters along a lane of its nearest sampled point, and the squared distance to it; infinity beyond `most` meters.

    A coarse search bounds the distance; a fine search then skips points that cannot be nearer, given the distance of
    the previous one.
    """
    first, stop = lanes.starts[world, lane], lanes.starts[world, lane + 1]
    spacing = lanes.spacing[world, lane]
    square, place = np.inf, first
    for index in range(first, stop, COARSE):
        across, along = lanes.points[world, index, X] - x, lanes.points[world, index, Y] - y
        if across * across + along * along < square:
            square, place = across * across + along * along, index
    best, index = np.sqrt(square), int(first)
    if best > most + COARSE * spacing:
        return 0.0, np.inf
    while index < stop:
        across, along = lanes.points[world, index, X] - x, lanes.points[world, index, Y] - y
        distance = np.sqrt(across * across + along * along)
        if distance < best:
            best, place = distance, index
        index += max(int((distance - best) / spacing), 1)
    return (place - first) * spacing, best * best


@inlined
def project(lanes, world, lane, x, y, along):  # type: ignore[no-untyped-def]
    """Projection of a point onto a lane near an initial guess: meters along it, meters left of it, and its heading."""
    heading = lateral = 0.0
    length = lanes.length[world, lane]
    for _ in range(3):
        foot_x, foot_y, heading, curvature = point_on(lanes, world, lane, along)
        across, up = x - foot_x, y - foot_y
        cosine, sine = np.cos(heading), np.sin(heading)
        lateral = -sine * across + cosine * up
        step = (cosine * across + sine * up) / max(1.0 - curvature * lateral, 0.2)
        along = min(max(along + step, -20.0), length + 20.0)
    foot_x, foot_y, heading, curvature = point_on(lanes, world, lane, along)
    lateral = -np.sin(heading) * (x - foot_x) + np.cos(heading) * (y - foot_y)
    return along, lateral, heading


@inlined
def cell_of(lanes, world, x, y):  # type: ignore[no-untyped-def]
    """Index of the grid cell of a position, or −1."""
    grid = lanes.grid[world]
    column, row = int(np.floor((x - grid[0]) / CELL)), int(np.floor((y - grid[1]) / CELL))
    if column < 0 or row < 0 or column >= grid[2] or row >= grid[3]:
        return -1
    return int(column * grid[3] + row)


@kernel
def find_lane(lanes, world, x, y, heading):  # type: ignore[no-untyped-def]
    """The lane that best fits a pose by lateral distance and heading difference; −1 if none is near.

    Returns:
        Lane, meters along it, meters left of its center.
    """
    best, lane, along, lateral = np.inf, -1, 0.0, 0.0
    cell = cell_of(lanes, world, x, y)
    if cell < 0:
        return lane, along, lateral
    for entry in range(lanes.cell_starts[world, cell], lanes.cell_starts[world, cell + 1]):
        candidate = lanes.cell_lanes[world, entry]
        guess, square = nearest_on(lanes, world, candidate, x, y, 10.0)
        if square > 100.0:
            continue
        place, beside, direction = project(lanes, world, candidate, x, y, guess)
        beyond = max(-place, place - lanes.length[world, candidate], 0.0)
        turned = 1.0 - np.cos(heading - direction)
        cost = abs(beside) + 4.0 * turned + 2.0 * beyond
        if cost < best:
            best, lane, along, lateral = cost, candidate, place, beside
    return lane, along, lateral


@inlined
def occupy(lanes, vehicles, occupied, world):  # type: ignore[no-untyped-def]
    """Write the lanes that the ego vehicle is on or blocks."""
    pose = vehicles.pose[world, 0]
    x, y, heading = pose[0], pose[1], pose[2]
    count = 0
    cell = cell_of(lanes, world, x, y)
    if cell >= 0:
        for entry in range(lanes.cell_starts[world, cell], lanes.cell_starts[world, cell + 1]):
            lane = lanes.cell_lanes[world, entry]
            guess, square = nearest_on(lanes, world, lane, x, y, 8.0)
            if square > 64.0 or count == occupied.lanes.shape[1]:
                continue
            along, lateral, direction = project(lanes, world, lane, x, y, guess)
            turned = abs(np.sin(heading - direction))
            straight = np.sqrt(max(1.0 - turned * turned, 0.0))
            reach = 0.5 * vehicles.width[world, 0] * straight + 0.5 * vehicles.length[world, 0] * turned
            if along < -2.0 or along > lanes.length[world, lane] + 2.0 or abs(lateral) > reach + 1.0:
                continue
            occupied.lanes[world, count] = lane
            occupied.along[world, count] = along
            count += 1
    occupied.counts[world] = count


@kernel
def measure_departure(lanes, vehicles, departures):  # type: ignore[no-untyped-def]
    """Write (N, 2) meters from each ego vehicle to the nearest lane, and to the nearest lane of its direction.

    Both are 0 on such a lane, and 100 if none is near.
    """
    for world in range(departures.shape[0]):
        pose = vehicles.pose[world, 0]
        x, y, heading = pose[0], pose[1], pose[2]
        any_lane, own_way = _outside(
            lanes, world, vehicles.lane[world, 0], x, y, heading, vehicles.along[world, 0]
        )
        if own_way > 0.0:  # off its assigned lane: search all others
            any_lane, own_way = 100.0, 100.0
            cell = cell_of(lanes, world, x, y)
            if cell >= 0:
                for entry in range(lanes.cell_starts[world, cell], lanes.cell_starts[world, cell + 1]):
                    lane = lanes.cell_lanes[world, entry]
                    guess, square = nearest_on(lanes, world, lane, x, y, 14.2)
                    if square > 200.0:
                        continue
                    any_outside, own_outside = _outside(lanes, world, lane, x, y, heading, guess)
                    any_lane, own_way = min(any_lane, any_outside), min(own_way, own_outside)
        departures[world, 0], departures[world, 1] = any_lane, own_way


@inlined
def _outside(lanes, world, lane, x, y, heading, guess):  # type: ignore[no-untyped-def]
    """Meters from a position to a lane near an initial guess; and the same if the lane has the heading, else 100."""
    along, lateral, direction = project(lanes, world, lane, x, y, guess)
    beyond = max(-along, along - lanes.length[world, lane], 0.0)
    outside = max(abs(lateral) - 0.5 * lanes.width[world, lane], 0.0) + beyond
    return outside, outside if np.cos(heading - direction) > 0.0 else 100.0


@inlined
def assign_lane(lanes, vehicles, world):  # type: ignore[no-untyped-def]
    """Write the lane of the ego vehicle, from its pose, and the next lanes."""
    pose = vehicles.pose[world, 0]
    lane, along, lateral = find_lane(lanes, world, pose[0], pose[1], pose[2])
    if lane < 0:
        return
    vehicles.lane[world, 0], vehicles.along[world, 0] = lane, along
    vehicles.offset[world, 0] = lateral
    after = lanes.successors[world, lane, 0]
    vehicles.next_lane[world, 0] = after
    vehicles.after_lane[world, 0] = lanes.successors[world, after, 0] if after >= 0 else -1
