"""Numbered buildings of a town, of seven kinds."""

from __future__ import annotations

from functools import cache

from camshaft.envs.driving import textures
from camshaft.envs.driving.assets.blocks import BuildingModel
from camshaft.envs.driving.assets.church import church
from camshaft.envs.driving.assets.homes import apartment_block, garage, terraced_house
from camshaft.envs.driving.assets.trade import office, shop, warehouse
from camshaft.envs.errors import InvalidOption

# Kind of each number; the first of every pair is for training, the second for testing.
KINDS = (
    *("terraced_house",) * 6,
    *("apartment_block",) * 6,
    *("office",) * 4,
    *("shop",) * 6,
    *("warehouse",) * 2,
    *("church",) * 2,
    *("garage",) * 2,
)
NUM_BUILDINGS = len(KINDS)

_BUILDERS = {
    "terraced_house": terraced_house,
    "apartment_block": apartment_block,
    "office": office,
    "shop": shop,
    "warehouse": warehouse,
    "church": church,
    "garage": garage,
}


@cache
def building(number: int, lit: bool = False) -> BuildingModel:
    """One of NUM_BUILDINGS buildings of a town, even ones for training, odd ones for testing.

    Args:
        number: its number; KINDS gives its kind.
        lit: whether some of its windows are lit.
    """
    if not 0 <= number < NUM_BUILDINGS:
        raise InvalidOption(f"buildings are numbered 0..{NUM_BUILDINGS - 1}, got {number!r}")
    kind = KINDS[number]
    variant = (number - KINDS.index(kind)) % textures.NUM_VARIANTS  # even for an even number
    return _BUILDERS[kind](number, variant, lit)


def buildings(kind: str) -> tuple[int, ...]:
    """The numbers of a kind of building."""
    return tuple(number for number, name in enumerate(KINDS) if name == kind)
