"""Closed-loop evaluation: what counts as an intervention, what autonomy comes out, and the intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
import pytest
from numpy.typing import NDArray

import camshaft.agents.evaluation.evaluate
from camshaft.agents.evaluation.autonomy import RoadResult, autonomy
from camshaft.agents.evaluation.evaluate import LANE_KEEPING, Moment, evaluate
from camshaft.agents.evaluation.intervals import poisson_interval, wilson_interval
from camshaft.agents.policies.base import Policy
from camshaft.agents.policies.scripted import ConstantPolicy, ExpertPolicy
from camshaft.envs.arrays import IntArray
from camshaft.envs.errors import InvalidOption
from camshaft.envs.simulation import Measurements, Simulation

DRIFT = 1 / 128  # meters a step at full steering: exact in binary
STEPS_TO_INTERVENTION = 129  # the first step at which 1 m is exceeded


class SidewaysCar(Simulation):
    """A car whose lateral error grows by DRIFT * action * gain each step; a road's seed draws its gain."""

    state_names = ("place",)
    control_modes = ("steering",)
    control_frequency = 10.0
    road_length = np.inf

    def __init__(self, num_worlds: int = 1, *, max_episode_steps: int = 600, **options: Any) -> None:
        super().__init__(num_worlds, max_episode_steps=max_episode_steps, **options)
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, (1,))
        self.observation_space = gymnasium.spaces.Box(0, 255, (4, 6, 3), np.uint8)
        self.error = np.zeros(num_worlds)
        self.gain = np.ones(num_worlds)
        self.distance = np.zeros(num_worlds)
        self.observed = 0

    def _reset(self, worlds: IntArray, options: Mapping[str, Any]) -> None:
        self.error[worlds] = self.distance[worlds] = 0.0
        self.gain[worlds] = [self.generators[world].choice([0.5, 1.0]) for world in worlds]

    def _step(self, actions: NDArray[np.float32]) -> Measurements:
        self.error += DRIFT * self.gain * actions[:, 0]
        self.distance += 2.0
        arrived = self.distance >= self.road_length
        info = {
            "lateral_error": self.error.copy(),
            "distance": self.distance.copy(),
            "steering": 0.1 * actions[:, 0],
            "lateral_acceleration": np.full(self.num_worlds, 3.0),
        }
        return Measurements(np.zeros(self.num_worlds), arrived, arrived, info)

    def observe(self, worlds: IntArray | None = None) -> NDArray[np.uint8]:
        self.observed += 1
        return np.full((self.num_worlds, 4, 6, 3), 7, np.uint8)

    def expert_action(self) -> NDArray[np.float32]:
        return np.clip(-self.error, -1.0, 1.0).astype(np.float32)[:, None]

    def recover(self, worlds: Any) -> None:
        self.error[worlds] = 0.0

    def render_frames(self, worlds: Any) -> NDArray[np.uint8]:
        return np.zeros((len(worlds), 8, 12, 3), np.uint8)

    def reset_info(self, worlds: IntArray) -> dict[str, NDArray[Any]]:
        return {}

    def get_state(self) -> dict[str, Any]:
        return {}

    def set_state(self, state: Mapping[str, Any]) -> None:
        pass


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

    def reset(self, done_mask: NDArray[np.bool_]) -> None:
        self.were_reset = done_mask


def test_interventions_and_autonomy_are_what_the_drift_implies() -> None:
    steps = 6000
    result = evaluate(ConstantPolicy(1.0), LANE_KEEPING, episodes=4, env_options={"max_episode_steps": steps})
    for road in result.roads:
        fast = road.interventions == steps // STEPS_TO_INTERVENTION
        slow = road.interventions == steps // (2 * STEPS_TO_INTERVENTION - 1)
        assert fast or slow
        assert road.seconds == 600.0
        assert road.autonomy == pytest.approx((1 - road.interventions * 6 / 600) * 100)
        assert not road.success
    total = sum(road.interventions for road in result.roads)
    assert result.summary()["autonomy"] == pytest.approx((1 - total * 6 / 2400) * 100)
    assert result.summary()["kilometers"] == pytest.approx(4 * steps * 2.0 / 1000)


def test_lateral_error_of_a_drift_is_its_mean_and_percentile() -> None:
    road = evaluate(
        ConstantPolicy(1.0), LANE_KEEPING, episodes=1, env_options={"max_episode_steps": 128}
    ).roads[0]
    gain = 1.0 if road.mean_lateral_error > 0.3 else 0.5
    errors = gain * DRIFT * np.arange(1, 129)
    assert road.mean_lateral_error == pytest.approx(errors.mean())
    assert road.high_lateral_error == pytest.approx(np.quantile(errors, 0.95))
    assert road.lateral_acceleration == pytest.approx(3.0)
    assert road.steering_difference == pytest.approx(1.0 + errors[:-1].sum() / 128)
    assert road.success


def test_the_expert_needs_no_help_and_no_frames(simulations: list[SidewaysCar]) -> None:
    summary = evaluate(ExpertPolicy(), LANE_KEEPING, episodes=20).summary()
    assert summary["autonomy"] == 100.0
    assert summary["interventions"] == 0
    assert summary["success_interval"] == [pytest.approx(0.8389, abs=1e-4), 1.0]
    assert summary["steering_difference"] == 0.0
    assert simulations[0].observed == 0


def test_autonomy_is_never_negative() -> None:
    assert autonomy(1, 60.0) == pytest.approx(90.0)
    assert autonomy(100, 60.0) == 0.0


def test_a_policy_sees_the_frames_and_is_reset_with_each_batch(simulations: list[SidewaysCar]) -> None:
    policy = CameraPolicy()
    result = evaluate(policy, LANE_KEEPING, episodes=2, num_worlds=2)
    assert all(road.interventions > 0 for road in result.roads)
    assert policy.were_reset.tolist() == [True, True]
    assert simulations[0].observed == 600


@pytest.mark.parametrize("num_worlds", [1, 2, 3, 5, 8])
def test_roads_do_not_depend_on_how_many_are_driven_side_by_side(num_worlds: int) -> None:
    expected = evaluate(ConstantPolicy(0.7), LANE_KEEPING, episodes=5, seed=3, num_worlds=5)
    given = evaluate(ConstantPolicy(0.7), LANE_KEEPING, episodes=5, seed=3, num_worlds=num_worlds)
    assert given == expected
    assert [road.seed for road in given.roads] == [3, 4, 5, 6, 7]
    assert {road.interventions for road in given.roads} == {1, 3}


def test_a_road_that_ends_early_counts_as_far_as_it_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SidewaysCar, "road_length", 400.0)
    result = evaluate(ConstantPolicy(1.0), LANE_KEEPING, episodes=2)
    assert [road.seconds for road in result.roads] == [20.0, 20.0]
    assert [road.distance for road in result.roads] == [400.0, 400.0]
    assert all(road.interventions <= 1 for road in result.roads)


def test_the_recorder_gets_the_first_roads_at_its_frame_rate() -> None:
    class Recorder:
        episodes = 2
        frames_per_second = 5.0

        def __init__(self) -> None:
            self.moments: dict[int, list[Moment]] = {}
            self.roads: dict[int, RoadResult] = {}

        def add(self, episode: int, moment: Moment) -> None:
            self.moments.setdefault(episode, []).append(moment)

        def finish(self, episode: int, road: RoadResult) -> None:
            self.roads[episode] = road

    recorder = Recorder()
    result = evaluate(ConstantPolicy(1.0), LANE_KEEPING, episodes=3, num_worlds=2, recorder=recorder)
    assert sorted(recorder.moments) == [0, 1]
    assert [len(recorder.moments[episode]) for episode in (0, 1)] == [300, 300]
    assert recorder.roads == {0: result.roads[0], 1: result.roads[1]}
    moment = recorder.moments[0][1]
    assert moment.time == pytest.approx(0.2)
    assert moment.lateral_error == result.traces[0].lateral_error[1]
    assert moment.observation.shape == (4, 6, 3)
    assert moment.picture.shape == (8, 12, 3)
    assert recorder.moments[0][-1].interventions == result.roads[0].interventions


def test_progress_ends_at_the_total() -> None:
    calls: list[tuple[int, int]] = []
    evaluate(
        ExpertPolicy(),
        LANE_KEEPING,
        episodes=4,
        num_worlds=2,
        progress=lambda done, total: calls.append((done, total)),
    )
    assert calls[-1] == (1200, 1200)
    assert [done for done, _ in calls] == list(range(1, 1201))


def test_no_roads_is_refused() -> None:
    with pytest.raises(InvalidOption, match="at least 1"):
        evaluate(ExpertPolicy(), LANE_KEEPING, episodes=0)


@pytest.mark.parametrize("task", ["camshaft/Following-v0", "camshaft/Parking-v0", "camshaft/Reach-v0"])
def test_tasks_without_a_lane_to_keep_are_refused(task: str) -> None:
    with pytest.raises(InvalidOption, match=f"in {LANE_KEEPING}, not in {task}"):
        evaluate(ExpertPolicy(), task, episodes=1)


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
