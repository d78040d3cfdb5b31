"""Parts of an observation that a policy reads: images and vectors, with their shapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from camshaft.envs.errors import InvalidOption, check_choice


@dataclass(frozen=True)
class Part:
    """One part of an observation, as a policy reads it.

    Attributes:
        shape: of one row: (H, W, 3) of an image in uint8, (D,) of a vector.
        mean, std: (D,) of a vector in the training data; it is brought to zero mean and unit variance by them.
    """

    shape: tuple[int, ...]
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        for name in ("shape", "mean", "std"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if not self.is_image and len(self.shape) != 1:
            raise InvalidOption(f"a part is an image (H, W, 3) or a vector (D,), got shape {self.shape}")
        for values in (self.mean, self.std):
            if values and (self.is_image or len(values) != self.shape[0] or not np.isfinite(values).all()):
                raise InvalidOption(f"a part of shape {self.shape} needs as many finite means and deviations")

    @property
    def is_image(self) -> bool:
        """Whether it is read by an encoder."""
        return len(self.shape) == 3 and self.shape[2] == 3

    def as_json(self) -> dict[str, Any]:
        """For config.json."""
        scale = {"mean": list(self.mean), "std": list(self.std)} if self.mean else {}
        return {"shape": list(self.shape), **scale}


Parts = Mapping[str, Part]


def parse_parts(parts: Mapping[str, Any]) -> dict[str, Part]:
    """Parts from JSON, or from shapes alone.

    Raises:
        InvalidOption: there is none, or one is not described as it should be.
    """
    if not isinstance(parts, Mapping) or not parts:
        raise InvalidOption(f"a policy reads at least one part of an observation, got {parts!r}")
    return {name: _parse(name, part) for name, part in parts.items()}


def _parse(name: str, part: Any) -> Part:
    if isinstance(part, Part):
        return part
    try:
        return Part(**part) if isinstance(part, Mapping) else Part(tuple(part))
    except TypeError as error:
        raise InvalidOption(f"part {name!r} is not described by a shape: {part!r}") from error


def check_space(parts: Parts, space: gymnasium.Space[Any]) -> None:
    """Make sure that a policy can read the observations of a space.

    Raises:
        InvalidOption: a part is missing or has another shape; which one, and the shapes expected and given.
    """
    if not isinstance(space, gymnasium.spaces.Dict):
        if len(parts) > 1:
            raise InvalidOption(
                f"this policy reads {', '.join(parts)}; the observation is one array of shape {space.shape}"
            )
        given: dict[str, Any] = {next(iter(parts)): space}
    else:
        given = dict(space.spaces)
    for name, part in parts.items():
        check_choice("observation part", name, given, "This policy was trained on it.")
        if tuple(given[name].shape) != part.shape:
            raise InvalidOption(
                f"observation part {name!r} has shape {tuple(given[name].shape)}; "
                f"this policy was trained on {part.shape}"
            )


def read_parts(parts: Parts, observation: Any) -> dict[str, NDArray[Any]]:
    """The parts of a batch that a policy reads.

    Args:
        parts: which.
        observation: arrays by part, or one array for a policy of one part.

    Raises:
        InvalidOption: a part is missing, or has another shape or type.
    """
    if not isinstance(observation, Mapping):
        observation = {next(iter(parts)): observation}
    rows = {}
    for name, part in parts.items():
        check_choice("observation part", name, observation, "This policy was trained on it.")
        values = np.asarray(observation[name])
        if values.shape[1:] != part.shape or (part.is_image and values.dtype != np.uint8):
            hint = "; a single observation needs a leading axis" if values.shape == part.shape else ""
            kind = " uint8" if part.is_image else ""
            raise InvalidOption(
                f"observation part {name!r} of shape {values.shape} and dtype {values.dtype}: this policy accepts "
                f"(N, {', '.join(map(str, part.shape))}){kind}{hint}"
            )
        rows[name] = values
    return rows


def vector_scale(values: NDArray[Any], least: float = 1e-4) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of each column of (M, D); 1 for a column that never changes."""
    std = values.std(axis=0, dtype=np.float64)
    return values.mean(axis=0, dtype=np.float64).tolist(), np.where(std < least, 1.0, std).tolist()


def image_parts(parts: Parts) -> list[str]:
    """Names of the images, in order."""
    return [name for name, part in parts.items() if part.is_image]


def vector_parts(parts: Parts) -> list[str]:
    """Names of the vectors, in order."""
    return [name for name, part in parts.items() if not part.is_image]
