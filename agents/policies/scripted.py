"""Drivers for comparison that need no camera: the expert, and one who never steers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from camshaft.agents.policies.base import Policy


class ScriptedPolicy(Policy):
    """A driver for comparison that needs no camera: it is shown the simulation itself."""

    name: str

    def attach(self, simulation: Any) -> None:
        """Drive this simulation from now on."""
        self._simulation = simulation

    def reset(self, done_mask: NDArray[np.bool_]) -> None:
        """A scripted driver remembers nothing."""


class ExpertPolicy(ScriptedPolicy):
    """The task's own expert, who knows the true state."""

    name = "expert"

    def act(self, observation: Any, deterministic: bool = True) -> NDArray[np.float32]:
        """(N, A) the expert's actions."""
        actions: NDArray[np.float32] = self._simulation.expert_action()
        return actions


class ConstantPolicy(ScriptedPolicy):
    """Always the same action: with 0 the car goes straight on, the least that a driver must beat.

    Args:
        value: of every part of the action.
    """

    name = "straight"

    def __init__(self, value: float = 0.0) -> None:
        self.value = value

    def act(self, observation: Any, deterministic: bool = True) -> NDArray[np.float32]:
        """(N, A) the constant."""
        shape = (self._simulation.num_worlds, *(self._simulation.action_space.shape or ()))
        return np.full(shape, self.value, np.float32)


SCRIPTED_POLICIES: dict[str, type[ScriptedPolicy]] = {"expert": ExpertPolicy, "straight": ConstantPolicy}
