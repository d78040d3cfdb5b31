"""Builder of road networks: roads, links between them, junctions and roundabouts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from camshaft.envs.driving.road_network.curves import Curve, Pose
from camshaft.envs.driving.road_network.elements import (
    DASHED,
    NONE,
    SOLID,
    Arm,
    Conflict,
    Crossing,
    Junction,
    Lane,
    Network,
    Road,
    SignalGroup,
    Walkway,
)

LANE_WIDTH = 3.5  # meters
EDGE_MARGIN = {
    "town": 0.35,
    "rural": 0.5,
    "motorway": 1.2,
    "circuit": 0.0,
}  # meters of paving beyond the lanes
MOTORWAY_SHOULDER = 2.8  # meters beyond the outermost lane


class NetworkBuilder:
    """Builder that collects the parts of a network.

    Attributes:
        lanes, roads, junctions, signals, walkways, crossings: parts added so far.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.lanes: list[Lane] = []
        self.roads: list[Road] = []
        self.junctions: list[Junction] = []
        self.signals: list[SignalGroup] = []
        self.walkways: list[Walkway] = []
        self.crossings: list[Crossing] = []
        self.conflicts: list[Conflict] = []

    def add_road(
        self,
        curve: Curve,
        forward: int = 1,
        backward: int = 1,
        *,
        speed_limit: float,
        style: str = "town",
        lane_width: float = LANE_WIDTH,
        median: float = 0.0,
        sidewalks: tuple[float, float] = (0.0, 0.0),
        center_line: str = DASHED,
        inner_offset: float = 0.0,
    ) -> Road:
        """Add a road along a curve.

        Args:
            curve: reference line.
            forward: number of lanes to its right, in its direction.
            backward: number of lanes to its left, in the opposite direction.
            speed_limit: m/s.
            style: "town", "rural", "motorway" or "circuit".
            lane_width: meters.
            median: meters between the directions.
            sidewalks: meters, width of the left and right sidewalk.
            center_line: marking between the directions.
            inner_offset: meters by which the reference line is shifted to the left before lanes are laid out.
        """
        half = 0.5 * median
        index = len(self.roads)
        ahead = [
            self.add_lane(
                curve.parallel(inner_offset - half - (number + 0.5) * lane_width),
                lane_width,
                speed_limit,
                road=index,
            )
            for number in range(forward)
        ]
        back = [
            self.add_lane(
                curve.parallel(inner_offset + half + (number + 0.5) * lane_width).reversed(),
                lane_width,
                speed_limit,
                road=index,
            )
            for number in range(backward)
        ]
        for lanes in (ahead, back):
            for inner, outer in pairwise(lanes):
                inner.right, outer.left = outer.index, inner.index
        left = inner_offset + half + backward * lane_width + EDGE_MARGIN[style]
        right = inner_offset - (half + forward * lane_width) - EDGE_MARGIN[style]
        if style == "motorway" and backward:
            left += MOTORWAY_SHOULDER - EDGE_MARGIN[style]
        if style == "motorway" and forward:
            right -= MOTORWAY_SHOULDER - EDGE_MARGIN[style]
        road = Road(
            index,
            curve,
            tuple(lane.index for lane in ahead),
            tuple(lane.index for lane in back),
            style,
            median,
            np.array([[left, left], [right, right]]),
            sidewalks,
            _lines(forward, backward, lane_width, half, inner_offset, style, center_line),
        )
        self.roads.append(road)
        return road

    def add_lane(self, curve: Curve, width: float, speed_limit: float, **attributes: int) -> Lane:
        """Add a single lane, within a junction unless `road` is given."""
        lane = Lane(len(self.lanes), curve, width, speed_limit, **attributes)  # type: ignore[arg-type]
        self.lanes.append(lane)
        return lane

    def link(self, first: int, second: int) -> None:
        """Connect a lane to its successor."""
        if second not in self.lanes[first].successors:
            self.lanes[first].successors.append(second)
            self.lanes[second].predecessors.append(first)

    def link_roads(self, first: Arm, second: Arm) -> None:
        """Join two roads end to end, without a junction: lanes connect to those of the same number."""
        for here, there in ((first, second), (second, first)):
            into, out = self.incoming(here), self.outgoing(there)
            for number, lane in enumerate(into):
                if number < len(out):
                    self.link(lane, out[number])

    def incoming(self, arm: Arm) -> tuple[int, ...]:
        """See `Network.incoming`."""
        road = self.roads[arm.road]
        return road.forward if arm.at_end else road.backward

    def outgoing(self, arm: Arm) -> tuple[int, ...]:
        """See `Network.outgoing`."""
        road = self.roads[arm.road]
        return road.backward if arm.at_end else road.forward

    def mouth(self, arm: Arm) -> Pose:
        """Pose at which an arm's reference line meets the junction, facing outward."""
        curve = self.roads[arm.road].curve
        return curve.end.reversed() if arm.at_end else curve.start

    def edge(self, arm: Arm, left: bool) -> Pose:
        """Pose at which an edge of an arm's paving meets the junction, facing outward; `left` is in that view."""
        road, pose = self.roads[arm.road], self.mouth(arm)
        place = 1 if arm.at_end else 0
        if arm.at_end:
            return pose.moved(0.0, -float(road.edges[1 if left else 0, place]))
        return pose.moved(0.0, float(road.edges[0 if left else 1, place]))

    def sidewalk(self, arm: Arm, left: bool) -> float:
        """Width (meters) of the sidewalk on one side of an arm, as seen from the junction; 0 for none."""
        road = self.roads[arm.road]
        return road.sidewalks[(1 if left else 0) if arm.at_end else (0 if left else 1)]

    def set_edges(self, road: int, edges: Sequence[Sequence[float]]) -> None:
        """Replace the edges of a road's paving."""
        self.roads[road] = replace(self.roads[road], edges=np.array(edges, np.float64))

    def build(self) -> Network:
        """Build the network."""
        return Network(
            self.name,
            tuple(self.lanes),
            tuple(self.roads),
            tuple(self.junctions),
            tuple(self.signals),
            tuple(self.walkways),
            tuple(self.crossings),
            tuple(self.conflicts),
        )


def _lines(
    forward: int,
    backward: int,
    width: float,
    half: float,
    offset: float,
    style: str,
    center_line: str,
) -> tuple[tuple[float, str], ...]:
    """Line markings between lanes, between the directions, and along the edges."""
    lines = [(offset - half - number * width, DASHED) for number in range(1, forward)]
    lines += [(offset + half + number * width, DASHED) for number in range(1, backward)]
    if forward and backward:
        lines += [(offset, center_line)] if half == 0.0 else [(offset - half, SOLID), (offset + half, SOLID)]
    if style != "town":
        lines.append((offset - half - forward * width, SOLID))
        lines.append((offset + half + backward * width, SOLID))
    return tuple((lateral, kind) for lateral, kind in lines if kind != NONE)


def wrapped(angle: float) -> float:
    """Wrap an angle to ±π."""
    return math.atan2(math.sin(angle), math.cos(angle))
