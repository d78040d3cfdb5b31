"""Everything that driving in town depends on, as numbers: what an encoder is supervised on, and critics may see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from envs.driving import track as places
from envs.driving import vehicle
from envs.driving.network.network import LIGHT, STOP, TURN_NAMES
from envs.driving.network_simulation import EGO_LENGTH
from envs.driving.traffic.ahead import gap_ahead, people_ahead
from envs.driving.traffic.signals import AMBER, GREEN
from envs.simulation import FloatArray, IntArray

if TYPE_CHECKING:
    from envs.driving.town import Town

PREVIEW = np.array([4.0, 8.0, 14.0, 22.0, 32.0])  # metres ahead at which the route's curvature is told
FAR = 60.0  # metres: nothing nearer

NAMES = (
    "lateral_error",
    "heading_error",
    "speed",
    "lateral_speed",
    "yaw_rate",
    "steering",
    "acceleration",
    *(f"curvature_{round(metres)}" for metres in PREVIEW),
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
LIMITS = np.array(
    [
        5.0, np.pi, 40.0, 10.0, 4.0, 1.0, 12.0, *[0.3] * len(PREVIEW), 40.0, 1.0, *[FAR] * 3, *[1.0] * 5,
        FAR, 40.0, FAR, *[1.0] * len(TURN_NAMES), 1e3,
    ]
)  # fmt: skip


def town_state(town: Town, worlds: IntArray) -> FloatArray:
    """(n, K) in the order of NAMES; distances are from the front bumper, FAR where there is nothing."""
    rows = np.zeros((len(worlds), len(NAMES)))
    cars, located = town.vehicles[worlds], town.track.places[worlds]
    traffic = town.traffic
    distance = located[:, places.DISTANCE]
    columns = {name: number for number, name in enumerate(NAMES)}
    rows[:, 0], rows[:, 1] = located[:, places.LATERAL], located[:, places.HEADING_ERROR]
    for column, source in enumerate(
        (
            vehicle.SPEED,
            vehicle.LATERAL_SPEED,
            vehicle.YAW_RATE,
            vehicle.STEERING,
            vehicle.ACCELERATION,
        )
    ):
        rows[:, 2 + column] = cars[:, source]
    rows[:, 7 : 7 + len(PREVIEW)] = town.track.curvature_ahead(PREVIEW)[worlds]
    lane = traffic.vehicles.lane[worlds, 0]
    following = traffic.vehicles.next_lane[worlds, 0]
    lanes = traffic.lanes
    rows[:, columns["limit"]] = lanes.limit[worlds, lane]
    inside = lanes.junction[worlds, lane] >= 0
    rows[:, columns["in_junction"]] = inside
    ahead = lanes.length[worlds, lane] - traffic.vehicles.along[worlds, 0] - 0.5 * EGO_LENGTH
    leads = (following >= 0) & (lanes.junction[worlds, following] >= 0) & ~inside
    rows[:, columns["junction_distance"]] = np.where(leads, np.clip(ahead, 0.0, FAR), FAR)
    _write_stop(town, worlds, rows, columns, distance)
    gap = np.empty((town.num_worlds, 2))
    gap_ahead(lanes, traffic.vehicles, traffic.occupied, FAR, gap)
    rows[:, columns["gap"]] = gap[worlds, 0]
    rows[:, columns["closing_speed"]] = np.where(
        gap[worlds, 0] < FAR, cars[:, vehicle.SPEED] - gap[worlds, 1], 0.0
    )
    people = np.empty(town.num_worlds)
    people_ahead(lanes, traffic.vehicles, traffic.crossed, FAR, people)
    rows[:, columns["people_distance"]] = people[worlds]
    command = town._command(worlds)
    rows[np.arange(len(worlds)), columns["command_follow"] + command] = 1.0
    rows[:, columns["remaining"]] = town._length[worlds] - distance
    return rows


def _write_stop(
    town: Town, worlds: IntArray, rows: FloatArray, columns: dict[str, int], distance: FloatArray
) -> None:
    """The next stop line: how far, what governs it, and whether one has to stop there now."""
    traffic = town.traffic
    stops = town._stops[worlds]
    front = distance + 0.5 * EGO_LENGTH
    away = stops[:, :, 0] - front[:, None]
    away[away < -1.5] = np.inf
    number = away.argmin(axis=1)
    row = np.arange(len(worlds))
    near = np.clip(away[row, number], 0.0, FAR)
    there = near < FAR
    lane, control = (stops[row, number, column].astype(np.int64) for column in (1, 2))
    lane = np.where(there, lane, 0)
    light = there & (control == LIGHT)
    group = np.maximum(traffic.lanes.signal[worlds, lane], 0)
    shown = traffic.signals[worlds, group]
    rows[:, columns["light_distance"]] = np.where(light, near, FAR)
    rows[:, columns["light_green"]] = light & (shown == GREEN)
    rows[:, columns["light_amber"]] = light & (shown == AMBER)
    rows[:, columns["light_red"]] = light & (shown != GREEN) & (shown != AMBER)
    rows[:, columns["stop_sign"]] = there & (control == STOP)
    granted = traffic.vehicles.granted[worlds, 0] == lane
    rows[:, columns["may_enter"]] = granted | ~there
    rows[:, columns["stop_distance"]] = np.where(there & ~granted, near, FAR)
