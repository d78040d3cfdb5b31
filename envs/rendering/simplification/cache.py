"""Disk cache of meshes with their levels of detail; a robot takes seconds to simplify and milliseconds to load."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path

import numpy as np

from camshaft.envs.errors import CorruptFile
from camshaft.envs.kernels import cache_root
from camshaft.envs.rendering.meshes.files import load_mesh, read_texture
from camshaft.envs.rendering.meshes.mesh import Mesh
from camshaft.envs.rendering.meshes.surface import Surface
from camshaft.envs.rendering.simplification.levels import detail_levels

WHITE = (1.0, 1.0, 1.0)
# Modules that the result depends on, with all of this folder.
SOURCES = ("meshes/mesh.py", "meshes/normals.py", "meshes/files.py", "meshes/collada.py")
LIBRARIES = ("fast_simplification", "numpy", "scipy", "trimesh")


def load_levels(path: Path, texture: Path | None = None) -> tuple[Mesh, ...]:
    """Load a mesh file with its levels of detail, finest first.

    The result is cached under `cache_root()`, keyed by the content of the files, the code of the simplification and the
    versions of its libraries. An unreadable cache file is written again.

    Args:
        path: mesh file.
        texture: image file of the mesh; None for white.

    Raises:
        CorruptFile: the mesh or the texture is missing or unreadable.
    """
    for file in (path, texture):
        if file is not None and not file.is_file():
            raise CorruptFile(f"no mesh or texture file at {file}")
    changed = tuple(file.stat().st_mtime_ns for file in (path, texture) if file is not None)
    return _load_levels(path, texture, changed)


@lru_cache(maxsize=512)
def _load_levels(path: Path, texture: Path | None, _changed: tuple[int, ...]) -> tuple[Mesh, ...]:
    surface = Surface(WHITE, None if texture is None else read_texture(texture))
    cached = cache_root() / "meshes" / f"{_key(path, texture)}.npz"
    levels = _read(cached, surface)
    if levels is None:
        levels = detail_levels(load_mesh(path, surface))
        with contextlib.suppress(OSError):  # a full or read-only disk only costs time
            _write(cached, levels)
    return levels


def _key(path: Path, texture: Path | None) -> str:
    digest = hashlib.sha256(_code_digest())
    digest.update(path.suffix.lower().encode())
    for file in (path, texture):
        content = b"" if file is None else file.read_bytes()
        digest.update(len(content).to_bytes(8, "little") + content)
    return digest.hexdigest()[:32]


@cache
def _code_digest() -> bytes:
    digest = hashlib.sha256()
    for library in LIBRARIES:
        digest.update(f"{library} {version(library)}\n".encode())
    folder = Path(__file__).parent
    for path in [*(folder.parent / name for name in SOURCES), *sorted(folder.glob("*.py"))]:
        digest.update(path.read_bytes())
    return digest.digest()


def _write(cached: Path, levels: tuple[Mesh, ...]) -> None:
    """Write to a temporary file and rename it, so that other processes never see half a file."""
    cached.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=cached.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(
                file,
                counts=[[len(mesh.positions), len(mesh.faces), len(mesh.surfaces)] for mesh in levels],
                errors=[mesh.error for mesh in levels],
                positions=np.concatenate([mesh.positions for mesh in levels]),
                normals=np.concatenate([mesh.normals for mesh in levels]),  # type: ignore[arg-type]
                uvs=np.concatenate([mesh.uvs for mesh in levels]),  # type: ignore[arg-type]
                faces=np.concatenate([mesh.faces for mesh in levels]),
                face_surfaces=np.concatenate([mesh.face_surfaces for mesh in levels]),  # type: ignore[arg-type]
                colors=np.concatenate([[surface.color for surface in mesh.surfaces] for mesh in levels]),
            )
        os.replace(name, cached)
    except BaseException:
        os.unlink(name)
        raise


def _read(cached: Path, surface: Surface) -> tuple[Mesh, ...] | None:
    """Cached levels, the finest with `surface` and the coarser ones with baked colors; None if there are none."""
    try:
        with cached.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        ends = np.cumsum(arrays["counts"], axis=0)
        levels = []
        for number, (start, end) in enumerate(zip(ends - arrays["counts"], ends, strict=True)):
            vertices, faces, colors = (slice(*span) for span in zip(start, end, strict=True))
            plain = tuple(Surface(tuple(color.tolist())) for color in arrays["colors"][colors])
            levels.append(
                Mesh(
                    arrays["positions"][vertices],
                    arrays["faces"][faces],
                    arrays["normals"][vertices],
                    arrays["uvs"][vertices],
                    arrays["face_surfaces"][faces],
                    (surface,) if number == 0 else plain,
                    float(arrays["errors"][number]),
                )
            )
        return tuple(levels) or None
    except Exception:  # missing or damaged in any way: made again
        return None
