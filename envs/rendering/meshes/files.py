"""Mesh and texture files: triangles, normals, materials and images."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.errors import CorruptFile
from camshaft.envs.rendering.meshes.collada import read_collada
from camshaft.envs.rendering.meshes.mesh import Mesh
from camshaft.envs.rendering.meshes.normals import split_at_creases, unit_normals
from camshaft.envs.rendering.meshes.surface import Surface, Texture

MAX_TEXTURE_SIDE = 1024  # texels
DEFAULT_UV = 0.5  # texture coordinates of parts without any, as in PyBullet
GRAY = 178 / 255


def load_mesh(path: str | Path, surface: Surface | None = None) -> Mesh:
    """Load a mesh file: OBJ, STL, PLY, GLB, DAE or any other format that trimesh reads.

    Args:
        path: the file.
        surface: surface of the whole mesh; by default those of the file's materials, with their colors and textures.

    Raises:
        CorruptFile: the file or a texture that it names is missing or unreadable, or the file has no triangle.
    """
    path = Path(path)
    if not path.is_file():
        raise CorruptFile(f"no mesh file at {path}")
    if surface is None:
        for file in texture_files(path):
            read_texture(file)
    parts = read_collada(path) if path.suffix.lower() == ".dae" else _read(path)
    try:
        return Mesh.merge(_meshes(parts, surface))
    except Exception as error:  # of Mesh or of trimesh
        raise CorruptFile(f"{path} cannot be used as a mesh: {error}") from error


def read_texture(path: Path) -> Texture:
    """Read an image file as a texture: sides rounded to powers of two, rows from the bottom up.

    Raises:
        CorruptFile: the file is missing or not an image.
    """
    if not path.is_file():
        raise CorruptFile(f"no texture file at {path}")
    return _read_texture(path, path.stat().st_mtime_ns)


def texture_files(path: Path) -> list[Path]:
    """Texture images of the materials that an OBJ file uses, in order of use; empty for other formats."""
    if path.suffix.lower() != ".obj":
        return []
    text = path.read_bytes()
    images: dict[bytes, Path] = {}
    for library in re.findall(rb"mtllib[ \t]+([^\r\n]+)", text):
        images.update(_material_images(path.parent / _file_name(library)))
    used = re.findall(rb"usemtl[ \t]+([^\r\n]+)", text)
    return [images[name] for name in dict.fromkeys(map(bytes.strip, used)) if name in images]


def _material_images(library: Path) -> dict[bytes, Path]:
    """Diffuse texture image by material name of an MTL file; empty if the file does not exist."""
    if not library.is_file():
        return {}
    images, name = {}, b""
    for line in library.read_bytes().splitlines():
        word, _, value = line.strip().partition(b" ")
        if word == b"newmtl":
            name = value.strip()
        elif word.lower() == b"map_kd" and value.strip():
            words = value.strip()
            images[name] = library.parent / _file_name(words.split()[-1] if words[:1] == b"-" else words)
    return images


def _file_name(words: bytes) -> str:
    return words.strip().decode("utf-8", "replace").replace("\\", "/")


@lru_cache(maxsize=64)
def _read_texture(path: Path, _modified: int) -> Texture:
    from PIL import Image

    try:
        with Image.open(path) as image:
            return as_texture(image)
    except Exception as error:
        raise CorruptFile(f"{path} cannot be read as a texture: {error}") from error


def as_texture(image: Any) -> Texture:
    """Convert a PIL image to a texture."""
    sides = [min(MAX_TEXTURE_SIDE, 2 ** round(math.log2(side))) for side in image.size]
    texels = np.asarray(image.convert("RGB").resize(sides))[::-1]
    return Texture(np.ascontiguousarray(texels))


def _read(path: Path) -> list[Any]:
    """Parts of a file as trimesh meshes in the file's frame, one a material."""
    import trimesh

    try:
        loaded = trimesh.load(path)
        if isinstance(loaded, trimesh.Scene):
            parts = []
            for node in loaded.graph.nodes_geometry:
                transform, name = loaded.graph[node]
                parts.append(loaded.geometry[name].copy().apply_transform(transform))
        else:
            parts = [loaded]
    except Exception as error:
        raise CorruptFile(f"{path} cannot be read as a mesh: {error}") from error
    parts = [part for part in parts if len(getattr(part, "faces", ())) > 0]
    if not parts:
        raise CorruptFile(f"{path} holds no triangle")
    return parts


def _meshes(parts: Sequence[Any], surface: Surface | None) -> list[Mesh]:
    textured = any(_uvs(part) is not None for part in parts)
    surfaces: dict[int, Surface] = {}
    meshes = []
    for part in parts:
        material = getattr(part.visual, "material", None)
        own = surface or surfaces.setdefault(id(material or part), _surface(part.visual, material))
        uvs = _uvs(part)
        if uvs is None:
            mesh = Mesh(*split_at_creases(part.vertices, part.faces), surfaces=(own,))
            if textured:
                mesh = replace(mesh, uvs=np.full((len(mesh.positions), 2), DEFAULT_UV))
        else:
            mesh = Mesh(part.vertices, part.faces, unit_normals(part.vertex_normals), uvs, surfaces=(own,))
        meshes.append(mesh)
    return meshes


def _uvs(part: Any) -> NDArray[Any] | None:
    uvs = getattr(part.visual, "uv", None)
    if uvs is None or len(uvs) != len(part.vertices):
        return None
    return np.where(np.isfinite(uvs), uvs, DEFAULT_UV)[:, :2]


def _surface(visual: Any, material: Any) -> Surface:
    image = getattr(material, "image", None) or getattr(material, "baseColorTexture", None)
    if image is not None:
        return Surface((1.0, 1.0, 1.0), as_texture(image))
    color = visual.main_color if material is None else material.main_color
    if color is None:
        return Surface((GRAY, GRAY, GRAY))
    red, green, blue = np.asarray(color)[:3] / 255.0
    return Surface((float(red), float(green), float(blue)))
