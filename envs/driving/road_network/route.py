"""Routes through a network: lanes, and the line to drive along, including lane changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving.road_network.curves import Curve, chain, join
from camshaft.envs.driving.road_network.elements import FOLLOW, FREE, Network

CHANGE_AFTER = 6.0  # meters on a lane before changing to the next
CHANGE_LENGTH = 28.0  # meters, length of a lane change
ANNOUNCED = 35.0  # meters before a junction at which its command begins


@dataclass(frozen=True, eq=False)
class StopLine:
    """Stop line of a route at a junction.

    Attributes:
        distance: meters along the route.
        lane: lane of the route through the junction.
        control: control of entering it.
    """

    distance: float
    lane: int
    control: int


@dataclass(frozen=True, eq=False)
class Route:
    """A route through a network.

    Attributes:
        lanes: its lanes in order; at a lane change, the next lane is a neighbor.
        curve: line to drive along.
        lane_at: (P,) lane at each point of the curve.
        along_at: (P,) meters along that lane.
        next_at: (P, 2) next two lanes, −1 after the last.
        command_at: (P,) turn to take at the next junction: FOLLOW, LEFT, STRAIGHT or RIGHT.
        stops: stop lines at junctions.
        changes: for each lane change, meters along the route of its beginning, target lane, meters along that lane.
    """

    lanes: tuple[int, ...]
    curve: Curve
    lane_at: NDArray[np.int32]
    along_at: FloatArray
    next_at: NDArray[np.int32]
    command_at: NDArray[np.int32]
    stops: tuple[StopLine, ...]
    changes: tuple[tuple[float, int, float], ...]


def make_route(network: Network, lanes: Sequence[int], start: float, stop: float) -> Route:
    """Make the route along lanes.

    Args:
        network: network of the lanes.
        lanes: each is a predecessor or a neighbor of the next.
        start: meters along the first lane at which the route begins.
        stop: meters along the last lane at which the route ends.
    """
    pieces: list[_Piece] = []
    along = start
    for number, index in enumerate(lanes):
        lane = network.lanes[index]
        if number + 1 == len(lanes):
            pieces.append(_Piece(index, along, max(stop, along + 1.0), lane.curve))
            break
        after = network.lanes[lanes[number + 1]]
        if after.index in lane.successors:
            pieces.append(_Piece(index, along, lane.length, lane.curve))
            along = 0.0
            continue
        begin = min(along + CHANGE_AFTER, lane.length - 2.0)
        pieces.append(_Piece(index, along, begin, lane.curve))
        share = after.length / lane.length
        end = min((begin + CHANGE_LENGTH) * share, after.length - 1.0)
        change = _change(lane.curve, begin, after.curve, end)
        half = 0.5 * change.length
        middle = 0.5 * (begin * share + end)
        pieces.append(_Piece(index, begin, middle / share, change, 0.0, half))
        pieces.append(_Piece(after.index, middle, end, change, half, change.length))
        along = end
    kept = [piece for piece in pieces if piece.length > 0.05]
    return _described(network, tuple(lanes), kept, chain([piece.cut() for piece in kept]))


@dataclass(frozen=True, eq=False)
class _Piece:
    """Part of a route on one lane: from `first` to `last` meters along it, on a part of a curve."""

    lane: int
    first: float
    last: float
    curve: Curve
    begin: float | None = None
    end: float | None = None

    @property
    def span(self) -> tuple[float, float]:
        return (self.first if self.begin is None else self.begin, self.last if self.end is None else self.end)

    @property
    def length(self) -> float:
        return self.span[1] - self.span[0]

    def cut(self) -> Curve:
        return self.curve.part(*self.span)


def _change(first: Curve, begin: float, second: Curve, end: float) -> Curve:
    """A lane change from one lane to its neighbor."""
    start, stop = first.part(begin, begin + 1.0).start, second.part(end - 1.0, end).end
    return join(start, stop)


def _described(network: Network, lanes: tuple[int, ...], pieces: Sequence[_Piece], curve: Curve) -> Route:
    """Find the lane at each point."""
    reached = np.concatenate([[0.0], np.cumsum([piece.length for piece in pieces])])
    distance = curve.spacing * np.arange(len(curve.points)) * reached[-1] / curve.length
    number = np.clip(np.searchsorted(reached, distance, side="right") - 1, 0, len(pieces) - 1)
    part = (distance - reached[number]) / np.diff(reached)[number]
    first, last = np.array([piece.first for piece in pieces]), np.array([piece.last for piece in pieces])
    lane_at = np.array([piece.lane for piece in pieces], np.int32)[number]
    along_at = first[number] + part * (last - first)[number]
    following = {lane: _lanes_after(network, lanes, place) for place, lane in enumerate(lanes)}
    next_at = np.array([following[piece.lane] for piece in pieces], np.int32)[number]
    stops = _stops(network, lane_at, along_at, curve.spacing)
    changes = tuple(
        (float(distance), after.lane, after.first - 0.5 * (piece.length + after.length))
        for distance, piece, after in zip(reached[:-1], pieces, pieces[1:], strict=False)
        if piece.begin == 0.0
    )
    commands = _commands(network, lane_at, curve.spacing)
    return Route(lanes, curve, lane_at, along_at, next_at, commands, stops, changes)


def _lanes_after(network: Network, order: Sequence[int], place: int) -> tuple[int, int]:
    """The next two lanes after a lane, ignoring lane changes."""
    found: list[int] = []
    here = network.lanes[order[place]]
    for lane in order[place + 1 :]:
        if lane in here.successors:
            found.append(lane)
            if len(found) == 2:
                return found[0], found[1]
        here = network.lanes[lane]
    while len(found) < 2:
        ways = network.lanes[found[-1] if found else order[-1]].successors
        if not ways:
            break
        found.append(ways[0])
    return (found[0] if found else -1), (found[1] if len(found) > 1 else -1)


def _stops(
    network: Network,
    lane_at: NDArray[np.int32],
    along_at: FloatArray,
    spacing: float,
) -> tuple[StopLine, ...]:
    found = []
    changes = np.flatnonzero(np.diff(lane_at)) + 1
    for point in changes:
        into = network.lanes[int(lane_at[point])]
        before = network.lanes[int(lane_at[point - 1])]
        if into.junction >= 0 and before.junction < 0 and into.control != FREE:
            left = before.length - float(along_at[point - 1]) - before.stop_gap
            found.append(StopLine(spacing * (int(point) - 1) + left, into.index, into.control))
    return tuple(found)


def _commands(network: Network, lane_at: NDArray[np.int32], spacing: float) -> NDArray[np.int32]:
    """Command at each point: the turn of the current or upcoming lane through a junction."""
    turns = np.array([network.lanes[int(lane)].turn for lane in lane_at], np.int32)
    commands = turns.copy()
    announced = int(ANNOUNCED / spacing)
    for point in np.flatnonzero((turns[1:] != FOLLOW) & (turns[1:] != turns[:-1])) + 1:
        first = max(point - announced, 0)
        ahead = commands[first:point]
        ahead[ahead == FOLLOW] = turns[point]
    return commands
