"""Surfaces: material, texture with mip levels, and semantic label of faces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.errors import InvalidOption, check_choice
from camshaft.envs.rendering.meshes.labels import LABELS

MAX_SQUARINGS = 10  # log2 of the largest shininess


class Texture:
    """A repeating color image with all mip levels down to one texel.

    Display colors are square roots of linear light (gamma 2), here and in the shader. Mip levels average linear light,
    not code values, so that a distant checkerboard is as bright as a near one.

    Args:
        image: (H, W, 3) or (H, W, 4) uint8, height and width powers of two. Texels with an alpha below one half are
            cut out.

    Attributes:
        levels: (H, W, 3) or (H, W, 4) uint8 arrays, finest first; row 0 is v = 0.
    """

    def __init__(self, image: NDArray[np.uint8]) -> None:
        image = np.asarray(image)
        if image.ndim != 3 or image.shape[2] not in (3, 4) or image.dtype != np.uint8:
            raise InvalidOption(f"a texture is (H, W, 3) or (H, W, 4) uint8, got {image.shape} {image.dtype}")
        height, width, channels = image.shape
        if min(height, width) < 1 or height & (height - 1) or width & (width - 1):
            raise InvalidOption(f"a texture's height and width must be powers of two, got {height}×{width}")
        self.levels: list[NDArray[np.uint8]] = [np.ascontiguousarray(image)]
        power = np.array([2.0, 2.0, 2.0, 1.0])[:channels]  # alpha is coverage, not light
        light = (image.astype(np.float64) / 255.0) ** power
        while light.shape[0] > 1 or light.shape[1] > 1:
            if light.shape[0] > 1:
                light = 0.5 * (light[0::2] + light[1::2])
            if light.shape[1] > 1:
                light = 0.5 * (light[:, 0::2] + light[:, 1::2])
            self.levels.append(np.round(light ** (1.0 / power) * 255.0).astype(np.uint8))
        self.has_alpha = channels == 4


@dataclass(frozen=True, eq=False)
class Surface:
    """Material and semantic label of faces.

    Attributes:
        color: red, green, blue in 0..1, display values; multiplies the texture.
        texture: None for a plain color.
        label: semantic label, one of `camshaft.envs.rendering.LABELS`.
        double_sided: whether back faces are rendered too.
        emissive: whether it shows its own color, independent of lighting.
        specular: reflectance at normal incidence: 0 for none, 0.04 for paint and plastic, 0.6 and more for metal.
        shininess: exponent of the Blinn highlight, a power of two: 8 is dull, 256 polished.
        metallic: whether reflections have the color of the surface.
        tinted: whether the color of the object (`SceneState.colors`) multiplies its own: true for the paint of a car,
            false for its glass and lamps.
    """

    color: tuple[float, float, float] = (0.7, 0.7, 0.7)
    texture: Texture | None = None
    label: str = "object"
    double_sided: bool = False
    emissive: bool = False
    specular: float = 0.0
    shininess: int = 32
    metallic: bool = False
    tinted: bool = True

    def __post_init__(self) -> None:
        color = np.asarray(self.color, np.float64)
        if color.shape != (3,) or not ((color >= 0) & (color <= 1)).all():
            raise InvalidOption(f"a surface's color is three numbers in 0..1, got {self.color!r}")
        check_choice("label", self.label, LABELS)
        if not 0.0 <= self.specular <= 1.0:
            raise InvalidOption(f"a surface's specular is within 0..1, got {self.specular!r}")
        if self.shininess not in [2**power for power in range(MAX_SQUARINGS + 1)]:
            raise InvalidOption(
                f"a surface's shininess is a power of two in 1..{2**MAX_SQUARINGS}, got {self.shininess!r}"
            )
