"""Metrics of an episode, from the series of one entry."""

from __future__ import annotations

import math

import numpy as np
import pytest

from camshaft.envs.errors import UnknownName
from camshaft.envs.metrics import Metric

SERIES = np.array([0.0, -3.0, 1.0, 2.0])


@pytest.mark.parametrize(
    ("reduction", "value"),
    [
        ("last", 2.0),
        ("mean", 0.0),
        ("mean_abs", 1.5),
        ("max_abs", 3.0),
        ("p95_abs", 2.85),
        ("rms", math.sqrt(14 / 4)),
        ("mean_abs_rate", (3 + 4 + 1) * 10 / 4),
        ("rms_second_rate", math.sqrt((7**2 + 3**2) / 2) * 100),
    ],
)
def test_reductions(reduction: str, value: float) -> None:
    assert Metric("m", "entry", reduction).of(SERIES, 10.0) == pytest.approx(value)


def test_short_series_have_no_second_rate() -> None:
    assert Metric("m", "entry", "rms_second_rate").of(SERIES[:2], 10.0) == 0.0


def test_a_value_that_means_none_is_none() -> None:
    lap = Metric("lap_time", "lap_time", "last", "s", absent=0.0)
    assert math.isnan(lap.of(np.zeros(3), 10.0))
    assert lap.of(np.array([0.0, 31.5]), 10.0) == 31.5


def test_an_unknown_reduction_is_named() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'mean_abs'"):
        Metric("m", "entry", "mean_ab")
