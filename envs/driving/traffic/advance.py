"""One step of the traffic of all worlds."""

from __future__ import annotations

import numpy as np

from camshaft.envs.driving.traffic.ahead import (
    acceleration_behind,
    acceleration_to_line,
    acceleration_to_people,
    desired_speed,
)
from camshaft.envs.driving.traffic.idm import HARDEST, free_acceleration
from camshaft.envs.driving.traffic.lane_changes import (
    LATERAL_SPEED,
    RESTING,
    THINKING,
    consider_change,
    ways_after,
)
from camshaft.envs.driving.traffic.lanes import occupy, point_on
from camshaft.envs.driving.traffic.pedestrians import advance_people, mark_crossings
from camshaft.envs.driving.traffic.randomness import uniform
from camshaft.envs.driving.traffic.right_of_way import grant
from camshaft.envs.driving.traffic.state import ACCELERATION
from camshaft.envs.kernels import inlined, kernel

TRIES = 6  # positions tried for a respawned vehicle
FREE = 14.0  # meters around it that must be clear
AXLES = 0.3  # distance from a vehicle's middle to each axle, relative to its length
AHEAD = (
    0.6  # fraction of the way from the smallest to the largest distance that visible positions must exceed
)


@kernel
def advance_traffic(lanes, vehicles, occupied, paths, people, crossed, spots, times, step, near, far):  # type: ignore[no-untyped-def]
    """Advance all vehicles except the ego vehicles, and all people, by `step` seconds.

    `vehicles.acceleration` of the ego vehicles is set to that of the driver model in their place.

    Args:
        lanes: `LaneArrays`.
        vehicles: `Vehicles`; the ego vehicles' states are set.
        occupied: `Occupied`, to fill.
        paths: `PathArrays`.
        people: `People`.
        crossed: (N, K) to fill: crossings that vehicles have to keep clear.
        spots: (N, B, 4) lane, meters along it, x and y of spawn positions; lane −1 after the last.
        times: (N,) seconds, advanced.
        step: seconds.
        near: meters, smallest distance from the ego vehicle at which vehicles are respawned.
        far: meters from the ego vehicle beyond which vehicles are removed; 0 for never.
    """
    for world in range(times.shape[0]):
        occupy(lanes, vehicles, occupied, world)
        mark_crossings(paths, people, world, crossed)
        grant(lanes, vehicles, occupied, world, times[world], step)
        for number in range(vehicles.present.shape[1]):
            if vehicles.present[world, number]:
                vehicles.acceleration[world, number] = _acceleration(
                    lanes, vehicles, occupied, crossed, world, number
                )
        for number in range(1, vehicles.present.shape[1]):
            if vehicles.present[world, number]:
                _change_lanes(lanes, vehicles, occupied, world, number, step)
                _move(lanes, vehicles, world, number, step)
                if far > 0.0:
                    _respawn(lanes, vehicles, spots, world, number, near, far)
        advance_people(lanes, vehicles, occupied, paths, people, world, times[world], step)
        times[world] += step


@kernel
def drive_acceleration(lanes, vehicles, occupied, crossed, result):  # type: ignore[no-untyped-def]
    """Write (N,) m/s² that the driver model chooses in place of the ego vehicles."""
    for world in range(result.shape[0]):
        result[world] = _acceleration(lanes, vehicles, occupied, crossed, world, 0)


@inlined
def _acceleration(lanes, vehicles, occupied, crossed, world, number):  # type: ignore[no-untyped-def]
    desired = desired_speed(lanes, vehicles, world, number)
    free = free_acceleration(
        vehicles.speed[world, number], desired, vehicles.traits[world, number, ACCELERATION]
    )
    behind = acceleration_behind(
        lanes, vehicles, occupied, world, number, -1, vehicles.lane[world, number],
        vehicles.next_lane[world, number], vehicles.after_lane[world, number], vehicles.along[world, number],
        desired,
    )  # fmt: skip
    line = acceleration_to_line(lanes, vehicles, world, number, desired)
    people = acceleration_to_people(lanes, vehicles, crossed, world, number, desired)
    return max(min(free, behind, line, people), -HARDEST)


@inlined
def _change_lanes(lanes, vehicles, occupied, world, number, step):  # type: ignore[no-untyped-def]
    offset = vehicles.offset[world, number]
    if offset != 0.0:
        moved = min(LATERAL_SPEED * step, abs(offset)) if vehicles.speed[world, number] > 1.0 else 0.0
        offset -= np.sign(offset) * moved
        vehicles.offset[world, number] = offset
        if abs(offset) < 1.0:
            vehicles.shadow[world, number] = -1
        if offset == 0.0:
            vehicles.indicator[world, number] = 0
        return
    vehicles.cooldown[world, number] -= step
    lane = vehicles.lane[world, number]
    if vehicles.cooldown[world, number] > 0.0 or (
        lanes.left[world, lane] < 0 and lanes.right[world, lane] < 0
    ):
        return
    vehicles.cooldown[world, number] = THINKING
    left = lanes.length[world, lane] - vehicles.along[world, number]
    if vehicles.speed[world, number] < 2.0 or (left < 35.0 and vehicles.next_lane[world, number] >= 0):
        return
    target = consider_change(lanes, vehicles, occupied, world, number)
    if target < 0:
        return
    side = 1 if target == lanes.left[world, lane] else -1
    width = 0.5 * (lanes.width[world, lane] + lanes.width[world, target])
    vehicles.along[world, number] *= lanes.length[world, target] / lanes.length[world, lane]
    vehicles.shadow[world, number] = lane
    vehicles.lane[world, number] = target
    vehicles.lane_before[world, number] = -1
    after, later = ways_after(lanes, world, target)
    vehicles.next_lane[world, number], vehicles.after_lane[world, number] = after, later
    vehicles.offset[world, number] = -side * width
    vehicles.indicator[world, number] = side
    vehicles.cooldown[world, number] = RESTING
    vehicles.granted[world, number] = -1


@inlined
def _move(lanes, vehicles, world, number, step):  # type: ignore[no-untyped-def]
    speed = vehicles.speed[world, number]
    new = max(speed + step * vehicles.acceleration[world, number], 0.0)
    vehicles.speed[world, number] = new
    vehicles.along[world, number] += 0.5 * (speed + new) * step
    lane = vehicles.lane[world, number]
    if vehicles.along[world, number] >= lanes.length[world, lane]:
        after = vehicles.next_lane[world, number]
        if after < 0:
            vehicles.along[world, number] = lanes.length[world, lane]
            vehicles.speed[world, number] = 0.0
        else:
            vehicles.along[world, number] -= lanes.length[world, lane]
            vehicles.lane_before[world, number] = lane
            vehicles.lane[world, number] = after
            vehicles.next_lane[world, number] = vehicles.after_lane[world, number]
            vehicles.after_lane[world, number] = next_of(
                lanes, vehicles.random, world, number, vehicles.next_lane[world, number]
            )
            vehicles.shadow[world, number] = -1
            vehicles.halted[world, number] = False
    write_pose(lanes, vehicles, world, number)


@inlined
def write_pose(lanes, vehicles, world, number):  # type: ignore[no-untyped-def]
    """Write the pose of a vehicle with both axles on its lane center, slightly rotated during lane changes."""
    along, reach = vehicles.along[world, number], AXLES * vehicles.length[world, number]
    front_x, front_y = _position_on_path(lanes, vehicles, world, number, along + reach)
    rear_x, rear_y = _position_on_path(lanes, vehicles, world, number, along - reach)
    heading = np.arctan2(front_y - rear_y, front_x - rear_x)
    offset = vehicles.offset[world, number]
    pose = vehicles.pose[world, number]
    pose[0] = 0.5 * (front_x + rear_x) - np.sin(heading) * offset
    pose[1] = 0.5 * (front_y + rear_y) + np.cos(heading) * offset
    pose[2] = heading
    if offset != 0.0 and vehicles.speed[world, number] > 1.0:
        pose[2] -= np.sign(offset) * np.arctan(LATERAL_SPEED / max(vehicles.speed[world, number], 3.0))


@inlined
def _position_on_path(lanes, vehicles, world, number, along):  # type: ignore[no-untyped-def]
    """Position (x, y) at a distance along a vehicle's lane, possibly on the previous or next one."""
    lane = vehicles.lane[world, number]
    beyond = along - lanes.length[world, lane]
    before, after = vehicles.lane_before[world, number], vehicles.next_lane[world, number]
    if along < 0.0 and before >= 0:
        lane, along = before, lanes.length[world, before] + along
    elif beyond > 0.0 and after >= 0:
        lane, along = after, beyond
    x, y, _, _ = point_on(lanes, world, lane, along)
    return x, y


@inlined
def next_of(lanes, random, world, number, lane):  # type: ignore[no-untyped-def]
    """A random successor of a lane; −1 if there is none."""
    if lane < 0:
        return np.int32(-1)
    count = 0
    while count < lanes.successors.shape[2] and lanes.successors[world, lane, count] >= 0:
        count += 1
    if count == 0:
        return np.int32(-1)
    return lanes.successors[world, lane, int(uniform(random, world, number) * count)]


@inlined
def _respawn(lanes, vehicles, spots, world, number, near, far):  # type: ignore[no-untyped-def]
    """Respawn a vehicle that is far from the ego vehicle, or at the end of the network, closer but out of view."""
    pose, ego = vehicles.pose[world, number], vehicles.pose[world, 0]
    away = np.sqrt((pose[0] - ego[0]) ** 2 + (pose[1] - ego[1]) ** 2)
    stuck = vehicles.next_lane[world, number] < 0 and (
        vehicles.along[world, number] > lanes.length[world, vehicles.lane[world, number]] - 25.0
    )
    if away < far and not stuck:
        return
    count = 0
    while count < spots.shape[1] and spots[world, count, 0] >= 0.0:
        count += 1
    for _ in range(TRIES):
        place = spots[world, int(uniform(vehicles.random, world, number) * count)]
        across, up = place[2] - ego[0], place[3] - ego[1]
        distance = np.sqrt(across * across + up * up)
        seen = np.cos(ego[2]) * across + np.sin(ego[2]) * up > 0.4 * distance
        if distance < (near + AHEAD * (far - near) if seen else near) or distance > 0.95 * far:
            continue
        if is_free(vehicles, world, number, place[2], place[3]):
            spawn(lanes, vehicles, world, number, np.int32(place[0]), place[1])
            return


@inlined
def is_free(vehicles, world, number, x, y):  # type: ignore[no-untyped-def]
    """Whether no other vehicle is near a position."""
    for other in range(vehicles.present.shape[1]):
        if other == number or not vehicles.present[world, other]:
            continue
        pose = vehicles.pose[world, other]
        reach = FREE + 0.5 * vehicles.length[world, other]
        if (pose[0] - x) ** 2 + (pose[1] - y) ** 2 < reach * reach:
            return False
    return True


@inlined
def spawn(lanes, vehicles, world, number, lane, along):  # type: ignore[no-untyped-def]
    """Spawn a vehicle on a lane, driving slightly below its limit."""
    vehicles.present[world, number] = True
    vehicles.lane[world, number], vehicles.along[world, number] = lane, along
    vehicles.lane_before[world, number] = -1
    vehicles.next_lane[world, number] = next_of(lanes, vehicles.random, world, number, lane)
    vehicles.after_lane[world, number] = next_of(
        lanes, vehicles.random, world, number, vehicles.next_lane[world, number]
    )
    vehicles.shadow[world, number] = -1
    vehicles.granted[world, number] = -1
    vehicles.offset[world, number] = 0.0
    vehicles.cooldown[world, number] = THINKING * uniform(vehicles.random, world, number)
    vehicles.waiting[world, number] = 0.0
    vehicles.halted[world, number] = False
    vehicles.indicator[world, number] = 0
    vehicles.speed[world, number] = 0.7 * lanes.limit[world, lane] * vehicles.traits[world, number, 0]
    vehicles.acceleration[world, number] = 0.0
    write_pose(lanes, vehicles, world, number)


@kernel
def spawn_all(lanes, vehicles, spots, world, least, most):  # type: ignore[no-untyped-def]
    """Spawn all vehicles of a world except the ego vehicle at free positions, at least `least` meters from it."""
    ego = vehicles.pose[world, 0]
    count = 0
    while count < spots.shape[1] and spots[world, count, 0] >= 0.0:
        count += 1
    vehicles.present[world, 1:] = False
    if count == 0:
        return
    for number in range(1, vehicles.present.shape[1]):
        for _ in range(40):
            place = spots[world, int(uniform(vehicles.random, world, number) * count)]
            distance = np.sqrt((place[2] - ego[0]) ** 2 + (place[3] - ego[1]) ** 2)
            if distance < least or distance > most:
                continue
            if is_free(vehicles, world, number, place[2], place[3]):
                spawn(lanes, vehicles, world, number, np.int32(place[0]), place[1])
                break
