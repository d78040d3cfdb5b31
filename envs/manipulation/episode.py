"""What a manipulation task is given, and what it fills in when an episode begins."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.arrays import FloatArray


@dataclass(frozen=True)
class TableConfig:
    """What every task lets a user change.

    Attributes:
        length, width, middle: meters, of the table top and the x of its middle.
        fingers: whether the fingers move; closed without.
        home: meters, where the grasp point starts.
    """

    length: float = 1.1
    width: float = 0.8
    middle: float = -0.3
    fingers: bool = True
    home: tuple[float, float, float] = (0.04, 0.0, 0.2)


@dataclass
class Start:
    """How an episode begins, to be filled in by a task.

    Attributes:
        poses: (B, 7) of the bodies.
        sliders: (B,) meters or rad.
        variants: (B,) which of their parts.
        colors: (B, 3).
        scales: (B,).
        goal: (G,) of goal tasks.
    """

    poses: FloatArray
    sliders: FloatArray
    variants: NDArray[np.int64]
    colors: FloatArray
    scales: FloatArray
    goal: FloatArray

    def put(self, index: int, position: Sequence[float] | FloatArray, yaw: float = 0.0) -> None:
        """Stand a body upright."""
        self.poses[index] = (*position, 0.0, 0.0, math.sin(0.5 * yaw), math.cos(0.5 * yaw))
