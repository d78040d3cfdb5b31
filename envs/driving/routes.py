"""The routes of all worlds, as kernels read them: lanes, commands, stop lines, changes of lanes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.driving.country_road import track as places
from camshaft.envs.driving.road_network.route import CHANGE_LENGTH, Route
from camshaft.envs.driving.traffic.ahead import COMMITTED
from camshaft.envs.kernels import inlined, kernel

MOST_STOPS = 24  # stop lines of a route, and changes of lanes
NEVER = 1e9  # meters


class RouteArrays(NamedTuple):
    """Routes of N worlds; P points at most, as many meters apart as the ways' own.

    Attributes:
        lane: (N, P) lane at each point.
        along: (N, P) meters along it.
        following: (N, P, 2) the two lanes that come then, or −1.
        command: (N, P) where to go at the next junction.
        stops: (N, MOST_STOPS, 3) meters along the route of each stop line, lane behind it, what governs it; NEVER
            behind the last.
        changes: (N, MOST_STOPS, 3) meters along the route of each change of lanes, lane, meters along that lane.
        length: (N,) meters.
    """

    lane: NDArray[np.int32]
    along: NDArray[np.float64]
    following: NDArray[np.int32]
    command: NDArray[np.int64]
    stops: NDArray[np.float64]
    changes: NDArray[np.float64]
    length: NDArray[np.float64]


class WorldRoutes:
    """The routes of N worlds.

    Attributes:
        arrays: for kernels; replaced when a longer route comes.
    """

    def __init__(self, num_worlds: int) -> None:
        self.arrays = RouteArrays(
            lane=np.zeros((num_worlds, 1), np.int32),
            along=np.zeros((num_worlds, 1)),
            following=np.zeros((num_worlds, 1, 2), np.int32),
            command=np.zeros((num_worlds, 1), np.int64),
            stops=np.full((num_worlds, MOST_STOPS, 3), NEVER),
            changes=np.full((num_worlds, MOST_STOPS, 3), NEVER),
            length=np.ones(num_worlds),
        )

    def put(self, world: int, route: Route) -> None:
        """Let one world follow a route."""
        count = len(route.lane_at)
        more = int(1.2 * count) + 16 - self.arrays.lane.shape[1]
        if self.arrays.lane.shape[1] < count:
            self.arrays = self.arrays._replace(
                lane=np.pad(self.arrays.lane, ((0, 0), (0, more))),
                along=np.pad(self.arrays.along, ((0, 0), (0, more))),
                following=np.pad(self.arrays.following, ((0, 0), (0, more), (0, 0))),
                command=np.pad(self.arrays.command, ((0, 0), (0, more))),
            )
        arrays = self.arrays
        arrays.lane[world, :count], arrays.along[world, :count] = route.lane_at, route.along_at
        arrays.following[world, :count], arrays.command[world, :count] = route.next_at, route.command_at
        arrays.stops[world] = arrays.changes[world] = NEVER
        for number, stop in enumerate(route.stops[:MOST_STOPS]):
            arrays.stops[world, number] = (stop.distance, stop.lane, stop.control)
        for number, change in enumerate(route.changes[:MOST_STOPS]):
            arrays.changes[world, number] = change
        arrays.length[world] = route.curve.length


@inlined
def point_before(ways, world, distance):  # type: ignore[no-untyped-def]
    """Number of the last point of a way before a place on it."""
    return min(max(int(distance / ways.spacing[world]), 0), ways.counts[world] - 1)


@kernel
def place_on_routes(routes, ways, located, vehicles):  # type: ignore[no-untyped-def]
    """Write the lanes of the ego vehicles, number 0 of `vehicles`, by how far they are on their routes."""
    for world in range(located.shape[0]):
        distance = located[world, places.DISTANCE]
        point = point_before(ways, world, distance)
        vehicles.lane[world, 0] = routes.lane[world, point]
        vehicles.along[world, 0] = routes.along[world, point] + distance - point * ways.spacing[world]
        vehicles.next_lane[world, 0] = routes.following[world, point, 0]
        vehicles.after_lane[world, 0] = routes.following[world, point, 1]
        vehicles.offset[world, 0] = located[world, places.LATERAL]
        vehicles.shadow[world, 0] = -1
        for number in range(routes.changes.shape[1]):
            into = distance - routes.changes[world, number, 0]
            if COMMITTED < into < CHANGE_LENGTH:
                vehicles.shadow[world, 0] = np.int32(routes.changes[world, number, 1])
                break


@kernel
def read_commands(routes, ways, located, commands):  # type: ignore[no-untyped-def]
    """Write (N,) where each car has to go at the next junction."""
    for world in range(located.shape[0]):
        commands[world] = routes.command[world, point_before(ways, world, located[world, places.DISTANCE])]
