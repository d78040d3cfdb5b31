"""Exact layers and particularities of the networks that come from a paper."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from camshaft.envs.errors import UnknownName
from camshaft.perception.backbones import Preprocessing
from camshaft.perception.backbones.cost import count_macs
from camshaft.perception.backbones.encoder import count_parameters
from camshaft.perception.backbones.pooling import make_pooling
from camshaft.perception.classification import Classifier, create_classifier
from camshaft.perception.zoo import create_model

PILOTNET_LAYERS = [1824, 21636, 43248, 27712, 36928, 115300, 5050, 510]
NATURE_CNN_LAYERS = [6176, 32832, 36928, 1606144]


def layer_sizes(model: nn.Module) -> list[int]:
    return [count_parameters(layer) for layer in model.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]


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
    ("color", "expected"),
    [
        ((255, 255, 255), (1.0, 0.0, 0.0)),
        ((0, 0, 0), (0.0, 0.0, 0.0)),
        ((255, 0, 0), (0.299, -0.147, 0.615)),
        ((0, 255, 0), (0.587, -0.289, -0.515)),
        ((0, 0, 255), (0.114, 0.436, -0.100)),
    ],
)
def test_yuv_is_that_of_bt601(color: tuple[int, int, int], expected: tuple[float, float, float]) -> None:
    image = torch.tensor(color, dtype=torch.uint8).view(1, 1, 1, 3)
    result = Preprocessing(color="yuv")(image).flatten()
    torch.testing.assert_close(result, torch.tensor(expected), rtol=0.0, atol=1e-3)


def test_normalization_subtracts_the_mean_and_divides_by_the_deviation() -> None:
    images = torch.rand(5, 3, 8, 9) * torch.tensor([0.2, 0.5, 0.9]).view(1, 3, 1, 1)
    mean, std = images.mean(dim=(0, 2, 3)), images.std(dim=(0, 2, 3))
    result = Preprocessing(mean=mean.tolist(), std=std.tolist())(images)
    torch.testing.assert_close(result.mean(dim=(0, 2, 3)), torch.zeros(3), rtol=0.0, atol=1e-5)
    torch.testing.assert_close(result.std(dim=(0, 2, 3)), torch.ones(3), rtol=0.0, atol=1e-5)


def test_pilotnet_normalizes_every_channel_to_unit_range() -> None:
    corners = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * 3).view(8, 3, 1, 1)
    values = Preprocessing(None, "yuv", (0.5, 0.0, 0.0), (0.5, 0.436, 0.615))(corners)
    torch.testing.assert_close(values.amax(dim=(0, 2, 3)), torch.ones(3), rtol=0.0, atol=1e-3)
    torch.testing.assert_close(values.amin(dim=(0, 2, 3)), -torch.ones(3), rtol=0.0, atol=1e-3)


def test_the_papers_stride_costs_less(tmp_path: Path) -> None:
    costs = [
        count_macs(create_model("resnet50", paper_stride=paper), torch.zeros(1, 3, 224, 224))
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


def test_lenet_scales_black_and_white_as_its_paper_says() -> None:
    preprocess = create_model("lenet5").preprocess
    black, white = (preprocess(torch.full((1, 3, 32, 32), value)).mean().item() for value in (0.0, 1.0))
    assert (black, white) == (pytest.approx(-0.1, abs=1e-6), pytest.approx(1.175, abs=1e-6))


def test_alexnet_normalizes_responses_as_its_paper_says() -> None:
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


def test_policy_resnet_encodes_positions() -> None:
    """The mean of a map does not change when its content moves; the expected position does."""
    summary = create_model("policy_resnet").summary[0]
    maps = torch.zeros(2, 192, 3, 5)
    maps[0, :, 0, 0] = maps[1, :, 2, 4] = 20.0
    what, columns, rows = summary(maps).split(192, dim=1)
    assert torch.equal(what[0], what[1])
    torch.testing.assert_close(columns[:, 0], torch.tensor([-1.0, 1.0]), atol=1e-3, rtol=0.0)
    torch.testing.assert_close(rows[:, 0], torch.tensor([-1.0, 1.0]), atol=1e-3, rtol=0.0)
