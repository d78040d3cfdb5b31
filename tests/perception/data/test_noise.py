"""Smooth noise: variance and correlation time."""

import numpy as np
import pytest

from camshaft.perception.data.noise import SmoothNoise


def test_noise_has_the_variance_of_its_innovations_and_the_correlation_time():
    rng = np.random.default_rng(0)
    noise = SmoothNoise((4000,), 10.0)
    noise.start(np.arange(4000), 0.2 * rng.standard_normal(4000))
    series = []
    for _ in range(40):
        series.append(noise.value.copy())
        noise.advance(0.2 * rng.standard_normal(4000))
    series = np.array(series)
    np.testing.assert_allclose(series.std(axis=1), 0.2, rtol=0.06)
    after_ten_steps = np.mean(series[10:] * series[:-10]) / np.mean(series**2)
    assert after_ten_steps == pytest.approx(np.exp(-1), abs=0.03)


def test_some_worlds_restart_and_the_others_continue():
    noise = SmoothNoise((3, 2), 5.0)
    noise.start(np.array([1]), np.ones((1, 2)))
    np.testing.assert_array_equal(noise.value, [[0, 0], [1, 1], [0, 0]])
    noise.advance(np.zeros((3, 2)))
    assert (noise.value[1] > 0).all()
    assert (noise.value[1] < 1).all()
