"""What every encoder in the zoo must do, and the exact layers of those that come from a paper."""

from __future__ import annotations

import io
import urllib.error
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import safetensors.torch
import timm
import torch
import torchvision
from torch import Tensor, nn

from envs.errors import CamshaftError, CorruptFile, InvalidOption, UnknownName
from perception.backbones import Encoder, Preprocessing
from perception.backbones.cost import count_multiply_adds
from perception.backbones.encoder import IMAGENET_MEAN, IMAGENET_STD, count_parameters
from perception.backbones.pooling import make_pooling
from perception.classification import Classifier, create_classifier
from perception.zoo import create_model, list_models, register_model

PILOTNET_LAYERS = [1824, 21636, 43248, 27712, 36928, 115300, 5050, 510]
NATURE_CNN_LAYERS = [6176, 32832, 36928, 1606144]

# Networks for large frames are tried at the smallest that leaves them something to look at.
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

# Parameters and multiply-adds (in thousands of millions, at the network's own size) with 1,000 classes: those that
# torchvision publishes for its weights, and for AlexNet's and ZFNet's papers those of their layers, added up.
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
    """One a name, shared: a test leaves it as it was."""
    return build(name)


def frames(model: Encoder, count: int = 2) -> Tensor:
    """Random frames in the size the model needs, (count, H, W, 3) uint8."""
    size = model.preprocessing.size or (66, 200)
    return torch.randint(
        0, 256, (count, *size, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(1)
    )


def layer_sizes(model: nn.Module) -> list[int]:
    return [count_parameters(layer) for layer in model.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]


def test_features_have_the_promised_width(model: Encoder) -> None:
    assert model(frames(model, 3)).shape == (3, model.out_dim)


def test_feature_maps_have_the_promised_channels(model: Encoder) -> None:
    maps = model.feature_maps(frames(model))
    assert tuple(each.shape[1] for each in maps) == model.channels
    assert len(maps) == len(model.strides)


def test_feature_maps_have_the_promised_strides(model: Encoder) -> None:
    preprocessing = model.preprocessing
    smallest, added = preprocessing.size or (66, 200), 2 * max(model.strides)
    model.preprocessing = Preprocessing(None, preprocessing.colour)
    try:
        small = model.feature_maps(torch.zeros(1, 3, *smallest))
        large = model.feature_maps(torch.zeros(1, 3, smallest[0] + added, smallest[1] + added))
    finally:
        model.preprocessing = preprocessing
    for one, other, stride in zip(small, large, model.strides, strict=True):
        assert [(b - a) * stride for a, b in zip(one.shape[2:], other.shape[2:], strict=True)] == [added] * 2


@torch.no_grad()
def test_features_and_maps_are_those_of_the_other_faces(model: Encoder) -> None:
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
def test_frames_are_left_as_they_were(model: Encoder) -> None:
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
def test_training_differs_from_use_where_it_should(model: Encoder, name: str) -> None:
    images = frames(model, 4)
    used = model(images)
    buffers = {key: value.clone() for key, value in model.named_buffers()}
    trained = model.train()(images)
    model.eval()
    for key, value in model.named_buffers():
        value.copy_(buffers[key])
    assert torch.allclose(used, trained) == (name in WITHOUT_DROPOUT_OR_BATCH_NORM)


@torch.no_grad()
def test_a_frame_does_not_depend_on_its_neighbours(model: Encoder) -> None:
    images = frames(model, 4)
    expected = model(images)[2:3]
    torch.testing.assert_close(
        model(images[2:3]), expected, rtol=1e-3, atol=1e-5 * expected.abs().max().item()
    )


@torch.no_grad()
def test_weights_alone_carry_a_model_over(model: Encoder, name: str, tmp_path: Path) -> None:
    other = build(name, seed=7)
    assert not torch.equal(other(frames(model)), model(frames(model)))
    path = tmp_path / "weights.safetensors"
    safetensors.torch.save_model(model, str(path))
    options = {"size": SIZES[name]} if name in SIZES else {}
    if count_parameters(model) > 50_000_000:  # once more through memory would be enough said
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
def test_what_is_no_batch_of_frames_is_refused(model: Encoder, shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidOption, match="accepted are"):
        model(torch.zeros(shape, dtype=torch.uint8))


def test_an_unfit_dtype_is_refused(model: Encoder) -> None:
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
    assert count_multiply_adds(classifier, images) / 1e9 == pytest.approx(giga, abs=0.0006)


@pytest.mark.parametrize("name", [each for each in PUBLISHED if each in torchvision.models.list_models()])
def test_published_counts_are_those_that_torchvision_states(name: str) -> None:
    stated = torchvision.models.get_model_weights(name)["IMAGENET1K_V1"].meta
    assert PUBLISHED[name][0] == stated["num_params"]
    assert PUBLISHED[name][1] == pytest.approx(stated["_ops"], abs=0.001)


def test_pilotnet_has_the_layers_of_its_paper() -> None:
    model = create_model("pilotnet")
    assert layer_sizes(model) == PILOTNET_LAYERS
    assert count_parameters(nn.Sequential(model, nn.Linear(model.out_dim, 1))) == 252_219


def test_pilotnet_has_the_feature_maps_of_its_paper() -> None:
    shapes = [
        tuple(each.shape[1:]) for each in create_model("pilotnet").feature_maps(torch.zeros(1, 3, 66, 200))
    ]
    assert shapes == [(24, 31, 98), (36, 14, 47), (48, 5, 22), (64, 3, 20), (64, 1, 18)]


def test_nature_cnn_has_the_layers_of_its_paper() -> None:
    model = create_model("nature_cnn")
    assert layer_sizes(model) == NATURE_CNN_LAYERS
    shapes = [tuple(each.shape[1:]) for each in model.feature_maps(torch.zeros(1, 3, 84, 84))]
    assert shapes == [(32, 20, 20), (64, 9, 9), (64, 7, 7)]


@pytest.mark.parametrize(
    ("colour", "expected"),
    [
        ((255, 255, 255), (1.0, 0.0, 0.0)),
        ((0, 0, 0), (0.0, 0.0, 0.0)),
        ((255, 0, 0), (0.299, -0.147, 0.615)),
        ((0, 255, 0), (0.587, -0.289, -0.515)),
        ((0, 0, 255), (0.114, 0.436, -0.100)),
    ],
)
def test_yuv_is_that_of_bt601(colour: tuple[int, int, int], expected: tuple[float, float, float]) -> None:
    image = torch.tensor(colour, dtype=torch.uint8).view(1, 1, 1, 3)
    result = Preprocessing(colour="yuv")(image).flatten()
    torch.testing.assert_close(result, torch.tensor(expected), rtol=0.0, atol=1e-3)


def test_normalisation_takes_off_the_mean_and_divides_by_the_deviation() -> None:
    images = torch.rand(5, 3, 8, 9) * torch.tensor([0.2, 0.5, 0.9]).view(1, 3, 1, 1)
    mean, std = images.mean(dim=(0, 2, 3)), images.std(dim=(0, 2, 3))
    result = Preprocessing(mean=mean.tolist(), std=std.tolist())(images)
    torch.testing.assert_close(result.mean(dim=(0, 2, 3)), torch.zeros(3), rtol=0.0, atol=1e-5)
    torch.testing.assert_close(result.std(dim=(0, 2, 3)), torch.ones(3), rtol=0.0, atol=1e-5)


def test_pilotnet_normalises_every_channel_to_unit_range() -> None:
    corners = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * 3).view(8, 3, 1, 1)
    values = Preprocessing(None, "yuv", (0.5, 0.0, 0.0), (0.5, 0.436, 0.615))(corners)
    torch.testing.assert_close(values.amax(dim=(0, 2, 3)), torch.ones(3), rtol=0.0, atol=1e-3)
    torch.testing.assert_close(values.amin(dim=(0, 2, 3)), -torch.ones(3), rtol=0.0, atol=1e-3)


def test_a_misspelt_model_is_answered_with_the_right_name() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'pilotnet'"):
        create_model("pilotnett")


def test_a_misspelt_option_is_answered_with_the_right_name() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'out_dim'"):
        create_model("nature_cnn", outdim=3)
    with pytest.raises(InvalidOption, match="has no options"):
        create_model("pilotnet", width=3)


def test_a_size_without_room_for_the_convolutions_is_refused() -> None:
    for name, smallest in (("nature_cnn", 36), ("lenet5", 32), ("alexnet_paper", 67), ("resnet18", 32)):
        with pytest.raises(InvalidOption, match=f"at least {smallest}"):
            create_model(name, size=(smallest - 1, 84))
    assert create_model("nature_cnn", size=(36, 36), out_dim=7)(torch.zeros(1, 3, 36, 36)).shape == (1, 7)


def test_a_name_is_registered_once() -> None:
    def pilotnet() -> Encoder:
        raise AssertionError

    with pytest.raises(InvalidOption, match="already"):
        register_model(pilotnet)


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
        if isinstance(layer, nn.BatchNorm2d):  # as if it had been trained
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


def test_the_papers_stride_costs_less(tmp_path: Path) -> None:
    costs = [
        count_multiply_adds(create_model("resnet50", paper_stride=paper), torch.zeros(1, 3, 224, 224))
        for paper in (False, True)
    ]
    assert [round(cost / 1e9, 2) for cost in costs] == [4.09, 3.86]


def test_lenet_has_the_layers_of_its_paper() -> None:
    model = create_model("lenet5")
    groups = [count_parameters(part) for part in model.modules() if not list(part.children())]
    assert [count for count in groups if count] == [156, 12, 1516, 32, 48_120, 10_164]
    assert count_parameters(model) == 60_000
    assert count_parameters(Classifier(create_model("lenet5_dense"), 10)) == 61_706
    shapes = [tuple(each.shape[1:]) for each in model.feature_maps(torch.zeros(1, 3, 32, 32))]
    assert shapes == [(6, 14, 14), (16, 5, 5)]


def test_the_third_layer_of_lenet_is_its_partial_table() -> None:
    convolution = create_model("lenet5").stages[1][0]
    sees = torch.zeros(16, 6, dtype=torch.bool)
    with torch.no_grad():
        for source in range(6):
            maps = torch.zeros(1, 6, 5, 5)
            maps[:, source] = 1.0
            sees[:, source] = (convolution(maps) - convolution(torch.zeros_like(maps))).abs().flatten() > 1e-6
    assert sees.sum(1).tolist() == [3] * 6 + [4] * 9 + [6]
    assert sees[0].tolist() == [True, True, True, False, False, False]
    assert sees[15].all()


def test_lenet_brings_black_and_white_to_what_its_paper_says() -> None:
    preprocess = create_model("lenet5").preprocess
    black, white = (preprocess(torch.full((1, 3, 32, 32), value)).mean().item() for value in (0.0, 1.0))
    assert (black, white) == (pytest.approx(-0.1, abs=1e-6), pytest.approx(1.175, abs=1e-6))


def test_alexnet_normalises_responses_as_its_paper_says() -> None:
    layer = create_model("alexnet_paper", size=(67, 67)).stages[0][2]
    maps = torch.rand(1, 96, 1, 1, generator=torch.Generator().manual_seed(0)) * 30.0
    values = maps.flatten().tolist()
    near = [sum(value**2 for value in values[max(0, i - 2) : i + 3]) for i in range(96)]
    expected = [value / (2.0 + 1e-4 * total) ** 0.75 for value, total in zip(values, near, strict=True)]
    torch.testing.assert_close(layer(maps).flatten(), torch.tensor(expected))


def test_pooling_of_every_kind() -> None:
    maps = torch.tensor([[3.0, 4.0], [0.0, 0.0]]).view(1, 1, 2, 2).requires_grad_()
    values = {kind: make_pooling(kind, 2, 2)(maps).item() for kind in ("max", "average", "lp")}
    assert values == {"max": 4.0, "average": 1.75, "lp": pytest.approx(2.5)}
    zeros = torch.zeros(1, 1, 2, 2, requires_grad=True)
    make_pooling("lp", 2, 2)(zeros).sum().backward()
    assert torch.isfinite(zeros.grad).all()
    with pytest.raises(UnknownName, match="Did you mean 'average'"):
        make_pooling("averag", 2, 2)
    for kind in ("average", "lp"):
        assert create_model("zfnet", size=(64, 64), pooling=kind)(torch.zeros(1, 3, 64, 64)).shape == (
            1,
            4096,
        )


def test_auxiliary_heads_learn_with_the_classifier() -> None:
    classifier = create_classifier("googlenet", 5, model_options={"size": (64, 64)}).train()
    logits = classifier(torch.rand(2, 3, 64, 64))
    assert [each.shape for each in logits] == [(2, 5)] * 3
    sum(each.square().sum() for each in logits).backward()
    assert all(value.grad.abs().max() > 0 for value in classifier.auxiliary.parameters() if value.ndim > 1)
    assert classifier.eval()(torch.rand(2, 3, 64, 64)).shape == (2, 5)


def test_policy_resnet_tells_where_something_is() -> None:
    """The mean of a map does not change when what it sees moves; the expected place does."""
    summary = create_model("policy_resnet").summary[0]
    maps = torch.zeros(2, 192, 3, 5)
    maps[0, :, 0, 0] = maps[1, :, 2, 4] = 20.0
    what, columns, rows = summary(maps).split(192, dim=1)
    assert torch.equal(what[0], what[1])
    torch.testing.assert_close(columns[:, 0], torch.tensor([-1.0, 1.0]), atol=1e-3, rtol=0.0)
    torch.testing.assert_close(rows[:, 0], torch.tensor([-1.0, 1.0]), atol=1e-3, rtol=0.0)


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
    with pytest.raises(InvalidOption, match="4 classes apart, not 3"):
        create_classifier("pilotnet", 3, weights=path, keep_head=True)
    assert create_classifier("pilotnet", 3, weights=path).num_classes == 3


def test_damaged_and_missing_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(CorruptFile, match=r"none\.pth does not exist"):
        create_model("pilotnet", weights=tmp_path / "none.pth")
    for suffix in (".safetensors", ".pth"):
        path = tmp_path / f"broken{suffix}"
        path.write_bytes(b"\x10\0\0\0\0\0\0\0{not weights")
        with pytest.raises(CorruptFile, match="not a whole file of weights"):
            create_model("pilotnet", weights=path)
    stream = io.BytesIO()
    torch.save({"epoch": 3}, stream)
    path.write_bytes(stream.getvalue())
    with pytest.raises(CorruptFile, match="no tensors by name"):
        create_model("pilotnet", weights=path)


def test_unknown_weights_are_answered_with_the_right_name() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'camshaft'"):
        create_model("pilotnet", weights="camshft")
    with pytest.raises(UnknownName, match="no weights ship for 'vgg16'"):
        create_model("vgg16", size=(32, 32), weights="camshaft")
    with pytest.raises(UnknownName, match="not a network of torchvision"):
        create_model("pilotnet", weights="imagenet")


def test_weights_that_cannot_be_fetched_are_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **options: object) -> None:
        raise urllib.error.URLError("no network")

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", fail)
    with pytest.raises(CamshaftError, match="go online once, or give a file"):
        create_model("resnet18", weights="imagenet")


def test_unknown_timm_models_are_answered_with_the_right_name() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'resnet10t'"):
        create_model("timm:resnet10tt")
