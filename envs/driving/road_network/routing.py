"""The shortest way from any lane to any other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving.road_network.network import Network
from camshaft.envs.errors import CamshaftError

CHANGE = 20.0  # meters that a change of lanes counts for
UNREACHED = -9999  # what SciPy writes where there is no way


class Routes:
    """Shortest ways between all lanes of a network.

    Attributes:
        meters: (L, L) from the start of one lane to the start of another, infinite where there is no way.
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
        """Lanes from one to another, both included; neighbors follow one another where one has to change.

        Raises:
            CamshaftError: there is no way.
        """
        lanes = [goal]
        while lanes[-1] != start:
            before = int(self._before[start, lanes[-1]])
            if before == UNREACHED:
                raise CamshaftError(f"no way leads from lane {start} to lane {goal}")
            lanes.append(before)
        return lanes[::-1]
