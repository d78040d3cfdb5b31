"""Generation of procedural textures: seeded variants and seamlessly tiling noise."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from camshaft.envs.errors import InvalidOption
from camshaft.envs.rendering import Texture

NUM_VARIANTS = 8

Image = NDArray[np.float64]


def variants(paint: Callable[..., Image]) -> Callable[..., Texture]:
    """Decorator that turns a painter of (H, W, 3) or (H, W, 4) images in 0..1 into a cached source of textures."""

    @cache
    def texture(variant: int, *options: Any) -> Texture:
        if not 0 <= variant < NUM_VARIANTS:
            raise InvalidOption(f"{paint.__name__} has variants 0..{NUM_VARIANTS - 1}, got {variant!r}")
        rng = np.random.default_rng([*paint.__name__.encode(), variant])
        return Texture(np.round(np.clip(paint(rng, variant, *options), 0.0, 1.0) * 255.0).astype(np.uint8))

    texture.__doc__ = paint.__doc__
    return texture


def clouds(rng: np.random.Generator, size: int, falloff: float, lowest: float) -> Image:
    """(size, size) seamless noise of mean 0 and standard deviation 1.

    Args:
        rng: source of the samples.
        size: pixels per side.
        falloff: exponent of the amplitude's decay with frequency.
        lowest: lowest frequency, in waves per side.
    """
    spectrum = np.fft.rfft2(rng.standard_normal((size, size))) * _amplitude(size, falloff, lowest)
    noise = np.fft.irfft2(spectrum, s=(size, size))
    return noise / noise.std()


@cache
def _amplitude(size: int, falloff: float, lowest: float) -> Image:
    """(size, size // 2 + 1) amplitudes of a real spectrum."""
    radius = np.hypot(np.fft.fftfreq(size)[:, None] * size, np.fft.rfftfreq(size) * size)
    return np.where(radius >= lowest, np.maximum(radius, 1.0) ** -(falloff + 1.0), 0.0)


def patchy(
    rng: np.random.Generator, size: int, base: ArrayLike, dark: ArrayLike, pale: ArrayLike, grain: float
) -> Image:
    """Broad dark and pale patches on a base color, with fine grain."""
    base, dark, pale = np.asarray(base), np.asarray(dark), np.asarray(pale)
    patches = clouds(rng, size, 0.9, 1)[..., None]
    share = 0.5 * np.clip(patches, -2.0, 2.0)
    image = base + np.abs(share) * (np.where(share > 0.0, pale, dark) - base)
    fine = rng.standard_normal((size, size, 1)) + clouds(rng, size, 0.2, 8)[..., None]
    return image * (1.0 + grain * fine)
