"""Highway generator: two carriageways with on- and off-ramps, and lanes that begin and end."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from camshaft.envs.driving.road_network.blocks import RoadBlocks
from camshaft.envs.driving.road_network.cross_section import CrossSection
from camshaft.envs.driving.road_network.curves import Curve, Pose, bend
from camshaft.envs.driving.road_network.elements import Network
from camshaft.envs.errors import InvalidOption

MOTORWAY_LANE = 3.75  # meters
MEDIAN = 4.0  # meters between the carriageways' inner lanes
EXTRA = (180.0, 260.0)  # meters, length of an added lane
TAPER = 50.0  # meters over which the paving tapers behind the end of a lane
EVENTS = ("join", "leave", "add", "weave")


@dataclass(frozen=True)
class HighwayConfig:
    """Configuration of highways.

    Attributes:
        length: meters.
        lanes: number of lanes in each direction.
        min_radius: meters, radius of the tightest bend.
        max_heading: rad from +x, so that the highway never meets itself.
        spacing: meters between ramps and added lanes, low and high.
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
    """Generate the highway of a seed; its first roads are those of the carriageway toward +x, in order."""
    rng = np.random.default_rng(seed)
    reference = _reference(rng, config)
    blocks = RoadBlocks(f"highway {seed}")
    _Carriageway(blocks, reference.parallel(-0.5 * MEDIAN), config).build(rng)
    other = reference.parallel(0.5 * MEDIAN).reversed()
    _Carriageway(blocks, other, config).add(0.0, other.length)
    return replace(blocks.build(), guide=reference.parallel(-0.5 * MEDIAN))


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
    """Builder of one carriageway, block by block."""

    def __init__(self, blocks: RoadBlocks, inner_edge: Curve, config: HighwayConfig) -> None:
        self.blocks, self.edge, self.config = blocks, inner_edge, config
        section = CrossSection(
            config.lanes, 0, config.speed_limit, style="motorway", lane_width=MOTORWAY_LANE
        )
        self.end = blocks.begin(inner_edge.start, section)

    def build(self, rng: np.random.Generator) -> None:
        """Sections with random events between them."""
        reached = 0.0
        while True:
            stretch, extra = float(rng.uniform(*self.config.spacing)), float(rng.uniform(*EXTRA))
            event = str(rng.choice(EVENTS))
            if reached + stretch + extra + TAPER + 200.0 > self.config.length:
                self.add(reached, self.config.length)
                return
            self.add(reached, reached + stretch)
            reached += stretch
            self._add_lane(reached, reached + extra, event)
            reached += extra
            if event in ("join", "add"):
                self.end = self.blocks.merge(self.end, self.edge.part(reached, reached + TAPER))
                reached += TAPER

    def add(self, start: float, stop: float) -> None:
        """Add a section with the same number of lanes."""
        self.end = self.blocks.road(self.end, self.edge.part(start, stop))

    def _add_lane(self, start: float, stop: float, event: str) -> None:
        """Add a section with an additional lane that begins with an on-ramp or ends with an off-ramp."""
        limit = self.config.ramp_speed_limit
        self.end = self.blocks.split(self.end, self.edge.part(start, stop))
        if event in ("join", "weave"):
            self.blocks.on_ramp(self.end, limit, (self.edge, start))
        if event in ("leave", "weave"):
            self.end, _ = self.blocks.off_ramp(self.end, limit, (self.edge, stop))
