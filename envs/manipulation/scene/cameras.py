"""Cameras of the table: front, overhead and wrist."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from camshaft.envs.arrays import FloatArray
from camshaft.envs.errors import InvalidOption, check_choice
from camshaft.envs.rendering import Camera, parse_cameras
from camshaft.envs.rendering.camera_set import UNNAMED

# World frame: x from the arm to the front edge of the table. The wrist camera looks along the fingers.
TASK_CAMERAS = {
    "front": Camera(
        84, 84, 41.0, position=(0.74, 0.0, 0.55), pitch_degrees=34.0, yaw_degrees=180.0, near=0.05, far=8.0
    ),
    "overhead": Camera(
        84, 84, 46.0, position=(0.06, 0.0, 0.95), pitch_degrees=89.9, yaw_degrees=180.0, near=0.05, far=8.0
    ),
    "wrist": Camera(84, 84, 75.0, position=(0.045, 0.0, 0.065), pitch_degrees=24.0, near=0.02, far=8.0),
}
HAND_CAMERAS = ("wrist",)
HAND_SHARE = 0.2  # displacement of a camera in the hand, as a share of the others'
VIEW = Camera(
    480,
    360,
    48.0,
    position=(1.1, -0.85, 0.85),
    pitch_degrees=22.5,
    yaw_degrees=144.7,
    near=0.05,
    far=8.0,
    supersampling=2,
    shadow_distance=3.0,
)

# From the frame of a mount (x forward, y left, z up) to the hand's, whose z axis points along the fingers.
HAND_FROM_BODY = np.eye(4)
HAND_FROM_BODY[:3, :3] = np.array([[0.0, 0.0, 1.0], [0.0, -1.0, 0.0], [1.0, 0.0, 0.0]])


def parse_table_cameras(value: Any) -> dict[str, Camera]:
    """Cameras by name, from the option `camera`; the default is the front camera.

    Args:
        value: name or names of TASK_CAMERAS, or anything that `parse_cameras` accepts.
    """
    if value is None:
        return {UNNAMED: TASK_CAMERAS["front"]}
    if isinstance(value, str):
        return {UNNAMED: TASK_CAMERAS[check_choice("camera", value, TASK_CAMERAS)]}
    if isinstance(value, Sequence) and value and all(isinstance(name, str) for name in value):
        if len(set(value)) < len(value):
            raise InvalidOption(f"camera {tuple(value)!r} names a camera twice")
        return {name: TASK_CAMERAS[check_choice("camera", name, TASK_CAMERAS)] for name in value}
    return parse_cameras(value, TASK_CAMERAS)


def camera_poses(name: str, camera: Camera, shifts: FloatArray, hands: FloatArray) -> FloatArray:
    """(n, 4, 4) world from camera.

    Args:
        name: name of the camera.
        camera: the camera.
        shifts: (n, 6) displacement: x, y, z in meters; roll, pitch, yaw in degrees.
        hands: (n, 4, 4) world from hand.
    """
    in_hand = name in HAND_CAMERAS or camera == TASK_CAMERAS["wrist"]
    mounts = np.array([_shifted(camera, shift) for shift in (HAND_SHARE if in_hand else 1.0) * shifts])
    return hands @ HAND_FROM_BODY @ mounts if in_hand else mounts


def _shifted(camera: Camera, shift: FloatArray) -> FloatArray:
    """(4, 4) mount of a displaced camera; see `camera_poses`."""
    if not shift.any():
        return np.asarray(camera.mount)
    x, y, z = camera.position
    return np.asarray(
        replace(
            camera,
            position=(x + shift[0], y + shift[1], z + shift[2]),
            roll_degrees=camera.roll_degrees + shift[3],
            pitch_degrees=camera.pitch_degrees + shift[4],
            yaw_degrees=camera.yaw_degrees + shift[5],
        ).mount
    )
