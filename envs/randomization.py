"""Randomization with disjoint train and test splits: what is drawn for one is never drawn for the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from camshaft.envs.errors import InvalidOption

Split = Literal["train", "test"] | None


@dataclass(frozen=True)
class SplitRange:
    """A range cut into alternating bins: the even ones are for training, the odd ones for testing.

    Train and test values are disjoint, yet spread alike over the whole range: a fair test of interpolation.

    Attributes:
        low, high: ends of the range.
        nominal: the value without randomization; the middle by default.
        bins: an even number.
    """

    low: float
    high: float
    nominal: float | None = None
    bins: int = 8

    def __post_init__(self) -> None:
        if not self.low < self.high or self.bins < 2 or self.bins % 2:
            raise InvalidOption(f"a SplitRange needs low < high and an even number of bins, got {self!r}")

    def draw(self, rng: np.random.Generator, split: Split) -> float:
        """A value of the split; the nominal one for None. Takes two draws of `rng` in every case."""
        chosen = int(rng.integers(self.bins // 2))
        part = float(rng.random())
        if split is None:
            return 0.5 * (self.low + self.high) if self.nominal is None else self.nominal
        return self.low + (self.high - self.low) * (2 * chosen + (split == "test") + part) / self.bins


def split_variants(count: int, split: Split) -> tuple[int, ...]:
    """Which of `count` variants a split may use: even ones train, odd ones test, all without randomization."""
    return tuple(range(count)) if split is None else tuple(range(split == "test", count, 2))


def split_seed(rng: np.random.Generator, split: Split) -> int:
    """A seed for procedural content: even for training, odd for testing, any without randomization."""
    seed = int(rng.integers(2**62))
    return seed if split is None else 2 * (seed // 2) + (split == "test")
