"""`camshaft evaluate`: any policy on any task, with one table, films, a dataset and a page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gymnasium
import pytest
from command_line import camshaft
from stable_baselines3 import SAC

from camshaft.agents.imitation.demonstrations import Demonstrations
from camshaft.agents.policies.vision import VisionPolicy
from camshaft.envs import TASK_IDS

DRIVER = """
import numpy as np


class Driver:
    env_options = {"obs_mode": "rgb+ego+command", "camera": {"width": 64, "height": 48}}

    def act(self, observation):
        return np.tile([0.0, 0.3], (len(observation["ego"]), 1))
"""


def metrics(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "metrics.json").read_text())
    return content


def test_policies_are_compared_on_the_same_episodes(tmp_path: Path) -> None:
    words = ("evaluate", "expert", "random", "constant", "--task", "Reach", "--episodes", "4")
    finished = camshaft(*words, "--seconds", "1", folder=tmp_path)
    assert finished.returncode == 0, finished.stderr
    assert "random against expert" in " ".join(finished.stdout.split())
    folder = tmp_path / "runs/evaluate/Reach-expert-vs-random-vs-constant"
    content = metrics(folder)
    assert [each["policy"] for each in content["policies"]] == ["expert", "random", "constant"]
    assert {each["task"] for each in content["policies"]} == {"camshaft/Reach-v0"}
    assert content["compared_with_first"]["random"][0]["name"] == "success"
    assert "Every episode of constant" in (folder / "report.html").read_text()
    assert "across_seeds" not in content


def test_a_user_policy_drives_through_the_town_and_is_filmed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "town_driver.py").write_text(DRIVER)
    monkeypatch.syspath_prepend(str(tmp_path))
    words = ("evaluate", "town_driver:Driver", "--task", "Town", "--episodes", "2", "--seconds", "1")
    finished = camshaft(*words, "--record", "1", "--out", "out", folder=tmp_path)
    assert finished.returncode == 0, finished.stderr
    (evaluation,) = metrics(tmp_path / "out")["policies"]
    assert evaluation["policy"] == "town_driver:Driver"
    assert evaluation["summary"]["metrics"]["driving_score"]["count"] == 2
    (folder,) = (path.parent for path in (tmp_path / "out").glob("*/rollouts"))
    assert (folder / "videos/episode-000.mp4").stat().st_size > 0
    data = Demonstrations(folder / "rollouts", ["rgb", "ego", "command"])
    assert data.fetch([0])["rgb"].shape == (1, 48, 64, 3)
    assert (tmp_path / "out/report.html").read_text().count("<video controls") == 1


def test_an_agent_of_stable_baselines_ends_in_the_same_table(tmp_path: Path) -> None:
    env = gymnasium.make("camshaft/Reach-v0", obs_mode="state")
    SAC("MultiInputPolicy", env, seed=0, device="cpu").save(tmp_path / "reacher")
    env.close()
    words = ("evaluate", "expert", "reacher.zip", "--task", "Reach", "--episodes", "2", "--seconds", "0.5")
    refused = camshaft(*words, folder=tmp_path)
    assert refused.returncode == 2
    assert "--unpickle" in refused.stderr
    finished = camshaft(*words, "--unpickle", "--out", "out", folder=tmp_path)
    assert finished.returncode == 0, finished.stderr
    assert [each["policy"] for each in metrics(tmp_path / "out")["policies"]] == ["expert", "reacher"]


def test_training_seeds_of_one_method_are_averaged(tmp_path: Path) -> None:
    words = (
        "evaluate",
        "random",
        "random",
        "constant",
        "--task",
        "Push",
        "--episodes",
        "3",
        "--seconds",
        "0.5",
    )
    finished = camshaft(*words, "--across-seeds", "--out", "out", folder=tmp_path)
    assert finished.returncode == 0, finished.stderr
    content = metrics(tmp_path / "out")
    assert [each["policy"] for each in content["policies"]] == ["random (1)", "random (2)", "constant"]
    mean, low, high = content["across_seeds"]["return"]
    assert low <= mean <= high
    alone = camshaft("evaluate", "random", "--across-seeds", folder=tmp_path)
    assert alone.returncode == 2
    assert "at least two training seeds" in alone.stderr


def test_a_policy_says_which_task_and_options_it_needs(tmp_path: Path) -> None:
    policy = VisionPolicy(
        {"rgb": (48, 64, 3)},
        {"choices": 5},
        "nature_cnn",
        task="camshaft/Highway-v0",
        env_options={"obs_mode": "rgb", "control_mode": "discrete", "camera": {"width": 64, "height": 48}},
    )
    policy.save(tmp_path / "overtaker")
    words = ("evaluate", "overtaker", "random", "--episodes", "2", "--seconds", "1", "--out", "out")
    finished = camshaft(*words, folder=tmp_path)
    assert finished.returncode == 0, finished.stderr
    assert {each["task"] for each in metrics(tmp_path / "out")["policies"]} == {"camshaft/Highway-v0"}
    alone = camshaft(
        "evaluate", "random", "--task", "Highway", *words[3:7], "--out", "alone", folder=tmp_path
    )
    assert alone.returncode == 0, alone.stderr
    returns = [metrics(tmp_path / name)["policies"][-1]["summary"]["return"] for name in ("out", "alone")]
    assert returns[0] != returns[1]  # with the other policy, random chooses among its discrete actions
    wrong = camshaft("evaluate", "overtaker", "--task", "Racing", folder=tmp_path)
    assert wrong.returncode == 2
    assert "overtaker was trained for camshaft/Highway-v0, not for camshaft/Racing-v0" in wrong.stderr
    misfit = camshaft("evaluate", "overtaker", "--camera", "32", "24", folder=tmp_path)
    assert misfit.returncode == 2
    assert "'rgb' has shape (24, 32, 3); this policy was trained on (48, 64, 3)" in misfit.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "name at least one policy, such as expert"),
        (("no_module_of_this_name:X",), "no module 'no_module_of_this_name'"),
        (("math:pi", "--task", "Reach"), "a float is no policy"),
        (("expert", "--task", "Reach", "--obs-mode", "lidar"), "unknown"),
        (("expert", "--episodes", "0"), "episodes must be a whole number of at least 1, got 0"),
    ],
)
def test_mistakes_are_named(words: tuple[str, ...], message: str, tmp_path: Path) -> None:
    finished = camshaft("evaluate", *words, folder=tmp_path)
    assert finished.returncode == 2
    assert message in finished.stderr
    assert not list(tmp_path.iterdir())


def test_the_help_names_what_can_be_evaluated(tmp_path: Path) -> None:
    shown = " ".join(camshaft("evaluate", "--help", folder=tmp_path).stdout.split())
    for word in ("expert", "random", "constant", "module:name", "--unpickle", "--record"):
        assert word in shown


@pytest.mark.slow
@pytest.mark.parametrize("task", TASK_IDS)
def test_every_task_is_filmed_and_recorded(task: str, tmp_path: Path) -> None:
    words = ("evaluate", "expert", "--task", task, "--episodes", "1", "--seconds", "0.5", "--record", "1")
    finished = camshaft(*words, "--camera", "48", "48", "--out", "out", folder=tmp_path)
    assert finished.returncode == 0, finished.stderr
    assert (tmp_path / "out/expert/videos/episode-000.mp4").stat().st_size > 0
    assert Demonstrations(tmp_path / "out/expert/rollouts").task == task
