"""Objects along motorways: delineators, signs, exit boards, plants and houses."""

from __future__ import annotations

import math

import numpy as np

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving.road_network.elements import Network, Road
from camshaft.envs.driving.streets.free_space import FreeSpace
from camshaft.envs.driving.streets.layout import Layout, LayoutBuilder
from camshaft.envs.driving.streets.planting import plant

MARGIN = 140.0  # meters of land around the road network
POST_SPACING = 50.0  # meters between delineators
BOARD_DISTANCE = 90.0  # meters from an exit board to the exit
TREES_PER_METER = 0.13  # number of positions tried


def lay_out_motorway(network: Network, seed: int) -> Layout:
    """Lay out the objects along a motorway; even variants if its seed is even."""
    rng = np.random.default_rng([seed, 12])
    builder = LayoutBuilder("motorway", FreeSpace.around(network, MARGIN), seed % 2, rng)
    for road in network.roads:
        if len(road.forward) > 1:
            _add_posts(builder, network, road)
            _add_signs(builder, network, road)
    for road in network.roads:
        for along in np.arange(5.0, road.curve.length, 14.0):
            for side in (1.0, -1.0):
                if rng.random() < 0.4:
                    beyond = float(rng.uniform(4.5, 11.0))
                    plant(builder, "bush", _beside(network, road, float(along), side, beyond)[0], None, 1.5)
    low, high = builder.space.low + 5.0, builder.space.high - 5.0
    length = sum(road.curve.length for road in network.roads)
    for _ in range(int(TREES_PER_METER * length)):
        road = network.roads[int(rng.integers(len(network.roads)))]
        side = 1.0 if rng.random() < 0.5 else -1.0
        beyond = 9.0 + float(rng.exponential(22.0))
        along = float(rng.uniform(0.0, road.curve.length))
        name = (
            "broadleaf" if math.sin(0.011 * along + road.index) + rng.uniform(-1.0, 1.0) > 0.0 else "conifer"
        )
        scale = float(rng.uniform(0.8, 1.5))
        plant(builder, name, _beside(network, road, along, side, beyond)[0], scale, 4.0)
    for _ in range(12):
        point = rng.uniform(low, high)
        turn = float(rng.uniform(0.0, 2.0 * math.pi))
        builder.put_if_free("house", builder.choose("house"), point, turn, 24.0, 0.0, 1.0, builder.tint(0.06))
    return builder.build()


def _beside(
    network: Network, road: Road, along: float, side: float, beyond: float
) -> tuple[FloatArray, float]:
    """Position at given meters outside the paving, left (1) or right (−1), and the road's heading."""
    pose = network.beside_paving(road, along, side, beyond)
    return pose.point, pose.heading


def _add_posts(builder: LayoutBuilder, network: Network, road: Road) -> None:
    for along in np.arange(0.5 * POST_SPACING, road.curve.length, POST_SPACING):
        point, heading = _beside(network, road, float(along), -1.0, 0.9)
        builder.put_if_free("delineator", builder.choose("delineator"), point, heading, 0.0)


def _add_signs(builder: LayoutBuilder, network: Network, road: Road) -> None:
    """Add a board where a lane leaves, and occasional signs."""
    outermost = network.lanes[road.forward[-1]]
    after = [network.lanes[lane].road for lane in outermost.successors]
    if after and all(len(network.roads[number].forward) == 1 for number in after):
        along = max(road.curve.length - BOARD_DISTANCE, 8.0)
        point, heading = _beside(network, road, along, -1.0, 3.6)
        builder.put_if_free("exit_board", builder.choose("exit_board"), point, heading, 0.1)
    elif road.curve.length > 120.0 and builder.rng.random() < 0.6:
        name = str(builder.rng.choice(["sign_speed_limit_120", "sign_motorway", "sign_end_of_limits"]))
        point, heading = _beside(network, road, 0.4 * road.curve.length, -1.0, 1.5)
        builder.put_if_free(name, builder.choose(name), point, heading, 0.0, scale=1.25)
