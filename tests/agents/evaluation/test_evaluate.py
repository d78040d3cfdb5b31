"""Evaluation of any policy on any task: every task is scored, alike for any number of worlds, recorded in order."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from drifting_point import DriftingPoint
from numpy.typing import NDArray
from stable_baselines3 import SAC

import camshaft.agents.evaluation.evaluate
from camshaft.agents.evaluation.evaluate import STEPS_TO_SUCCESS, evaluate
from camshaft.agents.evaluation.results import EpisodeResult, Evaluation
from camshaft.agents.policies.base import Policy
from camshaft.agents.policies.loading import resolve_policy
from camshaft.agents.policies.scripted import ConstantPolicy, ExpertPolicy, RandomPolicy
from camshaft.envs import TASK_IDS, find_task
from camshaft.envs.errors import InvalidOption, UnknownName

STATE = {"obs_mode": "state", "max_episode_steps": 15}


@pytest.fixture
def drifting(monkeypatch: pytest.MonkeyPatch) -> list[DriftingPoint]:
    """Every simulation that an evaluation makes: a drifting point, whatever the task."""
    made: list[DriftingPoint] = []

    def make(task: str, num_worlds: int, **options: Any) -> DriftingPoint:
        made.append(DriftingPoint(num_worlds, **options))
        return made[-1]

    monkeypatch.setattr(camshaft.agents.evaluation.evaluate, "make_simulation", make)
    return made


@pytest.mark.parametrize("task", TASK_IDS)
def test_every_task_is_scored_with_its_own_metrics(task: str) -> None:
    evaluations = [
        evaluate(policy, task, episodes=2, env_options=STATE)
        for policy in (ExpertPolicy(), RandomPolicy(), ConstantPolicy())
    ]
    declared = {metric.name: metric.unit for metric in find_task(task).simulation_class().metrics}
    for evaluation in evaluations:
        summary = evaluation.summary()
        assert summary["episodes"] == 2
        assert 0.0 <= summary["success_interval"][0] <= summary["success_rate"]
        assert declared
        assert declared.items() <= {name: row["unit"] for name, row in summary["metrics"].items()}.items()
        assert all(1 <= steps <= 15 for steps in evaluation.values("steps"))
        assert np.isfinite(evaluation.values("return")).all()
        json.dumps(evaluation.to_dict(), allow_nan=False)


@pytest.mark.parametrize("task", ["camshaft/Racing-v0", "camshaft/Stack-v0", "camshaft/LaneKeeping-v0"])
def test_results_are_the_same_in_one_world_and_in_sixteen(task: str) -> None:
    one, many = (
        evaluate(RandomPolicy(), task, episodes=7, num_worlds=worlds, env_options=STATE) for worlds in (1, 16)
    )
    assert one == many
    for first, second in zip(one.series, many.series, strict=True):
        for name, values in first.items():
            np.testing.assert_array_equal(values, second[name], err_msg=name)


def test_success_return_and_steps_are_those_of_the_episode(drifting: list[DriftingPoint]) -> None:
    evaluation = evaluate(ExpertPolicy(), "Reach", episodes=6, num_worlds=2, seed=4)
    for episode, series in zip(evaluation.episodes, evaluation.series, strict=True):
        assert episode.seed == 4 + episode.episode
        assert episode.steps == len(series["reward"])
        assert episode.seconds == episode.steps / DriftingPoint.control_frequency
        assert episode.total_reward == pytest.approx(series["reward"].sum())
        assert episode.success == bool(series["success"][-1])
        first = np.flatnonzero(series["success"])
        steps = episode.metrics[STEPS_TO_SUCCESS]
        assert steps == first[0] + 1 if first.size else math.isnan(steps)
    assert drifting[0].num_worlds == 2


def test_a_metric_that_an_episode_lacks_is_left_out_of_the_mean() -> None:
    def episode(number: int, steps: float) -> EpisodeResult:
        return EpisodeResult(
            number, number, not math.isnan(steps), 1.0, 10, 1.0, {"lap": steps, "other": math.nan}
        )

    evaluation = Evaluation(
        "policy",
        "camshaft/Racing-v0",
        None,
        {"lap": "s", "other": ""},
        (episode(0, 4.0), episode(1, math.nan), episode(2, 8.0)),
    )
    metrics = evaluation.summary()["metrics"]
    assert (metrics["lap"]["mean"], metrics["lap"]["count"]) == (6.0, 2)
    assert metrics["other"] == {"mean": None, "interval": None, "count": 0, "unit": ""}
    assert evaluation.to_dict()["episodes"][1]["metrics"]["lap"] is None


def test_options_of_the_policy_are_taken_and_those_given_go_over_them(drifting: list[DriftingPoint]) -> None:
    policy = ConstantPolicy()
    policy.env_options = {"obs_mode": "state", "camera": {"width": 12, "height": 8}}
    evaluate(policy, "Reach", episodes=1)
    evaluate(policy, "Reach", episodes=1, env_options={"obs_mode": "rgb"})
    assert [each.obs_mode for each in drifting] == ["state", "rgb"]
    assert drifting[1].camera.width == 12


@pytest.mark.usefixtures("drifting")
def test_a_recorder_is_told_of_episodes_in_order() -> None:
    class Recorder:
        needs_expert = False

        def __init__(self) -> None:
            self.finished: list[int] = []

        def bind(self, simulation: Any, task: str, supervised: bool) -> None:
            self.bound = (simulation, task, supervised)

        def wants(self, episodes: NDArray[np.int64], elapsed: Any) -> NDArray[np.bool_]:
            return np.zeros(len(episodes), bool)

        def before(self, decision: Any) -> None: ...

        def after(self, step: Any) -> None: ...

        def finish(self, episode: EpisodeResult) -> None:
            self.finished.append(episode.episode)

    recorder = Recorder()
    evaluate(ConstantPolicy(), "Reach", episodes=9, num_worlds=4, recorder=recorder)
    assert recorder.finished == list(range(9))
    assert recorder.bound[1:] == ("camshaft/Reach-v0", False)


@pytest.mark.usefixtures("drifting")
def test_progress_never_falls_and_ends_at_the_total() -> None:
    calls: list[tuple[int, int]] = []
    evaluate(
        ExpertPolicy(),
        "Reach",
        episodes=5,
        num_worlds=2,
        progress=lambda done, total: calls.append((done, total)),
    )
    assert calls[-1] == (5 * 45, 5 * 45)
    assert all(before[0] <= after[0] for before, after in pairwise(calls))


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(InvalidOption, match="episodes must be a whole number of at least 1, got 0"):
        evaluate(ExpertPolicy(), "Reach", episodes=0)
    with pytest.raises(UnknownName, match="Did you mean"):
        evaluate(ExpertPolicy(), "camshaft/Reech-v0", episodes=1)
    with pytest.raises(UnknownName, match="obs_mod"):
        evaluate(ExpertPolicy(), "Reach", episodes=1, env_options={"obs_mod": "state"})


OUTSIDE = '''
import numpy as np


class Careful:
    """Half throttle where the observation says that it is slow, straight on."""

    task = "camshaft/Town-v0"
    env_options = {"obs_mode": "ego+command"}

    def reset(self, done_mask):
        self.steps = np.where(done_mask, 0, getattr(self, "steps", np.zeros(len(done_mask), int)))

    def act(self, observation):
        self.steps += 1
        return np.stack([0.0 * self.steps, np.where(observation["ego"][:, 0] < 5.0, 0.5, 0.0)], axis=1)
'''


def test_policies_of_the_users_own_and_agents_of_others_are_scored_like_any(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    Path("careful_driver.py").write_text(OUTSIDE)
    policy = resolve_policy("careful_driver:Careful")
    assert policy.task is not None
    driven = evaluate(policy, policy.task, episodes=3, num_worlds=2, env_options={"max_episode_steps": 20})
    assert driven.policy == "careful_driver:Careful"
    assert (driven.values("steps") > 0).all()
    assert np.isfinite(driven.values("driving_score")).all()

    env = gymnasium.make("camshaft/Reach-v0", obs_mode="state")
    SAC("MultiInputPolicy", env, seed=0, device="cpu").save(tmp_path / "reacher")
    env.close()
    with pytest.raises(InvalidOption, match="unpickle"):
        resolve_policy(str(tmp_path / "reacher.zip"))
    agent: Policy = resolve_policy(str(tmp_path / "reacher.zip"), unpickle=True)
    reached = evaluate(agent, "Reach", episodes=3, env_options={"max_episode_steps": 10})
    assert reached.summary().keys() <= driven.summary().keys()
    with pytest.raises(InvalidOption, match="reacher was trained on observations"):
        evaluate(agent, "Push", episodes=1)
