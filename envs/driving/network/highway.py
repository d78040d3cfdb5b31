"""Highways from a seed: two carriageways, with ramps that join and leave, lanes that are added and end."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from envs.driving.network.builder import NetworkBuilder
from envs.driving.network.curves import Curve, Pose, bend, through
from envs.driving.network.network import Arm, Network, Road
from envs.errors import InvalidOption

MOTORWAY_LANE = 3.75  # metres
MEDIAN = 4.0  # metres between the carriageways' inner lanes
EXTRA = (180.0, 260.0)  # metres of an added lane
TAPER = 50.0  # metres over which the paving of a lane that has ended goes back
RAMP = (150.0, 32.0)  # metres along and beside the carriageway of a ramp
EVENTS = ("join", "leave", "add", "weave")


@dataclass(frozen=True)
class HighwayConfig:
    """What highways are like.

    Attributes:
        length: metres.
        lanes: in each direction.
        min_radius: metres, of bends.
        max_heading: rad either side of +x: the highway never meets itself.
        spacing: metres between ramps and added lanes, low and high.
        speed_limit, ramp_speed_limit: m/s.
    """

    length: float = 3000.0
    lanes: int = 3
    min_radius: float = 450.0
    max_heading: float = math.radians(40.0)
    spacing: tuple[float, float] = (340.0, 520.0)
    speed_limit: float = 120.0 / 3.6
    ramp_speed_limit: float = 80.0 / 3.6

    def __post_init__(self) -> None:
        if not 2 <= self.lanes <= 5:
            raise InvalidOption(f"a highway has 2 to 5 lanes in each direction, got {self.lanes}")
        if self.length < 600.0:
            raise InvalidOption(f"a highway is at least 600 m long, got {self.length}")


def generate_highway(seed: int, config: HighwayConfig = HighwayConfig()) -> Network:
    """The highway of a seed; its first roads are those of the carriageway that leads towards +x, in order."""
    rng = np.random.default_rng(seed)
    reference = _reference(rng, config)
    builder = NetworkBuilder(f"highway {seed}")
    _Carriageway(builder, reference.parallel(-0.5 * MEDIAN), config).build(rng)
    other = reference.parallel(0.5 * MEDIAN).reversed()
    _Carriageway(builder, other, config).add(0.0, other.length, config.lanes)
    return replace(builder.build(), guide=reference.parallel(-0.5 * MEDIAN))


def _reference(rng: np.random.Generator, config: HighwayConfig) -> Curve:
    """Clothoids and arcs from one random heading to the next."""
    lengths, curvatures, heading, reached = [150.0], [0.0, 0.0], 0.0, 150.0
    while reached < config.length:
        goal = rng.uniform(-config.max_heading, config.max_heading)
        radius = math.exp(rng.uniform(math.log(config.min_radius), math.log(4.0 * config.min_radius)))
        turn = goal - heading
        ramp = min(120.0, abs(turn) * radius)
        arc = max(abs(turn) * radius - ramp, 0.0)
        peak = math.copysign(1.0 / radius, turn) if arc > 0.0 else turn / max(ramp, 1.0)
        hold = rng.uniform(0.0, 200.0)
        lengths += [ramp, arc, ramp, hold]
        curvatures += [peak, peak, 0.0, 0.0]
        heading, reached = goal, reached + 2.0 * ramp + arc + hold
    return bend(Pose(0.0, 0.0, 0.0), lengths, curvatures).part(0.0, config.length)


class _Carriageway:
    """Lays out one direction, section by section, each linked to the one before."""

    def __init__(self, builder: NetworkBuilder, inner_edge: Curve, config: HighwayConfig) -> None:
        self.builder, self.edge, self.config = builder, inner_edge, config
        self.last: Road | None = None

    def build(self, rng: np.random.Generator) -> None:
        """Sections with random events between them."""
        lanes = self.config.lanes
        reached = 0.0
        while True:
            stretch, extra = float(rng.uniform(*self.config.spacing)), float(rng.uniform(*EXTRA))
            event = str(rng.choice(EVENTS))
            if reached + stretch + extra + TAPER + 200.0 > self.config.length:
                self.add(reached, self.config.length, lanes)
                return
            self.add(reached, reached + stretch, lanes)
            reached += stretch
            joins, leaves = event in ("join", "weave"), event in ("leave", "weave")
            widened = self.add(reached, reached + extra, lanes + 1)
            if joins:
                self._add_ramp(widened, (reached, reached + extra), joins=True)
            if leaves:
                self._add_ramp(widened, (reached, reached + extra), joins=False)
            reached += extra
            if not leaves:
                self._add_taper(reached, lanes)
                reached += TAPER

    def add(self, start: float, stop: float, lanes: int) -> Road:
        """One section."""
        road = self.builder.add_road(
            self.edge.part(start, stop),
            lanes,
            0,
            speed_limit=self.config.speed_limit,
            style="motorway",
            lane_width=MOTORWAY_LANE,
        )
        if self.last is not None:
            self.builder.link_roads(Arm(self.last.index, True), Arm(road.index, False))
        self.last = road
        return road

    def _add_taper(self, start: float, lanes: int) -> None:
        """A section whose paving goes back from one lane more."""
        road = self.add(start, start + TAPER, lanes)
        left, right = road.edges
        self.builder.set_edges(road.index, [left, [right[0] - MOTORWAY_LANE, right[1]]])

    def _add_ramp(self, widened: Road, reached: tuple[float, float], joins: bool) -> None:
        """A road that leads into the outermost lane of a section between two distances, or goes on from it."""
        lane = self.builder.lanes[widened.forward[-1]]
        lateral = -(len(widened.forward) - 0.5) * MOTORWAY_LANE
        share = np.linspace(0.0, 1.0, 16)
        beside = lateral - RAMP[1] * share**2 * (1.5 - 0.5 * share)
        if joins:
            along = reached[0] - RAMP[0] * share
            knots = self.edge.beside(along, beside)[::-1]
        else:
            along = reached[1] + RAMP[0] * share
            knots = self.edge.beside(along, beside)
        curve = through(knots, lane.curve.start.heading)
        ramp = self.builder.add_road(
            curve,
            1,
            0,
            speed_limit=self.config.ramp_speed_limit,
            style="motorway",
            lane_width=MOTORWAY_LANE,
            inner_offset=0.5 * MOTORWAY_LANE,
        )
        if joins:
            self.builder.link(ramp.forward[0], lane.index)
        else:
            self.builder.link(lane.index, ramp.forward[0])
