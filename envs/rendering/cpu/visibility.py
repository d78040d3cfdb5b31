"""First pass: the visibility buffer, the nearest triangle of every cell (culling, near-plane clipping, z-buffer)."""

from __future__ import annotations

import numpy as np

from camshaft.envs.kernels import inlined, kernel
from camshaft.envs.rendering.cpu.culling import level_of_detail, list_front_faces, list_visible
from camshaft.envs.rendering.cpu.rasterize import fill_masked, fill_triangle
from camshaft.envs.rendering.geometry import HAS_MASKED, MASKED

SKY = -1  # minus the number of the view: value of cells without a triangle
OUTSIDE = -8  # value of the cell of pixels outside the image circle
NO_TRIANGLE = 8  # values of cells are at least minus this
ZERO = np.float32(0.0)
HALF = np.float32(0.5)


@inlined
def set_view_transforms(camera, lens, scratch):  # type: ignore[no-untyped-def]
    """Write the transforms of the views of a camera, (4, 4) world from camera, to the scratch."""
    for view in range(lens.views.rotations.shape[0]):
        rotation = lens.views.rotations[view]
        for row in range(3):
            for column in range(3):
                total = 0.0
                for inner in range(3):
                    total += camera[row, inner] * rotation[column, inner]
                scratch.world_from_view[view, row, column] = total
                scratch.view_from_world[view, column, row] = total
            scratch.world_from_view[view, row, 3] = camera[row, 3]
        for row in range(3):
            total = 0.0
            for column in range(3):
                total += scratch.view_from_world[view, row, column] * camera[column, 3]
            scratch.view_from_world[view, row, 3] = -total


@kernel
def rasterize_world(geometry, meshes, poses, bounds, lens, scratch):  # type: ignore[no-untyped-def]
    """Fill the visibility buffer, `scratch.inverse_depth` and `scratch.triangles`, for one world and one camera.

    Args:
        geometry: packed geometry.
        meshes: (S,) mesh id of each slot, or −1.
        poses: (S, 3, 4) world from object.
        bounds: (S, 4) bounding spheres, world frame.
        lens: of the camera.
        scratch: buffers; `view_from_world` must be set; `rendered` and `vertices` are filled for the second pass.

    Returns:
        Number of rendered triangles.
    """
    count = base = 0
    for view in range(lens.views.sizes.shape[0]):
        clear_view(view, lens, scratch)
        count, base = rasterize_slots(
            geometry, meshes, poses, bounds, 0, meshes.shape[0], view, lens, scratch, count, base
        )
    return count


@inlined
def clear_view(view, lens, scratch):  # type: ignore[no-untyped-def]
    """Set the cells of a view to sky."""
    first_cell, last_cell = lens.views.offsets[view], lens.views.offsets[view + 1]
    scratch.inverse_depth[first_cell:last_cell] = 0.0
    scratch.triangles[first_cell:last_cell] = SKY - view


@kernel
def rasterize_slots(geometry, meshes, poses, bounds, first, stop, view, lens, scratch, count, base):  # type: ignore[no-untyped-def]
    """Rasterize some slots of a world in one view, into what is there.

    Args:
        geometry: packed geometry.
        meshes: (S,) mesh id of each slot, or −1.
        poses: (S, 3, 4) world from object.
        bounds: (S, 4) bounding spheres, world frame.
        first: first slot.
        stop: end of the slots.
        view: number of the view.
        lens: of the camera.
        scratch: buffers; see `rasterize_world`.
        count: triangles rendered so far.
        base: rows of `scratch.vertices` written so far.

    Returns:
        Both, with those of these slots.
    """
    views = lens.views
    view_from_world, sides, center = scratch.view_from_world[view], views.sides[view], views.centers[view]
    columns, rows = views.sizes[view, 0], views.sizes[view, 1]
    in_view = list_visible(
        meshes[first:stop],
        bounds[first:stop],
        view_from_world,
        lens.near,
        lens.far,
        views.focal,
        sides,
        scratch.visible,
    )
    for index in range(in_view):
        slot = first + scratch.visible[index]
        mesh = level_of_detail(
            bounds[slot],
            view_from_world,
            geometry.mesh_coarser,
            geometry.mesh_pixels,
            meshes[slot],
            lens.near,
            views.focal,
        )
        compose(view_from_world, poses[slot], scratch.view_from_object)
        num_faces = list_front_faces(geometry, mesh, scratch.view_from_object, scratch.front)
        if num_faces == 0:
            continue
        first_vertex, num_vertices = geometry.mesh_ranges[mesh, 0], geometry.mesh_ranges[mesh, 1]
        _transform(
            geometry.positions,
            first_vertex,
            num_vertices,
            views.focal,
            center,
            scratch.view_from_object,
            scratch.vertices,
            base,
        )
        count = _rasterize_faces(
            geometry,
            mesh,
            num_faces,
            base,
            slot,
            view,
            lens.near,
            views.focal,
            center,
            views.offsets[view],
            columns,
            rows,
            scratch,
            count,
        )
        base += num_vertices
    return count, base


@inlined
def compose(left, right, result):  # type: ignore[no-untyped-def]
    """Write the product of two (3, 4) affine matrices."""
    for row in range(3):
        for column in range(4):
            total = np.float32(0.0)
            for inner in range(3):
                total += left[row, inner] * right[inner, column]
            result[row, column] = total
        result[row, 3] += left[row, 3]


@inlined
def _transform(positions, first, count, focal, center, matrix, vertices, base):  # type: ignore[no-untyped-def]
    """Write the vertices of a mesh in the axes of a view, and their projections."""
    m00, m01, m02, m03 = matrix[0, 0], matrix[0, 1], matrix[0, 2], matrix[0, 3]
    m10, m11, m12, m13 = matrix[1, 0], matrix[1, 1], matrix[1, 2], matrix[1, 3]
    m20, m21, m22, m23 = matrix[2, 0], matrix[2, 1], matrix[2, 2], matrix[2, 3]
    focal = np.float32(focal)
    center_x, center_y = np.float32(center[0]), np.float32(center[1])
    for index in range(count):
        x = positions[first + index, 0]
        y = positions[first + index, 1]
        z = positions[first + index, 2]
        camera_x = m00 * x + m01 * y + m02 * z + m03
        camera_y = m10 * x + m11 * y + m12 * z + m13
        camera_z = m20 * x + m21 * y + m22 * z + m23
        inverse = np.float32(1.0) / camera_z
        vertices[base + index, 0] = camera_x
        vertices[base + index, 1] = camera_y
        vertices[base + index, 2] = camera_z
        vertices[base + index, 3] = focal * camera_x * inverse + center_x
        vertices[base + index, 4] = focal * camera_y * inverse + center_y
        vertices[base + index, 5] = inverse


@inlined
def _rasterize_faces(
    geometry,
    mesh,
    num_faces,
    base,
    slot,
    view,
    near,
    focal,
    center,
    first_cell,
    columns,
    rows,
    scratch,
    count,
):  # type: ignore[no-untyped-def]
    """Rasterize the faces of `scratch.front` of a transformed mesh; returns the new number of rendered triangles."""
    vertices, inverse_depth, triangles = scratch.vertices, scratch.inverse_depth, scratch.triangles
    faces, flags, face_surfaces = geometry.faces, geometry.surface_flags, geometry.face_surfaces
    nearest = np.float32(near)
    offset = np.uint64(base)  # unsigned: Numba checks signed indices for negative values
    width, height = np.float32(columns), np.float32(rows)
    masked = geometry.mesh_flags[mesh] & HAS_MASKED
    for index in range(num_faces):
        face = np.uint64(scratch.front[index])
        a = np.uint64(faces[face, 0]) + offset
        b = np.uint64(faces[face, 1]) + offset
        c = np.uint64(faces[face, 2]) + offset
        za, zb, zc = vertices[a, 2], vertices[b, 2], vertices[c, 2]
        if min(za, zb, zc) >= nearest:
            xa, ya = vertices[a, 3], vertices[a, 4]
            xb, yb = vertices[b, 3], vertices[b, 4]
            xc, yc = vertices[c, 3], vertices[c, 4]
            # A single branch: whether a small triangle covers a cell center is unpredictable.
            left = np.ceil(max(min(xa, xb, xc) - HALF, ZERO))
            right = np.ceil(min(max(xa, xb, xc) - HALF, width))
            top = np.ceil(max(min(ya, yb, yc) - HALF, ZERO))
            bottom = np.ceil(min(max(ya, yb, yc) - HALF, height))
            if not ((left < right) & (top < bottom)):
                continue
            if masked and flags[face_surfaces[face]] & MASKED:
                visible = fill_masked(
                    geometry.uvs,
                    geometry.texture_levels[geometry.surface_textures[face_surfaces[face]]],
                    geometry.texels,
                    faces[face],
                    geometry.mesh_ranges[mesh, 0],
                    vertices,
                    base,
                    False,
                    count,
                    first_cell,
                    columns,
                    rows,
                    inverse_depth,
                    triangles,
                )
            else:
                visible = fill_triangle(
                    xa, ya, vertices[a, 5], xb, yb, vertices[b, 5], xc, yc, vertices[c, 5],
                    count, first_cell, columns, rows, inverse_depth, triangles,
                )  # fmt: skip
        else:
            if not max(za, zb, zc) >= nearest or flags[face_surfaces[face]] & MASKED:
                continue
            visible = _rasterize_clipped(
                vertices, a, b, c, near, focal, center, count, scratch.clipped,
                first_cell, columns, rows, inverse_depth, triangles,
            )  # fmt: skip
        if visible:
            scratch.rendered[count, 0] = face
            scratch.rendered[count, 1] = slot
            scratch.rendered[count, 2] = base
            scratch.rendered[count, 3] = geometry.mesh_ranges[mesh, 0]
            scratch.rendered[count, 4] = view
            scratch.traits[count] = 0
            count += 1
    return count


@inlined
def _rasterize_clipped(
    vertices,
    a,
    b,
    c,
    near,
    focal,
    center,
    number,
    polygon,
    first_cell,
    columns,
    rows,
    inverse_depth,
    triangles,
):  # type: ignore[no-untyped-def]
    """Rasterize a triangle clipped at the near plane, with three or four corners (Sutherland and Hodgman, 1974)."""
    corners = (a, b, c)
    count = 0
    for index in range(3):
        here, there = corners[index], corners[(index + 1) % 3]
        z_here, z_there = np.float64(vertices[here, 2]), np.float64(vertices[there, 2])
        if z_here >= near:
            for axis in range(3):
                polygon[count, axis] = vertices[here, axis]
            count += 1
        if (z_here >= near) != (z_there >= near):
            fraction = (near - z_here) / (z_there - z_here)
            for axis in range(2):
                start = np.float64(vertices[here, axis])
                polygon[count, axis] = start + fraction * (np.float64(vertices[there, axis]) - start)
            polygon[count, 2] = near
            count += 1
    for index in range(count):
        inverse = 1.0 / polygon[index, 2]
        polygon[index, 0] = focal * polygon[index, 0] * inverse + center[0]
        polygon[index, 1] = focal * polygon[index, 1] * inverse + center[1]
        polygon[index, 2] = inverse
    visible = False
    for index in range(1, count - 1):
        visible |= fill_triangle(
            polygon[0, 0], polygon[0, 1], polygon[0, 2],
            polygon[index, 0], polygon[index, 1], polygon[index, 2],
            polygon[index + 1, 0], polygon[index + 1, 1], polygon[index + 1, 2],
            number, first_cell, columns, rows, inverse_depth, triangles,
        )  # fmt: skip
    return visible
