"""Rigid transforms: rotations about axes, rotation vectors, and transforms from position and roll, pitch, yaw."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from camshaft.envs.arrays import FloatArray
from camshaft.envs.rendering.rotations import rotation_x, rotation_y, rotation_z


def rigid_transform(
    position: FloatArray | Sequence[float], angles: FloatArray | Sequence[float]
) -> FloatArray:
    """(4, 4) transform of a position (3,) in meters and fixed-axis roll, pitch, yaw (3,) in rad, as in URDF."""
    matrix = np.eye(4)
    matrix[:3, :3] = rotation_z(angles[2]) @ rotation_y(angles[1]) @ rotation_x(angles[0])
    matrix[:3, 3] = position
    return matrix


def rotations_about(axes: FloatArray, angles: FloatArray) -> FloatArray:
    """(N, 3, 3) rotation matrices about unit axes (N, 3) by angles (N,) in rad (Rodrigues' formula)."""
    cross = np.zeros((len(axes), 3, 3))
    cross[:, 0, 1], cross[:, 0, 2], cross[:, 1, 2] = -axes[:, 2], axes[:, 1], -axes[:, 0]
    cross -= cross.transpose(0, 2, 1)
    sine, cosine = np.sin(angles)[:, None, None], np.cos(angles)[:, None, None]
    return np.asarray(np.eye(3) + sine * cross + (1.0 - cosine) * (cross @ cross))


def rotation_vector(rotation: FloatArray) -> FloatArray:
    """(3,) rotation vector in rad of a (3, 3) rotation matrix."""
    axis = 0.5 * np.array(
        [
            rotation[2, 1] - rotation[1, 2],
            rotation[0, 2] - rotation[2, 0],
            rotation[1, 0] - rotation[0, 1],
        ]
    )
    sine = float(np.linalg.norm(axis))
    angle = float(np.arctan2(sine, 0.5 * (np.trace(rotation) - 1.0)))
    return axis * (angle / sine) if sine > 1e-9 else axis
