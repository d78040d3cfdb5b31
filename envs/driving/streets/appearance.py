"""Appearance of paving, paint and ground by style of road, sampled from variants."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache

import numpy as np

from camshaft.envs.driving import textures
from camshaft.envs.driving.streets.street_mesh import Kind, StreetAppearance
from camshaft.envs.driving.textures import NUM_VARIANTS
from camshaft.envs.errors import check_choice
from camshaft.envs.rendering import Surface, Texture

RAIL = Surface((0.62, 0.64, 0.67), label="fence", double_sided=True)
NUM_VARIED = 5  # variants that define an appearance: of asphalt, paving, paint, ground and green

Make = Callable[[int], Texture]
_ASPHALT: Mapping[str, Make] = {
    "town": textures.street_asphalt,
    "motorway": textures.street_asphalt,
    "circuit": textures.track_asphalt,
    "car_park": textures.car_park,
}
_GROUND: Mapping[str, tuple[Make, float]] = {
    "town": (textures.lawn, textures.LAWN_METERS),
    "motorway": (textures.grass, textures.LAND_METERS),
    "circuit": (textures.lawn, textures.LAWN_METERS),
    "car_park": (textures.lawn, textures.LAWN_METERS),
}


@cache
def nominal_appearance(style: str) -> StreetAppearance:
    """The appearance of a style without randomization: variant 0 of everything."""
    return street_appearance(style, (0,) * NUM_VARIED)


@cache
def street_appearance(style: str, variants: tuple[int, ...]) -> StreetAppearance:
    """The appearance given by variants.

    Args:
        style: style of the roads: "town", "motorway", "circuit" or "car_park".
        variants: variants of asphalt, paving, paint, ground and green.
    """
    check_choice("style", style, tuple(_ASPHALT))
    asphalt, paving, paint, ground, green = variants
    land, land_meters = _GROUND[style]
    surfaces = {
        Kind.ASPHALT: (_surface(_ASPHALT[style](asphalt), "road"), textures.STREET_METERS),
        Kind.PAVING: (_surface(textures.paving(paving), "sidewalk"), textures.PAVING_METERS),
        Kind.CURB: (_surface(textures.curb_stone(paving), "sidewalk"), textures.CURB_METERS),
        Kind.PAINT: (_surface(textures.paint(paint, "white"), "lane_marking"), textures.STREET_METERS),
        Kind.GROUND: (_surface(land(ground), "terrain"), land_meters),
        Kind.GREEN: (_surface(textures.lawn(green), "terrain"), textures.LAWN_METERS),
        Kind.RUMBLE: (_surface(textures.curb_stripes(paving), "shoulder"), textures.STRIPE_METERS),
        Kind.GRAVEL: (_surface(textures.runoff_gravel(paving), "shoulder"), textures.STREET_METERS),
        Kind.RAIL: (RAIL, 4.0),
    }
    return StreetAppearance(
        tuple(surfaces[kind][0] for kind in Kind), tuple(surfaces[kind][1] for kind in Kind)
    )


def sample_appearance(style: str, rng: np.random.Generator, variants: Sequence[int]) -> StreetAppearance:
    """Sample an appearance from variants."""
    return street_appearance(style, tuple(int(variant) for variant in rng.choice(variants, NUM_VARIED)))


@cache
def all_street_surfaces(style: str) -> tuple[Surface, ...]:
    """All surfaces of any appearance of a style, without duplicates."""
    every = [street_appearance(style, (number,) * NUM_VARIED) for number in range(NUM_VARIANTS)]
    return tuple(dict.fromkeys(surface for appearance in every for surface in appearance.surfaces))


@cache
def _surface(texture: Texture, label: str) -> Surface:
    return Surface((1.0, 1.0, 1.0), texture, label)
