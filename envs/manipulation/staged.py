"""Tasks with staged rewards."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.arrays import BoolArray, FloatArray, IntArray
from camshaft.envs.manipulation.simulation import ManipulationSimulation
from camshaft.envs.metrics import Metric
from camshaft.envs.simulation import Measurements


class StagedSimulation(ManipulationSimulation):
    """A manipulation task whose dense reward is a weighted sum of stages.

    The reward "dense" is the sum over the stages of weight times progress, plus 1 for success; "sparse" is 1 for
    success. Success does not end the episode; it must hold until the time limit. The info has the progress of every
    stage, 0..1, and that of the last step is a metric.

    Attributes:
        stage_weights: weight of each stage by name.
    """

    stage_weights: ClassVar[Mapping[str, float]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        stages = getattr(cls, "stage_weights", {})
        cls.metrics = tuple(Metric(f"{stage}_progress", f"progress/{stage}", "last") for stage in stages)

    @abstractmethod
    def stages(self) -> dict[str, FloatArray]:
        """(N,) progress of each stage, by the names of `stage_weights`; values beyond 0..1 are clipped."""

    @abstractmethod
    def succeeded(self) -> BoolArray:
        """(N,) whether the task is achieved in the current state."""

    def _measure(self) -> Measurements:
        success = self.succeeded()
        progress = {name: np.clip(stage, 0.0, 1.0) for name, stage in self.stages().items()}
        terms = {"reward/success": success.astype(np.float64)}
        if self.reward_mode == "dense":
            terms |= {f"reward/{name}": self.stage_weights[name] * stage for name, stage in progress.items()}
        reward = np.asarray(sum(terms.values()), np.float64)
        info = {**terms, **{f"progress/{name}": stage for name, stage in progress.items()}}
        return Measurements(reward, np.zeros(self.num_worlds, bool), success, info)

    def reset_info(self, worlds: IntArray) -> dict[str, NDArray[Any]]:
        """Info of the first observation of some worlds."""
        return {"is_success": self.succeeded()[worlds]}


def nearness(distance: FloatArray, scale: float) -> FloatArray:
    """(...) closeness 1 − tanh(distance / scale), both in meters: 1 at distance 0, 0.5 at 0.55 times `scale`."""
    return np.asarray(1.0 - np.tanh(distance / scale))
