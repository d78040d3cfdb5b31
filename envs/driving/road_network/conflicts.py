"""Conflicts between indices lanes, and which lane has priority."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from camshaft.envs.driving.road_network.elements import Conflict, Lane

CLEARANCE = 2.3  # meters between lane center lines at which two cars just pass each other
STEP = 2  # stride of the checked points of a lane


def find_conflicts(lanes: Sequence[Lane], yields: Callable[[Lane, Lane], bool]) -> list[Conflict]:
    """Conflicts of all pairs of lanes that cross or merge, one for each lane of a pair.

    Lanes that diverge (share a predecessor) or are successive are no conflicts: there, vehicles follow each
    other.

    Args:
        lanes: lanes to compare.
        yields: whether the first of two lanes yields to the second.
    """
    found = []
    for number, one in enumerate(lanes):
        for other in lanes[number + 1 :]:
            if set(one.predecessors) & set(other.predecessors):
                continue
            if other.index in one.successors or one.index in other.successors:
                continue
            spans = _overlap(one, other)
            if spans is None:
                continue
            first, second = spans
            found.append(Conflict(one.index, other.index, *first, *second, yields(one, other)))
            found.append(Conflict(other.index, one.index, *second, *first, yields(other, one)))
    return found


def _overlap(one: Lane, other: Lane) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """Meters along both lanes between which their center lines are too close, or None."""
    first, second = one.curve, other.curve
    a, b = first.points[::STEP], second.points[::STEP]
    near = np.linalg.norm(a[:, None] - b[None], axis=2) < CLEARANCE
    if not near.any():
        return None
    rows, columns = np.flatnonzero(near.any(axis=1)), np.flatnonzero(near.any(axis=0))
    margin = 0.5 * STEP
    return (
        _span(rows, STEP * first.spacing, margin, one.length),
        _span(columns, STEP * second.spacing, margin, other.length),
    )


def _span(indices: np.ndarray, step: float, margin: float, length: float) -> tuple[float, float]:
    return max(float(indices[0]) * step - margin, 0.0), min(float(indices[-1]) * step + margin, length)
