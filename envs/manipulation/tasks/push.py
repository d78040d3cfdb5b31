"""Push: move a cube to a place on the table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from camshaft.envs.arrays import FloatArray
from camshaft.envs.manipulation.bodies import cube
from camshaft.envs.manipulation.goals import ObjectGoalSimulation
from camshaft.envs.manipulation.scene.goal_markers import disc
from camshaft.envs.manipulation.simulation import Start, TableConfig

BEHIND = 0.055  # meters behind the cube, seen from the goal, where a push begins
PUSH_HEIGHT = 0.02  # meters
PUSH_STEP = 0.03  # meters a control step
OFF_COURSE = 0.02  # meters beside the line through cube and goal, at which a push is begun anew
TRAVEL_HEIGHT = 0.1  # meters


@dataclass(frozen=True)
class PushConfig:
    """What a user may change about the task.

    Attributes:
        table: the table; the fingers stay closed.
        tolerance: meters between the cube's middle and the goal that count as there.
        size, mass, friction: meters, kg, Coulomb coefficient of the cube.
        spread: meters, side of the square that the cube and the goal are drawn from.
    """

    table: TableConfig = TableConfig(fingers=False)
    tolerance: float = 0.05
    size: float = 0.04
    mass: float = 1.0
    friction: float = 1.0
    spread: float = 0.3


class Push(ObjectGoalSimulation):
    """Push a cube to a place on the table.

    Description:
        A cube lies on a table before an arm; a red disc marks where it should go. The fingers are closed: the arm can
        only push. Control runs at 20 Hz, the physics at 200 Hz.

    Observation:
        By `obs_mode`: images; "state", a Dict of "observation" (18,) float32: position and velocity of the gripper,
        position, roll, pitch, yaw, velocity and angular velocity of the cube, in m, rad, m/s, rad/s; "achieved_goal"
        and "desired_goal" (3,): where the cube's middle is and belongs; "goal", the last alone.

    Action:
        As in Reach.

    Reward:
        "sparse": −1 for every step away from the goal, 0 at it. "dense": minus the cube's distance in meters.

    Success:
        The cube's middle is within 5 cm of the goal.

    Termination:
        On success. The time limit of 50 steps truncates.

    Randomization:
        As in Reach, and the cube's size, color, mass (0.7 to 1.4 kg) and friction.

    Source:
        panda-gym's PandaPush (Gallouédec et al. 2021), whose sizes, goals and rewards it has.
    """

    def __init__(self, num_worlds: int = 1, *, config: PushConfig = PushConfig(), **options: Any) -> None:
        self.config = config
        self.tolerance = config.tolerance
        bodies = (
            cube("cube", config.size, (0.15, 0.65, 0.25), config.mass, config.friction),
            disc(0.03, 0.5 * config.size),
        )
        super().__init__(num_worlds, bodies, config.table, **options)

    def _place(self, start: Start, rng: np.random.Generator) -> None:
        half, height = 0.5 * self.config.spread, 0.5 * self.config.size
        start.goal[:] = (*rng.uniform(-half, half, 2), height)
        start.put(0, (*rng.uniform(-half, half, 2), height * start.scales[0]))
        self._show_goal(start)

    def _expert(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        return (*push_toward(self.hands, self.places(0), self.goals), -np.ones(self.num_worlds))


def push_toward(hands: FloatArray, objects: FloatArray, goals: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Where closed fingers (N, 3) go to push objects (N, 3) to goals: round behind, down, and on; and their yaw."""
    way = goals[:, :2] - objects[:, :2]
    left = np.linalg.norm(way, axis=1, keepdims=True)
    direction = way / np.maximum(left, 1e-9)
    offset = hands[:, :2] - objects[:, :2]
    along = (offset * direction).sum(axis=1)
    aside = offset - along[:, None] * direction
    start = objects[:, :2] - BEHIND * direction
    pushing = (
        (hands[:, 2] < 0.5 * TRAVEL_HEIGHT)
        & (along < -0.02)
        & (along > -1.8 * BEHIND)
        & (np.linalg.norm(aside, axis=1) < OFF_COURSE)
    )
    to_start = np.linalg.norm(hands[:, :2] - start, axis=1)
    targets = np.column_stack([start, np.full(len(start), TRAVEL_HEIGHT)])
    targets[(to_start < 0.012) | pushing, 2] = PUSH_HEIGHT
    low = ~pushing & (to_start > 0.03) & (hands[:, 2] < 0.7 * TRAVEL_HEIGHT)
    targets[low, :2] = hands[low, :2]
    ahead = hands[:, :2] + direction * np.minimum(PUSH_STEP, left) - 0.7 * aside
    targets[pushing, :2] = ahead[pushing]
    return targets, np.zeros(len(hands))
