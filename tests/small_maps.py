"""Small networks, made by hand: a crossroads of four roads, or three."""

import math

import numpy as np

from camshaft.envs.driving.network.builder import NetworkBuilder
from camshaft.envs.driving.network.curves import Pose, straight
from camshaft.envs.driving.network.junctions import add_junction, reach
from camshaft.envs.driving.network.network import Arm
from camshaft.envs.driving.network.roundabouts import add_roundabout, roundabout_reach
from camshaft.envs.driving.network.town import half_width

ARM = 60.0  # metres of each road of a crossroads
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
