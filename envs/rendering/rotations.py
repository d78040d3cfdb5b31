"""Rotation matrices about the coordinate axes, by the right-hand rule."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def rotation_x(angle: float) -> NDArray[np.float64]:
    """(3, 3) rotation by `angle` radians about x."""
    cosine, sine = math.cos(angle), math.sin(angle)
    return np.array([[1.0, 0.0, 0.0], [0.0, cosine, -sine], [0.0, sine, cosine]])


def rotation_y(angle: float) -> NDArray[np.float64]:
    """(3, 3) rotation by `angle` radians about y; positive tips x down when z is up."""
    cosine, sine = math.cos(angle), math.sin(angle)
    return np.array([[cosine, 0.0, sine], [0.0, 1.0, 0.0], [-sine, 0.0, cosine]])


def rotation_z(angle: float) -> NDArray[np.float64]:
    """(3, 3) rotation by `angle` radians about z."""
    cosine, sine = math.cos(angle), math.sin(angle)
    return np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])
