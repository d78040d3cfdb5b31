"""Traffic of all worlds: vehicles and people around the ego vehicles that react to them and to each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving.road_network.arrays import LaneArrays, WorldArrays, pack
from camshaft.envs.driving.road_network.elements import Network
from camshaft.envs.driving.traffic.advance import advance_traffic, spawn_all
from camshaft.envs.driving.traffic.kinds import SEDAN, VehicleKind
from camshaft.envs.driving.traffic.pedestrians import PathArrays, pack_paths, place_people
from camshaft.envs.driving.traffic.signals import show_signals
from camshaft.envs.driving.traffic.state import NUM_TRAITS, make_occupied, make_people, make_vehicles

SPOT_STEP, SPOT_MARGIN = (
    12.0,
    9.0,
)  # meters between spawn positions, and to the ends of a lane
CAUTIOUS = np.array([0.80, 1.2, 1.1, 1.5, 0.2, 6.0])  # traits of the most cautious driver
BOLD = np.array([1.05, 0.9, 2.0, 2.5, 0.5, 10.0])  # traits of the boldest driver
PACES = (1.0, 1.7)  # m/s, walking speeds


class SpotArrays(NamedTuple):
    """(N, B, 4) lane, meters along it, x and y of spawn positions; lane −1 after the last."""

    spots: FloatArray


@dataclass(frozen=True, eq=False)
class TrafficMap:
    """A network packed for `Traffic.set_map`.

    Attributes:
        network: the packed network.
        lanes, paths, spots: its arrays: lanes, footpaths, spawn positions.
    """

    network: Network
    lanes: LaneArrays
    paths: PathArrays
    spots: SpotArrays

    @classmethod
    def of(cls, network: Network) -> TrafficMap:
        """Pack a network."""
        spots = [
            (lane.index, along, *lane.curve.at(along)[0])
            for lane in network.lanes
            if lane.junction < 0
            for along in np.arange(SPOT_MARGIN, lane.length - SPOT_MARGIN, SPOT_STEP)
        ]
        ended = np.array([*spots, (-1.0, 0.0, 0.0, 0.0)], np.float64)
        return cls(network, pack(network), pack_paths(network), SpotArrays(ended[None]))


class Traffic:
    """Vehicles and people of N worlds.

    Args:
        num_worlds: N.
        num_vehicles: number of other vehicles in each world.
        num_people: number of pedestrians in each world.
        kinds: kinds of vehicles; the first is that of the ego vehicle.
        reach: meters from the ego vehicle at which distant vehicles are respawned, and beyond which they are
            respawned; None to keep them.

    Attributes:
        kinds: kinds of vehicles.
        vehicles, people, occupied: their states; vehicle 0 is the ego vehicle.
        times: (N,) seconds since the start.
        signals: (N, S) states of the signal groups.
    """

    def __init__(
        self,
        num_worlds: int,
        num_vehicles: int,
        num_people: int = 0,
        kinds: Sequence[VehicleKind] = (SEDAN,),
        reach: tuple[float, float] | None = (60.0, 170.0),
    ) -> None:
        self.kinds, self._reach = tuple(kinds), reach or (0.0, 0.0)
        self.vehicles = make_vehicles(num_worlds, num_vehicles + 1)
        self.people = make_people(num_worlds, num_people)
        self.occupied = make_occupied(num_worlds)
        self.times = np.zeros(num_worlds)
        self._lanes: WorldArrays[LaneArrays] = WorldArrays(num_worlds)
        self._paths: WorldArrays[PathArrays] = WorldArrays(num_worlds)
        self._spots: WorldArrays[SpotArrays] = WorldArrays(num_worlds)
        self._crossed = np.zeros((num_worlds, 1), bool)
        self.signals = np.zeros((num_worlds, 1), np.int32)

    @property
    def lanes(self) -> LaneArrays:
        """Lanes of all worlds."""
        return self._lanes.arrays

    @property
    def paths(self) -> PathArrays:
        """Footpaths of all worlds."""
        return self._paths.arrays

    @property
    def crossed(self) -> NDArray[np.bool_]:
        """(N, K) whether vehicles have to keep a crossing clear."""
        return self._crossed

    def set_map(self, world: int, packed: TrafficMap) -> None:
        """Set the network of a world."""
        self._lanes.put(world, packed.lanes)
        self._paths.put(world, packed.paths)
        self._spots.put(world, packed.spots)
        worlds = len(self.times)
        crossings, groups = self.paths.zebra.shape[1], self.lanes.signals.shape[1]
        if self._crossed.shape[1] < crossings:
            longer = np.zeros((worlds, crossings), bool)
            longer[:, : self._crossed.shape[1]] = self._crossed
            self._crossed = longer
        if self.signals.shape[1] < groups:
            self.signals = np.zeros((worlds, groups), np.int32)

    def start(self, world: int, rng: np.random.Generator, least: float = 25.0, most: float = 1e9) -> None:
        """Spawn the vehicles and people of a world around the ego vehicle, whose pose is already set.

        Args:
            world: index of the world.
            rng: source of the samples, and of the seeds of all later random numbers.
            least: meters, smallest distance from the ego vehicle.
            most: meters, largest distance from the ego vehicle.
        """
        vehicles = self.vehicles
        count = vehicles.present.shape[1]
        self.times[world] = 0.0
        self._crossed[world] = False
        vehicles.random[world] = rng.integers(1, 2**63, count, dtype=np.uint64)
        shares = np.array([kind.share for kind in self.kinds])
        vehicles.kind[world] = rng.choice(len(self.kinds), count, p=shares / shares.sum())
        vehicles.kind[world, 0] = 0
        boldness = rng.random((count, NUM_TRAITS))
        vehicles.traits[world] = CAUTIOUS + boldness * (BOLD - CAUTIOUS)
        kinds = [self.kinds[kind] for kind in vehicles.kind[world]]
        vehicles.length[world] = [kind.length for kind in kinds]
        vehicles.width[world] = [kind.width for kind in kinds]
        vehicles.traits[world, :, 0] *= [kind.pace for kind in kinds]
        vehicles.traits[world, :, 2] *= [kind.pace for kind in kinds]
        vehicles.granted[world] = vehicles.shadow[world] = -1
        vehicles.waiting[world] = vehicles.offset[world] = vehicles.acceleration[world] = 0.0
        vehicles.halted[world] = False
        self.occupied.counts[world] = 0
        vehicles.indicator[world] = 0
        spawn_all(self.lanes, vehicles, self._spots.arrays.spots, world, least, most)
        self._start_people(world, rng)
        self.update_signals()

    def _start_people(self, world: int, rng: np.random.Generator) -> None:
        people, paths = self.people, self.paths
        count = people.present.shape[1]
        people.random[world] = rng.integers(1, 2**63, count, dtype=np.uint64)
        number = int(paths.counts[world, 0])
        if number == 0 or count == 0:
            people.present[world] = False
            return
        lengths = np.where(paths.crossing[world, :number] < 0, paths.length[world, :number], 0.0)
        chosen = rng.choice(number, count, p=lengths / lengths.sum())
        people.present[world] = True
        people.path[world] = people.next_path[world] = chosen
        people.along[world] = rng.random(count) * lengths[chosen]
        people.forward[world] = rng.random(count) < 0.5
        people.pace[world] = people.speed[world] = rng.uniform(*PACES, count)
        people.offset[world] = rng.uniform(-1.0, 1.0, count) * (0.5 * paths.width[world, chosen] - 0.3)
        people.state[world] = 0
        people.waiting[world] = 0.0
        people.walked[world] = rng.uniform(0.0, 2.0, count)
        people.kind[world] = rng.integers(0, 2**16, count)
        place_people(paths, people, world)

    def step(self, seconds: float) -> None:
        """Advance everything except the ego vehicles, whose states have been set."""
        advance_traffic(
            self.lanes,
            self.vehicles,
            self.occupied,
            self.paths,
            self.people,
            self._crossed,
            self._spots.arrays.spots,
            self.times,
            seconds,
            *self._reach,
        )
        self.update_signals()

    def update_signals(self) -> None:
        """Update the states of the signal groups."""
        show_signals(self.lanes.counts, self.lanes.signals, self.times, self.signals)

    def get_state(self) -> dict[str, Any]:
        """The state on which the future depends, without the networks."""
        return {
            "vehicles": [array.copy() for array in self.vehicles],
            "people": [array.copy() for array in self.people],
            "times": self.times.copy(),
            "crossed": self._crossed.copy(),
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Restore a state; the networks must be the same as when it was taken."""
        arrays: list[Any] = [*self.vehicles, *self.people]
        for own, saved in zip(arrays, [*state["vehicles"], *state["people"]], strict=True):
            own[...] = saved
        self.times[:] = state["times"]
        count = min(self._crossed.shape[1], state["crossed"].shape[1])  # the networks have no more than these
        self._crossed[:, :count] = state["crossed"][:, :count]
        self.update_signals()
