"""Sensor imperfections of a camera: their parameters, checks, and random sampling; applied by `SensorModel`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from camshaft.envs.errors import InvalidOption, check_choice
from camshaft.envs.randomization import Split, SplitRange

DAYLIGHT = 6500.0  # kelvin

_LIMITS: Mapping[str, tuple[float, float]] = {
    "exposure": (-10.0, 10.0),
    "white_balance": (2500.0, 20000.0),
    "full_well": (1.0, 1e6),
    "read_noise": (0.0, 1e4),
    "motion_blur": (0.0, 1.0),
    "vignetting": (0.0, 1.0),
    "rain": (0.0, 1.0),
    "spray": (0.0, 1.0),
    "jpeg_quality": (1, 100),
    "depth_noise": (0.0, 1.0),
    "depth_holes": (0.0, 1.0),
}
_OPTIONAL = ("full_well", "jpeg_quality", "depth_range")
_DEPTH_FIELDS = ("depth_noise", "depth_holes", "depth_range")

# A mild sensor. Samples below 0 are clipped: half of all episodes have no rain, half of all lenses are clean.
SENSOR_RANGES: Mapping[str, SplitRange] = {
    "exposure": SplitRange(-1.0, 1.0),
    "white_balance": SplitRange(5000.0, 8500.0, DAYLIGHT),
    "full_well": SplitRange(1500.0, 12000.0),
    "read_noise": SplitRange(1.0, 12.0),
    "vignetting": SplitRange(0.0, 0.4),
    "rain": SplitRange(-0.5, 0.5),
    "spray": SplitRange(-0.3, 0.3),
    "depth_noise": SplitRange(0.0005, 0.003),
    "depth_holes": SplitRange(0.0, 0.06),
}


@dataclass(frozen=True)
class Sensor:
    """Imperfections of a camera's sensor and lens; the default is a perfect camera.

    Light that the renderer has clipped to white stays clipped: a lower exposure turns it gray.

    Attributes:
        exposure: stops, -10..10; each stop doubles the light.
        white_balance: kelvin, 2500..20000: color temperature of the light that the camera renders as white. 6500
            leaves colors unchanged, lower values make the image bluer, higher ones warmer.
        full_well: electrons of a white pixel, 1..10⁶; None for no shot noise. The variance of a pixel's electrons is
            their number. A higher ISO means fewer electrons: 10,000 in good light, 300 at night.
        read_noise: standard deviation in electrons, 0..10⁴; needs `full_well`.
        motion_blur: fraction of the frame interval for which the shutter is open, 0..1; needs optical flow.
        vignetting: fraction of the light lost in the corners, 0..1; grows with the squared distance from the center.
        rain: density of rain streaks, 0..1.
        spray: water on the lens, 0..1; a drop stays for dozens of frames.
        jpeg_quality: 1..100, or None for no compression.
        depth_noise: a in σ = a z², 1/m, 0..1; a Kinect has 0.0014.
        depth_holes: fraction of pixels without depth, 0..1; first next to depth edges, and in patches.
        depth_range: (nearest, farthest) meters that a depth camera measures; None for no limits.

    A pixel without depth has depth 0.
    """

    exposure: float = 0.0
    white_balance: float = DAYLIGHT
    full_well: float | None = None
    read_noise: float = 0.0
    motion_blur: float = 0.0
    vignetting: float = 0.0
    rain: float = 0.0
    spray: float = 0.0
    jpeg_quality: int | None = None
    depth_noise: float = 0.0
    depth_holes: float = 0.0
    depth_range: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        for name, (lowest, highest) in _LIMITS.items():
            value = getattr(self, name)
            if value is None and name in _OPTIONAL:
                continue
            kind = "a whole number" if name == "jpeg_quality" else "a number"
            if not _is_number(value, whole=name == "jpeg_quality") or not lowest <= value <= highest:
                raise InvalidOption(f"sensor {name} must be {kind} in {lowest:g}..{highest:g}, got {value!r}")
        if self.read_noise > 0.0 and self.full_well is None:
            raise InvalidOption(
                f"sensor read_noise is in electrons and needs full_well, the electrons of a white pixel; "
                f"got read_noise={self.read_noise!r} and full_well=None"
            )
        if self.depth_range is not None and not _is_range(self.depth_range):
            raise InvalidOption(
                f"sensor depth_range must be (nearest, farthest) with 0 <= nearest < farthest, "
                f"got {self.depth_range!r}"
            )

    @classmethod
    def parse(cls, changes: Mapping[str, Any], default: Sensor) -> Sensor:
        """A sensor from user input.

        Args:
            changes: fields that differ from `default`; a list stands for a tuple.
            default: the sensor to start from.
        """
        for name in changes:
            check_choice("sensor field", name, [field.name for field in fields(cls)])
        ranges = {name: tuple(value) for name, value in changes.items() if isinstance(value, list)}
        return replace(default, **{**changes, **ranges})

    @property
    def changes_colors(self) -> bool:
        """Whether color images differ from those of a perfect camera."""
        return any(
            getattr(self, field.name) != field.default
            for field in fields(self)
            if field.name not in _DEPTH_FIELDS
        )

    @property
    def changes_depth(self) -> bool:
        """Whether depth images differ from those of a perfect camera."""
        return any(
            getattr(self, field.name) != field.default
            for field in fields(self)
            if field.name in _DEPTH_FIELDS
        )


def sample_sensor(rng: np.random.Generator, split: Split, base: Sensor | None = None) -> Sensor:
    """Sample a mild sensor of a split; None returns `base`.

    Takes the same number of draws from `rng` for every split.

    Args:
        rng: random generator.
        split: split of the ranges to sample from, or None.
        base: source of the fields that are not sampled (motion blur, compression, depth range); a perfect sensor by
            default.
    """
    base = base or Sensor()
    sampled: dict[str, Any] = {
        name: max(0.0, span.draw(rng, split)) for name, span in SENSOR_RANGES.items() if name != "exposure"
    }
    sampled["exposure"] = SENSOR_RANGES["exposure"].draw(rng, split)
    return base if split is None else replace(base, **sampled)


def _is_number(value: Any, whole: bool = False) -> bool:
    kinds = int | np.integer if whole else int | float | np.number
    return isinstance(value, kinds) and not isinstance(value, bool) and math.isfinite(value)


def _is_range(value: Any) -> bool:
    return (
        isinstance(value, tuple | list)
        and len(value) == 2
        and all(_is_number(end) for end in value)
        and 0.0 <= value[0] < value[1]
    )
