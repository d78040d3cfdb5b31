"""Surfaces: what a face looks like and what it is; textures with mip levels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.errors import InvalidOption, check_choice
from camshaft.envs.rendering.meshes.labels import LABELS

MAX_SQUARINGS = 10  # log2 of the largest shininess


class Texture:
    """A color image that repeats, with every coarser mip level down to one texel.

    Display colors are treated as square roots of linear light (gamma 2), here and in the shader: levels average
    light, not code values, so that a far checcurboard has the brightness of a near one.

    Args:
        image: (H, W, 3) or (H, W, 4) uint8, height and width powers of two. What has an alpha below one half is
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
        power = np.array([2.0, 2.0, 2.0, 1.0])[:channels]  # alpha is a share of area, not light
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
    """What a face looks like and what it is.

    Attributes:
        color: red, green, blue in 0..1 as displayed; multiplies the texture.
        texture: None for a plain color.
        label: semantic label, one of `camshaft.envs.rendering.LABELS`.
        double_sided: drawn from behind too.
        emissive: shown at its own color, whatever the light.
        specular: share of light that it mirrors when seen face on: 0 for none, 0.04 paint and plastic, 0.6 and more
            metal.
        shininess: exponent of Blinn's highlight, a power of two: 8 dull, 256 polished.
        metallic: mirrors in its own color.
        tinted: whether the color of the object that shows it (`SceneState.colors`) multiplies its own: paint is,
            the glass and the lamps of a painted car are not.
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
