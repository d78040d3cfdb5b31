"""The pictures of the README: what a task's camera sees with its labels, and the same car from behind.

Run as `python -m experiments.gallery`; writes into docs/.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

from envs import make_simulation
from envs.rendering import LABELS
from envs.simulation import Simulation

TASK = "camshaft/LaneKeeping-v0"
SEEDS = (1, 3, 4, 12)
STEPS = 80  # driven by the expert before the picture is taken
SIZE = 256  # pixels a side of each camera picture
NEAREST, FARTHEST = 2.0, 400.0  # metres, ends of the depth colours

PALETTE = {
    "sky": (150, 190, 235),
    "terrain": (120, 160, 80),
    "road": (95, 90, 100),
    "lane_marking": (250, 250, 250),
    "shoulder": (190, 165, 130),
    "vegetation": (35, 110, 50),
    "building": (200, 90, 70),
    "pole": (240, 200, 60),
    "vehicle": (60, 70, 200),
}


def depth_picture(depth: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(H, W, 3) colours of (H, W) metres: near bright, far dark, on a logarithmic scale."""
    share = np.log(np.clip(depth, NEAREST, FARTHEST) / NEAREST) / np.log(FARTHEST / NEAREST)
    return (mpl.colormaps["magma"](1.0 - share)[..., :3] * 255).astype(np.uint8)


def label_picture(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W, 3) colours of (H, W) semantic ids."""
    colours = np.full((256, 3), 128, np.uint8)
    for name, colour in PALETTE.items():
        colours[LABELS[name]] = colour
    return colours[labels]


def camera_sheet(simulation: Simulation) -> NDArray[np.uint8]:
    """One row a world: from behind, then the camera's colours, depth and labels."""
    seen = simulation.observe()
    assert isinstance(seen, dict)
    rows = []
    for world, behind in enumerate(simulation.render_frames(range(simulation.num_worlds))):
        parts = [
            cv2.resize(
                behind, (behind.shape[1] * SIZE // behind.shape[0], SIZE), interpolation=cv2.INTER_AREA
            ),
            seen["rgb"][world],
            depth_picture(seen["depth"][world, ..., 0]),
            label_picture(seen["segmentation"][world, ..., 0]),
        ]
        rows.append(np.hstack(parts))
    return np.vstack(rows)


def main() -> None:
    """Write docs/cameras.png."""
    camera = {"width": SIZE, "height": SIZE}
    simulation = make_simulation(
        TASK, len(SEEDS), obs_mode="rgb+depth+segmentation", randomize="train", camera=camera
    )
    simulation.reset(seeds=SEEDS)
    for _ in range(STEPS):
        simulation.step(simulation.expert_action())
    path = Path("docs/cameras.png")
    path.parent.mkdir(exist_ok=True)
    cv2.imwrite(str(path), cv2.cvtColor(camera_sheet(simulation), cv2.COLOR_RGB2BGR))
    print(f"wrote {path}")


if __name__ == "__main__":
    main()
