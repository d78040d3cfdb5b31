"""Camera rigs: several cameras by name, to give as a task's `camera` option."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from camshaft.envs.errors import InvalidOption
from camshaft.envs.rendering.camera import Camera


def stereo_rig(camera: Camera, baseline: float) -> dict[str, Camera]:
    """A pair of parallel cameras: "left" where the camera is, and "right".

    Args:
        camera: the left one.
        baseline: meters from the left to the right one. A point at depth z is seen f·baseline/z pixels further to the
            left by the right camera.
    """
    if not baseline > 0.0:
        raise InvalidOption(f"the baseline of a stereo rig must be more than 0 meters, got {baseline!r}")
    offset = camera.mount[:3, 0] * baseline
    x, y, z = (np.asarray(camera.position) + offset).tolist()
    return {"left": camera, "right": replace(camera, position=(x, y, z))}


def surround_rig(camera: Camera, count: int = 4, radius: float = 0.0) -> dict[str, Camera]:
    """Cameras that look outwards all around: "view0" as the camera given, the next ones turned to its left.

    Args:
        camera: the first.
        count: how many, evenly spread over the circle.
        radius: meters of the circle on which they stand, the first at its own place.
    """
    if count < 2:
        raise InvalidOption(f"a surround rig has at least 2 cameras, got {count!r}")
    rig = {}
    x, y, z = camera.position
    for index in range(count):
        turn = 2.0 * np.pi * index / count
        place = (float(x + radius * (np.cos(turn) - 1.0)), float(y + radius * np.sin(turn)), z)
        yaw = camera.yaw_degrees + np.degrees(turn)
        rig[f"view{index}"] = replace(
            camera, position=place, yaw_degrees=float((yaw + 180.0) % 360.0 - 180.0)
        )
    return rig
