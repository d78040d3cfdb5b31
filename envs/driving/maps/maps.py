"""Maps of the driving tasks, made once for each seed and kept: networks and what is derived from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.driving.road_network.circuit import CircuitConfig, generate_circuit
from camshaft.envs.driving.road_network.highway import HighwayConfig, generate_highway
from camshaft.envs.driving.road_network.network import Network
from camshaft.envs.driving.road_network.opendrive import read_opendrive
from camshaft.envs.driving.road_network.route import Route, make_route
from camshaft.envs.driving.road_network.routing import Routes
from camshaft.envs.driving.road_network.town import TownConfig, generate_town
from camshaft.envs.driving.traffic.traffic import TrafficMap
from camshaft.envs.errors import CamshaftError, InvalidOption
from camshaft.envs.randomization import Split

if TYPE_CHECKING:
    from camshaft.envs.driving.streets.layout import Layout
    from camshaft.envs.driving.streets.strips import ChunkedMesh

Map = TypeVar("Map")

KEPT = 256  # maps of each kind in memory
LEAST_LANE = 40.0  # meters of a lane on which a route may begin or end
TRIES = 200  # starts of a route that are drawn before giving up


@dataclass(frozen=True, eq=False)
class DrivingMap:
    """One map; what is derived from its network is made when it is first asked for.

    Attributes:
        network: lanes, roads, junctions.
        seed: that it was made from.
        style: of its roads and of what stands beside them: "town", "motorway" or "circuit".
    """

    network: Network
    seed: int
    style: str

    @cached_property
    def traffic(self) -> TrafficMap:
        """As traffic needs it."""
        return TrafficMap.of(self.network)

    @cached_property
    def routes(self) -> Routes:
        """Shortest ways between lanes."""
        return Routes(self.network)

    def draw_route(self, rng: np.random.Generator, length: tuple[float, float]) -> Route:
        """A route of about so many meters, low and high, between two places on roads."""
        lanes = [lane for lane in self.network.lanes if lane.junction < 0 and lane.length > LEAST_LANE]
        meters = self.routes.meters
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
                way = self.routes.find(first.index, chosen.index)
                return make_route(self.network, way, start, goal - float(meters[first.index, chosen.index]))
        raise CamshaftError(
            f"no route of {length[0]:g} to {length[1]:g} m was found in {self.network.name}: ask for a shorter one"
        )

    @cached_property
    def mesh(self) -> ChunkedMesh:
        """Paving, curbs, markings and ground, in surfaces that are to be replaced."""
        from camshaft.envs.driving.streets.appearance import plain_look
        from camshaft.envs.driving.streets.street_mesh import build_street_mesh

        return build_street_mesh(self.network, plain_look(self.style))

    @cached_property
    def layout(self) -> Layout:
        """What stands beside the roads."""
        from camshaft.envs.driving.streets.layouts import lay_out

        return lay_out(self.style, self.network, self.seed)

    @cached_property
    def raster(self) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
        """As `map_raster.rasterize`."""
        from camshaft.envs.driving.maps.raster import rasterize

        return rasterize(self)


@lru_cache(KEPT)
def town_map(seed: int, config: TownConfig = TownConfig()) -> DrivingMap:
    """The town of a seed."""
    return DrivingMap(generate_town(seed, config), seed, "town")


@lru_cache(KEPT)
def highway_map(seed: int, config: HighwayConfig = HighwayConfig()) -> DrivingMap:
    """The highway of a seed."""
    return DrivingMap(generate_highway(seed, config), seed, "motorway")


@lru_cache(KEPT)
def circuit_map(seed: int, config: CircuitConfig = CircuitConfig()) -> DrivingMap:
    """The race track of a seed."""
    return DrivingMap(generate_circuit(seed, config), seed, "circuit")


def as_map(given: DrivingMap | Network | str | Path) -> DrivingMap:
    """A map of one's own: one as it is, a network (of `RoadBlocks`, for example), or an OpenDRIVE file."""
    if isinstance(given, DrivingMap):
        return given
    if isinstance(given, Network):
        return DrivingMap(given, 0, "town")
    if isinstance(given, str | Path):
        if not Path(given).is_file():
            raise InvalidOption(f"map: there is no OpenDRIVE file (.xodr) at {str(given)!r}")
        return DrivingMap(read_opendrive(given), 0, "town")
    raise InvalidOption(
        f"a map is a DrivingMap, a Network or the path of an OpenDRIVE file (.xodr), got {type(given).__name__}"
    )


def draw_map(
    make: Callable[[int, Any], Map], config: Any, count: int, rng: np.random.Generator, split: Split
) -> Map:
    """One of `count` maps of a split: even seeds are for training, odd ones for testing, any without randomization."""
    number = int(rng.integers(count))
    seed = number if split is None else 2 * number + (split == "test")
    return make(seed, config)
