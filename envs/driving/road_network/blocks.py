"""Manual construction of networks from blocks: straights, curves, splits, merges, ramps, junctions, roundabouts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving.road_network.builder import NetworkBuilder, wrapped
from camshaft.envs.driving.road_network.checks import find_overlaps
from camshaft.envs.driving.road_network.cross_section import CrossSection
from camshaft.envs.driving.road_network.curves import Curve, Pose, bend, join, through
from camshaft.envs.driving.road_network.curves import straight as straight_line
from camshaft.envs.driving.road_network.elements import Arm, Network, Road
from camshaft.envs.driving.road_network.footpaths import add_footpaths
from camshaft.envs.driving.road_network.junctions import KINDS, LEAST_ANGLE, add_junction, reach
from camshaft.envs.driving.road_network.roundabouts import add_roundabout, roundabout_reach
from camshaft.envs.errors import CamshaftError, InvalidOption, check_choice

STUB = 24.0  # meters of road added to unconnected ends of junctions
CLOTHOID = 20.0  # meters, largest length of the clothoid at each end of a curve
RAMP = (150.0, 32.0)  # meters of a ramp along and beside a road
RAMP_SPEED = 80.0 / 3.6  # m/s
APART = 0.01  # meters and rad by which a block may be off the end that it continues


@dataclass(frozen=True, eq=False)
class OpenEnd:
    """An end at which a network can be extended.

    Attributes:
        pose: pose of the road's reference line, facing away from the network.
        section: cross section of the road that continues from here, seen in that direction.
        arm: the road that ends here; None at a first road's beginning and at a junction.
        slot: for an end at a junction, the junction and the index among its arms.
    """

    pose: Pose
    section: CrossSection
    arm: Arm | None = None
    slot: tuple[int, int] | None = None


@dataclass(eq=False)
class _Meeting:
    """A junction that is built when all its roads exist."""

    kind: str
    center: FloatArray
    arms: list[Arm | None]
    ends: list[OpenEnd | None] = field(default_factory=list)


class RoadBlocks:
    """Builder of networks from blocks, joined at their open ends; `build` returns the network.

    Every block takes the open end that it continues and returns its own open ends. Lengths are in meters;
    where a block follows a curve, that curve may be given instead. For example:

        blocks = RoadBlocks("a loop")
        start = blocks.begin()
        end = blocks.straight(start, 80.0)
        left, ahead, right = blocks.x_junction(end, "lights")
        end = blocks.curve(left, radius=30.0, degrees=-180.0)
        blocks.connect(end, ahead)
        network = blocks.build()

    Args:
        name: name of the network.
        section: default cross section of its roads.
    """

    def __init__(self, name: str, section: CrossSection = CrossSection()) -> None:
        self.builder = NetworkBuilder(name)
        self.section = section
        self._meetings: list[_Meeting] = []
        self._joints: list[tuple[Arm, Arm]] = []
        self._used: set[OpenEnd] = set()
        self._behind: dict[int, OpenEnd] = {}

    def begin(self, pose: Pose = Pose(0.0, 0.0, 0.0), section: CrossSection | None = None) -> OpenEnd:
        """The open end at which a first road begins."""
        return OpenEnd(pose, section or self.section)

    def behind(self, end: OpenEnd) -> OpenEnd:
        """The other end of the road that ends here, if it is the beginning of a first road.

        Raises:
            InvalidOption: that end is already connected.
        """
        found = None if end.arm is None else self._behind.get(end.arm.road)
        if found is None:
            raise InvalidOption("the other end of this road is connected: it is no open beginning")
        return found

    def road(self, end: OpenEnd, way: Curve, section: CrossSection | None = None) -> OpenEnd:
        """A road along a curve that begins at an open end.

        Args:
            end: open end to continue.
            way: reference line.
            section: its cross section, unchanged by default; lanes connect to those of the same number.
        """
        end = self._take(end)
        section = section or end.section
        gap = float(np.linalg.norm(way.start.point - end.pose.point))
        if gap > APART or abs(wrapped(way.start.heading - end.pose.heading)) > APART:
            raise InvalidOption(
                f"a road must begin at {_described(end.pose)}, the end it continues, got {_described(way.start)}"
            )
        road = self._lay(way, section)
        arm = Arm(road.index, False)
        if end.arm is not None:
            self._join(end.arm, arm)
        elif end.slot is not None:
            self._meetings[end.slot[0]].arms[end.slot[1]] = arm
        else:
            self._behind[road.index] = OpenEnd(way.start.reversed(), section.reversed(), arm)
        return OpenEnd(way.end, section, Arm(road.index, True))

    def straight(self, end: OpenEnd, length: float) -> OpenEnd:
        """A straight road."""
        return self.road(end, straight_line(end.pose, _positive("length", length)))

    def curve(self, end: OpenEnd, radius: float, degrees: float) -> OpenEnd:
        """A curve to the left, or with negative degrees to the right: clothoid, arc, clothoid."""
        angle, radius = math.radians(abs(degrees)), _positive("radius", radius)
        if not 0.0 < angle <= 1.5 * math.pi:
            raise InvalidOption(f"a curve turns by at most ±270 degrees and not by 0, got {degrees}")
        ramp = min(CLOTHOID, 0.5 * angle * radius)
        peak = math.copysign(1.0 / radius, degrees)
        return self.road(end, bend(end.pose, [ramp, angle * radius - ramp, ramp], [0.0, peak, peak, 0.0]))

    def s_curve(self, end: OpenEnd, length: float, left: float) -> OpenEnd:
        """Two opposite curves: the road keeps its heading and shifts by `left` meters to the left."""
        return self.road(end, join(end.pose, end.pose.moved(_positive("length", length), left)))

    def split(self, end: OpenEnd, way: float | Curve, lanes: int = 1) -> OpenEnd:
        """A road with additional forward lanes on the right."""
        return self.road(end, _way(end, way), end.section.widened(lanes))

    def merge(self, end: OpenEnd, way: float | Curve, lanes: int = 1) -> OpenEnd:
        """A road with fewer forward lanes: the outermost ones end at its beginning, and its paving narrows."""
        section = end.section.widened(-lanes)
        after = self.road(end, _way(end, way), section)
        assert after.arm is not None
        road = self.builder.roads[after.arm.road]
        left, right = road.edges
        self.builder.set_edges(road.index, [left, [right[0] - lanes * section.lane_width, right[1]]])
        return after

    def on_ramp(
        self, end: OpenEnd, speed_limit: float = RAMP_SPEED, beside: tuple[Curve, float] | None = None
    ) -> OpenEnd:
        """A ramp into the outermost lane of the road that ends here, at the beginning of that road.

        The given end stays open.

        Args:
            end: of the road.
            speed_limit: m/s.
            beside: curve beside which the ramp runs, and meters along it where it merges; by default, the road's own.

        Returns:
            The end from which the ramp comes.
        """
        road = self._road_of(end)
        guide, place = beside or (road.curve, 0.0)
        ramp = self._lay_ramp(end, road, guide, place, joins=True, speed_limit=speed_limit)
        self.builder.link(ramp.forward[0], road.forward[-1])
        section = replace(end.section, forward=0, backward=1, speed_limit=speed_limit, sidewalks=(0.0, 0.0))
        pose = ramp.curve.start.moved(0.0, 0.5 * section.lane_width).reversed()
        return OpenEnd(pose, section, Arm(ramp.index, False))

    def off_ramp(
        self, end: OpenEnd, speed_limit: float = RAMP_SPEED, beside: tuple[Curve, float] | None = None
    ) -> tuple[OpenEnd, OpenEnd]:
        """A ramp that continues the outermost lane of the road that ends here.

        Args:
            end: of the road.
            speed_limit: m/s.
            beside: curve beside which the ramp runs, and meters along it where it leaves; by default, the road's own.

        Returns:
            The end of the road, with one forward lane less, and that of the ramp.
        """
        road = self._road_of(end)
        after = replace(end, section=end.section.widened(-1))
        guide, place = beside or (road.curve, road.curve.length)
        self._take(end)
        ramp = self._lay_ramp(end, road, guide, place, joins=False, speed_limit=speed_limit)
        self.builder.link(road.forward[-1], ramp.forward[0])
        section = replace(end.section, forward=1, backward=0, speed_limit=speed_limit, sidewalks=(0.0, 0.0))
        pose = ramp.curve.end.moved(0.0, 0.5 * section.lane_width)
        return after, OpenEnd(pose, section, Arm(ramp.index, True))

    def junction(
        self,
        end: OpenEnd,
        degrees: Sequence[float],
        kind: str = "right_before_left",
        side: CrossSection | None = None,
    ) -> tuple[OpenEnd, ...]:
        """A junction of the road that ends here with other roads.

        Args:
            end: of the road.
            degrees: directions of the other roads, relative to straight on, left positive.
            kind: "lights", "priority", "stop", "right_before_left" or "roundabout".
            side: cross section of the roads that do not go straight on, by default that of this one.

        Returns:
            The end of each other road, in that order.
        """
        check_choice("kind of junction", kind, (*KINDS, "roundabout"))
        if end.arm is None:
            raise InvalidOption("a junction needs a road before it: lay a straight or a curve first")
        turned = [math.radians(angle) for angle in degrees]
        _check_gaps(turned)
        sections = [end.section if abs(angle) < LEAST_ANGLE or side is None else side for angle in turned]
        order = sorted(range(len(turned)), key=lambda number: (turned[number] + math.pi) % (2.0 * math.pi))
        angles = [math.pi, *(turned[number] for number in order)]
        widths = [end.section.half_width, *(sections[number].half_width for number in order)]
        if kind == "roundabout":
            if any(max(section.forward, section.backward) > 1 for section in (end.section, *sections)):
                raise InvalidOption(
                    "a roundabout has one lane: its roads must have at most one in each direction"
                )
            distance = roundabout_reach(widths)
        else:
            distance = reach(widths, angles)
        end = self._take(end)
        center = end.pose.moved(distance)
        meeting = _Meeting(kind, center.point, [end.arm, *(None for _ in order)])
        self._meetings.append(meeting)
        ends = {
            number: OpenEnd(
                center.moved(0.0, turn=turned[number]).moved(distance),
                sections[number],
                slot=(len(self._meetings) - 1, place),
            )
            for place, number in enumerate(order, start=1)
        }
        meeting.ends = [None, *(ends[number] for number in order)]
        return tuple(ends[number] for number in range(len(turned)))

    def x_junction(
        self, end: OpenEnd, kind: str = "right_before_left", side: CrossSection | None = None
    ) -> tuple[OpenEnd, ...]:
        """A four-way junction; returns its left, forward and right ends."""
        return self.junction(end, (90.0, 0.0, -90.0), kind, side)

    def t_junction(
        self,
        end: OpenEnd,
        ways: tuple[str, str] = ("left", "right"),
        kind: str = "priority",
        side: CrossSection | None = None,
    ) -> tuple[OpenEnd, ...]:
        """A three-way junction; returns its ends in two of the directions left, forward and right."""
        degrees = {"left": 90.0, "ahead": 0.0, "right": -90.0}
        for way in ways:
            check_choice("direction of a T-junction", way, degrees)
        return self.junction(end, [degrees[way] for way in ways], kind, side)

    def roundabout(self, end: OpenEnd, degrees: Sequence[float] = (90.0, 0.0, -90.0)) -> tuple[OpenEnd, ...]:
        """A roundabout; returns its ends in these directions (degrees from straight on, left positive)."""
        return self.junction(end, degrees, "roundabout")

    def connect(self, one: OpenEnd, other: OpenEnd) -> None:
        """A road from one open end to another.

        Raises:
            InvalidOption: their lanes do not match.
        """
        there = other.section.reversed()
        if (one.section.forward, one.section.backward) != (there.forward, there.backward):
            raise InvalidOption(
                "connected ends must have the same lanes, got "
                f"{one.section.forward} forward and {one.section.backward} backward, which would continue as "
                f"{there.forward} and {there.backward}"
            )
        after = self.road(one, join(one.pose, other.pose.reversed()))
        other = self._take(other)
        assert after.arm is not None
        if other.arm is not None:
            self._join(after.arm, other.arm)
        elif other.slot is not None:
            self._meetings[other.slot[0]].arms[other.slot[1]] = after.arm
        else:
            raise InvalidOption("cannot connect to a beginning from which no road has been laid")
        self._used.add(after)

    def build(self) -> Network:
        """Build the network; unconnected ends of junctions get short roads.

        Raises:
            CamshaftError: unconnected lanes overlap.
        """
        for meeting in self._meetings:
            for place, arm in enumerate(meeting.arms):
                if arm is None:
                    end = meeting.ends[place]
                    assert end is not None
                    self.straight(end, STUB)
        for meeting in self._meetings:
            arms = [arm for arm in meeting.arms if arm is not None]
            if meeting.kind == "roundabout":
                add_roundabout(self.builder, arms, meeting.center)
            else:
                add_junction(self.builder, arms, meeting.kind)
        self._meetings = []
        add_footpaths(self.builder, self._joints)
        network = self.builder.build()
        faults = find_overlaps(network)
        if faults:
            more = f", and {len(faults) - 1} more faults" if len(faults) > 1 else ""
            raise CamshaftError(f"the blocks of {network.name!r} do not fit: {faults[0]}{more}")
        return network

    def _take(self, end: OpenEnd) -> OpenEnd:
        """Close an open end and return it."""
        if end in self._used:
            raise InvalidOption(f"the end at {_described(end.pose)} is no longer open: a block continues it")
        self._used.add(end)
        return end

    def _join(self, before: Arm, after: Arm) -> None:
        builder = self.builder
        builder.link_roads(before, after)
        edges = [
            (builder.edge(before, left).point, builder.edge(after, not left).point) for left in (True, False)
        ]
        if all(np.allclose(one, other, atol=0.2) for one, other in edges):
            self._joints.append((before, after))  # footpaths continue, too

    def _lay(self, way: Curve, section: CrossSection, inner_offset: float = 0.0) -> Road:
        try:
            road = self.builder.add_road(
                way,
                section.forward,
                section.backward,
                speed_limit=section.speed_limit,
                style=section.style,
                lane_width=section.lane_width,
                median=section.median,
                sidewalks=section.sidewalks,
                center_line=section.center_line,
                inner_offset=inner_offset,
            )
            for lateral in road.edges[:, 0]:
                way.parallel(float(lateral))
        except ValueError as error:
            raise InvalidOption(
                f"a road that begins at {_described(way.start)} bends too much for its width: {error}"
            ) from error
        return road

    def _road_of(self, end: OpenEnd) -> Road:
        """The road whose lanes lead to an open end."""
        if end.arm is None or not end.arm.at_end or not self.builder.roads[end.arm.road].forward:
            raise InvalidOption("a ramp needs a road whose lanes lead to the open end: lay a split first")
        return self.builder.roads[end.arm.road]

    def _lay_ramp(
        self, end: OpenEnd, road: Road, guide: Curve, place: float, *, joins: bool, speed_limit: float
    ) -> Road:
        """A one-lane road beside a curve, to or from the outermost lane of another road."""
        lane = self.builder.lanes[road.forward[-1]]
        share = np.linspace(0.0, 1.0, 16)
        outermost = -(0.5 * road.median + (len(road.forward) - 0.5) * lane.width)
        aside = outermost - RAMP[1] * share**2 * (1.5 - 0.5 * share)
        knots = guide.beside(place + (-RAMP[0] if joins else RAMP[0]) * share, aside)
        way = through(knots[::-1] if joins else knots, lane.curve.start.heading)
        section = replace(
            end.section, forward=1, backward=0, median=0.0, sidewalks=(0.0, 0.0), speed_limit=speed_limit
        )
        return self._lay(way, section, inner_offset=0.5 * lane.width)


def _way(end: OpenEnd, way: float | Curve) -> Curve:
    return way if isinstance(way, Curve) else straight_line(end.pose, _positive("length", way))


def _positive(name: str, value: float) -> float:
    if not (isinstance(value, int | float) and math.isfinite(value) and value > 0.0):
        raise InvalidOption(f"{name} must be a number of meters above 0, got {value!r}")
    return float(value)


def _check_gaps(turned: Sequence[float]) -> None:
    """Check that roads that meet leave each other enough room."""
    if not 1 <= len(turned) <= 5:
        raise InvalidOption(f"a junction takes 1 to 5 other roads, got {len(turned)}")
    around = np.sort(np.mod([math.pi, *turned], 2.0 * math.pi))
    least = float(np.diff([*around, around[0] + 2.0 * math.pi]).min())
    if least < LEAST_ANGLE - 1e-9:
        raise InvalidOption(
            f"roads must leave a junction at least {math.degrees(LEAST_ANGLE):.0f} degrees apart, also from the "
            f"incoming one, got {math.degrees(least):.0f}"
        )


def _described(pose: Pose) -> str:
    return f"({pose.x:.1f}, {pose.y:.1f}) m, {math.degrees(wrapped(pose.heading)):.0f}°"
