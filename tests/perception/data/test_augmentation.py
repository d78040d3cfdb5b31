"""Augmentation of labels, compared with renderings by cameras that are rolled, zoomed or mirrored."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from camshaft.envs.errors import InvalidOption
from camshaft.envs.rendering import Camera, Mesh, Renderer, Scene, SceneState, Surface, look_at
from camshaft.perception.data import FrameMaker, FramesConfig
from camshaft.perception.data.augmentation import Augmentation, AugmentationConfig

STILL = AugmentationConfig(**{f.name: 0.0 for f in dataclasses.fields(AugmentationConfig) if f.name != "odd"})
LABELS = ("rgb", "depth", "segmentation", "normals", "flow", "keypoints", "boxes")
SIDE = 64


def changed(**options):
    return Augmentation(dataclasses.replace(STILL, **options))


def rendered(roll=0.0, fov=60.0, flip=1.0):
    """Two balls and a slab on the ground, before and after they and the camera move; y is multiplied by `flip`."""
    scene = Scene()
    ground = scene.add("ground", Mesh.grid(30.0, 30.0, Surface((0.4, 0.5, 0.3), label="terrain")))
    points = np.array([[0.0, 0.0, 0.6]])
    balls = scene.add("ball", Mesh.sphere(0.6, Surface((0.8, 0.2, 0.1), label="object")), 2, points)
    slab = scene.add("slab", Mesh.box((0.6, 1.6, 1.2), Surface((0.2, 0.3, 0.8), label="building")))
    state = SceneState(scene, 1)
    state.sun_direction[:] = (0.5, 0.3 * flip, 0.8)

    def stand(moved):
        state.set_pose(ground, np.eye(4)[None])
        poses = np.tile(np.eye(4), (1, 2, 1, 1))
        poses[0, 0, :3, 3] = (0.4, flip * (0.9 + 0.15 * moved), 0.6)
        poses[0, 1, :3, 3] = (-0.6, flip * -0.8, 0.6 + 0.1 * moved)
        state.set_pose(balls, poses)
        wall = np.eye(4)
        wall[:3, 3] = (1.8, flip * 0.4, 0.6)
        state.set_pose(slab, wall[None])
        eye = np.array([-3.4 + 0.1 * moved, flip * 0.7, 1.7])
        pose = look_at(eye, (0.2, flip * 0.1, 0.55))
        cosine, sine = math.cos(roll), math.sin(roll)
        turn = np.eye(4)
        turn[:2, :2] = [[cosine, sine], [-sine, cosine]]  # the camera turns one way, its image the other
        return (pose @ turn)[None]

    first = stand(0.0)
    before = state.snapshot()
    second = stand(1.0)
    camera = Camera(SIDE, SIDE, fov)
    images = Renderer(state, camera, LABELS, 1).render(
        first, snapshot=before, flow_target=(state.snapshot(), second)
    )
    motion = np.linalg.inv(first) @ second
    tensors = {name: torch.from_numpy(values) for name, values in images.items()}
    return {**tensors, "camera_motion": torch.from_numpy(motion)}


def agree(made, real, edge=6, tolerance=0.08):
    """Compare the labels of two images, except at the image border and at the edges of objects."""
    inner = np.s_[edge:-edge, edge:-edge]
    same = (made["segmentation"][0] == real["segmentation"][0])[inner]
    assert same.float().mean() > 0.96
    for name in ("depth", "normals", "flow"):
        error = (made[name][0] - real[name][0])[inner].abs()
        error = error.amax(-1) if error.ndim == 3 else error / real[name][0][inner]
        assert torch.quantile(error[same], 0.9) < tolerance, name
    assert torch.allclose(made["camera_motion"], real["camera_motion"], atol=1e-5)
    image = made["rgb"][0].permute(1, 2, 0) * 255.0 - real["rgb"][0]
    assert image[inner].abs().median() < 3.0


def test_a_turned_image_has_the_labels_of_a_rolled_camera():
    angle = math.radians(20.0)
    torch.manual_seed(4)
    augment = changed(rotate_degrees=20.0)
    augment._sample_parameters = lambda count, height, width: torch.tensor([[angle, 1.0, 0.0, 0.0]])
    made, real = augment(rendered()), rendered(roll=angle)
    agree(made, real, edge=14)
    assert torch.allclose(made["keypoints"][..., :2], real["keypoints"][..., :2], atol=0.05)


def test_a_scaled_image_has_the_labels_of_a_longer_lens():
    augment = changed(scale=0.5)
    augment._sample_parameters = lambda count, height, width: torch.tensor([[0.0, 1.4, 0.0, 0.0]])
    longer = 2.0 * math.degrees(math.atan(math.tan(math.radians(30.0)) / 1.4))
    made, real = augment(rendered()), rendered(fov=longer)
    agree(made, real)
    assert torch.allclose(made["keypoints"], real["keypoints"], atol=0.05)


def test_a_mirrored_image_has_the_labels_of_a_mirrored_world():
    made, real = changed(mirror=1.0)(rendered()), rendered(flip=-1.0)
    real["camera_motion"] = real["camera_motion"].clone()
    agree(made, real)
    assert torch.allclose(made["keypoints"], real["keypoints"], atol=0.02)
    balls = made["boxes"][0, 1:3]
    assert torch.allclose(balls, real["boxes"][0, 1:3], atol=1.01)


def test_mirroring_twice_changes_nothing_and_steering_changes_sign():
    batch = {
        **rendered(),
        "steering": torch.tensor([0.3]),
        "action": torch.tensor([[0.2, 0.9]]),
        "class": torch.tensor([4]),
    }
    mirror = changed(mirror=1.0, odd={"steering": (), "action": (0,)})
    once = mirror(batch)
    assert once["steering"].item() == pytest.approx(-0.3) and once["class"].item() == 4
    assert torch.allclose(once["action"], torch.tensor([[-0.2, 0.9]]))
    twice = mirror(once)
    for name, values in batch.items():
        expected = values.permute(0, 3, 1, 2) / 255.0 if name == "rgb" else values
        assert torch.allclose(twice[name].double(), expected.double(), atol=1e-4), name


def test_nothing_changes_at_strength_zero():
    batch = rendered()
    same = changed()(batch)
    for name, values in batch.items():
        expected = values.permute(0, 3, 1, 2) / 255.0 if name == "rgb" else values
        assert torch.allclose(same[name].double(), expected.double(), atol=1e-6), name


def test_boxes_enclose_their_content_and_are_removed_with_it():
    ids = torch.zeros(8, 40, 40, dtype=torch.uint8)
    ids[:, 5:15, 20:32] = 1
    objects = torch.zeros(8, 3, 6)
    objects[:, 0] = torch.tensor([20.0, 5.0, 32.0, 15.0, 7.0, 120.0])
    batch = {"rgb": torch.zeros(8, 40, 40, 3, dtype=torch.uint8), "mask": ids, "objects": objects}
    torch.manual_seed(0)
    made = changed(mirror=0.5, rotate_degrees=30.0, scale=0.3, shift=0.6)(batch)
    seen = 0
    for mask, rows in zip(made["mask"], made["objects"], strict=True):
        if rows[0, 5] == 0:
            assert mask.sum() < 60
            continue
        seen += 1
        left, top, right, bottom = rows[0, :4]
        down, across = np.nonzero(mask.numpy())
        assert left - 1 <= across.min() and across.max() + 1 <= right + 1
        assert top - 1 <= down.min() and down.max() + 1 <= bottom + 1
        assert rows[0, 4] == 7 and not rows[1:].any()
    assert 1 < seen < 8


def test_pixels_outside_of_the_original_image_have_no_label():
    augment = changed(shift=1.0)
    augment._sample_parameters = lambda count, height, width: torch.tensor([[0.0, 1.0, 20.0, 0.0]])
    made = augment(rendered())
    assert (made["segmentation"][0, :, :19] == 255).all() and (made["depth"][0, :, :19] == 0).all()
    assert (made["rgb"][0, :, :, :19] == 0).all() and (made["segmentation"][0, :, 21:] != 255).all()


def test_colors_change_equally_in_both_frames_and_differ_between_images():
    gray = torch.full((6, 16, 16, 3), 128, dtype=torch.uint8)
    torch.manual_seed(1)
    made = changed(brightness=0.4, contrast=0.2, hue=0.05)({"rgb": gray, "next_rgb": gray})
    assert torch.equal(made["rgb"], made["next_rgb"])
    levels = made["rgb"].mean(dim=(1, 2, 3))
    assert levels.std() > 0.02 and (made["rgb"] >= 0).all() and (made["rgb"] <= 1).all()


def test_the_same_random_numbers_make_the_same_batch():
    batch = {name: values.repeat(4, *[1] * (values.ndim - 1)) for name, values in rendered().items()}
    results = []
    for _ in range(2):
        torch.manual_seed(7)
        results.append(Augmentation()(batch))
    assert all(torch.equal(results[0][name], results[1][name]) for name in batch)
    assert not torch.equal(results[0]["rgb"][0], results[0]["rgb"][1])


def test_simulated_frames_pass_with_all_their_labels():
    labels = (
        "rgb",
        "next_rgb",
        "depth",
        "segmentation",
        "instances",
        "normals",
        "flow",
        "occluded",
        "objects",
        "action",
    )
    maker = FrameMaker(
        FramesConfig("camshaft/LaneKeeping-v0", labels, batch_size=2, camera=(32, 24), num_threads=1)
    )
    batch = {name: torch.from_numpy(values) for name, values in maker.make().items()}
    made = Augmentation(AugmentationConfig(odd={"action": (0,)}, erase=1.0))(batch)
    for name, values in batch.items():
        assert made[name].shape == ((2, 3, 24, 32) if "rgb" in name else values.shape), name
        assert made[name].dtype == (torch.float32 if "rgb" in name else values.dtype), name


@pytest.mark.parametrize("label", ["action", "state", "lane", "lidar"])
def test_labels_that_distinguish_left_from_right_are_not_mirrored_silently(label):
    batch = rendered() | {label: torch.ones(1, 4)}
    with pytest.raises(InvalidOption, match=f"{label!r} distinguishes left from right"):
        changed(mirror=0.5)(batch)
    assert torch.equal(changed(scale=0.1)(batch)[label], batch[label])
    made = changed(mirror=1.0, odd={label: (1, 3)})(batch)[label]
    assert made.tolist() == [[1.0, -1.0, 1.0, -1.0]]


def test_amodal_boxes_move_and_three_dimensional_ones_are_refused():
    batch = rendered() | {"amodal_boxes": torch.tensor([[[2.0, 1.0, 6.0, 5.0]]])}
    width = batch["rgb"].shape[2]
    assert changed(mirror=1.0)(batch)["amodal_boxes"].tolist() == [[[width - 6.0, 1.0, width - 2.0, 5.0]]]
    batch["boxes_3d"] = torch.zeros(1, 1, 8, 3)
    for options in ({"mirror": 0.5}, {"rotate_degrees": 5.0}):
        with pytest.raises(InvalidOption, match="'boxes_3d' does not move"):
            changed(**options)(batch)


def test_labels_that_cannot_be_moved_are_named():
    batch = rendered()
    with pytest.raises(InvalidOption, match="'thermal' has the shape of an image"):
        changed(mirror=1.0)({**batch, "thermal": batch["depth"]})
    with pytest.raises(InvalidOption, match="'positions' has no mirror image"):
        changed(mirror=1.0)({**batch, "positions": batch["normals"]})
    with pytest.raises(InvalidOption, match="'class' has 2 rows"):
        changed()({**batch, "class": torch.zeros(2)})
    with pytest.raises(InvalidOption, match="beside images of"):
        changed()({**batch, "depth": torch.zeros(1, 5, 5)})
    with pytest.raises(InvalidOption, match="images of shape"):
        changed()({"rgb": torch.zeros(1, 4, 4)})
    with pytest.raises(InvalidOption, match=r"mirror must be within 0\.\.1"):
        AugmentationConfig(mirror=1.5)
