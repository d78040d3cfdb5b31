"""Push: push a cube to a goal on the table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from camshaft.envs.arrays import FloatArray
from camshaft.envs.manipulation.bodies import cube
from camshaft.envs.manipulation.episode import EpisodeStart, TableConfig
from camshaft.envs.manipulation.goals import ObjectGoalSimulation
from camshaft.envs.manipulation.scene.goal_markers import disc

BEHIND = 0.055  # meters behind the cube, seen from the goal, where a push starts
PUSH_HEIGHT = 0.02  # meters
PUSH_STEP = 0.03  # meters per control step
OFF_COURSE = 0.02  # meters from the line through cube and goal, beyond which a push is started again
TRAVEL_HEIGHT = 0.1  # meters


@dataclass(frozen=True)
class PushConfig:
    """Options of the task.

    Attributes:
        table: the table; the fingers stay closed.
        tolerance: meters, distance from the cube's middle to the goal below which the task is achieved.
        size, mass, friction: meters, kg, Coulomb coefficient of the cube.
        spread: meters, side of the square in which the cube and the goal are sampled.
    """

    table: TableConfig = TableConfig(fingers=False)
    tolerance: float = 0.05
    size: float = 0.04
    mass: float = 1.0
    friction: float = 1.0
    spread: float = 0.3


class Push(ObjectGoalSimulation):
    """Push a cube to a goal on the table.

    Description:
        A cube lies on a table in front of an arm; a red disc marks the goal. The fingers are closed, so that the arm
        can only push. Control runs at 20 Hz, the physics at 200 Hz.

    Observation:
        By `obs_mode`: camera images; "state", a Dict of "observation" (18,) float32: position and velocity of the
        gripper; position, roll, pitch, yaw, velocity and angular velocity of the cube; in m, rad, m/s, rad/s;
        "achieved_goal" and "desired_goal" (3,): position of the cube's middle and its goal (m); "goal", the desired
        goal alone.

    Action:
        As in Reach.

    Reward:
        "sparse": 0 on success, −1 otherwise. "dense": negative distance from the cube to the goal in meters.

    Success:
        The cube's middle is within 5 cm of the goal.

    Termination:
        On success. The time limit of 50 steps truncates.

    Randomization:
        As in Reach, and size, color, mass (0.7 to 1.4 times the nominal one) and friction of the objects.

    Source:
        panda-gym's PandaPush (Gallouédec et al. 2021), with the same sizes, goals and rewards.
    """

    def __init__(self, num_worlds: int = 1, *, config: PushConfig = PushConfig(), **options: Any) -> None:
        self.config = config
        self.tolerance = config.tolerance
        bodies = (
            cube("cube", config.size, (0.15, 0.65, 0.25), config.mass, config.friction),
            disc(config.tolerance, 0.5 * config.size),
        )
        super().__init__(num_worlds, bodies, config.table, **options)

    def _sample_start(self, start: EpisodeStart, rng: np.random.Generator) -> None:
        half, height = 0.5 * self.config.spread, 0.5 * self.config.size
        start.goal[:] = (*rng.uniform(-half, half, 2), height)
        start.place(0, (*rng.uniform(-half, half, 2), height * start.scales[0]))
        self._place_goal_marker(start)

    def _expert_targets(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        return (*push_toward(self.hands, self.positions(0), self.goals), -np.ones(self.num_worlds))


def push_toward(hands: FloatArray, objects: FloatArray, goals: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Targets of closed fingers that push objects to goals: move behind the object, go down, push.

    Args:
        hands: (N, 3) meters, grasp points.
        objects: (N, 3) meters.
        goals: (N, 3) meters.

    Returns:
        (N, 3) targets of the grasp points in meters, and (N,) yaw of the gripper in rad.
    """
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
