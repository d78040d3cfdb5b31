"""Mesh of a road network: paving, curbs and sidewalks, markings, crossings, islands and the ground."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving.road_network.curves import Curve
from camshaft.envs.driving.road_network.elements import (
    DASHED,
    LIGHT,
    STOP,
    Crossing,
    Junction,
    Lane,
    Network,
    Road,
)
from camshaft.envs.driving.streets.strips import ChunkedMesh, MeshBuilder, along_uvs, line, stations
from camshaft.envs.rendering import Surface

CURB_HEIGHT, CURB_WIDTH = 0.12, 0.25  # meters
PAINT_HEIGHT = 0.012  # meters above the road, which separates paint from it in the depth buffer
GROUND_HEIGHT = -0.03  # meters
LINE_WIDTH = {"town": 0.14, "rural": 0.2, "motorway": 0.2, "circuit": 0.2}  # meters
DASHES = {"town": (2.0, 3.0), "rural": (4.0, 8.0), "motorway": (5.0, 9.0), "circuit": (3.0, 3.0)}  # line, gap
PIECE = 42.0  # meters of road per chunk
FAR_PIXELS = 16.0  # pixels of radius below which a chunk of road is rendered flat and bare
GROUND_CELL = 70.0  # meters
GROUND_MARGIN = 380.0  # meters of ground around the network
STRIPE = 0.5  # meters, width of a crosswalk stripe and of the gaps
RUMBLE = 0.9  # meters, width of a race track's curb
RUMBLE_CURVATURE = 1.0 / 90.0  # 1/m; tighter bends have a curb
RAIL_HEIGHT = (0.35, 0.75)  # meters


class Kind(IntEnum):
    """Indices of the surfaces of a network, in the order of `StreetAppearance.surfaces`."""

    ASPHALT = 0
    PAVING = 1
    CURB = 2
    PAINT = 3
    GROUND = 4
    GREEN = 5
    RUMBLE = 6
    GRAVEL = 7
    RAIL = 8


ALONG_U = (Kind.CURB, Kind.RUMBLE)  # surfaces whose textures run along u; the others run along v


@dataclass(frozen=True)
class StreetAppearance:
    """Appearance of the surfaces of a road network.

    Attributes:
        surfaces: in the order of `Kind`.
        scales: meters after which the textures of the surfaces repeat.
    """

    surfaces: tuple[Surface, ...]
    scales: tuple[float, ...]


def build_street_mesh(network: Network, appearance: StreetAppearance, ground: bool = True) -> ChunkedMesh:
    """Build the mesh of a road network.

    Args:
        network: the network.
        appearance: appearance of its surfaces.
        ground: whether to add the land around.
    """
    return _StreetMesh(network, appearance).build(ground)


class _StreetMesh:
    def __init__(self, network: Network, appearance: StreetAppearance) -> None:
        self._network, self._appearance = network, appearance
        self._mesh = MeshBuilder(appearance.surfaces)

    def build(self, ground: bool) -> ChunkedMesh:
        for road in self._network.roads:
            count = max(1, round(road.curve.length / PIECE))
            edges = np.linspace(0.0, road.curve.length, count + 1)
            for start, stop in itertools.pairwise(edges):
                self._add_road(road, float(start), float(stop))
                self._mesh.cut()
                self._add_far_road(road, float(start), float(stop))
                self._mesh.cut(stands_in=FAR_PIXELS)
        for junction in self._network.junctions:
            self._add_junction(junction)
            self._mesh.cut()
        for crossing in self._network.crossings:
            self._add_crossing(crossing)
            self._mesh.cut()
        if ground:
            self._add_ground()
        return self._mesh.build()

    def _add_road(self, road: Road, start: float, stop: float) -> None:
        curve, distances = road.curve, stations(road.curve, start, stop)
        left, right = self._network.paving(road, distances)
        scale = self._appearance.scales[Kind.ASPHALT]
        middle = 0.5 * (left + right)
        for one, other in ((left, middle), (middle, right)):
            self._mesh.strip(
                line(curve, distances, one, 0.0),
                line(curve, distances, other, 0.0),
                Kind.ASPHALT,
                (along_uvs(distances, one, scale), along_uvs(distances, other, scale)),
            )
        for side, edge in ((1.0, left), (-1.0, right)):
            width = road.sidewalks[0 if side > 0.0 else 1]
            if width > 0.0:
                self._add_sidewalk(curve, distances, edge, side, width)
            elif road.style == "circuit":
                self._add_verge(road, distances, edge, side)
            elif road.style == "motorway":
                self._add_rail(curve, distances, edge + side * 0.5, side)
        for lateral, kind in road.lines:
            self._add_line(road, lateral, kind, start, stop)
        ending = road.forward if stop >= road.curve.length - 1e-6 else ()
        for lane in ending + (road.backward if start == 0.0 else ()):
            self._add_stop_line(self._network.lanes[lane])

    def _add_far_road(self, road: Road, start: float, stop: float) -> None:
        """Add the coarse level of a chunk of road: flat, without curbs and markings."""
        curve, every = road.curve, stations(road.curve, start, stop)
        distances = every[np.unique(np.r_[0 : len(every) : 2, len(every) - 1])]
        left, right = self._network.paving(road, distances)
        outer = left + max(road.sidewalks[0], 0.0), right - max(road.sidewalks[1], 0.0)
        for one, other, kind in (
            (outer[0], left, Kind.PAVING),
            (left, right, Kind.ASPHALT),
            (right, outer[1], Kind.PAVING),
        ):
            if not np.array_equal(one, other):
                scale = self._appearance.scales[kind]
                self._mesh.strip(
                    line(curve, distances, one, 0.0),
                    line(curve, distances, other, 0.0),
                    kind,
                    (along_uvs(distances, one, scale), along_uvs(distances, other, scale)),
                )
        if road.style == "motorway":
            self._add_rail(curve, distances, left + 0.5, 1.0)
            self._add_rail(curve, distances, right - 0.5, -1.0)

    def _add_sidewalk(
        self, curve: Curve, distances: FloatArray, edge: FloatArray, side: float, width: float
    ) -> None:
        """Add curb stones and sidewalk, left (1) or right (−1) of the paving's edge."""
        foot = line(curve, distances, edge, 0.0)
        rim = line(curve, distances, edge, CURB_HEIGHT)
        inner = edge + side * CURB_WIDTH
        outer = edge + side * width
        top = line(curve, distances, inner, CURB_HEIGHT)
        back = line(curve, distances, outer, CURB_HEIGHT)
        ground = line(curve, distances, outer, GROUND_HEIGHT)
        _, heading = curve.at(distances)
        facing = -side * np.column_stack([-np.sin(heading), np.cos(heading), np.zeros(len(heading))])
        curb, paving = self._appearance.scales[Kind.CURB], self._appearance.scales[Kind.PAVING]
        self._strip_of(side, rim, foot, Kind.CURB, distances, CURB_HEIGHT, 0.0, curb, facing)
        self._strip_of(side, top, rim, Kind.CURB, distances, CURB_WIDTH, 0.0, curb)
        self._strip_of(side, back, top, Kind.PAVING, distances, width, CURB_WIDTH, paving)
        self._strip_of(side, ground, back, Kind.PAVING, distances, width + 0.15, width, paving, -facing)

    def _strip_of(
        self,
        side: float,
        outer: FloatArray,
        inner: FloatArray,
        kind: Kind,
        distances: FloatArray,
        outer_lateral: float,
        inner_lateral: float,
        scale: float,
        normal: FloatArray | None = None,
    ) -> None:
        """Add a strip between an inner and an outer line, on either side of the road."""
        turned = slice(None, None, -1 if kind in ALONG_U else 1)
        outer_uvs, inner_uvs = (
            along_uvs(distances, lateral, scale)[:, turned] for lateral in (outer_lateral, inner_lateral)
        )
        if side > 0.0:
            self._mesh.strip(outer, inner, kind, (outer_uvs, inner_uvs), normal)
        else:
            self._mesh.strip(inner, outer, kind, (inner_uvs, outer_uvs), normal)

    def _add_verge(self, road: Road, distances: FloatArray, edge: FloatArray, side: float) -> None:
        """Add the edge of a race track: a red and white curb on the inside of tight bends, then gravel."""
        curve = road.curve
        indices = np.clip(np.round(distances / curve.spacing).astype(int), 0, len(curve.curvature) - 1)
        tight = side * curve.curvature[indices] > RUMBLE_CURVATURE
        tight |= np.roll(tight, 1) | np.roll(tight, -1)
        scale, gravel = self._appearance.scales[Kind.RUMBLE], self._appearance.scales[Kind.GRAVEL]
        for first in range(len(distances) - 1):
            part, border = distances[first : first + 2], edge[first : first + 2]
            width = RUMBLE if tight[first] and tight[first + 1] else 0.0
            inner, outer = border + side * width, border + side * 3.5
            if width > 0.0:
                self._strip_of(
                    side,
                    line(curve, part, inner, 0.02),
                    line(curve, part, border, 0.0),
                    Kind.RUMBLE,
                    part,
                    RUMBLE,
                    0.0,
                    scale,
                )
            self._strip_of(
                side,
                line(curve, part, outer, GROUND_HEIGHT),
                line(curve, part, inner, 0.0),
                Kind.GRAVEL,
                part,
                3.5,
                width,
                gravel,
            )

    def _add_rail(self, curve: Curve, distances: FloatArray, lateral: FloatArray, side: float) -> None:
        """Add a guard rail."""
        low, high = (line(curve, distances, lateral, height) for height in RAIL_HEIGHT)
        _, heading = curve.at(distances)
        facing = -side * np.column_stack([-np.sin(heading), np.cos(heading), np.zeros(len(heading))])
        scale = self._appearance.scales[Kind.RAIL]
        self._strip_of(side, high, low, Kind.RAIL, distances, RAIL_HEIGHT[1], RAIL_HEIGHT[0], scale, facing)

    def _add_line(self, road: Road, lateral: float, kind: str, start: float, stop: float) -> None:
        half = 0.5 * LINE_WIDTH[road.style]
        if kind != DASHED:
            self._add_paint(road.curve, stations(road.curve, start, stop), lateral - half, lateral + half)
            return
        length, gap = DASHES[road.style]
        first = np.ceil(start / (length + gap)) * (length + gap)
        begins = np.arange(first, stop - 0.5 * length, length + gap)
        if len(begins):
            ends = np.minimum(begins + length, road.curve.length)
            self._add_dashes(road.curve, begins, ends, lateral - half, lateral + half)

    def _add_dashes(
        self, curve: Curve, begins: FloatArray, ends: FloatArray, right: float, left: float
    ) -> None:
        """Add many short pieces of paint at once."""
        distances = np.stack([begins, begins, ends, ends], axis=1).ravel()
        beside = np.tile([left, right, right, left], len(begins))
        corner = 4 * np.arange(len(begins))[:, None]
        faces = np.concatenate([corner + np.array([0, 1, 2]), corner + np.array([0, 2, 3])])
        uvs = along_uvs(distances, beside, self._appearance.scales[Kind.PAINT])
        self._mesh.add(line(curve, distances, beside, PAINT_HEIGHT), faces, Kind.PAINT, uvs)

    def _add_paint(self, curve: Curve, distances: FloatArray, right: float, left: float) -> None:
        scale = self._appearance.scales[Kind.PAINT]
        self._mesh.strip(
            line(curve, distances, left, PAINT_HEIGHT),
            line(curve, distances, right, PAINT_HEIGHT),
            Kind.PAINT,
            (along_uvs(distances, left, scale), along_uvs(distances, right, scale)),
        )

    def _add_junction(self, junction: Junction) -> None:
        self._mesh.polygon(junction.outline, 0.0, Kind.ASPHALT, self._appearance.scales[Kind.ASPHALT])
        for corner, arm in zip(junction.corners, junction.arms, strict=True):
            road = self._network.roads[arm.road]
            width = road.sidewalks[1 if arm.at_end else 0]
            if width > 0.0:
                distances = stations(corner, 0.0, corner.length)
                self._add_sidewalk(corner, distances, np.zeros(len(distances)), -1.0, width)
        if junction.island > 0.0:
            self._add_island(junction)

    def _add_island(self, junction: Junction) -> None:
        angles = np.linspace(0.0, 2.0 * np.pi, 25)
        ring = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        facing = np.column_stack([ring, np.zeros(len(ring))])
        rim = junction.center + junction.island * ring
        inner = junction.center + (junction.island - 1.2) * ring
        distances = junction.island * angles
        foot, top, back = (
            np.column_stack([points, np.full(len(points), height)])
            for points, height in ((rim, 0.0), (rim, CURB_HEIGHT), (inner, CURB_HEIGHT))
        )
        curb = self._appearance.scales[Kind.CURB]
        self._strip_of(1.0, top, foot, Kind.CURB, distances, CURB_HEIGHT, 0.0, curb, facing)
        self._strip_of(1.0, back, top, Kind.CURB, distances, 1.2, 0.0, curb)
        self._mesh.polygon(inner[:-1], CURB_HEIGHT, Kind.GREEN, self._appearance.scales[Kind.GREEN])

    def _add_crossing(self, crossing: Crossing) -> None:
        if not crossing.marked:
            return
        start, end = crossing.line
        length = float(np.linalg.norm(end - start))
        across = (end - start) / length
        ahead = np.array([across[1], -across[0]]) * 0.5 * crossing.width
        if crossing.signal >= 0:
            bars = [(0.2, length - 0.2, shift) for shift in (-1.0, 0.88)]
            for begin, stop, shift in bars:
                near, far = start + begin * across, start + stop * across
                self._add_bar(near, far, shift * ahead, (shift + 0.12) * ahead)
            return
        for begin in np.arange(0.4, length - STRIPE, 2.0 * STRIPE):
            near, far = start + begin * across, start + (begin + STRIPE) * across
            self._add_bar(near, far, -ahead, ahead)

    def _add_bar(self, near: FloatArray, far: FloatArray, back: FloatArray, front: FloatArray) -> None:
        corners = np.array([near + back, far + back, far + front, near + front])
        (ax, ay), (bx, by) = corners[1] - corners[0], corners[2] - corners[0]
        if ax * by < ay * bx:
            corners = corners[::-1]
        self._mesh.quad(corners, PAINT_HEIGHT, Kind.PAINT, corners / self._appearance.scales[Kind.PAINT])

    def _add_stop_line(self, lane: Lane) -> None:
        """Add a stop line at the end of a lane into a junction: solid, or broken for a yield."""
        after = [self._network.lanes[number] for number in lane.successors]
        if lane.road < 0 or not any(way.junction >= 0 and way.control for way in after):
            return
        whole = any(way.control in (LIGHT, STOP) for way in after)
        distance = np.array([lane.length - lane.stop_gap, lane.length - lane.stop_gap + 0.35])
        half = 0.5 * lane.width - 0.1
        if whole:
            self._add_paint(lane.curve, distance, -half, half)
            return
        for right in np.arange(-half, half - 0.2, 0.8):
            self._add_paint(lane.curve, distance, float(right), float(right) + 0.45)

    def _add_ground(self) -> None:
        """Add land below everything: small cells below the network, large ones around."""
        low, high = self._network.bounds
        inner = [
            np.arange(low[axis] - GROUND_CELL, high[axis] + 2.0 * GROUND_CELL, GROUND_CELL) for axis in (0, 1)
        ]
        edges = [
            np.concatenate(
                [
                    [axis[0] - GROUND_MARGIN, axis[0] - 0.5 * GROUND_MARGIN],
                    axis,
                    [axis[-1] + 0.5 * GROUND_MARGIN, axis[-1] + GROUND_MARGIN],
                ]
            )
            for axis in inner
        ]
        scale = self._appearance.scales[Kind.GROUND]
        for left, right in zip(edges[0][:-1], edges[0][1:], strict=True):
            for below, above in zip(edges[1][:-1], edges[1][1:], strict=True):
                corners = np.array([[left, below], [right, below], [right, above], [left, above]])
                self._mesh.quad(corners, GROUND_HEIGHT, Kind.GROUND, corners / scale)
                self._mesh.cut()
