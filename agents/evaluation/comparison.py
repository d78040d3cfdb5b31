"""Comparison of policies on the same seeds, and of methods over several training seeds.

Sources: McNemar, "Note on the sampling error of the difference between correlated proportions or percentages",
Psychometrika 1947, in its exact form; Agarwal et al., "Deep Reinforcement Learning at the Edge of the Statistical
Precipice", NeurIPS 2021, for interquartile means.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binomtest, bootstrap, trim_mean

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


def interquartile_mean(scores: ArrayLike, seed: int = 0) -> tuple[float, float, float]:
    """Interquartile mean over training seeds and tasks, with a 95 % interval.

    The interval is the percentile one of a bootstrap that resamples training seeds within each task (section 4.3 of the
    paper).

    Args:
        scores: (S,) one a training seed, or (S, K) of K tasks, on one scale.
        seed: of the resamples.

    Returns:
        Mean, lower and upper bound.

    Raises:
        InvalidOption: there are fewer than two training seeds, or scores that are not finite.
    """
    runs = np.asarray(scores, np.float64)
    runs = runs[:, None] if runs.ndim == 1 else runs
    if runs.ndim != 2 or len(runs) < 2 or not np.isfinite(runs).all():
        raise InvalidOption(
            f"an interval over training seeds needs finite scores of at least two, got {np.shape(scores)}"
        )

    def middle(*tasks: FloatArray, axis: int = -1) -> FloatArray:
        return np.asarray(trim_mean(np.concatenate(tasks, axis=axis), 0.25, axis=axis))

    found = bootstrap(
        tuple(runs.T),
        middle,
        n_resamples=RESAMPLES,
        method="percentile",
        vectorized=True,
        random_state=np.random.default_rng(seed),
    )
    low, high = found.confidence_interval
    return float(middle(*runs.T)), float(low), float(high)


def _difference(name: str, first: FloatArray, second: FloatArray) -> PairedDifference | None:
    pairs = second - first
    there = pairs[~np.isnan(pairs)]
    if not len(there):
        return None
    low, high = bootstrap_interval(there.tolist(), resamples=RESAMPLES)
    mean = float(there.mean())
    return PairedDifference(name, mean, low, high, len(there)) if math.isfinite(mean) else None
