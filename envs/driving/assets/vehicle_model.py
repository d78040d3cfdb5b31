"""Vehicle models: dimensions, levels of detail, and lights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from camshaft.envs.driving.assets.shapes import Polygon, mirrored
from camshaft.envs.errors import check_choice
from camshaft.envs.rendering import Mesh, Surface

LIGHTS = (
    "off",
    "braking",
    "left",
    "right",
    "braking_left",
    "braking_right",
)  # left and right are turn signals


def _lens(color: tuple[float, float, float], lit: bool = False) -> Surface:
    reflection: dict[str, Any] = {} if lit else {"specular": 0.04, "shininess": 64}
    return Surface(color, label="vehicle", emissive=lit, tinted=False, **reflection)


_AMBER = (0.28, 0.13, 0.04)  # dark enough not to look lit in another car's headlights

# Head and tail lamps are on by day, too. At coarse levels, one lamp shows both brakes and turn signals.
HEAD = _lens((1.0, 0.98, 0.90), lit=True)
TAIL = _lens((0.62, 0.03, 0.05), lit=True)
HIGH_BRAKE = _lens((0.10, 0.02, 0.02))
AMBER_LEFT, AMBER_RIGHT = _lens(_AMBER), _lens(_AMBER)
FAR_HEAD_LEFT, FAR_HEAD_RIGHT = _lens(HEAD.color, lit=True), _lens(HEAD.color, lit=True)
FAR_TAIL_LEFT, FAR_TAIL_RIGHT = _lens(TAIL.color, lit=True), _lens(TAIL.color, lit=True)
_BRAKE_LIT, _AMBER_LIT = _lens((1.0, 0.20, 0.15), lit=True), _lens((1.0, 0.62, 0.10), lit=True)

_BRAKING = dict.fromkeys((TAIL, HIGH_BRAKE, FAR_TAIL_LEFT, FAR_TAIL_RIGHT), _BRAKE_LIT)
_LEFT = dict.fromkeys((AMBER_LEFT, FAR_HEAD_LEFT, FAR_TAIL_LEFT), _AMBER_LIT)
_RIGHT = dict.fromkeys((AMBER_RIGHT, FAR_HEAD_RIGHT, FAR_TAIL_RIGHT), _AMBER_LIT)
_SWITCHED: Mapping[str, Mapping[Surface, Surface]] = {
    "off": {},
    "braking": _BRAKING,
    "left": _LEFT,
    "right": _RIGHT,
    "braking_left": {**_BRAKING, **_LEFT},
    "braking_right": {**_BRAKING, **_RIGHT},
}


LEFT_RIGHT = {AMBER_LEFT: AMBER_RIGHT, FAR_HEAD_LEFT: FAR_HEAD_RIGHT, FAR_TAIL_LEFT: FAR_TAIL_RIGHT}


def both_sides(left: Sequence[Polygon]) -> list[Polygon]:
    """Polygons on the left and their mirror images on the right, with the lamps of that side."""
    right = [(corners, LEFT_RIGHT.get(surface, surface), uvs) for corners, surface, uvs in mirrored(left)]
    return [*left, *right]


@dataclass(frozen=True)
class VehicleModel:
    """A vehicle; its origin is on the ground below the middle of its length and width, forward along x.

    The paint takes the color of the slot; glass, tires and lamps keep their own.

    Attributes:
        name: kind of vehicle.
        length, width, height: meters, overall, without mirrors.
        wheelbase: meters between the first and the last axle.
        rear_axle: meters, x of the last axle.
        levels: levels of detail, finest first, with only head and tail lamps on.
    """

    name: str
    length: float
    width: float
    height: float
    wheelbase: float
    rear_axle: float
    levels: list[Mesh]

    def lit(self, lights: str) -> list[Mesh]:
        """The levels with the lights on that one of LIGHTS names."""
        check_choice("lights", lights, LIGHTS)
        switched = _SWITCHED[lights]
        return [
            replace(level, surfaces=tuple(switched.get(surface, surface) for surface in level.surfaces))
            for level in self.levels
        ]

    @property
    def variants(self) -> list[list[Mesh]]:
        """The levels in the order of LIGHTS, as variants for `Scene.add`; the variant index switches the lights."""
        return [self.lit(lights) for lights in LIGHTS]
