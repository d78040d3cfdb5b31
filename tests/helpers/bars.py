"""Recorded episodes that a network can learn from at once: frames with a bright bar, whose position is the action."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from camshaft.agents.lerobot.format import Feature
from camshaft.agents.lerobot.observations import FRONT, STATE
from camshaft.agents.lerobot.schema import ACTION, EXPERT_ACTION, EpisodesFile, write_episodes_file
from camshaft.agents.lerobot.writer import DatasetWriter

TASK = "camshaft/LaneKeeping-v0"
EPISODE = 10


def bars(count: int, height: int, width: int, seed: int = 0) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Frames and the actions that they show, (count, 1)."""
    rng = np.random.default_rng(seed)
    actions = rng.uniform(-1.0, 1.0, (count, 1)).astype(np.float32)
    images = rng.integers(0, 120, (count, height, width, 3), dtype=np.uint8)
    half = max(1, width // 25)
    for image, action in zip(images, actions[:, 0], strict=True):
        center = round(half + (action + 1.0) / 2.0 * (width - 1 - 2 * half))
        image[:, center - half : center + half + 1] += 120
    return images, actions


def bars_folder(
    folder: Path,
    count: int = 100,
    size: tuple[int, int] = (36, 36),
    seed: int = 0,
    *,
    choices: int | None = None,
    more_actions: Any = None,
    state_column: bool = False,
) -> Path:
    """A dataset of such frames in episodes of EPISODE rows; what was executed has nothing to do with the label.

    Args:
        folder: of the dataset.
        count: frames, a multiple of EPISODE.
        size: height and width.
        seed: of the frames.
        choices: number of discrete actions that the positions are sorted into; None for continuous ones.
        more_actions: a constant second number of the action.
        state_column: record a vector too, that says the action but for its sign.
    """
    images, actions = bars(count, *size, seed=seed)
    labels: NDArray[Any] = actions
    if more_actions is not None:
        labels = np.concatenate([actions, np.full_like(actions, more_actions)], axis=1)
    if choices is not None:
        labels = np.minimum((actions[:, 0] + 1.0) / 2.0 * choices, choices - 1).astype(np.int64)
    action = Feature("int64") if choices is not None else Feature("float32", labels.shape[1:])
    features = {FRONT: Feature("image", (*size, 3)), ACTION: action, EXPERT_ACTION: action}
    parts = {FRONT: "rgb"}
    if state_column:
        features[STATE], parts[STATE] = Feature("float32", (2,)), "state"
    options = {
        "obs_mode": "+".join(parts.values()),
        "control_mode": "curvature",
        "camera": {"width": size[1]},
    }
    with DatasetWriter(folder, 10, features, task="follow the bar") as writer:
        write_episodes_file(folder, EpisodesFile(TASK, options, parts, 1, {}, choices))
        for start in range(0, count, EPISODE):
            rows = slice(start, start + EPISODE)
            columns = {FRONT: images[rows], ACTION: np.zeros_like(labels[rows]), EXPERT_ACTION: labels[rows]}
            if state_column:
                columns[STATE] = np.repeat(np.abs(actions[rows]), 2, axis=1)
            writer.add_episode(columns)
    return folder
