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
    """A piece of a road's reference line: its kind, where it begins, its length, and the kind's own numbers."""

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
    """a + b d + c d² + d d³ from a distance on."""

    start: float
    factors: tuple[float, float, float, float]


@dataclass(frozen=True)
class Mark:
    """A line at the outer border of a lane, from a distance in its section on."""

    start: float
    kind: str


@dataclass(frozen=True)
class LaneRecord:
    """A lane of a section: its number, what it is for, its width, and the lanes before and after it."""

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
    """A stretch of road whose lanes stay the same; starts in meters along the road."""

    start: float
    lanes: dict[int, LaneRecord]


@dataclass(frozen=True)
class Link:
    """What a road's end is connected to: "road" or "junction", which one, and its start or end."""

    kind: str
    target: str
    contact: str | None


@dataclass(frozen=True)
class SignalRecord:
    """A sign or a light: where along the road, its type, whether it changes, and for whom ("+", "-" or "none")."""

    s: float
    kind: str
    dynamic: bool
    orientation: str


@dataclass(frozen=True)
class RoadRecord:
    """A road as it stands in the file."""

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
        """What its end, or its start, is connected to."""
        return self.successor if at_end else self.predecessor


@dataclass(frozen=True)
class Connection:
    """A way through a junction: from a road over another one, by pairs of lanes."""

    incoming: str
    connecting: str
    contact: str
    lanes: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class JunctionRecord:
    """A junction as it stands in the file."""

    name: str
    connections: tuple[Connection, ...]


@dataclass(eq=False)
class OpenDriveFile:
    """What a file says.

    Attributes:
        path: of the file.
        title: its header's name, or the file's.
        roads, junctions: by id.
        rings: junctions of each roundabout.
        left_out: what it also says that is not supported, and how often.
    """

    path: Path
    title: str
    roads: dict[str, RoadRecord] = field(default_factory=dict)
    junctions: dict[str, JunctionRecord] = field(default_factory=dict)
    rings: list[set[str]] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    def wrong(self, where: str, what: str) -> CorruptFile:
        """The error that says what is wrong where."""
        return CorruptFile(f"{self.path}: {where}: {what}")
