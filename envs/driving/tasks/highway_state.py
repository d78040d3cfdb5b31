"""Where cars are on a motorway, and everything that driving there depends on, as numbers."""

from __future__ import annotations

import numpy as np

from camshaft.envs.driving.country_road import track as places
from camshaft.envs.driving.country_road.track import lane_curvature
from camshaft.envs.driving.dynamics import vehicle
from camshaft.envs.driving.road_network.highway import MOTORWAY_LANE
from camshaft.envs.driving.traffic.lane_changes import measure_neighbors
from camshaft.envs.driving.traffic.lanes import place_on_lane
from camshaft.envs.kernels import inlined, kernel

SETTLED = 0.6  # meters from the middle of a lane within which one may change to the next
MOST_LANES = 6  # on either side of one that are counted
BETWEEN = 1.2  # meters from it beyond which one is in the way on the next


@kernel
def place_on_motorway(lanes, vehicles, ways, located, aims, count, numbers):  # type: ignore[no-untyped-def]
    """Write the lane of each ego vehicle, and the one that it changes to or stands out into.

    Args:
        lanes: of all worlds.
        vehicles: likewise; poses of number 0 are set.
        ways: of the ego vehicles.
        located: (N, 6) their places.
        aims: (N,) the lane that they aim at, from the inner edge outwards.
        count: lanes of the motorway, without those that join or leave.
        numbers: (N,) to fill: which lane they are in, from the inner edge outwards.
    """
    for world in range(numbers.shape[0]):
        place_on_lane(lanes, vehicles, world)
        lateral = located[world, places.LATERAL] + ways.offset[world]
        numbers[world] = int(min(max(np.floor(-lateral / MOTORWAY_LANE), 0.0), np.float64(count)))
        lane, offset = vehicles.lane[world, 0], vehicles.offset[world, 0]
        left, right = lanes.left[world, lane], lanes.right[world, lane]
        change = aims[world] - numbers[world]
        target = left if change < 0 else (right if change > 0 else np.int32(-1))
        if target < 0:
            target = left if offset > BETWEEN else (right if offset < -BETWEEN else np.int32(-1))
        vehicles.shadow[world, 0] = target


@kernel
def write_motorway_state(lanes, vehicles, cars, ways, located, numbers, preview, far, rows):  # type: ignore[no-untyped-def]
    """Write (N, K) in the order of `highway.STATE_NAMES`.

    Args:
        lanes: of all worlds.
        vehicles: likewise.
        cars: (N, 8) states of the ego vehicles.
        ways: that they follow.
        located: (N, 6) their places.
        numbers: (N,) the lanes that they are in, from the inner edge outwards.
        preview: (P,) meters ahead at which the curvature is told.
        far: meters beyond which nobody counts.
        rows: to fill.
    """
    ahead = preview.shape[0]
    for world in range(rows.shape[0]):
        row, car, lane = rows[world], cars[world], vehicles.lane[world, 0]
        row[0], row[1] = vehicles.offset[world, 0], located[world, places.HEADING_ERROR]
        row[2], row[3], row[4] = car[vehicle.SPEED], car[vehicle.LATERAL_SPEED], car[vehicle.YAW_RATE]
        row[5], row[6] = car[vehicle.STEERING], car[vehicle.ACCELERATION]
        for number in range(ahead):
            row[7 + number] = lane_curvature(ways, world, located[world, places.DISTANCE] + preview[number])
        row[7 + ahead] = numbers[world]
        row[8 + ahead] = _lanes_across(lanes, world, lane)
        measure_neighbors(lanes, vehicles, world, far, row[9 + ahead :])


@inlined
def _lanes_across(lanes, world, lane):  # type: ignore[no-untyped-def]
    """How many lanes lead the same way beside each other, a lane among them."""
    count = 1
    left, right = lanes.left[world, lane], lanes.right[world, lane]
    for _ in range(MOST_LANES):
        if left >= 0:
            left, count = lanes.left[world, left], count + 1
        if right >= 0:
            right, count = lanes.right[world, right], count + 1
    return count
