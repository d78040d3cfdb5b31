"""Sun shadows by a shadow map (Williams, "Casting curved shadows on curved surfaces", 1978).

The map covers the camera's view up to its shadow distance. Only faces that face away from the sun are rendered into it,
so that the faces that receive shadows never shade themselves.
"""

from __future__ import annotations

import math

import numpy as np

from camshaft.envs.kernels import inlined
from camshaft.envs.rendering.camera import Camera
from camshaft.envs.rendering.cpu.culling import MIN_RADIUS, solve
from camshaft.envs.rendering.cpu.rasterize import fill_masked, fill_triangle
from camshaft.envs.rendering.cpu.visibility import compose
from camshaft.envs.rendering.geometry import HAS_MASKED, MASKED, NO_SHADOW

ONE = np.float32(1.0)
ZERO = np.float32(0.0)
HALF = np.float32(0.5)
MIN_SIZE, MAX_SIZE = 128, 1024  # texels a side
DEPTH_RANGE = 500.0  # meters below the camera, along the light, from which on objects cast shadows
BIAS = 0.6  # texels by which a shadow caster must be nearer to the sun
MIN_AXIS_SINE = 0.02  # of the angle between the sun and the optical axis, to align the map with the axis


def shadow_map_size(camera: Camera) -> int:
    """Texels a side of the shadow map for a camera's image: a power of two."""
    wanted = 2 ** math.ceil(math.log2(2 * camera.supersampling * max(camera.width, camera.height)))
    return int(min(max(wanted, MIN_SIZE), MAX_SIZE))


@inlined
def render_shadow_map(geometry, meshes, poses, bounds, camera, distance, sun, lens, scratch):  # type: ignore[no-untyped-def]
    """Fill `scratch.shadow_map` for one world, and the transforms into it.

    Args:
        geometry: packed geometry.
        meshes: as in `visibility.rasterize_world`.
        poses: likewise.
        bounds: likewise.
        camera: (4, 4) world from camera.
        distance: shadow distance, meters.
        sun: (3,) unit, toward the sun.
        lens: of the camera.
        scratch: buffers; `world_from_view` must be set.

    Returns:
        The bias in meters.
    """
    size = int(math.sqrt(float(scratch.shadow_map.shape[0])) + 0.5)
    shadow_map, triangles = scratch.shadow_map, scratch.shadow_triangles
    shadow_map[:] = 0.0
    light = scratch.light_from_world
    scale_x, scale_y = _fit(camera, distance, sun, lens, size, light)
    matrix, vertices = scratch.view_from_object, scratch.vertices
    faces, flags, face_surfaces = geometry.faces, geometry.surface_flags, geometry.face_surfaces
    limit = np.float32(size)
    for slot in range(meshes.shape[0]):
        mesh = meshes[slot]
        if mesh < 0 or geometry.mesh_flags[mesh] & NO_SHADOW:
            continue
        sphere = bounds[slot]
        across, down = np.float32(sphere[3] * scale_x), np.float32(sphere[3] * scale_y)
        radius = min(across, down)
        if radius < MIN_RADIUS:
            continue
        column = light[0, 0] * sphere[0] + light[0, 1] * sphere[1] + light[0, 2] * sphere[2] + light[0, 3]
        row = light[1, 0] * sphere[0] + light[1, 1] * sphere[1] + light[1, 2] * sphere[2] + light[1, 3]
        if not (column > -across and column < limit + across and row > -down and row < limit + down):
            continue
        while geometry.mesh_coarser[mesh] >= 0 and radius < geometry.mesh_pixels[mesh]:
            mesh = geometry.mesh_coarser[mesh]
        num_faces = _list_faces_away(geometry, mesh, poses[slot], sun, scratch.front)
        if num_faces == 0:
            continue
        compose(light, poses[slot], matrix)
        first, count = geometry.mesh_ranges[mesh, 0], geometry.mesh_ranges[mesh, 1]
        for index in range(np.uint64(count)):
            vertex = np.uint64(first) + index
            x, y, z = (
                geometry.positions[vertex, 0],
                geometry.positions[vertex, 1],
                geometry.positions[vertex, 2],
            )
            for axis in range(3):
                vertices[index, 3 + axis] = (
                    matrix[axis, 0] * x + matrix[axis, 1] * y + matrix[axis, 2] * z + matrix[axis, 3]
                )
        masked = geometry.mesh_flags[mesh] & HAS_MASKED
        for index in range(num_faces):
            face = np.uint64(scratch.front[index])
            a, b, c = np.uint64(faces[face, 0]), np.uint64(faces[face, 1]), np.uint64(faces[face, 2])
            if masked and flags[face_surfaces[face]] & MASKED:
                fill_masked(
                    geometry.uvs,
                    geometry.texture_levels[geometry.surface_textures[face_surfaces[face]]],
                    geometry.texels,
                    faces[face],
                    first,
                    vertices,
                    0,
                    True,
                    0,
                    0,
                    size,
                    size,
                    shadow_map,
                    triangles,
                )
                continue
            xa, ya = vertices[a, 3], vertices[a, 4]
            xb, yb = vertices[b, 3], vertices[b, 4]
            xc, yc = vertices[c, 3], vertices[c, 4]
            left = np.ceil(max(min(xa, xb, xc) - HALF, ZERO))
            right = np.ceil(min(max(xa, xb, xc) - HALF, limit))
            top = np.ceil(max(min(ya, yb, yc) - HALF, ZERO))
            bottom = np.ceil(min(max(ya, yb, yc) - HALF, limit))
            if (left < right) & (top < bottom):
                fill_triangle(
                    xa, ya, vertices[a, 5], xb, yb, vertices[b, 5], xc, yc, vertices[c, 5],
                    0, 0, size, size, shadow_map, triangles,
                )  # fmt: skip
    for view in range(lens.views.sizes.shape[0]):
        compose(light, scratch.world_from_view[view], scratch.light_from_view[view])
    return np.float32(BIAS * max(1.0 / scale_x, 1.0 / scale_y))


@inlined
def _list_faces_away(geometry, mesh, pose, sun, faces):  # type: ignore[no-untyped-def]
    """Write the faces of a mesh that face away from the sun or are double-sided; returns their number."""
    x, y, z = solve(pose, sun[0], sun[1], sun[2])
    planes = geometry.face_planes
    first, stop = geometry.mesh_ranges[mesh, 2], geometry.mesh_ranges[mesh, 2] + geometry.mesh_ranges[mesh, 3]
    count = np.uint64(0)
    for face in range(np.uint64(first), np.uint64(stop)):
        rise = planes[face, 0] * x + planes[face, 1] * y + planes[face, 2] * z
        faces[count] = face
        count += np.uint64(rise <= ZERO)
    return count


@inlined
def sunlit(x, y, z, matrix, shadow_map, size, bias):  # type: ignore[no-untyped-def]
    """Fraction of sunlight that reaches a point in view axes, interpolated between the four nearest texels."""
    column = matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2] * z + matrix[0, 3] - HALF
    row = matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2] * z + matrix[1, 3] - HALF
    limit = np.float32(size - 1)
    if not (column >= ZERO and row >= ZERO and column < limit and row < limit):
        return ONE
    height = matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2] * z + matrix[2, 3] + bias
    left, top = np.int64(column), np.int64(row)
    fraction_x, fraction_y = column - np.float32(left), row - np.float32(top)
    above = np.uint64(top * size + left)
    below = above + np.uint64(size)
    one = np.uint64(1)
    upper_left = ONE if shadow_map[above] <= height else ZERO
    upper_right = ONE if shadow_map[above + one] <= height else ZERO
    lower_left = ONE if shadow_map[below] <= height else ZERO
    lower_right = ONE if shadow_map[below + one] <= height else ZERO
    upper = upper_left + fraction_x * (upper_right - upper_left)
    lower = lower_left + fraction_x * (lower_right - lower_left)
    return upper + fraction_y * (lower - upper)


@inlined
def _fit(camera, distance, sun, lens, size, light):  # type: ignore[no-untyped-def]
    """Write the transform from the world into a map that covers the camera's view; returns its texels per meter."""
    sx, sy, sz = np.float64(sun[0]), np.float64(sun[1]), np.float64(sun[2])
    # Rows of the map follow the optical axis as seen from the sun, columns its right side.
    ax, ay, az = camera[0, 2], camera[1, 2], camera[2, 2]
    along = ax * sx + ay * sy + az * sz
    dx, dy, dz = ax - along * sx, ay - along * sy, az - along * sz
    length = math.sqrt(dx * dx + dy * dy + dz * dz)
    if length < MIN_AXIS_SINE:
        ax, ay, az = camera[0, 1], camera[1, 1], camera[2, 1]
        along = ax * sx + ay * sy + az * sz
        dx, dy, dz = ax - along * sx, ay - along * sy, az - along * sz
        length = math.sqrt(dx * dx + dy * dy + dz * dz)
    dx, dy, dz = dx / length, dy / length, dz / length
    rx, ry, rz = sy * dz - sz * dy, sz * dx - sx * dz, sx * dy - sy * dx
    low_x, high_x, low_y, high_y = 0.0, 0.0, 0.0, 0.0
    wide = lens.radial == 1
    half_x = 0.5 * lens.width / lens.optics.focal
    half_y = 0.5 * lens.height / lens.optics.focal
    for corner in range(8):
        right = 1.0 if corner & 1 else -1.0
        down = 1.0 if corner & 2 else -1.0
        if wide:
            cx, cy, cz = right, down, (1.0 if corner & 4 else -1.0)
        else:
            cx, cy, cz = right * half_x, down * half_y, 1.0
        px = distance * (camera[0, 0] * cx + camera[0, 1] * cy + camera[0, 2] * cz)
        py = distance * (camera[1, 0] * cx + camera[1, 1] * cy + camera[1, 2] * cz)
        pz = distance * (camera[2, 0] * cx + camera[2, 1] * cy + camera[2, 2] * cz)
        x, y = px * rx + py * ry + pz * rz, px * dx + py * dy + pz * dz
        low_x, high_x = min(low_x, x), max(high_x, x)
        low_y, high_y = min(low_y, y), max(high_y, y)
    margin = 0.02 * distance
    low_x, high_x, low_y, high_y = low_x - margin, high_x + margin, low_y - margin, high_y + margin
    scale_x, scale_y = size / (high_x - low_x), size / (high_y - low_y)
    eye_x = camera[0, 3] * rx + camera[1, 3] * ry + camera[2, 3] * rz
    eye_y = camera[0, 3] * dx + camera[1, 3] * dy + camera[2, 3] * dz
    eye_z = camera[0, 3] * sx + camera[1, 3] * sy + camera[2, 3] * sz
    # Whole texels, so that shadows do not crawl as the camera moves.
    shift_x = math.floor((-low_x - eye_x) * scale_x)
    shift_y = math.floor((-low_y - eye_y) * scale_y)
    light[0, 0], light[0, 1], light[0, 2], light[0, 3] = rx * scale_x, ry * scale_x, rz * scale_x, shift_x
    light[1, 0], light[1, 1], light[1, 2], light[1, 3] = dx * scale_y, dy * scale_y, dz * scale_y, shift_y
    light[2, 0], light[2, 1], light[2, 2], light[2, 3] = sx, sy, sz, DEPTH_RANGE - eye_z
    return scale_x, scale_y
