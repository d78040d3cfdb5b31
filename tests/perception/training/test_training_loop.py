"""Training loop: learning, bit-exact repetition and resumption, and errors."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from camshaft.envs.errors import CorruptFile, InvalidOption, UnknownName
from camshaft.perception.classification import (
    Classification,
    Classifier,
    create_classifier,
    load_classifier,
    save_classifier,
)
from camshaft.perception.runs.checkpoint import load_checkpoint
from camshaft.perception.runs.interrupts import TrainingInterrupted
from camshaft.perception.training.config import TrainingConfig
from camshaft.perception.training.divergence import TrainingDiverged
from camshaft.perception.training.evaluation import evaluate
from camshaft.perception.training.trainer import TrainingResult, train

SMALL = TrainingConfig(
    epochs=3,
    batch_size=16,
    optimizer="sgd",
    learning_rate=0.05,
    l2=1e-4,
    ema_decay=0.9,
    checkpoint_steps=3,
    log_steps=2,
    device="cpu",
    precision="float32",
)


pytestmark = pytest.mark.usefixtures("one_thread")


def quadrants(count: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Noise with a bright square in one of four corners; the corner is the class."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 150, (count, 32, 32, 3), dtype=np.uint8)
    classes = rng.integers(0, 4, count)
    for image, number in zip(images, classes, strict=True):
        row, column = 18 * (number // 2) + 2, 18 * (number % 2) + 2
        image[row : row + 10, column : column + 10] += 100
    return {"rgb": images, "class": classes}


def lenet() -> nn.Module:
    """LeNet with dropout, so that the random numbers of a step matter."""
    return create_classifier("lenet5", 4, dropout=0.2)


def run(folder: Path, config: TrainingConfig = SMALL, **options: Any) -> TrainingResult:
    options = {"images": quadrants(90), "validation": quadrants(40, 1), "build": lenet, **options}
    build, images, validation = (options.pop(name) for name in ("build", "images", "validation"))
    return train(build, Classification(4), images, validation, config, folder, progress=False, **options)


def rows_of(folder: Path) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    for row in rows:
        row.pop("samples_per_second", None)
    return rows


def assert_same_run(one: Path, other: Path) -> None:
    for file in ("last", "best"):
        tensors = [load_checkpoint(folder / f"checkpoints/{file}.safetensors")[0] for folder in (one, other)]
        assert tensors[0].keys() == tensors[1].keys()
        for name, value in tensors[0].items():
            assert torch.equal(value, tensors[1][name]), name
    assert rows_of(one) == rows_of(other)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run without interruptions."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("whole")
    run(folder)
    return folder


def test_training_twice_is_bit_exact(whole: Path, tmp_path: Path) -> None:
    run(tmp_path)
    assert_same_run(whole, tmp_path)


def test_another_seed_gives_other_weights(whole: Path, tmp_path: Path) -> None:
    run(tmp_path, replace(SMALL, seed=1))
    assert rows_of(tmp_path) != rows_of(whole)


def test_a_run_leaves_curves_and_events(whole: Path) -> None:
    assert (whole / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert list((whole / "tensorboard").glob("events*"))
    assert "training:" in (whole / "config.yaml").read_text()


class StopAt:
    """Augmentation that changes nothing, but calls a function at one step."""

    def __init__(self, step: int, act: Callable[[], None]) -> None:
        self.left, self.act = step, act

    def __call__(self, batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        self.left -= 1
        if self.left == 0:
            self.act()
        return batch


def fail() -> None:
    raise RuntimeError("power cut")


@pytest.mark.parametrize("step", [2, 4, 6, 11])
def test_a_killed_run_resumes_bit_exactly(whole: Path, tmp_path: Path, step: int) -> None:
    with pytest.raises(RuntimeError, match="power cut"):
        run(tmp_path, augment=StopAt(step, fail))
    run(tmp_path, resume=True)
    assert_same_run(whole, tmp_path)


def test_ctrl_c_stops_after_a_checkpoint_and_can_be_resumed(whole: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingInterrupted, match="stopped after step 7 of 15; resume"):
        run(tmp_path, augment=StopAt(7, lambda: os.kill(os.getpid(), signal.SIGINT)))
    run(tmp_path, resume=True)
    assert_same_run(whole, tmp_path)


def test_reading_in_processes_changes_nothing(whole: Path, tmp_path: Path) -> None:
    run(tmp_path, replace(SMALL, workers=1))
    assert_same_run(whole, tmp_path)


def test_a_finished_run_is_not_trained_again(whole: Path, tmp_path: Path) -> None:
    first = run(tmp_path)
    again = run(tmp_path, resume=True, augment=StopAt(1, fail))
    assert again.scores == first.scores
    for name, value in first.model.state_dict().items():
        assert torch.equal(value, again.model.state_dict()[name])


def test_the_best_weights_are_kept_and_training_stops_early(tmp_path: Path) -> None:
    config = replace(SMALL, epochs=40, patience=3, learning_rate=0.1, schedule="constant")
    result = run(tmp_path, config)
    scores = [row["validation/accuracy"] for row in rows_of(tmp_path) if "validation/accuracy" in row]
    assert len(scores) < 40
    assert result.epoch == int(np.argmax(scores)) + 1 == len(scores) - 3
    assert result.scores["accuracy"] == max(scores)
    measured = evaluate(result.model, Classification(4), quadrants(40, 1))
    assert measured["accuracy"] == pytest.approx(max(scores))
    assert run(tmp_path, config, resume=True).epoch == result.epoch


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw", "rmsprop", "adagrad"])
def test_every_optimizer_overfits_32_images(tmp_path: Path, optimizer: str) -> None:
    config = TrainingConfig(
        epochs=60, batch_size=16, optimizer=optimizer, device="cpu", precision="float32", log_steps=50
    )
    images = quadrants(32)
    result = run(
        tmp_path, config, images=images, validation=None, build=lambda: create_classifier("lenet5", 4)
    )
    assert evaluate(result.model, Classification(4), images)["accuracy"] == 1.0


def test_other_images_are_learned_too(tmp_path: Path) -> None:
    config = replace(SMALL, epochs=10, optimizer="adamw", learning_rate=3e-3, l2=0.0)
    result = run(tmp_path, config, images=quadrants(400), validation=quadrants(100, 1))
    assert result.scores["accuracy"] >= 0.95


def test_a_diverging_training_stops_and_keeps_the_last_good_checkpoint(tmp_path: Path) -> None:
    def poison(batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        poison.step += 1  # type: ignore[attr-defined]
        scale = float("nan") if poison.step > 8 else 1.0  # type: ignore[attr-defined]
        return {**batch, "rgb": batch["rgb"].float() / 255.0 * scale}

    poison.step = 0  # type: ignore[attr-defined]
    with pytest.raises(
        TrainingDiverged, match=r"diverged.*step 9; the checkpoint of step 6 is kept.*Try a learn"
    ):
        run(tmp_path, augment=poison)
    tensors, state = load_checkpoint(tmp_path / "checkpoints/last.safetensors")
    assert state["step"] == 6
    assert all(torch.isfinite(value).all() for value in tensors.values() if value.is_floating_point())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"config": replace(SMALL, learning_rate=0.1)},
            "other settings: training.learning_rate was 0.05, is 0.1",
        ),
        ({"images": quadrants(90, 5)}, "trained on other data"),
    ],
)
def test_resuming_something_else_is_refused(whole: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        run(whole, **{"resume": True, **change})


def test_a_run_is_not_overwritten(whole: Path) -> None:
    with pytest.raises(InvalidOption, match="holds a run already"):
        run(whole)


@pytest.mark.parametrize(
    ("labels", "message"),
    [({"class": np.full(90, 4)}, "class 4 is out of range"), ({}, "no 'class', only: rgb")],
)
def test_bad_labels_end_the_training_with_a_reason(
    tmp_path: Path, labels: dict[str, np.ndarray], message: str
) -> None:
    with pytest.raises(InvalidOption, match=message):
        run(tmp_path, images={"rgb": quadrants(90)["rgb"], **labels})


TORCHRUN = """
    import sys
    import torch
    sys.path.insert(0, "tests/perception/training")
    from test_training_loop import SMALL, quadrants
    from dataclasses import replace
    from camshaft.perception.classification import Classification, create_classifier
    from camshaft.perception.training.trainer import train
    torch.set_num_threads(1)
    train(lambda: create_classifier("lenet5", 4), Classification(4), quadrants(90), quadrants(40, 1),
          replace(SMALL, ema_decay=0.0), sys.argv[1], progress=False)
"""

SLOW_DISK = """
    import sys
    import time
    sys.path.insert(0, "tests/perception/training")
    import torch
    import camshaft.perception.training.loop as loop
    from test_training_loop import SMALL, lenet, quadrants, replace
    from camshaft.perception.classification import Classification
    from camshaft.perception.training.trainer import train
    torch.set_num_threads(1)
    write = loop.save_checkpoint
    loop.save_checkpoint = lambda *arguments: (time.sleep(1.0), write(*arguments))
    result = train(lenet, Classification(4), quadrants(90), quadrants(40, 1),
                   replace(SMALL, epochs=1), sys.argv[1], progress=False)
    assert result.epoch == 1
"""


def run_script(script: Path, code: str, folder: Path, processes: int) -> None:
    script.write_text(textwrap.dedent(code))
    start = [sys.executable]
    if processes > 1:
        start += ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    environment = {**os.environ, "PYTHONPATH": os.getcwd(), "OMP_NUM_THREADS": "1"}
    subprocess.run([*start, str(script), str(folder)], check=True, env=environment, timeout=240)


@pytest.mark.slow
def test_no_process_reads_the_best_weights_before_they_are_written(tmp_path: Path) -> None:
    run_script(tmp_path / "train.py", SLOW_DISK, tmp_path / "run", 2)


@pytest.mark.slow
def test_two_processes_learn_what_one_does(tmp_path: Path) -> None:
    for count, folder in ((1, "one"), (2, "two")):
        run_script(tmp_path / "train.py", TORCHRUN, tmp_path / folder, count)
    one, two = (
        load_checkpoint(tmp_path / folder / "checkpoints/last.safetensors")[0] for folder in ("one", "two")
    )
    for name in (name for name in one if name.startswith(("model.", "optimizer."))):
        torch.testing.assert_close(two[name], one[name], rtol=1e-3, atol=1e-4)


def test_a_classifier_is_saved_and_loaded(tmp_path: Path) -> None:
    classifier = create_classifier("policy_resnet", 3, model_options={"size": (64, 64)}).eval()
    names = ["cat", "dog", "bus"]
    save_classifier(
        tmp_path, classifier, model="policy_resnet", model_options={"size": (64, 64)}, classes=names
    )
    again, config = load_classifier(tmp_path)
    images = torch.rand(2, 3, 64, 64)
    assert torch.equal(again(images), classifier(images))
    assert config["classes"] == names
    (tmp_path / "config.json").write_text('{"model": "policy_resnet"}')
    with pytest.raises(CorruptFile, match="not the config of a classifier"):
        load_classifier(tmp_path)


def test_a_classifier_without_normalization_is_saved_and_loaded(tmp_path: Path) -> None:
    torch.manual_seed(0)
    classifier = create_classifier("nature_cnn", 3, normalize=False).eval()
    save_classifier(tmp_path, classifier, model="nature_cnn", classes="abc", normalize=False)
    images = torch.rand(2, 3, 84, 84)
    assert torch.equal(load_classifier(tmp_path)[0](images), classifier(images))
    ordinary = create_classifier("nature_cnn", 3).eval()
    ordinary.load_state_dict(classifier.state_dict())
    assert not torch.equal(ordinary(images), classifier(images))


def test_a_classifier_with_the_weights_of_another_is_refused(tmp_path: Path) -> None:
    for name in ("earlier", "later"):
        save_classifier(tmp_path / name, create_classifier("lenet5", 3), model="lenet5", classes="abc")
    os.replace(tmp_path / "later/model.safetensors", tmp_path / "earlier/model.safetensors")
    with pytest.raises(CorruptFile, match=r"not the weights of the config\.json beside it"):
        load_classifier(tmp_path / "earlier")


def test_a_classifier_of_another_version_is_named(tmp_path: Path) -> None:
    save_classifier(tmp_path, create_classifier("lenet5", 3), model="lenet6", classes="abc")
    with pytest.raises(UnknownName, match=r"config.json: unknown model 'lenet6'. Did you mean 'lenet5'"):
        load_classifier(tmp_path)


def test_a_classifier_needs_two_classes() -> None:
    with pytest.raises(InvalidOption, match="at least 2"):
        Classifier(create_classifier("lenet5", 2).encoder, 1)


def test_the_next_batch_is_read_while_the_network_learns(tmp_path: Path) -> None:
    data, batches = quadrants(90), 5
    begun = [threading.Event() for _ in range(1 + batches)]  # the fingerprint, then the batches
    readings, in_time = iter(begun), []

    class Told:
        def __len__(self) -> int:
            return 90

        def fetch(self, indices: Any) -> dict[str, np.ndarray]:
            next(readings).set()
            return {name: values[np.asarray(indices)] for name, values in data.items()}

    def learn(batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        following = 2 + len(in_time)
        in_time.append(following == len(begun) or begun[following].wait(timeout=20.0))
        return batch

    run(tmp_path, replace(SMALL, epochs=1), images=Told(), augment=learn, validation=None)
    assert in_time == [True] * batches
