"""Image of all manipulation tasks for the docs: each mid-episode, from outside and through its cameras."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from camshaft import envs

SIDE = 150  # pixels
SHOWN = {  # steps of the expert before the images are rendered
    "Reach": 1,
    "Push": 8,
    "Slide": 9,
    "PickAndPlace": 6,
    "Lift": 8,
    "Stack": 16,
    "Stack3": 40,
    "Button": 4,
    "Drawer": 12,
    "Sort": 60,
    "PegInsertion": 16,
    "TidyUp": 24,
    "GraspClutter": 12,
}


@dataclass(frozen=True)
class ManipulationSheetConfig:
    """Render every manipulation task for the documentation.

    For example: python -m camshaft.experiments.docs_media.manipulation_sheet
    """

    out: Path = Path("docs/manipulation.png")
    """Image file to write."""
    seed: int = 3
    """Seed of the episodes."""


def run(config: ManipulationSheetConfig) -> None:
    """Render and write the file."""
    rows = [
        _row(f"camshaft/{name}-v0", steps, config.seed, number)
        for number, (name, steps) in enumerate(SHOWN.items())
    ]
    if len(rows) % 2:
        rows.append(np.full_like(rows[0], 255))
    half = len(rows) // 2
    columns = [np.concatenate(rows[:half]), np.concatenate(rows[half:])]
    image = np.concatenate([columns[0], np.full((len(columns[0]), 8, 3), 255, np.uint8), columns[1]], axis=1)
    config.out.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(config.out), image[:, :, ::-1])
    print(f"Image in {config.out}")


def _row(task: str, steps: int, seed: int, number: int) -> NDArray[np.uint8]:
    size = {"width": SIDE, "height": SIDE}
    simulation = envs.make_simulation(
        task,
        1,
        obs_mode="rgb",
        camera={name: {**size, "supersampling": 2} for name in ("front", "overhead", "wrist")},
        randomize=(None, "train", "test")[number % 3],
    )
    simulation.reset(seeds=[seed])
    for _ in range(steps):
        simulation.step(simulation.expert_action())
    seen = simulation.observe()
    view = cv2.resize(simulation.render_frames([0])[0], (4 * SIDE // 3, SIDE), interpolation=cv2.INTER_AREA)
    images = [view, *(seen[f"{name}/rgb"][0] for name in ("front", "overhead", "wrist"))]
    simulation.close()
    return np.concatenate(images, axis=1)


if __name__ == "__main__":
    import tyro

    run(tyro.cli(ManipulationSheetConfig))
