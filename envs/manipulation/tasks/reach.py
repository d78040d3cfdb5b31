"""Reach: move the gripper to a goal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from camshaft.envs.arrays import FloatArray
from camshaft.envs.manipulation.episode import EpisodeStart, TableConfig
from camshaft.envs.manipulation.goals import ManipulationGoalSimulation
from camshaft.envs.manipulation.scene.goal_markers import ball


@dataclass(frozen=True)
class ReachConfig:
    """Options of the task.

    Attributes:
        table: the table; the fingers stay closed.
        tolerance: meters, distance to the goal below which the task is achieved.
        low, high: meters, corners of the box in which goals are sampled.
    """

    table: TableConfig = TableConfig(fingers=False)
    tolerance: float = 0.05
    low: tuple[float, float, float] = (-0.15, -0.15, 0.0)
    high: tuple[float, float, float] = (0.15, 0.15, 0.3)


class Reach(ManipulationGoalSimulation):
    """Move the gripper to a goal.

    Description:
        An arm with closed fingers stands at a table; a red ball in the air marks the goal of the point between its
        fingertips. Control runs at 20 Hz, the physics at 200 Hz.

    Observation:
        By `obs_mode`: camera images; "state", a Dict of "observation" (6,) float32: position (m) and velocity (m/s) of
        the gripper; "achieved_goal" and "desired_goal" (3,): position of the gripper and its goal (m); "goal", the
        desired goal alone.

    Action:
        Values in −1..1. `control_mode` "ee_position": displacement of the gripper along x, y, z, 5 cm at 1, fingers
        down. "ee_pose": the same, followed by a rotation vector in the world frame, 0.25 rad at 1. "joint_delta":
        displacement of every joint, 0.05 rad at 1. "joint_velocity": velocity of every joint, 1.5 rad/s at 1.

    Reward:
        "sparse": 0 on success, −1 otherwise. "dense": negative distance from the gripper to the goal in meters.

    Success:
        The gripper is within 5 cm of the goal.

    Termination:
        On success. The time limit of 50 steps truncates.

    Randomization:
        `randomize` "train" or "test": textures of table, floor and walls, light, colors, camera pose, and a latency of
        up to 25 ms from an action to its effect. The two splits share no values.

    Source:
        panda-gym's PandaReach (Gallouédec et al. 2021), with the same sizes, goals and rewards.
    """

    def __init__(self, num_worlds: int = 1, *, config: ReachConfig = ReachConfig(), **options: Any) -> None:
        self.config = config
        self.tolerance = config.tolerance
        super().__init__(num_worlds, (ball(0.03),), config.table, **options)

    def _sample_start(self, start: EpisodeStart, rng: np.random.Generator) -> None:
        start.goal[:] = rng.uniform(self.config.low, self.config.high)
        self._place_goal_marker(start)

    def _expert_targets(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        return self.goals, self._yaw, -np.ones(self.num_worlds)
