"""Camera description: image size, lens, mount, frame rate, rendering quality and sensor."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from camshaft.envs.errors import InvalidOption, check_choice
from camshaft.envs.rendering.rotations import rotation_x, rotation_y, rotation_z
from camshaft.envs.rendering.sensor.sensor import Sensor

MAX_PIXELS_A_SIDE = 8192
MAX_EVERY = 1000
FOV_LIMITS = {"pinhole": (1.0, 170.0), "fisheye": (10.0, 200.0), "cylindrical": (10.0, 360.0)}  # degrees
DISTORTION_SIZES = {"pinhole": (0, 4, 5, 8), "fisheye": (0, 4), "cylindrical": (0,)}

# Columns: the camera's x (right), y (down), z (forward) in a body's frame of x forward, y left, z up.
BODY_FROM_CAMERA = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])


@dataclass(frozen=True)
class Camera:
    """A camera with square pixels, mounted on a body.

    Attributes:
        width: pixels.
        height: pixels.
        fov_degrees: horizontal field of view, ignoring distortion.
        position: meters in the body's frame (x forward, y left, z up).
        roll_degrees: rotation about the optical axis; positive tips the right side of the camera down.
        pitch_degrees: positive looks down.
        yaw_degrees: positive looks left.
        near: meters along the optical axis; nearer surfaces are clipped.
        far: meters; farther objects are culled. Also the depth of the sky.
        lens: "pinhole"; "fisheye" (equidistant): the distance from the image center is proportional to the angle from
            the optical axis, black beyond 100°; "cylindrical": columns are proportional to the azimuth, rows to the
            height divided by the distance from the vertical axis.
        distortion: OpenCV's coefficients: k1, k2, p1, p2[, k3[, k4, k5, k6]] of a pinhole (Brown–Conrady), k1 … k4 of a
            fisheye.
        supersampling: 1, or 2 for colors averaged over 2×2 samples a pixel; labels always have one sample.
        shadow_distance: meters from the camera within which the sun casts shadows; 0 for none.
        every: control steps between frames; in between, the last frame is returned.
        sensor: imperfections of the sensor.
    """

    width: int = 84
    height: int = 84
    fov_degrees: float = 75.0
    position: tuple[float, float, float] = (0.0, 0.0, 0.0)
    roll_degrees: float = 0.0
    pitch_degrees: float = 0.0
    yaw_degrees: float = 0.0
    near: float = 0.1
    far: float = 1000.0
    lens: str = "pinhole"
    distortion: tuple[float, ...] = ()
    supersampling: int = 1
    shadow_distance: float = 0.0
    every: int = 1
    sensor: Sensor = Sensor()

    def __post_init__(self) -> None:
        for name, most in (("width", MAX_PIXELS_A_SIDE), ("height", MAX_PIXELS_A_SIDE), ("every", MAX_EVERY)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 1 <= value <= most:
                raise InvalidOption(f"camera {name} must be a whole number in 1..{most}, got {value!r}")
        if not isinstance(self.sensor, Sensor):
            raise InvalidOption(
                f"camera sensor must be a Sensor or a mapping of its fields, got {self.sensor!r}"
            )
        numbers = [
            self.fov_degrees,
            self.roll_degrees,
            self.pitch_degrees,
            self.yaw_degrees,
            self.near,
            self.far,
            self.shadow_distance,
            *self.distortion,
        ]
        if len(self.position) != 3 or not all(_is_finite(number) for number in [*numbers, *self.position]):
            raise InvalidOption(f"camera angles, distances and position must be finite numbers, got {self!r}")
        check_choice("camera lens", self.lens, FOV_LIMITS)
        lowest, highest = FOV_LIMITS[self.lens]
        if not lowest <= self.fov_degrees <= highest:
            raise InvalidOption(
                f"camera fov_degrees of a {self.lens} lens must be within {lowest:g}..{highest:g}, "
                f"got {self.fov_degrees}"
            )
        if len(self.distortion) not in DISTORTION_SIZES[self.lens]:
            raise InvalidOption(
                f"camera distortion of a {self.lens} lens has {' or '.join(map(str, DISTORTION_SIZES[self.lens]))} "
                f"numbers, got {self.distortion!r}"
            )
        if self.supersampling not in (1, 2):
            raise InvalidOption(f"camera supersampling must be 1 or 2, got {self.supersampling!r}")
        if self.shadow_distance < 0.0:
            raise InvalidOption(f"camera shadow_distance must be at least 0, got {self.shadow_distance}")
        if not 0.0 < self.near < self.far:
            raise InvalidOption(
                f"camera near and far must satisfy 0 < near < far, got {self.near} and {self.far}"
            )

    @classmethod
    def parse(cls, value: Any, default: Camera) -> Camera:
        """A camera from user input.

        Args:
            value: None for `default`, a Camera, (width, height), or a mapping of the fields that differ from it.
            default: the camera to start from.
        """
        if value is None:
            return default
        if isinstance(value, Camera):
            return value
        if isinstance(value, Mapping):
            for name in value:
                check_choice("camera field", name, [field.name for field in fields(cls)])
            changes = dict(value)
            for name in ("position", "distortion"):
                if name in changes:
                    changes[name] = tuple(changes[name])
            if isinstance(changes.get("sensor"), Mapping):
                changes["sensor"] = Sensor.parse(changes["sensor"], default.sensor)
            return replace(default, **changes)
        if isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 2:
            return replace(default, width=value[0], height=value[1])
        raise InvalidOption(
            f"camera must be a Camera, (width, height) or a mapping of its fields, got {value!r}"
        )

    @property
    def focal_length(self) -> float:
        """Pixels per unit of tangent (pinhole) or per radian (fisheye, cylindrical), at the image center."""
        half = 0.5 * math.radians(self.fov_degrees)
        return 0.5 * self.width / (math.tan(half) if self.lens == "pinhole" else half)

    @property
    def intrinsics(self) -> NDArray[np.float64]:
        """(3, 3) camera matrix, OpenCV convention: the center of the first pixel is (0, 0)."""
        focal, column, row = self.focal_length, 0.5 * (self.width - 1), 0.5 * (self.height - 1)
        return np.array([[focal, 0.0, column], [0.0, focal, row], [0.0, 0.0, 1.0]])

    @property
    def mount(self) -> NDArray[np.float64]:
        """(4, 4) body from camera, OpenCV axes."""
        angles = np.radians([self.yaw_degrees, self.pitch_degrees, self.roll_degrees])
        matrix = np.eye(4)
        matrix[:3, :3] = (
            rotation_z(angles[0]) @ rotation_y(angles[1]) @ rotation_x(angles[2]) @ BODY_FROM_CAMERA
        )
        matrix[:3, 3] = self.position
        return matrix


def look_at(position: ArrayLike, target: ArrayLike) -> NDArray[np.float64]:
    """(4, 4) world from camera, OpenCV axes, of a camera at `position` that looks at `target` with z up."""
    position, target = np.asarray(position, np.float64), np.asarray(target, np.float64)
    forward = (target - position) / np.linalg.norm(target - position)
    up = np.array([0.0, 0.0, 1.0]) if abs(forward[2]) < 0.999 else np.array([1.0, 0.0, 0.0])
    right = np.cross(forward, up)
    right /= np.linalg.norm(right)
    matrix = np.eye(4)
    matrix[:3, :3] = np.column_stack([right, np.cross(forward, right), forward])
    matrix[:3, 3] = position
    return matrix


def _is_finite(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool) and math.isfinite(value)
