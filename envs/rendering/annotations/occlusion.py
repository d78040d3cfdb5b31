"""Whether a point can be seen in a picture whose visibility buffer is drawn."""

from __future__ import annotations

import numpy as np

from camshaft.envs.kernels import inlined
from camshaft.envs.rendering.cpu.frames import depth_on_ray
from camshaft.envs.rendering.cpu.planes import set_up
from camshaft.envs.rendering.cpu.visibility import OUTSIDE

TOLERANCE = 0.01  # share of the distance by which a point may lie behind a surface and still be on it


@inlined
def behind_something(geometry, poses, colors, sun, lens, scratch, x, y, z, column, row, sky):  # type: ignore[no-untyped-def]
    """Whether a point in camera axes, or a direction to the sky, is out of the picture or covered there."""
    if not (column >= -0.5 and row >= -0.5 and column < lens.width - 0.5 and row < lens.height - 0.5):
        return True
    cell = lens.labels.cells[int(row + 0.5), int(column + 0.5)]
    triangle = scratch.triangles[cell]
    if triangle == OUTSIDE:
        return True
    if triangle < 0:
        return False
    if sky:
        return True
    there, here = depths_of_point(geometry, poses, colors, sun, lens, scratch, triangle, cell, x, y, z)
    return here > there * (1.0 + TOLERANCE)


@inlined
def depths_of_point(geometry, poses, colors, sun, lens, scratch, triangle, cell, x, y, z):  # type: ignore[no-untyped-def]
    """Depth of a triangle on the ray to a point in camera axes, and of that point, in the triangle's view."""
    if not scratch.traits[triangle]:
        set_up(geometry, poses, colors, sun, scratch, triangle, False)
    turn = lens.views.rotations[scratch.drawn[triangle, 4]]
    view_x = turn[0, 0] * x + turn[0, 1] * y + turn[0, 2] * z
    view_y = turn[1, 0] * x + turn[1, 1] * y + turn[1, 2] * z
    view_z = turn[2, 0] * x + turn[2, 1] * y + turn[2, 2] * z
    if view_z <= 0.0:
        return np.inf, view_z
    there = depth_on_ray(
        scratch.planes[triangle],
        scratch.inverse_depth[cell],
        np.float32(view_x / view_z),
        np.float32(view_y / view_z),
    )
    return np.float64(there), view_z
