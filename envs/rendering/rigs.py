"""Camera rigs: mappings of names to cameras for the `camera` option of a task."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from camshaft.envs.errors import InvalidOption
from camshaft.envs.rendering.camera import Camera


def stereo_rig(camera: Camera, baseline: float) -> dict[str, Camera]:
    """A pair of parallel cameras, "left" and "right".

    Args:
        camera: the left camera.
        baseline: meters from the left to the right camera. The disparity of a point at depth z is f·baseline/z pixels.
    """
    if not baseline > 0.0:
        raise InvalidOption(f"the baseline of a stereo rig must be more than 0 meters, got {baseline!r}")
    offset = camera.mount[:3, 0] * baseline
    x, y, z = (np.asarray(camera.position) + offset).tolist()
    return {"left": camera, "right": replace(camera, position=(x, y, z))}


def surround_rig(camera: Camera, count: int = 4, radius: float = 0.0) -> dict[str, Camera]:
    """Cameras that look outward all around: "view0" is `camera`, the next ones are rotated to its left.

    Args:
        camera: the first camera.
        count: number of cameras, evenly spaced over 360°.
        radius: meters, of the circle of the cameras; the position of the first one is unchanged.
    """
    if count < 2:
        raise InvalidOption(f"a surround rig has at least 2 cameras, got {count!r}")
    rig = {}
    x, y, z = camera.position
    for index in range(count):
        angle = 2.0 * np.pi * index / count
        position = (float(x + radius * (np.cos(angle) - 1.0)), float(y + radius * np.sin(angle)), z)
        yaw = camera.yaw_degrees + np.degrees(angle)
        rig[f"view{index}"] = replace(
            camera, position=position, yaw_degrees=float((yaw + 180.0) % 360.0 - 180.0)
        )
    return rig
