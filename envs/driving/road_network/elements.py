"""Elements of a road network: lanes, roads, junctions, signals, crossings and footpaths."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving.road_network.curves import Curve, Pose

# Turns of lanes.
FOLLOW, LEFT, STRAIGHT, RIGHT = range(4)
TURN_NAMES = ("follow", "left", "straight", "right")

# Controls of entering a lane.
FREE, YIELD, STOP, LIGHT = range(4)

# Kinds of lines between lanes.
NONE, DASHED, SOLID = "none", "dashed", "solid"


@dataclass(eq=False)
class Lane:
    """A lane, driven in the direction of its curve.

    Attributes:
        index: index among the lanes of its network.
        curve: center line.
        width: meters.
        speed_limit: m/s.
        road: index of its road, or -1 within a junction.
        junction: index of the junction it leads through, or -1.
        turn: FOLLOW, LEFT, STRAIGHT or RIGHT.
        control: control of entering it: FREE, YIELD, STOP or LIGHT.
        signal: signal group that controls entering it, or -1.
        stop_gap: meters from its stop line to its end.
        left, right: neighboring lanes of the same direction that vehicles may change to, or -1.
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
        """Length in meters."""
        return self.curve.length


@dataclass(frozen=True, eq=False)
class Road:
    """A road segment of constant cross section, without junctions.

    Attributes:
        index: index among the roads of its network.
        curve: reference line; lanes to its right follow its direction, lanes to its left the opposite one.
        forward, backward: its lanes, from the reference line outward.
        style: "town", "rural", "motorway" or "circuit".
        median: meters between the innermost lanes of the two directions.
        edges: (2, 2) meters left of the reference line of the left and right edge of the paving, at start and end.
        sidewalks: meters, width of the left and right sidewalk; 0 for none.
        lines: (lateral offset in meters, kind) of each line marking.
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
    """The end of a road at a junction.

    Attributes:
        road: index of the road.
        at_end: whether the road meets the junction at its end, rather than at its start.
    """

    road: int
    at_end: bool


@dataclass(frozen=True, eq=False)
class Junction:
    """A junction of roads.

    Attributes:
        index: index among the junctions of its network.
        kind: "lights", "priority", "stop", "right_before_left" or "roundabout".
        center: (2,) meters.
        arms: counter-clockwise.
        outline: (K, 2) meters, edge of the paving, counter-clockwise.
        corners: curb between the i-th arm and the next one.
        island: meters, radius of the central island of a roundabout, or 0.
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
    """Traffic lights that change together, with a fixed cycle.

    Attributes:
        cycle: seconds, length of a cycle.
        green_from, green: seconds, start of green within the cycle and its duration.
        offset: seconds by which its cycle is ahead.
        junction: index of its junction.
    """

    cycle: float
    green_from: float
    green: float
    offset: float
    junction: int


@dataclass(frozen=True, eq=False)
class Walkway:
    """A footpath for pedestrians in both directions.

    Attributes:
        index: index among the footpaths of its network.
        curve: center line.
        width: meters.
        ends: node numbers of its beginning and end; footpaths with a common node are connected.
        crossing: index of the crossing it leads over, or -1.
    """

    index: int
    curve: Curve
    width: float
    ends: tuple[int, int]
    crossing: int = -1


@dataclass(frozen=True, eq=False)
class Crossing:
    """A pedestrian crossing.

    Attributes:
        index: index among the crossings of its network.
        lanes: lanes crossed, and meters along each.
        width: meters, along the lanes.
        zebra: whether pedestrians have right of way.
        signal: signal group of the crossed vehicles, or -1.
        line: (2, 2) meters, from curb to curb.
        marked: whether it is marked on the road.
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
    """A conflict of two overlapping lanes, from the view of one of them.

    Attributes:
        lane, other: the lane and the other lane.
        begin, end: meters along `lane` between which a vehicle blocks `other`.
        other_begin, other_end: meters along `other` between which a vehicle blocks `lane`.
        yields: whether `lane` yields to `other`.
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
    """A road network.

    Attributes:
        name: name of the network.
        lanes, roads, junctions, signals, walkways, crossings, conflicts: its parts.
        guide: inner edge of the driven carriageway of a highway; None for other networks.
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
        """(2, 2) meters, lowest and highest x and y of its lanes and paving."""
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
        """(n,) meters left of the reference line of both edges of the paving, left first, at given distances."""
        share = np.clip(np.asarray(distances) / road.curve.length, 0.0, 1.0)
        left, right = road.edges
        return left[0] + share * (left[1] - left[0]), right[0] + share * (right[1] - right[0])

    def beside_paving(self, road: Road, along: float, side: float, beyond: float) -> Pose:
        """Pose at a distance along a road and outside its paving, left (1) or right (−1), with the road's heading."""
        share = min(max(along / road.curve.length, 0.0), 1.0)
        first, last = road.edges[0 if side > 0.0 else 1].tolist()
        return road.curve.pose_at(along).moved(0.0, first + share * (last - first) + side * beyond)


def marking_lines(network: Network) -> list[FloatArray]:
    """(K, 2) points, 2 m apart, of each line marking along the roads; each dash of a dashed line is one entry."""
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
    """(K, 2) meters, outline of a lane."""
    indices = np.unique(np.r_[np.arange(0, len(lane.curve.points), step), len(lane.curve.points) - 1])
    heading = lane.curve.heading[indices]
    left = np.stack([-np.sin(heading), np.cos(heading)], axis=1) * 0.5 * lane.width
    points = lane.curve.points[indices]
    return np.concatenate([points + left, (points - left)[::-1]])
