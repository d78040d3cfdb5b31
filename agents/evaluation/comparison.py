"""Comparison of policies on the same seeds, and of methods over several training seeds.

Sources: McNemar, "Note on the sampling error of the difference between correlated proportions or percentages",
Psychometrika 1947, in its exact form; Agarwal et al., "Deep Reinforcement Learning at the Edge of the Statistical
Precipice", NeurIPS 2021, for interquartile means.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.stats import binomtest

from camshaft.agents.evaluation.intervals import bootstrap_interval
from camshaft.agents.evaluation.results import Evaluation
from camshaft.envs.arrays import FloatArray
from camshaft.envs.errors import InvalidOption

RESAMPLES = 2000


@dataclass(frozen=True)
class PairedDifference:
    """Mean difference of a figure between two policies on the same episodes.

    Attributes:
        name: of the figure.
        difference: mean of second minus first.
        low, high: bootstrapped 95 % interval.
        episodes: in which both have the figure.
        p_value: McNemar's exact one, of success alone.
    """

    name: str
    difference: float
    low: float
    high: float
    episodes: int
    p_value: float | None = None


def compare(first: Evaluation, second: Evaluation) -> list[PairedDifference]:
    """Compare two policies episode by episode: success, return, and every metric that both have.

    Raises:
        InvalidOption: they did not act on the same task and seeds.
    """
    seeds = [[each.seed for each in evaluation.episodes] for evaluation in (first, second)]
    if first.task != second.task or first.randomize != second.randomize or seeds[0] != seeds[1]:
        raise InvalidOption(
            f"{first.policy} and {second.policy} were evaluated on different tasks, splits or seeds"
        )
    shared = [name for name in first.units if name in second.units]
    differences = [_difference(name, first.values(name), second.values(name)) for name in ("return", *shared)]
    success = _difference("success", first.values("success"), second.values("success"))
    assert success is not None
    p_value = mcnemar(first.values("success") > 0, second.values("success") > 0)
    return [PairedDifference(**{**asdict(success), "p_value": p_value}), *filter(None, differences)]


def mcnemar(first: Any, second: Any) -> float:
    """Exact two-sided p-value of McNemar's test: whether two policies succeed equally often.

    Args:
        first: (E,) successes of one policy.
        second: (E,) of the other, on the same episodes.
    """
    gained, lost = int((~first & second).sum()), int((first & ~second).sum())
    return 1.0 if gained + lost == 0 else float(binomtest(gained, gained + lost, 0.5).pvalue)


def interquartile_mean(
    scores: Mapping[str, Sequence[float]], seed: int = 0
) -> dict[str, tuple[float, float, float]]:
    """Interquartile mean over training seeds, with a bootstrapped 95 % interval.

    Args:
        scores: name of a method to one score a training seed.
        seed: of the resamples.

    Returns:
        Mean, lower and upper bound by name.

    Raises:
        InvalidOption: a method has fewer than two training seeds.
    """
    few = [name for name, values in scores.items() if len(values) < 2]
    if few:
        raise InvalidOption(f"an interval over training seeds needs at least two, {', '.join(few)} has fewer")
    from rliable import library, metrics  # seconds, for pandas and statsmodels behind it

    matrices = {name: np.asarray(values, np.float64)[:, None] for name, values in scores.items()}
    points, intervals = library.get_interval_estimates(
        matrices,
        lambda runs: np.array([metrics.aggregate_iqm(runs)]),
        reps=RESAMPLES,
        random_state=np.random.RandomState(seed),
    )
    return {name: (float(points[name][0]), *map(float, intervals[name][:, 0])) for name in scores}  # type: ignore[misc]


def _difference(name: str, first: FloatArray, second: FloatArray) -> PairedDifference | None:
    pairs = second - first
    there = pairs[~np.isnan(pairs)]
    if not len(there):
        return None
    low, high = bootstrap_interval(there.tolist(), resamples=RESAMPLES)
    mean = float(there.mean())
    return PairedDifference(name, mean, low, high, len(there)) if math.isfinite(mean) else None
