"""Train and test splits are disjoint, and spread alike."""

import numpy as np
import pytest

from camshaft.envs.errors import InvalidOption
from camshaft.envs.randomization import SplitRange, split_seed, split_variants


def test_train_and_test_values_never_share_a_bin():
    rng = np.random.default_rng(0)
    span = SplitRange(-2.0, 6.0, bins=8)
    train = np.array([span.draw(rng, "train") for _ in range(2000)])
    test = np.array([span.draw(rng, "test") for _ in range(2000)])
    assert set(np.floor(train + 2.0).astype(int)) == {0, 2, 4, 6}
    assert set(np.floor(test + 2.0).astype(int)) == {1, 3, 5, 7}


def test_nominal_value_is_given_without_randomization_and_takes_as_many_draws():
    span = SplitRange(0.0, 1.0, nominal=0.2)
    one, other = np.random.default_rng(1), np.random.default_rng(1)
    assert span.draw(one, None) == 0.2
    span.draw(other, "train")
    assert one.random() == other.random()


def test_variants_and_seeds_of_the_splits_are_disjoint():
    rng = np.random.default_rng(2)
    assert set(split_variants(8, "train")).isdisjoint(split_variants(8, "test"))
    assert split_variants(4, None) == (0, 1, 2, 3)
    assert {split_seed(rng, "train") % 2 for _ in range(100)} == {0}
    assert {split_seed(rng, "test") % 2 for _ in range(100)} == {1}


@pytest.mark.parametrize(("low", "high", "bins"), [(1.0, 1.0, 8), (0.0, 1.0, 3), (0.0, 1.0, 0)])
def test_a_range_that_cannot_be_split_is_refused(low, high, bins):
    with pytest.raises(InvalidOption, match="SplitRange"):
        SplitRange(low, high, bins=bins)
