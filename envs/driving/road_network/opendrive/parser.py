"""Parser of OpenDRIVE files into records, with validation.

Source: ASAM OpenDRIVE 1.4 to 1.8, https://publications.pages.asam.net/standards/ASAM_OpenDRIVE/.
"""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar
from xml.etree.ElementTree import Element

from camshaft.envs.driving.road_network.opendrive.records import (
    Connection,
    Cubic,
    Geometry,
    JunctionRecord,
    LaneRecord,
    Link,
    Mark,
    OpenDriveFile,
    RoadRecord,
    Section,
    SignalRecord,
)
from camshaft.envs.errors import CorruptFile

UNITS = {"m/s": 1.0, "km/h": 1.0 / 3.6, "mph": 0.44704}
UNLIMITED = 130.0 / 3.6  # m/s, for files that state no limit
CONTACTS = ("start", "end")
GEOMETRIES = ("line", "arc", "spiral", "poly3", "paramPoly3")
KNOWN_IN_ROAD = {"link", "type", "planView", "lanes", "signals", "userData", "dataQuality", "include"}

Value = TypeVar("Value")


def parse_opendrive(path: Path) -> OpenDriveFile:
    """Parse a file.

    Raises:
        CorruptFile: it is not an OpenDRIVE file, or something in it is missing, out of range or a dangling reference.
        OSError: the file cannot be read.
    """
    text = path.read_bytes()
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise CorruptFile(f"{path}: document types and entities are not accepted in an OpenDRIVE file")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise CorruptFile(f"{path}: not a whole XML file: {error}") from error
    for element in root.iter():
        element.tag = element.tag.rsplit("}", 1)[-1]  # without a namespace
    if root.tag != "OpenDRIVE":
        raise CorruptFile(f"{path}: an OpenDRIVE file begins with <OpenDRIVE>, got <{root.tag}>")
    return _Parser(path, root).parse()


class _Parser:
    def __init__(self, path: Path, root: Element) -> None:
        self._root = root
        self._file = OpenDriveFile(path, path.stem)

    def parse(self) -> OpenDriveFile:
        file = self._file
        header = self._root.find("header")
        if header is None:
            raise file.error("header", "<OpenDRIVE> must have a <header>")
        major = self._whole(header, "revMajor", "header")
        if major != 1:
            raise file.error("header", f"revMajor must be 1 (OpenDRIVE 1.4 to 1.8), got {major}")
        file.title = header.get("name") or file.title
        for element in self._root.iterfind("road"):
            road = self._road(element)
            if road.name in file.roads:
                raise file.error(f"road {road.name}", "duplicate id")
            file.roads[road.name] = road
        if not file.roads:
            raise file.error("roads", "there is no <road>")
        for element in self._root.iterfind("junction"):
            if element.get("type") == "virtual":
                self._omit("virtual junctions")
                continue
            junction = self._junction(element)
            file.junctions[junction.name] = junction
        for group in self._root.iterfind("junctionGroup"):
            if group.get("type") == "roundabout":
                file.rings.append(
                    {
                        self._text(item, "junction", "junctionGroup")
                        for item in group.iterfind("junctionReference")
                    }
                )
        self._note_others()
        self._check_links()
        return file

    def _note_others(self) -> None:
        for tag in ("controller", "station", "switch"):
            self._omit(f"<{tag}> (lights get phases of their own)" if tag == "controller" else f"<{tag}>",
                            len(self._root.findall(tag)))  # fmt: skip

    def _omit(self, what: str, count: int = 1) -> None:
        if count:
            self._file.omitted[what] += count

    def _road(self, element: Element) -> RoadRecord:
        name = self._text(element, "id", "a road")
        where = f"road {name}"
        if (element.get("rule") or "RHT") != "RHT":
            raise self._file.error(
                where, f"rule must be RHT (traffic keeps to the right), got {element.get('rule')!r}"
            )
        length = self._number(element, "length", where)
        if length <= 0.0:
            raise self._file.error(where, f"length must be more than 0 m, got {length:g}")
        junction = element.get("junction", "-1")
        kinds = element.findall("type")
        for tag in {child.tag for child in element} - KNOWN_IN_ROAD:
            self._note_road_part(element, tag, where)
        return RoadRecord(
            name,
            length,
            None if junction in ("-1", "") else junction,
            self._plan(element, where, length),
            self._cubics(element.iterfind("lanes/laneOffset"), "s", where),
            self._sections(element, where, length),
            self._link(element, "predecessor", where),
            self._link(element, "successor", where),
            kinds[0].get("type", "unknown") if kinds else "unknown",
            self._first(self._speed(kind.find("speed"), where) for kind in kinds),
            self._signals(element, where),
        )

    def _note_road_part(self, element: Element, tag: str, where: str) -> None:
        """Count unsupported parts of a road, unless they have no effect (all heights are 0)."""
        part = element.find(tag)
        assert part is not None
        if tag in ("elevationProfile", "lateralProfile"):
            tilted = any(
                item.get(factor) is not None and self._number(item, factor, where) != 0.0
                for item in part
                for factor in "abcd"
            )
            names = {
                "elevationProfile": "elevation (roads are level)",
                "lateralProfile": "superelevation and shape",
            }
            self._omit(names[tag], int(tilted))
        elif len(part):
            self._omit(f"<{tag}>")

    def _plan(self, element: Element, where: str, length: float) -> tuple[Geometry, ...]:
        found = [self._geometry(item, where) for item in element.iterfind("planView/geometry")]
        found = [geometry for geometry in found if geometry.length > 1e-9]
        if not found:
            raise self._file.error(where, "its <planView> has no <geometry>")
        found.sort(key=lambda geometry: geometry.s)
        total = sum(geometry.length for geometry in found)
        if abs(total - length) > 0.01 * length + 0.5:
            raise self._file.error(
                where, f"its length is {length:g} m, but its geometries have {total:g} m together"
            )
        return tuple(found)

    def _geometry(self, item: Element, where: str) -> Geometry:
        s, x, y, heading, length = (
            self._number(item, name, where) for name in ("s", "x", "y", "hdg", "length")
        )
        if length < 0.0:
            raise self._file.error(where, f"a <geometry> has a length of {length:g} m: it must be at least 0")
        shapes = [child for child in item if child.tag != "userData"]
        if len(shapes) != 1 or shapes[0].tag not in GEOMETRIES:
            raise self._file.error(
                where,
                f"a <geometry> holds one of {', '.join(GEOMETRIES)}, got "
                f"{', '.join(child.tag for child in shapes) or 'nothing'}",
            )
        shape = shapes[0]
        names = {
            "line": (),
            "arc": ("curvature",),
            "spiral": ("curvStart", "curvEnd"),
            "poly3": ("a", "b", "c", "d"),
            "paramPoly3": ("aU", "bU", "cU", "dU", "aV", "bV", "cV", "dV"),
        }[shape.tag]
        span = shape.get("pRange", "normalized")
        if span not in ("normalized", "arcLength"):
            raise self._file.error(where, f"pRange must be 'normalized' or 'arcLength', got {span!r}")
        numbers = tuple(self._number(shape, name, where) for name in names)
        return Geometry(shape.tag, s, x, y, heading, length, numbers, span == "normalized")

    def _cubics(self, items: Iterable[Element], start: str, where: str) -> tuple[Cubic, ...]:
        found = []
        for item in items:
            a, b, c, d = (self._number(item, factor, where) for factor in "abcd")
            found.append(Cubic(self._number(item, start, where), (a, b, c, d)))
        return tuple(sorted(found, key=lambda cubic: cubic.start))

    def _sections(self, element: Element, where: str, length: float) -> tuple[Section, ...]:
        found = []
        for item in element.iterfind("lanes/laneSection"):
            start = self._number(item, "s", where)
            if not -1e-6 <= start < length + 1e-6:
                raise self._file.error(
                    where, f"a <laneSection> begins at s = {start:g}, not within 0..{length:g} m"
                )
            lanes = [self._lane(lane, where) for side in ("left", "center", "right")
                     for lane in item.iterfind(f"{side}/lane")]  # fmt: skip
            section = Section(max(start, 0.0), {lane.number: lane for lane in lanes})
            for sign in (1, -1):
                numbers = sorted(sign * number for number in section.lanes if sign * number > 0)
                if numbers != list(range(1, len(numbers) + 1)):
                    raise self._file.error(
                        where,
                        f"lanes are numbered from the middle without gaps, got {[sign * n for n in numbers]}",
                    )
            found.append(section)
        if not found:
            raise self._file.error(where, "its <lanes> have no <laneSection>")
        return tuple(sorted(found, key=lambda section: section.start))

    def _lane(self, item: Element, where: str) -> LaneRecord:
        number = self._whole(item, "id", where)
        here = f"{where}, lane {number}"
        widths = self._cubics(item.iterfind("width"), "sOffset", here)
        borders = self._cubics(item.iterfind("border"), "sOffset", here)
        if number != 0 and not widths and not borders:
            raise self._file.error(here, "it must have a <width> or a <border>")
        marks = [
            Mark(self._number(mark, "sOffset", here), mark.get("type", "none"))
            for mark in item.iterfind("roadMark")
        ]
        for tag in ("material", "access", "height", "rule"):
            self._omit(f"<{tag}> of lanes", len(item.findall(tag)))
        return LaneRecord(
            number,
            item.get("type", "none"),
            widths or borders,
            not widths,
            tuple(sorted(marks, key=lambda mark: mark.start)),
            self._lane_link(item, "predecessor", here),
            self._lane_link(item, "successor", here),
            self._first(self._speed(speed, here) for speed in item.iterfind("speed")),
        )

    def _lane_link(self, item: Element, side: str, where: str) -> int | None:
        link = item.find(f"link/{side}")
        return None if link is None else self._whole(link, "id", where)

    def _link(self, element: Element, side: str, where: str) -> Link | None:
        item = element.find(f"link/{side}")
        if item is None:
            return None
        kind = self._choice(item, "elementType", ("road", "junction"), where)
        contact = self._choice(item, "contactPoint", CONTACTS, where) if kind == "road" else None
        return Link(kind, self._text(item, "elementId", where), contact)

    def _signals(self, element: Element, where: str) -> tuple[SignalRecord, ...]:
        kinds = {
            item.get("id"): (item.get("type", "-1"), item.get("dynamic", "no") == "yes")
            for item in self._root.iterfind("road/signals/signal")
        }
        found = []
        for item in element.iterfind("signals/*"):
            if item.tag not in ("signal", "signalReference"):
                self._omit(f"<{item.tag}>")
                continue
            number = self._text(item, "id", f"{where}, a <{item.tag}>")
            if number not in kinds:
                raise self._file.error(
                    where, f"a <signalReference> names signal {number}, which does not exist"
                )
            here = f"{where}, signal {number}"
            orientation = self._choice(item, "orientation", ("+", "-", "none"), here)
            found.append(SignalRecord(self._number(item, "s", here), *kinds[number], orientation))
        return tuple(found)

    def _junction(self, element: Element) -> JunctionRecord:
        name = self._text(element, "id", "a junction")
        where = f"junction {name}"
        kind = element.get("type", "default")
        if kind not in ("default", ""):
            raise self._file.error(where, f"its type must be 'default' or 'virtual', got {kind!r}")
        for tag in ("priority", "boundary", "crossPath"):
            self._omit(f"<{tag}> of junctions", len(element.findall(tag)))
        connections = [
            Connection(
                self._text(item, "incomingRoad", where),
                self._text(item, "connectingRoad", where),
                self._choice(item, "contactPoint", CONTACTS, where),
                tuple(
                    (self._whole(link, "from", where), self._whole(link, "to", where))
                    for link in item.iterfind("laneLink")
                ),
            )
            for item in element.iterfind("connection")
        ]
        return JunctionRecord(name, tuple(connections))

    def _check_links(self) -> None:
        """Check that all references can be resolved."""
        file = self._file
        for road in file.roads.values():
            where = f"road {road.name}"
            for link in (road.predecessor, road.successor):
                known = () if link is None else file.roads if link.kind == "road" else file.junctions
                if link is not None and link.target not in known:
                    raise file.error(
                        where, f"it is linked to {link.kind} {link.target}, which does not exist"
                    )
            if road.junction is not None and road.junction not in file.junctions:
                raise file.error(where, f"it leads through junction {road.junction}, which does not exist")
        for junction in file.junctions.values():
            for connection in junction.connections:
                self._check_connection(connection, f"junction {junction.name}")
        for ring in file.rings:
            for name in ring - set(file.junctions):
                raise file.error("junctionGroup", f"it names junction {name}, which does not exist")

    def _check_connection(self, connection: Connection, where: str) -> None:
        file = self._file
        for name in (connection.incoming, connection.connecting):
            if name not in file.roads:
                raise file.error(where, f"a connection names road {name}, which does not exist")
        through = file.roads[connection.connecting]
        section = through.sections[0 if connection.contact == "start" else -1]
        for _, number in connection.lanes:
            if number not in section.lanes:
                raise file.error(
                    where, f"a laneLink names lane {number} of road {through.name}, which does not exist"
                )

    # Attributes.

    def _text(self, item: Element, name: str, where: str) -> str:
        value = item.get(name)
        if value is None or value == "":
            raise self._file.error(where, f"<{item.tag}> must have the attribute {name!r}")
        return value

    def _number(self, item: Element, name: str, where: str) -> float:
        return self._converted(item, name, where, float, "a number")

    def _whole(self, item: Element, name: str, where: str) -> int:
        return self._converted(item, name, where, int, "a whole number")

    def _converted(
        self, item: Element, name: str, where: str, convert: Callable[[str], Value], what: str
    ) -> Value:
        text = self._text(item, name, where)
        try:
            value = convert(text)
        except ValueError as error:
            raise self._file.error(where, f"{name!r} of <{item.tag}> must be {what}, got {text!r}") from error
        if isinstance(value, float) and not math.isfinite(value):
            raise self._file.error(where, f"{name!r} of <{item.tag}> must be finite, got {text!r}")
        return value

    def _choice(self, item: Element, name: str, accepted: Sequence[str], where: str) -> str:
        value = self._text(item, name, where)
        if value not in accepted:
            raise self._file.error(
                where, f"{name!r} of <{item.tag}> must be one of {', '.join(accepted)}, got {value!r}"
            )
        return value

    def _speed(self, item: Element | None, where: str) -> float | None:
        if item is None:
            return None
        if item.get("max") in ("no limit", "undefined"):
            return UNLIMITED
        unit = item.get("unit", "m/s")
        if unit not in UNITS:
            raise self._file.error(
                where, f"'unit' of <speed> must be one of {', '.join(UNITS)}, got {unit!r}"
            )
        speed = self._number(item, "max", where) * UNITS[unit]
        if speed <= 0.0:
            raise self._file.error(where, f"'max' of <speed> must be more than 0, got {item.get('max')!r}")
        return speed

    def _first(self, speeds: Iterable[float | None]) -> float | None:
        """The first one; later ones are omitted."""
        found = [speed for speed in speeds if speed is not None]
        self._omit(
            "changes of the speed limit within a road's type or a lane's section",
            len(set(found[1:]) - set(found[:1])),
        )
        return found[0] if found else None
