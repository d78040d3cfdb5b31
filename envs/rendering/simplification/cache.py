"""Meshes with their levels of detail, kept on disk: a robot takes seconds to decimate and milliseconds to read back."""

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
MAKERS = (
    "meshes/mesh.py",
    "meshes/files.py",
    "meshes/collada.py",
    "simplification/levels.py",
    "simplification/outer_shell.py",
    "simplification/cache.py",
)


def load_levels(path: Path, texture: Path | None = None) -> tuple[Mesh, ...]:
    """A mesh file in white, or in one texture, and its coarser levels of detail, finest first.

    What has been made is kept under the cache's root, by the content of the files, the code that makes it and the
    libraries that the code uses. A file there that cannot be read is made anew.

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
    kept = cache_root() / "meshes" / f"{_key(path, texture)}.npz"
    levels = _read(kept, surface)
    if levels is None:
        levels = detail_levels(load_mesh(path, surface))
        with contextlib.suppress(OSError):  # a full or read-only disk costs time, no more
            _write(kept, levels)
    return levels


def _key(path: Path, texture: Path | None) -> str:
    digest = hashlib.sha256(_makers())
    digest.update(path.suffix.lower().encode())
    for file in (path, texture):
        content = b"" if file is None else file.read_bytes()
        digest.update(len(content).to_bytes(8, "little") + content)
    return digest.hexdigest()[:32]


@cache
def _makers() -> bytes:
    digest = hashlib.sha256()
    for library in ("fast_simplification", "numpy", "scipy", "trimesh"):
        digest.update(f"{library} {version(library)}\n".encode())
    for name in MAKERS:
        digest.update((Path(__file__).parents[1] / name).read_bytes())
    return digest.digest()


def _write(kept: Path, levels: tuple[Mesh, ...]) -> None:
    """Write under another name first: a reader, or another process that writes, never meets half a file."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=kept.parent, suffix=".part")
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
        os.replace(name, kept)
    except BaseException:
        os.unlink(name)
        raise


def _read(kept: Path, surface: Surface) -> tuple[Mesh, ...] | None:
    """The levels, the first in `surface` and the coarser ones in the colors that it has been turned into."""
    try:
        with kept.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
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
    except Exception:  # whatever is wrong with it, it is made anew
        return None
