"""The space of features: nearest images, and a map of it in two dimensions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from camshaft.envs.errors import InvalidOption

FloatArray = NDArray[np.float32]

EXAGGERATION, EXAGGERATED_STEPS = 12.0, 150
MOMENTUM_START, MOMENTUM_END = 0.5, 0.8
LEAST_GAIN = 0.01


@torch.no_grad()
def all_features(
    encode: Callable[[Tensor], Tensor], images: NDArray[np.uint8], batch_size: int = 64
) -> FloatArray:
    """(N, D) features of (N, H, W, 3) frames."""
    parts = [
        encode(torch.from_numpy(images[start : start + batch_size])).float()
        for start in range(0, len(images), batch_size)
    ]
    return torch.cat(parts).numpy()


def nearest(features: FloatArray, queries: FloatArray, count: int) -> NDArray[np.int64]:
    """(Q, count) numbers of the features most like each query, by the cosine of the angle between them.

    Raises:
        InvalidOption: there are not as many.
    """
    if not 1 <= count <= len(features):
        raise InvalidOption(f"count must be within 1..{len(features)}, the number of images, got {count}")
    likeness = _unit(queries) @ _unit(features).T
    return np.argsort(-likeness, axis=1, kind="stable")[:, :count]


def map_of(features: FloatArray, perplexity: float = 20.0, steps: int = 500, seed: int = 0) -> FloatArray:
    """(N, 2) places in 0..1 at which images of like features lie together: exact t-SNE.

    Source: van der Maaten and Hinton, "Visualizing Data using t-SNE", JMLR 9, 2008.

    Args:
        features: (N, D), at least 4 of them.
        perplexity: how many neighbors count, about; at most a third of N is used.
        steps: of gradient descent.
        seed: of the first places.
    """
    count = len(features)
    if count < 4:
        raise InvalidOption(f"a map needs at least 4 images, got {count}")
    chances = torch.from_numpy(neighbor_chances(_unit(features), min(perplexity, count / 3.0)))
    chances = (chances + chances.T) / (2.0 * count)
    generator = torch.Generator().manual_seed(seed)
    places = 1e-2 * torch.randn(count, 2, generator=generator, dtype=torch.float64)
    speed, gains = torch.zeros_like(places), torch.ones_like(places)
    rate = max(count / EXAGGERATION / 4.0, 20.0)
    for step in range(steps):
        early = step < EXAGGERATED_STEPS
        target = chances * EXAGGERATION if early else chances
        kernel = 1.0 / (
            1.0 + torch.cdist(places, places, compute_mode="donot_use_mm_for_euclid_dist").square()
        )
        kernel.fill_diagonal_(0.0)
        pull = (target - kernel / kernel.sum()) * kernel
        gradient = 4.0 * (pull.sum(dim=1, keepdim=True) * places - pull @ places)
        same = torch.sign(gradient) == torch.sign(speed)
        gains = torch.where(same, gains * 0.8, gains + 0.2).clamp(min=LEAST_GAIN)
        speed = (MOMENTUM_START if early else MOMENTUM_END) * speed - rate * gains * gradient
        places = places + speed
        places = places - places.mean(dim=0)
    low, high = places.amin(dim=0), places.amax(dim=0)
    return ((places - low) / (high - low).clamp(min=1e-12)).numpy().astype(np.float32)


def neighbor_chances(features: FloatArray, perplexity: float) -> NDArray[np.float64]:
    """(N, N) rows of 1: how likely each would choose each other as a neighbor, at this perplexity."""
    wide = torch.from_numpy(features).double()
    squared = torch.cdist(wide, wide, compute_mode="donot_use_mm_for_euclid_dist").square().numpy()
    chances = np.zeros_like(squared)
    for row in range(len(features)):
        others = np.delete(squared[row], row)
        others = others - others.min()
        low, high, precision = 0.0, np.inf, 1.0 / max(others.mean(), 1e-12)
        for _ in range(60):
            weights = np.exp(-precision * others)
            share = weights / weights.sum()
            entropy = -(share * np.log(np.maximum(share, 1e-300))).sum()
            if abs(entropy - np.log(perplexity)) < 1e-5:
                break
            if entropy > np.log(perplexity):
                low = precision
                precision = precision * 2.0 if np.isinf(high) else 0.5 * (low + high)
            else:
                high = precision
                precision = 0.5 * (low + high)
        chances[row, np.arange(len(features)) != row] = share
    return chances


def _unit(features: FloatArray) -> FloatArray:
    return features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
