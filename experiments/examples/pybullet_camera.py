"""`PyBulletCamera` in a PyBullet simulation of your own: a Panda at a table, from the side and from its hand.

    python -m camshaft.experiments.examples.pybullet_camera

Writes pybullet_camera.png and prints frames per second, compared with PyBullet's TinyRenderer.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pybullet
import pybullet_data
from pybullet_utils.bullet_client import BulletClient

from camshaft.envs.rendering import Camera, PyBulletCamera, look_at

SIZE = 224  # pixels
HAND = 8  # link of the Panda
OUT = Path("pybullet_camera.png")
SECONDS = 1.0  # of one measurement


def main() -> None:
    """Load the scene, render it, and measure."""
    client = BulletClient(pybullet.DIRECT)
    client.setAdditionalSearchPath(pybullet_data.getDataPath())
    client.loadURDF("plane.urdf", (0.0, 0.0, -0.65))
    table = client.loadURDF("table/table.urdf", (0.5, 0.0, -0.65), useFixedBase=True)
    robot = client.loadURDF("franka_panda/panda.urdf", useFixedBase=True)
    for joint, angle in enumerate((0.0, 0.4, 0.0, -1.8, 0.0, 2.2, 0.8)):
        client.resetJointState(robot, joint, angle)
    client.loadURDF("duck_vhacd.urdf", (0.6, 0.05, 0.0), client.getQuaternionFromEuler((1.57, 0.0, 0.5)))

    labels = {robot: "robot", table: "table"}
    side = PyBulletCamera(client, Camera(SIZE, SIZE, 60.0), ("rgb", "depth", "segmentation"), labels)
    hand_mount = Camera(SIZE, SIZE, 75.0, position=(0.08, 0.0, 0.0), pitch_degrees=-90.0, near=0.02)
    hand = PyBulletCamera(client, hand_mount, body=robot, link=HAND)
    pose = look_at((1.3, 0.7, 0.9), (0.35, 0.0, 0.15))

    images = side.render(pose)
    depth = cv2.applyColorMap(np.uint8(255.0 / (1.0 + images["depth"])), cv2.COLORMAP_VIRIDIS)[..., ::-1]
    image = np.concatenate([images["rgb"], hand.render()["rgb"], depth], axis=1)
    cv2.imwrite(str(OUT), np.ascontiguousarray(image[..., ::-1]))
    print(f"{OUT}: {SIZE} × {SIZE} from the side, from the hand, and the depth seen from the side")

    view = client.computeViewMatrix((1.3, 0.7, 0.9), (0.35, 0.0, 0.15), (0.0, 0.0, 1.0))
    projection = client.computeProjectionMatrixFOV(60.0, 1.0, 0.1, 1000.0)
    ours = frames_per_second(lambda: side.render(pose))
    theirs = frames_per_second(
        lambda: client.getCameraImage(
            SIZE, SIZE, view, projection, shadow=0, renderer=pybullet.ER_TINY_RENDERER
        )
    )
    print(f"PyBulletCamera {ours:,.0f} frames/s, TinyRenderer {theirs:,.0f}; each color, depth, segmentation")


def frames_per_second(render: Callable[[], Any]) -> float:
    """Frames per second of a function that renders one frame, after one of warm-up."""
    render()
    start, frames = time.perf_counter(), 0
    while time.perf_counter() - start < SECONDS:
        render()
        frames += 1
    return frames / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
