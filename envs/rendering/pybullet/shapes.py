"""Visual shapes of PyBullet bodies as meshes, with their link, pose and color.

As in PyBullet, a shape has one color, that of the URDF (white for MJCF), which multiplies the first texture that the
materials of an OBJ file name; the colors of these materials are ignored.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.errors import CorruptFile, InvalidOption, check_choice
from camshaft.envs.rendering.meshes.files import read_texture, texture_files
from camshaft.envs.rendering.meshes.labels import LABELS
from camshaft.envs.rendering.meshes.mesh import Mesh
from camshaft.envs.rendering.meshes.surface import Surface, Texture
from camshaft.envs.rendering.pybullet.capsules import capsule_frames
from camshaft.envs.rendering.pybullet.links import pose_matrices
from camshaft.envs.rendering.simplification.cache import load_levels

SPHERE, BOX, CYLINDER, MESH, PLANE, CAPSULE = 2, 3, 4, 5, 6, 7  # pybullet.GEOM_*
WITH_TEXTURES = 1  # pybullet.VISUAL_SHAPE_DATA_TEXTURE_UNIQUE_IDS
PLANE_FILE = Path("plane100.obj")  # PyBullet's mesh of an infinite plane
SEGMENTS = (64, 32, 16, 8)  # around a sphere, cylinder or capsule, finest level of detail first
DEFAULT_LABEL = "object"


@dataclass(frozen=True, eq=False)
class BodyShape:
    """One visual shape of a body.

    Attributes:
        body: PyBullet's id of the body.
        link: number of the link, −1 for the base.
        levels: levels of detail, finest first, in the shape's frame, scaled.
        local: (4, 4) URDF frame of the link from the shape.
        color: factor of the surface colors.
    """

    body: int
    link: int
    levels: tuple[Mesh, ...]
    local: NDArray[np.float64]
    color: tuple[float, float, float]


def shape_rows(client: Any, bodies: Sequence[int]) -> list[Any]:
    """PyBullet's data of the visual shapes of these bodies, one row a shape."""
    return [row for body in bodies for row in client.getVisualShapeData(body, flags=WITH_TEXTURES)]


def read_shapes(
    client: Any,
    rows: Sequence[Any],
    labels: Mapping[int, str] | None = None,
    textures: Mapping[tuple[int, int], str | Path] | None = None,
) -> list[BodyShape]:
    """The shapes of `shape_rows` as meshes, in the same order, without fully transparent ones.

    Args:
        client: client of the rows.
        rows: see `shape_rows`.
        labels: semantic label by body id.
        textures: image file by body id and link, for textures set by `changeVisualShape`, which PyBullet does not
            report.

    Raises:
        CorruptFile: a mesh or a texture is missing or unreadable.

    Warns:
        UserWarning: PyBullet does not provide the data of a shape (height fields, meshes created in memory), or a mesh
            file names a missing texture, which PyBullet ignores too.
    """
    labels, textures = labels or {}, textures or {}
    for body, label in labels.items():
        check_choice(f"label of body {body}", label, LABELS)
    reader = _Reader()
    shapes = []
    opaque = [row for row in rows if row[7][3] > 0.0]
    capsules = iter(capsule_frames(client, [row for row in opaque if row[2] == CAPSULE]))
    for row in opaque:
        body, link, position, orientation, color = row[0], row[1], row[5], row[6], row[7]
        local = next(capsules) if row[2] == CAPSULE else None
        if local is None:
            local = pose_matrices([*position, *orientation])
        levels = reader.levels(row, labels.get(body, DEFAULT_LABEL), textures.get((body, link)))
        if levels:
            shapes.append(BodyShape(body, link, levels, local, tuple(np.clip(color[:3], 0.0, 1.0).tolist())))
    return shapes


class _Reader:
    """Makes the meshes of shapes; equal shapes, such as the legs of a table, share one mesh."""

    def __init__(self) -> None:
        self._levels: dict[Any, tuple[Mesh, ...]] = {}
        self._surfaces: dict[Any, Surface] = {}

    def levels(self, row: Any, label: str, texture: str | Path | None) -> tuple[Mesh, ...]:
        """Levels of detail of a shape; none if PyBullet does not provide its data."""
        key = (row[2], row[3], row[4], label, texture)
        if key not in self._levels:
            self._levels[key] = self._make(row, label, texture)
        return self._levels[key]

    def _make(self, row: Any, label: str, texture: str | Path | None) -> tuple[Mesh, ...]:
        body, link, kind, dimensions, name = row[:5]
        if kind == MESH and name:
            return self._load(_existing(Path(name.decode())), dimensions, label, texture)
        if kind == PLANE:
            return self._load(_existing(PLANE_FILE), (1.0, 1.0, 1.0), label, texture)
        surface = self._surface(
            (1.0, 1.0, 1.0), None if texture is None else read_texture(Path(texture)), label
        )
        if kind == BOX:
            return (Mesh.box(dimensions, surface),)
        if kind in (SPHERE, CYLINDER, CAPSULE) and dimensions[0 if kind == SPHERE else 1] > 0.0:
            return _round_levels(kind, dimensions, surface)
        warnings.warn(
            f"a shape of body {body}, link {link} is not rendered: PyBullet does not provide data of its kind ({kind})",
            stacklevel=6,
        )
        return ()

    def _load(
        self, path: Path, scale: tuple[float, float, float], label: str, texture: str | Path | None
    ) -> tuple[Mesh, ...]:
        if 0.0 in scale:
            raise InvalidOption(f"{path} has a scale of {scale}; no factor may be 0")
        image = _first_texture(path) if texture is None else Path(texture)
        levels = load_levels(path, image)
        labeled = [self._labeled(mesh, label) for mesh in levels]
        return tuple(mesh if scale == (1.0, 1.0, 1.0) else mesh.scaled(scale) for mesh in labeled)

    def _labeled(self, mesh: Mesh, label: str) -> Mesh:
        surfaces = [self._surface(surface.color, surface.texture, label) for surface in mesh.surfaces]
        return replace(mesh, surfaces=tuple(surfaces))

    def _surface(self, color: tuple[float, float, float], texture: Texture | None, label: str) -> Surface:
        return self._surfaces.setdefault((color, texture, label), Surface(color, texture, label))


def _existing(path: Path) -> Path:
    """The file, also searched in PyBullet's data folder, to which some of its paths are relative."""
    if path.is_file():
        return path
    import pybullet_data

    shipped = Path(pybullet_data.getDataPath()) / path
    if not shipped.is_file():
        raise CorruptFile(f"no mesh file at {path}, which PyBullet reports for a shape")
    return shipped


def _first_texture(path: Path) -> Path | None:
    images = texture_files(path)
    if not images:
        return None
    if not images[0].is_file():
        warnings.warn(f"{path} names a texture that is missing: {images[0]}", stacklevel=7)
        return None
    return images[0]


def _round_levels(kind: int, dimensions: Sequence[float], surface: Surface) -> tuple[Mesh, ...]:
    """Levels of detail of a sphere, cylinder or capsule, with fewer and fewer segments."""
    radius = dimensions[0] if kind == SPHERE else dimensions[1]
    makers: dict[int, Callable[[int], Mesh]] = {
        SPHERE: lambda count: Mesh.sphere(radius, surface, count, count // 2),
        CYLINDER: lambda count: Mesh.cylinder(radius, dimensions[0], surface, count),
        CAPSULE: lambda count: Mesh.capsule(radius, dimensions[0], surface, count, count // 2),
    }
    return tuple(
        replace(makers[kind](count), error=radius * (1.0 - math.cos(math.pi / count))) for count in SEGMENTS
    )
