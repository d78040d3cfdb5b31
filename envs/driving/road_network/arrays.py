"""Road networks of all worlds as arrays for kernels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.driving.road_network.elements import FREE, Network

MOST_SUCCESSORS = 4
CELL = 12.0  # meters, cell size of the grid that finds lanes near a position
ROOM = 1.25  # growth factor of arrays beyond the current need
FIXED = 8  # largest size of an axis that gets no reserve
X, Y, HEADING, CURVATURE = range(4)  # columns of `points`


Arrays = TypeVar("Arrays", bound=tuple)  # type: ignore[type-arg]


class LaneArrays(NamedTuple):
    """Lanes of N worlds; at most L lanes, P points, C conflicts, S signal groups and K lane crossings.

    Attributes:
        counts: (N, 4) number of lanes, conflicts, signal groups, lane crossings.
        points: (N, P, 4) x, y, heading, curvature of the lane center lines, lane by lane.
        starts: (N, L + 1) first point of each lane.
        spacing, length, width, limit, stop_gap: (N, L) meters and m/s, see `network.Lane`.
        road, junction, turn, control, signal, left, right: (N, L).
        successors: (N, L, 4) lanes, padded with −1.
        predecessor: (N, L) first predecessor, or −1.
        conflict_starts: (N, L + 1) first conflict of each lane.
        conflict_lanes: (N, C) other lane of each conflict.
        conflict_spans: (N, C, 4) begin and end along the lane, and along the other lane.
        conflict_yields: (N, C) whether the lane yields to the other.
        signals: (N, S, 4) cycle, start of green, duration of green, offset; seconds.
        crossing_starts: (N, L + 1) first pedestrian crossing of each lane.
        crossing_distances: (N, K) meters along the lane.
        crossing_ids: (N, K) index of the crossing.
        grid: (N, 4) x and y of the corner; number of columns and rows.
        cell_starts: (N, G + 1) first entry of each cell, column by column.
        cell_lanes: (N, E) lanes near each cell.
    """

    counts: NDArray[np.int64]
    points: NDArray[np.float64]
    starts: NDArray[np.int32]
    spacing: NDArray[np.float64]
    length: NDArray[np.float64]
    width: NDArray[np.float64]
    limit: NDArray[np.float64]
    stop_gap: NDArray[np.float64]
    road: NDArray[np.int32]
    junction: NDArray[np.int32]
    turn: NDArray[np.int32]
    control: NDArray[np.int32]
    signal: NDArray[np.int32]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    successors: NDArray[np.int32]
    predecessor: NDArray[np.int32]
    conflict_starts: NDArray[np.int32]
    conflict_lanes: NDArray[np.int32]
    conflict_spans: NDArray[np.float64]
    conflict_yields: NDArray[np.bool_]
    signals: NDArray[np.float64]
    crossing_starts: NDArray[np.int32]
    crossing_distances: NDArray[np.float64]
    crossing_ids: NDArray[np.int32]
    grid: NDArray[np.float64]
    cell_starts: NDArray[np.int32]
    cell_lanes: NDArray[np.int32]


def pack(network: Network) -> LaneArrays:
    """Pack a network as arrays of one world."""
    lanes = network.lanes
    sizes = [len(lane.curve.points) for lane in lanes]
    points = np.concatenate(
        [np.column_stack([lane.curve.points, lane.curve.heading, lane.curve.curvature]) for lane in lanes]
    )
    conflicts = sorted(
        network.conflicts, key=lambda conflict: (conflict.lane, conflict.begin, conflict.other)
    )
    crossed = sorted(
        (lane, meters, crossing.index) for crossing in network.crossings for lane, meters in crossing.lanes
    )
    successors = np.full((len(lanes), MOST_SUCCESSORS), -1, np.int32)
    for lane in lanes:
        successors[lane.index, : len(lane.successors)] = lane.successors
    grid, cell_starts, cell_lanes = _grid(network)
    one = LaneArrays(
        counts=np.array([len(lanes), len(conflicts), len(network.signals), len(crossed)]),
        points=points,
        starts=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32),
        spacing=np.array([lane.curve.spacing for lane in lanes]),
        length=np.array([lane.length for lane in lanes]),
        width=np.array([lane.width for lane in lanes]),
        limit=np.array([lane.speed_limit for lane in lanes]),
        stop_gap=np.array([lane.stop_gap for lane in lanes]),
        road=_integers(lane.road for lane in lanes),
        junction=_integers(lane.junction for lane in lanes),
        turn=_integers(lane.turn for lane in lanes),
        control=_integers(lane.control if lane.junction >= 0 else FREE for lane in lanes),
        signal=_integers(lane.signal for lane in lanes),
        left=_integers(lane.left for lane in lanes),
        right=_integers(lane.right for lane in lanes),
        successors=successors,
        predecessor=_integers(lane.predecessors[0] if lane.predecessors else -1 for lane in lanes),
        conflict_starts=_starts([conflict.lane for conflict in conflicts], len(lanes)),
        conflict_lanes=_integers(conflict.other for conflict in conflicts),
        conflict_spans=np.array(
            [
                (conflict.begin, conflict.end, conflict.other_begin, conflict.other_end)
                for conflict in conflicts
            ]
        ).reshape(-1, 4),
        conflict_yields=np.array([conflict.yields for conflict in conflicts], bool),
        signals=np.array(
            [(group.cycle, group.green_from, group.green, group.offset) for group in network.signals]
        ).reshape(-1, 4),
        crossing_starts=_starts([lane for lane, _, _ in crossed], len(lanes)),
        crossing_distances=np.array([meters for _, meters, _ in crossed], np.float64),
        crossing_ids=_integers(index for _, _, index in crossed),
        grid=grid,
        cell_starts=cell_starts,
        cell_lanes=cell_lanes,
    )
    arrays: list[NDArray[Any]] = list(one)
    return LaneArrays(*(array[None] for array in arrays))


class WorldArrays(Generic[Arrays]):
    """Named tuples of padded arrays, one row per world, which grow when a larger network is put.

    Attributes:
        arrays: arrays for kernels; replaced when they grow.
    """

    arrays: Arrays

    def __init__(self, num_worlds: int) -> None:
        self._num_worlds = num_worlds
        self._owned: list[NDArray[Any]] = []

    def put(self, world: int, packed: Arrays) -> None:
        """Set the arrays of one world.

        Args:
            world: which.
            packed: its arrays, (1, ...).
        """
        news: list[Any] = list(packed)
        if not self._owned or any(
            own.shape[axis] < new.shape[axis]
            for own, new in zip(self._owned, news, strict=True)
            for axis in range(1, new.ndim)
        ):
            self._owned = self._grown(news)
            self.arrays = type(packed)(*self._owned)
        for own, new in zip(self._owned, news, strict=True):
            place: Any = (world, *(slice(size) for size in new.shape[1:]))
            own[place] = new[0]

    def _grown(self, needs: list[NDArray[Any]]) -> list[NDArray[Any]]:
        arrays = []
        for number, new in enumerate(needs):
            old = self._owned[number] if self._owned else None
            shape = [self._num_worlds]
            for axis in range(1, new.ndim):
                needed, kept = new.shape[axis], 0 if old is None else old.shape[axis]
                fits = kept >= needed or new.shape[axis] <= FIXED
                shape.append(max(kept, needed) if fits else int(ROOM * needed) + 8)
            array = np.zeros(shape, new.dtype)
            if old is not None:
                array[tuple(slice(size) for size in old.shape)] = old
            arrays.append(array)
        return arrays


def _integers(numbers: Iterable[int]) -> NDArray[np.int32]:
    return np.array(list(numbers), np.int32)


def _starts(owners: list[int], count: int) -> NDArray[np.int32]:
    """(count + 1,) index of the first entry of each owner, from sorted owners."""
    return np.searchsorted(owners, np.arange(count + 1)).astype(np.int32)


def _grid(network: Network) -> tuple[NDArray[np.float64], NDArray[np.int32], NDArray[np.int32]]:
    """Grid cells and the lanes near them."""
    low, high = network.bounds
    low = low - CELL
    columns, rows = np.ceil((high + CELL - low) / CELL).astype(int)
    inside = np.zeros((columns * rows, len(network.lanes)), bool)
    around = np.array([[across, along] for across in (-1.0, 0.0, 1.0) for along in (-1.0, 0.0, 1.0)])
    for lane in network.lanes:
        near = lane.curve.points + (0.5 * lane.width + 2.0) * around[:, None] - low
        cells = np.clip(np.floor(near / CELL).astype(int), 0, [columns - 1, rows - 1]).reshape(-1, 2)
        inside[cells[:, 0] * rows + cells[:, 1], lane.index] = True
    starts = np.concatenate([[0], np.cumsum(inside.sum(axis=1))]).astype(np.int32)
    lanes = np.nonzero(inside)[1].astype(np.int32)
    return np.array([low[0], low[1], columns, rows]), starts, lanes
