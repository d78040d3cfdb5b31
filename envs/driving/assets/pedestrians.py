"""Pedestrian models: whole bodies at phases of the gait, one slot each, and bodies in parts that are posed freely."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving.assets.bodies import BODIES
from camshaft.envs.driving.assets.figures import figures
from camshaft.envs.driving.assets.walk import PARTS, walk_keypoints, walk_poses
from camshaft.envs.rendering import Mesh

WALK_FRAMES = 12  # frames of one stride
STANDING = WALK_FRAMES  # the standing frame


@cache
def pedestrian_frames(body: int) -> list[list[Mesh]]:
    """Variants for `Scene.add`: levels of about 270, 100 and 31 triangles for each frame.

    Frames 0 to WALK_FRAMES - 1 are a stride of `BODIES[body].stride` meters, starting at left heel strike; frame
    STANDING is a standing person. Shirts take the color of the slot.
    """
    poses, _ = _frames(body)
    return [[figure.posed(pose) for figure in figures(body)] for pose in poses]


def frame_keypoints(body: int) -> FloatArray:
    """(WALK_FRAMES + 1, 17, 3) meters, object frame: COCO keypoints of every frame, in the order of `KEYPOINTS`."""
    return _frames(body)[1].copy()


def frame_at(phases: ArrayLike) -> NDArray[np.int64]:
    """The frame nearest to a phase of the gait (rad)."""
    turns = np.asarray(phases, np.float64) / (2.0 * np.pi)
    return np.round(turns * WALK_FRAMES).astype(np.int64) % WALK_FRAMES


@cache
def pedestrian_parts(body: int) -> list[list[Mesh]]:
    """Levels of about 270 and 100 triangles for each of PARTS, to be posed by `walk_poses`."""
    return [[figure.part(number) for figure in figures(body)[:2]] for number in range(len(PARTS))]


@cache
def _frames(body: int) -> tuple[FloatArray, FloatArray]:
    """(13, 12, 4, 4) poses and (13, 17, 3) keypoints."""
    numbers = np.full(WALK_FRAMES + 1, body)
    phases = np.append(2.0 * np.pi * np.arange(WALK_FRAMES) / WALK_FRAMES, 0.0)
    strides = np.append(np.full(WALK_FRAMES, BODIES[body].stride), 0.0)
    poses = walk_poses(numbers, np.zeros((len(numbers), 3)), 0.0, phases, strides)
    return poses, walk_keypoints(numbers, poses)
