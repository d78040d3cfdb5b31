"""Reach: bring the gripper to a ball."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from camshaft.envs.arrays import FloatArray
from camshaft.envs.manipulation.goals import ManipulationGoalSimulation
from camshaft.envs.manipulation.scene.goal_markers import ball
from camshaft.envs.manipulation.simulation import Start, TableConfig


@dataclass(frozen=True)
class ReachConfig:
    """What a user may change about the task.

    Attributes:
        table: the table; the fingers stay closed.
        tolerance: meters from the ball's middle that count as there.
        low, high: meters, corners of the box that goals are drawn from.
    """

    table: TableConfig = TableConfig(fingers=False)
    tolerance: float = 0.05
    low: tuple[float, float, float] = (-0.15, -0.15, 0.0)
    high: tuple[float, float, float] = (0.15, 0.15, 0.3)


class Reach(ManipulationGoalSimulation):
    """Bring the gripper to a ball.

    Description:
        An arm stands at a table; a red ball hangs in the air before it. The point between its closed fingers should
        come to the ball. Control runs at 20 Hz, the physics at 200 Hz.

    Observation:
        By `obs_mode`: images; "state", a Dict of "observation" (6,) float32: position (m) and velocity (m/s) of the
        gripper, "achieved_goal" and "desired_goal" (3,): its position and the ball's; "goal", the last alone.

    Action:
        `control_mode` "ee_position": a step of the gripper along x, y, z, 5 cm for 1, fingers down. "ee_pose": and a
        turn, a rotation vector in the world frame, 0.25 rad for 1. "joint_delta": a step of every joint, 0.05 rad for
        1. "joint_velocity": of every joint, 1.5 rad/s for 1.

    Reward:
        "sparse": −1 for every step away from the ball, 0 at it. "dense": minus the distance in meters.

    Success:
        The gripper is within 5 cm of the ball.

    Termination:
        On success. The time limit of 50 steps truncates.

    Randomization:
        `randomize` "train" or "test": table, floor, walls, light, colors, pose of the camera, latency of up to 25 ms;
        never the same in both.

    Source:
        panda-gym's PandaReach (Gallouédec et al. 2021), whose sizes, goals and rewards it has.
    """

    def __init__(self, num_worlds: int = 1, *, config: ReachConfig = ReachConfig(), **options: Any) -> None:
        self.config = config
        self.tolerance = config.tolerance
        super().__init__(num_worlds, (ball(0.02),), config.table, **options)

    def _place(self, start: Start, rng: np.random.Generator) -> None:
        start.goal[:] = rng.uniform(self.config.low, self.config.high)
        self._show_goal(start)

    def _state_names(self) -> tuple[str, ...]:
        return self.arm_names()

    def _state(self) -> FloatArray:
        return self.arm_state()

    def _expert(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        return self.goals, self._yaw, -np.ones(self.num_worlds)
