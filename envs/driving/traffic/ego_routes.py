"""Routes of the ego vehicles as arrays for kernels: lanes, commands, stop lines and lane changes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.driving.dynamics import frenet
from camshaft.envs.driving.dynamics.frenet import point_before
from camshaft.envs.driving.road_network.route import CHANGE_LENGTH, Route
from camshaft.envs.driving.traffic.ahead import COMMITTED
from camshaft.envs.kernels import kernel

MOST_STOPS = 24  # stop lines of a route, and lane changes
NEVER = 1e9  # meters


class RouteArrays(NamedTuple):
    """Routes of N worlds; P points at most, with the spacing of the reference paths.

    Attributes:
        lane: (N, P) lane at each point.
        along: (N, P) meters along that lane.
        following: (N, P, 2) the next two lanes, or −1.
        command: (N, P) turn to take at the next junction.
        stops: (N, MOST_STOPS, 3) distance of each stop line along the route, lane behind it and its control; NEVER
            after the last.
        changes: (N, MOST_STOPS, 3) distance of each lane change along the route, target lane and meters along it;
            NEVER after the last.
        length: (N,) meters.
    """

    lane: NDArray[np.int32]
    along: NDArray[np.float64]
    following: NDArray[np.int32]
    command: NDArray[np.int64]
    stops: NDArray[np.float64]
    changes: NDArray[np.float64]
    length: NDArray[np.float64]


class EgoRoutes:
    """Routes of N worlds.

    Attributes:
        arrays: for kernels; replaced when a longer route is set.
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
        """Set the route of one world."""
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


@kernel
def assign_route_lanes(routes, paths, coordinates, vehicles, worlds):  # type: ignore[no-untyped-def]
    """Write the lanes of ego vehicles, by their distances along their routes.

    Args:
        routes: routes of all worlds.
        paths: reference paths of all worlds.
        coordinates: (N, 6) Frenet coordinates of the ego vehicles.
        vehicles: vehicles of all worlds, of which vehicle 0 is updated.
        worlds: (n,) indices of the worlds to update.
    """
    for row in range(worlds.shape[0]):
        world = worlds[row]
        distance = coordinates[world, frenet.DISTANCE]
        point = point_before(paths, world, distance)
        vehicles.lane[world, 0] = routes.lane[world, point]
        vehicles.along[world, 0] = routes.along[world, point] + distance - point * paths.spacing[world]
        vehicles.next_lane[world, 0] = routes.following[world, point, 0]
        vehicles.after_lane[world, 0] = routes.following[world, point, 1]
        vehicles.offset[world, 0] = coordinates[world, frenet.LATERAL]
        vehicles.shadow[world, 0] = -1
        for number in range(routes.changes.shape[1]):
            into = distance - routes.changes[world, number, 0]
            if COMMITTED < into < CHANGE_LENGTH:
                vehicles.shadow[world, 0] = np.int32(routes.changes[world, number, 1])
                break


@kernel
def read_commands(routes, paths, coordinates, commands):  # type: ignore[no-untyped-def]
    """Write (N,) the turn that each car has to take at the next junction."""
    for world in range(coordinates.shape[0]):
        point = point_before(paths, world, coordinates[world, frenet.DISTANCE])
        commands[world] = routes.command[world, point]
