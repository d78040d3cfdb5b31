"""Triangle setup: plane equations of the attributes of a triangle over the image.

Three coefficients times the ray (x, y, 1) of a pixel, in the axes of the triangle's view, give an attribute divided by
depth; the first three give 1/depth itself.
"""

from __future__ import annotations

import numpy as np

from camshaft.envs.kernels import inlined
from camshaft.envs.rendering.geometry import DOUBLE_SIDED, EMISSIVE, UNTINTED

ONE = np.float32(1.0)
HALF = np.float32(0.5)
ZERO = np.float32(0.0)

# Columns of the first coefficient of each attribute, then of the linear albedo.
INVERSE_DEPTH, SUN, UP, U, V, NORMAL, ALBEDO = 0, 3, 6, 9, 12, 15, 24
# Bits of the traits of a rendered triangle; 0 before its setup.
READY, WITH_NORMALS, UNLIT, TEXTURED, SPECULAR = 1, 2, 4, 8, 16


@inlined
def set_up_triangle(geometry, poses, colors, sun_direction, scratch, triangle, normals):  # type: ignore[no-untyped-def]
    """Write the planes and traits of one triangle, with its normals in view axes if wanted or if it is specular.

    SUN is the cosine between the normal and the sun; UP is 0 where the normal points down, 1 where it points up.
    """
    plane = scratch.planes[triangle]
    face, slot = scratch.rendered[triangle, 0], scratch.rendered[triangle, 1]
    base, first = scratch.rendered[triangle, 2], scratch.rendered[triangle, 3]
    surface = geometry.face_surfaces[face]
    flags = geometry.surface_flags[surface]
    traits = READY
    if geometry.surface_specular[surface, 0] > ZERO:
        traits |= SPECULAR
    if normals or traits & SPECULAR:
        traits |= WITH_NORMALS
    if flags & EMISSIVE:
        traits |= UNLIT
    if geometry.surface_textures[surface] > 0:
        traits |= TEXTURED
    scratch.traits[triangle] = traits
    corners, edges, pose = scratch.corners, scratch.edges, poses[slot]
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
    side = ONE
    if flags & DOUBLE_SIDED:  # other triangles are seen from the front
        side = ONE if volume * _orientation(pose) < 0.0 else -ONE
    a, b, c = (
        geometry.faces[face, 0] + first,
        geometry.faces[face, 1] + first,
        geometry.faces[face, 2] + first,
    )
    normal_a = _world_normal(geometry.normals[a], pose, side)
    normal_b = _world_normal(geometry.normals[b], pose, side)
    normal_c = _world_normal(geometry.normals[c], pose, side)
    sun_a, sun_b, sun_c = (
        _dot(normal_a, sun_direction),
        _dot(normal_b, sun_direction),
        _dot(normal_c, sun_direction),
    )
    up_a, up_b, up_c = HALF + HALF * normal_a[2], HALF + HALF * normal_b[2], HALF + HALF * normal_c[2]
    for axis in range(3):
        edge_a = np.float32(edges[0, axis] * scale)
        edge_b = np.float32(edges[1, axis] * scale)
        edge_c = np.float32(edges[2, axis] * scale)
        plane[axis] = edge_a + edge_b + edge_c
        plane[SUN + axis] = edge_a * sun_a + edge_b * sun_b + edge_c * sun_c
        plane[UP + axis] = edge_a * up_a + edge_b * up_b + edge_c * up_c
        if traits & TEXTURED:
            uvs = geometry.uvs
            plane[U + axis] = edge_a * uvs[a, 0] + edge_b * uvs[b, 0] + edge_c * uvs[c, 0]
            plane[V + axis] = edge_a * uvs[a, 1] + edge_b * uvs[b, 1] + edge_c * uvs[c, 1]
        if traits & WITH_NORMALS:
            rotation = scratch.world_from_view[scratch.rendered[triangle, 4]]
            for direction in range(3):
                column = rotation[0, direction], rotation[1, direction], rotation[2, direction]
                plane[NORMAL + 3 * direction + axis] = (
                    edge_a * _dot(column, normal_a)
                    + edge_b * _dot(column, normal_b)
                    + edge_c * _dot(column, normal_c)
                )
    for channel in range(3):
        color = geometry.surface_colors[surface, channel]
        if not flags & UNTINTED:
            color *= colors[slot, channel]
        plane[ALBEDO + channel] = color * color


@inlined
def run_of(row_triangles, column, width):  # type: ignore[no-untyped-def]
    """The triangle that a pixel of a row shows, and the next pixel that shows another one."""
    triangle = row_triangles[np.uint64(column)]
    stop = column + 1
    while stop < width and row_triangles[np.uint64(stop)] == triangle:
        stop += 1
    return triangle, stop


@inlined
def evaluate(plane, column, x, y):  # type: ignore[no-untyped-def]
    """An attribute divided by depth, on the ray (x, y, 1)."""
    return plane[column] * x + plane[column + 1] * y + plane[column + 2]


@inlined
def _dot(first, second):  # type: ignore[no-untyped-def]
    return first[0] * second[0] + first[1] * second[1] + first[2] * second[2]


@inlined
def _orientation(pose):  # type: ignore[no-untyped-def]
    """Determinant of a pose, negative if it mirrors."""
    return (
        pose[0, 0] * (pose[1, 1] * pose[2, 2] - pose[1, 2] * pose[2, 1])
        + pose[0, 1] * (pose[1, 2] * pose[2, 0] - pose[1, 0] * pose[2, 2])
        + pose[0, 2] * (pose[1, 0] * pose[2, 1] - pose[1, 1] * pose[2, 0])
    )


@inlined
def _world_normal(normal, pose, side):  # type: ignore[no-untyped-def]
    """Unit normal in the world frame, on the visible side."""
    x = pose[0, 0] * normal[0] + pose[0, 1] * normal[1] + pose[0, 2] * normal[2]
    y = pose[1, 0] * normal[0] + pose[1, 1] * normal[1] + pose[1, 2] * normal[2]
    z = pose[2, 0] * normal[0] + pose[2, 1] * normal[1] + pose[2, 2] * normal[2]
    length = np.sqrt(x * x + y * y + z * z)
    scale = side / length if length > ZERO else ZERO
    return x * scale, y * scale, z * scale
