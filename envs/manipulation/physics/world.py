"""Contract of the physics: one world with an arm, a table and the bodies of a task."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.arrays import FloatArray
from camshaft.envs.manipulation.arms.model import ArmModel
from camshaft.envs.manipulation.bodies import Body, Part

TIME_STEP = 1.0 / 200.0  # s, one substep
SUBSTEPS = 10  # per control step
GRAVITY = 9.81  # m/s²
TABLE_FRICTION = 0.5  # Coulomb coefficient
POSITION_GAIN = 0.05  # share of the position error that a servo removes per substep
TORQUE_MARGIN = 4.0  # servo torque over the arm's own limits; weaker servos overshoot within a control step

Row = Sequence[float]


@dataclass(frozen=True, eq=False)
class Setup:
    """Initial state and dynamics of one world, for an arm with A joints and B bodies.

    Attributes:
        joints: (A,) rad.
        opening: meters between the fingers.
        poses: (B, 7) of the bodies: position in meters, quaternion x, y, z, w; world frame.
        sliders: (B,) meters or rad, positions of the sliders; ignored for bodies without one.
        scales: (B,) scale factors of the bodies' sizes; bodies with a slider are not scaled.
        masses: (B,) kg; a body of mass 0 is fixed.
        frictions: (B,) Coulomb coefficients.
        variants: (B,) indices into `Body.variants`.
        latency: substeps from the start of a control step until its targets take effect, below SUBSTEPS.
    """

    joints: FloatArray
    opening: float
    poses: FloatArray
    sliders: FloatArray
    scales: FloatArray
    masses: FloatArray
    frictions: FloatArray
    variants: NDArray[np.int64]
    latency: int = 0


class Reading(NamedTuple):
    """State of one world, in Python floats that are cheap to gather over worlds.

    Attributes:
        joints: (A + 2,) rad of the arm's joints, and meters of the left and the right finger.
        rates: (A + 2,) rad/s and m/s.
        poses: (F, 7) of the free bodies: position in meters, quaternion x, y, z, w; world frame.
        velocities: (F, 6) of the free bodies: linear (m/s) and angular (rad/s); world frame.
        sliders: (S,) meters or rad, of the bodies with a slider.
    """

    joints: Row
    rates: Row
    poses: list[Row]
    velocities: list[Row]
    sliders: list[float]


class BodyWorld(ABC):
    """One world of bodies, simulated by a physics engine.

    Every engine guarantees:

    - Bit-exact rebuild: after `reset` with equal setups, equal steps give bit-equal readings, in any process and
      whatever the world simulated before. Episodes are stored as a seed and actions on these grounds.
    - Independence: worlds share no state.
    - Servos: every joint is driven toward the velocity `rate + POSITION_GAIN / TIME_STEP · (target − position)`, by at
      most TORQUE_MARGIN times the arm's own torque limit, a finger by at most FINGER_FORCE.
    - Contacts: rigid bodies with Coulomb friction, whose coefficient is the product of both bodies'.
    - Inertia: the center of mass of a free body is the origin of its frame; moments of inertia follow from its shape.
    - Sliders: joint friction holds them; a spring pulls toward the lower limit, by its stiffness times the travel.

    Args:
        number: number of the world, for error messages.
        arm: the arm, its base at `description.base_x`.
        bodies: bodies of the task; ghosts are left out.
        table: fixed parts of the table, in the world frame.

    Attributes:
        free: F indices of the bodies that move freely.
        sliding: S indices of the bodies with a slider.
    """

    def __init__(self, number: int, arm: ArmModel, bodies: Sequence[Body], table: Sequence[Part]) -> None:
        self.number = number
        self.free = [index for index, body in enumerate(bodies) if body.is_free]
        self.sliding = [index for index, body in enumerate(bodies) if body.slider is not None]
        self._arm, self._bodies, self._table = arm, tuple(bodies), tuple(table)

    @abstractmethod
    def reset(self, setup: Setup) -> None:
        """Rebuild the world from scratch, with everything at rest."""

    @abstractmethod
    def step(self, targets: list[float], rates: list[float]) -> None:
        """Advance by one control step: SUBSTEPS of TIME_STEP.

        Until `Setup.latency` has passed, the servos follow the targets of the previous step; in the first step after a
        reset they hold the initial positions.

        Args:
            targets: (A + 2,) positions of the arm's joints (rad), left and right finger (m).
            rates: (A + 2,) velocities (rad/s, m/s) with which to approach them.
        """

    @abstractmethod
    def read(self) -> Reading:
        """State of the world after the last step or reset."""

    @abstractmethod
    def close(self) -> None:
        """Release the engine's resources; the world cannot be used afterwards."""
