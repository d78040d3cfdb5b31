"""Layout of town streets: lights, signs, lamps, buildings, gardens, trees and parked cars."""

from __future__ import annotations

import math

import numpy as np

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving.assets import PAINTS
from camshaft.envs.driving.dynamics.collisions import box_corners
from camshaft.envs.driving.road_network.elements import Arm, Crossing, Junction, Network, Road
from camshaft.envs.driving.streets.free_space import FreeSpace
from camshaft.envs.driving.streets.layout import Layout, LayoutBuilder
from camshaft.envs.driving.streets.planting import TREES, plant, plant_woods
from camshaft.envs.driving.streets.street_mesh import CURB_HEIGHT

MARGIN = 130.0  # meters of land around the network
BACK = 0.35  # meters between the sidewalk and posts
LAMP_SPACING = 32.0  # meters
CURB_TO_SIGN = 3.0  # meters between a street's sign and its end
TREES_OUTSIDE, TREES_INSIDE = 150, 90  # number of positions tried
# Sampling weights of the kinds of buildings: in the center of a town, around it, and at its edge; None is a gap.
DISTRICTS: tuple[tuple[tuple[str | None, float], ...], ...] = (
    (("apartment_block", 0.34), ("office", 0.22), ("shop", 0.34), ("church", 0.04), (None, 0.06)),
    (
        ("terraced_house", 0.42),
        ("apartment_block", 0.2),
        ("shop", 0.16),
        ("house", 0.1),
        ("church", 0.02),
        (None, 0.1),
    ),
    (("house", 0.55), ("terraced_house", 0.16), ("warehouse", 0.06), ("garage", 0.07), (None, 0.16)),
)
SETBACKS = ((0.9, 1.6), (1.0, 3.5), (4.0, 8.0))  # meters behind the sidewalk, by district
GAPS = ((0.0, 0.6), (0.3, 3.0), (4.0, 9.0))  # meters between buildings, by district


def lay_out_town(network: Network, seed: int) -> Layout:
    """Lay out the objects of a town; even variants if its seed is even."""
    return _TownLayout(network, seed).build()


class _TownLayout:
    def __init__(self, network: Network, seed: int) -> None:
        self._network = network
        self._rng = np.random.default_rng([seed, 11])
        self._builder = LayoutBuilder("town", FreeSpace.around(network, MARGIN), seed % 2, self._rng)
        low, high = network.bounds
        self._middle, self._reach = 0.5 * (low + high), 0.5 * float(np.min(high - low))

    def build(self) -> Layout:
        for junction in self._network.junctions:
            for arm in junction.arms:
                self._add_controls(junction, arm)
        for crossing in self._network.crossings:
            self._add_crossing(crossing)
        for road in self._network.roads:
            self._add_lamps(road)
        for road in self._network.roads:
            for side in (1.0, -1.0):
                self._add_buildings(road, side)
        for road in self._network.roads:
            for side in (1.0, -1.0):
                self._add_furniture(road, side)
        self._add_trees()
        return self._builder.build()

    def _beside(self, road: Road, along: float, side: float, beyond: float) -> tuple[FloatArray, float]:
        """Position at given meters outside the paving, left (1) or right (−1), and the road's heading."""
        pose = self._network.beside_paving(road, along, side, beyond)
        return pose.point, pose.heading

    def _behind(self, road: Road, side: float) -> float:
        """Meters from the paving to posts."""
        return road.sidewalks[0 if side > 0.0 else 1] + BACK

    def _add_controls(self, junction: Junction, arm: Arm) -> None:
        """Add lights or the sign of a road into a junction."""
        road = self._network.roads[arm.road]
        incoming = [self._network.lanes[lane] for lane in self._network.incoming(arm)]
        if not incoming:
            return
        side = -1.0 if arm.at_end else 1.0
        ways = [self._network.lanes[way] for lane in incoming for way in lane.successors]
        along = road.curve.length if arm.at_end else 0.0
        inwards = -1.0 if arm.at_end else 1.0
        groups = sorted({way.signal for way in ways if way.signal >= 0})
        if groups:
            point, heading = self._beside(road, along, side, 0.55)
            turned = heading if arm.at_end else heading + math.pi
            self._builder.put_light(point, CURB_HEIGHT, turned, groups[0])
            return
        name = self._sign_of(junction, arm)
        if name is None:
            return
        point, heading = self._beside(road, along + inwards * CURB_TO_SIGN, side, 0.5)
        turned = heading if arm.at_end else heading + math.pi
        self._builder.put(name, self._builder.choose(name), point, turned, CURB_HEIGHT)

    def _sign_of(self, junction: Junction, arm: Arm) -> str | None:
        if junction.kind == "right_before_left":
            return None
        if junction.kind == "roundabout":
            return "sign_roundabout"
        ways = [self._network.lanes[way] for lane in self._network.incoming(arm) for way in self._ways(lane)]
        if all(way.control == 0 for way in ways):
            return "sign_priority_road"
        return "sign_stop" if junction.kind == "stop" else "sign_yield"

    def _ways(self, lane: int) -> list[int]:
        return self._network.lanes[lane].successors

    def _add_crossing(self, crossing: Crossing) -> None:
        """Add pedestrian lights, or signs for drivers."""
        if not crossing.marked:
            return
        start, end = crossing.line
        across = (end - start) / np.linalg.norm(end - start)
        heading = math.atan2(across[1], across[0])
        along = np.array([across[1], -across[0]]) * (0.5 * crossing.width + 0.3)
        if crossing.signal >= 0:
            self._builder.put_light(end + 0.5 * across + along, CURB_HEIGHT, heading, crossing.signal, True)
            back = start - 0.5 * across - along
            self._builder.put_light(back, CURB_HEIGHT, heading + math.pi, crossing.signal, True)
        elif crossing.zebra:
            for point, sign in ((start - 0.5 * across, 1.0), (end + 0.5 * across, -1.0)):
                variant = self._builder.choose("sign_pedestrian_crossing")
                # Faces the traffic on its side of the road.
                turned = heading + sign * 0.5 * math.pi
                place = point - sign * np.array([-across[1], across[0]]) * (0.5 * crossing.width + 0.4)
                self._builder.put("sign_pedestrian_crossing", variant, place, turned, CURB_HEIGHT)

    def _add_lamps(self, road: Road) -> None:
        side = 1.0 if self._rng.random() < 0.5 else -1.0
        alternate = road.edges[0, 0] - road.edges[1, 0] > 9.0
        for along in np.arange(6.0, road.curve.length - 5.0, LAMP_SPACING / (2.0 if alternate else 1.0)):
            point, heading = self._beside(road, float(along), side, self._behind(road, side))
            toward = heading if side < 0.0 else heading + math.pi
            outwards = heading + side * 0.5 * math.pi
            beyond = point + 0.8 * np.array([math.cos(outwards), math.sin(outwards)])
            if self._builder.space.is_free(
                box_corners(float(beyond[0]), float(beyond[1]), outwards, 0.3, 0.3)
            ):
                self._builder.put("street_lamp", self._builder.choose("street_lamp"), point, toward, 0.0)
            side = -side if alternate else side

    def _district(self, point: FloatArray) -> int:
        away = float(np.linalg.norm(point - self._middle)) / self._reach
        return int(away + self._rng.uniform(-0.15, 0.15) > 0.45) + int(
            away + self._rng.uniform(-0.15, 0.15) > 0.95
        )

    def _add_buildings(self, road: Road, side: float) -> None:
        along = 2.0
        while along < road.curve.length - 2.0:
            point, _ = self._beside(road, along, side, 0.0)
            district = self._district(point)
            names, odds = zip(*DISTRICTS[district], strict=True)
            name = names[int(self._rng.choice(len(names), p=np.array(odds) / sum(odds)))]
            if name is None:
                along += self._add_green(road, along, side)
                continue
            count = int(self._rng.integers(2, 6)) if name == "terraced_house" else 1
            setback = float(self._rng.uniform(*SETBACKS[district]))
            taken = self._add_row(road, along, side, name, count, setback)
            along += taken + float(self._rng.uniform(*GAPS[district])) if taken > 0.0 else 4.0

    def _add_row(self, road: Road, along: float, side: float, name: str, count: int, setback: float) -> float:
        """Add adjoining buildings; returns their length along the street (meters), 0 if the first does not fit."""
        variant, first = self._builder.choose(name), along
        for _ in range(count):
            depth, width = self._builder.footprint(name, variant)
            if name == "house":
                depth, width = width, depth
            behind = self._behind(road, side) - BACK + setback + 0.5 * depth
            place = along + 0.5 * width
            if place + 0.5 * width > road.curve.length:
                break
            point, heading = self._beside(road, place, side, behind)
            outwards = heading + side * 0.5 * math.pi
            turned = outwards + 0.5 * math.pi * (name == "house")
            tint = self._builder.tint(0.06)
            if not self._builder.put_if_free(name, variant, point, turned, 0.05, tint=tint):
                break
            if name in ("house", "terraced_house") and setback > 2.5:
                self._add_garden(road, place, side, width, setback)
            along += width
            if name == "terraced_house" and self._rng.random() < 0.3:
                variant = self._builder.choose(name)
        return along - first

    def _add_garden(self, road: Road, along: float, side: float, width: float, setback: float) -> None:
        """Add a hedge or fence toward the street with a gap, and plants."""
        barrier = "hedge" if self._rng.random() < 0.6 else "wooden_fence"
        variant, behind = self._builder.choose(barrier), self._behind(road, side) + 0.5
        reach = 0.5 * (width + 4.0)
        for shift in np.arange(-reach + 2.0, reach - 1.0, 4.0):
            if abs(shift) > 2.4:
                point, heading = self._beside(road, along + float(shift), side, behind)
                self._builder.put_if_free(barrier, variant, point, heading, -0.1)
        if setback > 4.5 and self._rng.random() < 0.7:
            name = str(self._rng.choice(["bush", "broadleaf", "conifer"]))
            point, heading = self._beside(
                road, along + float(self._rng.uniform(-reach, reach)), side, behind + 0.5 * setback
            )
            scale = float(self._rng.uniform(0.5, 0.8))
            plant(self._builder, name, point, scale)

    def _add_green(self, road: Road, along: float, side: float) -> float:
        """Add a gap with trees, a bench or parked cars; returns its length along the street (meters)."""
        length = float(self._rng.uniform(10.0, 20.0))
        behind = self._behind(road, side)
        if self._rng.random() < 0.45:
            for shift in np.arange(1.5, length, 2.9):
                if self._rng.random() < 0.7:
                    point, heading = self._beside(road, along + float(shift), side, behind + 3.4)
                    self._park(point, heading + side * 0.5 * math.pi)
            return length
        for _ in range(5):
            shift, depth = self._rng.uniform(0.0, length), self._rng.uniform(2.5, 16.0)
            point, _ = self._beside(road, along + shift, side, behind + depth)
            plant(self._builder, str(self._rng.choice(["broadleaf", "conifer", "bush"])), point)
        return length

    def _park(self, point: FloatArray, heading: float) -> None:
        name = str(self._rng.choice(["sedan", "hatchback", "suv", "van"], p=[0.35, 0.4, 0.2, 0.05]))
        turned = heading + math.pi * float(self._rng.random() < 0.4) + self._rng.normal(0.0, 0.02)
        paints = PAINTS[self._builder.choose("sedan") :: 2]
        paint = paints[int(self._rng.integers(len(paints)))]
        self._builder.put_if_free(name, self._builder.choose(name), point, turned, 0.15, 0.0, tint=paint)

    def _add_furniture(self, road: Road, side: float) -> None:
        """Add trees, bins, benches, columns, shelters and street names behind the sidewalk."""
        behind = self._behind(road, side)
        for along in np.arange(9.0, road.curve.length - 8.0, 13.0):
            point, heading = self._beside(
                road, float(along + self._rng.uniform(-3.0, 3.0)), side, behind + 0.9
            )
            outwards, drawn = heading + side * 0.5 * math.pi, self._rng.random()
            if drawn < 0.35:
                plant(
                    self._builder,
                    "broadleaf",
                    point + 1.6 * np.array([math.cos(outwards), math.sin(outwards)]),
                    0.7,
                )
                continue
            for name, share in (
                ("waste_bin", 0.45),
                ("bench", 0.55),
                ("advertising_column", 0.6),
                ("planter", 0.7),
                ("bus_shelter", 0.76),
                ("bush", 0.9),
            ):
                if drawn < share:
                    self._builder.put_if_free(name, self._builder.choose(name), point, outwards, 0.05, 0.0)
                    break
        if side > 0.0 and self._rng.random() < 0.5 and road.curve.length > 20.0:
            point, heading = self._beside(road, 4.0, side, behind)
            variant = self._builder.choose("street_name")
            self._builder.put_if_free("street_name", variant, point, heading + 0.5 * math.pi, 0.0, 0.0)

    def _add_trees(self) -> None:
        """Add woods around the town, and trees behind its houses."""
        low, high = self._network.bounds
        plant_woods(self._builder, low, high, TREES_INSIDE, 10, 12.0, 0.2)
        space = self._builder.space
        for _ in range(TREES_OUTSIDE):
            point = self._rng.uniform(space.low + 4.0, space.high - 4.0)
            if np.maximum(low - point, point - high).max() > 8.0:
                plant(self._builder, str(self._rng.choice(TREES)), point, float(self._rng.uniform(0.9, 1.6)))
