"""Levels of detail of a mesh: simplified versions with measured errors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from camshaft.envs.rendering.meshes.mesh import Mesh
from camshaft.envs.rendering.simplification.baking import bake_textures
from camshaft.envs.rendering.simplification.decimation import decimate
from camshaft.envs.rendering.simplification.deviation import DeviationMeasure
from camshaft.envs.rendering.simplification.outer_shell import outer_shell

LEVEL_SIZES = tuple(2**power for power in range(12, 3, -1))  # triangles, 4,096 down to 16
MAX_ERROR = 0.5  # of the radius; a coarser mesh no longer resembles the object


def detail_levels(mesh: Mesh) -> tuple[Mesh, ...]:
    """The mesh and coarser levels, finest first, each with about half as many triangles and `Mesh.error` measured.

    Textures of the coarser levels are baked into a few plain colors. A mesh with few triangles, or with a texture that
    a few colors do not reproduce, has no coarser levels.
    """
    plain = bake_textures(mesh)
    radius = 0.5 * float(np.linalg.norm(np.ptp(mesh.positions, axis=0)))
    if plain is None or radius == 0.0:
        return (mesh,)
    plain = outer_shell(plain)
    levels = [mesh]
    measure = DeviationMeasure(plain)
    for size in LEVEL_SIZES:
        if 4 * len(levels[-1].faces) < 5 * size:
            continue
        coarse = decimate(plain if len(levels) == 1 else levels[-1], size, plain)
        error = max(measure(coarse), levels[-1].error, 1e-9 * radius)
        if error > MAX_ERROR * radius:
            break
        if 5 * len(coarse.faces) > 4 * len(levels[-1].faces):
            break
        levels.append(replace(coarse, error=error))
    return tuple(levels)
