"""Privileged state of driving in town: supervision for encoders and input of asymmetric critics."""

from __future__ import annotations

import numpy as np

from camshaft.envs.driving.dynamics import frenet, vehicle
from camshaft.envs.driving.dynamics.frenet import lane_curvature, point_before
from camshaft.envs.driving.road_network.elements import LIGHT, STOP, TURN_NAMES
from camshaft.envs.driving.sensors import EGO_NAMES
from camshaft.envs.driving.traffic.ahead import gap_ahead, people_ahead
from camshaft.envs.driving.traffic.kinds import EGO_LENGTH
from camshaft.envs.driving.traffic.signals import GREEN, YELLOW
from camshaft.envs.kernels import inlined, kernel

PREVIEW = np.array([4.0, 8.0, 14.0, 22.0, 32.0])  # meters ahead at which the state has the route's curvature
FAR = 60.0  # meters, distance in the state to what does not exist or is farther away

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
BEHIND = -1.5  # meters by which the front bumper may pass a stop line that still counts as the next one


@kernel
def reward_driving(rows, bends, weights, terms):  # type: ignore[no-untyped-def]
    """Write (3, N) reward terms for lateral error, heading error and speed.

    The target speed is the limit, falling linearly to 0 before red lights and obstacles.

    Args:
        rows: (N, K) of `write_town_state`.
        bends: (N,) m/s that the bends ahead allow.
        weights: weights of the three terms.
        terms: (3, N) to fill.
    """
    for world in range(rows.shape[0]):
        row = rows[world]
        terms[0, world] = weights[0] * max(1.0 - 0.5 * abs(row[LATERAL]), 0.0)
        terms[1, world] = weights[1] * max(1.0 - abs(row[HEADING]) / 0.6, 0.0)
        room = min(max(min(row[STOP_DISTANCE], row[GAP] - 2.0), 0.0), 20.0) / 20.0
        target = min(bends[world], room * row[LIMIT])
        error = abs(row[SPEED] - target) / max(target, 3.0)
        terms[2, world] = weights[2] * max(1.0 - error, 0.0)


@kernel
def write_town_state(lanes, vehicles, crossed, signals, cars, paths, coordinates, routes, preview, rows):  # type: ignore[no-untyped-def]
    """Write (N, K) in the order of STATE_NAMES; distances are from the front bumper, FAR where there is nothing.

    Args:
        lanes: lanes of all worlds.
        vehicles: vehicles of all worlds.
        crossed: (N, C) whether a crossing has to be kept free.
        signals: (N, S) states of the signal groups.
        cars: (N, 8) states of the ego vehicles.
        paths: their reference paths.
        coordinates: (N, 6) their Frenet coordinates.
        routes: their routes.
        preview: (P,) meters ahead at which to write the curvature.
        rows: (N, K) to fill, 0 at first.
    """
    for world in range(rows.shape[0]):
        row, car, place = rows[world], cars[world], coordinates[world]
        row[LATERAL], row[HEADING] = place[frenet.LATERAL], place[frenet.HEADING_ERROR]
        row[SPEED], row[3], row[4] = car[vehicle.SPEED], car[vehicle.LATERAL_SPEED], car[vehicle.YAW_RATE]
        row[5], row[6] = car[vehicle.STEERING], car[vehicle.ACCELERATION]
        distance = place[frenet.DISTANCE]
        for number in range(preview.shape[0]):
            row[CURVATURES + number] = lane_curvature(paths, world, distance + preview[number])
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
        row[COMMANDS + routes.command[world, point_before(paths, world, distance)]] = 1.0
        row[REMAINING] = routes.length[world] - distance


@inlined
def _write_stop(lanes, vehicles, signals, stops, front, world, row):  # type: ignore[no-untyped-def]
    """Write distance, control and right of way of the next stop line."""
    number, nearest = 0, np.inf
    for line in range(stops.shape[0]):
        ahead = stops[line, 0] - front
        if ahead >= BEHIND and ahead < nearest:
            number, nearest = line, ahead
    near = min(max(nearest, 0.0), FAR)
    there = near < FAR
    lane = int(stops[number, 1]) if there else 0
    control = int(stops[number, 2])
    row[LIGHT_DISTANCE] = FAR
    if there and control == LIGHT:
        row[LIGHT_DISTANCE] = near
        state = signals[world, max(lanes.signal[world, lane], 0)]
        if state == GREEN:
            row[LIGHT_RED + 2] = 1.0
        elif state == YELLOW:
            row[LIGHT_RED + 1] = 1.0
        else:
            row[LIGHT_RED] = 1.0
    row[STOP_SIGN] = 1.0 if there and control == STOP else 0.0
    granted = vehicles.granted[world, 0] == lane
    row[MAY_ENTER] = 1.0 if granted or not there else 0.0
    row[STOP_DISTANCE] = near if there and not granted else FAR
