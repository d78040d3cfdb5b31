"""Junctions of OpenDRIVE files: lanes through them, controls, right of way, and paving."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving.road_network.builder import NetworkBuilder
from camshaft.envs.driving.road_network.elements import FREE, STOP, YIELD, Arm, Lane, lane_polygon
from camshaft.envs.driving.road_network.junctions import set_right_of_way, turn_of
from camshaft.envs.driving.road_network.opendrive.records import (
    Connection,
    JunctionRecord,
    OpenDriveFile,
    SignalRecord,
)

# Signal types of OpenDRIVE's signal base, the German StVO and the American MUTCD.
MEANINGS = {
    "light": ("1000001", "1000009", "1000010", "1000011", "1000012"),
    "stop": ("206", "R1-1"),
    "yield": ("205", "R1-2"),
    "priority": ("301", "306"),
}
CELL = 0.1  # meters, cell size of the raster of a junction's paving
MARGIN = 0.35  # meters of paving beyond lanes through a junction

Lanes = Mapping[tuple[str, int, int], Lane]
End = tuple[str, bool]  # a road of the file, and whether its end or its start


def add_junctions(
    file: OpenDriveFile,
    builder: NetworkBuilder,
    lanes: Lanes,
    parts: Mapping[str, Sequence[object]],
    ends: Mapping[str, tuple[int, int]],
) -> None:
    """Link the lanes through every junction of a file, and set their right of way.

    Args:
        file: its records.
        builder: builder to add the junctions to, in the file's order.
        lanes: lanes by road, part and number.
        parts: parts of each road.
        ends: roads of the network at the start and end of each road.
    """
    keys = {lane.index: key for key, lane in lanes.items()}
    for record in file.junctions.values():
        _Meeting(file, builder, lanes, keys, parts, ends, record).add()
    for road in file.roads.values():
        for signal in road.signals:
            if not _meaning(signal):
                file.omitted[f"signals of type {signal.kind}"] += 1


@dataclass(eq=False)
class _Meeting:
    """A junction under construction."""

    file: OpenDriveFile
    builder: NetworkBuilder
    lanes: Lanes
    keys: Mapping[int, tuple[str, int, int]]
    parts: Mapping[str, Sequence[object]]
    ends: Mapping[str, tuple[int, int]]
    record: JunctionRecord
    origins: dict[int, End] = field(default_factory=dict)
    leads_to: dict[int, End] = field(default_factory=dict)

    def add(self) -> None:
        for connection in self.record.connections:
            self._connect(connection)
        arm_ends = self._arms()
        index = len(self.builder.junctions)
        if len(arm_ends) < 2:
            where = f"junction {self.record.name}"
            raise self.file.error(
                where, f"at least two roads must meet in it, its connections give {len(arm_ends)}"
            )
        arms = [Arm(self.ends[name][int(at_end)], at_end) for name, at_end in arm_ends]
        origins = {lane: arm_ends.index(end) for lane, end in self.origins.items()}
        signs = {place: self._signs(place) for place in arm_ends}
        kind, major = self._rule(arm_ends, signs)
        junction = set_right_of_way(self.builder, arms, origins, kind, major=major, crossings=False)
        self._settle(arm_ends, signs, origins)
        self.builder.junctions[index] = replace(junction, outline=self._outline(junction.outline))

    def _connect(self, connection: Connection) -> None:
        """Connect lanes of the incoming road to those of the connecting one."""
        where = f"junction {self.record.name}"
        through = self.file.roads[connection.connecting]
        if through.junction != self.record.name:
            raise self.file.error(
                where, f"its connection leads over road {through.name}, which does not belong to it"
            )
        for start, lane in connection.lanes or self._same_lanes(connection):
            end = connection.incoming, start < 0
            number = len(self.parts[connection.incoming]) - 1 if start < 0 else 0
            place = 0 if connection.contact == "start" else len(self.parts[through.name]) - 1
            one = self.lanes.get((connection.incoming, number, start))
            other = self.lanes.get((through.name, place, lane))
            if one is None or other is None:
                continue  # not a drivable lane
            if (lane < 0) != (connection.contact == "start"):
                self.file.omitted["links to lanes that lead the other way"] += 1
                continue
            if end[0] not in self.ends:
                raise self.file.error(where, f"its incoming road {end[0]} belongs to a junction itself")
            self.builder.link(one.index, other.index)
            self._follow(other, end)

    def _same_lanes(self, connection: Connection) -> list[tuple[int, int]]:
        """Pairs of lanes from the links of the connecting road, if the connection names none."""
        through = self.file.roads[connection.connecting]
        at_start = connection.contact == "start"
        section = through.sections[0 if at_start else -1]
        found = [
            (lane.predecessor if at_start else lane.successor, number)
            for number, lane in section.lanes.items()
        ]
        return [(start, number) for start, number in found if start is not None and number]

    def _follow(self, lane: Lane, end: End) -> None:
        """Assign the arm of a lane to all lanes it leads to within the junction."""
        turned = lane.curve.start.heading
        chain = [lane]
        while True:
            after = [self.builder.lanes[number] for number in chain[-1].successors]
            inside = [way for way in after if way.junction == lane.junction]
            if not inside or inside[0] in chain:
                break
            chain.append(inside[0])
        turn = turn_of(turned, chain[-1].curve.end.heading)
        for piece in chain:
            self.origins[piece.index] = end
            piece.turn = turn
        for way in chain[-1].successors:
            name, _, number = self.keys[way]
            if name in self.ends:
                self.leads_to[chain[-1].index] = name, number > 0

    def _arms(self) -> list[End]:
        """Ends of the roads that meet at the junction, counter-clockwise."""
        found = list(dict.fromkeys([*self.origins.values(), *self.leads_to.values()]))
        mouths = [self.builder.mouth(Arm(self.ends[name][int(at_end)], at_end)) for name, at_end in found]
        middle = np.mean([mouth.point for mouth in mouths], axis=0) if mouths else np.zeros(2)
        angles = [math.atan2(mouth.y - middle[1], mouth.x - middle[0]) for mouth in mouths]
        return [found[number] for number in np.argsort(angles)]

    def _signs(self, end: End) -> set[str]:
        """Signals at an arm: "light", "stop", "yield", "priority"."""
        name, at_end = end
        facing = "+" if at_end else "-"
        signals = [
            signal for signal in self.file.roads[name].signals if signal.orientation in (facing, "none")
        ]
        for connection in self.record.connections:
            if connection.incoming == name and any((start < 0) == at_end for start, _ in connection.lanes):
                signals += self.file.roads[connection.connecting].signals
        return {what for signal in signals if (what := _meaning(signal))}

    def _rule(self, arm_ends: Sequence[End], signs: Mapping[End, set[str]]) -> tuple[str, list[int] | None]:
        """Kind of the junction, and the arms with right of way."""
        if any("light" in found for found in signs.values()):
            return "lights", None
        waiting = [number for number, place in enumerate(arm_ends) if signs[place] & {"stop", "yield"}]
        if waiting:
            kind = "stop" if any("stop" in signs[place] for place in arm_ends) else "priority"
            return kind, [number for number in range(len(arm_ends)) if number not in waiting]
        first = [number for number, place in enumerate(arm_ends) if "priority" in signs[place]]
        if first:
            return "priority", first
        for ring in self.file.rings:
            if self.record.name in ring:
                inside = [number for number, (name, _) in enumerate(arm_ends) if self._is_inside(name, ring)]
                return "priority", inside
        return "right_before_left", None

    def _is_inside(self, name: str, ring: set[str]) -> bool:
        """Whether a road connects two junctions of one roundabout."""
        links = [self.file.roads[name].link(at_end) for at_end in (False, True)]
        return all(link is not None and link.kind == "junction" and link.target in ring for link in links)

    def _settle(
        self, arm_ends: Sequence[End], signs: Mapping[End, set[str]], origins: Mapping[int, int]
    ) -> None:
        """Apply the signs of each arm; lanes without conflicts and lanes farther inside have no control."""
        lanes = self.builder.lanes
        meeting = {conflict.lane for conflict in self.builder.conflicts}
        for number, origin in origins.items():
            lane = lanes[number]
            if lane.control == STOP and "stop" not in signs[arm_ends[origin]]:
                lane.control = YIELD
            inner = any(lanes[before].junction == lane.junction for before in lane.predecessors)
            if inner or (lane.control == YIELD and number not in meeting):
                lane.control, lane.signal = FREE, -1

    def _outline(self, curb: FloatArray) -> FloatArray:
        """(K, 2) edge of the paving: the area between the curbs, and all lanes."""
        outlines = [curb]
        for number in self.origins:
            lane = self.builder.lanes[number]
            outlines.append(lane_polygon(replace(lane, width=lane.width + 2.0 * MARGIN)))
        every = np.concatenate(outlines)
        low = every.min(axis=0) - 1.0
        width, height = np.ceil((every.max(axis=0) + 1.0 - low) / CELL).astype(int)
        image = np.zeros((height, width), np.uint8)
        for outline in outlines:
            cv2.fillPoly(image, [np.round((outline - low) / CELL * 16.0).astype(np.int32)], 1, shift=4)
        found, _ = cv2.findContours(image, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        largest = cv2.approxPolyDP(max(found, key=cv2.contourArea), 0.7, True)[:, 0]
        outline = low + CELL * largest.astype(np.float64)
        shifted = np.roll(outline, -1, axis=0)
        area = float((outline[:, 0] * shifted[:, 1] - outline[:, 1] * shifted[:, 0]).sum())
        return outline if area > 0.0 else outline[::-1]


def _meaning(signal: SignalRecord) -> str:
    """Meaning of a signal for the right of way, or ""."""
    return next((what for what, kinds in MEANINGS.items() if signal.kind in kinds), "")
