"""Elements of a road network: lanes, roads, junctions, signals, crossings and footpaths."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving.road_network.curves import Curve, Pose

# Which way a lane turns.
FOLLOW, LEFT, STRAIGHT, RIGHT = range(4)
TURN_NAMES = ("follow", "left", "straight", "right")

# What governs entering a lane.
FREE, YIELD, STOP, LIGHT = range(4)

# Lines between lanes.
NONE, DASHED, SOLID = "none", "dashed", "solid"


@dataclass(eq=False)
class Lane:
    """One lane, driven in the direction of its curve.

    Attributes:
        index: place among the lanes of its network.
        curve: its middle.
        width: meters.
        speed_limit: m/s.
        road: which road it belongs to, or -1 within a junction.
        junction: which junction it leads through, or -1.
        turn: FOLLOW, LEFT, STRAIGHT or RIGHT.
        control: what governs entering it: FREE, YIELD, STOP or LIGHT.
        signal: signal group that governs entering it, or -1.
        stop_gap: meters before its end at which one stops and waits.
        left, right: neighboring lanes of the same direction into which one may change, or -1.
        successors, predecessors: lanes that begin where it ends, and end where it begins.
    """

    index: int
    curve: Curve
    width: float
    speed_limit: float
    road: int = -1
    junction: int = -1
    turn: int = FOLLOW
    control: int = FREE
    signal: int = -1
    stop_gap: float = 0.0
    left: int = -1
    right: int = -1
    successors: list[int] = field(default_factory=list)
    predecessors: list[int] = field(default_factory=list)

    @property
    def length(self) -> float:
        """Meters."""
        return self.curve.length


@dataclass(frozen=True, eq=False)
class Road:
    """A stretch of road of one cross-section, without junctions.

    Attributes:
        index: place among the roads of its network.
        curve: reference line; lanes to its right lead along it, lanes to its left back.
        forward, backward: its lanes, from the reference line outwards.
        style: "town", "rural", "motorway" or "circuit".
        median: meters between the innermost lanes of both directions.
        edges: (2, 2) meters left of the reference line of the paving's left and right edge, at start and end.
        sidewalks: meters of width on the left and on the right; 0 for none.
        lines: (lateral meters, kind) of every line along it.
    """

    index: int
    curve: Curve
    forward: tuple[int, ...]
    backward: tuple[int, ...]
    style: str
    median: float
    edges: FloatArray
    sidewalks: tuple[float, float]
    lines: tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class Arm:
    """One road where it meets a junction.

    Attributes:
        road: its index.
        at_end: whether it is the road's end that meets the junction, or its start.
    """

    road: int
    at_end: bool


@dataclass(frozen=True, eq=False)
class Junction:
    """Where roads meet.

    Attributes:
        index: place among the junctions of its network.
        kind: "lights", "priority", "stop", "right_before_left" or "roundabout".
        center: (2,) meters.
        arms: counter-clockwise.
        outline: (K, 2) meters, the edge of the paving, counter-clockwise.
        corners: between the i-th arm and the next one: the curb.
        island: meters of radius of what lies in the middle of a roundabout, or 0.
    """

    index: int
    kind: str
    center: FloatArray
    arms: tuple[Arm, ...]
    outline: FloatArray
    corners: tuple[Curve, ...]
    island: float = 0.0


@dataclass(frozen=True)
class SignalGroup:
    """Lights that change together: red, green from one time of a cycle on, yellow, red.

    Attributes:
        cycle: seconds.
        green_from, green: seconds of the cycle at which it turns green, and how long it stays so.
        offset: seconds by which its clock is ahead.
        junction: which.
    """

    cycle: float
    green_from: float
    green: float
    offset: float
    junction: int


@dataclass(frozen=True, eq=False)
class Walkway:
    """A path for people on foot, walked both ways.

    Attributes:
        index: place among the footpaths of its network.
        curve: its middle.
        width: meters.
        ends: two numbers of the indices where it begins and ends; footpaths meet in equal ones.
        crossing: which crossing it leads over, or -1.
    """

    index: int
    curve: Curve
    width: float
    ends: tuple[int, int]
    crossing: int = -1


@dataclass(frozen=True, eq=False)
class Crossing:
    """Where people cross lanes.

    Attributes:
        index: place among the crossings of its network.
        lanes: which, and meters along each.
        width: meters along the lanes.
        zebra: whether they have right of way.
        signal: signal group of the vehicles that it crosses, or -1.
        line: (2, 2) meters, from curb to curb.
        marked: whether it is painted on the road.
    """

    index: int
    lanes: tuple[tuple[int, float], ...]
    width: float
    zebra: bool
    signal: int
    line: FloatArray
    marked: bool = True


@dataclass(frozen=True)
class Conflict:
    """Two lanes that overlap, seen from one of them.

    Attributes:
        lane, other: which.
        begin, end: meters along `lane` between which a vehicle is in the way of one on `other`.
        other_begin, other_end: the same along `other`.
        yields: whether one on `lane` must let one on `other` go first.
    """

    lane: int
    other: int
    begin: float
    end: float
    other_begin: float
    other_end: float
    yields: bool


@dataclass(frozen=True, eq=False)
class Network:
    """A network of roads.

    Attributes:
        name: what it is.
        lanes, roads, junctions, signals, walkways, crossings, conflicts: its parts.
        guide: of a highway, the inner edge of the carriageway that is driven; None where there is no main road.
    """

    name: str
    lanes: tuple[Lane, ...]
    roads: tuple[Road, ...]
    junctions: tuple[Junction, ...] = ()
    signals: tuple[SignalGroup, ...] = ()
    walkways: tuple[Walkway, ...] = ()
    crossings: tuple[Crossing, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    guide: Curve | None = None

    @cached_property
    def bounds(self) -> FloatArray:
        """(2, 2) meters: lowest and highest x and y of its lanes and paving."""
        points = [lane.curve.points for lane in self.lanes]
        points += [road.curve.points for road in self.roads]
        points += [junction.outline for junction in self.junctions]
        everything = np.concatenate(points)
        return np.stack([everything.min(axis=0), everything.max(axis=0)])

    def outgoing(self, arm: Arm) -> tuple[int, ...]:
        """Lanes that lead away from a junction on this arm, innermost first."""
        road = self.roads[arm.road]
        return road.backward if arm.at_end else road.forward

    def incoming(self, arm: Arm) -> tuple[int, ...]:
        """Lanes that lead to a junction on this arm, innermost first."""
        road = self.roads[arm.road]
        return road.forward if arm.at_end else road.backward

    def paving(self, road: Road, distances: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(n,) meters left of the reference line of the left and right edge of the paving, so far along the road."""
        share = np.clip(np.asarray(distances) / road.curve.length, 0.0, 1.0)
        left, right = road.edges
        return left[0] + share * (left[1] - left[0]), right[0] + share * (right[1] - right[0])

    def beside_paving(self, road: Road, along: float, side: float, beyond: float) -> Pose:
        """So many meters along a road and outside its paving, left (1) or right (−1), facing as the road does there."""
        share = min(max(along / road.curve.length, 0.0), 1.0)
        first, last = road.edges[0 if side > 0.0 else 1].tolist()
        return road.curve.pose_at(along).moved(0.0, first + share * (last - first) + side * beyond)


def marking_lines(network: Network) -> list[FloatArray]:
    """(K, 2) points, 2 m apart, of each line marking along the roads; of dashed lines, each dash is one entry."""
    lines = []
    for road in network.roads:
        distance = np.arange(0.0, road.curve.length + 1.0, 2.0)
        for lateral, kind in road.lines:
            points = road.curve.beside(distance, np.full(len(distance), lateral))
            if kind == DASHED:
                lines += [points[first : first + 2] for first in range(0, len(points), 3)]
            else:
                lines.append(points)
    return lines


def lane_polygon(lane: Lane, step: int = 1) -> FloatArray:
    """(K, 2) meters: the outline of a lane."""
    indices = np.unique(np.r_[np.arange(0, len(lane.curve.points), step), len(lane.curve.points) - 1])
    heading = lane.curve.heading[indices]
    left = np.stack([-np.sin(heading), np.cos(heading)], axis=1) * 0.5 * lane.width
    points = lane.curve.points[indices]
    return np.concatenate([points + left, (points - left)[::-1]])
