"""First pass: which triangle each pixel sees (culling, near-plane clipping, z-buffer)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.kernels import inlined, kernel
from envs.rendering.lens import Lens

DOUBLE_SIDED = 1  # surface flags
EMISSIVE = 2
MASKED = 4
METALLIC = 8
HAS_MASKED = 1  # mesh flags
NO_SHADOW = 2
SKY = -1  # less the number of the view: what cells hold that no triangle covers
OUTSIDE = -1000  # what pixels outside the image circle look at
SMALLEST = 0.4  # pixels of radius; what is smaller would only flicker
SLIVER = 1e-3  # square pixels; the slopes of a smaller triangle are not to be trusted
LIMIT = 1e15  # square pixels; a triangle of a larger area (or NaN) is not drawn


class Scratch(NamedTuple):
    """Buffers of one thread, made once: nothing is allocated per frame."""

    inverse_depth: NDArray[np.float32]  # (cells + 1,) 1/z of the nearest surface, 0 for sky
    triangles: NDArray[np.int32]  # (cells + 1,) row in the lists of drawn triangles, SKY − view, or OUTSIDE
    vertices: NDArray[np.float32]  # (V, 6) view x, y, z, then cell x, y and 1/z
    drawn: NDArray[
        np.int32
    ]  # (F, 5) face, slot, what to add to its indices for `vertices` and for the mesh, view
    planes: NDArray[np.float32]  # (F, 27) see shading
    planes_ready: NDArray[np.uint8]  # (F,)
    clipped: NDArray[np.float64]  # (4, 3) corners of a triangle cut at the near plane
    view_from_world: NDArray[np.float32]  # (views, 3, 4)
    world_from_view: NDArray[np.float32]  # (views, 3, 4)
    view_from_object: NDArray[np.float32]  # (3, 4)
    corners: NDArray[np.float64]  # (3, 3) of the triangle being set up
    edges: NDArray[np.float64]  # (3, 3)
    light: NDArray[np.float32]  # (3, W) linear light of a row of samples
    total: NDArray[np.float32]  # (3, W) linear light of a row of pixels, where samples are several
    shade: NDArray[np.float32]  # (W,) share of the sun that arrives at each sample of a row
    shadow_map: NDArray[np.float32]  # (S · S,) height towards the sun of what casts a shadow
    shadow_triangles: NDArray[np.int32]  # (S · S,)
    light_from_world: NDArray[
        np.float32
    ]  # (3, 4) column and row of the shadow map, and height towards the sun
    light_from_view: NDArray[np.float32]  # (views, 3, 4)
    lamps: NDArray[np.float32]  # (L, views, 11) position, direction, light and cone in view axes


def make_scratch(lens: Lens, max_vertices: int, max_faces: int, shadow_size: int, num_lamps: int) -> Scratch:
    """Buffers for frames of this lens and worlds that show at most so much."""
    views = len(lens.views.sizes)
    cells = int(lens.views.offsets[-1]) + 1
    width = lens.shading.cells.shape[1]
    return Scratch(
        inverse_depth=np.zeros(cells, np.float32),
        triangles=np.full(cells, OUTSIDE, np.int32),
        vertices=np.zeros((views * max_vertices, 6), np.float32),
        drawn=np.zeros((views * max_faces, 5), np.int32),
        planes=np.zeros((views * max_faces, 27), np.float32),
        planes_ready=np.zeros(views * max_faces, np.uint8),
        clipped=np.zeros((4, 3), np.float64),
        view_from_world=np.zeros((views, 3, 4), np.float32),
        world_from_view=np.zeros((views, 3, 4), np.float32),
        view_from_object=np.zeros((3, 4), np.float32),
        corners=np.zeros((3, 3), np.float64),
        edges=np.zeros((3, 3), np.float64),
        light=np.zeros((3, width), np.float32),
        total=np.zeros((3, lens.width), np.float32),
        shade=np.ones(width, np.float32),
        shadow_map=np.zeros(shadow_size * shadow_size, np.float32),
        shadow_triangles=np.zeros(shadow_size * shadow_size, np.int32),
        light_from_world=np.zeros((3, 4), np.float32),
        light_from_view=np.zeros((views, 3, 4), np.float32),
        lamps=np.zeros((num_lamps, views, 11), np.float32),
    )


@inlined
def place_views(camera, lens, scratch):  # type: ignore[no-untyped-def]
    """Write where the views of a camera, (4, 4) world from camera, stand."""
    for view in range(lens.views.rotations.shape[0]):
        turn = lens.views.rotations[view]
        for row in range(3):
            for column in range(3):
                total = 0.0
                for inner in range(3):
                    total += camera[row, inner] * turn[column, inner]
                scratch.world_from_view[view, row, column] = total
                scratch.view_from_world[view, column, row] = total
            scratch.world_from_view[view, row, 3] = camera[row, 3]
        for row in range(3):
            total = 0.0
            for column in range(3):
                total += scratch.view_from_world[view, row, column] * camera[column, 3]
            scratch.view_from_world[view, row, 3] = -total


@kernel
def draw_world(geometry, meshes, poses, bounds, lens, scratch):  # type: ignore[no-untyped-def]
    """Fill `scratch.inverse_depth` and `scratch.triangles` with what one camera sees of one world.

    Args:
        geometry: packed meshes.
        meshes: (S,) mesh id of each slot, or −1.
        poses: (S, 3, 4) world from object.
        bounds: (S, 4) bounding spheres, world frame.
        lens: of the camera.
        scratch: buffers; `view_from_world` is set, `drawn` and `vertices` are filled for the second pass.

    Returns:
        Number of triangles drawn.
    """
    views = lens.views
    inverse_depth, triangles = scratch.inverse_depth, scratch.triangles
    drawn = 0
    base = 0
    for view in range(views.sizes.shape[0]):
        first_cell, last_cell = views.offsets[view], views.offsets[view + 1]
        inverse_depth[first_cell:last_cell] = 0.0
        triangles[first_cell:last_cell] = SKY - view
        view_from_world, sides, centre = scratch.view_from_world[view], views.sides[view], views.centres[view]
        columns, rows = views.sizes[view, 0], views.sizes[view, 1]
        for slot in range(meshes.shape[0]):
            mesh = meshes[slot]
            if mesh < 0:
                continue
            mesh = _visible_level(
                bounds[slot],
                view_from_world,
                geometry.mesh_coarser,
                geometry.mesh_pixels,
                mesh,
                lens.near,
                lens.far,
                views.focal,
                sides,
            )
            if mesh < 0:
                continue
            first, count = geometry.mesh_ranges[mesh, 0], geometry.mesh_ranges[mesh, 1]
            _transform(
                geometry.positions,
                first,
                count,
                poses[slot],
                views.focal,
                centre,
                view_from_world,
                scratch.view_from_object,
                scratch.vertices,
                base,
            )
            drawn = _draw_mesh(
                geometry,
                mesh,
                base,
                slot,
                view,
                lens.near,
                views.focal,
                centre,
                first_cell,
                columns,
                rows,
                scratch,
                drawn,
            )
            base += count
    return drawn


@inlined
def _visible_level(sphere, matrix, coarser, pixels_needed, mesh, near, far, focal, sides):  # type: ignore[no-untyped-def]
    """The level of detail to draw a mesh at, or −1 when its bounding sphere is out of view."""
    x, y, z, radius = sphere[0], sphere[1], sphere[2], sphere[3]
    camera_z = matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2] * z + matrix[2, 3]
    if not (camera_z + radius >= near and camera_z - radius <= far):
        return -1
    camera_x = matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2] * z + matrix[0, 3]
    if camera_x * sides[0, 0] + camera_z * sides[0, 2] < -radius:
        return -1
    if camera_x * sides[1, 0] + camera_z * sides[1, 2] < -radius:
        return -1
    camera_y = matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2] * z + matrix[1, 3]
    if camera_y * sides[2, 1] + camera_z * sides[2, 2] < -radius:
        return -1
    if camera_y * sides[3, 1] + camera_z * sides[3, 2] < -radius:
        return -1
    pixels = focal * radius / max(camera_z, near)
    if pixels < SMALLEST:
        return -1
    while coarser[mesh] >= 0 and pixels < pixels_needed[mesh]:
        mesh = coarser[mesh]
    return mesh


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
def _transform(positions, first, count, pose, focal, centre, view_from_world, matrix, vertices, base):  # type: ignore[no-untyped-def]
    """Write the vertices of a mesh in the axes of a view, and projected."""
    compose(view_from_world, pose, matrix)
    m00, m01, m02, m03 = matrix[0, 0], matrix[0, 1], matrix[0, 2], matrix[0, 3]
    m10, m11, m12, m13 = matrix[1, 0], matrix[1, 1], matrix[1, 2], matrix[1, 3]
    m20, m21, m22, m23 = matrix[2, 0], matrix[2, 1], matrix[2, 2], matrix[2, 3]
    focal = np.float32(focal)
    centre_x, centre_y = np.float32(centre[0]), np.float32(centre[1])
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
        vertices[base + index, 3] = focal * camera_x * inverse + centre_x
        vertices[base + index, 4] = focal * camera_y * inverse + centre_y
        vertices[base + index, 5] = inverse


@inlined
def _draw_mesh(
    geometry, mesh, base, slot, view, near, focal, centre, first_cell, columns, rows, scratch, drawn
):  # type: ignore[no-untyped-def]
    """Draw the triangles of a transformed mesh; returns the new number of drawn triangles."""
    vertices, inverse_depth, triangles = scratch.vertices, scratch.inverse_depth, scratch.triangles
    faces, flags, face_surfaces = geometry.faces, geometry.surface_flags, geometry.face_surfaces
    nearest, half = np.float32(near), np.float32(0.5)
    offset = np.uint64(base)  # unsigned: Numba tests signed indices for a sign
    width, height = np.float32(columns), np.float32(rows)
    first, count = geometry.mesh_ranges[mesh, 2], geometry.mesh_ranges[mesh, 3]
    masked = geometry.mesh_flags[mesh] & HAS_MASKED
    for face in range(first, first + count):
        row = np.uint64(face)
        a = np.uint64(faces[row, 0]) + offset
        b = np.uint64(faces[row, 1]) + offset
        c = np.uint64(faces[row, 2]) + offset
        inside = (
            int(vertices[a, 2] >= nearest) + int(vertices[b, 2] >= nearest) + int(vertices[c, 2] >= nearest)
        )
        if inside == 0:
            continue
        if inside == 3:
            xa, ya = vertices[a, 3], vertices[a, 4]
            xb, yb = vertices[b, 3], vertices[b, 4]
            xc, yc = vertices[c, 3], vertices[c, 4]
            left, right = min(xa, xb, xc) - half, max(xa, xb, xc) - half
            top, bottom = min(ya, yb, yc) - half, max(ya, yb, yc) - half
            if right <= -half or left >= width or bottom <= -half or top >= height:
                continue
            if np.ceil(left) == np.ceil(right) or np.ceil(top) == np.ceil(bottom):
                continue  # between cell centres, as most small triangles are
            area = (np.float64(xb) - xa) * (np.float64(yc) - ya) - (np.float64(xc) - xa) * (
                np.float64(yb) - ya
            )
            if area >= 0.0 and not flags[face_surfaces[face]] & DOUBLE_SIDED:
                continue
            if masked and flags[face_surfaces[face]] & MASKED:
                shown = fill_masked(
                    geometry.uvs,
                    geometry.texture_levels[geometry.surface_textures[face_surfaces[face]]],
                    geometry.texels,
                    faces[row],
                    geometry.mesh_ranges[mesh, 0],
                    vertices,
                    base,
                    False,
                    drawn,
                    first_cell,
                    columns,
                    rows,
                    inverse_depth,
                    triangles,
                )
            else:
                shown = fill_triangle(
                    xa, ya, vertices[a, 5], xb, yb, vertices[b, 5], xc, yc, vertices[c, 5],
                    drawn, first_cell, columns, rows, inverse_depth, triangles,
                )  # fmt: skip
        else:
            surface_flags = flags[face_surfaces[face]]
            if surface_flags & MASKED:
                continue
            if not surface_flags & DOUBLE_SIDED and _facing(vertices, a, b, c) >= 0.0:
                continue
            shown = _draw_clipped(
                vertices, a, b, c, near, focal, centre, drawn, scratch.clipped,
                first_cell, columns, rows, inverse_depth, triangles,
            )  # fmt: skip
        if shown:
            scratch.drawn[drawn, 0] = face
            scratch.drawn[drawn, 1] = slot
            scratch.drawn[drawn, 2] = base
            scratch.drawn[drawn, 3] = geometry.mesh_ranges[mesh, 0]
            scratch.drawn[drawn, 4] = view
            scratch.planes_ready[drawn] = 0
            drawn += 1
    return drawn


@inlined
def _facing(vertices, a, b, c):  # type: ignore[no-untyped-def]
    """Six times the signed volume of the corners with the camera: negative when seen from the front."""
    ax, ay, az = np.float64(vertices[a, 0]), np.float64(vertices[a, 1]), np.float64(vertices[a, 2])
    bx, by, bz = np.float64(vertices[b, 0]), np.float64(vertices[b, 1]), np.float64(vertices[b, 2])
    cx, cy, cz = np.float64(vertices[c, 0]), np.float64(vertices[c, 1]), np.float64(vertices[c, 2])
    return ax * (by * cz - bz * cy) + ay * (bz * cx - bx * cz) + az * (bx * cy - by * cx)


@inlined
def _draw_clipped(
    vertices,
    a,
    b,
    c,
    near,
    focal,
    centre,
    drawn,
    polygon,
    first_cell,
    columns,
    rows,
    inverse_depth,
    triangles,
):  # type: ignore[no-untyped-def]
    """Draw the part of a triangle beyond the near plane: three or four corners (Sutherland & Hodgman, 1974)."""
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
            part = (near - z_here) / (z_there - z_here)
            for axis in range(2):
                start = np.float64(vertices[here, axis])
                polygon[count, axis] = start + part * (np.float64(vertices[there, axis]) - start)
            polygon[count, 2] = near
            count += 1
    for index in range(count):
        inverse = 1.0 / polygon[index, 2]
        polygon[index, 0] = focal * polygon[index, 0] * inverse + centre[0]
        polygon[index, 1] = focal * polygon[index, 1] * inverse + centre[1]
        polygon[index, 2] = inverse
    shown = False
    for index in range(1, count - 1):
        shown |= fill_triangle(
            polygon[0, 0], polygon[0, 1], polygon[0, 2],
            polygon[index, 0], polygon[index, 1], polygon[index, 2],
            polygon[index + 1, 0], polygon[index + 1, 1], polygon[index + 1, 2],
            drawn, first_cell, columns, rows, inverse_depth, triangles,
        )  # fmt: skip
    return shown


@inlined
def fill_triangle(
    x0, y0, w0, x1, y1, w1, x2, y2, w2, drawn, first_cell, width, height, inverse_depth, triangles
):  # type: ignore[no-untyped-def]
    """Write a projected triangle into the z-buffer; w is 1/z, which is linear in the image.

    Pixels are covered when their centre lies inside. Every edge is evaluated from its upper end, whichever
    triangle asks, so that triangles which share an edge leave neither a gap nor an overlap along it.

    Returns:
        Whether a pixel was written.
    """
    x0, y0, w0 = np.float64(x0), np.float64(y0), np.float64(w0)
    x1, y1, w1 = np.float64(x1), np.float64(y1), np.float64(w1)
    x2, y2, w2 = np.float64(x2), np.float64(y2), np.float64(w2)
    area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
    if not (0.0 < abs(area) < LIMIT):
        return False
    first = int(np.ceil(max(min(y0, y1, y2) - 0.5, 0.0)))
    last = int(np.ceil(min(max(y0, y1, y2) - 0.5, np.float64(height))))
    if first >= last:
        return False
    slope_x = ((w1 - w0) * (y2 - y0) - (w2 - w0) * (y1 - y0)) / area
    slope_y = ((w2 - w0) * (x1 - x0) - (w1 - w0) * (x2 - x0)) / area
    origin = w0 - slope_x * (x0 - 0.5) - slope_y * (y0 - 0.5)  # at the centre of pixel (0, 0)
    if y1 < y0:
        x0, y0, x1, y1 = x1, y1, x0, y0
    if y2 < y0:
        x0, y0, x2, y2 = x2, y2, x0, y0
    if y2 < y1:
        x1, y1, x2, y2 = x2, y2, x1, y1
    long_slope = (x2 - x0) / (y2 - y0)
    upper_slope = (x1 - x0) / (y1 - y0) if y1 > y0 else 0.0
    lower_slope = (x2 - x1) / (y2 - y1) if y2 > y1 else 0.0
    nearest, farthest = max(w0, w1, w2), min(w0, w1, w2)
    sliver = abs(area) < SLIVER
    shown = False
    step = np.float32(slope_x)
    for row in range(first, last):
        y = row + 0.5
        long_x = x0 + (y - y0) * long_slope
        short_x = x0 + (y - y0) * upper_slope if y < y1 else x1 + (y - y1) * lower_slope
        start = int(np.ceil(max(min(long_x, short_x) - 0.5, 0.0)))
        stop = int(np.ceil(min(max(long_x, short_x) - 0.5, np.float64(width))))
        w = np.float32(origin + slope_x * start + slope_y * row)
        line = first_cell + row * width
        for cell in range(np.uint64(line + start), np.uint64(line + stop)):
            if sliver:
                w = np.float32(min(max(w, farthest), nearest))
            if w > inverse_depth[cell]:
                inverse_depth[cell] = w
                triangles[cell] = drawn
                shown = True
            w += step
    return shown


@kernel
def fill_masked(
    uvs,
    levels,
    texels,
    corners,
    first,
    vertices,
    base,
    flat,
    drawn,
    first_cell,
    width,
    height,
    inverse_depth,
    triangles,
):  # type: ignore[no-untyped-def]
    """Write those cells of a projected triangle into the z-buffer where its texture is opaque.

    Texture coordinates are interpolated in perspective, or linearly where `flat` (a parallel projection). One level
    of detail serves the whole triangle.
    """
    a, b, c = corners[0], corners[1], corners[2]
    x0, y0, w0 = (
        np.float64(vertices[base + a, 3]),
        np.float64(vertices[base + a, 4]),
        np.float64(vertices[base + a, 5]),
    )
    x1, y1, w1 = (
        np.float64(vertices[base + b, 3]),
        np.float64(vertices[base + b, 4]),
        np.float64(vertices[base + b, 5]),
    )
    x2, y2, w2 = (
        np.float64(vertices[base + c, 3]),
        np.float64(vertices[base + c, 4]),
        np.float64(vertices[base + c, 5]),
    )
    area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
    if not (0.0 < abs(area) < LIMIT):
        return False
    ua, va = np.float64(uvs[first + a, 0]), np.float64(uvs[first + a, 1])
    ub, vb = np.float64(uvs[first + b, 0]), np.float64(uvs[first + b, 1])
    uc, vc = np.float64(uvs[first + c, 0]), np.float64(uvs[first + c, 1])
    texels_covered = (
        abs((ub - ua) * (vc - va) - (uc - ua) * (vb - va)) * (1 << levels[0, 1]) * (1 << levels[0, 2])
    )
    level = int(min(max(0.5 * np.log2(max(texels_covered / abs(area), 1.0)) - 0.5, 0.0), 14.0))
    log_width, log_height = levels[level, 1], levels[level, 2]
    mask_x, mask_y = (1 << log_width) - 1, (1 << log_height) - 1
    weight_a, weight_b, weight_c = (1.0, 1.0, 1.0) if flat else (w0, w1, w2)
    top, bottom = max(min(y0, y1, y2) - 0.5, 0.0), min(max(y0, y1, y2) - 0.5, np.float64(height))
    left, right = max(min(x0, x1, x2) - 0.5, 0.0), min(max(x0, x1, x2) - 0.5, np.float64(width))
    shown = False
    for row in range(int(np.ceil(top)), int(np.ceil(bottom))):
        y = row + 0.5
        for column in range(int(np.ceil(left)), int(np.ceil(right))):
            x = column + 0.5
            share_a = ((x1 - x) * (y2 - y) - (x2 - x) * (y1 - y)) / area
            share_b = ((x2 - x) * (y0 - y) - (x0 - x) * (y2 - y)) / area
            share_c = 1.0 - share_a - share_b
            if share_a < 0.0 or share_b < 0.0 or share_c < 0.0:
                continue
            w = np.float32(share_a * w0 + share_b * w1 + share_c * w2)
            cell = first_cell + row * width + column
            if not w > inverse_depth[cell]:
                continue
            scale = 1.0 / (share_a * weight_a + share_b * weight_b + share_c * weight_c)
            u = (share_a * weight_a * ua + share_b * weight_b * ub + share_c * weight_c * uc) * scale
            v = (share_a * weight_a * va + share_b * weight_b * vb + share_c * weight_c * vc) * scale
            texel_x = int(np.floor(u * (1 << log_width))) & mask_x
            texel_y = int(np.floor(v * (1 << log_height))) & mask_y
            texel = texels[levels[level, 0] + (texel_y << log_width) + texel_x]
            if (texel >> np.uint64(48)) & np.uint64(0xFF) < np.uint64(128):
                continue
            inverse_depth[cell] = w
            triangles[cell] = drawn
            shown = True
    return shown
