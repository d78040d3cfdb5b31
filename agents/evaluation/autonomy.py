"""Autonomy: a car keeps its lane with a safety driver beside it, whose interventions are counted.

Source: Bojarski et al., "End to End Learning for Self-Driving Cars", 2016: a human takes over when the car is more than
a meter off the lane center, which costs six seconds: autonomy = (1 - interventions * 6 s / elapsed) * 100.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from camshaft.agents.evaluation.intervals import poisson_interval
from camshaft.agents.evaluation.results import EpisodeResult, Series
from camshaft.agents.rollout import RolloutStep
from camshaft.envs.arrays import BoolArray, FloatArray
from camshaft.envs.simulation import Measurements, Simulation

INTERVENTION_ERROR = 1.0  # meters off the lane center at which the safety driver takes over
INTERVENTION_COST = 6.0  # seconds that one intervention counts as
INTERVENTION = "intervention"


class Autonomy:
    """What an evaluation of lane keeping adds: the safety driver, interventions, autonomy, closeness to the expert."""

    needs_expert = True
    units: Mapping[str, str] = MappingProxyType(
        {"interventions": "", "autonomy": "%", "steering_difference": ""}
    )

    def intervene(self, simulation: Simulation, measured: Measurements, active: BoolArray) -> BoolArray:
        """Put cars back on the lane that have left its center too far behind."""
        astray: BoolArray = np.abs(measured.info["lateral_error"]) > INTERVENTION_ERROR
        astray = (astray | (measured.terminated & ~measured.success)) & active
        if astray.any():
            simulation.recover(np.flatnonzero(astray))
        return astray

    def series(self, step: RolloutStep) -> dict[str, FloatArray]:
        """(N,) of a step: interventions, and the steering commands of the policy and of the expert."""
        decision = step.decision
        assert decision.expert_action is not None
        return {
            INTERVENTION: step.intervened.astype(np.float64),
            "command": decision.chosen[:, 0].astype(np.float64),
            "expert_command": decision.expert_action[:, 0].astype(np.float64),
        }

    def metrics(self, series: Series, seconds: float) -> dict[str, float]:
        """Of one episode."""
        interventions = float(series[INTERVENTION].sum())
        return {
            "interventions": interventions,
            "autonomy": autonomy(interventions, seconds),
            "steering_difference": float(np.abs(series["command"] - series["expert_command"]).mean()),
        }

    def success(self, series: Series, reported: bool) -> bool:
        """An episode succeeds without any intervention."""
        return not series[INTERVENTION].any()

    def summary(self, episodes: Sequence[EpisodeResult]) -> dict[str, Any]:
        """Over all episodes: Garwood's interval for the number of interventions gives that of autonomy."""
        seconds = sum(each.seconds for each in episodes)
        interventions = int(sum(each.metrics["interventions"] for each in episodes))
        fewest, most = poisson_interval(interventions)
        return {
            "kilometers": sum(each.metrics["distance"] for each in episodes) / 1000,
            "interventions": interventions,
            "autonomy": autonomy(interventions, seconds),
            "autonomy_interval": [autonomy(most, seconds), autonomy(fewest, seconds)],
        }


def autonomy(interventions: float, seconds: float) -> float:
    """Percent of the time driven without help, at least 0."""
    return max(0.0, 1.0 - interventions * INTERVENTION_COST / seconds) * 100.0
