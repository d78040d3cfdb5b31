"""Right of way at junctions: lights, signs, priority, and vehicles already inside.

The first vehicle in line requests its lane through the junction. The request is granted when no vehicle is on, or
has been granted, a conflicting lane, and no vehicle with priority would arrive before it has passed.
"""

from __future__ import annotations

import numpy as np

from camshaft.envs.driving.road_network.elements import FREE, LIGHT, STOP
from camshaft.envs.driving.traffic.signals import GREEN, RED, YELLOW, signal_state
from camshaft.envs.driving.traffic.state import PATIENCE
from camshaft.envs.kernels import inlined

ASKING = 12.0  # meters and seconds before the line at which vehicles request, at least:
ASKING_SECONDS = 3.0
COMFORTABLE = 2.5  # m/s², braking for a revoked grant
MARGIN = 1.2  # seconds between two vehicles on conflicting lanes
IDLE = 4.0  # seconds after which the ego vehicle loses an unused grant
ROOM = 2.5  # meters kept free on the lane behind a junction
HURRIED = 20.0  # seconds of waiting after which a vehicle no longer yields to others that wait


@inlined
def grant(lanes, vehicles, occupied, world, time, step):  # type: ignore[no-untyped-def]
    """Grant, keep or revoke the lanes that the vehicles of a world may enter."""
    count = vehicles.present.shape[1]
    for number in range(count):
        if not vehicles.present[world, number]:
            continue
        _review(lanes, vehicles, world, number, time, step)
        if not _keeps_grant(lanes, vehicles, occupied, world, number, time):
            vehicles.granted[world, number] = -1
    # The longest waiting vehicles request first; ties are broken by index.
    longest = np.inf
    last = -1
    for _ in range(count):
        chosen, most = -1, -1.0
        for number in range(count):
            waited = vehicles.waiting[world, number]
            if not vehicles.present[world, number] or not _is_asking(lanes, vehicles, world, number):
                continue
            if (waited < longest or (waited == longest and number > last)) and waited > most:
                chosen, most = number, waited
        if chosen < 0:
            return
        longest, last = most, chosen
        if _may_enter(lanes, vehicles, occupied, world, chosen, time):
            vehicles.granted[world, chosen] = vehicles.next_lane[world, chosen]
            if chosen == 0:
                vehicles.waiting[world, chosen] = 0.0


@inlined
def _distance_to_line(lanes, vehicles, world, number):  # type: ignore[no-untyped-def]
    lane = vehicles.lane[world, number]
    return (
        lanes.length[world, lane]
        - lanes.stop_gap[world, lane]
        - vehicles.along[world, number]
        - 0.5 * vehicles.length[world, number]
    )


@inlined
def _review(lanes, vehicles, world, number, time, step):  # type: ignore[no-untyped-def]
    """Count the seconds of waiting, record a stop, and revoke grants that no longer hold."""
    after = vehicles.next_lane[world, number]
    if after < 0 or lanes.junction[world, after] < 0:
        vehicles.waiting[world, number] = 0.0
        vehicles.halted[world, number] = False
        if vehicles.granted[world, number] != vehicles.lane[world, number]:
            vehicles.granted[world, number] = -1
        return
    distance = _distance_to_line(lanes, vehicles, world, number)
    speed = vehicles.speed[world, number]
    if distance < 4.0 and speed < 0.4:
        vehicles.halted[world, number] = True
    if vehicles.granted[world, number] == after:
        red = False
        if lanes.control[world, after] == LIGHT:
            shown = signal_state(lanes.signals[world, lanes.signal[world, after]], time)
            red = shown in (RED, YELLOW)
        if red and distance > speed * speed / 7.0 + 0.5:
            vehicles.granted[world, number] = -1
        elif number == 0:
            vehicles.waiting[world, 0] = vehicles.waiting[world, 0] + step if speed < 0.5 else 0.0
            if vehicles.waiting[world, 0] > IDLE and distance > 0.0:
                vehicles.granted[world, 0] = -1
        return
    if vehicles.granted[world, number] != vehicles.lane[world, number]:
        vehicles.granted[world, number] = -1
    vehicles.waiting[world, number] = (
        vehicles.waiting[world, number] + step if distance < 8.0 and speed < 1.0 else 0.0
    )


@inlined
def _keeps_grant(lanes, vehicles, occupied, world, number, time):  # type: ignore[no-untyped-def]
    """Whether a grant still holds for a vehicle that could still stop."""
    after = vehicles.next_lane[world, number]
    if after < 0 or vehicles.granted[world, number] != after:
        return True
    speed = vehicles.speed[world, number]
    if _distance_to_line(lanes, vehicles, world, number) < speed * speed / (2.0 * COMFORTABLE) + 1.0:
        return True
    return _is_free_of_conflicts(lanes, vehicles, occupied, world, number, time)


@inlined
def _is_asking(lanes, vehicles, world, number):  # type: ignore[no-untyped-def]
    """Whether a vehicle is near a junction, first in its lane, and has no grant yet."""
    lane, after = vehicles.lane[world, number], vehicles.next_lane[world, number]
    if after < 0 or lanes.junction[world, after] < 0 or vehicles.granted[world, number] == after:
        return False
    distance = _distance_to_line(lanes, vehicles, world, number)
    if distance > max(ASKING, ASKING_SECONDS * vehicles.speed[world, number]):
        return False
    for other in range(vehicles.present.shape[1]):
        if (
            other != number
            and vehicles.present[world, other]
            and vehicles.lane[world, other] == lane
            and vehicles.along[world, other] > vehicles.along[world, number]
        ):
            return False
    return True


@inlined
def _may_enter(lanes, vehicles, occupied, world, number, time):  # type: ignore[no-untyped-def]
    after = vehicles.next_lane[world, number]
    control = lanes.control[world, after]
    if control == LIGHT and signal_state(lanes.signals[world, lanes.signal[world, after]], time) != GREEN:
        return False
    if control == STOP and not vehicles.halted[world, number]:
        return False
    if not _has_room(lanes, vehicles, world, number):
        return False
    return _is_free_of_conflicts(lanes, vehicles, occupied, world, number, time)


@inlined
def _is_free_of_conflicts(lanes, vehicles, occupied, world, number, time):  # type: ignore[no-untyped-def]
    after = vehicles.next_lane[world, number]
    begin, end = lanes.conflict_starts[world, after], lanes.conflict_starts[world, after + 1]
    for conflict in range(begin, end):
        if not _is_free(lanes, vehicles, occupied, world, number, conflict, time):
            return False
    return True


@inlined
def _has_room(lanes, vehicles, world, number):  # type: ignore[no-untyped-def]
    """Whether there is room behind the junction."""
    exit_lane = vehicles.after_lane[world, number]
    if exit_lane < 0:
        return True
    need = vehicles.length[world, number] + ROOM
    for other in range(vehicles.present.shape[1]):
        if not vehicles.present[world, other] or other == number:
            continue
        if vehicles.lane[world, other] == exit_lane and vehicles.speed[world, other] < 2.0:
            if vehicles.along[world, other] - 0.5 * vehicles.length[world, other] < need:
                return False
    return True


@inlined
def _is_free(lanes, vehicles, occupied, world, number, conflict, time):  # type: ignore[no-untyped-def]
    """Whether a conflict is clear: no vehicle blocks it and none with priority arrives too soon."""
    crossing = lanes.conflict_lanes[world, conflict]
    spans = lanes.conflict_spans[world, conflict]
    yields = lanes.conflict_yields[world, conflict]
    for entry in range(occupied.counts[world]):
        if number != 0 and occupied.lanes[world, entry] == crossing:
            place = occupied.along[world, entry]
            if spans[2] - 2.0 < place < spans[3] + 0.5 * vehicles.length[world, 0]:
                return False
    waited = vehicles.waiting[world, number]
    for other in range(vehicles.present.shape[1]):
        if other == number or not vehicles.present[world, other]:
            continue
        lane = vehicles.lane[world, other]
        half = 0.5 * vehicles.length[world, other]
        if lane == crossing:
            if vehicles.along[world, other] - half < spans[3]:
                return False
        elif vehicles.granted[world, other] == crossing and vehicles.next_lane[world, other] == crossing:
            return False
        elif yields and vehicles.next_lane[world, other] == crossing:
            if (
                lanes.control[world, crossing] == LIGHT
                and signal_state(lanes.signals[world, lanes.signal[world, crossing]], time) != GREEN
            ):
                continue
            speed = vehicles.speed[world, other]
            if lanes.control[world, crossing] == STOP and not vehicles.halted[world, other]:
                continue
            stands = speed < 0.5
            if stands and waited > vehicles.traits[world, number, PATIENCE]:
                continue
            if stands and not _is_asking(lanes, vehicles, world, other):
                continue
            away = lanes.length[world, lane] - vehicles.along[world, other] + spans[2] - half
            if away / max(speed, 3.0) < _seconds_through(lanes, vehicles, world, number, spans[1]) + MARGIN:
                if waited < HURRIED or speed > 1.0:
                    return False
        elif yields and vehicles.after_lane[world, other] == crossing and vehicles.speed[world, other] > 1.0:
            # For example, on the ring of a roundabout, whose lanes are short.
            if lanes.control[world, crossing] == FREE:
                between = vehicles.next_lane[world, other]
                away = lanes.length[world, lane] - vehicles.along[world, other] + lanes.length[world, between]
                seconds = (away + spans[2] - half) / max(vehicles.speed[world, other], 3.0)
                if seconds < _seconds_through(lanes, vehicles, world, number, spans[1]) + MARGIN:
                    return False
    return True


@inlined
def _seconds_through(lanes, vehicles, world, number, end):  # type: ignore[no-untyped-def]
    """Seconds until a vehicle's rear is beyond `end` meters of the junction lane, accelerating at 1.5 m/s²."""
    lane = vehicles.lane[world, number]
    distance = (
        lanes.length[world, lane] - vehicles.along[world, number] + end + 0.5 * vehicles.length[world, number]
    )
    speed = vehicles.speed[world, number]
    top = max(lanes.limit[world, vehicles.next_lane[world, number]], 3.0)
    speed = min(speed, top)
    gained = (top * top - speed * speed) / 3.0
    if gained >= distance:
        return (np.sqrt(speed * speed + 3.0 * distance) - speed) / 1.5
    return (top - speed) / 1.5 + (distance - gained) / top
