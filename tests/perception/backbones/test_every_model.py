"""Conformance of every encoder in the zoo."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import safetensors.torch
import torch
import torchvision
from torch import Tensor, nn

from camshaft.envs.errors import InvalidOption, UnknownName
from camshaft.perception.backbones import Encoder, Preprocessing
from camshaft.perception.backbones.cost import count_macs
from camshaft.perception.backbones.encoder import count_parameters
from camshaft.perception.classification import Classifier
from camshaft.perception.zoo import create_model, list_models, register_model

# Networks for large frames are tested at their smallest size.
SIZES = {
    "alexnet": (63, 63),
    "alexnet_paper": (67, 67),
    "googlenet": (64, 64),
    "policy_resnet": (64, 64),
    "resnet18": (64, 64),
    "resnet34": (64, 64),
    "resnet50": (64, 64),
    "resnet101": (64, 64),
    "resnet152": (64, 64),
    "timm:mobilenetv3_small_050": (64, 64),
    "vgg16": (32, 32),
    "zfnet": (64, 64),
    "zfnet_512": (64, 64),
}
NAMES = [*list_models(), "timm:mobilenetv3_small_050"]
WITHOUT_DROPOUT_OR_BATCH_NORM = {"lenet5", "lenet5_dense", "nature_cnn", "pilotnet", "policy_resnet"}
EXPORTED = (
    "lenet5",
    "lenet5_dense",
    "nature_cnn",
    "pilotnet",
    "policy_resnet",
    "resnet18",
    "googlenet",
    "zfnet",
)

# Parameters and GMACs (at the default size of the network) with 1,000 classes: published by torchvision for its
# weights, and computed from the layers in the papers of AlexNet and ZFNet.
PUBLISHED = {
    "alexnet": (61_100_840, 0.714),
    "alexnet_paper": (60_965_224, 0.724),
    "googlenet": (6_624_904, 1.498),
    "resnet18": (11_689_512, 1.814),
    "resnet34": (21_797_672, 3.664),
    "resnet50": (25_557_032, 4.089),
    "resnet101": (44_549_160, 7.801),
    "resnet152": (60_192_808, 11.514),
    "vgg16": (138_357_544, 15.47),
    "zfnet": (62_357_608, 1.168),
    "zfnet_512": (107_627_624, 2.477),
}


def build(name: str, seed: int = 0) -> Encoder:
    torch.manual_seed(seed)
    options = {"size": SIZES[name]} if name in SIZES else {}
    return create_model(name, **options).eval()


@pytest.fixture(scope="module", params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def model(name: str) -> Encoder:
    """One model per name, shared between tests, which must not change it."""
    return build(name)


def frames(model: Encoder, count: int = 2) -> Tensor:
    """Random frames in the size the model needs, (count, H, W, 3) uint8."""
    size = model.preprocessing.size or (66, 200)
    return torch.randint(
        0, 256, (count, *size, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(1)
    )


def test_features_have_the_promised_width(model: Encoder) -> None:
    assert model(frames(model, 3)).shape == (3, model.out_dim)


def test_feature_maps_have_the_promised_channels(model: Encoder) -> None:
    maps = model.feature_maps(frames(model))
    assert tuple(each.shape[1] for each in maps) == model.channels
    assert len(maps) == len(model.strides)


def test_feature_maps_have_the_promised_strides(model: Encoder) -> None:
    preprocessing = model.preprocessing
    smallest, added = preprocessing.size or (66, 200), 2 * max(model.strides)
    model.preprocessing = Preprocessing(None, preprocessing.color)
    try:
        small = model.feature_maps(torch.zeros(1, 3, *smallest))
        large = model.feature_maps(torch.zeros(1, 3, smallest[0] + added, smallest[1] + added))
    finally:
        model.preprocessing = preprocessing
    for one, other, stride in zip(small, large, model.strides, strict=True):
        assert [(b - a) * stride for a, b in zip(one.shape[2:], other.shape[2:], strict=True)] == [added] * 2


@torch.no_grad()
def test_features_and_maps_equal_those_of_the_other_methods(model: Encoder) -> None:
    images = frames(model)
    features, maps = model.features_and_maps(images)
    torch.testing.assert_close(features, model(images))
    for one, other in zip(maps, model.feature_maps(images), strict=True):
        torch.testing.assert_close(one, other)


@torch.no_grad()
def test_all_layouts_of_the_same_frames_give_the_same_features(model: Encoder) -> None:
    images = frames(model)
    first = images.permute(0, 3, 1, 2)
    expected = model(images)
    for other in (first, first.contiguous(), first / 255.0, images / 255.0):
        torch.testing.assert_close(model(other), expected, rtol=1e-3, atol=1e-5 * expected.abs().max().item())


@torch.no_grad()
def test_frames_of_another_size_are_resized(model: Encoder) -> None:
    height, width = model.preprocessing.size or (66, 200)
    ramp = torch.linspace(0.0, 1.0, 2 * width).expand(1, 3, 2 * height, 2 * width)
    halved = ramp.unflatten(3, (width, 2)).mean(4)[:, :, :height]
    assert model(ramp).shape == (1, model.out_dim)
    if model.preprocessing.size is None:
        return
    scale = max(1.0, *(1.0 / each for each in model.preprocessing.std))
    expected = model.preprocess(halved)[..., 1:-1]
    torch.testing.assert_close(model.preprocess(ramp)[..., 1:-1], expected, rtol=0.0, atol=1e-3 * scale)
    bytes_ramp = (ramp * 255.0).round().to(torch.uint8)
    torch.testing.assert_close(model.preprocess(bytes_ramp)[..., 1:-1], expected, rtol=0.0, atol=0.01 * scale)
    assert model(bytes_ramp.permute(0, 2, 3, 1)).shape == (1, model.out_dim)


@torch.no_grad()
def test_frames_are_not_modified(model: Encoder) -> None:
    images = frames(model)
    before = images.clone()
    model(images)
    assert torch.equal(images, before)


def test_gradients_reach_every_parameter(model: Encoder) -> None:
    trained = without_dropout(model).train()
    buffers = {name: value.clone() for name, value in trained.named_buffers()}
    trained(frames(model, 4)).square().mean().mul(1e4).backward()
    try:
        for name, parameter in trained.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.abs().max() > 0, name
    finally:
        trained.eval().zero_grad()
        for name, value in trained.named_buffers():
            value.copy_(buffers[name])
        with_dropout(model)


def without_dropout(model: Encoder) -> Encoder:
    for layer in model.modules():
        if isinstance(layer, nn.Dropout):
            layer.p, layer.kept = 0.0, layer.p
    return model


def with_dropout(model: Encoder) -> None:
    for layer in model.modules():
        if isinstance(layer, nn.Dropout):
            layer.p = layer.kept


@torch.no_grad()
def test_only_dropout_and_batch_norm_differ_between_modes(model: Encoder, name: str) -> None:
    images = frames(model, 4)
    used = model(images)
    buffers = {key: value.clone() for key, value in model.named_buffers()}
    trained = model.train()(images)
    model.eval()
    for key, value in model.named_buffers():
        value.copy_(buffers[key])
    assert torch.allclose(used, trained) == (name in WITHOUT_DROPOUT_OR_BATCH_NORM)


@torch.no_grad()
def test_a_frame_does_not_depend_on_its_neighbors(model: Encoder) -> None:
    images = frames(model, 4)
    expected = model(images)[2:3]
    torch.testing.assert_close(
        model(images[2:3]), expected, rtol=1e-3, atol=1e-5 * expected.abs().max().item()
    )


@torch.no_grad()
def test_a_state_dict_restores_a_model(model: Encoder, name: str, tmp_path: Path) -> None:
    other = build(name, seed=7)
    assert not torch.equal(other(frames(model)), model(frames(model)))
    path = tmp_path / "weights.safetensors"
    safetensors.torch.save_model(model, str(path))
    options = {"size": SIZES[name]} if name in SIZES else {}
    if count_parameters(model) > 50_000_000:  # loading it twice takes too long
        other.load_state_dict(safetensors.torch.load_file(path))
    else:
        other = create_model(name, weights=path, **options).eval()
    assert torch.equal(other(frames(model)), model(frames(model)))


def test_the_same_seed_builds_the_same_model(name: str, model: Encoder) -> None:
    if count_parameters(model) > 50_000_000:
        pytest.skip("large; made of the same layers as the others")
    again = build(name).state_dict()
    for key, value in model.state_dict().items():
        assert torch.equal(value, again[key]), key


def test_layer_groups_hold_every_parameter_once(model: Encoder) -> None:
    grouped = [id(value) for group in model.layer_groups for value in group.parameters()]
    assert sorted(grouped) == sorted(id(value) for value in model.parameters())
    assert len(model.layer_groups) >= 3


def test_preprocessing_learns_nothing(model: Encoder) -> None:
    assert count_parameters(model.preprocessing) == 0
    assert not any("preprocessing" in name for name in model.state_dict())


@torch.no_grad()
def test_bfloat16_is_close_to_float32(model: Encoder) -> None:
    images = frames(model)
    expected = model(images)
    with torch.autocast("cpu", torch.bfloat16):
        halved = model(images)
    assert halved.dtype == torch.bfloat16
    error = (halved.float() - expected).norm() / expected.norm()
    assert error < 0.05


@pytest.mark.parametrize("shape", [(66, 200, 3), (1, 66, 200), (1, 66, 200, 4), (2, 1, 66, 200)])
def test_other_shapes_than_batches_of_frames_are_refused(model: Encoder, shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidOption, match="accepted are"):
        model(torch.zeros(shape, dtype=torch.uint8))


def test_other_dtypes_are_refused(model: Encoder) -> None:
    with pytest.raises(InvalidOption, match="uint8"):
        model(frames(model).long())


@pytest.mark.parametrize("name", EXPORTED)
def test_onnx_gives_the_same_features(name: str, tmp_path: Path) -> None:
    model = build(name)
    images = frames(model, 1).permute(0, 3, 1, 2).contiguous() / 255.0
    path = tmp_path / "model.onnx"
    torch.onnx.export(model, (images,), str(path), dynamo=True, verbose=False)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (features,) = session.run(None, {session.get_inputs()[0].name: images.numpy()})
    with torch.no_grad():
        expected = model(images).numpy()
    np.testing.assert_allclose(features, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_counts(name: str) -> None:
    parameters, giga = PUBLISHED[name]
    classifier = Classifier(create_model(name), 1000)
    classifier.auxiliary = nn.ModuleDict()  # published counts leave them out
    assert count_parameters(classifier) == parameters
    images = torch.zeros(1, 3, *classifier.encoder.preprocessing.size)
    assert count_macs(classifier, images) / 1e9 == pytest.approx(giga, abs=0.0006)


@pytest.mark.parametrize("name", [each for each in PUBLISHED if each in torchvision.models.list_models()])
def test_published_counts_are_those_that_torchvision_states(name: str) -> None:
    stated = torchvision.models.get_model_weights(name)["IMAGENET1K_V1"].meta
    assert PUBLISHED[name][0] == stated["num_params"]
    assert PUBLISHED[name][1] == pytest.approx(stated["_ops"], abs=0.001)


def test_a_misspelled_model_suggests_the_nearest_name() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'pilotnet'"):
        create_model("pilotnett")


def test_a_misspelled_option_suggests_the_nearest_name() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'out_dim'"):
        create_model("nature_cnn", outdim=3)
    with pytest.raises(InvalidOption, match="has no options"):
        create_model("pilotnet", width=3)


def test_a_size_too_small_for_the_convolutions_is_refused() -> None:
    for name, smallest in (("nature_cnn", 36), ("lenet5", 32), ("alexnet_paper", 67), ("resnet18", 32)):
        with pytest.raises(InvalidOption, match=f"at least {smallest}"):
            create_model(name, size=(smallest - 1, 84))
    assert create_model("nature_cnn", size=(36, 36), out_dim=7)(torch.zeros(1, 3, 36, 36)).shape == (1, 7)


def test_a_name_is_registered_once() -> None:
    def pilotnet() -> Encoder:
        raise AssertionError

    with pytest.raises(InvalidOption, match="already"):
        register_model(pilotnet)


def test_unknown_timm_models_suggest_the_nearest_name() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'resnet10t'"):
        create_model("timm:resnet10tt")
