"""Import of OpenDRIVE maps (.xodr): roads, lanes, markings, links, junctions, speed limits, lights and signs.

Roads are flattened; unsupported parts of a file are omitted and named in one warning.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving.road_network.arrays import MOST_SUCCESSORS
from camshaft.envs.driving.road_network.builder import NetworkBuilder, wrapped
from camshaft.envs.driving.road_network.checks import find_overlaps
from camshaft.envs.driving.road_network.elements import DASHED, NONE, SOLID, Arm, Lane, Network, Road
from camshaft.envs.driving.road_network.footpaths import add_footpaths
from camshaft.envs.driving.road_network.opendrive.geometry import beside, borders, end_of, stations
from camshaft.envs.driving.road_network.opendrive.junctions import add_junctions
from camshaft.envs.driving.road_network.opendrive.parser import UNLIMITED, parse_opendrive
from camshaft.envs.driving.road_network.opendrive.records import OpenDriveFile, RoadRecord, Section

DRIVING = ("driving", "entry", "exit", "onRamp", "offRamp", "connectingRamp", "slipLane")
PAVED = (
    "shoulder",
    "border",
    "stop",
    "parking",
    "biking",
    "restricted",
    "bus",
    "taxi",
    "HOV",
    "bidirectional",
)
WALKED = ("sidewalk", "walking")
BESIDE = ("curb", "none")  # lanes that may lie between paving and sidewalk
LEAST_WIDTH = 2.0  # meters, smallest width of a drivable lane
SHORTEST = 3.0  # meters, shortest part of a road cut where a lane becomes wide enough
EDGE = 0.1  # meters of paving beyond the outermost lane
PIECE = 5.0  # meters, shortest piece of a road where lines converge
STEP_ASIDE, BULGE = (
    0.4,
    0.1,
)  # meters by which a line may jump between pieces, and an edge may bend within one
GAP = 1.0  # meters, largest gap between pieces of a reference line
FAR = 5000.0  # meters from the origin beyond which a map is translated
STYLES = {"motorway": "motorway", "highway": "motorway", "rural": "rural"}
LIMITS = {
    "motorway": UNLIMITED,
    "rural": 100.0 / 3.6,
    "town": 50.0 / 3.6,
}  # m/s, defaults where a file gives none
LINES = {
    "none": (),
    "solid": (SOLID,),
    "broken": (DASHED,),
    "botts dots": (DASHED,),
    "solid solid": (SOLID, SOLID),
    "solid broken": (SOLID, DASHED),
    "broken solid": (DASHED, SOLID),
    "broken broken": (DASHED, DASHED),
    "curb": (),
    "edge": (),
}
APART = 0.12  # meters from the middle of a double line to each of its lines


class OpenDriveWarning(UserWarning):
    """An OpenDRIVE file has unsupported parts, which are omitted."""


def read_opendrive(path: str | Path) -> Network:
    """Read the road network of an OpenDRIVE file.

    Supported: reference lines of lines, arcs, spirals, cubic and parametric cubic polynomials; lane offsets, sections,
    widths and borders; types of lanes; road marks; links of roads and lanes; junctions with their connections; speed
    limits of roads and lanes; lights, stop and yield signs; sidewalks; roundabouts as groups of junctions.

    Raises:
        CorruptFile: something in the file is missing, out of range or a dangling reference.
        OSError: the file cannot be read.

    Warns:
        OpenDriveWarning: names the omitted parts: heights, objects, other signs, and so on.
    """
    file = parse_opendrive(Path(path))
    network = _Importer(file).build()
    if file.omitted:
        named = ", ".join(f"{what} ({count})" for what, count in sorted(file.omitted.items()))
        warnings.warn(f"{path}: unsupported parts are omitted: {named}", OpenDriveWarning, stacklevel=2)
    return network


@dataclass(frozen=True, eq=False)
class Part:
    """A part of a road over which its drivable lanes stay the same."""

    start: float
    stop: float
    section: Section
    driven: tuple[int, ...]


class _Importer:
    """Conversion of a file to a network.

    Attributes:
        lanes: by road, part and lane number.
        ends: roads of the network at the start and end of each road of the file.
    """

    def __init__(self, file: OpenDriveFile) -> None:
        self.file = file
        self.builder = NetworkBuilder(file.title)
        self.parts: dict[str, list[Part]] = {}
        self.lanes: dict[tuple[str, int, int], Lane] = {}
        self.ends: dict[str, tuple[int, int]] = {}
        self._joints: list[tuple[Arm, Arm]] = []

    def build(self) -> Network:
        self._move_near()
        for road in self.file.roads.values():
            self._check_line(road)
            self.parts[road.name] = list(self._cut(road))
            if road.junction is None:
                self._add_road(road)
        if not self.lanes:
            raise self.file.error("lanes", f"none is for driving: types accepted are {', '.join(DRIVING)}")
        junctions = {name: number for number, name in enumerate(self.file.junctions)}
        for road in self.file.roads.values():
            if road.junction is not None:
                self._add_way_through(road, junctions[road.junction])
        for road in self.file.roads.values():
            self._link(road)
        add_junctions(self.file, self.builder, self.lanes, self.parts, self.ends)
        self._limit_ways()
        try:
            add_footpaths(self.builder, self._joints)
        except ValueError:  # a bend is too tight for its sidewalk
            self.file.omitted["paths along sidewalks (a bend is too tight)"] += 1
            self.builder.walkways.clear()
        network = self.builder.build()
        self.file.omitted["pairs of lanes that pass over each other (all are level)"] += len(
            find_overlaps(network)
        )
        self.file.omitted = +self.file.omitted  # drop counts of 0
        return network

    def _move_near(self) -> None:
        """Keep coordinates small: images are rendered in single precision."""
        every = np.array([(g.x, g.y) for road in self.file.roads.values() for g in road.geometries])
        middle = np.round(0.5 * (every.min(axis=0) + every.max(axis=0)))
        if np.abs(middle).max() < FAR:
            return
        self.file.omitted[f"the origin: the map is moved by ({-middle[0]:.0f}, {-middle[1]:.0f}) m"] += 1
        for name, road in self.file.roads.items():
            moved = tuple(replace(g, x=g.x - middle[0], y=g.y - middle[1]) for g in road.geometries)
            self.file.roads[name] = replace(road, geometries=moved)

    def _check_line(self, road: RoadRecord) -> None:
        for before, after in itertools.pairwise(road.geometries):
            point, heading = end_of(before)
            gap = math.hypot(after.x - point[0], after.y - point[1])
            turn = abs(wrapped(after.heading - heading))
            if gap > GAP or turn > 0.5:
                raise self.file.error(
                    f"road {road.name}",
                    f"its geometry at s = {after.s:g} must begin where the one before ends, got {gap:.1f} m and "
                    f"{math.degrees(turn):.0f} degrees away",
                )

    def _cut(self, road: RoadRecord) -> Iterator[Part]:
        """Parts in which each drivable lane is wide enough over the whole length."""
        ends = [*(section.start for section in road.sections[1:]), road.length]
        for section, stop in zip(road.sections, ends, strict=True):
            if stop - section.start < 1e-3:
                continue
            s = stations(section.start, stop)
            wide = {number: width >= LEAST_WIDTH for number, width in _widths(road, section, s).items()}
            cuts = [section.start]
            for is_wide in wide.values():
                if road.junction is None:
                    cuts += [float(s[place]) for place in np.flatnonzero(np.diff(is_wide.astype(int))) + 1]
            kept = [cuts[0]]
            for cut in sorted(cuts[1:]):
                if cut - kept[-1] >= SHORTEST and stop - cut >= SHORTEST:
                    kept.append(cut)
            for first, last in itertools.pairwise([*kept, stop]):
                inside = (s >= first - 1e-9) & (s <= last + 1e-9)
                driven = tuple(number for number, is_wide in wide.items() if is_wide[inside].mean() > 0.7)
                yield Part(first, last, section, driven)

    def _add_road(self, road: RoadRecord) -> None:
        """Add the parts of a road, each in one piece or, where lines converge, in several."""
        before: int | None = None
        first = len(self.builder.roads)
        for number, part in enumerate(self.parts[road.name]):
            begin = len(self.builder.roads)
            pieces = _pieces(road, part, part.start, part.stop)
            lanes = self._add_lanes(road, number, part, (begin, begin + len(pieces) - 1))
            for start, stop in pieces:
                self._add_piece(road, part, start, stop, lanes)
                here = len(self.builder.roads) - 1
                if before is not None:
                    self._joints.append((Arm(before, True), Arm(here, False)))
                before = here
        self.ends[road.name] = first, len(self.builder.roads) - 1

    def _add_lanes(
        self, road: RoadRecord, number: int, part: Part, roads: tuple[int, int]
    ) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Add the lanes of a part: forward and backward, innermost first."""
        found = []
        for sign in (-1, 1):
            side = sorted((lane for lane in part.driven if sign * lane > 0), key=abs)
            lanes = [
                self._add_lane(road, number, part, lane, road=roads[1 if sign < 0 else 0]) for lane in side
            ]
            for (inner, one), (outer, other) in itertools.pairwise(zip(side, lanes, strict=True)):
                if abs(outer - inner) == 1:
                    to_outer, to_inner = self._may_change(part, inner)
                    one.right = other.index if to_outer else -1
                    other.left = one.index if to_inner else -1
            found.append(tuple(lane.index for lane in lanes))
        return found[0], found[1]

    def _add_lane(
        self, road: RoadRecord, number: int, part: Part, lane: int, /, **place_in_network: int
    ) -> Lane:
        s = stations(part.start, part.stop)
        edges = borders(part.section, road.offsets, s)
        outer, inner = edges[lane], edges[lane - int(math.copysign(1, lane))]
        curve = beside(road.geometries, s, 0.5 * (outer + inner), backwards=lane > 0)
        record = part.section.lanes[lane]
        limit = record.speed or road.speed or LIMITS[STYLES.get(road.kind, "town")]
        added = self.builder.add_lane(
            curve, float(np.median(np.abs(outer - inner))), limit, **place_in_network
        )
        self.lanes[road.name, number, lane] = added
        return added

    def _may_change(self, part: Part, inner: int) -> tuple[bool, bool]:
        """Whether the line outside a lane may be crossed outward, and inward."""
        lines = LINES.get(_mark(part, inner, 0.5 * (part.start + part.stop)), ())
        return not lines or lines[0] == DASHED, not lines or lines[-1] == DASHED

    def _add_piece(
        self,
        road: RoadRecord,
        part: Part,
        start: float,
        stop: float,
        lanes: tuple[tuple[int, ...], tuple[int, ...]],
    ) -> None:
        s = stations(start, stop)
        edges = borders(part.section, road.offsets, s)
        laterals = {number: border - edges[0] for number, border in edges.items()}
        left, right = (_paved(part.section, sign) for sign in (1, -1))
        paving = np.array(
            [
                [laterals[number][place] + sign * EDGE for place in (0, -1)]
                for number, sign in ((left, 1), (right, -1))
            ]
        )
        sidewalks = tuple(
            _sidewalk(part.section, number, sign, laterals) for number, sign in ((left, 1), (right, -1))
        )
        middle = len(s) // 2
        lines: list[tuple[float, str]] = []
        for number in range(right, left + 1):
            inner = laterals.get(number - int(math.copysign(1, number))) if number else None
            if inner is not None and abs(laterals[number][middle] - inner[middle]) < 0.3:
                continue  # a lane without width here
            kind = _mark(part, number, float(s[middle]))
            if kind not in LINES:
                self.file.omitted[f"road marks of type {kind!r}"] += 1
            lines += _lines(float(laterals[number][middle]), LINES.get(kind, ()), 1 if number > 0 else -1)
        self.builder.roads.append(
            Road(
                len(self.builder.roads),
                beside(road.geometries, s, edges[0], backwards=False),
                lanes[0],
                lanes[1],
                STYLES.get(road.kind, "town"),
                0.0,
                paving,
                (sidewalks[0], sidewalks[1]),
                tuple(lines),
            )
        )

    def _add_way_through(self, road: RoadRecord, junction: int) -> None:
        """Add the lanes of a road within a junction."""
        for number, part in enumerate(self.parts[road.name]):
            for lane in part.driven:
                self._add_lane(road, number, part, lane, junction=junction)

    def _link(self, road: RoadRecord) -> None:
        """Connect lanes to their successors on this road and on those linked to it."""
        parts = self.parts[road.name]
        for number, part in enumerate(parts):
            for lane in part.driven:
                after = number + (1 if lane < 0 else -1)
                if 0 <= after < len(parts):
                    self._link_within(road, number, after, lane)
                else:
                    self._link_beyond(road, number, lane)
        link = road.successor
        if link is not None and link.kind == "road" and road.junction is None:
            other = self.file.roads[link.target]
            if other.junction is None:
                there = Arm(self.ends[other.name][int(link.contact == "end")], link.contact == "end")
                self._joints.append((Arm(self.ends[road.name][1], True), there))

    def _link_within(self, road: RoadRecord, number: int, after: int, lane: int) -> None:
        here, there = self.parts[road.name][number], self.parts[road.name][after]
        target: int | None = lane
        if here.section is not there.section:
            target = self._follower(road, here, lane, there.section, road.name)
        if target is not None and (road.name, after, target) in self.lanes:
            self._lead(road.name, number, lane, (road.name, after, target))

    def _link_beyond(self, road: RoadRecord, number: int, lane: int) -> None:
        link = road.link(at_end=lane < 0)
        if link is None or link.kind == "junction":
            return
        place = 0 if link.contact == "start" else len(self.parts[link.target]) - 1
        section = self.parts[link.target][place].section
        target = self._follower(road, self.parts[road.name][number], lane, section, link.target)
        if target is None:
            return
        if (target < 0) != (link.contact == "start"):
            self.file.omitted["links to lanes that lead the other way"] += 1
        elif (link.target, place, target) in self.lanes:
            self._lead(road.name, number, lane, (link.target, place, target))

    def _follower(self, road: RoadRecord, part: Part, lane: int, section: Section, name: str) -> int | None:
        """The number of the successor of a lane."""
        record = part.section.lanes[lane]
        target = record.successor if lane < 0 else record.predecessor
        if target is not None and target not in section.lanes:
            raise self.file.error(
                f"road {road.name}, lane {lane}",
                f"it is linked to lane {target} of road {name}, which does not exist; existing lanes are "
                f"{', '.join(str(number) for number in sorted(section.lanes) if number)}",
            )
        return target

    def _lead(self, name: str, number: int, lane: int, target: tuple[str, int, int]) -> None:
        one, other = self.lanes[name, number, lane], self.lanes[target]
        gap = float(np.linalg.norm(one.curve.end.point - other.curve.start.point))
        if gap > GAP + 0.5 * abs(one.width - other.width):
            raise self.file.error(
                f"road {name}, lane {lane}",
                f"it is linked to lane {target[2]} of road {target[0]}, which begins {gap:.1f} m away from its end",
            )
        self.builder.link(one.index, other.index)

    def _limit_ways(self) -> None:
        """Limit the successors of each lane to the number that the kernels support."""
        for lane in self.builder.lanes:
            for after in lane.successors[MOST_SUCCESSORS:]:
                self.file.omitted[f"ways on from a lane beyond {MOST_SUCCESSORS}"] += 1
                self.builder.lanes[after].predecessors.remove(lane.index)
            del lane.successors[MOST_SUCCESSORS:]


def _widths(road: RoadRecord, section: Section, s: FloatArray) -> dict[int, FloatArray]:
    """(n,) meters, widths of the drivable lanes."""
    edges = borders(section, road.offsets, s)
    return {
        number: np.abs(edges[number] - edges[number - int(math.copysign(1, number))])
        for number, lane in section.lanes.items()
        if number and lane.kind in DRIVING
    }


def _mark(part: Part, number: int, s: float) -> str:
    """The line outside a lane, or on the center line of the road, at a distance along it."""
    marks = part.section.lanes[number].marks if number in part.section.lanes else ()
    kind = "none"
    for mark in marks:
        if mark.start <= s - part.section.start + 1e-6:
            kind = mark.kind
    return kind


def _lines(lateral: float, kinds: tuple[str, ...], outwards: int) -> list[tuple[float, str]]:
    """A line, or both of a double line: the inner one first; on the center line of the road, the left one."""
    if len(kinds) < 2:
        return [(lateral, kind) for kind in kinds if kind != NONE]
    return [(lateral - outwards * APART, kinds[0]), (lateral + outwards * APART, kinds[1])]


def _paved(section: Section, sign: int) -> int:
    """The outermost paved lane on one side; 0 for none."""
    found = [
        number
        for number, lane in section.lanes.items()
        if number * sign > 0 and lane.kind in (*DRIVING, *PAVED)
    ]
    return max(found, key=abs, default=0)


def _sidewalk(section: Section, outermost: int, sign: int, laterals: dict[int, FloatArray]) -> float:
    """Width (meters) of the sidewalk outside the paving, including a curb; 0 for none."""
    number, width = outermost + sign, 0.0
    while number in section.lanes and section.lanes[number].kind in (*WALKED, *BESIDE):
        own = float(np.median(np.abs(laterals[number] - laterals[number - sign])))
        if section.lanes[number].kind in WALKED:
            return round(width + own, 3) if own > 0.8 else 0.0
        width += own
        number += sign
    return 0.0


def _pieces(road: RoadRecord, part: Part, start: float, stop: float) -> list[tuple[float, float]]:
    """Distances at which to cut a part, so that lines barely jump and edges are nearly straight."""
    s = stations(start, stop)
    edges = borders(part.section, road.offsets, s)
    share = (s - s[0]) / (s[-1] - s[0])
    jump = bulge = 0.0
    for border in edges.values():
        lateral = border - edges[0]
        jump = max(jump, float(np.ptp(lateral)))
        straight = lateral[0] + share * (lateral[-1] - lateral[0])
        bulge = max(bulge, float(np.abs(lateral - straight).max()))
    if stop - start < 2.0 * PIECE or (jump < STEP_ASIDE and bulge < BULGE):
        return [(start, stop)]
    middle = 0.5 * (start + stop)
    return [*_pieces(road, part, start, middle), *_pieces(road, part, middle, stop)]
