"""Readers of real data, on tiny sets written by the tests, and on the real sets where they are available."""

import json

import cv2
import numpy as np
import pytest
from image_files import unpacked, write_image

from camshaft.envs.errors import CorruptFile, InvalidOption, UnknownName
from camshaft.envs.rendering import LABELS
from camshaft.perception.data.readers import (
    GTSRB,
    IGNORED,
    CamVid,
    Coco,
    ImageFolder,
    YoloFolder,
    camvid_from_simulation,
)
from camshaft.perception.data.readers.coco import Instance


def write_labels(path, labels):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), labels)


# ---------------------------------------------------------------------------------------------------- folders


@pytest.fixture
def pets(tmp_path):
    for split, start in (("train", 10), ("val", 110)):
        for number, name in enumerate(("cat", "dog")):
            for image in range(2):
                write_image(tmp_path / split / name / f"{image}.png", start + 20 * number + image)
    return tmp_path


def test_image_folders_are_classes_and_colors_are_rgb(pets):
    images = ImageFolder(pets, "train")
    assert images.classes == ("cat", "dog") and len(images) == 4
    batch = images.fetch(range(4))
    assert batch["class"].tolist() == [0, 0, 1, 1]
    assert batch["rgb"][:, 0, 0].tolist() == [[10, 50, 0], [11, 50, 0], [30, 50, 0], [31, 50, 0]]
    assert ImageFolder(pets, "val", size=(6, 8))[0]["rgb"].shape == (6, 8, 3)
    assert ImageFolder(pets, "val", classes=("dog",))[0]["class"] == 0
    assert [int(item["class"]) for item in images] == [0, 0, 1, 1]
    with pytest.raises(InvalidOption, match="at least one image"):
        images.fetch([])
    with pytest.raises(InvalidOption, match="size must be"):
        ImageFolder(pets, "train", size=60)


def test_a_damaged_image_is_named_or_left_out(pets):
    (pets / "train" / "dog" / "0.png").write_bytes(b"no image")
    (pets / "train" / "cat" / "1.png").write_bytes(b"")
    images = ImageFolder(pets, "train")
    with pytest.raises(CorruptFile, match=r"dog/0\.png.*8 bytes"):
        images[2]
    with pytest.raises(CorruptFile, match=r"cat/1\.png is empty"):
        images.fetch(range(4))
    with pytest.warns(UserWarning, match="left out: ") as caught:
        whole = ImageFolder(pets, "train", on_corrupt="skip")
    assert len(whole) == 2 and len(caught) == 2 and "cat/1.png" in str(caught[0].message)
    assert whole.fetch(range(2))["class"].tolist() == [0, 1]


def test_images_of_several_sizes_need_a_size(pets):
    write_image(pets / "train" / "cat" / "2.png", 99, (20, 20))
    with pytest.raises(InvalidOption, match="give the reader a size"):
        ImageFolder(pets, "train").fetch(range(5))
    assert ImageFolder(pets, "train", size=(8, 8)).fetch(range(5))["rgb"].shape == (5, 8, 8, 3)


def test_folders_that_are_empty_or_missing_are_named(tmp_path):
    with pytest.raises(CorruptFile, match="no folder at"):
        ImageFolder(tmp_path / "nowhere")
    (tmp_path / "cat").mkdir()
    with pytest.raises(CorruptFile, match="holds no image"):
        ImageFolder(tmp_path)
    write_image(tmp_path / "cat" / "0.png", 1)
    with pytest.raises(InvalidOption, match=r"0\.\.0, got 1"):
        ImageFolder(tmp_path)[1]
    with pytest.raises(InvalidOption, match="size"):
        ImageFolder(tmp_path, size=(0, 4))
    with pytest.raises(UnknownName, match="skip"):
        ImageFolder(tmp_path, on_corrupt="ignore")


def test_gtsrb_holds_out_whole_tracks(tmp_path):
    for number in range(2):
        for track in range(5):
            for frame in range(3):
                name = f"{track:05d}_{frame:05d}.ppm"
                write_image(tmp_path / "Final_Training" / "Images" / f"{number:05d}" / name, 10 * track)
    train, val = GTSRB(tmp_path, "train"), GTSRB(tmp_path, "val")
    assert len(train) == 24 and len(val) == 6 and train[0]["rgb"].shape == (32, 32, 3)
    for number in range(2):
        tracks = [
            {
                int(item["rgb"][0, 0, 0])
                for item in map(split.__getitem__, range(len(split)))
                if item["class"] == number
            }
            for split in (train, val)
        ]
        assert not tracks[0] & tracks[1] and len(tracks[1]) == 1
    write_image(tmp_path / "Final_Training" / "Images" / "00000" / "sign.ppm", 1)
    with pytest.raises(CorruptFile, match="TRACK_FRAME"):
        GTSRB(tmp_path)


# ---------------------------------------------------------------------------------------------------- CamVid


@pytest.fixture
def street(tmp_path):
    write_image(tmp_path / "train" / "a.png", 70, (4, 6))
    labels = np.full((4, 6), 3, np.uint8)
    labels[0] = 11
    labels[1] = 10
    write_labels(tmp_path / "trainannot" / "a.png", labels)
    return tmp_path


def test_camvid_ignores_void_and_resizes_labels_without_mixing(street):
    item = CamVid(street)[0]
    assert item["segmentation"][:, 0].tolist() == [IGNORED, 10, 3, 3]
    larger = CamVid(street, size=(8, 12))[0]
    assert set(np.unique(larger["segmentation"])) == {IGNORED, 10, 3} and larger["rgb"].shape == (8, 12, 3)


def test_camvid_names_labels_out_of_range_and_of_another_size(street):
    write_labels(street / "trainannot" / "a.png", np.full((4, 6), 12, np.uint8))
    with pytest.raises(CorruptFile, match=r"a\.png has class 12; there are 0\.\.10"):
        CamVid(street)[0]
    write_labels(street / "trainannot" / "a.png", np.zeros((4, 5), np.uint8))
    with pytest.raises(CorruptFile, match=r"is \(4, 5\), its image"):
        CamVid(street)[0]
    write_image(street / "trainannot" / "a.png", 70, (4, 6))
    with pytest.raises(CorruptFile, match="8 bits"):
        CamVid(street)[0]
    (street / "trainannot" / "a.png").unlink()
    with pytest.raises(CorruptFile, match=r"trainannot/a\.png cannot be read"):
        CamVid(street)[0]


def test_simulated_classes_map_to_camvids():
    simulated = np.array(
        [[LABELS["sky"], LABELS["lane_marking"], LABELS["person"], LABELS["table"]]], np.uint8
    )
    assert camvid_from_simulation(simulated).tolist() == [[0, 3, 9, IGNORED]]


# ---------------------------------------------------------------------------------------------------- COCO


@pytest.fixture
def coco(tmp_path):
    write_image(tmp_path / "images" / "7.png", 70, (20, 40))
    write_image(tmp_path / "images" / "8.png", 80, (20, 40))
    square = [4, 2, 14, 2, 14, 12, 4, 12]
    content = {
        "images": [{"id": 7, "file_name": "7.png"}, {"id": 8, "file_name": "8.png"}],
        "categories": [{"id": 3, "name": "car"}, {"id": 90, "name": "brush"}],
        "annotations": [
            {"image_id": 7, "category_id": 90, "bbox": [20, 4, 4, 6], "segmentation": []},
            {"image_id": 7, "category_id": 3, "bbox": [4, 2, 10, 10], "segmentation": [square]},
            {
                "image_id": 7,
                "category_id": 3,
                "bbox": [0, 0, 9, 9],
                "iscrowd": 1,
                "segmentation": {"counts": []},
            },
        ],
    }
    (tmp_path / "instances.json").write_text(json.dumps(content))
    return tmp_path


def test_coco_gives_the_largest_first_and_scales_boxes_with_the_image(coco):
    images = Coco(coco / "instances.json", coco / "images", max_objects=3)
    assert images.classes == ("car", "brush")
    batch = images.fetch([0, 1])
    assert batch["objects"][0].tolist() == [[4, 2, 14, 12, 0, 100], [20, 4, 24, 10, 1, 24], [0] * 6]
    assert not batch["objects"][1].any()
    half = Coco(coco / "instances.json", coco / "images", size=(10, 20))
    assert half[0]["objects"][0].tolist() == [2, 1, 7, 6, 0, 25]
    masks = images.masks(0)
    rows, columns = np.nonzero(masks[1])
    assert (columns.min(), rows.min(), columns.max(), rows.max()) == (4, 2, 13, 11)
    assert masks[1].sum() == 100


def test_masks_are_the_pixels_whose_centers_are_within_a_part():
    square = np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 10.0], [0.0, 10.0]])
    overlapping = Instance(0, np.array([0, 0, 16, 10]), (square, square + np.array([6.0, 0.0])))
    mask = overlapping.mask(12, 20)
    assert mask.sum() == 160 and mask[:10, :16].all()
    beyond = Instance(0, np.array([-5, -5, 2.4, 2.6]))
    assert np.array_equal(np.argwhere(beyond.mask(12, 20)), [[0, 0], [0, 1], [1, 0], [1, 1], [2, 0], [2, 1]])
    assert not Instance(0, np.array([30, 30, 40, 40])).mask(12, 20).any()


def test_run_lengths_are_refused_instead_of_read_as_boxes(coco):
    content = json.loads((coco / "instances.json").read_text())
    content["annotations"][0] |= {"segmentation": {"counts": [3, 4], "size": [20, 40]}, "iscrowd": 0}
    (coco / "instances.json").write_text(json.dumps(content))
    with pytest.raises(CorruptFile, match="run lengths"):
        Coco(coco / "instances.json", coco / "images").fetch([0, 1])


@pytest.mark.parametrize(
    "change",
    [{"categories": None}, {"annotations": [{"image_id": 7, "category_id": 5, "bbox": [0, 0, 1, 1]}]}],
)
def test_coco_files_that_do_not_fit_are_named(coco, change):
    content = json.loads((coco / "instances.json").read_text()) | change
    (coco / "instances.json").write_text(json.dumps(content))
    with pytest.raises(CorruptFile, match=r"instances\.json"):
        Coco(coco / "instances.json", coco / "images")[0]


def test_yolo_boxes_and_polygons_are_relative_to_the_image_size(tmp_path):
    write_image(tmp_path / "images" / "a.png", 70, (20, 40))
    (tmp_path / "labels").mkdir()
    (tmp_path / "config.yaml").write_text("names:\n  4: cow\n  9: sheep\n")
    lines = "9 0.5 0.5 0.25 0.5\n\n4 0.0 0.0 1.0 0.0 1.0 1.0\n"
    (tmp_path / "labels" / "a.txt").write_text(lines)
    images = YoloFolder(tmp_path / "config.yaml", tmp_path / "images", tmp_path / "labels")
    assert images.classes == ("cow", "sheep")
    assert images[0]["objects"][:2].tolist() == [[0, 0, 40, 20, 0, 800], [15, 5, 25, 15, 1, 100]]
    for wrong, words in (
        ("7 0.5 0.5 0.1 0.1", "class 7"),
        ("9 0.5 0.5 1.5 0.1", "within 0..1"),
        ("9 0.5 0.5 0.1", "neither"),
    ):
        (tmp_path / "labels" / "a.txt").write_text(f"{lines}{wrong}\n")
        with pytest.raises(CorruptFile, match=rf"a\.txt, line 4: .*{words}"):
            images[0]
    (tmp_path / "labels" / "a.txt").unlink()
    assert not images[0]["objects"].any()
    with pytest.raises(CorruptFile, match="labels holds no text file for any image"):
        YoloFolder(tmp_path / "config.yaml", tmp_path / "images", tmp_path / "labels", skip_unlabeled=True)


# ---------------------------------------------------------------------------------------------------- the real sets


def test_real_camvid(tmp_path):
    root = unpacked("camvid_240x180.zip", tmp_path, lambda name: "val" in name) / "CamVid"
    frames = CamVid(root, "val")
    assert len(frames) == 101
    batch = frames.fetch(range(0, 101, 10))
    assert batch["rgb"].shape == (11, 180, 240, 3)
    share = np.bincount(batch["segmentation"].ravel(), minlength=256) / batch["segmentation"].size
    assert share[3] > 0.15 and share[1] > 0.1 and share[IGNORED] < 0.2  # road and buildings


def test_real_signs(tmp_path):
    root = unpacked("gtsrb_32x32_subset.zip", tmp_path, lambda name: "Images/0000" in name) / "GTSRB"
    train, val = GTSRB(root, "train"), GTSRB(root, "val")
    assert train.classes == tuple(f"{number:05d}" for number in range(10))
    assert len(train) > 3 * len(val) > 0
    assert train.fetch(range(8))["rgb"].std() > 10


def test_real_coco(tmp_path):
    root = unpacked("coco128_320.zip", tmp_path)
    detection, polygons = root / "object_detection", root / "instance_segmentation"
    images = root / "images" / "train2017"
    boxes = YoloFolder(detection / "config.yaml", images, detection / "labels" / "train2017")
    shapes = YoloFolder(
        polygons / "config.yaml", images, polygons / "labels" / "train2017", skip_unlabeled=True
    )
    assert len(boxes) == 128 and len(boxes.classes) == 80 and len(shapes) == 100
    assert sum((boxes[number]["objects"][:, 5] > 0).sum() for number in range(20)) > 60
    masks = shapes.masks(0)
    assert masks.any(axis=(1, 2)).all()
