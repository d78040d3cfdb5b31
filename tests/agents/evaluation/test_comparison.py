"""Comparisons: paired on the same seeds, with the p-values of the books; interquartile means over training seeds."""

from __future__ import annotations

import math

import numpy as np
import pytest

from camshaft.agents.evaluation.comparison import compare, interquartile_mean, mcnemar
from camshaft.agents.evaluation.results import EpisodeResult, Evaluation
from camshaft.envs.errors import InvalidOption


def evaluation(
    name: str, successes: list[bool], returns: list[float], gaps: list[float], task: str = "a", seed: int = 0
) -> Evaluation:
    episodes = tuple(
        EpisodeResult(number, seed + number, success, total, 10, 1.0, {"gap": gap})
        for number, (success, total, gap) in enumerate(zip(successes, returns, gaps, strict=True))
    )
    return Evaluation(name, task, "test", {"gap": "m"}, episodes)


def test_pairs_see_a_difference_that_apart_would_drown() -> None:
    rng = np.random.default_rng(0)
    difficulty = rng.normal(0.0, 50.0, 60)
    first = evaluation("first", [True] * 60, difficulty.tolist(), [1.0] * 60)
    second = evaluation(
        "second", [True] * 60, (difficulty + rng.normal(1.0, 0.5, 60)).tolist(), [1.0] * 30 + [math.nan] * 30
    )
    by_name = {row.name: row for row in compare(first, second)}
    assert 0.7 < by_name["return"].low < 1.0 < by_name["return"].high < 1.3
    assert (by_name["gap"].difference, by_name["gap"].episodes) == (0.0, 30)
    assert by_name["success"].p_value == 1.0
    assert by_name["return"].p_value is None
    turned = {row.name: row for row in compare(second, first)}
    assert turned["return"].difference == pytest.approx(-by_name["return"].difference)


def test_mcnemars_exact_test_is_the_binomial_one_of_the_discordant_pairs() -> None:
    def outcome(gained: int, lost: int, both: int = 40) -> float:
        first = np.array([False] * gained + [True] * lost + [True] * both)
        second = np.array([True] * gained + [False] * lost + [True] * both)
        return mcnemar(first, second)

    assert outcome(0, 0) == 1.0
    assert outcome(5, 5) == 1.0
    assert outcome(10, 0) == pytest.approx(2 * 0.5**10)
    assert outcome(1, 8) == pytest.approx(2 * (1 + 9) / 2**9)
    assert outcome(1, 8, both=4) == outcome(8, 1, both=400)


def test_other_seeds_tasks_and_splits_are_not_compared() -> None:
    here = evaluation("here", [True], [1.0], [0.0])
    for other in (
        evaluation("there", [True], [1.0], [0.0], task="b"),
        evaluation("there", [True], [1.0], [0.0], seed=3),
        evaluation("there", [True, True], [1.0, 1.0], [0.0, 0.0]),
    ):
        with pytest.raises(InvalidOption, match="here and there were evaluated on different"):
            compare(here, other)


def test_the_interquartile_mean_leaves_out_both_tails() -> None:
    scores = [0.0, 0.4, 0.5, 0.5, 0.5, 0.6, 0.6, 9.0]
    mean, low, high = interquartile_mean(scores)
    assert (mean, low, high) == (
        pytest.approx(0.525),
        pytest.approx(0.35),
        pytest.approx(2.675),
    )  # of rliable 1.2
    assert interquartile_mean([0.2, 0.4])[0] == pytest.approx(0.3)
    assert interquartile_mean(scores) == (mean, low, high)


def test_tasks_are_resampled_apart_and_averaged_together() -> None:
    rng = np.random.default_rng(0)
    scores = np.array([0.2, 0.5, 0.9]) + rng.normal(0.0, 0.01, (6, 3))
    mean, low, high = interquartile_mean(scores)
    assert mean == pytest.approx(np.sort(scores.reshape(-1))[4:14].mean())
    assert (low, high) == (
        pytest.approx(0.51503, abs=3e-4),
        pytest.approx(0.52214, abs=3e-4),
    )  # of rliable 1.2
    mixed = interquartile_mean(scores.reshape(-1))
    assert mixed[2] - mixed[1] > 5 * (high - low)


def test_intervals_over_seeds_have_the_width_of_a_normal_sample() -> None:
    rng = np.random.default_rng(1)
    covered = 0
    for trial in range(120):
        _, low, high = interquartile_mean(rng.normal(0.0, 1.0, 20), seed=trial)
        covered += low <= 0.0 <= high
    assert 0.83 <= covered / 120 <= 0.99


def test_one_seed_and_missing_scores_are_refused() -> None:
    for scores in ([1.0], [[1.0, 2.0]], [0.5, math.nan], np.zeros((2, 2, 2))):
        with pytest.raises(InvalidOption, match="at least two"):
            interquartile_mean(scores)
