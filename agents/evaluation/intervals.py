"""Confidence intervals: Wilson for success rates, Garwood for rare events, Student and bootstrap for means."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from scipy.stats import t as student

from camshaft.envs.errors import InvalidOption


def wilson_interval(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval for a success rate (1927), which holds for few trials and rates near 0 and 1.

    Args:
        successes: how many trials succeeded.
        trials: how many there were, at least one.
        confidence: probability that such an interval covers the true rate.

    Returns:
        Lower and upper bound, in [0, 1].
    """
    if not 0 <= successes <= trials or trials < 1:
        raise InvalidOption(
            f"successes must be within 0..trials, trials at least 1, got {successes} of {trials}"
        )
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    rate = successes / trials
    center = rate + z * z / (2 * trials)
    spread = z * math.sqrt(rate * (1 - rate) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    low = 0.0 if successes == 0 else (center - spread) / scale
    high = 1.0 if successes == trials else (center + spread) / scale
    return low, high


def poisson_interval(events: int, confidence: float = 0.95) -> tuple[float, float]:
    """Garwood's exact interval (1936) for the mean of a Poisson count.

    Args:
        events: how many were counted.
        confidence: probability that such an interval covers the true mean.

    Returns:
        Lower and upper bound of the mean count.
    """
    if events < 0:
        raise InvalidOption(f"events must be at least 0, got {events}")
    tail = (1 - confidence) / 2
    low = 0.0 if events == 0 else _mean_with_cdf(events - 1, 1 - tail)
    return low, _mean_with_cdf(events, tail)


def mean_interval(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float]:
    """Student's interval (1908) for the mean of independent measurements, such as one a seed.

    Args:
        values: at least two.
        confidence: probability that such an interval covers the true mean, if values are normally distributed.

    Returns:
        Lower and upper bound.
    """
    if len(values) < 2:
        raise InvalidOption(f"an interval of a mean needs at least two values, got {len(values)}")
    quantile = float(student.ppf(0.5 + confidence / 2, len(values) - 1))
    spread = quantile * statistics.stdev(values) / math.sqrt(len(values))
    middle = statistics.fmean(values)
    return middle - spread, middle + spread


def bootstrap_interval(
    values: Sequence[float], confidence: float = 0.95, resamples: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """Percentile bootstrap interval for the mean (Efron 1979), for many values of any distribution.

    Args:
        values: at least one.
        confidence: probability that such an interval covers the true mean.
        resamples: drawn with replacement.
        seed: of the resamples.

    Returns:
        Lower and upper bound; the value itself twice if there is but one.
    """
    sample = np.asarray(values, np.float64)
    if not len(sample):
        raise InvalidOption("an interval of a mean needs at least one value, got none")
    rows = np.random.default_rng(seed).integers(len(sample), size=(resamples, len(sample)))
    tail = (1 - confidence) / 2
    low, high = np.quantile(sample[rows].mean(axis=1), (tail, 1 - tail))
    return float(low), float(high)


def _mean_with_cdf(events: int, probability: float) -> float:
    """Mean of the Poisson distribution that stays at or below `events` with `probability`, by bisection."""
    low, high = 0.0, 10.0 + 4.0 * events
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if _poisson_cdf(events, middle) > probability else (low, middle)
    return (low + high) / 2


def _poisson_cdf(events: int, mean: float) -> float:
    if mean == 0.0:
        return 1.0
    return math.fsum(math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(events + 1))
