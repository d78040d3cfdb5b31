"""Lift: raise a cube off the table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from camshaft.envs.arrays import BoolArray, FloatArray
from camshaft.envs.manipulation import experts
from camshaft.envs.manipulation.bodies import cube
from camshaft.envs.manipulation.episode import EpisodeStart, TableConfig
from camshaft.envs.manipulation.staged import StagedSimulation, nearness


@dataclass(frozen=True)
class LiftConfig:
    """Options of the task.

    Attributes:
        table: the table.
        size, mass, friction: meters, kg, Coulomb coefficient of the cube.
        spread: meters, side of the square in which the cube starts.
        height: meters by which the cube must be raised.
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
        A cube lies on a table in front of an arm with a parallel gripper. Control runs at 20 Hz, the physics at 200 Hz.

    Observation:
        By `obs_mode`: camera images; "state" (19,) float32: position and velocity of the gripper, its opening;
        position, roll, pitch, yaw, velocity and angular velocity of the cube; in m, rad, m/s, rad/s.

    Action:
        As in PickAndPlace.

    Reward:
        "dense": `reward/reach`, up to 0.2, closeness of the gripper to the cube; `reward/lift`, up to 0.5, height of
        the cube; `reward/success`, 1. "sparse": `reward/success` alone.

    Success:
        The cube is raised by more than 12 cm.

    Termination:
        None. The time limit of 60 steps truncates.

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

    def _sample_start(self, start: EpisodeStart, rng: np.random.Generator) -> None:
        half = 0.5 * self.config.spread
        height = 0.5 * self.config.size * start.scales[0]
        start.place(0, (*rng.uniform(-half, half, 2), height), rng.uniform(-0.15, 0.15))

    def _raised(self) -> FloatArray:
        """(N,) meters by which the cube is above the table."""
        return self.positions(0)[:, 2] - 0.5 * self.config.size * self.scales[:, 0]

    def stages(self) -> dict[str, FloatArray]:
        """(N,) progress of reach and lift."""
        distance = np.linalg.norm(self.hands - self.positions(0), axis=1)
        return {"reach": nearness(distance, 0.2), "lift": self._raised() / self.config.height}

    def succeeded(self) -> BoolArray:
        """(N,) whether the cube is raised."""
        return np.asarray(self._raised() > self.config.height)

    def _expert_targets(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        width = self.config.size * self.scales[:, 0]
        targets, grip, held = experts.fetch(self.hands, self.openings, self.positions(0), width)
        targets[held, 2] = self.config.height + self.config.size + 0.03
        return targets, experts.square(self.headings(0)), grip
