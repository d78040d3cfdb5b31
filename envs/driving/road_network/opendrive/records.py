"""Records of OpenDRIVE files: roads, their lanes and signals, links and junctions.

Source: ASAM OpenDRIVE 1.4 to 1.8, https://publications.pages.asam.net/standards/ASAM_OpenDRIVE/.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from camshaft.envs.errors import CorruptFile


@dataclass(frozen=True)
class Geometry:
    """A piece of a road's reference line: kind, beginning, length, and parameters of the kind."""

    kind: str
    s: float
    x: float
    y: float
    heading: float
    length: float
    numbers: tuple[float, ...]
    normalized: bool = True


@dataclass(frozen=True)
class Cubic:
    """The cubic a + b d + c d² + d d³, valid from a distance on."""

    start: float
    factors: tuple[float, float, float, float]


@dataclass(frozen=True)
class Mark:
    """A line at the outer border of a lane, valid from a distance within its section on."""

    start: float
    kind: str


@dataclass(frozen=True)
class LaneRecord:
    """A lane of a section: number, type, width, and the lanes before and after it."""

    number: int
    kind: str
    widths: tuple[Cubic, ...]
    are_borders: bool
    marks: tuple[Mark, ...]
    predecessor: int | None
    successor: int | None
    speed: float | None


@dataclass(frozen=True)
class Section:
    """A section of road with constant lanes; starts in meters along the road."""

    start: float
    lanes: dict[int, LaneRecord]


@dataclass(frozen=True)
class Link:
    """Link of a road's end: "road" or "junction", its id, and its start or end."""

    kind: str
    target: str
    contact: str | None


@dataclass(frozen=True)
class SignalRecord:
    """A sign or light: distance along the road, type, whether it is dynamic, and orientation ("+", "-" or "none")."""

    s: float
    kind: str
    dynamic: bool
    orientation: str


@dataclass(frozen=True)
class RoadRecord:
    """A road of the file."""

    name: str
    length: float
    junction: str | None
    geometries: tuple[Geometry, ...]
    offsets: tuple[Cubic, ...]
    sections: tuple[Section, ...]
    predecessor: Link | None
    successor: Link | None
    kind: str
    speed: float | None
    signals: tuple[SignalRecord, ...]

    def link(self, at_end: bool) -> Link | None:
        """The link of its end or start."""
        return self.successor if at_end else self.predecessor


@dataclass(frozen=True)
class Connection:
    """A connection through a junction: incoming road, connecting road, and pairs of lanes."""

    incoming: str
    connecting: str
    contact: str
    lanes: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class JunctionRecord:
    """A junction of the file."""

    name: str
    connections: tuple[Connection, ...]


@dataclass(eq=False)
class OpenDriveFile:
    """Contents of a file.

    Attributes:
        path: path of the file.
        title: name in its header, or that of the file.
        roads, junctions: by id.
        rings: junctions of each roundabout.
        omitted: unsupported parts and their counts.
    """

    path: Path
    title: str
    roads: dict[str, RoadRecord] = field(default_factory=dict)
    junctions: dict[str, JunctionRecord] = field(default_factory=dict)
    rings: list[set[str]] = field(default_factory=list)
    omitted: Counter[str] = field(default_factory=Counter)

    def error(self, where: str, what: str) -> CorruptFile:
        """An error that states the fault and its location."""
        return CorruptFile(f"{self.path}: {where}: {what}")
