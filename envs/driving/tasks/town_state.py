"""Everything that driving in town depends on, as numbers: what an encoder is supervised on, and critics may see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving.country_road import track as places
from camshaft.envs.driving.country_road.track import lane_curvature
from camshaft.envs.driving.dynamics import vehicle
from camshaft.envs.driving.road_network.network import LIGHT, STOP, TURN_NAMES
from camshaft.envs.driving.routes import point_before
from camshaft.envs.driving.sensors import EGO_NAMES
from camshaft.envs.driving.traffic.ahead import gap_ahead, people_ahead
from camshaft.envs.driving.traffic.kinds import EGO_LENGTH
from camshaft.envs.driving.traffic.signals import AMBER, GREEN
from camshaft.envs.kernels import inlined, kernel

if TYPE_CHECKING:
    from camshaft.envs.driving.tasks.town import Town

PREVIEW = np.array([4.0, 8.0, 14.0, 22.0, 32.0])  # meters ahead at which the route's curvature is told
FAR = 60.0  # meters: nothing nearer

STATE_NAMES = (
    "lateral_error",
    "heading_error",
    *EGO_NAMES,
    *(f"curvature_{round(meters)}" for meters in PREVIEW),
    "limit",
    "in_junction",
    "junction_distance",
    "stop_distance",
    "light_distance",
    "light_red",
    "light_amber",
    "light_green",
    "stop_sign",
    "may_enter",
    "gap",
    "closing_speed",
    "people_distance",
    *(f"command_{name}" for name in TURN_NAMES),
    "remaining",
)
STATE_LIMITS = np.array(
    [
        5.0, np.pi, 40.0, 10.0, 4.0, 1.0, 12.0, *[0.3] * len(PREVIEW), 40.0, 1.0, *[FAR] * 3, *[1.0] * 5,
        FAR, 40.0, FAR, *[1.0] * len(TURN_NAMES), 1e3,
    ]
)  # fmt: skip


_FIRST = {name: STATE_NAMES.index(name) for name in STATE_NAMES}
LATERAL, HEADING, SPEED = _FIRST["lateral_error"], _FIRST["heading_error"], _FIRST["speed"]
CURVATURES, LIMIT, IN_JUNCTION, JUNCTION = (
    7,
    _FIRST["limit"],
    _FIRST["in_junction"],
    _FIRST["junction_distance"],
)
STOP_DISTANCE, LIGHT_DISTANCE, LIGHT_RED = (
    _FIRST["stop_distance"],
    _FIRST["light_distance"],
    _FIRST["light_red"],
)
STOP_SIGN, MAY_ENTER, GAP, PEOPLE = (
    _FIRST["stop_sign"],
    _FIRST["may_enter"],
    _FIRST["gap"],
    _FIRST["people_distance"],
)
COMMANDS, REMAINING = _FIRST["command_follow"], _FIRST["remaining"]
BEHIND = -1.5  # meters: a stop line that the bumper has passed by no more is still the next one


def town_state(town: Town) -> FloatArray:
    """(N, K) in the order of STATE_NAMES; distances are from the front bumper, FAR where there is nothing."""
    rows, traffic = np.zeros((town.num_worlds, len(STATE_NAMES))), town.traffic
    _write_rows(
        traffic.lanes,
        traffic.vehicles,
        traffic.crossed,
        traffic.signals,
        town.vehicles,
        town.track.ways,
        town.track.places,
        town.routes.arrays,
        PREVIEW,
        rows,
    )
    return rows


@kernel
def reward_driving(rows, bends, weights, terms):  # type: ignore[no-untyped-def]
    """Write (3, N): rewards for being on the route, for driving along it, and for the speed.

    The speed wished for is the limit, falling linearly to 0 before red lights and what is in the way.

    Args:
        rows: (N, K) of `town_state`.
        bends: (N,) m/s that the bends ahead allow.
        weights: of the three.
        terms: to fill.
    """
    for world in range(rows.shape[0]):
        row = rows[world]
        terms[0, world] = weights[0] * max(1.0 - 0.5 * abs(row[LATERAL]), 0.0)
        terms[1, world] = weights[1] * max(1.0 - abs(row[HEADING]) / 0.6, 0.0)
        room = min(max(min(row[STOP_DISTANCE], row[GAP] - 2.0), 0.0), 20.0) / 20.0
        wished = min(bends[world], room * row[LIMIT])
        error = abs(row[SPEED] - wished) / max(wished, 3.0)
        terms[2, world] = weights[2] * max(1.0 - error, 0.0)


@kernel
def _write_rows(lanes, vehicles, crossed, signals, cars, ways, located, routes, preview, rows):  # type: ignore[no-untyped-def]
    for world in range(rows.shape[0]):
        row, car, place = rows[world], cars[world], located[world]
        row[LATERAL], row[HEADING] = place[places.LATERAL], place[places.HEADING_ERROR]
        row[SPEED], row[3], row[4] = car[vehicle.SPEED], car[vehicle.LATERAL_SPEED], car[vehicle.YAW_RATE]
        row[5], row[6] = car[vehicle.STEERING], car[vehicle.ACCELERATION]
        distance = place[places.DISTANCE]
        for number in range(preview.shape[0]):
            row[CURVATURES + number] = lane_curvature(ways, world, distance + preview[number])
        lane, after = vehicles.lane[world, 0], vehicles.next_lane[world, 0]
        row[LIMIT] = lanes.limit[world, lane]
        inside = lanes.junction[world, lane] >= 0
        row[IN_JUNCTION] = 1.0 if inside else 0.0
        row[JUNCTION] = FAR
        if after >= 0 and lanes.junction[world, after] >= 0 and not inside:
            ahead = lanes.length[world, lane] - vehicles.along[world, 0] - 0.5 * EGO_LENGTH
            row[JUNCTION] = min(max(ahead, 0.0), FAR)
        _write_stop(lanes, vehicles, signals, routes.stops[world], distance + 0.5 * EGO_LENGTH, world, row)
        gap, speed = gap_ahead(lanes, vehicles, world, FAR)
        row[GAP] = gap
        row[GAP + 1] = car[vehicle.SPEED] - speed if gap < FAR else 0.0
        row[PEOPLE] = people_ahead(lanes, vehicles, crossed, world, FAR)
        row[COMMANDS + routes.command[world, point_before(ways, world, distance)]] = 1.0
        row[REMAINING] = routes.length[world] - distance


@inlined
def _write_stop(lanes, vehicles, signals, stops, front, world, row):  # type: ignore[no-untyped-def]
    """The next stop line: how far, what governs it, and whether one has to stop there now."""
    number, nearest = 0, np.inf
    for line in range(stops.shape[0]):
        away = stops[line, 0] - front
        if away >= BEHIND and away < nearest:
            number, nearest = line, away
    near = min(max(nearest, 0.0), FAR)
    there = near < FAR
    lane = int(stops[number, 1]) if there else 0
    control = int(stops[number, 2])
    row[LIGHT_DISTANCE] = FAR
    if there and control == LIGHT:
        row[LIGHT_DISTANCE] = near
        shown = signals[world, max(lanes.signal[world, lane], 0)]
        if shown == GREEN:
            row[LIGHT_RED + 2] = 1.0
        elif shown == AMBER:
            row[LIGHT_RED + 1] = 1.0
        else:
            row[LIGHT_RED] = 1.0
    row[STOP_SIGN] = 1.0 if there and control == STOP else 0.0
    granted = vehicles.granted[world, 0] == lane
    row[MAY_ENTER] = 1.0 if granted or not there else 0.0
    row[STOP_DISTANCE] = near if there and not granted else FAR
