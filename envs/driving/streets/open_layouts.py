"""What stands along motorways and race tracks."""

from __future__ import annotations

import math

import numpy as np

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving.road_network.curves import Curve
from camshaft.envs.driving.road_network.network import Network, Road
from camshaft.envs.driving.streets.fixtures import BRAKE_METERS
from camshaft.envs.driving.streets.free_space import FreeSpace
from camshaft.envs.driving.streets.layout import Layout, LayoutBuilder
from camshaft.envs.driving.streets.planting import plant, plant_woods

MARGIN = 140.0  # meters of land around a network
POSTS = 50.0  # meters between the posts of a motorway
BOARD = 90.0  # meters before an exit
ROAD_TREES = 0.13  # trees a meter of motorway that are tried
TRACK_TREES = 260
TIGHT = 1.0 / 45.0  # 1/m: bends of a race track that are tighter have tire walls outside
SLOW = 1.0 / 35.0  # 1/m: tighter ones have boards that say how far they are
RUNOFF = 5.2  # meters from the edge of a race track to its barriers


def lay_out_motorway(network: Network, seed: int) -> Layout:
    """What stands along a motorway; models of even variants if its seed is even."""
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
    for _ in range(int(ROAD_TREES * length)):
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
    """A place so many meters outside the paving of a road, left (1) or right (−1), and the road's heading there."""
    pose = network.beside_paving(road, along, side, beyond)
    return pose.point, pose.heading


def _add_posts(builder: LayoutBuilder, network: Network, road: Road) -> None:
    for along in np.arange(0.5 * POSTS, road.curve.length, POSTS):
        point, heading = _beside(network, road, float(along), -1.0, 0.9)
        builder.put_if_free("delineator", builder.choose("delineator"), point, heading, 0.0)


def _add_signs(builder: LayoutBuilder, network: Network, road: Road) -> None:
    """A board where a lane leaves, and now and then a sign."""
    outermost = network.lanes[road.forward[-1]]
    after = [network.lanes[lane].road for lane in outermost.successors]
    if after and all(len(network.roads[number].forward) == 1 for number in after):
        along = max(road.curve.length - BOARD, 8.0)
        point, heading = _beside(network, road, along, -1.0, 3.6)
        builder.put_if_free("exit_board", builder.choose("exit_board"), point, heading, 0.1)
    elif road.curve.length > 120.0 and builder.rng.random() < 0.6:
        name = str(builder.rng.choice(["sign_speed_limit_120", "sign_motorway", "sign_end_of_limits"]))
        point, heading = _beside(network, road, 0.4 * road.curve.length, -1.0, 1.5)
        builder.put_if_free(name, builder.choose(name), point, heading, 0.0, scale=1.25)


def lay_out_circuit(network: Network, seed: int) -> Layout:
    """What stands along a race track; models of even variants if its seed is even."""
    return _CircuitLayout(network, seed).build()


class _CircuitLayout:
    def __init__(self, network: Network, seed: int) -> None:
        (road,) = network.roads
        self._curve: Curve = road.curve
        left, right = network.paving(road, np.zeros(1))
        self._edges = float(left[0]), float(right[0])
        self._rng = np.random.default_rng([seed, 13])
        self._builder = LayoutBuilder("circuit", FreeSpace.around(network, MARGIN), seed % 2, self._rng)

    def build(self) -> Layout:
        builder = self._builder
        point, heading = self._curve.at(4.0)
        middle = 0.5 * sum(self._edges)
        normal = np.array([-math.sin(float(heading)), math.cos(float(heading))])
        gantry = builder.choose("start_gantry")
        builder.put("start_gantry", gantry, point + middle * normal, float(heading), 0.0, take=None)
        for along in (-26.0, 0.0, 26.0):
            place, forwards = self._beside(along, -1.0, RUNOFF + 9.0)
            outwards = forwards - 0.5 * math.pi
            builder.put_if_free("grandstand", builder.choose("grandstand"), place, outwards, 0.0, 0.0)
        self._add_barriers()
        self._add_boards()
        space = builder.space
        plant_woods(builder, space.low + 4.0, space.high - 4.0, TRACK_TREES, 14, 22.0, 12.0)
        for _ in range(70):
            along = float(self._rng.uniform(0.0, self._curve.length))
            side = 1.0 if self._rng.random() < 0.5 else -1.0
            plant(
                builder, "bush", self._beside(along, side, float(self._rng.uniform(9.0, 22.0)))[0], None, 5.0
            )
        return builder.build()

    def _beside(self, along: float, side: float, beyond: float) -> tuple[FloatArray, float]:
        """A place so many meters outside the track, left (1) or right (−1), and the track's heading there."""
        distance = along % self._curve.length
        edge = self._edges[0] if side > 0.0 else self._edges[1]
        pose = self._curve.pose_at(distance).moved(0.0, edge + side * beyond)
        return pose.point, pose.heading

    def _curvature(self, along: float) -> float:
        number = round((along % self._curve.length) / self._curve.spacing)
        return float(self._curve.curvature[min(number, len(self._curve.curvature) - 1)])

    def _add_barriers(self) -> None:
        """Tire walls outside tight bends, sponsors' boards elsewhere."""
        builder, tires, step = self._builder, self._builder.choose("tire_wall"), 3.4
        for along in np.arange(0.0, self._curve.length, step):
            curvature = self._curvature(float(along))
            for side in (1.0, -1.0):
                outside = -side * curvature
                if outside > TIGHT:
                    point, heading = self._beside(float(along), side, RUNOFF)
                    builder.put_if_free("tire_wall", tires, point, heading, -0.35, 0.0)
        for along in np.arange(40.0, self._curve.length - 30.0, 4.0):
            for side, phase in ((1.0, 0.0), (-1.0, 2.0)):
                if abs(self._curvature(float(along))) < 0.25 * TIGHT and math.sin(0.03 * along + phase) > 0.3:
                    point, heading = self._beside(float(along), side, RUNOFF + 0.6)
                    outwards = heading + side * 0.5 * math.pi
                    variant = builder.choose("advert_board")
                    builder.put_if_free("advert_board", variant, point, outwards, -0.1, 0.0)

    def _add_boards(self) -> None:
        """Boards before slow bends that say how far they are."""
        slow = np.abs(self._curve.curvature[:-1]) > SLOW
        starts = np.flatnonzero(slow & ~np.roll(slow, 1)) * self._curve.spacing
        for start in starts.tolist():
            for number, meters in enumerate(BRAKE_METERS[:3]):
                along = start - meters
                if abs(self._curvature(along)) > SLOW:
                    break
                side = -1.0 if self._curvature(start + 4.0) > 0.0 else 1.0
                point, heading = self._beside(along, side, 2.2)
                variant = self._builder.choose("brake_board", [2 * number, 2 * number + 1])
                self._builder.put_if_free("brake_board", variant, point, heading, 0.0, 0.0)
