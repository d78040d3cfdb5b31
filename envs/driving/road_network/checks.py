"""Checks of a road network: lanes that overlap outside junctions or cannot be reached."""

from __future__ import annotations

import networkx
import numpy as np

from camshaft.envs.driving.road_network.elements import Network

MARGIN = 0.6  # meters by which the edges of lanes may overlap
STEP = 4  # stride of the checked points of a lane


def find_faults(network: Network) -> list[str]:
    """Descriptions of all faults of a network."""
    return [*find_overlaps(network), *_unreachable(network)]


def find_dead_ends(network: Network) -> list[int]:
    """Lanes without successors."""
    return [lane.index for lane in network.lanes if not lane.successors]


def find_overlaps(network: Network) -> list[str]:
    """Pairs of lanes of different roads or junctions that are too close to each other."""
    points = [lane.curve.points[::STEP] for lane in network.lanes]
    owner = np.concatenate([np.full(len(part), number) for number, part in enumerate(points)])
    everything = np.concatenate(points)
    widths = np.array([lane.width for lane in network.lanes])
    place = np.array(
        [lane.road if lane.road >= 0 else -1 - lane.junction for lane in network.lanes], np.int64
    )
    cell = np.floor(everything / 8.0).astype(np.int64)
    cells: dict[tuple[int, int], list[int]] = {}
    for index, key in enumerate(map(tuple, cell.tolist())):
        cells.setdefault(key, []).append(index)
    linked = {frozenset((lane.index, after)) for lane in network.lanes for after in lane.successors}
    faults = {}
    for (column, row), inside in cells.items():
        near = [
            index
            for across in (-1, 0, 1)
            for along in (-1, 0, 1)
            for index in cells.get((column + across, row + along), ())
        ]
        distance = np.linalg.norm(everything[inside][:, None] - everything[near][None], axis=2)
        one, other = owner[inside][:, None], owner[near][None]
        close = distance < 0.5 * (widths[one] + widths[other]) - MARGIN
        close &= (place[one] != place[other]) & (one < other)
        for first, second in zip(*np.nonzero(close), strict=True):
            pair = int(one[first, 0]), int(other[0, second])
            if pair not in faults and not _are_neighbors(network, *pair, linked):
                faults[pair] = f"lanes {pair[0]} and {pair[1]} overlap without being connected"
    return list(faults.values())


def _are_neighbors(network: Network, one: int, other: int, linked: set[frozenset[int]]) -> bool:
    """Whether lanes are successive, or adjacent where two roads are joined, or belong to one junction."""
    if frozenset((one, other)) in linked:
        return True
    first, second = network.lanes[one], network.lanes[other]
    if first.road >= 0 and second.road >= 0:
        return any(
            frozenset((a, b)) in linked
            for a in _of_road(network, first.road)
            for b in _of_road(network, second.road)
        )
    road, junction = (first.road, second.junction) if first.road >= 0 else (second.road, first.junction)
    return road >= 0 and junction >= 0 and any(arm.road == road for arm in network.junctions[junction].arms)


def _of_road(network: Network, road: int) -> tuple[int, ...]:
    return network.roads[road].forward + network.roads[road].backward


def _unreachable(network: Network) -> list[str]:
    """Lanes that cannot be reached from the others, in networks without dead ends."""
    graph = lane_graph(network)
    if any(not lane.successors for lane in network.lanes):
        return []
    parts = list(networkx.strongly_connected_components(graph))
    if len(parts) == 1:
        return []
    largest = max(parts, key=len)
    return [
        f"lane {lane.index} cannot be reached from everywhere"
        for lane in network.lanes
        if lane.index not in largest
    ]


def lane_graph(network: Network) -> networkx.DiGraph:
    """Graph of lanes, with edges to successors and to neighbors that lane changes lead to; `meters` of each."""
    graph = networkx.DiGraph()
    for lane in network.lanes:
        graph.add_node(lane.index)
        for after in lane.successors:
            graph.add_edge(lane.index, after, meters=lane.length, change=False)
        for beside in (lane.left, lane.right):
            if beside >= 0:
                graph.add_edge(lane.index, beside, meters=20.0, change=True)
    return graph
