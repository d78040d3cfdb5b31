"""Cameras of the table: front, overhead and wrist."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from camshaft.envs.arrays import FloatArray
from camshaft.envs.errors import InvalidOption, check_choice
from camshaft.envs.rendering import Camera, parse_cameras
from camshaft.envs.rendering.camera_set import UNNAMED


def fixed(
    distance: float, height: float, pitch_degrees: float, hfov_degrees: float, pixels: int = 84
) -> Camera:
    """A camera before the table that looks back at the arm.

    Args:
        distance: meters from the middle of the work area along x, which points from the arm to the table's front edge.
        height: meters above the table.
        pitch_degrees: downward.
        hfov_degrees: horizontal field of view.
        pixels: width and height of its images.
    """
    return Camera(
        pixels,
        pixels,
        hfov_degrees,
        position=(distance, 0.0, height),
        pitch_degrees=pitch_degrees,
        yaw_degrees=180.0,
        near=0.05,
        far=8.0,
    )


# The wrist camera looks along the fingers. "overhead" is steep, but not vertical: the hand would hide what is under it.
WRIST = Camera(84, 84, 75.0, position=(0.045, 0.0, 0.065), pitch_degrees=24.0, near=0.02, far=8.0)
TASK_CAMERAS: Mapping[str, Camera] = {
    "front": fixed(0.72, 0.55, 34.5, 34.0),
    "overhead": fixed(0.56, 0.78, 53.0, 34.0),
    "wrist": WRIST,
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


def parse_table_cameras(value: Any, cameras: Mapping[str, Camera] = TASK_CAMERAS) -> dict[str, Camera]:
    """Cameras by name, from the option `camera`; the default is the front camera.

    Args:
        value: name or names of `cameras`, or anything that `parse_cameras` accepts.
        cameras: the task's.
    """
    if value is None:
        return {UNNAMED: cameras["front"]}
    if isinstance(value, str):
        return {UNNAMED: cameras[check_choice("camera", value, cameras)]}
    if isinstance(value, Sequence) and value and all(isinstance(name, str) for name in value):
        if len(set(value)) < len(value):
            raise InvalidOption(f"camera {tuple(value)!r} names a camera twice")
        return {name: cameras[check_choice("camera", name, cameras)] for name in value}
    return parse_cameras(value, cameras)


def camera_poses(name: str, camera: Camera, shifts: FloatArray, hands: FloatArray) -> FloatArray:
    """(n, 4, 4) world from camera.

    Args:
        name: name of the camera.
        camera: the camera.
        shifts: (n, 6) displacement: x, y, z in meters; roll, pitch, yaw in degrees.
        hands: (n, 4, 4) world from hand.
    """
    in_hand = name in HAND_CAMERAS or camera == WRIST
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
