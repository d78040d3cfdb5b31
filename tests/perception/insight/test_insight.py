"""Visualizations, checked on networks with known answers."""

import json

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from camshaft.agents.lerobot.video import read_video
from camshaft.agents.policies.vision import VisionPolicy
from camshaft.envs.driving.tasks.lane_keeping import LaneKeeping
from camshaft.envs.errors import CorruptFile, InvalidOption, UnknownName
from camshaft.experiments.cli.main import main
from camshaft.perception.backbones.encoder import Preprocessing, StagedEncoder
from camshaft.perception.classification.classifier import create_classifier
from camshaft.perception.classification.files import save_classifier
from camshaft.perception.insight.activations import activation_maps
from camshaft.perception.insight.features import all_features, nearest, neighbor_probabilities, tsne
from camshaft.perception.insight.filters import first_layer_filters
from camshaft.perception.insight.saliency import METHODS, guided_gradients, saliency
from camshaft.perception.insight.subject import Subject
from camshaft.perception.zoo import create_model

SIDE = 32


class RedAndGreen(StagedEncoder):
    """One feature for red and one for green, so that the relevant pixels are known."""

    channels = (2, 2)
    strides = (1, 2)

    def __init__(self):
        super().__init__(Preprocessing((SIDE, SIDE)))
        self.out_dim = 2
        first, second = nn.Conv2d(3, 2, 3, padding=1), nn.Conv2d(2, 2, 1)
        with torch.no_grad():
            first.weight.zero_()
            first.weight[0, 0, 1, 1] = first.weight[1, 1, 1, 1] = 1.0
            first.bias.fill_(-0.5)
            second.weight[:, :, 0, 0] = torch.eye(2)
            second.bias.zero_()
        self.stages = nn.ModuleList(
            [
                nn.Sequential(first, nn.ReLU(inplace=True)),
                nn.Sequential(second, nn.ReLU(inplace=True), nn.MaxPool2d(2)),
            ]
        )
        self.summary = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())


@pytest.fixture(scope="module")
def subject():
    return Subject(RedAndGreen(), lambda features: features, ("red", "green"))


@pytest.fixture
def squares():
    """A red square at the upper left and a larger green one at the lower right."""
    image = torch.zeros(1, SIDE, SIDE, 3, dtype=torch.uint8)
    image[0, 4:10, 4:10, 0] = 255
    image[0, 18:30, 18:30, 1] = 255
    return image


@pytest.mark.parametrize("method", METHODS[:3])
def test_saliency_is_where_the_output_comes_from(subject, squares, method):
    for target, inside in ((0, np.s_[4:10, 4:10]), (1, np.s_[18:30, 18:30]), (None, np.s_[18:30, 18:30])):
        found = saliency(subject, squares, method, target)[0]
        assert found.max() == pytest.approx(1.0) and found.min() >= 0.0
        assert found[inside].sum() > 0.8 * found.sum()


def test_visual_back_prop_covers_all_active_pixels(subject, squares):
    found = saliency(subject, squares, "visual_back_prop")[0]
    assert found[4:10, 4:10].mean() > 0.5 and found[20:28, 20:28].mean() > 0.5 and found[0:3].max() < 0.1


def test_guided_gradients_of_googlenet_pass_its_rectifiers_where_they_are_positive():
    torch.manual_seed(0)
    encoder = create_model("googlenet", size=(64, 64))
    subject = Subject(encoder, lambda features: features)
    frames, outputs = torch.rand(1, 3, 64, 64), torch.tensor([0])
    plain = frames.clone().requires_grad_()
    subject.encoder(plain)[0, 0].backward()
    guided = guided_gradients(subject, frames, outputs)
    assert (guided - plain.grad).norm() > 0.5 * plain.grad.norm()


def test_feature_maps_without_influence_are_reported():
    subject = Subject(create_model("timm:test_vit", size=(64, 64)), lambda features: features[:, :3])
    with pytest.raises(InvalidOption, match="Grad-CAM cannot explain"):
        saliency(subject, torch.rand(1, 3, 64, 64))


def test_saliency_does_not_change_the_network(squares):
    encoder = RedAndGreen()
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    saliency(Subject(encoder, lambda features: features), squares, "guided")
    assert all(torch.equal(value, before[name]) for name, value in encoder.state_dict().items())
    assert encoder.stages[0][1].inplace and all(value.grad is None for value in encoder.parameters())


@pytest.mark.parametrize("model", ["pilotnet", "policy_resnet", "resnet18", "lenet5"])
def test_every_method_works_on_networks_of_the_zoo(model):
    torch.manual_seed(0)
    encoder = create_model(model)
    found = Subject(encoder, nn.Linear(encoder.out_dim, 3))
    images = torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8)
    for method in METHODS:
        values = saliency(found, images, method)
        assert values.shape == (2, 64, 64) and np.isfinite(values).all()
    assert values.std() > 0.0


def test_filters_on_other_colors_are_shown_in_rgb():
    filters = first_layer_filters(RedAndGreen())
    assert filters.shape == (2, 3, 3, 3)
    assert filters[0, 1, 1].tolist() == [255, 128, 128] and filters[1, 1, 1].tolist() == [128, 255, 128]
    yuv = create_model("pilotnet")
    with torch.no_grad():
        layer = yuv.stages[0][0]
        layer.weight.zero_()
        layer.weight[0, 0, 2, 2] = 1.0  # brightness alone
    image = first_layer_filters(yuv)[0, 2, 2].astype(int)
    assert image.argmax() == 1 and (image > 128).all()  # green counts most, blue least
    assert image.argmin() == 2


def test_activations_are_the_strongest_channels_of_each_layer(squares):
    layers = activation_maps(RedAndGreen().eval(), squares, max_channels=1)
    assert [maps.shape for maps in layers] == [(1, 32, 32), (1, 16, 16)]
    assert layers[0][0, 20, 20] == 1.0 and layers[0][0, 6, 6] == 0.0  # green spreads wider


def test_nearest_images_are_those_at_the_smallest_angle():
    features = np.array([[1, 0], [10, 1], [0, 1], [-1, 0]], np.float32)
    assert nearest(features, features[:1], 3).tolist() == [[0, 1, 2]]
    with pytest.raises(InvalidOption, match=r"1\.\.4"):
        nearest(features, features, 5)


def test_neighbor_probabilities_have_the_perplexity_asked_for():
    features = np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32)
    probabilities = neighbor_probabilities(features, 8.0)
    entropy = -(probabilities * np.log(np.maximum(probabilities, 1e-300))).sum(axis=1)
    assert np.allclose(np.exp(entropy), 8.0, rtol=1e-3) and np.allclose(probabilities.sum(axis=1), 1.0)
    assert not probabilities.diagonal().any()


@pytest.mark.parametrize("seed", [0, 1])
def test_a_map_separates_groups(seed):
    rng = np.random.default_rng(seed)
    centers = np.eye(3, 12).repeat(15, axis=0)
    positions = tsne((centers + 0.1 * rng.normal(size=centers.shape)).astype(np.float32), 8.0, seed=seed)
    assert positions.min() == 0.0 and positions.max() == 1.0
    groups = np.arange(45) // 15
    apart = np.linalg.norm(positions[:, None] - positions[None], axis=-1)
    apart[np.diag_indices(45)] = np.inf
    assert (groups[apart.argmin(axis=1)] == groups).all()
    assert apart[groups[:, None] != groups].min() > 0.05


# ------------------------------------------------------------------------------------------------ the commands


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    folder = tmp_path_factory.mktemp("net")
    torch.manual_seed(0)
    options = {"size": (36, 36), "out_dim": 16}
    network = create_classifier("nature_cnn", 3, model_options=options)
    save_classifier(folder, network, model="nature_cnn", model_options=options, classes=("ant", "bee", "cow"))
    return folder


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(0)
    for number in range(6):
        cv2.imwrite(str(folder / f"{number}.png"), rng.integers(0, 256, (30 + number, 40, 3), np.uint8))
    return folder


def test_the_commands_write_images(classifier, images, tmp_path, capsys):
    network, images = str(classifier), str(images)
    for words in (
        ("filters", network),
        ("activations", network, images, "--count", "2", "--channels", "3"),
        ("saliency", network, f"{images}/0.png", images, "--count", "2", "--target", "bee"),
        ("neighbors", network, images, "--queries", "2", "--neighbors", "2"),
    ):
        out = tmp_path / f"{words[0]}.png"
        assert main(["show", *words, "--out", str(out)]) == 0, capsys.readouterr().err
        image = cv2.imread(str(out))
        assert image.std() > 5.0 and str(out) in capsys.readouterr().out.replace("\n", "")
    assert cv2.imread(str(tmp_path / "neighbors_map.png")).shape == (900, 900, 3)


def test_curves_of_several_runs_share_an_image(tmp_path, capsys):
    for number in range(2):
        run = tmp_path / f"run{number}"
        run.mkdir()
        rows = [
            {
                "epoch": epoch,
                "train_loss": 1.0 / epoch,
                "validation/loss": 1.2 / epoch,
                "validation/accuracy": 0.1 * epoch,
            }
            for epoch in range(1, 5)
        ]
        (run / "metrics.jsonl").write_text("\n".join(map(json.dumps, rows)))
    out = tmp_path / "images" / "curves.png"
    assert main(["show", "curves", str(tmp_path / "run0"), str(tmp_path / "run1"), "--out", str(out)]) == 0
    assert "2 curves of accuracy" in capsys.readouterr().out and cv2.imread(str(out)).std() > 5.0
    assert main(["show", "curves", str(tmp_path / "run0"), "--score", "acuracy"]) == 2
    assert "'accuracy'" in capsys.readouterr().err


def test_a_policy_is_filmed_with_its_saliency(tmp_path, monkeypatch):
    closed = []
    monkeypatch.setattr(LaneKeeping, "close", lambda simulation: closed.append(simulation))
    torch.manual_seed(0)
    policy = VisionPolicy(
        {"rgb": (36, 48, 3)},
        {"size": 1},
        "nature_cnn",
        model_options={"size": (36, 36), "out_dim": 8},
        task="camshaft/LaneKeeping-v0",
        env_options={"obs_mode": "rgb", "camera": [48, 36], "num_threads": 1},
    )
    policy.save(tmp_path / "policy")
    out = tmp_path / "film.mp4"
    for folder in (tmp_path / "policy", tmp_path):
        assert main(["show", "rollout", str(folder), "--seconds", "0.25", "--out", str(out)]) == 0
    assert len(closed) == 2
    frames = list(read_video(out))
    assert len(frames) == 5 and frames[0].std() > 10.0
    view, seen = frames[0][20:200, 20:300], frames[0][20:200, 340:620]
    assert np.abs(view.astype(int) - seen).mean() > 5.0
    assert np.abs(frames[0].astype(int) - frames[-1]).mean() > 0.1


def test_inputs_that_cannot_be_shown_are_named(classifier, images, tmp_path, capsys):
    def fails(*words):
        assert main(["show", *words, "--out", str(tmp_path / "x.png")]) == 2
        return capsys.readouterr().err

    assert f"no policy at '{images}'" in fails("rollout", str(images))
    assert "Did you mean 'resnet18'" in fails("filters", "resnet81")
    assert "config.json" in fails("filters", str(tmp_path))
    assert "no.png cannot be read" in fails("activations", str(classifier), "no.png")
    assert "'bee'" in fails("saliency", str(classifier), str(images), "--target", "bees")
    assert "0..2, got 7" in fails("saliency", str(classifier), str(images), "--target", "7")
    assert "need more images" in fails("neighbors", str(classifier), f"{images}/0.png")
    (tmp_path / "empty").mkdir()
    assert "no image in" in fails("activations", str(classifier), str(tmp_path / "empty"))
    assert main(["show", "filters", str(classifier), "--out", str(tmp_path / "x.tiff2")]) == 2
    with pytest.raises(InvalidOption, match="grad_cam"):
        saliency(Subject(RedAndGreen(), lambda features: features), torch.zeros(1, 3, 32, 32), "grads")
    with pytest.raises(InvalidOption, match=r"layers are numbered 0\.\.1, got 2"):
        saliency(Subject(RedAndGreen(), lambda features: features), torch.zeros(1, 3, 32, 32), layer=2)
    with pytest.raises(InvalidOption, match="at least 4"):
        tsne(np.zeros((3, 2), np.float32))
    with pytest.raises((CorruptFile, UnknownName)):
        from camshaft.experiments.cli.show_models import load_subject

        (tmp_path / "config.json").write_text("{}")
        load_subject(str(tmp_path))


def test_features_do_not_depend_on_the_size_of_batches():
    encoder = RedAndGreen().eval()
    images = np.random.default_rng(0).integers(0, 256, (7, SIDE, SIDE, 3), np.uint8)
    assert np.allclose(all_features(encoder, images, 2), all_features(encoder, images, 7), atol=1e-6)
