"""Lane changes by MOBIL.

Source: A. Kesting, M. Treiber and D. Helbing, "General lane-changing model MOBIL for car-following models",
Transportation Research Record 1999, 2007: safe when the new follower brakes at less than b_safe; desired when
ã_c − a_c + p (ã_n − a_n + ã_o − a_o) > Δa, with a bias to the right.
"""

from __future__ import annotations

import numpy as np

from camshaft.envs.driving.traffic.ahead import NEVER, acceleration_behind, desired_speed
from camshaft.envs.driving.traffic.idm import following_acceleration, free_acceleration
from camshaft.envs.driving.traffic.state import ACCELERATION, DECELERATION, HEADWAY, POLITENESS
from camshaft.envs.kernels import inlined, kernel

SAFE_BRAKING = 2.5  # m/s²
THRESHOLD = 0.25  # m/s²
RIGHT_BIAS = 0.2  # m/s²
LEAST_GAP = 2.0  # meters, safe gap ahead and behind
ENDING = 160.0  # meters before the end of a lane within which vehicles leave it
THINKING = 1.0  # seconds between two lane change decisions
RESTING = 5.0  # seconds between two lane changes
LATERAL_SPEED = 1.3  # m/s


@inlined
def consider_change(lanes, vehicles, occupied, world, number):  # type: ignore[no-untyped-def]
    """The neighboring lane that a vehicle changes to now, or −1."""
    lane = vehicles.lane[world, number]
    best, chosen = 0.0, -1
    for side in range(2):
        target = lanes.left[world, lane] if side == 0 else lanes.right[world, lane]
        if target < 0:
            continue
        gain = change_incentive(lanes, vehicles, occupied, world, number, target)
        gain += -RIGHT_BIAS if side == 0 else RIGHT_BIAS
        if gain > max(best, THRESHOLD):
            best, chosen = gain, target
    return chosen


@inlined
def change_incentive(lanes, vehicles, occupied, world, number, target):  # type: ignore[no-untyped-def]
    """MOBIL incentive (m/s²) of changing to a neighboring lane; −inf if it is not safe."""
    lane = vehicles.lane[world, number]
    along = vehicles.along[world, number]
    share = lanes.length[world, target] / lanes.length[world, lane]
    there = along * share
    after, later = ways_after(lanes, world, target)
    desired = desired_speed(lanes, vehicles, world, number)
    quick = vehicles.traits[world, number, ACCELERATION]
    free = free_acceleration(vehicles.speed[world, number], desired, quick)
    now = min(
        free,
        acceleration_behind(
            lanes, vehicles, occupied, world, number, -1, lane, vehicles.next_lane[world, number],
            vehicles.after_lane[world, number], along, desired,
        ),
    )  # fmt: skip
    then = min(
        free,
        acceleration_behind(
            lanes, vehicles, occupied, world, number, -1, target, after, later, there, desired
        ),
    )
    if then < -SAFE_BRAKING and then < now:
        return -np.inf
    gain = then - now + _urgency(lanes, world, lane, along) - _urgency(lanes, world, target, there)
    for place in range(2):
        own = place == 0
        follower, gap = _follower(
            lanes, vehicles, world, number, lane if own else target, along if own else there
        )
        if not own and _is_beside(lanes, vehicles, occupied, world, number, target, there):
            return -np.inf
        if follower < 0:
            continue
        if own:
            before = _behind(lanes, vehicles, occupied, world, follower, -1)
            changed = _behind(lanes, vehicles, occupied, world, follower, number)
        else:
            if gap < LEAST_GAP:
                return -np.inf
            before = _behind(lanes, vehicles, occupied, world, follower, -1)
            changed = min(before, _with_leader(lanes, vehicles, world, follower, number, gap))
            if changed < -SAFE_BRAKING:
                return -np.inf
        gain += vehicles.traits[world, number, POLITENESS] * (changed - before)
    return gain


@inlined
def ways_after(lanes, world, lane):  # type: ignore[no-untyped-def]
    """The next two lanes after a lane, by first successors."""
    after = lanes.successors[world, lane, 0]
    later = lanes.successors[world, after, 0] if after >= 0 else np.int32(-1)
    return after, later


@inlined
def _urgency(lanes, world, lane, along):  # type: ignore[no-untyped-def]
    """Incentive (m/s²) to leave a lane that ends."""
    if lanes.successors[world, lane, 0] >= 0:
        return 0.0
    left = lanes.length[world, lane] - along
    return 0.0 if left > ENDING else 4.0 * (1.0 - left / ENDING) + 0.5


@inlined
def _behind(lanes, vehicles, occupied, world, number, ignored):  # type: ignore[no-untyped-def]
    """Acceleration (m/s²) of a vehicle on its own path, ignoring one other vehicle."""
    desired = desired_speed(lanes, vehicles, world, number)
    free = free_acceleration(
        vehicles.speed[world, number], desired, vehicles.traits[world, number, ACCELERATION]
    )
    return min(
        free,
        acceleration_behind(
            lanes, vehicles, occupied, world, number, ignored, vehicles.lane[world, number],
            vehicles.next_lane[world, number], vehicles.after_lane[world, number],
            vehicles.along[world, number], desired,
        ),
    )  # fmt: skip


@inlined
def _with_leader(lanes, vehicles, world, follower, leader, gap):  # type: ignore[no-untyped-def]
    """Acceleration (m/s²) of a vehicle with a given new leader."""
    traits = vehicles.traits[world, follower]
    desired = desired_speed(lanes, vehicles, world, follower)
    return following_acceleration(
        vehicles.speed[world, follower],
        desired,
        gap,
        vehicles.speed[world, leader],
        traits[HEADWAY],
        traits[ACCELERATION],
        traits[DECELERATION],
    )


@inlined
def _follower(lanes, vehicles, world, number, lane, along):  # type: ignore[no-untyped-def]
    """The vehicle behind a position on a lane, and the gap to it; −1 if there is none."""
    chosen, least = -1, 200.0
    for other in range(vehicles.present.shape[1]):
        if other == number or not vehicles.present[world, other]:
            continue
        reach = 0.5 * (vehicles.length[world, number] + vehicles.length[world, other])
        if vehicles.lane[world, other] == lane or vehicles.shadow[world, other] == lane:
            gap = along - vehicles.along[world, other]
            if gap <= 0.0:
                continue
        elif vehicles.next_lane[world, other] == lane:
            gap = lanes.length[world, vehicles.lane[world, other]] - vehicles.along[world, other] + along
        else:
            continue
        if gap - reach < least:
            chosen, least = other, gap - reach
    return chosen, least


@inlined
def _is_beside(lanes, vehicles, occupied, world, number, lane, along):  # type: ignore[no-untyped-def]
    """Whether the target position of a lane change is occupied."""
    for other in range(vehicles.present.shape[1]):
        if other == number or not vehicles.present[world, other]:
            continue
        if vehicles.lane[world, other] != lane and vehicles.shadow[world, other] != lane:
            continue
        reach = 0.5 * (vehicles.length[world, number] + vehicles.length[world, other]) + LEAST_GAP
        if abs(vehicles.along[world, other] - along) < reach:
            return True
    if number != 0:
        for entry in range(occupied.counts[world]):
            reach = 0.5 * (vehicles.length[world, number] + vehicles.length[world, 0]) + LEAST_GAP
            if occupied.lanes[world, entry] == lane and abs(occupied.along[world, entry] - along) < reach:
                return True
    return False


@kernel
def ego_change(lanes, vehicles, occupied, chosen):  # type: ignore[no-untyped-def]
    """Write (N,) the neighboring lane that the driver model would change to in place of each ego vehicle, or −1."""
    for world in range(chosen.shape[0]):
        chosen[world] = consider_change(lanes, vehicles, occupied, world, 0)


@inlined
def measure_neighbors(lanes, vehicles, world, far, result):  # type: ignore[no-untyped-def]
    """Write gaps and closing speeds of the vehicles around the ego vehicle.

    Args:
        lanes: lanes of all worlds.
        vehicles: vehicles of all worlds.
        world: index of the world.
        far: meters beyond which vehicles are ignored.
        result: (12,) for the left, own and right lane: gap ahead and its closing speed, gap behind and
            its closing speed; `far` and 0 without a vehicle; gaps of −1 without a lane.
    """
    own = vehicles.lane[world, 0]
    for side in range(3):
        lane = own if side == 1 else (lanes.left[world, own] if side == 0 else lanes.right[world, own])
        row = result[4 * side : 4 * side + 4]
        if lane < 0:
            row[0], row[1], row[2], row[3] = -1.0, 0.0, -1.0, 0.0
            continue
        row[0], row[1], row[2], row[3] = far, 0.0, far, 0.0
        along = vehicles.along[world, 0] * lanes.length[world, lane] / lanes.length[world, own]
        after, before = lanes.successors[world, lane, 0], lanes.predecessor[world, lane]
        for other in range(1, vehicles.present.shape[1]):
            if not vehicles.present[world, other]:
                continue
            there, shadow = vehicles.lane[world, other], vehicles.shadow[world, other]
            if lane in (there, shadow):
                ahead = vehicles.along[world, other] - along
            elif there == after and after >= 0:
                ahead = lanes.length[world, lane] - along + vehicles.along[world, other]
            elif there == before and before >= 0:
                ahead = vehicles.along[world, other] - lanes.length[world, before] - along
            else:
                continue
            gap = max(abs(ahead) - 0.5 * (vehicles.length[world, 0] + vehicles.length[world, other]), 0.0)
            closing = vehicles.speed[world, 0] - vehicles.speed[world, other]
            if ahead >= 0.0 and gap < row[0]:
                row[0], row[1] = gap, closing
            elif ahead < 0.0 and gap < row[2]:
                row[2], row[3] = gap, -closing


@kernel
def ego_acceleration_on(lanes, vehicles, occupied, targets, result):  # type: ignore[no-untyped-def]
    """Write (N,) m/s² of the driver model for ego vehicles on neighboring lanes; large for lane −1."""
    for world in range(result.shape[0]):
        result[world] = NEVER
        target = targets[world]
        if target < 0:
            continue
        along = vehicles.along[world, 0] * (
            lanes.length[world, target] / lanes.length[world, vehicles.lane[world, 0]]
        )
        after, later = ways_after(lanes, world, target)
        result[world] = acceleration_behind(
            lanes, vehicles, occupied, world, 0, -1, np.int32(target), after, later, along,
            desired_speed(lanes, vehicles, world, 0),
        )  # fmt: skip
