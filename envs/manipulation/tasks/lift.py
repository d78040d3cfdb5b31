"""Lift: raise a cube off the table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from camshaft.envs.arrays import BoolArray, FloatArray
from camshaft.envs.manipulation import experts
from camshaft.envs.manipulation.bodies import cube
from camshaft.envs.manipulation.experts import Pick
from camshaft.envs.manipulation.simulation import Start, TableConfig
from camshaft.envs.manipulation.staged import StagedSimulation, nearness


@dataclass(frozen=True)
class LiftConfig:
    """What a user may change about the task.

    Attributes:
        table: the table.
        size, mass, friction: meters, kg, Coulomb coefficient of the cube.
        spread: meters, side of the square that the cube is drawn from.
        height: meters above where it lay that the cube has to be raised.
    """

    table: TableConfig = TableConfig()
    size: float = 0.04
    mass: float = 0.2
    friction: float = 1.0
    spread: float = 0.3
    height: float = 0.12


class Lift(StagedSimulation):
    """Raise a cube off the table.

    Description:
        A cube lies on a table before an arm with a parallel gripper. Control runs at 20 Hz, the physics at 200 Hz.

    Observation:
        By `obs_mode`: images; "state" (19,) float32: position and velocity of the gripper, its opening, position,
        roll, pitch, yaw, velocity and angular velocity of the cube, in m, rad, m/s, rad/s.

    Action:
        As in PickAndPlace.

    Reward:
        "dense": `reward/reach` up to 0.2, the nearer the gripper is to the cube; `reward/lift` up to 0.5, the higher
        the cube; `reward/success` 1. "sparse": the last alone.

    Success:
        The cube is 12 cm higher than it lay.

    Termination:
        None but the time limit of 60 steps.

    Randomization:
        As in Push.

    Source:
        robosuite's Lift (Zhu et al. 2020).
    """

    stage_weights: ClassVar[Mapping[str, float]] = {"reach": 0.2, "lift": 0.5}

    def __init__(self, num_worlds: int = 1, *, config: LiftConfig = LiftConfig(), **options: Any) -> None:
        self.config = config
        bodies = (cube("cube", config.size, (0.8, 0.2, 0.15), config.mass, config.friction),)
        super().__init__(num_worlds, bodies, config.table, **options)

    def _place(self, start: Start, rng: np.random.Generator) -> None:
        half = 0.5 * self.config.spread
        height = 0.5 * self.config.size * start.scales[0]
        start.put(0, (*rng.uniform(-half, half, 2), height), rng.uniform(-0.15, 0.15))

    def _raised(self) -> FloatArray:
        return self.places(0)[:, 2] - 0.5 * self.config.size * self.scales[:, 0]

    def stages(self) -> dict[str, FloatArray]:
        """(N,) reach and lift."""
        away = np.linalg.norm(self.hands - self.places(0), axis=1)
        return {"reach": nearness(away, 0.2), "lift": self._raised() / self.config.height}

    def succeeded(self) -> BoolArray:
        """(N,) whether the cube is up."""
        return np.asarray(self._raised() > self.config.height)

    def _state_names(self) -> tuple[str, ...]:
        return (*self.arm_names(), *self.body_names(0))

    def _state(self) -> FloatArray:
        return np.concatenate([self.arm_state(), self.body_state(0)], axis=1)

    def _expert(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        width = self.config.size * self.scales[:, 0]
        targets, grip, held = experts.fetch(self.hands, self.openings, self.places(0), Pick(), width)
        targets[held, 2] = self.config.height + self.config.size + 0.03
        return targets, experts.square(self.headings(0)), grip
