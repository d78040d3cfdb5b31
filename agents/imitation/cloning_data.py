"""What behavior cloning learns from: its checks, its split by episode, its scale."""

from __future__ import annotations

import hashlib
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.errors import InvalidOption

CONSTANT_ACTION = 1e-4  # standard deviation below which an action has no scale of its own


class TrainingData(Protocol):
    """What is learned from; `camshaft.agents.imitation.demonstrations.Demonstrations` is one.

    Attributes:
        images: (M, H, W, 3) uint8.
        actions: (M, A) float32 in [-1, 1].
        episodes: (M,) the episode that each row is from.
        task: id of the task.
        env_options: options of the task that the policy needs.
    """

    images: NDArray[np.uint8]
    actions: NDArray[np.float32]
    episodes: NDArray[np.int64]
    task: str
    env_options: dict[str, Any]


def check_data(data: TrainingData) -> None:
    """Raise InvalidOption unless images, actions and episodes go together."""
    count = len(data.images)
    if data.images.ndim != 4 or data.images.dtype != np.uint8 or count == 0:
        raise InvalidOption(
            f"images of shape {data.images.shape} and dtype {data.images.dtype}: need (M, H, W, 3) uint8"
        )
    if data.actions.ndim != 2 or len(data.actions) != count or len(data.episodes) != count:
        raise InvalidOption(
            f"{count} images need as many rows of actions and episodes, "
            f"got {data.actions.shape} and {data.episodes.shape}"
        )
    if not np.isfinite(data.actions).all():
        raise InvalidOption("actions of the demonstrations are not all finite numbers")


def validation_episodes(episodes: NDArray[np.int64], fraction: float, seed: int) -> NDArray[np.bool_]:
    """Choose whole episodes to hold out.

    Args:
        episodes: (M,) the episode of each row.
        fraction: of the episodes to hold out; at least one unless it is 0.
        seed: the same one holds out the same episodes.

    Returns:
        (M,) whether each row is held out.

    Raises:
        InvalidOption: nothing would be left to learn from.
    """
    names = np.unique(episodes)
    count = max(1, round(fraction * len(names))) if fraction > 0 else 0
    if count >= len(names):
        raise InvalidOption(
            f"validation_fraction {fraction:g} of {len(names)} episodes leaves none to learn from: "
            "collect more episodes or set it to 0"
        )
    chosen = np.random.default_rng(seed).permutation(names)[:count]
    return np.isin(episodes, chosen)


def fingerprint(data: TrainingData) -> str:
    """Tells demonstrations apart without reading every image."""
    digest = hashlib.sha256(str(data.images.shape).encode())
    digest.update(np.ascontiguousarray(data.actions).tobytes())
    digest.update(np.ascontiguousarray(data.episodes).tobytes())
    digest.update(data.images[:: max(1, len(data.images) // 64)].tobytes())
    return digest.hexdigest()


def action_scale(actions: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of each part of the actions, (A,) each; 1 for a part that never changes."""
    std = actions.std(axis=0, dtype=np.float64)
    return actions.mean(axis=0, dtype=np.float64), np.where(std < CONSTANT_ACTION, 1.0, std)
