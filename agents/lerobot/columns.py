"""Columns of one episode: checks, statistics, and conversion to Arrow arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from camshaft.agents.lerobot.format import IMAGE_TYPE, Feature
from camshaft.agents.lerobot.png import decode_png, encode_png
from camshaft.agents.lerobot.statistics import (
    Statistics,
    frame_statistics,
    number_statistics,
    sampled_frames,
)
from camshaft.envs.errors import InvalidOption, check_choice

Column = NDArray[Any] | Sequence[bytes]


def check_columns(columns: Mapping[str, Column], features: Mapping[str, Feature]) -> dict[str, Column]:
    """The columns of one episode in the types of their features.

    Raises:
        InvalidOption: one is missing, unknown, of another length or shape, or not finite.
    """
    for name in columns:
        check_choice("column", name, features)
    missing = sorted(set(features) - set(columns))
    if missing:
        raise InvalidOption(f"an episode needs every column; missing: {', '.join(missing)}")
    checked = {name: _check_column(name, columns[name], feature) for name, feature in features.items()}
    lengths = {name: len(column) for name, column in checked.items()}
    if len(set(lengths.values())) != 1 or not min(lengths.values()):
        raise InvalidOption(f"the columns of an episode have one length, at least 1, got {lengths}")
    return checked


def column_statistics(name: str, column: Column, feature: Feature) -> Statistics:
    """Statistics of a checked column; those of images come from evenly spread frames."""
    if not feature.is_visual:
        return number_statistics(np.asarray(column))
    chosen = sampled_frames(len(column))
    if isinstance(column, np.ndarray):
        return frame_statistics(column[chosen])
    frames = np.empty((len(chosen), *feature.shape), np.uint8)
    decode_png([column[index] for index in chosen], frames, f"column {name}")
    return frame_statistics(frames)


def arrow_column(column: Column, kind: pa.DataType) -> pa.Array:
    """A checked column as its Arrow type; frames are encoded as PNG."""
    if kind == IMAGE_TYPE:
        encoded = encode_png(column) if isinstance(column, np.ndarray) else list(column)
        paths = [f"frame-{index:06d}.png" for index in range(len(encoded))]
        return pa.StructArray.from_arrays(
            [pa.array(encoded, pa.binary()), pa.array(paths)], ["bytes", "path"]
        )
    if pa.types.is_fixed_size_list(kind):
        flat = pa.array(np.ascontiguousarray(column).reshape(-1), kind.value_type)
        return pa.FixedSizeListArray.from_arrays(flat, kind.list_size)
    return pa.array(column, kind)


def _check_column(name: str, column: Column, feature: Feature) -> Column:
    if feature.dtype == "image" and not isinstance(column, np.ndarray):
        if not all(isinstance(each, bytes) for each in column):
            raise InvalidOption(f"column {name}: an image column is a uint8 array or a list of PNG bytes")
        return column
    values = np.asarray(column)
    target = np.dtype(np.uint8 if feature.is_visual else feature.dtype)
    if values.ndim == 1 and feature.shape == (1,):
        values = values[:, None]
    if values.shape[1:] != feature.shape or values.ndim == 0:
        raise InvalidOption(f"column {name}: each row has shape {feature.shape}, got {values.shape[1:]}")
    if not np.can_cast(values.dtype, target, "same_kind") or (feature.is_visual and values.dtype != target):
        raise InvalidOption(f"column {name}: values are {target.name}, got {values.dtype.name}")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        row = int(np.flatnonzero(~np.isfinite(values).all(axis=1))[0])
        raise InvalidOption(f"column {name}: values are finite, row {row} is {values[row].tolist()}")
    values = values.astype(target, copy=False)
    return values[:, 0] if feature.shape == (1,) else values
