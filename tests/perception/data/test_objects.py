"""Object benchmark: correct labels, variety, disjoint splits, and images that do not depend on the batch."""

import pickle

import numpy as np
import pytest

from camshaft.envs.errors import InvalidOption, UnknownName
from camshaft.perception.data.counter_rng import CounterRNG
from camshaft.perception.data.objects import CLASSES, ObjectImages
from camshaft.perception.data.objects.catalogue import object_models

SIZE = 48


@pytest.fixture(scope="module")
def images():
    return ObjectImages("train", SIZE, labels=("rgb", "class", "mask", "box", "depth"), num_threads=1)


@pytest.fixture(scope="module")
def rendered(images):
    return images.fetch(range(8 * len(CLASSES)))


def test_there_are_at_least_twenty_classes_and_each_appears_equally_often(rendered):
    assert len(CLASSES) >= 20
    assert (np.bincount(rendered["class"]) == 8).all()


def test_the_object_is_visible_and_mostly_within_every_image(rendered):
    share = rendered["mask"].mean(axis=(1, 2))
    assert share.min() > 0.007 and share.max() < 0.9
    boxes = rendered["box"]
    middle = 0.5 * (boxes[:, :2] + boxes[:, 2:])
    assert (np.abs(middle - SIZE / 2) < 0.3 * SIZE).all()
    extent = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    assert (extent > 0.2 * SIZE).all()


def test_the_object_stands_in_front_of_everything_it_overlaps(rendered):
    """Nothing occludes the object: its visible pixels fill its box, at depths within its thickness."""
    for mask, depth, box in zip(rendered["mask"], rendered["depth"], rendered["box"], strict=True):
        assert mask.sum() > 0
        rows, columns = np.nonzero(mask)
        assert np.allclose([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1], box, atol=1.0)
        assert depth[mask > 0].max() - depth[mask > 0].min() < 2.5  # thickness of the object


def test_an_image_is_the_same_alone_and_in_any_batch(images, rendered):
    order = np.array([70, 3, 101, 3])
    again = images.fetch(order)
    for name in images.labels:
        assert np.array_equal(again[name], rendered[name][order])
    assert np.array_equal(images[101]["rgb"], rendered["rgb"][101])


def test_a_copy_for_a_loader_worker_renders_the_same(images, rendered):
    copy = pickle.loads(pickle.dumps(images))
    assert np.array_equal(copy[5]["rgb"], rendered["rgb"][5])


def test_images_of_a_class_differ_from_each_other(rendered):
    for number in range(len(CLASSES)):
        chosen = rendered["rgb"][rendered["class"] == number].astype(np.float64)
        for first in range(len(chosen)):
            for second in range(first):
                assert np.abs(chosen[first] - chosen[second]).mean() > 4.0


def test_splits_and_seeds_share_no_image(rendered):
    for other in (
        ObjectImages("val", SIZE, num_threads=1),
        ObjectImages("train", SIZE, seed=1, num_threads=1),
    ):
        images = other.fetch(range(len(CLASSES)))["rgb"].astype(np.float64)
        for image in images:
            assert np.abs(rendered["rgb"] - image).mean(axis=(1, 2, 3)).min() > 4.0


def test_training_and_testing_show_different_models_where_there_are_several():
    for name in ("person", "house", "stop_sign", "conifer", "cube"):
        models = object_models(name)
        assert len(models) % 2 == 0
        train, test = models[0::2], models[1::2]
        assert not {id(model) for model in train} & {id(model) for model in test}


def test_random_numbers_of_an_index_do_not_depend_on_its_neighbors_and_are_uniform():
    one, many = CounterRNG((3, 1), [17]), CounterRNG((3, 1), np.arange(40_000))
    for _ in range(3):
        single, all_of_them = one.uniform(), many.uniform()
        assert single[0] == all_of_them[17]
        counts = np.histogram(all_of_them, 20, (0.0, 1.0))[0]
        assert np.abs(counts - 2000).max() < 250  # more than five standard deviations
    assert abs(np.corrcoef(many.uniform(), many.uniform())[0, 1]) < 0.02


def test_some_classes_alone_are_numbered_from_zero():
    images = ObjectImages("test", 32, length=9, classes=("duck", "bus", "cone"), num_threads=1)
    assert images.classes == ("duck", "bus", "cone")
    assert images.fetch(range(9))["class"].tolist() == [0, 1, 2] * 3


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"split": "training"}, UnknownName, "train"),
        ({"size": 4}, InvalidOption, "size must be"),
        ({"size": (64, 64, 3)}, InvalidOption, "size must be"),
        ({"length": 0}, InvalidOption, "number of images"),
        ({"labels": ("rgb", "classes")}, UnknownName, "'class'"),
        ({"classes": ("duck", "dog")}, UnknownName, "dog"),
        ({"classes": ("duck", "duck")}, InvalidOption, "two different"),
    ],
)
def test_bad_options_are_named(options, error, words):
    with pytest.raises(error, match=words):
        ObjectImages(**options)


def test_an_index_out_of_range_is_named(images):
    with pytest.raises(InvalidOption, match=r"0\.\.19999, got 20000"):
        images[20_000]
