"""Lane assignment and privileged state of ego vehicles on a motorway."""

from __future__ import annotations

import numpy as np

from camshaft.envs.driving.dynamics import frenet, vehicle
from camshaft.envs.driving.dynamics.frenet import lane_curvature
from camshaft.envs.driving.road_network.highway import MOTORWAY_LANE
from camshaft.envs.driving.traffic.lane_changes import measure_neighbors
from camshaft.envs.driving.traffic.lanes import assign_lane
from camshaft.envs.kernels import inlined, kernel

SETTLED = 0.6  # meters from the lane center within which the next lane change may begin
MOST_LANES = 6  # lanes counted on either side
BETWEEN = 1.2  # meters from the lane center beyond which a vehicle also blocks the next one


@kernel
def assign_motorway_lanes(lanes, vehicles, paths, coordinates, targets, count, worlds, numbers):  # type: ignore[no-untyped-def]
    """Write the lane of ego vehicles, and the lane that they change to or overlap.

    Args:
        lanes: lanes of all worlds.
        vehicles: vehicles of all worlds; poses of vehicle 0 are set.
        paths: reference paths of the ego vehicles.
        coordinates: (N, 6) their Frenet coordinates.
        targets: (N,) their target lanes, counted from the median outwards.
        count: number of main lanes, without ramps.
        worlds: (n,) indices of the worlds to update.
        numbers: (N,) to fill: the lanes that they are in, counted from the median outwards.
    """
    for row in range(worlds.shape[0]):
        world = worlds[row]
        assign_lane(lanes, vehicles, world)
        lateral = coordinates[world, frenet.LATERAL] + paths.offset[world]
        numbers[world] = int(min(max(np.floor(-lateral / MOTORWAY_LANE), 0.0), np.float64(count)))
        lane, offset = vehicles.lane[world, 0], vehicles.offset[world, 0]
        left, right = lanes.left[world, lane], lanes.right[world, lane]
        change = targets[world] - numbers[world]
        target = left if change < 0 else (right if change > 0 else np.int32(-1))
        if target < 0:
            target = left if offset > BETWEEN else (right if offset < -BETWEEN else np.int32(-1))
        vehicles.shadow[world, 0] = target


@kernel
def write_motorway_state(lanes, vehicles, cars, paths, coordinates, numbers, preview, far, rows):  # type: ignore[no-untyped-def]
    """Write (N, K) in the order of `highway.STATE_NAMES`.

    Args:
        lanes: lanes of all worlds.
        vehicles: vehicles of all worlds.
        cars: (N, 8) states of the ego vehicles.
        paths: their reference paths.
        coordinates: (N, 6) their Frenet coordinates.
        numbers: (N,) the lanes that they are in, counted from the median outwards.
        preview: (P,) meters ahead at which to write the curvature.
        far: meters beyond which vehicles are ignored.
        rows: to fill.
    """
    ahead = preview.shape[0]
    for world in range(rows.shape[0]):
        row, car, lane = rows[world], cars[world], vehicles.lane[world, 0]
        row[0], row[1] = vehicles.offset[world, 0], coordinates[world, frenet.HEADING_ERROR]
        row[2], row[3], row[4] = car[vehicle.SPEED], car[vehicle.LATERAL_SPEED], car[vehicle.YAW_RATE]
        row[5], row[6] = car[vehicle.STEERING], car[vehicle.ACCELERATION]
        for number in range(ahead):
            row[7 + number] = lane_curvature(
                paths, world, coordinates[world, frenet.DISTANCE] + preview[number]
            )
        row[7 + ahead] = numbers[world]
        row[8 + ahead] = _lanes_across(lanes, world, lane)
        measure_neighbors(lanes, vehicles, world, far, row[9 + ahead :])


@inlined
def _lanes_across(lanes, world, lane):  # type: ignore[no-untyped-def]
    """Number of parallel lanes of the same direction, including the given one."""
    count = 1
    left, right = lanes.left[world, lane], lanes.right[world, lane]
    for _ in range(MOST_LANES):
        if left >= 0:
            left, count = lanes.left[world, left], count + 1
        if right >= 0:
            right, count = lanes.right[world, right], count + 1
    return count
