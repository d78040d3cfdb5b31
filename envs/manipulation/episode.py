"""Options of the table, and the initial state of an episode."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.arrays import FloatArray


@dataclass(frozen=True)
class TableConfig:
    """Options that all tasks share.

    Attributes:
        length: meters, table top along x.
        width: meters, table top along y.
        middle: meters, x of the middle of the table top.
        fingers: whether the fingers move; otherwise they stay closed.
        home: meters, initial position of the grasp point.
    """

    length: float = 1.1
    width: float = 0.8
    middle: float = -0.3
    fingers: bool = True
    home: tuple[float, float, float] = (0.04, 0.0, 0.2)


@dataclass
class EpisodeStart:
    """Initial state of an episode, which a task fills in.

    Attributes:
        poses: (B, 7) of the bodies: position in meters, quaternion x, y, z, w.
        sliders: (B,) meters or rad.
        variants: (B,) indices into `Body.variants`.
        colors: (B, 3) of the bodies.
        scales: (B,) scale factors of the bodies' sizes.
        goal: (G,) goal of a goal task.
    """

    poses: FloatArray
    sliders: FloatArray
    variants: NDArray[np.int64]
    colors: FloatArray
    scales: FloatArray
    goal: FloatArray

    def place(self, index: int, position: Sequence[float] | FloatArray, yaw: float = 0.0) -> None:
        """Put a body upright at a position (3,) in meters, turned by `yaw` (rad)."""
        self.poses[index] = (*position, 0.0, 0.0, math.sin(0.5 * yaw), math.cos(0.5 * yaw))
