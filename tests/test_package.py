"""The package as a whole: one name, aliases in a checkout, no import circles, docstrings that name their module."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import networkx
import pytest

ROOT = Path(__file__).resolve().parents[1]
LAYERS = ("envs", "perception", "agents", "experiments")


def run(code: str, folder: Path, *paths: Path) -> str:
    """Output of a Python program in a folder, with these on its path beside what is installed."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))}
    command = [sys.executable, "-c", code]
    finished = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def test_an_id_with_the_package_needs_no_import(tmp_path: Path) -> None:
    code = (
        "import gymnasium\n"
        "env = gymnasium.make('camshaft:camshaft/Reach-v0', obs_mode='state')\n"
        "print(type(env.unwrapped).__module__)"
    )
    assert run(code, tmp_path).strip() == "camshaft.envs.single"


def test_importing_the_package_registers_the_tasks_and_no_other_names(tmp_path: Path) -> None:
    code = (
        "import sys, camshaft, gymnasium\n"
        "assert 'camshaft/Town-v0' in gymnasium.registry\n"
        f"assert not set({LAYERS}) & set(sys.modules), sys.modules.keys()\n"
        "assert not {'torch', 'stable_baselines3'} & set(sys.modules)"
    )
    run(code, tmp_path)


@pytest.mark.parametrize("first", ["camshaft.envs", "envs"])
def test_in_a_checkout_the_layers_are_the_same_modules(first: str, tmp_path: Path) -> None:
    code = (
        f"import {first}\n"
        "import envs, envs.errors, perception.runs.settings\n"
        "import camshaft.envs.errors, camshaft.perception.runs.settings\n"
        "from agents.policies.registry import KINDS\n"
        "from camshaft.agents.policies import registry\n"
        "assert envs is camshaft.envs and envs.errors is camshaft.envs.errors\n"
        "assert perception.runs.settings is camshaft.perception.runs.settings\n"
        "assert KINDS is registry.KINDS and envs.errors.__name__ == 'camshaft.envs.errors'\n"
    )
    run(code, tmp_path, ROOT)


def test_a_folder_envs_of_the_users_own_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "envs").mkdir()
    (tmp_path / "envs" / "__init__.py").write_text("MINE = True\n")
    run("import camshaft, envs; assert envs.MINE and camshaft.envs is not envs", tmp_path)


def test_no_modules_import_each_other_in_circles() -> None:
    grimp = pytest.importorskip("grimp")
    found = grimp.build_graph("camshaft")
    graph = networkx.DiGraph(
        (module, other)
        for module in found.modules
        for other in found.find_modules_directly_imported_by(module)
    )
    circles = [sorted(part) for part in networkx.strongly_connected_components(graph) if len(part) > 1]
    assert circles == []


@pytest.mark.parametrize("layer", LAYERS)
def test_modules_say_what_they_hold(layer: str) -> None:
    """The first line names the thing, as an index of the package would list it."""
    questions = ("What ", "Who ", "How ", "Where ", "Whether ", "Why ")
    for path in (ROOT / layer).rglob("*.py"):
        first = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
        assert first, f"{path} has no docstring"
        assert not first.startswith(questions), f"{path}: {first.splitlines()[0]}"
