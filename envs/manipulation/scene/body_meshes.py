"""Meshes of bodies, merged from their visible parts."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from camshaft.envs.errors import CorruptFile
from camshaft.envs.manipulation.bodies import Part
from camshaft.envs.rendering import Mesh, Surface, load_mesh


def parts_mesh(parts: Sequence[Part], label: str) -> Mesh | None:
    """One mesh of all visible parts; None if there are none."""
    meshes = [_part_mesh(part, label) for part in parts if part.visible]
    return Mesh.merge(meshes) if meshes else None


@lru_cache(maxsize=4096)
def _part_mesh(part: Part, label: str) -> Mesh:
    surface = Surface(part.color, None, label, specular=0.06, shininess=32, tinted=part.tinted)
    if part.kind == "box":
        mesh = Mesh.box(part.size, surface)
    elif part.kind == "cylinder":
        mesh = Mesh.cylinder(part.size[0], part.size[1], surface, 24)
    elif part.kind == "sphere":
        mesh = Mesh.sphere(part.size[0], surface, 20, 10)
    else:
        if part.file is None or not part.file.is_file():
            raise CorruptFile(f"no mesh file at {part.file}")
        mesh = load_mesh(part.file, surface).scaled(part.size[0])
    return mesh.transformed(part.frame)
