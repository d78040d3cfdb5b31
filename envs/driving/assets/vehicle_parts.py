"""Parts shared by all vehicles: paint, glass, wheels, number plates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from camshaft.envs.arrays import FloatArray
from camshaft.envs.driving.assets.shapes import Polygon, disc
from camshaft.envs.driving.textures.vehicles import GLASS as GLASS_COLOR
from camshaft.envs.driving.textures.vehicles import SHADOW, side_view, wheel
from camshaft.envs.rendering import Surface

Color = tuple[float, float, float]

PAINT = Surface((1.0, 1.0, 1.0), label="vehicle", specular=0.035, shininess=256)
GLASS = Surface((0.06, 0.07, 0.09), label="vehicle", specular=0.07, shininess=512, tinted=False)
DARK = Surface((0.09, 0.09, 0.10), label="vehicle", tinted=False)
TRIM = Surface((0.16, 0.16, 0.17), label="vehicle", specular=0.03, shininess=32, tinted=False)
CHROME = Surface(
    (0.80, 0.81, 0.83), label="vehicle", specular=0.55, shininess=64, metallic=True, tinted=False
)
TIRE = Surface((0.11, 0.11, 0.115), label="vehicle", tinted=False)
PLATE = Surface((0.92, 0.92, 0.85), label="vehicle", tinted=False)


def wheel_polygons(
    x: float, y: float, radius: float, width: float, spokes: int = 5, corners: int = 12
) -> list[Polygon]:
    """A wheel seen from outside: tread, side with rim, and the dark arch above.

    Args:
        x: meters, position of the axle.
        y: meters, middle of the tire; the visible side faces away from y = 0.
        radius: meters.
        width: meters, width of the tire.
        spokes: number of spokes of the rim.
        corners: number of corners of the tire.
    """
    side = float(np.sign(y))
    outer, inner = y + side * 0.5 * width, y - side * 0.5 * width
    rim = Surface((1.0, 1.0, 1.0), wheel(spokes), "vehicle", tinted=False)
    face, surface, uvs = disc([x, outer, radius], radius / np.cos(np.pi / corners), corners, rim, side)
    face = np.asarray(face)
    back = face * [1.0, 0.0, 1.0] + [0.0, inner, 0.0]
    tread: list[Polygon] = [
        (np.array([face[here - 1], back[here - 1], back[here], face[here]]), TIRE, None)
        for here in range(corners)
    ]
    return [*tread, (face, surface, uvs), wheel_arch(x, outer - side * 0.012, 1.2 * radius, side)]


def wheel_arch(x: float, y: float, radius: float, side: float) -> Polygon:
    """The dark wheel arch of the body, as a flat plate."""
    angles = np.linspace(-0.15, np.pi + 0.15, 8)
    ring = np.column_stack([-side * np.cos(angles), np.zeros(8), np.sin(angles)])
    return np.array([x, y, radius / 1.2]) + radius * ring, DARK, None


def far_wheel(
    x: float, y: float, radius: float, width: float, ahead: float, spokes: int = 5
) -> list[Polygon]:
    """A wheel of few triangles: its side, and its tread as seen from the front (1) or from behind (-1)."""
    side = float(np.sign(y))
    rim = Surface((1.0, 1.0, 1.0), wheel(spokes), "vehicle", tinted=False)
    half, across = 0.5 * width * ahead, x + 0.5 * radius * ahead
    tread = [
        [across, y - half, 0.0],
        [across, y + half, 0.0],
        [across, y + half, radius],
        [across, y - half, radius],
    ]
    return [
        disc([x, y + side * 0.5 * width, radius], radius / np.cos(np.pi / 6), 6, rim, side),
        (tread, TIRE, None),
    ]


def plate(x: float, half_width: float, low: float, high: float) -> Polygon:
    """A license plate at x, facing away from x = 0."""
    y = half_width * np.sign(x)
    return [[x, -y, low], [x, y, low], [x, y, high], [x, -y, high]], PLATE, None


def side_texture(
    length: float,
    height: float,
    axles: Sequence[float],
    radius: float,
    outlines: Sequence[tuple[ArrayLike, Color]] = (),
    tinted: bool = True,
) -> Surface:
    """A surface textured with the left side of a vehicle, see `side_uvs`.

    Args:
        length: meters, length of the vehicle.
        height: meters from the ground to the upper edge of the texture.
        axles: meters, x of each axle.
        radius: meters, radius of the wheels.
        outlines: polygons of (x, z) and their colors; the space between the wheels is already dark up to the hubs.
        tinted: whether the texture takes the color of the paint.
    """
    front = 0.5 * length
    under = [[0.0, 0.0], [length, 0.0], [length, 0.8 * radius], [0.0, 0.8 * radius]]
    turned = [(np.array([front, 0.0]) + np.array(points) * [-1.0, 1.0], color) for points, color in outlines]
    shapes = [(_hashable(points), color) for points, color in ((under, SHADOW), *turned)]
    wheels = tuple((front - x, radius) for x in axles)
    texture = side_view((length, height), wheels, tuple(shapes))
    return Surface((1.0, 1.0, 1.0), texture, "vehicle", specular=0.03, shininess=64, tinted=tinted)


def side_uvs(corners: ArrayLike, length: float, height: float) -> FloatArray:
    """(n, 2) texture coordinates in `side_texture` of corners on a side."""
    points = np.asarray(corners, np.float64)
    return np.column_stack([(0.5 * length - points[:, 0]) / length, points[:, 2] / height])


def side_window(
    front: float, rear: float, low: float, high: float, color: Color = GLASS_COLOR
) -> tuple[ArrayLike, Color]:
    """A window, or a stripe of another color, for `side_texture`."""
    return [[front, low], [rear, low], [rear, high], [front, high]], color


def far_lamps(
    x: float, inner: float, outer: float, low: float, high: float, surface: Surface
) -> list[Polygon]:
    """A triangular lamp on the left, at the front if x is positive, else at the rear."""
    corners = np.array([[x, inner, low], [x, outer, low], [x, outer, high]])
    return [(corners if x > 0.0 else corners[::-1], surface, None)]


def _hashable(points: ArrayLike) -> tuple[tuple[float, float], ...]:
    return tuple((float(x), float(z)) for x, z in np.asarray(points))
