"""Small hand-made networks: crossroads of four or three roads."""

import math

import numpy as np
import pytest

from camshaft.envs.driving.road_network.builder import NetworkBuilder
from camshaft.envs.driving.road_network.curves import Pose, straight
from camshaft.envs.driving.road_network.elements import Arm
from camshaft.envs.driving.road_network.junctions import add_junction, reach
from camshaft.envs.driving.road_network.roundabouts import add_roundabout, roundabout_reach
from camshaft.envs.driving.road_network.town import half_width

ARM = 60.0  # meters, length of each road of a crossroads
EAST, NORTH, WEST, SOUTH = range(4)


def crossroads(kind, directions=(EAST, NORTH, WEST, SOUTH), lanes=1, major=None, sidewalks=(0.0, 0.0)):
    """Roads that leave a junction in the middle; road number i leads in the i-th direction."""
    builder = NetworkBuilder("crossroads")
    angles = [0.5 * math.pi * direction for direction in directions]
    widths = [half_width(lanes == 2)] * len(angles)
    away = roundabout_reach(widths) if kind == "roundabout" else reach(widths, angles)
    arms = [
        Arm(
            builder.add_road(
                straight(Pose(0.0, 0.0, angle).moved(away), ARM),
                lanes,
                lanes,
                speed_limit=10.0,
                sidewalks=sidewalks,
            ).index,
            False,
        )
        for angle in angles
    ]
    if kind == "roundabout":
        add_roundabout(builder, arms, np.zeros(2))
    else:
        add_junction(builder, arms, kind, major=major)
    return builder.build()


def way_in(network, direction, number=0):
    return network.roads[direction].backward[number]


def way_out(network, direction, number=0):
    return network.roads[direction].forward[number]


def through_lane(network, start, goal):
    """The lane from one direction to another."""
    lane = network.lanes[way_in(network, start)]
    found = [after for after in lane.successors if way_out(network, goal) in network.lanes[after].successors]
    assert len(found) == 1
    return network.lanes[found[0]]


def check_links(network, tolerance=0.05):
    """Each lane begins where its predecessors end, in the same direction; lists of both sides agree."""
    for lane in network.lanes:
        for after in lane.successors:
            there = network.lanes[after]
            assert lane.index in there.predecessors
            assert np.linalg.norm(lane.curve.end.point - there.curve.start.point) < tolerance
            turn = lane.curve.end.heading - there.curve.start.heading
            assert math.cos(turn) > math.cos(0.03)
        for beside, back in ((lane.left, "right"), (lane.right, "left")):
            if beside >= 0:
                other = network.lanes[beside]
                assert getattr(other, back) == lane.index
                side = other.curve.start.point - lane.curve.start.point
                across = lane.curve.start.direction @ np.array([side[1], -side[0]])
                assert (across > 0.0) == (back == "right")
                assert np.linalg.norm(side) == pytest.approx(0.5 * (lane.width + other.width), abs=1e-6)
