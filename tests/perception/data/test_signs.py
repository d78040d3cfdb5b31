"""Sign benchmark: distinct kinds, disjoint splits, and images that do not depend on the batch."""

import pickle
from itertools import combinations

import numpy as np
import pytest

from camshaft.envs.errors import InvalidOption, UnknownName
from camshaft.perception.data.signs import CLASSES, SPLITS, SignImages
from camshaft.perception.data.signs.catalogue import STYLES, TEST_STYLES, sign_face
from camshaft.perception.data.signs.plate import PIXELS

SIZE = 32
MIRRORED = (
    ("curve_left", "curve_right"),
    ("turn_left", "turn_right"),
    ("keep_left", "keep_right"),
    ("ahead_or_left", "ahead_or_right"),
)


@pytest.fixture(scope="module")
def rendered():
    return SignImages("train", SIZE).fetch(range(3 * len(CLASSES)))


def shown(face):
    """Composite a face over black."""
    return face[..., :3] * (face[..., 3:] / 255.0)


def test_classes_are_those_of_gtsrb_in_its_order():
    assert len(CLASSES) == len(set(CLASSES)) == 43
    assert CLASSES[0] == "speed_limit_20" and CLASSES[8] == "speed_limit_120"
    assert [CLASSES[number] for number in (12, 13, 14, 17)] == ["priority_road", "yield", "stop", "no_entry"]
    assert CLASSES[38] == "keep_right" and CLASSES[42] == "end_of_no_overtaking_by_lorries"


def test_all_kinds_differ_in_the_same_style():
    faces = {kind: shown(sign_face(kind, 0)) for kind in CLASSES}
    for first, second in combinations(CLASSES, 2):
        assert np.abs(faces[first] - faces[second]).max(axis=2).mean() > 3.0, (first, second)


def test_styles_differ_and_only_some_are_learned():
    for kind in CLASSES:
        assert len({sign_face(kind, style).tobytes() for style in range(STYLES)}) == STYLES
    assert 0 < len(TEST_STYLES) < STYLES


def test_outlines_are_round_triangular_square_or_octagonal():
    def area(kind):
        return float(np.mean([sign_face(kind, style)[..., 3].mean() / 255.0 for style in range(4)]))

    assert area("speed_limit_50") == pytest.approx(np.pi / 4, abs=0.02)
    assert area("priority_road") == pytest.approx(0.5, abs=0.02)
    assert area("stop") == pytest.approx(2.0 * (np.sqrt(2.0) - 1.0), abs=0.02)
    assert area("caution") == pytest.approx(0.43, abs=0.03)
    top, bottom = sign_face("yield", 0)[..., 3], sign_face("caution", 0)[..., 3]
    assert top[: PIXELS // 2].mean() > top[PIXELS // 2 :].mean()
    assert bottom[: PIXELS // 2].mean() < bottom[PIXELS // 2 :].mean()


@pytest.mark.parametrize(("left", "right"), MIRRORED)
def test_left_is_the_mirror_image_of_right(left, right):
    def mean_face(kind):
        return np.mean([shown(sign_face(kind, style)) for style in range(STYLES)], axis=0)

    face, other = mean_face(left), mean_face(right)
    assert np.abs(face[:, ::-1] - other).mean() < 0.35 * np.abs(face - other).mean()


def test_every_class_appears_equally_often(rendered):
    assert rendered["rgb"].shape == (3 * len(CLASSES), SIZE, SIZE, 3) and rendered["rgb"].dtype == np.uint8
    assert (np.bincount(rendered["class"]) == 3).all()


def test_an_image_is_the_same_alone_in_any_batch_and_in_a_loader_worker(rendered):
    images = SignImages("train", SIZE)
    order = np.array([70, 3, 101, 3])
    again = images.fetch(order)
    assert np.array_equal(again["rgb"], rendered["rgb"][order])
    assert np.array_equal(again["class"], order % len(CLASSES))
    assert np.array_equal(pickle.loads(pickle.dumps(images))[101]["rgb"], rendered["rgb"][101])


def test_splits_and_seeds_share_no_image(rendered):
    for other in (SignImages("val", SIZE), SignImages("test", SIZE), SignImages("train", SIZE, seed=1)):
        for image in other.fetch(range(len(CLASSES)))["rgb"].astype(np.float64):
            assert np.abs(rendered["rgb"] - image).mean(axis=(1, 2, 3)).min() > 1.0


def test_light_and_contrast_vary_widely(rendered):
    brightness = rendered["rgb"].mean(axis=(1, 2, 3))
    assert brightness.min() < 50.0 and brightness.max() > 180.0
    assert np.ptp(rendered["rgb"].std(axis=(1, 2, 3))) > 30.0


@pytest.mark.parametrize("size", [8, 48, (24, 40)])
def test_an_image_has_the_size_asked_for(size):
    height, width = (size, size) if isinstance(size, int) else size
    for split in SPLITS:
        assert SignImages(split, size, length=5)[4]["rgb"].shape == (height, width, 3)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"split": "training"}, UnknownName, "train"),
        ({"size": 4}, InvalidOption, "size must be"),
        ({"size": (64, 64, 3)}, InvalidOption, "size must be"),
        ({"size": 32.5}, InvalidOption, "size must be"),
        ({"length": 0}, InvalidOption, "number of images"),
    ],
)
def test_bad_options_are_named(options, error, words):
    with pytest.raises(error, match=words):
        SignImages(**options)


def test_an_index_out_of_range_is_named():
    with pytest.raises(InvalidOption, match=r"0\.\.9, got 10"):
        SignImages("val", SIZE, length=10).fetch([10])


def test_an_unknown_kind_or_style_is_named():
    with pytest.raises(UnknownName, match="stop"):
        sign_face("stopp", 0)
    with pytest.raises(InvalidOption, match="styles"):
        sign_face("stop", STYLES)
