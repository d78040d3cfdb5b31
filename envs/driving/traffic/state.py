"""States of the vehicles and people of all worlds as arrays for kernels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# Columns of `Vehicles.traits`.
SPEED_SHARE, HEADWAY, ACCELERATION, DECELERATION, POLITENESS, PATIENCE = range(6)
NUM_TRAITS = 6
MOST_OCCUPIED = 8  # lanes that the ego vehicle can block at once

# States of a person.
WALKING, WAITING = range(2)


class Vehicles(NamedTuple):
    """Vehicles of N worlds, A in each; vehicle 0 is the ego vehicle.

    Attributes:
        present: (N, A) whether the vehicle exists.
        lane, next_lane, after_lane: (N, A) current and next two lanes; −1 at the end of the network.
        lane_before: (N, A) previous lane, or −1.
        shadow: (N, A) lane that it is leaving in a lane change, or −1.
        along: (N, A) meters along its lane, middle of the vehicle.
        speed, acceleration: (N, A) m/s, m/s².
        offset: (N, A) meters left of the lane center.
        cooldown: (N, A) seconds until it may change lanes again.
        waiting: (N, A) seconds that it has waited at a stop line.
        granted: (N, A) junction lane that it may enter, or −1.
        halted: (N, A) whether it has stopped before the junction ahead.
        kind: (N, A) index of its kind.
        length, width: (N, A) meters.
        traits: (N, A, 6) share of the speed limit, time headway (s), acceleration and deceleration (m/s²), politeness,
            patience (s).
        indicator: (N, A) turn signal: 1 left, −1 right, 0 off.
        pose: (N, A, 3) x, y, heading.
        random: (N, A) state of its random number generator.
    """

    present: NDArray[np.bool_]
    lane: NDArray[np.int32]
    next_lane: NDArray[np.int32]
    after_lane: NDArray[np.int32]
    lane_before: NDArray[np.int32]
    shadow: NDArray[np.int32]
    along: NDArray[np.float64]
    speed: NDArray[np.float64]
    acceleration: NDArray[np.float64]
    offset: NDArray[np.float64]
    cooldown: NDArray[np.float64]
    waiting: NDArray[np.float64]
    granted: NDArray[np.int32]
    halted: NDArray[np.bool_]
    kind: NDArray[np.int32]
    length: NDArray[np.float64]
    width: NDArray[np.float64]
    traits: NDArray[np.float64]
    indicator: NDArray[np.int8]
    pose: NDArray[np.float64]
    random: NDArray[np.uint64]


class People(NamedTuple):
    """Pedestrians of N worlds, Q in each.

    Attributes:
        present: (N, Q) whether the person exists.
        path: (N, Q) footpath.
        along: (N, Q) meters along it.
        forward: (N, Q) whether they walk in its direction.
        speed: (N, Q) m/s, current speed.
        pace: (N, Q) m/s, preferred walking speed.
        offset: (N, Q) meters left of the path's center line, in its direction.
        state: (N, Q) WALKING or WAITING at a curb.
        next_path: (N, Q) next footpath.
        waiting: (N, Q) seconds that they have waited.
        walked: (N, Q) meters walked, which determine the phase of the gait.
        kind: (N, Q) index of the body.
        pose: (N, Q, 3) x, y, heading.
        random: (N, Q) state of their random number generator.
    """

    present: NDArray[np.bool_]
    path: NDArray[np.int32]
    along: NDArray[np.float64]
    forward: NDArray[np.bool_]
    speed: NDArray[np.float64]
    pace: NDArray[np.float64]
    offset: NDArray[np.float64]
    state: NDArray[np.int32]
    next_path: NDArray[np.int32]
    waiting: NDArray[np.float64]
    walked: NDArray[np.float64]
    kind: NDArray[np.int32]
    pose: NDArray[np.float64]
    random: NDArray[np.uint64]


class Occupied(NamedTuple):
    """Lanes that the ego vehicle is on or blocks, wherever it drives.

    Attributes:
        counts: (N,) number of lanes.
        lanes: (N, MOST_OCCUPIED) their indices.
        along: (N, MOST_OCCUPIED) meters along each lane, middle of the vehicle.
    """

    counts: NDArray[np.int64]
    lanes: NDArray[np.int32]
    along: NDArray[np.float64]


def make_vehicles(num_worlds: int, count: int) -> Vehicles:
    """Allocate vehicles; none is present."""
    shape = (num_worlds, count)

    def numbers() -> NDArray[np.float64]:
        return np.zeros(shape)

    def indices() -> NDArray[np.int32]:
        return np.full(shape, -1, np.int32)

    return Vehicles(
        present=np.zeros(shape, bool),
        lane=indices(),
        next_lane=indices(),
        after_lane=indices(),
        lane_before=indices(),
        shadow=indices(),
        along=numbers(),
        speed=numbers(),
        acceleration=numbers(),
        offset=numbers(),
        cooldown=numbers(),
        waiting=numbers(),
        granted=indices(),
        halted=np.zeros(shape, bool),
        kind=np.zeros(shape, np.int32),
        length=np.full(shape, 4.5),
        width=np.full(shape, 1.8),
        traits=np.zeros((*shape, NUM_TRAITS)),
        indicator=np.zeros(shape, np.int8),
        pose=np.zeros((*shape, 3)),
        random=np.ones(shape, np.uint64),
    )


def make_people(num_worlds: int, count: int) -> People:
    """Allocate people; none is present."""
    shape = (num_worlds, count)
    return People(
        present=np.zeros(shape, bool),
        path=np.full(shape, -1, np.int32),
        along=np.zeros(shape),
        forward=np.zeros(shape, bool),
        speed=np.zeros(shape),
        pace=np.zeros(shape),
        offset=np.zeros(shape),
        state=np.zeros(shape, np.int32),
        next_path=np.full(shape, -1, np.int32),
        waiting=np.zeros(shape),
        walked=np.zeros(shape),
        kind=np.zeros(shape, np.int32),
        pose=np.zeros((*shape, 3)),
        random=np.ones(shape, np.uint64),
    )


def make_occupied(num_worlds: int) -> Occupied:
    """Allocate occupied lanes; none is occupied."""
    return Occupied(
        np.zeros(num_worlds, np.int64),
        np.full((num_worlds, MOST_OCCUPIED), -1, np.int32),
        np.zeros((num_worlds, MOST_OCCUPIED)),
    )
