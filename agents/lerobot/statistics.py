"""Statistics of the columns of a dataset, as LeRobot stores them for normalization."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Statistics = dict[str, NDArray[Any]]

QUANTILES = {"q01": 0.01, "q10": 0.10, "q50": 0.50, "q90": 0.90, "q99": 0.99}
MAX_SAMPLED_FRAMES = 100


def number_statistics(values: NDArray[Any]) -> Statistics:
    """Of (T, D) or (T,) numbers: (D,) each of min, max, mean, std and quantiles, and (1,) count."""
    table = np.asarray(values, np.float64).reshape(len(values), -1)
    quantiles = np.quantile(table, list(QUANTILES.values()), axis=0)
    return {
        "min": table.min(axis=0),
        "max": table.max(axis=0),
        "mean": table.mean(axis=0),
        "std": table.std(axis=0),
        "count": np.array([len(table)], np.int64),
        **dict(zip(QUANTILES, quantiles, strict=True)),
    }


def frame_statistics(frames: NDArray[np.uint8]) -> Statistics:
    """Of (K, H, W, 3) frames: (3, 1, 1) each, on the scale 0 to 1, and (1,) count of frames.

    Exact for the frames given: all follows from the histogram of each channel.
    """
    channels = [_histogram_statistics(np.bincount(frames[..., c].ravel(), minlength=256)) for c in range(3)]
    stacked = {name: np.array([each[name] for each in channels]).reshape(3, 1, 1) for name in channels[0]}
    return {**stacked, "count": np.array([len(frames)], np.int64)}


def sampled_frames(num_frames: int) -> NDArray[np.int64]:
    """Indices of the frames that the image statistics of an episode are computed from, evenly spread."""
    return np.linspace(0, num_frames - 1, min(num_frames, MAX_SAMPLED_FRAMES)).round().astype(np.int64)


def merge_statistics(parts: Sequence[Mapping[str, Statistics]]) -> dict[str, Statistics]:
    """Statistics of all episodes together from those of each.

    Quantiles are averaged by number of samples, which is what LeRobot does too: an approximation.
    """
    return {name: _merge_column([part[name] for part in parts]) for name in parts[0]} if parts else {}


def statistics_lists(statistics: Mapping[str, Statistics]) -> dict[str, dict[str, Any]]:
    """Plain lists, as stats.json holds them."""
    return {
        column: {name: values.tolist() for name, values in each.items()}
        for column, each in statistics.items()
    }


def statistics_columns(statistics: Mapping[str, Statistics]) -> dict[str, Any]:
    """Columns `stats/<column>/<name>` of an episode's row."""
    return {
        f"stats/{column}/{name}": values
        for column, each in statistics_lists(statistics).items()
        for name, values in each.items()
    }


def take_statistics(row: dict[str, Any], columns: Iterable[str]) -> dict[str, Statistics]:
    """The inverse of `statistics_columns`; they are taken out of the row."""
    names = ("min", "max", "mean", "std", "count", *QUANTILES)
    return {
        column: {name: np.array(row.pop(f"stats/{column}/{name}")) for name in names} for column in columns
    }


def _merge_column(parts: Sequence[Statistics]) -> Statistics:
    counts = np.array([int(part["count"][0]) for part in parts])
    weights = counts / counts.sum()

    def averaged(arrays: list[NDArray[np.float64]]) -> NDArray[np.float64]:
        return np.tensordot(weights, np.stack(arrays), axes=1)

    mean = averaged([part["mean"] for part in parts])
    variance = averaged([part["std"] ** 2 + (part["mean"] - mean) ** 2 for part in parts])
    return {
        "min": np.min([part["min"] for part in parts], axis=0),
        "max": np.max([part["max"] for part in parts], axis=0),
        "mean": mean,
        "std": np.sqrt(variance),
        "count": np.array([counts.sum()], np.int64),
        **{name: averaged([part[name] for part in parts]) for name in QUANTILES},
    }


def _histogram_statistics(histogram: NDArray[np.int64]) -> dict[str, float]:
    levels = np.arange(256) / 255.0
    present = levels[histogram > 0]
    share = histogram / histogram.sum()
    mean = float(share @ levels)
    cumulative = np.cumsum(share)
    quantiles = {
        name: float(levels[min(int(np.searchsorted(cumulative, q)), 255)]) for name, q in QUANTILES.items()
    }
    std = float(np.sqrt(share @ (levels - mean) ** 2))
    return {"min": float(present[0]), "max": float(present[-1]), "mean": mean, "std": std, **quantiles}
