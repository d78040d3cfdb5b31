"""Pick and place: move a cube to a goal on the table or in the air."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from camshaft.envs.arrays import FloatArray
from camshaft.envs.manipulation import experts
from camshaft.envs.manipulation.bodies import cube
from camshaft.envs.manipulation.episode import EpisodeStart, TableConfig
from camshaft.envs.manipulation.goals import ObjectGoalSimulation
from camshaft.envs.manipulation.scene import goal_markers


@dataclass(frozen=True)
class PickAndPlaceConfig:
    """Options of the task.

    Attributes:
        table: the table.
        tolerance: meters, distance from the cube's middle to the goal below which the task is achieved.
        size, mass, friction: meters, kg, Coulomb coefficient of the cube.
        spread: meters, side of the square in which the cube and the goal are sampled.
        height: meters, largest height of a goal above the table.
        on_table: share of the goals that are on the table.
    """

    table: TableConfig = TableConfig()
    tolerance: float = 0.05
    size: float = 0.04
    mass: float = 1.0
    friction: float = 1.0
    spread: float = 0.3
    height: float = 0.2
    on_table: float = 0.3


class PickAndPlace(ObjectGoalSimulation):
    """Move a cube to a goal on the table or in the air.

    Description:
        A cube lies on a table in front of an arm with a parallel gripper. A slightly smaller red cube, which touches
        nothing, marks the goal, in the air in 70 % of the episodes. Control runs at 20 Hz, the physics at 200 Hz.

    Observation:
        By `obs_mode`: camera images; "state", a Dict of "observation" (19,) float32: position and velocity of the
        gripper, its opening; position, roll, pitch, yaw, velocity and angular velocity of the cube; in m, rad, m/s,
        rad/s; "achieved_goal" and "desired_goal" (3,): position of the cube's middle and its goal (m); "goal", the
        desired goal alone.

    Action:
        As in Reach, followed by one component for the fingers: −1 closes, 1 opens them, by up to 0.2 m per step.

    Reward:
        "sparse": 0 on success, −1 otherwise. "dense": negative distance from the cube to the goal in meters.

    Success:
        The cube's middle is within 5 cm of the goal.

    Termination:
        On success. The time limit of 50 steps truncates.

    Randomization:
        As in Push.

    Source:
        panda-gym's PandaPickAndPlace (Gallouédec et al. 2021), with the same sizes, goals and rewards.
    """

    def __init__(
        self, num_worlds: int = 1, *, config: PickAndPlaceConfig = PickAndPlaceConfig(), **options: Any
    ) -> None:
        self.config = config
        self.tolerance = config.tolerance
        bodies = (
            cube("cube", config.size, (0.15, 0.65, 0.25), config.mass, config.friction),
            goal_markers.cube(config.size),
        )
        super().__init__(num_worlds, bodies, config.table, **options)

    def _sample_start(self, start: EpisodeStart, rng: np.random.Generator) -> None:
        config = self.config
        half, middle = 0.5 * config.spread, 0.5 * config.size
        height = rng.uniform(0.0, config.height)
        if rng.random() < config.on_table:
            height = 0.0
        start.goal[:] = (*rng.uniform(-half, half, 2), middle + height)
        start.place(0, (*rng.uniform(-half, half, 2), middle * start.scales[0]))
        self._place_goal_marker(start)

    def _expert_targets(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        cubes = self.positions(0)
        targets, grip, held = experts.fetch(
            self.hands, self.openings, cubes, self.config.size * self.scales[:, 0]
        )
        targets[held] = (self.goals + self.hands - cubes)[held]
        return targets, self._yaw, grip
