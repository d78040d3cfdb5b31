"""Shortest paths between all lanes of a road network."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving.road_network.elements import Network
from camshaft.envs.errors import CamshaftError

CHANGE = 20.0  # meters, cost of a lane change
UNREACHED = -9999  # predecessor that SciPy writes where there is no path


class ShortestPaths:
    """Shortest paths between all lanes of a network.

    Attributes:
        meters: (L, L) from the start of one lane to the start of another, infinite where there is none.
    """

    def __init__(self, network: Network) -> None:
        rows, columns, meters = [], [], []
        for lane in network.lanes:
            for after in lane.successors:
                rows.append(lane.index)
                columns.append(after)
                meters.append(lane.length)
            for beside in (lane.left, lane.right):
                if beside >= 0:
                    rows.append(lane.index)
                    columns.append(beside)
                    meters.append(CHANGE)
        count = len(network.lanes)
        graph = csr_array((meters, (rows, columns)), shape=(count, count))
        distance, before = dijkstra(graph, return_predecessors=True)
        self.meters: FloatArray = distance
        self._before: NDArray[np.int32] = before

    def find(self, start: int, goal: int) -> list[int]:
        """Lanes from `start` to `goal`, both included; a lane change is a step to a neighboring lane.

        Raises:
            CamshaftError: there is no path.
        """
        lanes = [goal]
        while lanes[-1] != start:
            before = int(self._before[start, lanes[-1]])
            if before == UNREACHED:
                raise CamshaftError(f"no path leads from lane {start} to lane {goal}")
            lanes.append(before)
        return lanes[::-1]
