"""Junctions: lane connections, right of way, lights, curbs and crossings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving.road_network.builder import NetworkBuilder, wrapped
from camshaft.envs.driving.road_network.conflicts import find_conflicts
from camshaft.envs.driving.road_network.curves import Curve, Pose, join
from camshaft.envs.driving.road_network.elements import (
    FREE,
    LEFT,
    LIGHT,
    RIGHT,
    STOP,
    STRAIGHT,
    YIELD,
    Arm,
    Crossing,
    Junction,
    Lane,
    SignalGroup,
)

LEAST_ANGLE = math.radians(52.0)  # rad, smallest angle between two roads that meet
CORNER_RADIUS = 6.0  # meters, radius of the curb
MOST_STRAIGHT = math.radians(50.0)  # rad, largest change of heading when going straight
TURN_SPEED = {LEFT: 7.0, RIGHT: 5.0, STRAIGHT: 13.9}  # m/s, speed limit within junctions
CROSSING_WIDTH = 3.0  # meters, along the road
CROSSING_GAP = 1.0  # meters between crossing and junction
STOP_LINE = 1.2  # meters between stop line and crossing
GREEN, YELLOW, ALL_RED = 14.0, 3.0, 2.0  # seconds
KINDS = ("lights", "priority", "stop", "right_before_left")


def reach(half_widths: Sequence[float], angles: Sequence[float]) -> float:
    """Meters from the center of a junction to the ends of its roads that leave room for round corners.

    Args:
        half_widths: half widths of the paving of the arms.
        angles: rad, directions of the arms, counter-clockwise.
    """
    farthest = 0.0
    for index, (width, angle) in enumerate(zip(half_widths, angles, strict=True)):
        other = (index + 1) % len(angles)
        gap = (angles[other] - angle) % (2.0 * math.pi) or 2.0 * math.pi
        if gap > math.radians(165.0):
            farthest = max(farthest, 4.0)
            continue
        cosine, sine = math.cos(gap), math.sin(gap)
        for near, far in ((width, half_widths[other]), (half_widths[other], width)):
            farthest = max(farthest, (far + near * cosine) / sine + CORNER_RADIUS / math.tan(0.5 * gap))
    return max(farthest, max(half_widths) + 2.0)


def add_junction(
    builder: NetworkBuilder,
    arms: Sequence[Arm],
    kind: str,
    *,
    major: tuple[int, int] | None = None,
    crossings: bool = True,
    offset: float = 0.0,
) -> Junction:
    """Connect roads in a junction.

    Args:
        builder: builder to add it to.
        arms: the roads that meet, counter-clockwise.
        kind: "lights", "priority" (the others yield to the major road), "stop" (they also stop first) or
            "right_before_left".
        major: two indices into `arms` of the road with right of way; by default, the two arms most in line.
        crossings: whether there are crossings on the arms.
        offset: seconds by which the cycle of the lights is ahead.
    """
    index = len(builder.junctions)
    origins = {
        lane.index: number for number in range(len(arms)) for lane in _connect(builder, arms, number, index)
    }
    return set_right_of_way(builder, arms, origins, kind, major=major, crossings=crossings, offset=offset)


def set_right_of_way(
    builder: NetworkBuilder,
    arms: Sequence[Arm],
    origins: Mapping[int, int],
    kind: str,
    *,
    major: Sequence[int] | None = None,
    crossings: bool = True,
    offset: float = 0.0,
) -> Junction:
    """Set the right of way of the lanes through a junction, and round its corners.

    Args:
        builder: builder to add the junction to.
        arms: the roads that meet, counter-clockwise.
        origins: lanes through it, and indices into `arms` of the roads that they come from.
        kind: as for `add_junction`.
        major: indices into `arms` of the roads with right of way; by default, the two arms most in line.
        crossings: whether there are crossings on the arms.
        offset: seconds by which the cycle of the lights is ahead.
    """
    index = len(builder.junctions)
    poses = [builder.mouth(arm) for arm in arms]
    main = most_in_line(poses) if major is None else major
    signals = _add_signals(builder, index, len(arms), main, offset) if kind == "lights" else {}
    gap = CROSSING_GAP + CROSSING_WIDTH + STOP_LINE if crossings else 1.0
    for arm in arms:
        for into in builder.incoming(arm):
            builder.lanes[into].stop_gap = gap
    ranks: dict[int, int] = {}
    for number, origin in origins.items():
        lane = builder.lanes[number]
        lane.control, ranks[number] = _rule(kind, origin, main, lane.turn)
        lane.signal = signals.get(origin, -1)
    corners = tuple(_corner(builder, arms, number) for number in range(len(arms)))
    junction = Junction(
        index, kind, np.mean([pose.point for pose in poses], axis=0), tuple(arms), _outline(corners), corners
    )
    builder.junctions.append(junction)
    through = [builder.lanes[lane] for lane in ranks]
    if kind == "right_before_left":
        builder.conflicts += find_conflicts(
            through, lambda one, other: _yields_right(one, other, origins, len(arms))
        )
    else:
        builder.conflicts += find_conflicts(through, lambda one, other: ranks[one.index] < ranks[other.index])
    if crossings:
        for number, arm in enumerate(arms):
            add_crossing(builder, arm, signals.get(number, -1))
    return junction


def most_in_line(poses: Sequence[Pose]) -> tuple[int, int]:
    """The two arms, given as outward poses, that are closest to one straight road."""
    pairs = [(one, other) for one in range(len(poses)) for other in range(one)]
    return min(
        pairs, key=lambda pair: abs(wrapped(poses[pair[0]].heading - poses[pair[1]].heading - math.pi))
    )


def turn_of(before: float, after: float) -> int:
    """LEFT, STRAIGHT or RIGHT, from the headings before and after."""
    change = wrapped(after - before)
    if abs(change) < MOST_STRAIGHT:
        return STRAIGHT
    return LEFT if change > 0.0 else RIGHT


def _connect(builder: NetworkBuilder, arms: Sequence[Arm], number: int, junction: int) -> list[Lane]:
    """Add lanes from one arm through the junction to all others."""
    into = builder.incoming(arms[number])
    before = builder.mouth(arms[number]).heading + math.pi
    others = [arms[(number + step) % len(arms)] for step in range(1, len(arms))]
    turns = [turn_of(before, builder.mouth(other).heading) for other in others]
    pairs = [
        (into[start], builder.outgoing(other)[end], turn)
        for other, turn in zip(others, turns, strict=True)
        for start, end in _pairs(len(into), len(builder.outgoing(other)), turn)
    ]
    served = {start for start, _, _ in pairs}
    for place, lane in enumerate(into):  # every lane has a successor, straight on if possible
        ways = [
            (abs(turn - STRAIGHT), turn, builder.outgoing(other))
            for other, turn in zip(others, turns, strict=True)
        ]
        ways = sorted((way for way in ways if way[2]), key=lambda way: way[0])
        if lane not in served and ways:
            _, turn, out = ways[0]
            pairs.append((lane, out[min(place, len(out) - 1)], turn))
    return [_lead(builder, junction, *pair) for pair in pairs]


def _lead(builder: NetworkBuilder, junction: int, start: int, end: int, turn: int) -> Lane:
    """Add a lane through a junction."""
    first, last = builder.lanes[start], builder.lanes[end]
    curve = join(first.curve.end, last.curve.start)
    limit = min(first.speed_limit, last.speed_limit, TURN_SPEED[turn])
    lane = builder.add_lane(curve, min(first.width, last.width), limit, junction=junction, turn=turn)
    builder.link(first.index, lane.index)
    builder.link(lane.index, last.index)
    return lane


def _pairs(into: int, out: int, turn: int) -> list[tuple[int, int]]:
    """Pairs of connected lanes, numbered from the middle of the road outward."""
    if not into or not out:
        return []
    if turn == LEFT:
        return [(0, 0)]
    if turn == RIGHT:
        return [(into - 1, out - 1)]
    if into == 1:
        return [(0, out - 1)]
    return [(lane, lane) for lane in range(min(into, out))]


def _rule(kind: str, number: int, main: Sequence[int], turn: int) -> tuple[int, int]:
    """Control of a lane from one arm, and its rank: lanes of lower rank yield."""
    first = 0 if turn == LEFT else 1
    if kind == "lights":
        return LIGHT, first
    if kind == "right_before_left":
        return YIELD, 0
    if number in main:
        return (YIELD if turn == LEFT else FREE), 2 + first
    return (STOP if kind == "stop" else YIELD), first


def _yields_right(one: Lane, other: Lane, origins: Mapping[int, int], arms: int) -> bool:
    """Whether the first lane yields: to the arm on its right, the next counter-clockwise, and to oncoming traffic."""
    beside = (origins[other.index] - origins[one.index]) % arms
    oncoming = one.turn == LEFT and other.turn != LEFT and beside not in (1, arms - 1)
    return beside == 1 or oncoming


def _add_signals(
    builder: NetworkBuilder, junction: int, arms: int, main: Sequence[int], offset: float
) -> dict[int, int]:
    """Add two signal groups, one for the main road and one for the others; returns the group of each arm."""
    cycle = 2.0 * (GREEN + YELLOW + ALL_RED)
    first = len(builder.signals)
    for start in (0.0, 0.5 * cycle):
        builder.signals.append(SignalGroup(cycle, start, GREEN, offset, junction))
    return {number: first if number in main else first + 1 for number in range(arms)}


def _corner(builder: NetworkBuilder, arms: Sequence[Arm], number: int) -> Curve:
    """The curb from the left edge of an arm, seen from the junction, to the right edge of the next one."""
    here = builder.edge(arms[number], left=True)
    there = builder.edge(arms[(number + 1) % len(arms)], left=False)
    return join(here.reversed(), there)


def _outline(corners: Sequence[Curve]) -> FloatArray:
    return np.concatenate([corner.points for corner in corners])


def add_crossing(builder: NetworkBuilder, arm: Arm, signal: int) -> None:
    """Add a crosswalk over an arm, with or without lights, if the arm has sidewalks."""
    if not (builder.sidewalk(arm, True) and builder.sidewalk(arm, False)):
        return
    middle = CROSSING_GAP + 0.5 * CROSSING_WIDTH
    into = [(lane, builder.lanes[lane].length - middle) for lane in builder.incoming(arm)]
    out = [(lane, middle) for lane in builder.outgoing(arm)]
    left, right = (builder.edge(arm, side).moved(middle).point for side in (True, False))
    builder.crossings.append(
        Crossing(
            len(builder.crossings),
            tuple(into + out),
            CROSSING_WIDTH,
            signal < 0,
            signal,
            np.stack([right, left]),
        )
    )
