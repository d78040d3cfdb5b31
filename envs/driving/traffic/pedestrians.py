"""Pedestrians: they walk along footpaths and cross roads when it is safe or they have right of way."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.driving.road_network.elements import Network
from camshaft.envs.driving.traffic.randomness import uniform
from camshaft.envs.driving.traffic.signals import GREEN, YELLOW, seconds_to_green, signal_state
from camshaft.envs.driving.traffic.state import WAITING, WALKING
from camshaft.envs.kernels import inlined, kernel

MOST_PATHS = 8  # footpaths that meet in one node
CAUTION = 1.5  # seconds of margin between a person and a vehicle
BRAKING = 3.0  # m/s², braking that pedestrians expect of drivers
EAGER = 0.5  # probability of taking a crossing on the way
SWERVE = 0.4  # m/s at which people return to their side of the path


class PathArrays(NamedTuple):
    """Footpaths of N worlds.

    Attributes:
        counts: (N, 2) number of footpaths, crossings.
        points: (N, P, 3) x, y, heading, path by path.
        starts: (N, W + 1) first point of each path.
        spacing, length, width: (N, W) meters.
        ends: (N, W, 2) nodes of their beginning and end.
        crossing: (N, W) crossing that a path leads over, or −1.
        meeting: (N, M, MOST_PATHS) paths that meet in a node, padded with −1.
        zebra: (N, K) whether pedestrians have right of way on a crossing.
        signal: (N, K) signal group of the crossed vehicles, or −1.
        lanes: (N, K, 6) lanes crossed, padded with −1.
        lane_distances: (N, K, 6) meters along them.
    """

    counts: NDArray[np.int64]
    points: NDArray[np.float64]
    starts: NDArray[np.int32]
    spacing: NDArray[np.float64]
    length: NDArray[np.float64]
    width: NDArray[np.float64]
    ends: NDArray[np.int32]
    crossing: NDArray[np.int32]
    meeting: NDArray[np.int32]
    zebra: NDArray[np.bool_]
    signal: NDArray[np.int32]
    lanes: NDArray[np.int32]
    lane_distances: NDArray[np.float64]


def pack_paths(network: Network) -> PathArrays:
    """Pack the footpaths of a network as arrays of one world."""
    paths = network.walkways
    sizes = [len(path.curve.points) for path in paths]
    nodes = 1 + max((place for path in paths for place in path.ends), default=0)
    meeting: list[list[int]] = [[] for _ in range(nodes)]
    for path in paths:
        for place in path.ends:
            meeting[place].append(path.index)
    crossings = network.crossings
    crossed = max((len(crossing.lanes) for crossing in crossings), default=1)
    lanes, along = np.full((len(crossings), crossed), -1, np.int32), np.zeros((len(crossings), crossed))
    for crossing in crossings:
        for number, (lane, meters) in enumerate(crossing.lanes):
            lanes[crossing.index, number], along[crossing.index, number] = lane, meters
    one = [
        np.array([len(paths), len(crossings)]),
        np.concatenate(
            [np.zeros((0, 3)), *(np.column_stack([path.curve.points, path.curve.heading]) for path in paths)]
        ),
        np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32),
        np.array([path.curve.spacing for path in paths], np.float64),
        np.array([path.curve.length for path in paths], np.float64),
        np.array([path.width for path in paths], np.float64),
        np.array([path.ends for path in paths], np.int32).reshape(-1, 2),
        np.array([path.crossing for path in paths], np.int32),
        np.array([(own + [-1] * MOST_PATHS)[:MOST_PATHS] for own in meeting], np.int32),
        np.array([crossing.zebra for crossing in crossings], bool),
        np.array([crossing.signal for crossing in crossings], np.int32),
        lanes,
        along,
    ]
    return PathArrays(*(array[None] for array in one))


@inlined
def mark_crossings(paths, people, world, crossed):  # type: ignore[no-untyped-def]
    """Write which crossings vehicles have to keep clear: people are on them, or wait with right of way."""
    crossed[world, : paths.counts[world, 1]] = False
    for person in range(people.present.shape[1]):
        if not people.present[world, person]:
            continue
        here = paths.crossing[world, people.path[world, person]]
        if here >= 0:
            crossed[world, here] = True
        if people.state[world, person] == WAITING:
            ahead = paths.crossing[world, people.next_path[world, person]]
            if ahead >= 0 and paths.zebra[world, ahead]:
                crossed[world, ahead] = True


@inlined
def advance_people(lanes, vehicles, occupied, paths, people, world, time, step):  # type: ignore[no-untyped-def]
    """Advance all people of a world by `step` seconds."""
    for person in range(people.present.shape[1]):
        if not people.present[world, person]:
            continue
        if people.state[world, person] == WAITING:
            _wait(lanes, vehicles, occupied, paths, people, world, person, time, step)
        else:
            _walk(paths, people, world, person, step)
        _pose(paths, people, world, person)


@inlined
def _walk(paths, people, world, person, step):  # type: ignore[no-untyped-def]
    path = people.path[world, person]
    pace = people.pace[world, person]
    people.speed[world, person] += min(max(pace - people.speed[world, person], -3.0 * step), 3.0 * step)
    moved = people.speed[world, person] * step
    people.walked[world, person] += moved
    people.along[world, person] += moved if people.forward[world, person] else -moved
    reach = max(0.5 * paths.width[world, path] - 0.3, 0.0)
    offset = people.offset[world, person]
    if abs(offset) > reach:
        people.offset[world, person] = np.sign(offset) * max(abs(offset) - SWERVE * step, reach)
    along = people.along[world, person]
    if 0.0 <= along <= paths.length[world, path]:
        return
    place = paths.ends[world, path, 1 if people.forward[world, person] else 0]
    chosen = _choose_path(paths, people, world, person, path, place)
    people.next_path[world, person] = chosen
    if paths.crossing[world, chosen] >= 0:
        people.state[world, person] = WAITING
        people.waiting[world, person] = 0.0
        people.along[world, person] = min(max(along, 0.0), paths.length[world, path])
    else:
        _enter(paths, people, world, person)


@inlined
def _choose_path(paths, people, world, person, path, place):  # type: ignore[no-untyped-def]
    """Choose a person's next path: not back, if there is another; over crossings with some probability."""
    total = 0.0
    for entry in range(MOST_PATHS):
        total += _liking(paths, world, paths.meeting[world, place, entry], path)
    mark = uniform(people.random, world, person) * total
    for entry in range(MOST_PATHS):
        other = paths.meeting[world, place, entry]
        mark -= _liking(paths, world, other, path)
        if other >= 0 and mark < 0.0:
            return other
    return path


@inlined
def _liking(paths, world, other, path):  # type: ignore[no-untyped-def]
    if other < 0:
        return 0.0
    if other == path:
        return 0.02
    return EAGER if paths.crossing[world, other] >= 0 else 1.0


@inlined
def _enter(paths, people, world, person):  # type: ignore[no-untyped-def]
    """Enter the next path, on the same side."""
    old, new = people.path[world, person], people.next_path[world, person]
    place = paths.ends[world, old, 1 if people.forward[world, person] else 0]
    before = people.forward[world, person]
    forward = paths.ends[world, new, 0] == place
    if old == new:
        forward = not before
    people.path[world, person] = new
    people.forward[world, person] = forward
    people.along[world, person] = 0.0 if forward else paths.length[world, new]
    if forward != before:
        people.offset[world, person] = -people.offset[world, person]
    people.state[world, person] = WALKING


@inlined
def _wait(lanes, vehicles, occupied, paths, people, world, person, time, step):  # type: ignore[no-untyped-def]
    """Stand at the curb until it is safe, or give up."""
    people.speed[world, person] = 0.0
    people.waiting[world, person] += step
    crossing = paths.crossing[world, people.next_path[world, person]]
    if _is_safe(lanes, vehicles, occupied, paths, people, world, person, crossing, time):
        _enter(paths, people, world, person)
    elif people.waiting[world, person] > 40.0:
        people.state[world, person] = WALKING
        people.forward[world, person] = not people.forward[world, person]
        people.offset[world, person] = -people.offset[world, person]


@inlined
def _is_safe(lanes, vehicles, occupied, paths, people, world, person, crossing, time):  # type: ignore[no-untyped-def]
    """Whether it is safe for a person to step onto a crossing."""
    needed = paths.length[world, people.next_path[world, person]] / people.pace[world, person]
    signal = paths.signal[world, crossing]
    trusts = paths.zebra[world, crossing]
    if signal >= 0:
        state = signal_state(lanes.signals[world, signal], time)
        if state in (GREEN, YELLOW):
            return False
        if seconds_to_green(lanes.signals[world, signal], time) < needed:
            return False
        trusts = True
    for entry in range(paths.lanes.shape[2]):
        lane = paths.lanes[world, crossing, entry]
        if lane < 0:
            break
        place = paths.lane_distances[world, crossing, entry]
        for vehicle in range(vehicles.present.shape[1]):
            if vehicles.present[world, vehicle] and _is_coming(
                lanes, vehicles, world, vehicle, lane, place, needed, trusts
            ):
                return False
        for own in range(occupied.counts[world]):
            if occupied.lanes[world, own] == lane:
                ahead = place - occupied.along[world, own]
                if _comes_too_soon(
                    ahead, vehicles.speed[world, 0], vehicles.length[world, 0], needed, trusts
                ):
                    return False
    return True


@inlined
def _is_coming(lanes, vehicles, world, vehicle, lane, place, needed, trusts):  # type: ignore[no-untyped-def]
    """Whether a vehicle would reach the crossing too soon."""
    here, after, later = (
        vehicles.lane[world, vehicle],
        vehicles.next_lane[world, vehicle],
        vehicles.after_lane[world, vehicle],
    )
    along = vehicles.along[world, vehicle]
    if lane == here:
        ahead = place - along
    elif lane == after:
        ahead = lanes.length[world, here] - along + place
    elif lane == later and after >= 0:
        ahead = lanes.length[world, here] - along + lanes.length[world, after] + place
    else:
        return False
    return _comes_too_soon(
        ahead, vehicles.speed[world, vehicle], vehicles.length[world, vehicle], needed, trusts
    )


@inlined
def _comes_too_soon(ahead, speed, length, needed, trusts):  # type: ignore[no-untyped-def]
    """Whether a vehicle at a distance (meters) before a crossing endangers a person who needs `needed` seconds.

    A person with right of way trusts drivers to stop if they can.
    """
    gap = ahead - 0.5 * length - 1.0
    if ahead < -0.5 * length - 1.5:
        return False
    if gap < 0.5:
        return True
    if trusts:
        return gap < speed * speed / (2.0 * BRAKING) + 1.5
    return gap < speed * (needed + CAUTION)


@inlined
def _pose(paths, people, world, person):  # type: ignore[no-untyped-def]
    path = people.path[world, person]
    first, count = paths.starts[world, path], paths.starts[world, path + 1] - paths.starts[world, path]
    steps = people.along[world, person] / paths.spacing[world, path]
    index = min(max(int(steps), 0), count - 2)
    part = steps - index
    here, there = paths.points[world, first + index], paths.points[world, first + index + 1]
    heading = here[2] + min(max(part, 0.0), 1.0) * (there[2] - here[2])
    offset = people.offset[world, person]
    people.pose[world, person, 0] = here[0] + part * (there[0] - here[0]) - np.sin(heading) * offset
    people.pose[world, person, 1] = here[1] + part * (there[1] - here[1]) + np.cos(heading) * offset
    people.pose[world, person, 2] = heading if people.forward[world, person] else heading + np.pi


@kernel
def place_people(paths, people, world):  # type: ignore[no-untyped-def]
    """Write the poses of all people of a world after a spawn."""
    for person in range(people.present.shape[1]):
        if people.present[world, person]:
            _pose(paths, people, world, person)
