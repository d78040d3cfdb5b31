"""Attributes of a triangle as plane equations over the image.

A column of three coefficients, times the ray (x, y, 1) of a pixel in the axes of the triangle's view, gives an
attribute over depth; the first column gives 1/depth itself.
"""

from __future__ import annotations

import numpy as np

from envs.kernels import inlined

ONE = np.float32(1.0)
HALF = np.float32(0.5)
ZERO = np.float32(0.0)

# First columns of the attributes, each three coefficients, then the linear albedo.
WEIGHT, SUN, UP, U, V, NORMAL, ALBEDO = 0, 3, 6, 9, 12, 15, 24
READY, READY_WITH_NORMALS = 1, 2


@inlined
def set_up(geometry, poses, colours, sun_direction, scratch, triangle, normals):  # type: ignore[no-untyped-def]
    """Write the planes of one triangle; of its normals, in view axes, only where asked for.

    SUN is the cosine between normal and sun, UP is 0 where the normal points down and 1 where it points up.
    """
    plane = scratch.planes[triangle]
    plane[:ALBEDO] = ZERO
    face, slot = scratch.drawn[triangle, 0], scratch.drawn[triangle, 1]
    base, first = scratch.drawn[triangle, 2], scratch.drawn[triangle, 3]
    surface = geometry.face_surfaces[face]
    corners, edges = scratch.corners, scratch.edges
    for corner in range(3):
        for axis in range(3):
            corners[corner, axis] = scratch.vertices[geometry.faces[face, corner] + base, axis]
    for corner in range(3):
        after, last = (corner + 1) % 3, (corner + 2) % 3
        edges[corner, 0] = corners[after, 1] * corners[last, 2] - corners[after, 2] * corners[last, 1]
        edges[corner, 1] = corners[after, 2] * corners[last, 0] - corners[after, 0] * corners[last, 2]
        edges[corner, 2] = corners[after, 0] * corners[last, 1] - corners[after, 1] * corners[last, 0]
    volume = corners[0, 0] * edges[0, 0] + corners[0, 1] * edges[0, 1] + corners[0, 2] * edges[0, 2]
    scale = 1.0 / volume if volume != 0.0 else 0.0
    side = ONE if volume < 0.0 else -ONE
    pose, world_from_view = poses[slot], scratch.world_from_view[scratch.drawn[triangle, 4]]
    for corner in range(3):
        vertex = geometry.faces[face, corner] + first
        x, y, z = _world_normal(geometry.normals[vertex], pose, side)
        sun = x * sun_direction[0] + y * sun_direction[1] + z * sun_direction[2]
        up = HALF + HALF * z
        for axis in range(3):
            edge = np.float32(edges[corner, axis] * scale)
            plane[axis] += edge
            plane[SUN + axis] += edge * sun
            plane[UP + axis] += edge * up
            plane[U + axis] += edge * geometry.uvs[vertex, 0]
            plane[V + axis] += edge * geometry.uvs[vertex, 1]
        if normals:
            for direction in range(3):
                turned = (
                    world_from_view[0, direction] * x
                    + world_from_view[1, direction] * y
                    + world_from_view[2, direction] * z
                )
                for axis in range(3):
                    plane[NORMAL + 3 * direction + axis] += np.float32(edges[corner, axis] * scale) * turned
    for channel in range(3):
        colour = geometry.surface_colours[surface, channel] * colours[slot, channel]
        plane[ALBEDO + channel] = colour * colour
    scratch.planes_ready[triangle] = READY_WITH_NORMALS if normals else READY


@inlined
def at(plane, column, x, y):  # type: ignore[no-untyped-def]
    """An attribute over depth on the ray (x, y, 1)."""
    return plane[column] * x + plane[column + 1] * y + plane[column + 2]


@inlined
def _world_normal(normal, pose, side):  # type: ignore[no-untyped-def]
    """Unit normal in the world frame, on the side that is seen."""
    x = pose[0, 0] * normal[0] + pose[0, 1] * normal[1] + pose[0, 2] * normal[2]
    y = pose[1, 0] * normal[0] + pose[1, 1] * normal[1] + pose[1, 2] * normal[2]
    z = pose[2, 0] * normal[0] + pose[2, 1] * normal[1] + pose[2, 2] * normal[2]
    length = np.sqrt(x * x + y * y + z * z)
    share = side / length if length > ZERO else ZERO
    return x * share, y * share, z * share
