"""Commands of training, transfer and pretraining, end to end with tiny settings."""

from __future__ import annotations

import dataclasses
import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from camshaft.envs.errors import InvalidOption
from camshaft.experiments.cli.main import _read_options, main
from camshaft.experiments.cli.pretrain import PretrainConfig
from camshaft.experiments.cli.train_classifier import TrainClassifierConfig
from camshaft.experiments.studies.classification_data import open_classification_data
from camshaft.experiments.terminal.command_lines import command_line
from camshaft.perception.classification import load_classifier
from camshaft.perception.data.stored import write_frames
from camshaft.perception.training.config import TrainingConfig

TINY = ["--epochs", "1", "--batch-size", "16", "--device", "cpu"]
LENET = ["--model", "lenet5_dense", "--size", "32"]


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four classes: a bright square in one of four corners."""
    root = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(0)
    for number in range(4):
        (root / f"corner{number}").mkdir()
        for index in range(24):
            image = rng.integers(0, 120, (32, 32, 3), dtype=np.uint8)
            row, column = 18 * (number // 2) + 2, 18 * (number % 2) + 2
            image[row : row + 10, column : column + 10] += 120
            cv2.imwrite(str(root / f"corner{number}" / f"{index:02d}.png"), image)
    return root


@pytest.fixture(scope="module")
def trained(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("trained")
    words = ["train", "classifier", "--data", str(folder), *LENET, *TINY, "--out", str(out)]
    assert main([*words, "--epochs", "12"]) == 0
    return out


def test_a_classifier_is_trained_and_saved_with_its_curves(trained: Path) -> None:
    classifier, config = load_classifier(trained / "classifier")
    assert config["classes"] == [f"corner{number}" for number in range(4)]
    assert classifier.num_classes == 4
    assert config["scores"]["accuracy"] >= 0.9
    assert (trained / "curves.png").exists()


@pytest.mark.slow
def test_two_processes_train_and_one_of_them_keeps_the_classifier(folder: Path, tmp_path: Path) -> None:
    start = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    words = ["train", "classifier", "--data", str(folder), *LENET, *TINY, "--out", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": os.getcwd(), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*start, "-m", "camshaft.experiments.cli.main", *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Classifier in") == 1
    load_classifier(tmp_path / "classifier")


def test_a_finished_training_is_not_overwritten(
    trained: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", "classifier", "--data", str(folder), *LENET, *TINY, "--out", str(trained)]
    assert main(words) == 2
    assert "holds a run already" in capsys.readouterr().err
    assert main([*words, "--resume"]) == 2
    errors = capsys.readouterr().err
    assert (
        "started with other settings: training.epochs was 12, is 1. To use these, choose another folder"
        in errors
    )
    assert main([*words, "--epochs", "12", "--resume"]) == 0


def test_a_run_whose_checkpoint_is_missing_is_not_overwritten(
    trained: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(trained / "classifier", tmp_path / "classifier")
    shutil.copy(trained / "metrics.jsonl", tmp_path / "metrics.jsonl")
    before = (tmp_path / "metrics.jsonl").read_bytes()
    assert main(["train", "classifier", "--data", str(folder), *LENET, *TINY, "--out", str(tmp_path)]) == 2
    assert "metrics of a run without a checkpoint" in capsys.readouterr().err
    assert (tmp_path / "metrics.jsonl").read_bytes() == before


def test_the_message_after_ctrl_c_matches_the_checkpoint(trained: Path, tmp_path: Path) -> None:
    config = TrainClassifierConfig(out=tmp_path)
    assert config.when_stopped().startswith("There is no checkpoint in")
    assert "--resume continues" in dataclasses.replace(config, out=trained).when_stopped()


def test_brackets_in_a_path_are_no_markup(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "a [b] [" / "x] :smile:"
    assert main(["train", "classifier", "--data", str(folder), *LENET, *TINY, "--out", str(out)]) == 0
    assert f"Classifier in {out / 'classifier'};" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda root: (root / "corner0" / "deeper").mkdir(), None),
        (lambda root: (root / "empty").mkdir(), "empty holds no image: every folder here is a class"),
        (lambda root: [shutil.rmtree(root / f"corner{n}") for n in (1, 2, 3)], "one class only, 'corner0'"),
        (lambda root: [shutil.rmtree(root / f"corner{n}") for n in range(4)], "holds no folders"),
    ],
)
def test_folders_that_are_not_classes_are_named(
    folder: Path, tmp_path: Path, make: Any, message: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(folder, tmp_path / "images")
    make(tmp_path / "images")
    words = ["train", "classifier", "--data", str(tmp_path / "images"), *LENET, *TINY]
    assert main([*words, "--out", str(tmp_path / "out")]) == (0 if message is None else 2)
    assert message is None or message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--model", "lenet6"], "Did you mean 'lenet5'"),
        (["--data", "nowhere"], "neither 'objects', 'signs' nor a folder"),
        (["--model", "vgg16", "--size", "16"], "at least 32 pixels"),
        (["--weights", "camshft"], "Did you mean 'camshaft'"),
        (["--weights", "none.safetensors"], "does not exist"),
        (["--model", "lenet5", "--weights", "camshaft-signs"], "no weights ship for 'lenet5'"),
        (["--ship", "weights"], "only a classifier of 'signs' ships"),
        (["--ship", "weights", "--data", "signs", "--no-normalize"], "weights ship for normalized frames"),
        (["--size", "100000"], "size must be from 1 to 4096 pixels"),
        (["--data", "tests", "--images", "5"], "not of 'tests'"),
    ],
)
def test_mistakes_are_named(
    words: list[str], message: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    usual = ["--data", str(folder), *TINY, "--out", str(tmp_path / "run")]
    assert main(["train", "classifier", *usual, *words]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["train", "classifier"],
        ["experiment", "few-labels", "--fractions", "1.0", "--seeds", "0", "--steps", "1"],
        ["experiment", "tricks", "--seeds", "0"],
        ["experiment", "transferability", "--seeds", "0", "--layers", "1"],
    ],
    ids=lambda words: words[1],
)
def test_a_damaged_image_is_named_or_skipped(
    words: list[str], folder: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = tmp_path / "images"
    shutil.copytree(folder, damaged)
    (damaged / "corner1" / "05.png").write_bytes(b"not an image")
    words = [*words, "--data", str(damaged), *LENET, *TINY[2:]]
    if "few-labels" in words:
        words += ["--weights", str(trained / "classifier" / "model.safetensors")]
    else:
        words += TINY[:2]
    assert main([*words, "--out", str(tmp_path / "run")]) == 2
    assert "05.png" in capsys.readouterr().err
    with pytest.warns(UserWarning, match=r"left out: .*05\.png"):
        assert main([*words, "--out", str(tmp_path / "other"), "--skip-corrupt"]) == 0


@pytest.mark.parametrize("mode", ["tune", "head", "probe", "neighbors"])
def test_pretrained_weights_help_with_few_labels(
    mode: str, folder: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = trained / "classifier" / "model.safetensors"
    words = [
        "--data",
        str(folder),
        *LENET,
        *TINY,
        "--epochs",
        "20",
        "--weights",
        str(weights),
        "--mode",
        mode,
    ]
    assert main(["transfer", *words, "--fraction", "0.2", "--neighbors", "1", "--out", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "from 16 labeled ones" in said
    assert float(said.split()[1].rstrip("%")) >= 75.0


def test_few_labels_are_compared(folder: Path, trained: Path, tmp_path: Path) -> None:
    weights = trained / "classifier" / "model.safetensors"
    words = ["experiment", "few-labels", "--data", str(folder), *LENET, *TINY[2:], "--weights", str(weights)]
    words += [
        "--fractions",
        "0.1",
        "1.0",
        "--seeds",
        "0",
        "1",
        "--steps",
        "6",
        "--learning-rate",
        "0.003",
        "--out",
        str(tmp_path),
    ]
    assert main(words) == 0
    assert (tmp_path / "few_labels.png").read_bytes().startswith(b"\x89PNG")
    results = json.loads((tmp_path / "results.json").read_text())["results"]
    assert {kind: set(points) for kind, points in results.items()} == {
        "scratch": {"0.1", "1.0"},
        "pretrained": {"0.1", "1.0"},
    }
    assert min(results["pretrained"]["0.1"]) >= 0.75
    before = sorted(tmp_path.glob("*/checkpoints/last.safetensors"))
    assert len(before) == 8
    stamps = [path.stat().st_mtime_ns for path in before]
    assert main(words) == 0  # nothing is trained again
    assert [path.stat().st_mtime_ns for path in before] == stamps


def test_a_kept_head_predicts_the_classes_before_training(
    folder: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = str(trained / "classifier" / "model.safetensors")
    words = ["experiment", "few-labels", "--data", str(folder), *LENET, *TINY[2:], "--weights", weights]
    words += ["--fractions", "0.1", "--seeds", "1", "2", "--steps", "1", "--learning-rate", "1e-6"]
    known = {}
    for name, extra in (("new", []), ("kept", ["--keep-head"])):
        assert main([*words, *extra, "--out", str(tmp_path / name)]) == 0
        known[name] = json.loads((tmp_path / name / "results.json").read_text())["results"]
    assert min(known["kept"]["pretrained"]["0.1"]) >= 0.9
    assert max(known["new"]["pretrained"]["0.1"]) < 0.9
    assert known["kept"]["scratch"] == known["new"]["scratch"]
    three = tmp_path / "three"
    three.mkdir()
    for number in range(3):
        (three / f"corner{number}").symlink_to(folder / f"corner{number}")
    words[words.index(str(folder))] = str(three)
    assert main([*words, "--keep-head", "--out", str(tmp_path / "other")]) == 2
    assert "are for 4 classes, not 3" in capsys.readouterr().err


def test_simulated_signs_are_opened_by_name() -> None:
    data = open_classification_data("signs", 32, images=43)
    assert (len(data.train), len(data.validation), len(data.test)) == (43, 2_000, 4_000)
    assert len(data.classes) == 43
    assert data.test.split == "test" and data.test.size == (32, 32)


def test_stored_images_are_resized_as_requested(tmp_path: Path) -> None:
    images = np.repeat(np.repeat(np.arange(0, 240, 15, dtype=np.uint8).reshape(1, 4, 4, 1), 8, 1), 8, 2)
    frames = {"rgb": np.tile(images, (8, 1, 1, 3)), "class": np.arange(8, dtype=np.int64) % 2}
    write_frames(tmp_path / "one", lambda _: frames, 1, {}, classes=("even", "odd"))
    for split in ("train", "val"):
        write_frames(tmp_path / "two" / split, lambda _: frames, 1, {}, classes=("even", "odd"))
    for folder in ("one", "two"):
        for size, expected in ((32, images[0]), (4, images[0, ::8, ::8])):
            batch = open_classification_data(str(tmp_path / folder), size).train.fetch([0, 1])
            np.testing.assert_array_equal(batch["rgb"][1], np.tile(expected, 3))
            assert batch["class"].shape == (2,)
    write_frames(tmp_path / "none", lambda _: {"rgb": frames["rgb"]}, 1, {})
    with pytest.raises(InvalidOption, match="have no classes or no rgb images, only: rgb"):
        open_classification_data(str(tmp_path / "none"), 32)


def test_transferability_has_all_four_treatments(folder: Path, tmp_path: Path) -> None:
    words = ["experiment", "transferability", "--data", str(folder), *LENET, *TINY, "--layers", "1", "4"]
    assert main([*words, "--seeds", "0", "--out", str(tmp_path)]) == 0
    results = json.loads((tmp_path / "results.json").read_text())["results"]
    assert set(results) == {"baseB", "AnB", "AnB+", "BnB", "BnB+"}
    assert all(set(points) == {"1", "4"} for name, points in results.items() if name != "baseB")
    assert (tmp_path / "transferability.png").exists()


def test_every_trick_is_ablated_in_turn(folder: Path, tmp_path: Path) -> None:
    words = [
        "experiment",
        "tricks",
        "--data",
        str(folder),
        *LENET,
        *TINY,
        "--seeds",
        "0",
        "--out",
        str(tmp_path),
    ]
    assert main(words) == 0
    results = json.loads((tmp_path / "results.json").read_text())["results"]
    assert len(results) == 12
    assert all(len(runs) == 1 for runs in results.values())
    assert (tmp_path / "tricks.png").exists()


def test_a_full_disk_is_no_divergence(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["experiment", "tricks", "--data", str(folder), *LENET, *TINY, "--seeds", "0"]
    (tmp_path / "all_0").write_text("a file where a run folder should be")
    assert main([*words, "--out", str(tmp_path)]) == 2
    assert "cannot write to" in capsys.readouterr().err


def test_a_training_that_diverges_is_a_result(folder: Path, tmp_path: Path) -> None:
    words = ["experiment", "tricks", "--data", str(folder), *LENET, *TINY, "--seeds", "0"]
    assert main([*words, "--learning-rate", "1e30", "--gradient-clip", "0", "--out", str(tmp_path)]) == 0
    results = json.loads((tmp_path / "results.json").read_text())["results"]
    assert results["all"] == [{"accuracy": 0.25, "epoch": 0.0, "diverged": 1.0}]


def test_backbones_are_trained_and_measured(tmp_path: Path) -> None:
    words = ["bench", "backbones", "--models", "lenet5", "lenet5_dense", "--images", "72", *TINY]
    assert main([*words, "--size", "32", "--repeats", "1", "--out", str(tmp_path)]) == 0
    figures = json.loads((tmp_path / "results.json").read_text())["figures"]
    parameters = {figure["name"]: figure["parameters"] for figure in figures}
    assert parameters == {"lenet5": 60_000 + 85 * 36, "lenet5_dense": 60_856 + 85 * 36}
    assert max(figure["share_of_best"] for figure in figures) == 1.0
    assert all(figure["frames_per_second"]["cpu"] > 0 for figure in figures)


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("pretrain", PretrainConfig(tasks=("Push", "Lift"), jitter=0.3, training=TrainingConfig(seed=7))),
        (
            "train classifier",
            TrainClassifierConfig(
                data="a folder",
                normalize=False,
                skip_corrupt=True,
                weights="camshaft",
                training=TrainingConfig(
                    learning_rate=1 / 3,
                    step_milestones=(0.1, 0.2, 0.3),
                    nesterov=False,
                    weight_decay=0.05,
                    compile=True,
                ),
            ),
        ),
        ("train classifier", TrainClassifierConfig()),
    ],
)
def test_a_card_names_the_command_that_has_these_options(name: str, config: Any) -> None:
    words = shlex.split(command_line(name, config))
    assert words[0] == "camshaft"
    assert _read_options(name, words[1 + len(name.split()) :])[0] == config
    assert "--data" not in command_line(name, config, ("data",))


def test_pretraining_ships_an_encoder(tmp_path: Path) -> None:
    words = ["pretrain", "--tasks", "camshaft/LaneKeeping-v0", "--frames", "32", "--size", "32", *TINY]
    folders = [
        "--data",
        str(tmp_path / "data"),
        "--out",
        str(tmp_path / "run"),
        "--ship",
        str(tmp_path / "ship"),
    ]
    assert main([*words, *folders]) == 0
    card = (tmp_path / "ship" / "policy_resnet.md").read_text()
    assert f"`camshaft {' '.join(words)}`" in card
    for part in ("LaneKeeping", "mean iou", "SHA-256", "commit", "steps"):
        assert part in card
    assert main([*words, *folders, "--resume"]) == 0
    weights = (tmp_path / "ship" / "policy_resnet.safetensors").read_bytes()
    assert main([*words, *folders, "--finish"]) == 0
    assert (tmp_path / "ship" / "policy_resnet.safetensors").read_bytes() == weights
