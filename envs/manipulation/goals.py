"""Goal tasks: bring the gripper or an object to a position."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from camshaft.envs.arrays import BoolArray, FloatArray, IntArray
from camshaft.envs.errors import InvalidOption
from camshaft.envs.goal import GoalSimulation
from camshaft.envs.manipulation.arms.kinematics import pointing_down
from camshaft.envs.manipulation.episode import EpisodeStart
from camshaft.envs.manipulation.simulation import (
    PROPRIOCEPTION,
    STATE_LIMIT,
    ManipulationSimulation,
    within_limit,
)
from camshaft.envs.metrics import Metric
from camshaft.envs.simulation import Measurements

REACH_ERROR = 0.02  # meters and radians that inverse kinematics may leave for a goal within reach


class ManipulationGoalSimulation(ManipulationSimulation, GoalSimulation):
    """A manipulation task that succeeds when a point is within `tolerance` of its goal.

    Rewards are panda-gym's: −1 for every step without success ("sparse"), or the negative distance in meters ("dense").

    `reset` accepts `options={"goal": (x, y, z)}` in meters.

    Attributes:
        goal_size: G, number of components of a goal.
        tolerance: meters.
    """

    metrics = (Metric("distance", "distance", "last", "m"),)
    goal_size: ClassVar[int] = 3
    state_parts: ClassVar[tuple[str, ...]] = ("state", "goal", PROPRIOCEPTION)
    tolerance: float = 0.05

    def _requested_goal(self, options: Mapping[str, Any]) -> FloatArray | None:
        return None if options.get("goal") is None else np.array(options["goal"], np.float64)

    def _check_options(self, options: Mapping[str, Any]) -> None:
        unknown = sorted(set(options) - {"goal"})
        if unknown:
            raise InvalidOption(f"{type(self).__name__} takes the reset option 'goal', got {unknown}")
        try:
            goal = self._requested_goal(options)
        except (TypeError, ValueError) as error:
            raise InvalidOption(f"goal must be {self.goal_size} numbers, got {options['goal']!r}") from error
        if goal is None:
            return
        if goal.shape != (self.goal_size,) or not np.isfinite(goal).all():
            raise InvalidOption(f"goal must be {self.goal_size} finite numbers, got {options['goal']!r}")
        self._check_reach(goal)

    def _check_reach(self, goal: FloatArray) -> None:
        """Refuse goals that the gripper cannot reach with its fingers down."""
        joints = self._home[None].copy()
        for position in goal.reshape(-1, 3):
            if position[2] < -1e-6:
                raise InvalidOption(f"goal {goal.tolist()} is below the table top, which is at height 0")
            for _ in range(10):
                joints, error = self.kinematics.solve(joints, pointing_down(position[None], self.gripper_yaw))
            if error[0] > REACH_ERROR:
                raise InvalidOption(
                    f"goal {goal.tolist()} is out of reach of {self.arm.description.name}: its gripper, fingers down, "
                    f"stays {error[0]:.2f} m or rad away"
                )

    def achieved(self) -> FloatArray:
        """(N, G) achieved goals, in meters."""
        return self.hands

    def is_achieved(self, achieved_goal: FloatArray, desired_goal: FloatArray) -> BoolArray:
        """(...) whether the achieved goals (..., G) are within `tolerance` of the desired ones (..., G)."""
        return np.asarray(_distance(achieved_goal, desired_goal) < self.tolerance)

    def goal_reward(self, achieved_goal: FloatArray, desired_goal: FloatArray) -> FloatArray:
        """(...) rewards for achieved and desired goals (..., G), in the simulation's `reward_mode`."""
        return self._reward(_distance(achieved_goal, desired_goal))

    def _reward(self, distance: FloatArray) -> FloatArray:
        if self.reward_mode == "sparse":
            return -(~(distance < self.tolerance)).astype(np.float64)
        return -distance

    def _measure(self) -> Measurements:
        distance = _distance(_as_observed(self.achieved()), _as_observed(self.goals))
        success = distance < self.tolerance
        reward = self._reward(distance)
        info = {"reward/goal": reward, "distance": distance}
        return Measurements(reward, success.copy(), success, info)

    def reset_info(self, worlds: IntArray) -> dict[str, NDArray[Any]]:
        """Info of the first observation of some worlds."""
        achieved, desired = _as_observed(self.achieved()[worlds]), _as_observed(self.goals[worlds])
        return {
            "distance": _distance(achieved, desired),
            "is_success": self.is_achieved(achieved, desired),
        }

    def _state_spaces(self) -> dict[str, spaces.Space[Any]]:
        limits = np.full(self.goal_size, STATE_LIMIT, np.float32)
        self.goal_space = spaces.Box(-limits, limits, dtype=np.float32)
        return self._goal_spaces(self._state_space())

    def _state_parts(self, worlds: IntArray) -> dict[str, NDArray[Any]]:
        rows = (self._state()[worlds], self.achieved()[worlds], self.goals[worlds])
        return self._goal_parts(*map(within_limit, rows))

    def _place_goal_marker(self, start: EpisodeStart) -> None:
        """Put the body named "goal" at the goal."""
        for index, body in enumerate(self.bodies):
            if body.name == "goal":
                start.place(index, start.goal[:3])


def _as_observed(goals: FloatArray) -> FloatArray:
    """Goals rounded as in observations, so that rewards equal those of `compute_reward` on observations bit for bit."""
    return within_limit(goals).astype(np.float32).astype(np.float64)


def _distance(one: FloatArray, other: FloatArray) -> FloatArray:
    offset = np.asarray(one) - np.asarray(other)
    return np.asarray(np.sqrt((offset * offset).sum(axis=-1)))


class ObjectGoalSimulation(ManipulationGoalSimulation):
    """A goal task for the position of the first body."""

    def achieved(self) -> FloatArray:
        """(N, 3) meters, positions of the first body."""
        return self.positions(0)
