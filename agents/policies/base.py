"""The contract of every policy: batches of observations in, batches of actions out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from numpy.typing import NDArray

from camshaft.envs.arrays import BoolArray, IntArray
from camshaft.envs.simulation import Simulation

NO_OPTIONS: Mapping[str, Any] = MappingProxyType({})


class Policy(ABC):
    """Turns a batch of observations, one row a world, into a batch of actions.

    Attributes:
        name: in tables.
        task: id of the task it is for; None for any.
        env_options: options of the task that it needs, such as obs_mode, control_mode and camera.
        needs_observation: False for a policy that acts without one; nothing is rendered for it then.
    """

    name: str = "policy"
    task: str | None = None
    env_options: Mapping[str, Any] = NO_OPTIONS
    needs_observation: ClassVar[bool] = True

    def bind(self, simulation: Simulation) -> None:  # noqa: B027  most policies need no preparation
        """Prepare to act in a simulation; called once before a rollout.

        Raises:
            InvalidOption: its spaces do not fit; which part, the shapes expected and given.
        """

    def reset(self, done_mask: BoolArray, seeds: IntArray | None = None) -> None:  # noqa: B027
        """Forget what was observed in the worlds where an episode begins.

        Args:
            done_mask: (N,) which worlds.
            seeds: (N,) seeds of the episodes that begin there, from which everything random in a policy follows.
        """

    @abstractmethod
    def act(self, observation: Any, deterministic: bool = True) -> NDArray[Any]:
        """Choose actions.

        Args:
            observation: a batch of N, as a Simulation's `observe` returns it: an array, or arrays by part.
            deterministic: the most likely action rather than a sample.

        Returns:
            (N, A) float32 in [-1, 1], or (N,) int64 of discrete actions.
        """
