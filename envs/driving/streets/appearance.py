"""What paving, paint and ground look like beside each style of road, drawn from variants."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache

import numpy as np

from camshaft.envs.driving import textures
from camshaft.envs.driving.streets.street_mesh import Kind, StreetLook
from camshaft.envs.driving.textures import NUM_VARIANTS
from camshaft.envs.errors import check_choice
from camshaft.envs.rendering import Surface, Texture

RAIL = Surface((0.62, 0.64, 0.67), label="fence", double_sided=True)
VARIED = 5  # numbers of variants that make up a look: of asphalt, paving, paint, ground and green

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
def plain_look(style: str) -> StreetLook:
    """The look of variant 0."""
    return street_look(style, (0,) * VARIED)


@cache
def street_look(style: str, variants: tuple[int, ...]) -> StreetLook:
    """A look.

    Args:
        style: of the roads, one of "town", "motorway", "circuit" and "car_park".
        variants: of asphalt, paving, paint, ground and green.
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
    return StreetLook(tuple(surfaces[kind][0] for kind in Kind), tuple(surfaces[kind][1] for kind in Kind))


def draw_look(style: str, rng: np.random.Generator, variants: Sequence[int]) -> StreetLook:
    """A look drawn from variants."""
    return street_look(style, tuple(int(variant) for variant in rng.choice(variants, VARIED)))


@cache
def all_street_surfaces(style: str) -> tuple[Surface, ...]:
    """Every surface of any look of a style."""
    looks = [street_look(style, (number,) * VARIED) for number in range(NUM_VARIANTS)]
    return tuple(dict.fromkeys(surface for look in looks for surface in look.surfaces))


@cache
def _surface(texture: Texture, label: str) -> Surface:
    return Surface((1.0, 1.0, 1.0), texture, label)
