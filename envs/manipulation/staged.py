"""Tasks that are done in stages: each stage is worth a part of the reward."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.arrays import BoolArray, FloatArray, IntArray
from camshaft.envs.manipulation.simulation import ManipulationSimulation
from camshaft.envs.simulation import Measurements


class StagedSimulation(ManipulationSimulation):
    """A manipulation task with a reward of stages.

    The reward "dense" is the sum of the stages, each worth 0 to its weight, and 1 for success; "sparse" is 1 for
    success. Success does not end the episode: who has it should keep it.
    """

    stage_weights: ClassVar[Mapping[str, float]]

    @abstractmethod
    def stages(self) -> dict[str, FloatArray]:
        """(N,) how far each stage is done, 0..1, by the names of `stage_weights`."""

    @abstractmethod
    def succeeded(self) -> BoolArray:
        """(N,) whether the task is done."""

    def _measure(self) -> Measurements:
        success = self.succeeded()
        terms = {"reward/success": success.astype(np.float64)}
        if self.reward_mode == "dense":
            for name, done in self.stages().items():
                terms[f"reward/{name}"] = self.stage_weights[name] * np.clip(done, 0.0, 1.0)
        reward = np.asarray(sum(terms.values()), np.float64)
        return Measurements(reward, np.zeros(self.num_worlds, bool), success, dict(terms))

    def reset_info(self, worlds: IntArray) -> dict[str, NDArray[Any]]:
        """Info of the first observation, rows of `worlds`."""
        return {"is_success": self.succeeded()[worlds]}


def nearness(distance: FloatArray, scale: float) -> FloatArray:
    """(N,) 1 at no distance, falling to half at about half of `scale` (meters)."""
    return np.asarray(1.0 - np.tanh(distance / scale))
