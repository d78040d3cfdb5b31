"""Roundabouts: one lane around an island; entering traffic yields to it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving.road_network.builder import NetworkBuilder
from camshaft.envs.driving.road_network.conflicts import find_conflicts
from camshaft.envs.driving.road_network.curves import Curve, Pose, arc, chain, join
from camshaft.envs.driving.road_network.elements import FOLLOW, FREE, RIGHT, YIELD, Arm, Junction, Lane
from camshaft.envs.driving.road_network.junctions import CROSSING_GAP, CROSSING_WIDTH, STOP_LINE, add_crossing

RADIUS = 13.0  # meters, radius of the center line of the circular lane
RING_WIDTH = 5.0  # meters
RING_SPEED = 7.0  # m/s
RING_EDGE = 0.6  # meters of paving outside the circular lane
ROUNDING = 0.26  # rad of the ring over which its edge joins an arm's edge
PART = 6.5  # meters along the ring between an arm's axis and its entry or exit


def roundabout_reach(half_widths: Sequence[float]) -> float:
    """Meters from the center of a roundabout to the ends of its roads."""
    return RADIUS + 0.5 * RING_WIDTH + 5.5 + max(half_widths) - 3.5


def add_roundabout(builder: NetworkBuilder, arms: Sequence[Arm], center: FloatArray) -> Junction:
    """Connect roads in a roundabout.

    Args:
        builder: builder to add it to.
        arms: the roads that meet, counter-clockwise, each pointing at the center.
        center: (2,) meters.
    """
    index = len(builder.junctions)
    angles = [_angle(builder.mouth(arm), center) for arm in arms]
    ring, passes = _ring(builder, index, angles, center)
    entries: list[Lane] = []
    gap = CROSSING_GAP + CROSSING_WIDTH + STOP_LINE
    for number, arm in enumerate(arms):
        for lane in builder.incoming(arm):
            builder.lanes[lane].stop_gap = gap
            into = _lane_between(
                builder,
                builder.lanes[lane].curve.end,
                _on_ring(center, angles[number] + PART / RADIUS),
                index,
            )
            into.control, into.turn = YIELD, FOLLOW
            builder.link(lane, into.index)
            builder.link(into.index, ring[number].index)
            entries.append(into)
        for lane in builder.outgoing(arm):
            out = _lane_between(
                builder,
                _on_ring(center, angles[number] - PART / RADIUS),
                builder.lanes[lane].curve.start,
                index,
            )
            out.turn = RIGHT
            builder.link(ring[number - 1].index, out.index)
            builder.link(out.index, lane)
    builder.conflicts += find_conflicts([*entries, *passes], lambda one, _: one.control == YIELD)
    outline, corners = _outline(builder, arms, center)
    junction = Junction(index, "roundabout", center, tuple(arms), outline, corners, RADIUS - 0.5 * RING_WIDTH)
    builder.junctions.append(junction)
    for arm in arms:
        add_crossing(builder, arm, -1)
    return junction


def _ring(
    builder: NetworkBuilder, junction: int, angles: Sequence[float], center: FloatArray
) -> tuple[list[Lane], list[Lane]]:
    """Add lanes from the entry of each arm to the exit of the next, and lanes that pass each arm."""
    part = PART / RADIUS
    between, past = [], []
    for number, angle in enumerate(angles):
        after = angles[(number + 1) % len(angles)]
        turn = (after - angle) % (2.0 * math.pi) - 2.0 * part
        curve = arc(_on_ring(center, angle + part), RADIUS * turn, 1.0 / RADIUS)
        between.append(builder.add_lane(curve, RING_WIDTH, RING_SPEED, junction=junction, turn=FOLLOW))
    for number, angle in enumerate(angles):
        curve = arc(_on_ring(center, angle - part), 2.0 * PART, 1.0 / RADIUS)
        lane = builder.add_lane(curve, RING_WIDTH, RING_SPEED, junction=junction, turn=FOLLOW, control=FREE)
        builder.link(between[number - 1].index, lane.index)
        builder.link(lane.index, between[number].index)
        past.append(lane)
    return between, past


def _lane_between(builder: NetworkBuilder, start: Pose, end: Pose, junction: int) -> Lane:
    return builder.add_lane(join(start, end), 4.0, RING_SPEED, junction=junction)


def _angle(mouth: Pose, center: FloatArray) -> float:
    return math.atan2(mouth.y - center[1], mouth.x - center[0])


def _on_ring(center: FloatArray, angle: float) -> Pose:
    """A pose on the ring, heading counter-clockwise."""
    return Pose(
        center[0] + RADIUS * math.cos(angle), center[1] + RADIUS * math.sin(angle), angle + 0.5 * math.pi
    )


def _outline(
    builder: NetworkBuilder, arms: Sequence[Arm], center: FloatArray
) -> tuple[FloatArray, tuple[Curve, ...]]:
    """Curbs between the arms: in, along the outside of the ring, and out again."""
    corners = []
    for number, arm in enumerate(arms):
        here = builder.edge(arm, left=True)
        there = builder.edge(arms[(number + 1) % len(arms)], left=False)
        corners.append(around_the_ring(center, here.reversed(), there))
    return np.concatenate([corner.points for corner in corners]), tuple(corners)


def around_the_ring(center: FloatArray, inward: Pose, outward: Pose, aside: float = 0.0) -> Curve:
    """Curve from one arm to the next: in, along the outside of the ring, and out again.

    Args:
        center: (2,) meters, center of the roundabout.
        inward: pose of its beginning, facing the ring.
        outward: pose of its end, facing away.
        aside: meters of distance from the edge of the ring's paving.
    """
    outer = RADIUS + 0.5 * RING_WIDTH + RING_EDGE + aside
    first = math.atan2(inward.y - center[1], inward.x - center[0]) + ROUNDING
    last = math.atan2(outward.y - center[1], outward.x - center[0]) - ROUNDING
    sweep = (last - first) % (2.0 * math.pi)
    if sweep > math.pi * 1.7 or sweep < 0.05:
        return join(inward, outward)
    start = Pose(
        center[0] + outer * math.cos(first), center[1] + outer * math.sin(first), first + 0.5 * math.pi
    )
    around = arc(start, outer * sweep, 1.0 / outer)
    return chain([join(inward, start), around, join(around.end, outward)])
