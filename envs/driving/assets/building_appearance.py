"""Appearance of walls and roofs of buildings."""

from __future__ import annotations

from camshaft.envs.driving import textures
from camshaft.envs.rendering import Surface, Texture

Color = tuple[float, float, float]


def fixed(color: Color) -> Surface:
    """A plain wall of a fixed color, independent of the color of the slot."""
    return Surface(color, label="building", tinted=False)


def textured(texture: Texture, specular: float = 0.0) -> Surface:
    """A wall with a texture, tinted by the color of the slot."""
    return Surface((1.0, 1.0, 1.0), texture, "building", specular=specular, shininess=256)


def untinted(texture: Texture, lit: bool = False) -> Surface:
    """A door, shop front or clock: a texture in its own colors, optionally emissive."""
    return Surface((1.0, 1.0, 1.0), texture, "building", emissive=lit, tinted=False)


def averaged(texture: Texture) -> Surface:
    """A plain wall in the color of a facade texture's corner."""
    red, green, blue = (texture.levels[0][8:24, 4:16].mean(axis=(0, 1)) / 255.0).tolist()
    return Surface((red, green, blue), label="building")


def tiled(variant: int) -> Surface:
    """A tiled roof; its overhang is visible from below."""
    tiles = textures.roof_tiles(variant % textures.NUM_VARIANTS)
    return Surface((1.0, 1.0, 1.0), tiles, "building", double_sided=True)


STONE, CONCRETE, BITUMEN = fixed((0.56, 0.55, 0.53)), fixed((0.68, 0.67, 0.65)), fixed((0.27, 0.27, 0.28))
WHITE, DARK, PLANT = fixed((0.90, 0.90, 0.88)), fixed((0.12, 0.12, 0.13)), fixed((0.46, 0.47, 0.48))
GLASS = Surface((0.13, 0.17, 0.20), label="building", specular=0.07, shininess=256, tinted=False)
METAL_ROOF = Surface((0.55, 0.57, 0.60), label="building", double_sided=True, tinted=False)
