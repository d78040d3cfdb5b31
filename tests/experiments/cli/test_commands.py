"""Command line, end to end with tiny settings: results, resuming, help and errors."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_line import camshaft

from camshaft.agents.lerobot.reader import DatasetReader
from camshaft.experiments.cli.main import COMMANDS, main

ROOT = Path(__file__).resolve().parents[3]
FOLDER = "runs/driving_cloning/demo"


def command_line(*words: str) -> list[str]:
    return [sys.executable, "-m", "camshaft.experiments.cli.main", *words]


def environment() -> dict[str, str]:
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "PYTHONPATH": path}


def stop_after_line(
    words: tuple[str, ...], line: str, folder: Path, sent: signal.Signals, seconds: float = 0.2
) -> tuple[int, str]:
    """Start a command and send it a signal some time after it has printed `line`; its status and stderr."""
    with subprocess.Popen(
        command_line(*words),
        cwd=folder,
        env={**environment(), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        for printed in process.stdout:
            if line in printed:
                break
        else:
            pytest.fail(f"{words} never printed {line!r}")
        time.sleep(seconds)
        process.send_signal(sent)
        _, errors = process.communicate(timeout=60)
    return process.returncode, errors


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished smoke-test demo."""
    folder = tmp_path_factory.mktemp("demo")
    finished = camshaft("demo", "--smoke", folder=folder)
    assert finished.returncode == 0, finished.stderr
    assert "Report: runs/driving_cloning/demo/report.html" in finished.stdout
    return folder


def test_help_lists_every_command(tmp_path: Path) -> None:
    shown = camshaft("--help", folder=tmp_path)
    assert shown.returncode == 0
    for name in ("demo", "tasks", "collect", "train cloning", "evaluate", "bench steps", "bench cameras"):
        assert f"  {name} " in shown.stdout


def test_help_and_tasks_are_quick_because_they_import_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys; from camshaft.experiments.cli.main import main; "
        "assert main(['--help']) == 0; assert main(['tasks']) == 0; "
        "assert not {'torch', 'matplotlib', 'numba'} & set(sys.modules)"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment(), capture_output=True, text=True
    )
    assert finished.returncode == 0, finished.stderr
    assert "camshaft/LaneKeeping-v0" in finished.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main([*command.split(), "--help"])
    assert ended.value.code == 0
    assert f"For example: camshaft {command}" in " ".join(capsys.readouterr().out.split())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "nearest"),
    [
        (("evalute", "expert"), "'evaluate'"),
        (("train", "clonning"), "'cloning'"),
        (("bench", "step"), "'steps'"),
        (("evaluate", "expert", "--episods", "3"), "--episodes"),
        (("evaluate", "expert", "--task", "camshaft/LaneKeping-v0"), "'camshaft/LaneKeeping-v0'"),
        (("collect", "data", "--control-mode", "curvatur"), "'curvature'"),
        (("demo", "--model", "pilotnt"), "'pilotnet'"),
    ],
)
def test_a_wrong_word_gets_the_nearest_right_one(
    words: tuple[str, ...], nearest: str, tmp_path: Path
) -> None:
    finished = camshaft(*words, folder=tmp_path)
    assert finished.returncode == 2
    assert nearest in finished.stderr
    assert "Traceback" not in finished.stderr


def test_a_missing_policy_is_named(tmp_path: Path) -> None:
    finished = camshaft("evaluate", "runs/nothing", folder=tmp_path)
    assert finished.returncode == 2
    assert "no policy at 'runs/nothing'" in finished.stderr
    assert len(finished.stderr.strip().splitlines()) == 1


def test_the_demo_writes_a_complete_run_folder(demo: Path) -> None:
    run = demo / FOLDER
    for name in ("config.yaml", "stages.json", "metrics.json", "report.html", "videos/episode-000.mp4"):
        assert (run / name).stat().st_size > 0, name
    assert all(stage["done"] for stage in json.loads((run / "stages.json").read_text()).values())
    drivers = ("expert", "seed-0", "constant")
    assert [each["policy"] for each in json.loads((run / "metrics.json").read_text())["policies"]] == [
        *drivers
    ]
    for driver in drivers:
        evaluation = json.loads((run / f"evaluations/{driver}.json").read_text())
        assert evaluation["summary"]["episodes"] == 2
        assert 0.0 <= evaluation["summary"]["autonomy"] <= 100.0
    assert json.loads((run / "evaluations/expert.json").read_text())["summary"]["interventions"] == 0


def test_a_finished_demo_is_not_run_again(demo: Path) -> None:
    weights = demo / FOLDER / "seed-0/policy/model.safetensors"
    before = weights.stat().st_mtime_ns
    again = camshaft("demo", "--smoke", folder=demo)
    assert again.returncode == 0
    assert again.stdout.count("done before") == 5
    assert weights.stat().st_mtime_ns == before


def test_other_settings_in_the_same_folder_are_refused(demo: Path) -> None:
    finished = camshaft("demo", "--smoke", "--seeds", "1", folder=demo)
    assert finished.returncode == 2
    assert "seeds was [0], is [1]" in finished.stderr


def test_the_trained_policy_is_evaluated_with_its_training_camera(demo: Path) -> None:
    policy = f"{FOLDER}/seed-0"
    words = ("--episodes", "1", "--seconds", "2", "--record", "1", "--out", "runs/again")
    finished = camshaft("evaluate", policy, *words, folder=demo)
    assert finished.returncode == 0, finished.stderr
    (evaluation,) = json.loads((demo / "runs/again/metrics.json").read_text())["policies"]
    assert evaluation["summary"]["episodes"] == 1
    assert (demo / "runs/again/seed-0/videos/episode-000.mp4").stat().st_size > 0
    rollouts = DatasetReader(demo / "runs/again/seed-0/rollouts")
    assert rollouts.features["observation.images.front"].shape == (66, 200, 3)


def test_a_truncated_policy_is_named(demo: Path, tmp_path: Path) -> None:
    source = demo / FOLDER / "seed-0/policy"
    (tmp_path / "config.json").write_bytes((source / "config.json").read_bytes())
    (tmp_path / "model.safetensors").write_bytes((source / "model.safetensors").read_bytes()[:5000])
    finished = camshaft("evaluate", str(tmp_path), folder=tmp_path)
    assert finished.returncode == 2
    assert "model.safetensors" in finished.stderr
    assert "Traceback" not in finished.stderr


@pytest.mark.slow
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_demo_resumes_to_the_same_weights(demo: Path, tmp_path: Path, sent: signal.Signals) -> None:
    status, errors = stop_after_line(("demo", "--smoke"), "Training pilotnet", tmp_path, sent, 0.0)
    if sent == signal.SIGINT:
        assert status == 130
        assert "the same command continues" in errors
        assert "Traceback" not in errors
    finished = camshaft("demo", "--smoke", folder=tmp_path)
    assert finished.returncode == 0, finished.stderr
    assert "training roads: done before" in finished.stdout
    weights = "seed-0/policy/model.safetensors"
    assert (tmp_path / FOLDER / weights).read_bytes() == (demo / FOLDER / weights).read_bytes()


def test_collect_then_train(tmp_path: Path) -> None:
    collected = camshaft("collect", "data/few", "--episodes", "1", "--seconds", "2", folder=tmp_path)
    assert collected.returncode == 0, collected.stderr
    assert "1 episode of 40 frames at 20 Hz in data/few" in " ".join(collected.stdout.split())
    more = camshaft("collect", "data/few", "--episodes", "2", "--seconds", "2", folder=tmp_path)
    assert more.returncode == 0, more.stderr
    words = ("train", "cloning", "data/few", "--out", "runs/few", "--epochs", "1", "--batch-size", "8")
    trained = camshaft(*words, folder=tmp_path)
    assert trained.returncode == 0, trained.stderr
    assert (tmp_path / "runs/few/policy/config.json").exists()
    again = camshaft(*words, folder=tmp_path)
    assert again.returncode == 2
    assert "resume" in again.stderr
    nowhere = camshaft(*words, "--out", "runs/none", "--resume", folder=tmp_path)
    assert nowhere.returncode == 2
    assert "nothing to resume" in nowhere.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("play", "Racing", "--steps", "-5"), "steps must be at least 1, got -5"),
        (("play", "Racing", "--video", "film.avi"), "name a .mp4 file, not film.avi"),
        (
            ("train", "goals", "Reach", "--seed", "-1"),
            "a seed must be a whole number within 0..4294967295, got -1",
        ),
        (("train", "goals", "CartPole-v1"), "CartPole-v1 is not a GoalEnv with continuous actions"),
        (("evaluate", "expert", "--record", "-1"), "record must be at least 0, got -1"),
        (("evaluate", "expert", "--seed", "-5"), "a seed must be a whole number of at least 0, got -5"),
        (("collect", "data", "--record-hz", "0"), "record_hz"),
    ],
)
def test_a_number_that_is_not_accepted_is_named(words: tuple[str, ...], message: str, tmp_path: Path) -> None:
    finished = camshaft(*words, folder=tmp_path)
    assert finished.returncode == 2
    assert message in " ".join(finished.stderr.split())
    assert "Traceback" not in finished.stderr


def test_play_says_which_views_a_task_has(tmp_path: Path) -> None:
    played = camshaft("play", "Reach", "--view", "map", folder=tmp_path)
    assert played.returncode == 2
    assert "camshaft/Reach-v0 has no view 'map'; it has rgb_array" in played.stderr


def test_training_on_a_task_with_goals_resumes_after_a_stop(tmp_path: Path) -> None:
    words = ("train", "goals", "camshaft/Reach-v0", "--checkpoint-every", "100", "--eval-every", "150")
    words = (*words, "--eval-episodes", "2", "--out", "runs/reach", "--steps")
    status, errors = stop_after_line((*words, "1000000"), "step 300", tmp_path, signal.SIGINT)
    assert status == 130
    assert "the same command with --resume continues" in errors
    finished = camshaft(*words, "1200", "--resume", folder=tmp_path)
    assert finished.returncode == 0, finished.stderr
    assert "Success after 1,200 steps" in finished.stdout
    rows = (tmp_path / "runs/reach/metrics.jsonl").read_text().splitlines()
    assert [json.loads(row)["step"] for row in rows] == list(range(150, 1201, 150))


def test_bench_steps_measures_and_writes(tmp_path: Path) -> None:
    words = (
        "--worlds",
        "2",
        "--seconds",
        "0.1",
        "--repeats",
        "2",
        "--resets",
        "2",
        "--against",
        "CarRacing-v3",
    )
    tasks = ("camshaft/LaneKeeping-v0", "camshaft/Parking-v0")
    command = command_line("bench", "steps", *words, "--tasks", *tasks)  # Box2D's import raises warnings
    finished = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    result = json.loads((tmp_path / "runs/bench/steps.json").read_text())
    assert {"machine", "versions", "commit", "settings", "figures"} <= result.keys()
    assert [figure["task"] for figure in result["figures"]] == list(tasks)
    for figure in result["figures"]:
        assert len(figure["rgb"]["repeats"]) == len(figure["state"]["repeats"]) == 2
        assert figure["state"]["median"] > figure["rgb"]["median"] > 0
        assert figure["times"]["CarRacing-v3"] > 1
        assert figure["reset_milliseconds"] > 0


def test_bench_cameras_measures_every_renderer_on_every_scene(tmp_path: Path) -> None:
    words = ("--sizes", "32", "--worlds", "1", "--seconds", "0.01", "--repeats", "1")
    finished = camshaft("bench", "cameras", *words, folder=tmp_path)
    assert finished.returncode == 0, finished.stderr
    figures = json.loads((tmp_path / "runs/bench/cameras.json").read_text())["figures"]
    subjects = [figure for figure in figures if "scene" in figure]
    scenes = {figure["scene"] for figure in subjects if figure["renderer"] == "Camshaft"}
    assert scenes == {"primitives", "Panda table", "Panda, decimated", "street"}
    tiny = {figure["scene"]: figure for figure in subjects if figure["renderer"] == "TinyRenderer"}
    assert tiny.keys() == scenes - {"street"}
    assert tiny["Panda table"]["triangles"] > 90_000
    assert 1_500 < tiny["Panda, decimated"]["triangles"] < 2_500
    ratios = {figure["name"]: figure["ratio"] for figure in figures if "ratio" in figure}
    assert ratios["Panda table, 32²: Camshaft ÷ TinyRenderer"] > 1.0


def test_bench_cuda_says_what_it_needs(tmp_path: Path) -> None:
    pytest.importorskip("numba")
    from numba import cuda

    if cuda.is_available():
        pytest.skip("a GPU is here")
    finished = camshaft("bench", "cuda", folder=tmp_path)
    assert finished.returncode == 2
    assert "cuda" in finished.stderr.lower()
    assert "Traceback" not in finished.stderr
