"""Intervals: published values, coverage, and impossible counts."""

from __future__ import annotations

import numpy as np
import pytest

from camshaft.agents.evaluation.intervals import bootstrap_interval, poisson_interval, wilson_interval
from camshaft.envs.errors import InvalidOption


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(8, 10, 0.4902, 0.9433), (0, 20, 0.0, 0.1611), (20, 20, 0.8389, 1.0), (15, 20, 0.5313, 0.8881)],
)
def test_wilson_interval_has_the_published_values(
    successes: int, trials: int, low: float, high: float
) -> None:
    assert wilson_interval(successes, trials) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


@pytest.mark.parametrize(
    ("events", "low", "high"),
    [(0, 0.0, 3.6889), (1, 0.0253, 5.5716), (5, 1.6235, 11.6683), (100, 81.364, 121.627)],
)
def test_poisson_interval_has_the_published_values(events: int, low: float, high: float) -> None:
    assert poisson_interval(events) == (pytest.approx(low, abs=1e-3), pytest.approx(high, abs=1e-3))


def test_intervals_refuse_impossible_counts() -> None:
    for successes, trials in ((3, 2), (-1, 5), (0, 0)):
        with pytest.raises(InvalidOption):
            wilson_interval(successes, trials)
    with pytest.raises(InvalidOption):
        poisson_interval(-1)
    with pytest.raises(InvalidOption, match="at least one"):
        bootstrap_interval([])


def test_bootstrapped_intervals_cover_the_mean_as_often_as_they_say() -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for trial in range(200):
        low, high = bootstrap_interval(rng.exponential(2.0, 80).tolist(), seed=trial, resamples=500)
        covered += low <= 2.0 <= high
    assert 0.87 <= covered / 200 <= 0.99
    assert bootstrap_interval([3.0]) == (3.0, 3.0)
    values = rng.normal(size=30).tolist()
    assert bootstrap_interval(values) == bootstrap_interval(values)
