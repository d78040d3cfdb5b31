"""Footpaths: sidewalks along roads, corners, and crossings between them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np

from camshaft.envs.driving.road_network.builder import NetworkBuilder
from camshaft.envs.driving.road_network.curves import Curve, Pose, join, straight
from camshaft.envs.driving.road_network.elements import Arm, Crossing, Junction, Walkway
from camshaft.envs.driving.road_network.junctions import CROSSING_GAP, CROSSING_WIDTH
from camshaft.envs.driving.road_network.roundabouts import around_the_ring

CURB = 0.3  # meters between the paving and the footpath
CORNER_WIDTH = 2.0  # meters

Side = tuple[int, int, bool]  # road, position along it, whether left or right of its direction


def add_footpaths(
    builder: NetworkBuilder,
    joints: Sequence[tuple[Arm, Arm]] = (),
    midway: Mapping[int, bool] | None = None,
) -> None:
    """Add footpaths along all roads with sidewalks.

    Args:
        builder: builder to add them to.
        joints: pairs of arms that are linked end to end, without a junction.
        midway: roads with a crossing in the middle, and whether pedestrians have right of way there.
    """
    _Footpaths(builder, joints, midway or {}).lay()


class _Footpaths:
    def __init__(
        self, builder: NetworkBuilder, joints: Sequence[tuple[Arm, Arm]], midway: Mapping[int, bool]
    ) -> None:
        self._builder, self._midway = builder, midway
        self._met = {(arm.road, arm.at_end) for junction in builder.junctions for arm in junction.arms}
        self._numbers: dict[Side, int] = {}
        self._same: dict[Side, Side] = {}
        self._poses: dict[Side, Pose] = {}  # facing along the road
        for one, other in joints:
            for left in (True, False):
                self._same[self._side(other, not left)] = self._side(one, left)

    def lay(self) -> None:
        """Add sidewalks, then corners, then crossings."""
        at_arms = list(self._builder.crossings)
        for road in self._builder.roads:
            for left in (True, False):
                self._lay_sidewalk(road.index, left)
        for junction in self._builder.junctions:
            for number, arm in enumerate(junction.arms):
                following = junction.arms[(number + 1) % len(junction.arms)]
                self._lay_corner(junction, arm, following)
        for crossing in at_arms:
            lane = crossing.lanes[0][0]
            road = self._builder.roads[self._builder.lanes[lane].road]
            self._lay_crossing(crossing, road.index, -1 if lane in road.forward else 0)
        for road_index, zebra in self._midway.items():
            if (road_index, 1, True) in self._poses and (road_index, 1, False) in self._poses:
                self._lay_crossing(self._midway_crossing(road_index, zebra), road_index, 1)

    def _side(self, arm: Arm, left: bool) -> Side:
        """Node beside an arm; `left` is as seen from the junction."""
        return arm.road, self._last(arm.road) if arm.at_end else 0, left != arm.at_end

    def _last(self, road: int) -> int:
        return 2 if road in self._midway else 1

    def _lay_sidewalk(self, road_index: int, left: bool) -> None:
        road = self._builder.roads[road_index]
        width = road.sidewalks[0 if left else 1]
        if width <= 0.0:
            return
        sign = 1.0 if left else -1.0
        lateral = float(road.edges[0 if left else 1, 0]) + sign * (CURB + 0.5 * (width - CURB))
        curve = road.curve.parallel(lateral)
        middle = CROSSING_GAP + 0.5 * CROSSING_WIDTH
        stops = [
            middle if (road_index, False) in self._met else 0.0,
            curve.length - (middle if (road_index, True) in self._met else 0.0),
        ]
        if road_index in self._midway:
            stops.insert(1, 0.5 * curve.length)
        for place, (start, stop) in enumerate(itertools.pairwise(stops)):
            part = curve.part(start, stop)
            first, last = (road_index, place, left), (road_index, place + 1, left)
            self._poses[first], self._poses[last] = part.start, part.end
            self._add(part, width - CURB, first, last)

    def _lay_corner(self, junction: Junction, before: Arm, after: Arm) -> None:
        first, last = self._side(before, True), self._side(after, False)
        if first not in self._poses or last not in self._poses:
            return
        start, end = self._poses[first], self._poses[last]
        inward = start if before.at_end else start.reversed()
        outward = end.reversed() if after.at_end else end
        if junction.island:
            curve = around_the_ring(junction.center, inward, outward, CURB + 0.5 * CORNER_WIDTH)
        else:
            curve = join(inward, outward)
        self._add(curve, CORNER_WIDTH, first, last)

    def _lay_crossing(self, crossing: Crossing, road: int, place: int) -> None:
        place = self._last(road) if place < 0 else place
        right, left = (road, place, False), (road, place, True)
        if right not in self._poses or left not in self._poses:
            return
        start, end = self._poses[right].point, self._poses[left].point
        chord = end - start
        pose = Pose(float(start[0]), float(start[1]), math.atan2(chord[1], chord[0]))
        self._add(straight(pose, math.hypot(*chord)), crossing.width, right, left, crossing.index)

    def _midway_crossing(self, road_index: int, zebra: bool) -> Crossing:
        builder = self._builder
        road = builder.roads[road_index]
        half = 0.5 * road.curve.length
        lanes = [(lane, 0.5 * builder.lanes[lane].length) for lane in road.forward + road.backward]
        line = [road.curve.beside(half, float(road.edges[side, 0])) for side in (1, 0)]
        crossing = Crossing(
            len(builder.crossings), tuple(lanes), CROSSING_WIDTH, zebra, -1, np.stack(line), marked=zebra
        )
        builder.crossings.append(crossing)
        return crossing

    def _add(self, curve: Curve, width: float, first: Side, last: Side, crossing: int = -1) -> None:
        ends = self._number(first), self._number(last)
        self._builder.walkways.append(Walkway(len(self._builder.walkways), curve, width, ends, crossing))

    def _number(self, side: Side) -> int:
        return self._numbers.setdefault(self._same.get(side, side), len(self._numbers))
