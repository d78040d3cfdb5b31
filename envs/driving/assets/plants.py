"""Trees and bushes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from camshaft.envs.driving import textures
from camshaft.envs.driving.assets.shapes import blob, lathe, turned, with_surface
from camshaft.envs.rendering import Mesh, Surface


def conifer(variant: int, cut_out: bool = False) -> list[Mesh]:
    """A spruce, about 10 m high: levels of about 60, 20 and 10 triangles.

    Args:
        variant: below `textures.NUM_VARIANTS`.
        cut_out: whether to prepend a finer level of about 110 triangles with cut-out branches.
    """
    rng = np.random.default_rng([1, variant])
    crown = Surface((1.0, 1.0, 1.0), textures.needles(variant), "vegetation")
    trunk = Surface((1.0, 1.0, 1.0), textures.bark(variant), "vegetation")
    radius, height, foot = rng.uniform(1.7, 2.6), rng.uniform(8.5, 12.0), rng.uniform(0.8, 1.6)
    levels = foot + (height - foot) * np.array([1.0, 0.66, 0.72, 0.36, 0.43, 0.0])
    widths = radius * np.array([0.0, 0.55, 0.26, 0.8, 0.42, 1.0])
    fine = lathe(np.column_stack([widths, levels]), 6, crown, (3.0, 3.0))
    stem = lathe([[0.16, foot + 0.8], [0.24, -0.5]], 4, trunk)
    middle = lathe(np.column_stack([widths, levels])[[0, 3, 4, 5]], 4, crown, (3.0, 3.0))
    coarse = lathe([[0.0, height], [0.85 * radius, foot]], 4, crown, (3.0, 3.0))
    post = lathe([[0.2, foot], [0.2, -0.5]], 3, trunk)
    solid = [Mesh.merge([fine, stem]), Mesh.merge([middle, post]), Mesh.merge([coarse, post])]
    return [_branched_conifer(variant, radius, height, foot, trunk), *solid] if cut_out else solid


def _branched_conifer(variant: int, radius: float, height: float, foot: float, trunk: Surface) -> Mesh:
    """Whorls of cut-out branches around a trunk."""
    fringe = Surface((1.0, 1.0, 1.0), textures.needle_fringe(variant), "vegetation", double_sided=True)
    whorls, parts = 6, [lathe([[0.03, height - 0.3], [0.24, -0.5]], 4, trunk)]
    for whorl in range(whorls):
        low, high = whorl / whorls, min((whorl + 1.9) / whorls, 1.0)
        outer, inner = radius * (1.08 - low) ** 0.9, 0.25 * radius * (1.0 - high)
        ends = [[inner, foot + high * (height - foot)], [outer, foot + low * (height - foot)]]
        skirt = lathe(ends, 8, fringe, (max(1.0, round(3.0 * (1.0 - 0.6 * low))), 1.0))
        parts.append(skirt.transformed(turned(2.4 * whorl)))
    return Mesh.merge(parts)


def broadleaf(variant: int, cut_out: bool = False) -> list[Mesh]:
    """An oak or poplar, about 9 m high: levels of about 70, 26 and 14 triangles.

    Args:
        variant: below `textures.NUM_VARIANTS`.
        cut_out: whether to prepend a finer level of about 130 triangles with cut-out leaves around it.
    """
    rng = np.random.default_rng([2, variant])
    crown = Surface((1.0, 1.0, 1.0), textures.leaves(variant), "vegetation")
    trunk = Surface((1.0, 1.0, 1.0), textures.bark(variant), "vegetation")
    slender = 0.55 if variant % 4 == 3 else 1.0
    width, depth = slender * rng.uniform(2.4, 3.3), rng.uniform(2.4, 3.2) / slender**0.6
    middle_height = rng.uniform(1.6, 2.2) + depth
    main = blob(rng, 0.28).scaled([width, width, depth]).translated([0.0, 0.0, middle_height])
    clumps = [main]
    for _ in range(2):
        angle, size = rng.uniform(0.0, 2.0 * np.pi), rng.uniform(0.5, 0.68)
        height = middle_height + depth * rng.uniform(-0.3, 0.4)
        shift = [0.6 * width * np.cos(angle), 0.6 * width * np.sin(angle), height]
        clumps.append(blob(rng, 0.3).scaled([size * width, size * width, size * depth]).translated(shift))
    clumps = [with_surface(clump, crown) for clump in clumps]
    stem = lathe([[0.17, middle_height], [0.27, -0.5]], 4, trunk)
    post = lathe([[0.22, middle_height], [0.22, -0.5]], 3, trunk)
    ball = lathe(
        [[0.0, depth], [0.95 * width, 0.2 * depth], [0.6 * width, -0.8 * depth]], 4, crown, (2.0, 2.0)
    )
    coarse = ball.translated([0.0, 0.0, middle_height])
    solid = [
        Mesh.merge([*clumps, stem]),
        Mesh.merge([with_surface(main.scaled([1.1, 1.1, 1.0]), crown), post]),
        Mesh.merge([coarse, post]),
    ]
    if not cut_out:
        return solid
    return [Mesh.merge([*(part for clump in clumps for part in _leafy(clump, variant)), stem]), *solid]


def bush(variant: int, cut_out: bool = False) -> list[Mesh]:
    """A bush, about 1.5 m high.

    Args:
        variant: below `textures.NUM_VARIANTS`.
        cut_out: whether to prepend a finer level of 40 triangles with cut-out leaves around it.
    """
    rng = np.random.default_rng([3, variant])
    surface = Surface((0.9, 0.95, 0.85), textures.leaves(variant), "vegetation")
    fine = with_surface(blob(rng, 0.3).scaled([1.2, 1.1, 0.85]).translated([0.0, 0.0, 0.5]), surface)
    coarse = lathe([[0.0, 1.3], [1.1, 0.4], [0.9, -0.3]], 4, surface)
    return [Mesh.merge(_leafy(fine, variant)), fine, coarse] if cut_out else [fine, coarse]


def _leafy(clump: Mesh, variant: int) -> list[Mesh]:
    """A slightly shrunken clump, surrounded by leaves with gaps between them."""
    cover = Surface(clump.surfaces[0].color, textures.leaf_cover(variant), "vegetation")
    center = clump.positions.mean(axis=0)
    inner = clump.translated(-center).scaled(0.93).translated(center)
    outer = clump.translated(-center).scaled(1.06).translated(center)
    shifts = np.repeat(np.random.default_rng([5, variant]).random((len(clump.faces), 2)), 3, axis=0)
    return [
        inner,
        replace(
            outer, uvs=2.4 * np.asarray(clump.uvs, np.float32) + shifts.astype(np.float32), surfaces=(cover,)
        ),
    ]
