"""Objects along race tracks: start gantry, grandstands, barriers, boards and plants."""

from __future__ import annotations

import math

import numpy as np

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving.road_network.curves import Curve
from camshaft.envs.driving.road_network.elements import Network
from camshaft.envs.driving.streets.fixtures import BRAKE_METERS
from camshaft.envs.driving.streets.free_space import FreeSpace
from camshaft.envs.driving.streets.layout import Layout, LayoutBuilder
from camshaft.envs.driving.streets.planting import plant, plant_woods

MARGIN = 140.0  # meters of land around the track
TREES = 260  # number of positions tried
TIGHT = 1.0 / 45.0  # 1/m, curvature beyond which bends have tire walls on the outside
SLOW = 1.0 / 35.0  # 1/m, curvature beyond which a bend has distance boards
RUNOFF = 5.2  # meters from the edge of the track to its barriers


def lay_out_circuit(network: Network, seed: int) -> Layout:
    """Lay out the objects along a race track; even variants if its seed is even."""
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
        plant_woods(builder, space.low + 4.0, space.high - 4.0, TREES, 14, 22.0, 12.0)
        for _ in range(70):
            along = float(self._rng.uniform(0.0, self._curve.length))
            side = 1.0 if self._rng.random() < 0.5 else -1.0
            plant(
                builder, "bush", self._beside(along, side, float(self._rng.uniform(9.0, 22.0)))[0], None, 5.0
            )
        return builder.build()

    def _beside(self, along: float, side: float, beyond: float) -> tuple[FloatArray, float]:
        """Position at given meters outside the track, left (1) or right (−1), and the track's heading."""
        distance = along % self._curve.length
        edge = self._edges[0] if side > 0.0 else self._edges[1]
        pose = self._curve.pose_at(distance).moved(0.0, edge + side * beyond)
        return pose.point, pose.heading

    def _curvature(self, along: float) -> float:
        number = round((along % self._curve.length) / self._curve.spacing)
        return float(self._curve.curvature[min(number, len(self._curve.curvature) - 1)])

    def _add_barriers(self) -> None:
        """Add tire walls outside tight bends, sponsors' boards elsewhere."""
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
        """Add distance boards before slow bends."""
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
