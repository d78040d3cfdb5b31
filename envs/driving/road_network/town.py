"""Town generator: streets between the points of a distorted grid that meet in junctions and roundabouts."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import networkx
import numpy as np

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving.road_network.builder import EDGE_MARGIN, LANE_WIDTH, NetworkBuilder
from camshaft.envs.driving.road_network.checks import find_dead_ends, find_faults
from camshaft.envs.driving.road_network.curves import Pose, join
from camshaft.envs.driving.road_network.elements import DASHED, Arm, Network
from camshaft.envs.driving.road_network.footpaths import add_footpaths
from camshaft.envs.driving.road_network.junctions import LEAST_ANGLE, add_junction, reach
from camshaft.envs.driving.road_network.roundabouts import add_roundabout, roundabout_reach
from camshaft.envs.errors import CamshaftError, InvalidOption

SIDEWALK = 2.6  # meters
ATTEMPTS = 40  # layouts sampled before giving up
SHORTEST = 24.0  # meters, shortest street between two junctions


@dataclass(frozen=True)
class TownConfig:
    """Configuration of towns.

    Attributes:
        columns, rows: number of grid points.
        spacing: meters between grid points.
        jitter: meters, largest displacement of grid points.
        missing: share of the grid's streets that are omitted.
        avenues: share of the grid lines with two lanes in each direction.
        bend: rad, largest angle between a street's direction at a junction and the straight line to the next one.
        speed_limit, avenue_speed_limit: m/s.
        midway_crossings: shortest street (meters) with a crossing in its middle, and the probability of one; half
            of these are crosswalks with priority.
        kinds: kinds of junctions of three or four streets, and their sampling weights.
    """

    columns: int = 5
    rows: int = 4
    spacing: float = 100.0
    jitter: float = 14.0
    missing: float = 0.12
    avenues: float = 0.35
    bend: float = math.radians(13.0)
    speed_limit: float = 30.0 / 3.6
    avenue_speed_limit: float = 50.0 / 3.6
    midway_crossings: tuple[float, float] = (60.0, 0.5)
    kinds: tuple[tuple[str, float], ...] = (
        ("lights", 0.35),
        ("priority", 0.25),
        ("stop", 0.1),
        ("right_before_left", 0.15),
        ("roundabout", 0.15),
    )

    def __post_init__(self) -> None:
        if self.columns < 2 or self.rows < 2:
            raise InvalidOption(f"a town needs 2 × 2 points, got {self.columns} × {self.rows}")
        if not 60.0 <= self.spacing <= 400.0 or not 0.0 <= self.jitter <= 0.2 * self.spacing:
            raise InvalidOption(
                "a town needs 60 to 400 m between points and a jitter of at most a fifth of that, got "
                f"{self.spacing} and {self.jitter}"
            )
        if not 0.0 <= self.missing <= 0.5:
            raise InvalidOption(f"the share of omitted streets must be within 0..0.5, got {self.missing}")


def generate_town(seed: int, config: TownConfig = TownConfig()) -> Network:
    """Generate the town of a seed.

    Raises:
        CamshaftError: no layout of this configuration can be built.
    """
    for attempt in range(ATTEMPTS):
        rng = np.random.default_rng([seed, attempt])
        try:
            network = _build(_Plan(rng, config), rng, config, f"town {seed}")
        except ValueError:  # a bend is too tight
            continue
        if not find_faults(network) and not find_dead_ends(network):
            return network
    raise CamshaftError(f"no town of seed {seed} could be laid out with {config}")


class _Plan:
    """Plan of a town: points, and the streets that join them.

    Attributes:
        graph: points as nodes, streets as edges; `points` and `wide` by node and edge.
    """

    def __init__(self, rng: np.random.Generator, config: TownConfig) -> None:
        columns, rows = config.columns, config.rows
        grid = config.spacing * np.stack(
            np.meshgrid(np.arange(columns), np.arange(rows), indexing="ij"), axis=-1
        )
        turn = rng.uniform(0.0, 2.0 * math.pi)
        moved = grid + rng.uniform(-config.jitter, config.jitter, grid.shape)
        moved -= moved.mean(axis=(0, 1))
        rotation = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
        self.points: FloatArray = (moved @ rotation.T).reshape(-1, 2)
        self.graph = networkx.Graph()
        wide_columns, wide_rows = rng.random(columns) < config.avenues, rng.random(rows) < config.avenues
        for column in range(columns):
            for row in range(rows):
                here = column * rows + row
                if row + 1 < rows:
                    self.graph.add_edge(here, here + 1, wide=bool(wide_columns[column]))
                if column + 1 < columns:
                    self.graph.add_edge(here, here + rows, wide=bool(wide_rows[row]))
        self._thin(rng, config.missing)
        self._widen()

    def _thin(self, rng: np.random.Generator, share: float) -> None:
        """Remove streets, but none whose removal makes a dead end or disconnects the town."""
        edges = list(self.graph.edges)
        goal = round(share * len(edges))
        for place in rng.permutation(len(edges)):
            if goal == 0:
                return
            one, other = edges[place]
            if min(self.graph.degree[one], self.graph.degree[other]) <= 2:
                continue
            attributes = self.graph.edges[one, other]
            self.graph.remove_edge(one, other)
            if networkx.has_bridges(self.graph) or not networkx.is_connected(self.graph):
                self.graph.add_edge(one, other, **attributes)
            else:
                goal -= 1

    def _widen(self) -> None:
        """Give streets that continue in a bend the same width."""
        bends = [node for node, degree in self.graph.degree if degree == 2]
        for _ in bends:  # until the width has reached the end of the longest chain of bends
            for node in bends:
                edges = [self.graph.edges[edge] for edge in self.graph.edges(node)]
                wide = any(edge["wide"] for edge in edges)
                for edge in edges:
                    edge["wide"] = wide


class _Crossroads:
    """One point of the plan: its streets, counter-clockwise."""

    def __init__(self, plan: _Plan, node: int, rng: np.random.Generator, config: TownConfig) -> None:
        self.center = plan.points[node]
        bends = {
            other: _bearing(self.center, plan.points[other]) + rng.uniform(-config.bend, config.bend)
            for other in plan.graph[node]
        }
        self.neighbors = sorted(bends, key=lambda other: bends[other] % (2.0 * math.pi))
        angles = [bends[other] for other in self.neighbors]
        self.widths = [half_width(plan.graph.edges[node, other]["wide"]) for other in self.neighbors]
        wide = any(plan.graph.edges[node, other]["wide"] for other in self.neighbors)
        self.kind = "bend" if len(angles) == 2 else _sample_kind(rng, config, wide)
        if self.kind == "bend":
            through = 0.5 * _turned(angles[0] + math.pi, angles[1]) + angles[0] + math.pi
            angles, distance = [through + math.pi, through], 0.0
        elif self.kind == "roundabout":
            distance = roundabout_reach(self.widths)
        else:
            distance = reach(self.widths, angles)
        gaps = np.diff([*angles, angles[0] + 2.0 * math.pi])
        if self.kind != "bend" and np.min(gaps % (2.0 * math.pi)) < LEAST_ANGLE:
            raise ValueError("two streets leave a junction too close to each other")
        self.angles = dict(zip(self.neighbors, angles, strict=True))
        self.distance = distance

    def mouth(self, neighbor: int) -> Pose:
        """Pose at which the street to a neighbor begins, facing the neighbor."""
        return Pose(self.center[0], self.center[1], self.angles[neighbor]).moved(self.distance)


def half_width(wide: bool) -> float:
    """Meters from the middle of a street to its curb."""
    return (2 if wide else 1) * LANE_WIDTH + EDGE_MARGIN["town"]


def _build(plan: _Plan, rng: np.random.Generator, config: TownConfig, name: str) -> Network:
    builder = NetworkBuilder(name)
    crossroads = {node: _Crossroads(plan, node, rng, config) for node in plan.graph}
    arms: dict[tuple[int, int], Arm] = {}
    for one, other, wide in plan.graph.edges(data="wide"):
        first, last = crossroads[one].mouth(other), crossroads[other].mouth(one).reversed()
        curve = join(first, last)
        if curve.length < SHORTEST or np.abs(curve.curvature).max() > 1.0 / (half_width(wide) + 9.0):
            raise ValueError("a street is too short or bends too much")
        road = builder.add_road(
            curve,
            2 if wide else 1,
            2 if wide else 1,
            speed_limit=config.avenue_speed_limit if wide else config.speed_limit,
            sidewalks=(SIDEWALK, SIDEWALK),
            center_line="solid" if wide else DASHED,
        )
        arms[one, other], arms[other, one] = Arm(road.index, False), Arm(road.index, True)
    joints = list(_join_streets(builder, plan, crossroads, arms, rng))
    long = [road.index for road in builder.roads if road.curve.length > config.midway_crossings[0]]
    crossed = {road: bool(rng.random() < 0.5) for road in long if rng.random() < config.midway_crossings[1]}
    add_footpaths(builder, joints, crossed)
    return builder.build()


def _join_streets(
    builder: NetworkBuilder,
    plan: _Plan,
    crossroads: dict[int, _Crossroads],
    arms: dict[tuple[int, int], Arm],
    rng: np.random.Generator,
) -> Iterator[tuple[Arm, Arm]]:
    """Add the junctions; yields the pairs of arms that are joined without one."""
    for node, place in crossroads.items():
        own = [arms[node, other] for other in place.neighbors]
        offset = float(rng.uniform(0.0, 30.0))
        if place.kind == "bend":
            builder.link_roads(own[0], own[1])
            yield own[0], own[1]
        elif place.kind == "roundabout":
            add_roundabout(builder, own, place.center)
        else:
            wide = [
                number
                for number, other in enumerate(place.neighbors)
                if plan.graph.edges[node, other]["wide"]
            ]
            major = (wide[0], wide[1]) if len(wide) == 2 else None
            add_junction(builder, own, place.kind, major=major, offset=offset)


def _sample_kind(rng: np.random.Generator, config: TownConfig, wide: bool) -> str:
    """Sample a kind of junction; roundabouts have one lane and are for narrow streets."""
    names, shares = zip(*config.kinds, strict=True)
    odds = np.array([0.0 if wide and name == "roundabout" else share for name, share in config.kinds])
    odds = odds if odds.sum() > 0.0 else np.array(shares)
    return str(rng.choice(names, p=odds / odds.sum()))


def _bearing(start: FloatArray, end: FloatArray) -> float:
    return math.atan2(end[1] - start[1], end[0] - start[0])


def _turned(start: float, end: float) -> float:
    """Signed angle from one direction to another, the short way."""
    return math.atan2(math.sin(end - start), math.cos(end - start))
