"""Drivers' response to the road ahead: bends, limits, vehicles, stop lines and crossing pedestrians."""

from __future__ import annotations

import numpy as np

from camshaft.envs.driving.road_network.elements import LIGHT, STOP
from camshaft.envs.driving.traffic.idm import HARDEST, following_acceleration, stopping_acceleration
from camshaft.envs.driving.traffic.lanes import curvature_on
from camshaft.envs.driving.traffic.state import ACCELERATION, DECELERATION, HEADWAY, SPEED_SHARE
from camshaft.envs.kernels import inlined, kernel

LATERAL_ACCELERATION = 2.2  # m/s², lateral acceleration in bends
LOOK_STEP, LOOK_STEPS = (
    5.0,
    9,
)  # meters between the points at which the curvature is checked, and their number
SIGHT = 120.0  # meters beyond which vehicles are ignored
PARTING = 8.0  # meters after a fork within which the rear of a vehicle on one lane blocks the other
NEVER = 1e3  # m/s², stands for no limit
CHANGING = 22.0  # meters after its beginning in which a lane change is almost complete
LET_PASS = 3.0  # m/s², braking for a vehicle alongside
COMMITTED = 9.0  # meters after the beginning of a lane change within which a vehicle is still in its own lane


@kernel
def desired_speed(lanes, vehicles, world, number):  # type: ignore[no-untyped-def]
    """Desired speed (m/s) on an empty road, given the bends and limits ahead."""
    lane, after = vehicles.lane[world, number], vehicles.next_lane[world, number]
    along = vehicles.along[world, number]
    share, slow = vehicles.traits[world, number, SPEED_SHARE], vehicles.traits[world, number, DECELERATION]
    desired = lanes.limit[world, lane] * share
    left = lanes.length[world, lane] - along
    if after >= 0:
        limit = lanes.limit[world, after] * share
        desired = min(desired, np.sqrt(limit * limit + 1.4 * slow * max(left, 0.0)))
    for look in range(LOOK_STEPS):
        ahead = look * LOOK_STEP
        if ahead <= left or after < 0:
            curvature = abs(curvature_on(lanes, world, lane, along + ahead))
        else:
            curvature = abs(curvature_on(lanes, world, after, ahead - left))
        desired = min(desired, np.sqrt(LATERAL_ACCELERATION / max(curvature, 1e-4) + 1.2 * slow * ahead))
    return desired


@inlined
def distance_along(lanes, world, lane, after, later, along, other, place, half):  # type: ignore[no-untyped-def]
    """Meters to a vehicle ahead, on or overlapping a path of three lanes; negative if it does not block the path.

    Args:
        lanes: lanes of all worlds.
        world: index of the world.
        lane: first lane of the path.
        after: second lane.
        later: third lane.
        along: meters along the first lane, own position.
        other: lane of the other vehicle.
        place: meters along it, middle of the other vehicle.
        half: meters from its middle to its rear.
    """
    if other == lane:
        return place - along
    start = lanes.length[world, lane] - along
    if after < 0:
        return -1.0
    if other == after:
        return start + place
    if later >= 0 and other == later:
        return start + lanes.length[world, after] + place
    if place - half >= PARTING or lanes.junction[world, other] < 0:
        return -1.0
    parted = lanes.predecessor[world, other]
    if parted < 0:
        return -1.0
    if parted == lanes.predecessor[world, after] and lanes.junction[world, after] >= 0:
        return start + place
    if parted == lanes.predecessor[world, lane] and lanes.junction[world, lane] >= 0:
        return place - along
    return -1.0


@kernel
def acceleration_behind(  # type: ignore[no-untyped-def]
    lanes, vehicles, occupied, world, number, ignored, lane, after, later, along, desired
):
    """Acceleration (m/s²) on a path of three lanes for all vehicles ahead but one; NEVER if there is none."""
    speed, length = vehicles.speed[world, number], vehicles.length[world, number]
    headway = vehicles.traits[world, number, HEADWAY]
    quick, slow = (
        vehicles.traits[world, number, ACCELERATION],
        vehicles.traits[world, number, DECELERATION],
    )
    least = NEVER
    for other in range(vehicles.present.shape[1]):
        if other in (number, ignored) or not vehicles.present[world, other]:
            continue
        reach = 0.5 * (length + vehicles.length[world, other])
        ahead = distance_along(
            lanes, world, lane, after, later, along, vehicles.lane[world, other], vehicles.along[world, other],
            0.5 * vehicles.length[world, other],
        )  # fmt: skip
        if vehicles.shadow[world, other] >= 0:
            ahead = max(
                ahead,
                distance_along(
                    lanes, world, lane, after, later, along, vehicles.shadow[world, other],
                    vehicles.along[world, other], 0.5 * vehicles.length[world, other],
                ),
            )  # fmt: skip
        if other == 0:
            for entry in range(occupied.counts[world]):
                place = distance_along(
                    lanes, world, lane, after, later, along, occupied.lanes[world, entry],
                    occupied.along[world, entry], 0.5 * vehicles.length[world, 0],
                )  # fmt: skip
                if place > 0.0 and (ahead <= 0.0 or place < ahead):
                    ahead = place
        if ahead <= 0.0 or ahead - reach > SIGHT:
            continue
        least = min(
            least,
            following_acceleration(
                speed, desired, ahead - reach, vehicles.speed[world, other], headway, quick, slow
            ),
        )
    return least


@inlined
def acceleration_to_line(lanes, vehicles, world, number, desired):  # type: ignore[no-untyped-def]
    """Acceleration (m/s²) toward the stop line or the end of the lane ahead; NEVER if the way is clear."""
    lane, after = vehicles.lane[world, number], vehicles.next_lane[world, number]
    left = lanes.length[world, lane] - vehicles.along[world, number] - 0.5 * vehicles.length[world, number]
    speed = vehicles.speed[world, number]
    quick, slow = (
        vehicles.traits[world, number, ACCELERATION],
        vehicles.traits[world, number, DECELERATION],
    )
    if after < 0:
        return stopping_acceleration(speed, desired, left, quick, slow)
    if lanes.junction[world, after] < 0 or vehicles.granted[world, number] == after:
        return NEVER
    free = lanes.conflict_starts[world, after] == lanes.conflict_starts[world, after + 1]
    if free and lanes.control[world, after] not in (STOP, LIGHT):
        return NEVER
    left -= lanes.stop_gap[world, lane]
    if (
        left < -0.5 * lanes.stop_gap[world, lane] - 1.0
        or speed * speed > 2.0 * HARDEST * max(left, 0.0) + 4.0
    ):
        return NEVER  # too late to stop
    return stopping_acceleration(speed, desired, left, quick, slow)


@inlined
def acceleration_to_people(lanes, vehicles, crossed, world, number, desired):  # type: ignore[no-untyped-def]
    """Acceleration (m/s²) for people crossing the lanes ahead; NEVER if there are none.

    Args:
        lanes: lanes of all worlds.
        vehicles: vehicles of all worlds.
        crossed: (N, K) whether a person is on a crossing, or has right of way there.
        world: index of the world.
        number: index of the vehicle.
        desired: m/s, desired speed.
    """
    speed = vehicles.speed[world, number]
    quick, slow = (
        vehicles.traits[world, number, ACCELERATION],
        vehicles.traits[world, number, DECELERATION],
    )
    least = NEVER
    start = -vehicles.along[world, number] - 0.5 * vehicles.length[world, number]
    for step in range(3):
        if step == 0:
            lane = vehicles.lane[world, number]
        elif step == 1:
            lane = vehicles.next_lane[world, number]
        else:
            lane = vehicles.after_lane[world, number]
        if lane < 0:
            break
        for entry in range(lanes.crossing_starts[world, lane], lanes.crossing_starts[world, lane + 1]):
            if not crossed[world, lanes.crossing_ids[world, entry]]:
                continue
            gap = start + lanes.crossing_distances[world, entry] - 2.5
            if gap < -1.5 or speed * speed > 2.0 * HARDEST * max(gap, 0.0) + 1.0:
                continue  # already on it, or too late
            least = min(least, stopping_acceleration(speed, desired, gap, quick, slow))
        start += lanes.length[world, lane]
    return least


@inlined
def gap_ahead(lanes, vehicles, world, far):  # type: ignore[no-untyped-def]
    """Gap (meters) from the ego vehicle to the next one on its path, and the speed of that one; or `far` and 0."""
    nearest, speed = far, 0.0
    lane, after = vehicles.lane[world, 0], vehicles.next_lane[world, 0]
    later, along = vehicles.after_lane[world, 0], vehicles.along[world, 0]
    for other in range(1, vehicles.present.shape[1]):
        if not vehicles.present[world, other]:
            continue
        for place in range(2):
            there = vehicles.lane[world, other] if place == 0 else vehicles.shadow[world, other]
            if there < 0:
                continue
            ahead = distance_along(
                lanes, world, lane, after, later, along, there, vehicles.along[world, other],
                0.5 * vehicles.length[world, other],
            )  # fmt: skip
            gap = ahead - 0.5 * (vehicles.length[world, 0] + vehicles.length[world, other])
            if ahead > 0.0 and gap < nearest:
                nearest, speed = max(gap, 0.0), vehicles.speed[world, other]
    return nearest, speed


@inlined
def people_ahead(lanes, vehicles, crossed, world, far):  # type: ignore[no-untyped-def]
    """Meters from the ego vehicle to the next crossing on its path that it has to keep clear; or `far`."""
    nearest = far
    start = -vehicles.along[world, 0] - 0.5 * vehicles.length[world, 0]
    for step in range(3):
        if step == 0:
            lane = vehicles.lane[world, 0]
        elif step == 1:
            lane = vehicles.next_lane[world, 0]
        else:
            lane = vehicles.after_lane[world, 0]
        if lane < 0:
            break
        for entry in range(lanes.crossing_starts[world, lane], lanes.crossing_starts[world, lane + 1]):
            gap = start + lanes.crossing_distances[world, entry] - 1.5
            if crossed[world, lanes.crossing_ids[world, entry]] and -2.0 < gap < nearest:
                nearest = max(gap, 0.0)
        start += lanes.length[world, lane]
    return nearest


@kernel
def acceleration_to_change(lanes, vehicles, distances, changes, result):  # type: ignore[no-untyped-def]
    """Lower (N,) m/s² of ego vehicles whose lane change would cut off others: they wait before it begins.

    During a lane change, they let vehicles pass that are alongside and ahead.

    Args:
        lanes: lanes of all worlds.
        vehicles: vehicles of all worlds.
        distances: (N,) meters of the ego vehicles along their routes.
        changes: (N, M, 3) of each lane change: meters along the route, target lane, meters along that lane.
        result: (N,) m/s², lowered in place.
    """
    for world in range(result.shape[0]):
        for number in range(changes.shape[1]):
            away = changes[world, number, 0] - distances[world]
            if away < -CHANGING or away > 40.0:
                continue
            lane = int(changes[world, number, 1])
            place = changes[world, number, 2] - away
            if away < -COMMITTED:
                if _is_passed(lanes, vehicles, world, lane, place):
                    result[world] = min(result[world], -LET_PASS)
                continue
            if _is_clear(lanes, vehicles, world, lane, place):
                continue
            gap = max(away, 0.0) + 1.0
            stop = stopping_acceleration(
                vehicles.speed[world, 0], lanes.limit[world, lane], gap,
                vehicles.traits[world, 0, ACCELERATION], vehicles.traits[world, 0, DECELERATION],
            )  # fmt: skip
            result[world] = min(result[world], stop)


@inlined
def _is_passed(lanes, vehicles, world, lane, place):  # type: ignore[no-untyped-def]
    """Whether a vehicle is alongside the target position of the ego vehicle on a lane, its middle not behind."""
    for other in range(1, vehicles.present.shape[1]):
        if not vehicles.present[world, other] or vehicles.lane[world, other] != lane:
            continue
        ahead = vehicles.along[world, other] - place
        reach = 0.5 * (vehicles.length[world, 0] + vehicles.length[world, other])
        if 0.0 <= ahead < reach + 1.0:
            return True
    return False


@inlined
def _is_clear(lanes, vehicles, world, lane, place):  # type: ignore[no-untyped-def]
    """Whether the ego vehicle may change to a position on a lane."""
    speed, length = vehicles.speed[world, 0], vehicles.length[world, 0]
    for other in range(1, vehicles.present.shape[1]):
        if not vehicles.present[world, other]:
            continue
        there = vehicles.along[world, other]
        if vehicles.lane[world, other] == lane or vehicles.shadow[world, other] == lane:
            ahead = there - place
        elif vehicles.next_lane[world, other] == lane:
            ahead = there - lanes.length[world, vehicles.lane[world, other]] - place
        else:
            continue
        reach = 0.5 * (length + vehicles.length[world, other])
        closing = vehicles.speed[world, other] - speed
        if ahead >= 0.0:
            if ahead - reach < 1.5 + 1.5 * max(-closing, 0.0):
                return False
        elif -ahead - reach < 2.0 + 3.0 * max(closing, 0.0):
            return False
    return True
