"""Weights of networks: equivalence with the original models, and errors for mismatched, damaged or missing files."""

from __future__ import annotations

import io
import urllib.error
from pathlib import Path

import pytest
import safetensors.torch
import timm
import torch
import torchvision
from torch import nn

from camshaft.envs.errors import CamshaftError, CorruptFile, InvalidOption, UnknownName
from camshaft.perception.backbones.encoder import IMAGENET_MEAN, IMAGENET_STD
from camshaft.perception.classification import create_classifier
from camshaft.perception.zoo import create_model


@pytest.mark.parametrize(
    ("name", "size"),
    [("alexnet", 224), ("googlenet", 96), ("resnet18", 96), ("resnet50", 64), ("vgg16", 64)],
)
@torch.no_grad()
def test_torchvision_weights_give_the_outputs_of_the_original(name: str, size: int, tmp_path: Path) -> None:
    torch.manual_seed(1)
    options = {"init_weights": True, "transform_input": True} if name == "googlenet" else {}
    original = getattr(torchvision.models, name)(**options).eval()
    original.dropout = nn.Identity() if hasattr(original, "dropout") else None
    for layer in original.modules():
        if isinstance(layer, nn.BatchNorm2d):  # like trained statistics
            layer.running_mean.normal_(0.0, 0.1)
            layer.running_var.uniform_(0.8, 1.2)
    path = tmp_path / f"{name}.pth"
    torch.save(original.state_dict(), path)
    classifier = create_classifier(
        name, 1000, weights=path, keep_head=True, model_options={"size": (size, size)}
    ).eval()
    images = torch.rand(2, 3, size, size)
    mean, std = (torch.tensor(each)[:, None, None] for each in (IMAGENET_MEAN, IMAGENET_STD))
    expected = original((images - mean) / std)
    torch.testing.assert_close(
        classifier(images), expected, rtol=1e-3, atol=1e-4 * expected.abs().max().item()
    )
    classifier.train()
    assert len(classifier(images) if name == "googlenet" else [0]) == (3 if name == "googlenet" else 1)


@torch.no_grad()
def test_timm_weights_give_the_outputs_of_the_original(tmp_path: Path) -> None:
    torch.manual_seed(1)
    for name in ("resnet10t", "mobilenetv3_small_050", "test_vit"):
        original = timm.create_model(name, num_classes=10).eval()
        path = tmp_path / f"{name}.safetensors"
        safetensors.torch.save_file(original.state_dict(), str(path))
        classifier = create_classifier(f"timm:{name}", 10, weights=path, keep_head=True).eval()
        preprocessing = classifier.encoder.preprocessing
        images = torch.rand(1, 3, *preprocessing.size)
        mean, std = (torch.tensor(each)[:, None, None] for each in (preprocessing.mean, preprocessing.std))
        torch.testing.assert_close(classifier(images), original((images - mean) / std), rtol=1e-4, atol=1e-5)
        maps = classifier.encoder.feature_maps(images)
        assert tuple(each.shape[1] for each in maps) == classifier.encoder.channels


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "pilotnet.safetensors"
    safetensors.torch.save_model(create_model("pilotnet"), str(path))
    with pytest.raises(InvalidOption, match=r"not those of 'nature_cnn': has .*needs \(32, 3, 8, 8\)"):
        create_model("nature_cnn", weights=path)
    with pytest.raises(InvalidOption, match="needs"):
        create_model("nature_cnn", out_dim=16, weights=path)
    with pytest.raises(InvalidOption, match="no output layer"):
        create_classifier("pilotnet", 3, weights=path, keep_head=True)


def test_a_head_for_other_classes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "classifier.safetensors"
    safetensors.torch.save_model(create_classifier("pilotnet", 4), str(path))
    with pytest.raises(InvalidOption, match="for 4 classes, not 3"):
        create_classifier("pilotnet", 3, weights=path, keep_head=True)
    assert create_classifier("pilotnet", 3, weights=path).num_classes == 3


def test_damaged_and_missing_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(CorruptFile, match=r"none\.pth does not exist"):
        create_model("pilotnet", weights=tmp_path / "none.pth")
    for suffix in (".safetensors", ".pth"):
        path = tmp_path / f"broken{suffix}"
        path.write_bytes(b"\x10\0\0\0\0\0\0\0{not weights")
        with pytest.raises(CorruptFile, match="not a weights file or is truncated"):
            create_model("pilotnet", weights=path)
    stream = io.BytesIO()
    torch.save({"epoch": 3}, stream)
    path.write_bytes(stream.getvalue())
    with pytest.raises(CorruptFile, match="not a mapping of names to tensors"):
        create_model("pilotnet", weights=path)


def test_files_without_weights_are_named(tmp_path: Path) -> None:
    for content in (b"hello", b"<html>not found</html>", b"version https://git-lfs.github.com/spec/v1\n"):
        (tmp_path / "a.pth").write_bytes(content)
        with pytest.raises(CorruptFile, match=r"a\.pth is not a weights file"):
            create_model("pilotnet", weights=tmp_path / "a.pth")
    tensors = create_model("pilotnet").state_dict()
    next(iter(tensors.values())).view(-1)[0] = float("nan")
    safetensors.torch.save_file(tensors, str(tmp_path / "a.safetensors"))
    with pytest.raises(InvalidOption, match="not finite in"):
        create_model("pilotnet", weights=tmp_path / "a.safetensors")


def test_published_weights_are_refused_by_a_network_with_other_strides(tmp_path: Path) -> None:
    published = torchvision.models.resnet50().state_dict()
    torch.save(published, tmp_path / "a.pth")
    create_model("resnet50", weights=tmp_path / "a.pth")
    for source in (tmp_path / "a.pth", "imagenet"):
        with pytest.raises(InvalidOption, match="with these options is another network"):
            create_model("resnet50", weights=source, paper_stride=True)
    own = create_model("resnet50", paper_stride=True).state_dict()
    safetensors.torch.save_file(own, str(tmp_path / "own.safetensors"))
    create_model("resnet50", weights=tmp_path / "own.safetensors", paper_stride=True)


def test_old_weights_without_counters_and_those_with_two_heads_are_read(tmp_path: Path) -> None:
    published = torchvision.models.resnet18().state_dict()
    old = {name: value for name, value in published.items() if "num_batches_tracked" not in name}
    torch.save(old, tmp_path / "old.pth")
    encoder = create_model("resnet18", weights=tmp_path / "old.pth")
    assert torch.equal(encoder.conv1.weight, published["conv1.weight"])
    distilled = timm.create_model("deit_tiny_distilled_patch16_224").state_dict()
    torch.save(distilled, tmp_path / "distilled.pth")
    classifier = create_classifier(
        "timm:deit_tiny_distilled_patch16_224", 1000, weights=tmp_path / "distilled.pth", keep_head=True
    )
    assert torch.equal(classifier.head.weight, distilled["head.weight"])


def test_a_damaged_copy_of_published_weights_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    kept = tmp_path / "checkpoints" / "resnet18-f37072fd.pth"
    torch.save(torchvision.models.resnet18().state_dict(), kept)
    with pytest.raises(CorruptFile, match=r"resnet18-f37072fd\.pth is damaged.*download it again"):
        create_model("resnet18", weights="imagenet")


def test_sizes_and_tags_that_timm_does_not_have_are_refused() -> None:
    for name, size, words in (
        ("timm:test_vit", (64, 50), "does not accept frames of"),
        ("timm:test_vit", (16, 16), "at least 32 pixels"),
        ("timm:test_vit", 64, "must be"),
    ):
        with pytest.raises(InvalidOption, match=words):
            create_model(name, size=size)
    with pytest.raises(UnknownName, match=r"resnet18\.nope"):
        create_model("timm:resnet18.nope")
    with pytest.raises(UnknownName, match="timm has no weights for 'mobilenetv4_conv_small_035'"):
        create_model("timm:mobilenetv4_conv_small_035", weights="imagenet")


def test_unknown_weights_suggest_the_nearest_name() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'camshaft'"):
        create_model("pilotnet", weights="camshft")
    with pytest.raises(UnknownName, match="no weights ship for 'vgg16'"):
        create_model("vgg16", size=(32, 32), weights="camshaft")
    with pytest.raises(UnknownName, match="not a torchvision model"):
        create_model("pilotnet", weights="imagenet")


def test_a_failed_download_of_weights_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **options: object) -> None:
        raise urllib.error.URLError("no network")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", fail)
    with pytest.raises(CamshaftError, match="go online once, or give a file"):
        create_model("resnet18", weights="imagenet")
