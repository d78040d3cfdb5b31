"""Results of an evaluation: one an episode, and figures over all episodes with intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from camshaft.agents.evaluation.intervals import bootstrap_interval, wilson_interval
from camshaft.envs.arrays import FloatArray

Series = Mapping[str, FloatArray]


@dataclass(frozen=True)
class EpisodeResult:
    """Result of one episode.

    Attributes:
        episode: number within the evaluation.
        seed: of the episode.
        success: whether the task was achieved when it ended.
        total_reward: the return.
        steps: control steps.
        seconds: simulated.
        metrics: of the task, by name; NaN where there is none.
    """

    episode: int
    seed: int
    success: bool
    total_reward: float
    steps: int
    seconds: float
    metrics: Mapping[str, float]

    def to_dict(self) -> dict[str, Any]:
        """For metrics.json."""
        metrics = {name: _finite(value) for name, value in self.metrics.items()}
        return {
            "episode": self.episode,
            "seed": self.seed,
            "success": self.success,
            "return": self.total_reward,
            "steps": self.steps,
            "seconds": self.seconds,
            "metrics": metrics,
        }


@dataclass(frozen=True)
class Evaluation:
    """Result of a policy on a set of episodes.

    Attributes:
        policy: name of the policy.
        task: id of the task.
        randomize: split the episodes were sampled from.
        units: of the metrics, by name.
        episodes: one result an episode, by number.
        series: one an episode: (T,) values after every control step, by name; not part of `to_dict`.
        added: figures over all episodes that the task adds, such as autonomy.
    """

    policy: str
    task: str
    randomize: str | None
    units: Mapping[str, str]
    episodes: tuple[EpisodeResult, ...]
    series: tuple[Series, ...] = field(default=(), compare=False, repr=False)
    added: Mapping[str, Any] = field(default_factory=dict)

    def values(self, name: str) -> FloatArray:
        """(E,) of every episode: "success", "return", "steps", "seconds" or a metric."""
        own = {"success": "success", "return": "total_reward", "steps": "steps", "seconds": "seconds"}
        if name in own:
            return np.array([getattr(each, own[name]) for each in self.episodes], np.float64)
        return np.array([each.metrics[name] for each in self.episodes], np.float64)

    def summary(self) -> dict[str, Any]:
        """Figures over all episodes with 95 % intervals: Wilson's for success, bootstrapped ones for means."""
        successes = int(self.values("success").sum())
        return {
            "episodes": len(self.episodes),
            "successes": successes,
            "success_rate": successes / len(self.episodes),
            "success_interval": list(wilson_interval(successes, len(self.episodes))),
            "return": _mean(self.values("return")),
            "steps": _mean(self.values("steps")),
            "seconds": float(self.values("seconds").sum()),
            "metrics": {
                name: {**_mean(self.values(name)), "unit": unit} for name, unit in self.units.items()
            },
            **self.added,
        }

    def to_dict(self) -> dict[str, Any]:
        """Everything but the series, ready for metrics.json."""
        return {
            "policy": self.policy,
            "task": self.task,
            "randomize": self.randomize,
            "summary": self.summary(),
            "episodes": [episode.to_dict() for episode in self.episodes],
        }


def _mean(values: FloatArray) -> dict[str, Any]:
    """The mean of the values that are there, its interval, and how many there are."""
    there: Sequence[float] = values[~np.isnan(values)].tolist()
    if not there:
        return {"mean": None, "interval": None, "count": 0}
    return {
        "mean": float(np.mean(there)),
        "interval": list(bootstrap_interval(there)),
        "count": len(there),
    }


def _finite(value: float) -> float | None:
    return None if math.isnan(value) else value
