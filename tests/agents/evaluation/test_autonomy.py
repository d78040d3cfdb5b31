"""Lane keeping with a safety driver: what counts as an intervention, and what autonomy comes out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sideways_car import DRIFT, STEPS_TO_INTERVENTION, SidewaysCar

import camshaft.agents.evaluation.evaluate
from camshaft.agents.evaluation.autonomy import autonomy
from camshaft.agents.evaluation.evaluate import LANE_KEEPING, evaluate
from camshaft.agents.policies.base import Policy
from camshaft.agents.policies.scripted import ConstantPolicy, ExpertPolicy


@pytest.fixture(autouse=True)
def simulations(monkeypatch: pytest.MonkeyPatch) -> list[SidewaysCar]:
    """Every simulation that an evaluation makes: this car's, whatever the task."""
    made: list[SidewaysCar] = []

    def make(task: str, num_worlds: int, **options: Any) -> SidewaysCar:
        made.append(SidewaysCar(num_worlds, **options))
        return made[-1]

    monkeypatch.setattr(camshaft.agents.evaluation.evaluate, "make_simulation", make)
    return made


class CameraPolicy(Policy):
    """Steers by what it sees: 1 if the frame is what the car shows."""

    def act(self, observation: Any, deterministic: bool = True) -> NDArray[np.float32]:
        return (observation[:, 0, 0, :1] == 7).astype(np.float32)

    def __init__(self) -> None:
        self.resets: list[NDArray[np.bool_]] = []

    def reset(self, done_mask: NDArray[np.bool_], seeds: Any = None) -> None:
        self.resets.append(done_mask.copy())


def test_interventions_and_autonomy_are_what_the_drift_implies() -> None:
    steps = 6000
    result = evaluate(ConstantPolicy(1.0), LANE_KEEPING, episodes=4, env_options={"max_episode_steps": steps})
    for episode in result.episodes:
        interventions = episode.metrics["interventions"]
        assert interventions in (steps // STEPS_TO_INTERVENTION, steps // (2 * STEPS_TO_INTERVENTION - 1))
        assert episode.seconds == 600.0
        assert episode.metrics["autonomy"] == pytest.approx((1 - interventions * 6 / 600) * 100)
        assert not episode.success
    total = result.values("interventions").sum()
    summary = result.summary()
    assert summary["autonomy"] == pytest.approx((1 - total * 6 / 2400) * 100)
    assert summary["autonomy_interval"][0] < summary["autonomy"] < summary["autonomy_interval"][1]
    assert summary["kilometers"] == pytest.approx(4 * steps * 2.0 / 1000)


def test_figures_of_a_drift_are_those_of_its_series() -> None:
    options = {"max_episode_steps": 128}
    episode = evaluate(ConstantPolicy(1.0), LANE_KEEPING, episodes=1, env_options=options).episodes[0]
    gain = 1.0 if episode.metrics["lateral_error"] > 0.3 else 0.5
    errors = gain * DRIFT * np.arange(1, 129)
    assert episode.metrics["lateral_error"] == pytest.approx(errors.mean())
    assert episode.metrics["lateral_error_p95"] == pytest.approx(np.quantile(errors, 0.95))
    assert episode.metrics["lateral_acceleration"] == pytest.approx(3.0)
    assert episode.metrics["steering_difference"] == pytest.approx(1.0 + errors[:-1].sum() / 128)
    assert episode.success


def test_the_expert_needs_no_help_and_no_frames(simulations: list[SidewaysCar]) -> None:
    summary = evaluate(ExpertPolicy(), LANE_KEEPING, episodes=20).summary()
    assert (summary["autonomy"], summary["interventions"]) == (100.0, 0)
    assert summary["success_interval"] == [pytest.approx(0.8389, abs=1e-4), 1.0]
    assert summary["metrics"]["steering_difference"]["mean"] == 0.0
    assert simulations[0].observed == 0


def test_autonomy_is_never_negative() -> None:
    assert autonomy(1, 60.0) == pytest.approx(90.0)
    assert autonomy(100, 60.0) == 0.0


def test_a_policy_sees_the_frames_and_is_reset_with_each_episode(simulations: list[SidewaysCar]) -> None:
    policy = CameraPolicy()
    result = evaluate(policy, LANE_KEEPING, episodes=3, num_worlds=2)
    assert (result.values("interventions") > 0).all()
    assert [mask.tolist() for mask in policy.resets] == [[True, True], [True, False]]
    assert simulations[0].observed == 3 * 600  # and no row of a world without an episode


@pytest.mark.parametrize("num_worlds", [1, 2, 3, 5, 8])
def test_episodes_do_not_depend_on_how_many_run_side_by_side(num_worlds: int) -> None:
    expected = evaluate(ConstantPolicy(0.7), LANE_KEEPING, episodes=5, seed=3, num_worlds=5)
    given = evaluate(ConstantPolicy(0.7), LANE_KEEPING, episodes=5, seed=3, num_worlds=num_worlds)
    assert given == expected
    assert [episode.seed for episode in given.episodes] == [3, 4, 5, 6, 7]
    assert set(given.values("interventions").tolist()) == {1, 3}


def test_a_road_that_ends_counts_as_far_as_it_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SidewaysCar, "road_length", 400.0)
    result = evaluate(ConstantPolicy(1.0), LANE_KEEPING, episodes=2)
    assert result.values("seconds").tolist() == [20.0, 20.0]
    assert result.values("distance").tolist() == [400.0, 400.0]
    assert (result.values("interventions") <= 1).all()


def test_series_are_one_value_a_control_step() -> None:
    result = evaluate(ConstantPolicy(1.0), LANE_KEEPING, episodes=2, env_options={"max_episode_steps": 40})
    for series in result.series:
        np.testing.assert_allclose(series["time"], np.arange(1, 41) / 10)
        assert {len(values) for values in series.values()} == {40}
        assert (series["command"] == 1.0).all()
