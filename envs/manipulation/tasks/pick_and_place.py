"""Pick and place: bring a cube to a place on the table or in the air."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from camshaft.envs.arrays import FloatArray
from camshaft.envs.manipulation import experts
from camshaft.envs.manipulation.bodies import cube
from camshaft.envs.manipulation.experts import Pick
from camshaft.envs.manipulation.goals import ObjectGoalSimulation
from camshaft.envs.manipulation.scene.goal_markers import frame
from camshaft.envs.manipulation.simulation import Start, TableConfig


@dataclass(frozen=True)
class PickAndPlaceConfig:
    """What a user may change about the task.

    Attributes:
        table: the table.
        tolerance: meters between the cube's middle and the goal that count as there.
        size, mass, friction: meters, kg, Coulomb coefficient of the cube.
        spread: meters, side of the square that the cube and the goal are drawn from.
        height: meters above the table up to which goals are drawn.
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
    """Bring a cube to a place on the table or in the air.

    Description:
        A cube lies on a table before an arm with a parallel gripper; the edges of a red cube mark where it should go,
        in the air more often than not. Control runs at 20 Hz, the physics at 200 Hz.

    Observation:
        By `obs_mode`: images; "state", a Dict of "observation" (19,) float32: position and velocity of the gripper,
        its opening, position, roll, pitch, yaw, velocity and angular velocity of the cube, in m, rad, m/s, rad/s;
        "achieved_goal" and "desired_goal" (3,): where the cube's middle is and belongs; "goal", the last alone.

    Action:
        As in Reach, and the fingers: −1 closes, 1 opens them, by up to 0.2 m a step.

    Reward:
        "sparse": −1 for every step away from the goal, 0 at it. "dense": minus the cube's distance in meters.

    Success:
        The cube's middle is within 5 cm of the goal.

    Termination:
        On success. The time limit of 50 steps truncates.

    Randomization:
        As in Push.

    Source:
        panda-gym's PandaPickAndPlace (Gallouédec et al. 2021), whose sizes, goals and rewards it has.
    """

    def __init__(
        self, num_worlds: int = 1, *, config: PickAndPlaceConfig = PickAndPlaceConfig(), **options: Any
    ) -> None:
        self.config = config
        self.tolerance = config.tolerance
        bodies = (
            cube("cube", config.size, (0.15, 0.65, 0.25), config.mass, config.friction),
            frame(config.size),
        )
        super().__init__(num_worlds, bodies, config.table, **options)

    def _place(self, start: Start, rng: np.random.Generator) -> None:
        config = self.config
        half, middle = 0.5 * config.spread, 0.5 * config.size
        height = rng.uniform(0.0, config.height)
        if rng.random() < config.on_table:
            height = 0.0
        start.goal[:] = (*rng.uniform(-half, half, 2), middle + height)
        start.put(0, (*rng.uniform(-half, half, 2), middle * start.scales[0]))
        self._show_goal(start)

    def _expert(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        cubes = self.places(0)
        targets, grip, held = experts.fetch(
            self.hands, self.openings, cubes, Pick(), self.config.size * self.scales[:, 0]
        )
        targets[held] = (self.goals + self.hands - cubes)[held]
        return targets, self._yaw, grip
