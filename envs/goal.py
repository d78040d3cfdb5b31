"""Tasks with a goal: the GoalEnv convention, which hindsight experience replay needs."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

import gymnasium
import numpy as np
from numpy.typing import ArrayLike, NDArray

from camshaft.envs.arrays import BoolArray, FloatArray
from camshaft.envs.simulation import Simulation

OBSERVED, ACHIEVED, DESIRED = "observation", "achieved_goal", "desired_goal"


class GoalSimulation(Simulation):
    """A task that is done when the achieved goal has come to the desired one.

    The observation part "state" is three entries of a Dict: "observation", "achieved_goal" and "desired_goal". The
    part "goal" is "desired_goal" alone, for those who see the rest through a camera.
    """

    state_parts: ClassVar[tuple[str, ...]] = ("state", "goal")
    goal_space: gymnasium.spaces.Box

    @abstractmethod
    def is_achieved(self, achieved_goal: FloatArray, desired_goal: FloatArray) -> BoolArray:
        """(...) whether goals (..., G) are as good as these desired ones (..., G)."""

    @abstractmethod
    def goal_reward(self, achieved_goal: FloatArray, desired_goal: FloatArray) -> FloatArray:
        """(...) what the task pays for goals (..., G), in the simulation's `reward_mode`."""

    def compute_reward(self, achieved_goal: ArrayLike, desired_goal: ArrayLike, info: Any = None) -> Any:
        """The reward of one pair of goals (G,), a float, or of many (n, G), an array; `info` is not used."""
        achieved, desired = np.asarray(achieved_goal, np.float64), np.asarray(desired_goal, np.float64)
        rewards = self.goal_reward(achieved, desired)
        return float(rewards) if np.ndim(rewards) == 0 else rewards

    def _goal_spaces(self, observed: gymnasium.spaces.Box) -> dict[str, gymnasium.Space[Any]]:
        """Spaces of the parts that are asked for, given that of "observation"."""
        spaces: dict[str, gymnasium.Space[Any]] = {}
        if "state" in self.obs_parts:
            spaces |= {OBSERVED: observed, ACHIEVED: self.goal_space}
        if "state" in self.obs_parts or "goal" in self.obs_parts:
            spaces[DESIRED] = self.goal_space
        return spaces

    def _goal_parts(
        self, observed: NDArray[Any], achieved: NDArray[Any], desired: NDArray[Any]
    ) -> dict[str, NDArray[Any]]:
        """The parts that are asked for."""
        parts: dict[str, NDArray[Any]] = {}
        if "state" in self.obs_parts:
            parts |= {OBSERVED: observed, ACHIEVED: achieved}
        if "state" in self.obs_parts or "goal" in self.obs_parts:
            parts[DESIRED] = desired
        return {name: np.ascontiguousarray(values, np.float32) for name, values in parts.items()}
