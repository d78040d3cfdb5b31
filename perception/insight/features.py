"""Feature space of an encoder: features of images, nearest neighbors, and a two-dimensional map by t-SNE."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from camshaft.envs.errors import InvalidOption

Features = NDArray[np.float32]

EXAGGERATION, EXAGGERATED_STEPS = 12.0, 150
MOMENTUM_START, MOMENTUM_END = 0.5, 0.8
MIN_GAIN = 0.01
BISECTION_STEPS, ENTROPY_TOLERANCE = 60, 1e-5


@torch.no_grad()
def all_features(
    encode: Callable[[Tensor], Tensor], images: NDArray[np.uint8], batch_size: int = 64
) -> Features:
    """(N, D) features of (N, H, W, 3) frames."""
    parts = [
        encode(torch.from_numpy(images[start : start + batch_size])).float()
        for start in range(0, len(images), batch_size)
    ]
    return torch.cat(parts).numpy()


def nearest(features: Features, queries: Features, count: int) -> NDArray[np.int64]:
    """(Q, count) indices of the features with the highest cosine similarity to each query.

    Raises:
        InvalidOption: there are fewer than `count` features.
    """
    if not 1 <= count <= len(features):
        raise InvalidOption(f"count must be within 1..{len(features)}, the number of images, got {count}")
    similarity = _unit(queries) @ _unit(features).T
    return np.argsort(-similarity, axis=1, kind="stable")[:, :count]


def tsne(features: Features, perplexity: float = 20.0, steps: int = 500, seed: int = 0) -> Features:
    """Two-dimensional map in which similar features are close together, by exact t-SNE.

    Source: van der Maaten and Hinton, "Visualizing Data using t-SNE", JMLR 9, 2008.

    Args:
        features: (N, D), with N at least 4.
        perplexity: effective number of neighbors; limited to a third of N.
        steps: steps of gradient descent.
        seed: random seed of the initial positions.

    Returns:
        (N, 2) positions in [0, 1].
    """
    count = len(features)
    if count < 4:
        raise InvalidOption(f"a map needs at least 4 images, got {count}")
    probabilities = torch.from_numpy(neighbor_probabilities(_unit(features), min(perplexity, count / 3.0)))
    probabilities = (probabilities + probabilities.T) / (2.0 * count)
    generator = torch.Generator().manual_seed(seed)
    positions = 1e-2 * torch.randn(count, 2, generator=generator, dtype=torch.float64)
    velocity, gains = torch.zeros_like(positions), torch.ones_like(positions)
    rate = max(count / EXAGGERATION / 4.0, 20.0)
    for step in range(steps):
        early = step < EXAGGERATED_STEPS
        gradient = _tsne_gradient(positions, probabilities * EXAGGERATION if early else probabilities)
        same_sign = torch.sign(gradient) == torch.sign(velocity)
        gains = torch.where(same_sign, gains * 0.8, gains + 0.2).clamp(min=MIN_GAIN)
        velocity = (MOMENTUM_START if early else MOMENTUM_END) * velocity - rate * gains * gradient
        positions = positions + velocity
        positions = positions - positions.mean(dim=0)
    low, high = positions.amin(dim=0), positions.amax(dim=0)
    return ((positions - low) / (high - low).clamp(min=1e-12)).numpy().astype(np.float32)


def neighbor_probabilities(features: Features, perplexity: float) -> NDArray[np.float64]:
    """(N, N) conditional probabilities that row i picks column j as its neighbor, at a perplexity."""
    squared = _squared_distances(torch.from_numpy(features).double()).numpy()
    probabilities = np.zeros_like(squared)
    for row in range(len(features)):
        others = np.delete(squared[row], row)
        probabilities[row, np.arange(len(features)) != row] = _probabilities_at(others, perplexity)
    return probabilities


def _tsne_gradient(positions: Tensor, probabilities: Tensor) -> Tensor:
    """(N, 2) gradient of the Kullback-Leibler divergence from the map's probabilities to these."""
    kernel = 1.0 / (1.0 + _squared_distances(positions))
    kernel.fill_diagonal_(0.0)
    pull = (probabilities - kernel / kernel.sum()) * kernel
    return 4.0 * (pull.sum(dim=1, keepdim=True) * positions - pull @ positions)


def _probabilities_at(squared: NDArray[np.float64], perplexity: float) -> NDArray[np.float64]:
    """(n,) Gaussian neighbor probabilities from squared distances; the bandwidth is found by bisection."""
    squared = squared - squared.min()
    low, high, precision = 0.0, np.inf, 1.0 / max(squared.mean(), 1e-12)
    for _ in range(BISECTION_STEPS):
        weights = np.exp(-precision * squared)
        probabilities: NDArray[np.float64] = weights / weights.sum()
        entropy = -(probabilities * np.log(np.maximum(probabilities, 1e-300))).sum()
        if abs(entropy - np.log(perplexity)) < ENTROPY_TOLERANCE:
            break
        if entropy > np.log(perplexity):
            low = precision
            precision = precision * 2.0 if np.isinf(high) else 0.5 * (low + high)
        else:
            high = precision
            precision = 0.5 * (low + high)
    return probabilities


def _squared_distances(points: Tensor) -> Tensor:
    return torch.cdist(points, points, compute_mode="donot_use_mm_for_euclid_dist").square()


def _unit(features: Features) -> Features:
    return features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
