"""Multi-task pretraining and shipping of its weights."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from camshaft.envs.errors import CorruptFile, InvalidOption, UnknownName
from camshaft.envs.rendering.meshes.labels import LABELS
from camshaft.perception import pretrained
from camshaft.perception.classification import create_classifier
from camshaft.perception.pretrained import shipped_weights
from camshaft.perception.pretraining import FrameSet, MultiTask, MultiTaskNetwork, collect_frames
from camshaft.perception.pretraining.frames import LANE_TASK, STORED_LABELS
from camshaft.perception.pretraining.objective import VECTOR_HEADS
from camshaft.perception.pretraining.shipping import ship_encoder
from camshaft.perception.training.config import TrainingConfig
from camshaft.perception.training.evaluation import evaluate
from camshaft.perception.training.trainer import train
from camshaft.perception.zoo import create_model


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> FrameSet:
    """32 frames of lane keeping, and 32 of following, which has no lane labels."""
    folder = tmp_path_factory.mktemp("frames")
    return FrameSet(
        [
            collect_frames(folder / task[9:16], task, 32, size=48, frames_per_file=32)
            for task in (LANE_TASK, "camshaft/Following-v0")
        ]
    )


def test_frames_have_every_label_at_every_fourth_pixel(frames: FrameSet) -> None:
    batch = frames.fetch([0, 63, 5])
    shapes = {name: values.shape[1:] for name, values in batch.items()}
    assert shapes == {
        "rgb": (48, 48, 3),
        "segmentation": (12, 12),
        "depth": (12, 12),
        "normals": (12, 12, 3),
        "presence": (len(LABELS),),
        "lane": (4,),
    }
    assert set(batch) == set(STORED_LABELS)
    sky = batch["segmentation"] == LABELS["sky"]
    assert sky.any()
    assert (batch["depth"][sky] == 0.0).all()
    assert (batch["depth"][~sky] > 0.0).all()
    lengths = np.linalg.norm(batch["normals"].astype(float) / 127.0, axis=-1)
    np.testing.assert_allclose(lengths[~sky], 1.0, atol=0.02)
    assert batch["presence"][:, LABELS["road"]].any()
    assert np.isfinite(batch["lane"][[0, 2]]).all()
    assert np.isnan(batch["lane"][1]).all()


def test_frames_of_several_tasks_are_in_order(frames: FrameSet) -> None:
    whole = frames.fetch(range(64))
    some = frames.fetch([40, 3])
    assert np.array_equal(some["rgb"], whole["rgb"][[40, 3]])
    assert np.array_equal(some["segmentation"], whole["segmentation"][[40, 3]])
    with pytest.raises(InvalidOption, match="at least one task"):
        FrameSet([])


def test_a_set_has_the_number_of_frames_asked_for(tmp_path: Path) -> None:
    options = {"size": 48, "frames_per_file": 2}
    more = collect_frames(tmp_path, LANE_TASK, 6, **options)
    fewer = collect_frames(tmp_path, LANE_TASK, 3, **options)
    assert (len(more), len(fewer)) == (6, 4)
    assert np.array_equal(fewer.fetch([3])["rgb"], more.fetch([3])["rgb"])


@pytest.mark.parametrize("name", ["googlenet", "nature_cnn", "resnet18", "lenet5"])
def test_encoders_of_any_stride_have_dense_labels_at_every_fourth_pixel(name: str) -> None:
    network = MultiTaskNetwork(create_model(name, size=(48, 48)), VECTOR_HEADS)
    outputs = network(torch.zeros(2, 48, 48, 3, dtype=torch.uint8))
    assert outputs["segmentation"].shape[2:] == outputs["depth"].shape[2:] == (12, 12)


def test_stored_frames_are_not_rendered_again(tmp_path: Path) -> None:
    first = collect_frames(tmp_path, LANE_TASK, 8, size=32, frames_per_file=8)
    stamp = next(tmp_path.glob("*.safetensors")).stat().st_mtime_ns
    again = collect_frames(tmp_path, LANE_TASK, 8, size=32, frames_per_file=8)
    assert next(tmp_path.glob("*.safetensors")).stat().st_mtime_ns == stamp
    assert np.array_equal(first.fetch([3])["rgb"], again.fetch([3])["rgb"])
    with pytest.raises(InvalidOption, match="other settings: size was 32, is 48"):
        collect_frames(tmp_path, LANE_TASK, 8, size=48, frames_per_file=8)


@pytest.mark.slow
def test_a_network_overfits_32_frames_of_every_task(frames: FrameSet, tmp_path: Path) -> None:
    rows = np.arange(0, 64, 2)
    data = frames.fetch(np.tile(rows, 16))
    config = TrainingConfig(epochs=20, batch_size=32, learning_rate=3e-3, device="cpu", precision="float32")
    result = train(
        lambda: MultiTaskNetwork(create_model("policy_resnet"), VECTOR_HEADS),
        MultiTask(),
        data,
        None,
        config,
        tmp_path,
        progress=False,
    )
    scores = evaluate(result.model, MultiTask(), frames.fetch(rows))
    assert scores["pixel_accuracy"] > 0.95
    assert scores["mean_iou"] > 0.4  # many labels, some of them a pixel or two
    assert scores["depth_within_25_percent"] > 0.75
    assert scores["normals_degrees"] < 8.0
    assert scores["presence_f1"] > 0.95
    assert scores["lane/lateral error"] < 0.15


def perfect(targets: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Outputs of a network that predicts every label perfectly."""
    one_hot = torch.nn.functional.one_hot(targets["segmentation"].long(), len(LABELS)).movedim(-1, 1)
    return {
        "segmentation": 50.0 * one_hot.float(),
        "depth": targets["depth"].float().clamp(min=0.01).log()[:, None],
        "normals": targets["normals"].float().movedim(-1, 1),
        "presence": 50.0 * (2.0 * targets["presence"].float() - 1.0),
        "lane": targets["lane"].nan_to_num(),
    }


def test_losses_and_scores_of_a_network_that_knows_everything(frames: FrameSet) -> None:
    targets = {name: torch.as_tensor(values) for name, values in frames.fetch(range(0, 64, 7)).items()}
    outputs = perfect(targets)
    for name, loss in MultiTask().loss(outputs, targets).items():
        assert float(loss) == pytest.approx(0.0, abs=1e-5), name
    metrics = MultiTask().metrics()
    metrics.update(outputs, targets)
    scores = metrics.compute()
    for name in ("mean_iou", "pixel_accuracy", "presence_f1", "depth_within_25_percent"):
        assert scores[name] == pytest.approx(1.0), name
    assert scores["depth_relative_error"] == pytest.approx(0.0, abs=1e-6)
    assert scores["normals_degrees"] == pytest.approx(0.0, abs=0.05)
    assert scores["lane/lateral error"] == pytest.approx(0.0)


def test_errors_are_measured_in_their_units(frames: FrameSet) -> None:
    targets = {name: torch.as_tensor(values) for name, values in frames.fetch([0, 1]).items()}
    outputs = perfect(targets)
    outputs["depth"] = outputs["depth"] + math.log(1.5)
    outputs["lane"] = outputs["lane"] + 0.25
    terms = MultiTask().loss(outputs, targets)
    assert float(terms["depth"]) == pytest.approx(math.log(1.5), rel=1e-5)
    assert float(terms["lane"]) == pytest.approx(0.5 * 0.25**2, rel=1e-4)
    metrics = MultiTask().metrics()
    metrics.update(outputs, targets)
    scores = metrics.compute()
    assert scores["depth_relative_error"] == pytest.approx(0.5, rel=1e-4)
    assert scores["depth_within_25_percent"] == 0.0
    assert scores["lane/heading error"] == pytest.approx(0.25, rel=1e-4)


def test_labels_that_do_not_exist_are_refused() -> None:
    with pytest.raises(InvalidOption, match="semantic label 200 is out of range"):
        batch = {"rgb": torch.zeros(1, 16, 16, 3), "segmentation": torch.full((1, 4, 4), 200)}
        MultiTask().check(batch)


def test_a_task_has_one_set_of_frames_by_whatever_name(tmp_path: Path) -> None:
    options = {"size": 48, "frames_per_file": 4}
    short = collect_frames(tmp_path, "LaneKeeping", 4, **options).fetch(range(4))
    assert np.isfinite(short["lane"]).all()
    assert np.array_equal(
        short["rgb"], collect_frames(tmp_path, LANE_TASK, 4, **options).fetch(range(4))["rgb"]
    )


def test_frame_sizes_that_are_no_multiple_of_the_stride_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidOption, match="multiple of 4"):
        collect_frames(tmp_path, LANE_TASK, 8, size=50)


def test_shipped_weights_are_loaded_and_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    encoder = create_model("policy_resnet").eval()
    card = {"Title": "A test", "Data": {"frames": 3}, "Measured": "nothing"}
    path = ship_encoder("policy_resnet", encoder, card, tmp_path)
    monkeypatch.setattr(pretrained, "SHIPPED", tmp_path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert shipped_weights(tmp_path) == {"policy_resnet": digest}
    assert (tmp_path / "SHA256SUMS").read_text() == f"{digest}  policy_resnet.safetensors\n"
    assert digest in (tmp_path / "policy_resnet.md").read_text()
    monkeypatch.setattr(pretrained, "shipped_weights", lambda: shipped_weights(tmp_path))
    again = create_model("policy_resnet", weights="camshaft").eval()
    images = torch.rand(2, 3, 84, 84)
    torch.testing.assert_close(again(images), encoder(images), rtol=0.02, atol=0.01)
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    with pytest.raises(CorruptFile, match="is damaged: its SHA-256 is"):
        create_model("policy_resnet", weights="camshaft")


def test_weights_for_another_purpose_ship_with_their_head(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    classifier = create_classifier("lenet5_dense", 43).eval()
    ship_encoder("lenet5_dense-signs", classifier, {"Title": "A test"}, tmp_path)
    monkeypatch.setattr(pretrained, "SHIPPED", tmp_path)
    monkeypatch.setattr(pretrained, "shipped_weights", lambda: shipped_weights(tmp_path))
    again = create_classifier("lenet5_dense", 43, weights="camshaft-signs", keep_head=True).eval()
    images = torch.rand(2, 3, 32, 32)
    torch.testing.assert_close(again(images), classifier(images), rtol=0.02, atol=0.01)
    with pytest.raises(UnknownName, match="weights='camshaft': none"):
        create_model("lenet5_dense", weights="camshaft")
    with pytest.raises(UnknownName, match="weights='camshaft-signs': lenet5_dense"):
        create_model("lenet5", weights="camshaft-signs")


def test_too_large_weights_do_not_ship(tmp_path: Path) -> None:
    with pytest.raises(InvalidOption, match="at most 16 ship"):
        ship_encoder("resnet18", create_model("resnet18"), {"Title": "Large"}, tmp_path)


def test_all_shipped_weights_are_intact_and_have_a_card() -> None:
    known: dict[str, Any] = shipped_weights()
    for name in known:
        model, dash, purpose = name.partition("-")
        assert create_model(model, weights=f"camshaft{dash}{purpose}").out_dim > 0
        assert (pretrained.SHIPPED / f"{name}.md").read_text().count(known[name]) == 1
