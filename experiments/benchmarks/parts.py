"""Scenes of plain meshes, identical for every renderer of the camera benchmark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.errors import CamshaftError
from camshaft.envs.rendering import Mesh, Scene, SceneState, Surface, decimate, look_at

FOV_DEGREES = 60.0
NEAR, FAR = 0.05, 20.0  # meters
TARGET = np.array([0.35, 0.0, 0.15])


@dataclass(frozen=True)
class Part:
    """One visual mesh of a scene.

    Attributes:
        mesh: in its own frame, scaled.
        pose: (4, 4) world from mesh.
    """

    mesh: Mesh
    pose: NDArray[np.float64]


def camera_poses(count: int) -> NDArray[np.float64]:
    """(count, 4, 4) world from camera, OpenCV axes, around the middle of the scene."""
    angles = np.linspace(-1.2, 1.2, count)
    eyes = TARGET + np.column_stack([1.3 * np.cos(angles), 1.3 * np.sin(angles), np.full(count, 0.75)])
    return np.stack([look_at(eye, TARGET) for eye in eyes])


def primitives() -> list[Part]:
    """A floor with four boxes, four spheres and four cylinders on it."""
    kinds = (
        Mesh.box(0.16, Surface((0.8, 0.3, 0.2))),
        Mesh.sphere(0.09, Surface((0.2, 0.5, 0.8)), 16, 8),
        Mesh.cylinder(0.07, 0.18, Surface((0.3, 0.7, 0.3)), 16),
    )
    parts = [Part(Mesh.grid(4.0, 4.0, Surface((0.6, 0.58, 0.55))), np.eye(4))]
    for number in range(12):
        angle = 2.0 * np.pi * number / 12.0
        radius = 0.3 if number % 2 else 0.5
        pose = np.eye(4)
        pose[:3, 3] = TARGET + np.array([radius * np.cos(angle), radius * np.sin(angle), -0.06])
        parts.append(Part(kinds[number % 3], pose))
    return parts


def decimated(parts: Sequence[Part], faces: int) -> list[Part]:
    """A scene in plain colors with about `faces` triangles, every mesh reduced by the same factor."""
    share = faces / triangles(parts)
    plain = [replace(part.mesh, surfaces=tuple(map(_plain, part.mesh.surfaces))) for part in parts]
    return [
        Part(decimate(mesh, max(12, round(len(mesh.faces) * share))), part.pose)
        for mesh, part in zip(plain, parts, strict=True)
    ]


def triangles(parts: Sequence[Part]) -> int:
    """Triangles of a scene."""
    return sum(len(part.mesh.faces) for part in parts)


def check_images(renderer: str, images: Sequence[Any]) -> None:
    """Check that a renderer's images are not blank.

    Args:
        renderer: name of the renderer.
        images: colors, depth and segmentation.

    Raises:
        CamshaftError: an image has the same value everywhere.
    """
    for name, image in zip(("colors", "depth", "segmentation"), images, strict=True):
        if np.ptp(np.asarray(image)[..., :3]) == 0:
            raise CamshaftError(f"{renderer} renders blank {name}: its figures would be meaningless")


def parts_state(parts: Sequence[Part], num_worlds: int) -> SceneState:
    """A scene in `num_worlds` worlds of our renderer."""
    scene = Scene()
    slots = [scene.add(f"part_{number}", part.mesh) for number, part in enumerate(parts)]
    state = SceneState(scene, num_worlds)
    for slot, part in zip(slots, parts, strict=True):
        state.set_pose(slot, np.tile(part.pose, (num_worlds, 1, 1)))
    return state


def _plain(surface: Surface) -> Surface:
    """The surface in its mean color: decimation loses texture coordinates."""
    if surface.texture is None:
        return surface
    mean = surface.texture.levels[-1].reshape(-1)[:3] / 255.0
    red, green, blue = (float(value) for value in mean * surface.color)
    return Surface((red, green, blue), label=surface.label)
