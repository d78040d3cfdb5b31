"""Evaluation in several processes: the same results, progress, recordings; and what goes wrong is told."""

from __future__ import annotations

import os
import signal
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from camshaft.agents.evaluation.evaluate import evaluate
from camshaft.agents.evaluation.parallel import evaluate_parallel
from camshaft.agents.evaluation.recording import RolloutRecorder
from camshaft.agents.lerobot.reader import DatasetReader
from camshaft.agents.policies.base import Policy
from camshaft.agents.policies.scripted import ExpertPolicy, RandomPolicy
from camshaft.agents.policies.vision import VisionPolicy
from camshaft.envs.errors import CamshaftError, InvalidOption

STATE = {"obs_mode": "state", "max_episode_steps": 12}


class Dying(Policy):
    """Ends the process that it acts in, unless it is the one that made it."""

    def __init__(self) -> None:
        self.home = os.getpid()

    def act(self, observation: Any, deterministic: bool = True) -> Any:
        if os.getpid() != self.home:
            os.kill(os.getpid(), signal.SIGKILL)
        return np.zeros((len(next(iter(observation.values()))), 3), np.float32)


@pytest.mark.parametrize("task", ["camshaft/Reach-v0", "camshaft/LaneKeeping-v0"])
def test_results_are_those_of_one_process(task: str) -> None:
    calls: list[tuple[int, int]] = []
    arguments: dict[str, Any] = {"episodes": 5, "seed": 3, "env_options": STATE}
    alone = evaluate(RandomPolicy(), task, **arguments)
    shared = evaluate_parallel(
        RandomPolicy(),
        task,
        processes=3,
        progress=lambda done, total: calls.append((done, total)),
        **arguments,
    )
    assert shared.to_dict() == alone.to_dict()
    assert shared.added == alone.added
    for one, other in zip(shared.series, alone.series, strict=True):
        for name, values in one.items():
            np.testing.assert_array_equal(values, other[name])
    assert calls[-1] == (60, 60)
    assert all(before[0] <= after[0] for before, after in pairwise(calls))


def test_networks_are_sent_to_the_processes(tmp_path: Path) -> None:
    policy = VisionPolicy({"rgb": (36, 36, 3)}, {"size": 3}, "nature_cnn", model_options={"size": (36, 36)})
    arguments: dict[str, Any] = {
        "episodes": 3,
        "env_options": {"obs_mode": "rgb", "camera": (36, 36), "max_episode_steps": 4},
    }
    with RolloutRecorder(tmp_path, episodes=1) as recorder:
        shared = evaluate_parallel(policy, "Reach", processes=2, recorder=recorder, **arguments)
    assert shared.to_dict() == evaluate(policy, "Reach", **arguments).to_dict()
    assert DatasetReader(tmp_path / "rollouts").num_episodes == 1


def test_more_processes_than_episodes_and_one_are_fine() -> None:
    one = evaluate_parallel(ExpertPolicy(), "Reach", processes=8, episodes=1, env_options=STATE)
    alone = evaluate(ExpertPolicy(), "Reach", episodes=1, env_options=STATE)
    assert one.to_dict() == alone.to_dict()


def test_what_goes_wrong_is_told() -> None:
    for processes in (0, 1.5, True):
        with pytest.raises(InvalidOption, match="processes must be a whole number of at least 1"):
            evaluate_parallel(ExpertPolicy(), "Reach", processes=processes)  # type: ignore[arg-type]
    with pytest.raises(InvalidOption, match="episodes"):
        evaluate_parallel(ExpertPolicy(), "Reach", processes=2, episodes=0)
    unknown = {"processes": 2, "episodes": 2, "env_options": {"arm": "pandas", **STATE}}
    with pytest.raises(CamshaftError, match="pandas"):
        evaluate_parallel(ExpertPolicy(), "Reach", **unknown)  # type: ignore[arg-type]
    local = ExpertPolicy()
    local.hook = lambda: None  # type: ignore[attr-defined]
    with pytest.raises(InvalidOption, match="expert cannot be sent to another process"):
        evaluate_parallel(local, "Reach", processes=2, episodes=2, env_options=STATE)
    with pytest.raises(CamshaftError, match="a process of the evaluation died"):
        evaluate_parallel(Dying(), "Reach", processes=2, episodes=2, env_options=STATE)
