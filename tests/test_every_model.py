"""What every encoder in the zoo must do, and the exact layers of those that come from a paper."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from envs.errors import InvalidOption, UnknownName
from perception.backbones import Encoder, Preprocessing
from perception.backbones.encoder import count_parameters
from perception.zoo import create_model, list_models, register_model

PILOTNET_LAYERS = [1824, 21636, 43248, 27712, 36928, 115300, 5050, 510]
NATURE_CNN_LAYERS = [6176, 32832, 36928, 1606144]


@pytest.fixture(params=list_models())
def model(request: pytest.FixtureRequest) -> Encoder:
    torch.manual_seed(0)
    return create_model(request.param)


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
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.fill_(10.0 if name.endswith("bias") else 0.01)  # no unit is ever silent
    images = frames(model, 1).permute(0, 3, 1, 2) / 255.0
    images.requires_grad_()
    for index, stride in enumerate(model.strides):
        assert left_edge(model, images, index, 1) - left_edge(model, images, index, 0) == stride


def left_edge(model: Encoder, images: Tensor, index: int, column: int) -> int:
    """First column of the frame that a place of a feature map looks at."""
    output = model.feature_maps(images)[index][0, :, 0, column].sum()
    (gradient,) = torch.autograd.grad(output, images)
    return int(gradient.abs().sum(dim=(0, 1, 2)).nonzero()[0])


def test_all_layouts_of_the_same_frames_give_the_same_features(model: Encoder) -> None:
    images = frames(model)
    first = images.permute(0, 3, 1, 2)
    expected = model(images)
    for other in (first, first.contiguous(), first / 255.0, images / 255.0):
        torch.testing.assert_close(model(other), expected, rtol=1e-4, atol=1e-5)


def test_frames_of_another_size_are_resized(model: Encoder) -> None:
    height, width = model.preprocessing.size or (66, 200)
    ramp = torch.linspace(0.0, 1.0, 2 * width).expand(1, 3, 2 * height, 2 * width)
    halved = ramp.unflatten(3, (width, 2)).mean(4)[:, :, :height]
    expected = model.preprocess(halved)[..., 1:-1]
    torch.testing.assert_close(model.preprocess(ramp)[..., 1:-1], expected, rtol=0.0, atol=1e-3)
    bytes_ramp = (ramp * 255.0).round().to(torch.uint8)
    torch.testing.assert_close(model.preprocess(bytes_ramp)[..., 1:-1], expected, rtol=0.0, atol=0.01)
    assert model(bytes_ramp.permute(0, 2, 3, 1)).shape == (1, model.out_dim)


def test_frames_are_left_as_they_were(model: Encoder) -> None:
    images = frames(model)
    before = images.clone()
    model(images)
    assert torch.equal(images, before)


def test_gradients_reach_every_parameter(model: Encoder) -> None:
    model(frames(model, 8)).square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_a_frame_does_not_depend_on_its_neighbours(model: Encoder) -> None:
    images = frames(model, 4)
    torch.testing.assert_close(model(images)[2:3], model(images[2:3]), rtol=1e-4, atol=1e-5)


def test_the_same_seed_builds_the_same_model(model: Encoder, request: pytest.FixtureRequest) -> None:
    torch.manual_seed(0)
    again = create_model(request.node.callspec.params["model"])
    for name, value in model.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name


def test_weights_alone_carry_a_model_over(model: Encoder, request: pytest.FixtureRequest) -> None:
    torch.manual_seed(7)
    other = create_model(request.node.callspec.params["model"])
    other.load_state_dict(model.state_dict())
    assert torch.equal(other(frames(model)), model(frames(model)))


def test_preprocessing_learns_nothing(model: Encoder) -> None:
    assert count_parameters(model.preprocessing) == 0
    assert not any("preprocessing" in name for name in model.state_dict())


def test_bfloat16_is_close_to_float32(model: Encoder) -> None:
    images = frames(model)
    expected = model(images)
    with torch.autocast("cpu", torch.bfloat16):
        halved = model(images)
    assert halved.dtype == torch.bfloat16
    torch.testing.assert_close(halved.float(), expected, rtol=0.05, atol=0.02)


@pytest.mark.parametrize("shape", [(66, 200, 3), (1, 66, 200), (1, 66, 200, 4), (2, 1, 66, 200)])
def test_what_is_no_batch_of_frames_is_refused(model: Encoder, shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidOption, match="accepted are"):
        model(torch.zeros(shape, dtype=torch.uint8))


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
    with pytest.raises(InvalidOption, match="at least 36"):
        create_model("nature_cnn", size=(35, 84))
    assert create_model("nature_cnn", size=(36, 36), out_dim=7)(torch.zeros(1, 3, 36, 36)).shape == (1, 7)


def test_a_name_is_registered_once() -> None:
    def pilotnet() -> Encoder:
        raise AssertionError

    with pytest.raises(InvalidOption, match="already"):
        register_model(pilotnet)
