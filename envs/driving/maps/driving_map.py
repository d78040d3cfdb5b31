"""Maps of the driving tasks: road networks with their traffic arrays, meshes, layouts and rasters, cached by seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from camshaft.envs.driving.maps.raster import Raster, rasterize
from camshaft.envs.driving.road_network.circuit import CircuitConfig, generate_circuit
from camshaft.envs.driving.road_network.elements import Network
from camshaft.envs.driving.road_network.highway import HighwayConfig, generate_highway
from camshaft.envs.driving.road_network.opendrive import read_opendrive
from camshaft.envs.driving.road_network.route import Route, make_route
from camshaft.envs.driving.road_network.shortest_paths import ShortestPaths
from camshaft.envs.driving.road_network.town import TownConfig, generate_town
from camshaft.envs.driving.streets.appearance import nominal_appearance
from camshaft.envs.driving.streets.layout import Layout
from camshaft.envs.driving.streets.layout_by_style import lay_out
from camshaft.envs.driving.streets.street_mesh import build_street_mesh
from camshaft.envs.driving.streets.strips import ChunkedMesh
from camshaft.envs.driving.traffic.traffic import TrafficMap
from camshaft.envs.errors import CamshaftError, InvalidOption
from camshaft.envs.randomization import Split

Map = TypeVar("Map")

CACHE_SIZE = 256  # maps of each kind kept in memory
LEAST_LANE = 40.0  # meters, length of a lane on which a route may begin or end
TRIES = 200  # starts of a route sampled before giving up


@dataclass(frozen=True, eq=False)
class DrivingMap:
    """One map; what is derived from its network is computed on first use.

    Attributes:
        network: lanes, roads, junctions.
        seed: seed that it was generated from.
        style: style of the roads and of the objects beside them: "town", "motorway" or "circuit".
    """

    network: Network
    seed: int
    style: str

    @cached_property
    def traffic(self) -> TrafficMap:
        """The network as arrays for traffic."""
        return TrafficMap.of(self.network)

    @cached_property
    def shortest_paths(self) -> ShortestPaths:
        """Shortest paths between all lanes."""
        return ShortestPaths(self.network)

    def sample_route(self, rng: np.random.Generator, length: tuple[float, float]) -> Route:
        """Sample a route between two points on roads.

        Args:
            rng: source of the samples.
            length: meters, low and high.

        Raises:
            CamshaftError: no route of such a length was found.
        """
        lanes = [lane for lane in self.network.lanes if lane.junction < 0 and lane.length > LEAST_LANE]
        meters = self.shortest_paths.meters
        wanted = rng.uniform(*length)
        for _ in range(TRIES):
            first = lanes[int(rng.integers(len(lanes)))]
            start = float(rng.uniform(4.0, first.length - 20.0))
            goal = wanted + start
            last = [
                lane
                for lane in lanes
                if lane is not first
                and meters[first.index, lane.index] + 8.0 < goal
                and goal < meters[first.index, lane.index] + lane.length - 4.0
            ]
            if last:
                chosen = last[int(rng.integers(len(last)))]
                path = self.shortest_paths.find(first.index, chosen.index)
                return make_route(self.network, path, start, goal - float(meters[first.index, chosen.index]))
        raise CamshaftError(
            f"no route of {length[0]:g} to {length[1]:g} m was found in {self.network.name}: ask for a shorter one"
        )

    @cached_property
    def mesh(self) -> ChunkedMesh:
        """Paving, curbs, markings and ground, in surfaces that the appearance replaces."""
        return build_street_mesh(self.network, nominal_appearance(self.style))

    @cached_property
    def layout(self) -> Layout:
        """Objects beside the roads."""
        return lay_out(self.style, self.network, self.seed)

    @cached_property
    def raster(self) -> Raster:
        """Semantic labels of the ground, for the bird's-eye sensor."""
        return rasterize(self.network, self.layout.obstacles)


@lru_cache(CACHE_SIZE)
def town_map(seed: int, config: TownConfig = TownConfig()) -> DrivingMap:
    """The town of a seed."""
    return DrivingMap(generate_town(seed, config), seed, "town")


@lru_cache(CACHE_SIZE)
def highway_map(seed: int, config: HighwayConfig = HighwayConfig()) -> DrivingMap:
    """The highway of a seed."""
    return DrivingMap(generate_highway(seed, config), seed, "motorway")


@lru_cache(CACHE_SIZE)
def circuit_map(seed: int, config: CircuitConfig = CircuitConfig()) -> DrivingMap:
    """The race track of a seed."""
    return DrivingMap(generate_circuit(seed, config), seed, "circuit")


def as_map(given: DrivingMap | Network | str | Path) -> DrivingMap:
    """Convert a custom map to a `DrivingMap`: a network, for example of `RoadBlocks`, or an OpenDRIVE file (.xodr)."""
    if isinstance(given, DrivingMap):
        return given
    if isinstance(given, Network):
        return DrivingMap(given, 0, "town")
    if isinstance(given, str | Path):
        if not Path(given).is_file():
            raise InvalidOption(f"map: there is no OpenDRIVE file (.xodr) at {str(given)!r}")
        return DrivingMap(read_opendrive(given), 0, "town")
    raise InvalidOption(
        f"a map must be a DrivingMap, a Network or the path of an OpenDRIVE file (.xodr), got {type(given).__name__}"
    )


def sample_map(
    make: Callable[[int, Any], Map], config: Any, count: int, rng: np.random.Generator, split: Split
) -> Map:
    """Sample one of `count` maps of a split: even seeds for training, odd ones for testing, any for None."""
    number = int(rng.integers(count))
    seed = number if split is None else 2 * number + (split == "test")
    return make(seed, config)
