"""Occlusion of points by the depth buffer of a rendered frame."""

from __future__ import annotations

import numpy as np

from camshaft.envs.kernels import inlined
from camshaft.envs.rendering.cpu.frames import depth_on_ray
from camshaft.envs.rendering.cpu.planes import set_up_triangle
from camshaft.envs.rendering.cpu.visibility import OUTSIDE

TOLERANCE = 0.01  # of the depth, by which a visible point may lie behind the surface


@inlined
def is_occluded(geometry, poses, colors, sun_direction, lens, scratch, x, y, z, column, row, is_sky):  # type: ignore[no-untyped-def]
    """Whether a point in camera axes, or a direction to the sky, is outside the image or behind a surface."""
    if not (column >= -0.5 and row >= -0.5 and column < lens.width - 0.5 and row < lens.height - 0.5):
        return True
    cell = lens.labels.cells[int(row + 0.5), int(column + 0.5)]
    triangle = scratch.triangles[cell]
    if triangle == OUTSIDE:
        return True
    if triangle < 0:
        return False
    if is_sky:
        return True
    surface_depth, point_depth = depths_at_point(
        geometry, poses, colors, sun_direction, lens, scratch, triangle, cell, x, y, z
    )
    return point_depth > surface_depth * (1.0 + TOLERANCE)


@inlined
def depths_at_point(geometry, poses, colors, sun_direction, lens, scratch, triangle, cell, x, y, z):  # type: ignore[no-untyped-def]
    """Depth of a triangle on the ray to a point in camera axes, and of the point, along the axis of the view."""
    if not scratch.traits[triangle]:
        set_up_triangle(geometry, poses, colors, sun_direction, scratch, triangle, False)
    rotation = lens.views.rotations[scratch.rendered[triangle, 4]]
    view_x = rotation[0, 0] * x + rotation[0, 1] * y + rotation[0, 2] * z
    view_y = rotation[1, 0] * x + rotation[1, 1] * y + rotation[1, 2] * z
    view_z = rotation[2, 0] * x + rotation[2, 1] * y + rotation[2, 2] * z
    if view_z <= 0.0:
        return np.inf, view_z
    surface_depth = depth_on_ray(
        scratch.planes[triangle],
        scratch.inverse_depth[cell],
        np.float32(view_x / view_z),
        np.float32(view_y / view_z),
    )
    return np.float64(surface_depth), view_z
