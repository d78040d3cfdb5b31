"""Metrics of an episode, computed from the series of one entry of the task's info."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from camshaft.envs.arrays import FloatArray
from camshaft.envs.errors import check_choice

REDUCTIONS: dict[str, Callable[[FloatArray, float], float]] = {
    "last": lambda series, _: float(series[-1]),
    "mean": lambda series, _: float(series.mean()),
    "mean_abs": lambda series, _: float(np.abs(series).mean()),
    "p95_abs": lambda series, _: float(np.quantile(np.abs(series), 0.95)),
    "max_abs": lambda series, _: float(np.abs(series).max()),
    "rms": lambda series, _: float(np.sqrt(np.mean(series**2))),
    "mean_abs_rate": lambda series, hz: float(np.abs(np.diff(series)).sum() * hz / len(series)),
    "rms_second_rate": lambda series, hz: (
        float(np.sqrt(np.mean(np.diff(series, n=2) ** 2)) * hz**2) if len(series) > 2 else 0.0
    ),
}
"""(T,) values after each control step, and the control frequency in Hz, to one number. "rate" is change per second."""


@dataclass(frozen=True)
class Metric:
    """One figure of an episode.

    Attributes:
        name: of the metric.
        entry: of the info that it is computed from.
        reduction: one of REDUCTIONS.
        unit: for tables.
        absent: value that means that there is none, such as the lap time before a lap is finished.
    """

    name: str
    entry: str
    reduction: str
    unit: str = ""
    absent: float | None = None

    def __post_init__(self) -> None:
        check_choice("reduction", self.reduction, REDUCTIONS)

    def of(self, series: FloatArray, frequency: float) -> float:
        """The metric of an episode; NaN where there is none.

        Args:
            series: (T,) the entry after each control step.
            frequency: control steps per second.
        """
        value = REDUCTIONS[self.reduction](np.asarray(series, np.float64), frequency)
        return math.nan if self.absent is not None and value == self.absent else value
