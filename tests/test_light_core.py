"""The core without the extra "learn": environments and their commands work, others say what they need."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from camshaft.experiments.cli.main import LEARN

ROOT = Path(__file__).parent.parent
HIDE = f"""
import sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {sorted(LEARN)}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Hidden())
"""


def python(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", HIDE + code],
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
        timeout=240,
    )


def camshaft(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return python(f"from camshaft.experiments.cli.main import main; sys.exit(main({list(words)!r}))", folder)


def test_the_modules_that_are_hidden_are_those_of_the_extra() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    names = {requirement.partition(">")[0] for requirement in project["optional-dependencies"]["learn"]}
    assert {{"pyyaml": "yaml"}.get(name, name.replace("-", "_")) for name in names} == LEARN


@pytest.mark.parametrize("task", ["Town", "Lift"])
def test_environments_run(task: str, tmp_path: Path) -> None:
    done = python(
        "import gymnasium, camshaft\n"
        f"env = gymnasium.make_vec('camshaft/{task}-v0', num_envs=2, obs_mode='rgb+state', randomize='train')\n"
        "env.reset(seed=0)\n"
        "observation, *_ = env.step(env.unwrapped.simulation.expert_action())\n"
        "print(observation['rgb'].shape)",
        tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "(2, 84, 84, 3)"


def test_tasks_are_listed_and_played(tmp_path: Path) -> None:
    assert "camshaft/Town-v0" in camshaft("tasks", folder=tmp_path).stdout
    code = "import numpy as np; np.save('actions.npy', np.zeros((3, 1), np.float32))"
    assert python(code, tmp_path).returncode == 0
    played = camshaft("play", "LaneKeeping", "--actions", "actions.npy", folder=tmp_path)
    assert played.returncode == 0, played.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("train", "cloning", "data"),
        ("collect", "data"),
        ("evaluate", "expert"),
        ("show", "filters", "lenet5"),
    ],
)
def test_other_commands_name_the_extra(words: tuple[str, ...], tmp_path: Path) -> None:
    done = camshaft(*words, folder=tmp_path)
    assert done.returncode == 2
    assert "not installed: pip install 'camshaft[learn]'" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())
