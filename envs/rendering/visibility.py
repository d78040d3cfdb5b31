"""First pass: which triangle each pixel sees (culling, near-plane clipping, z-buffer)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.kernels import inlined, kernel

DOUBLE_SIDED = 1
SMALLEST = 0.4  # pixels of radius; what is smaller would only flicker
SLIVER = 1e-3  # square pixels; the slopes of a smaller triangle are not to be trusted
LIMIT = 1e15  # square pixels; a triangle of a larger area (or NaN) is not drawn


class Lens(NamedTuple):
    """A pinhole as numbers: pixels, and the sides of its frustum."""

    width: int
    height: int
    focal: float
    near: float
    far: float
    side_x: float  # inward normal of the side planes: z·side_x − |x|·cosine_x
    cosine_x: float
    side_y: float
    cosine_y: float


class Scratch(NamedTuple):
    """Buffers of one thread, made once: nothing is allocated per frame."""

    inverse_depth: NDArray[np.float32]  # (H, W) 1/z of the nearest surface
    triangles: NDArray[np.int32]  # (H, W) row in the lists of drawn triangles, −1 for sky
    vertices: NDArray[np.float32]  # (V, 6) camera x, y, z, then pixel x, y and 1/z
    drawn: NDArray[
        np.int32
    ]  # (F, 4) face, slot, and what to add to its indices for `vertices` and for the mesh
    planes: NDArray[np.float32]  # (F, 18) see shading
    planes_ready: NDArray[np.uint8]  # (F,)
    clipped: NDArray[np.float64]  # (4, 3) corners of a triangle cut at the near plane
    camera_from_world: NDArray[np.float32]  # (3, 4)
    camera_from_object: NDArray[np.float32]  # (3, 4)
    corners: NDArray[np.float64]  # (3, 3) of the triangle being set up
    edges: NDArray[np.float64]  # (3, 3)
    lit: NDArray[np.float32]  # (3,) light on a vertex
    row_light: NDArray[np.float32]  # (3 W,) linear light of a row of pixels


def make_scratch(width: int, height: int, max_vertices: int, max_faces: int) -> Scratch:
    """Buffers for frames of this size and worlds that show at most so much."""
    return Scratch(
        inverse_depth=np.zeros((height, width), np.float32),
        triangles=np.zeros((height, width), np.int32),
        vertices=np.zeros((max_vertices, 6), np.float32),
        drawn=np.zeros((max_faces, 4), np.int32),
        planes=np.zeros((max_faces, 18), np.float32),
        planes_ready=np.zeros(max_faces, np.uint8),
        clipped=np.zeros((4, 3), np.float64),
        camera_from_world=np.zeros((3, 4), np.float32),
        camera_from_object=np.zeros((3, 4), np.float32),
        corners=np.zeros((3, 3), np.float64),
        edges=np.zeros((3, 3), np.float64),
        lit=np.zeros(3, np.float32),
        row_light=np.zeros(3 * width, np.float32),
    )


@kernel
def draw_world(geometry, meshes, poses, bounds, lens, scratch):  # type: ignore[no-untyped-def]
    """Fill `scratch.inverse_depth` and `scratch.triangles` with what one camera sees of one world.

    Args:
        geometry: packed meshes.
        meshes: (S,) mesh id of each slot, or −1.
        poses: (S, 3, 4) world from object.
        bounds: (S, 4) bounding spheres, world frame.
        lens: of the camera.
        scratch: buffers; `camera_from_world` is set, `drawn` and `vertices` are filled for the second pass.

    Returns:
        Number of triangles drawn.
    """
    scratch.inverse_depth[:] = 0.0
    scratch.triangles[:] = -1
    vertices = scratch.vertices
    drawn = 0
    base = 0
    for slot in range(meshes.shape[0]):
        mesh = meshes[slot]
        if mesh < 0:
            continue
        mesh = _visible_level(
            bounds[slot], scratch.camera_from_world, geometry.mesh_coarser, geometry.mesh_pixels, mesh, lens
        )
        if mesh < 0:
            continue
        first, count = geometry.mesh_ranges[mesh, 0], geometry.mesh_ranges[mesh, 1]
        _transform(
            geometry.positions,
            first,
            count,
            poses[slot],
            lens,
            scratch.camera_from_world,
            scratch.camera_from_object,
            vertices,
            base,
        )
        drawn = _draw_mesh(geometry, mesh, base, slot, lens, scratch, drawn)
        base += count
    return drawn


@inlined
def _visible_level(sphere, matrix, coarser, pixels_needed, mesh, lens):  # type: ignore[no-untyped-def]
    """The level of detail to draw a mesh at, or −1 when its bounding sphere is out of view."""
    x, y, z, radius = sphere[0], sphere[1], sphere[2], sphere[3]
    camera_z = matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2] * z + matrix[2, 3]
    if not (camera_z + radius >= lens.near and camera_z - radius <= lens.far):
        return -1
    camera_x = matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2] * z + matrix[0, 3]
    if camera_z * lens.side_x - abs(camera_x) * lens.cosine_x < -radius:
        return -1
    camera_y = matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2] * z + matrix[1, 3]
    if camera_z * lens.side_y - abs(camera_y) * lens.cosine_y < -radius:
        return -1
    pixels = lens.focal * radius / max(camera_z, lens.near)
    if pixels < SMALLEST:
        return -1
    while coarser[mesh] >= 0 and pixels < pixels_needed[mesh]:
        mesh = coarser[mesh]
    return mesh


@inlined
def _transform(positions, first, count, pose, lens, camera_from_world, matrix, vertices, base):  # type: ignore[no-untyped-def]
    """Write the vertices of a mesh in camera axes, and projected."""
    for row in range(3):
        for column in range(4):
            total = np.float32(0.0)
            for inner in range(3):
                total += camera_from_world[row, inner] * pose[inner, column]
            matrix[row, column] = total
        matrix[row, 3] += camera_from_world[row, 3]
    m00, m01, m02, m03 = matrix[0, 0], matrix[0, 1], matrix[0, 2], matrix[0, 3]
    m10, m11, m12, m13 = matrix[1, 0], matrix[1, 1], matrix[1, 2], matrix[1, 3]
    m20, m21, m22, m23 = matrix[2, 0], matrix[2, 1], matrix[2, 2], matrix[2, 3]
    focal = np.float32(lens.focal)
    centre_x, centre_y = np.float32(0.5 * lens.width), np.float32(0.5 * lens.height)
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
def _draw_mesh(geometry, mesh, base, slot, lens, scratch, drawn):  # type: ignore[no-untyped-def]
    """Draw the triangles of a transformed mesh; returns the new number of drawn triangles."""
    vertices, inverse_depth, triangles = scratch.vertices, scratch.inverse_depth, scratch.triangles
    faces, flags, face_surfaces = geometry.faces, geometry.surface_flags, geometry.face_surfaces
    near, half = np.float32(lens.near), np.float32(0.5)
    offset = np.uint64(base)  # unsigned: Numba tests signed indices for a sign
    width, height = np.float32(lens.width), np.float32(lens.height)
    first, count = geometry.mesh_ranges[mesh, 2], geometry.mesh_ranges[mesh, 3]
    for face in range(first, first + count):
        row = np.uint64(face)
        a = np.uint64(faces[row, 0]) + offset
        b = np.uint64(faces[row, 1]) + offset
        c = np.uint64(faces[row, 2]) + offset
        inside = int(vertices[a, 2] >= near) + int(vertices[b, 2] >= near) + int(vertices[c, 2] >= near)
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
                continue  # between pixel centres, as most small triangles are
            area = (np.float64(xb) - xa) * (np.float64(yc) - ya) - (np.float64(xc) - xa) * (
                np.float64(yb) - ya
            )
            if area >= 0.0 and not flags[face_surfaces[face]] & DOUBLE_SIDED:
                continue
            shown = fill_triangle(
                xa, ya, vertices[a, 5], xb, yb, vertices[b, 5], xc, yc, vertices[c, 5], drawn, inverse_depth, triangles
            )  # fmt: skip
        else:
            one_sided = not flags[face_surfaces[face]] & DOUBLE_SIDED
            if one_sided and _facing(vertices, a, b, c) >= 0.0:
                continue
            shown = _draw_clipped(vertices, a, b, c, lens, drawn, scratch.clipped, inverse_depth, triangles)
        if shown:
            scratch.drawn[drawn, 0] = face
            scratch.drawn[drawn, 1] = slot
            scratch.drawn[drawn, 2] = base
            scratch.drawn[drawn, 3] = geometry.mesh_ranges[mesh, 0]
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
def _draw_clipped(vertices, a, b, c, lens, drawn, polygon, inverse_depth, triangles):  # type: ignore[no-untyped-def]
    """Draw the part of a triangle beyond the near plane: three or four corners (Sutherland & Hodgman, 1974)."""
    corners = (a, b, c)
    count = 0
    for index in range(3):
        here, there = corners[index], corners[(index + 1) % 3]
        z_here, z_there = np.float64(vertices[here, 2]), np.float64(vertices[there, 2])
        if z_here >= lens.near:
            for axis in range(3):
                polygon[count, axis] = vertices[here, axis]
            count += 1
        if (z_here >= lens.near) != (z_there >= lens.near):
            part = (lens.near - z_here) / (z_there - z_here)
            for axis in range(2):
                start = np.float64(vertices[here, axis])
                polygon[count, axis] = start + part * (np.float64(vertices[there, axis]) - start)
            polygon[count, 2] = lens.near
            count += 1
    for index in range(count):
        inverse = 1.0 / polygon[index, 2]
        polygon[index, 0] = lens.focal * polygon[index, 0] * inverse + 0.5 * lens.width
        polygon[index, 1] = lens.focal * polygon[index, 1] * inverse + 0.5 * lens.height
        polygon[index, 2] = inverse
    shown = False
    for index in range(1, count - 1):
        shown |= fill_triangle(
            polygon[0, 0], polygon[0, 1], polygon[0, 2],
            polygon[index, 0], polygon[index, 1], polygon[index, 2],
            polygon[index + 1, 0], polygon[index + 1, 1], polygon[index + 1, 2],
            drawn, inverse_depth, triangles,
        )  # fmt: skip
    return shown


@inlined
def fill_triangle(x0, y0, w0, x1, y1, w1, x2, y2, w2, drawn, inverse_depth, triangles):  # type: ignore[no-untyped-def]
    """Write a projected triangle into the z-buffer; w is 1/z, which is linear in the image.

    Pixels are covered when their centre lies inside. Every edge is evaluated from its upper end, whichever
    triangle asks, so that triangles which share an edge leave neither a gap nor an overlap along it.

    Returns:
        Whether a pixel was written.
    """
    height, width = triangles.shape
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
        for column in range(start, stop):
            if sliver:
                w = np.float32(min(max(w, farthest), nearest))
            if w > inverse_depth[row, column]:
                inverse_depth[row, column] = w
                triangles[row, column] = drawn
                shown = True
            w += step
    return shown
