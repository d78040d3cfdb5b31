"""Results of closed-loop driving: traces, figures of one road, figures over all roads with intervals."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from camshaft.agents.evaluation.intervals import poisson_interval, wilson_interval
from camshaft.envs.arrays import FloatArray

INTERVENTION_COST = 6.0  # seconds that one intervention counts as (Bojarski et al. 2016)


@dataclass(frozen=True)
class Trace:
    """What one episode looked like, one entry a control step.

    Attributes:
        time: (T,) seconds since the start, after each step.
        distance: (T,) meters driven along the lane.
        lateral_error: (T,) meters off the lane center, left positive.
        steering: (T,) radians at the road wheels, left positive.
        command: (T,) steering action of the policy, in [-1, 1].
        expert_command: (T,) what the expert would have done at the same place, in [-1, 1].
        lateral_acceleration: (T,) m/s².
        intervention: (T,) whether the safety driver took over after this step.
    """

    time: FloatArray
    distance: FloatArray
    lateral_error: FloatArray
    steering: FloatArray
    command: FloatArray
    expert_command: FloatArray
    lateral_acceleration: FloatArray
    intervention: NDArray[np.bool_]


@dataclass(frozen=True)
class RoadResult:
    """How one road went.

    Attributes:
        episode: number of the road within the evaluation.
        seed: that draws this road.
        seconds: driven.
        distance: meters driven along the lane.
        interventions: of the safety driver.
        autonomy: percent of the time without him, at least 0.
        mean_lateral_error: mean of |lateral error|, meters.
        high_lateral_error: its 95th percentile, meters.
        steering_difference: mean of |policy's - expert's command|, in action units.
        steering_rate: mean of |change of the steering angle|, rad/s: how restless the wheel is.
        lateral_acceleration: root mean square, m/s².
        success: driven from start to end without intervention.
    """

    episode: int
    seed: int
    seconds: float
    distance: float
    interventions: int
    autonomy: float
    mean_lateral_error: float
    high_lateral_error: float
    steering_difference: float
    steering_rate: float
    lateral_acceleration: float
    success: bool


@dataclass(frozen=True)
class Evaluation:
    """How a policy did on a set of roads.

    Attributes:
        policy: name of the policy.
        task: id of the task.
        randomize: split the roads were drawn from.
        roads: one result a road.
        traces: one a road, in the same order; not part of `to_dict`.
    """

    policy: str
    task: str
    randomize: str | None
    roads: tuple[RoadResult, ...]
    traces: tuple[Trace, ...] = field(default=(), compare=False, repr=False)

    def summary(self) -> dict[str, Any]:
        """Figures over all roads, with 95 % intervals: Garwood's for autonomy, Wilson's for success."""
        seconds = sum(road.seconds for road in self.roads)
        interventions = sum(road.interventions for road in self.roads)
        fewest, most = poisson_interval(interventions)
        successes = sum(road.success for road in self.roads)
        errors = np.abs(np.concatenate([trace.lateral_error for trace in self.traces]))
        return {
            "roads": len(self.roads),
            "seconds": seconds,
            "kilometers": sum(road.distance for road in self.roads) / 1000,
            "interventions": interventions,
            "autonomy": autonomy(interventions, seconds),
            "autonomy_interval": [autonomy(most, seconds), autonomy(fewest, seconds)],
            "mean_lateral_error": float(errors.mean()),
            "high_lateral_error": float(np.quantile(errors, 0.95)),
            "steering_difference": self._mean("steering_difference"),
            "steering_rate": self._mean("steering_rate"),
            "lateral_acceleration": math.sqrt(np.mean([road.lateral_acceleration**2 for road in self.roads])),
            "successes": successes,
            "success_rate": successes / len(self.roads),
            "success_interval": list(wilson_interval(successes, len(self.roads))),
        }

    def to_dict(self) -> dict[str, Any]:
        """Everything but the traces, ready for metrics.json."""
        return {
            "policy": self.policy,
            "task": self.task,
            "randomize": self.randomize,
            "summary": self.summary(),
            "roads": [asdict(road) for road in self.roads],
        }

    def _mean(self, name: str) -> float:
        return float(np.mean([getattr(road, name) for road in self.roads]))


def autonomy(interventions: float, seconds: float) -> float:
    """Percent of the time driven without help, as PilotNet counts it, at least 0."""
    return max(0.0, 1.0 - interventions * INTERVENTION_COST / seconds) * 100.0


def summarize(episode: int, seed: int, trace: Trace) -> RoadResult:
    """The figures of one road from its trace."""
    error = np.abs(trace.lateral_error)
    interventions = int(trace.intervention.sum())
    seconds = float(trace.time[-1])
    return RoadResult(
        episode=episode,
        seed=seed,
        seconds=seconds,
        distance=float(trace.distance[-1]),
        interventions=interventions,
        autonomy=autonomy(interventions, seconds),
        mean_lateral_error=float(error.mean()),
        high_lateral_error=float(np.quantile(error, 0.95)),
        steering_difference=float(np.abs(trace.command - trace.expert_command).mean()),
        steering_rate=float(np.abs(np.diff(trace.steering)).sum() / seconds),
        lateral_acceleration=float(np.sqrt(np.mean(trace.lateral_acceleration**2))),
        success=interventions == 0,
    )
