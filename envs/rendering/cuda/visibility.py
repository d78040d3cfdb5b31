"""First pass on a GPU: the visibility buffer of all frames, rasterized by tiles.

The rules are those of `cpu.visibility`, in a different order of work. A block of threads rasterizes one tile of one
frame in shared memory: every thread takes triangles of its own, and large triangles are queued for all threads
together. A cell keeps the largest 64-bit key, 1/depth followed by the render order, so that the image does not depend
on the timing of threads (Laine and Karras, "High-performance software rasterization on GPUs", 2011).
"""

from __future__ import annotations

import math

import numpy as np
from numba import cuda

from camshaft.envs.rendering.cpu.rasterize import MAX_AREA, SLIVER
from camshaft.envs.rendering.cuda.arrays import SIMULATED, TILE_SIDE
from camshaft.envs.rendering.cuda.pixels import HIGH_WORD, render_order, transform
from camshaft.envs.rendering.cuda.texturing import opaque
from camshaft.envs.rendering.geometry import DOUBLE_SIDED, MASKED

TILE_CELLS = TILE_SIDE * TILE_SIDE  # 32 KiB of keys in shared memory
QUEUE = (
    2 if SIMULATED else 64
)  # large triangles of a tile left to all threads; further ones are filled by one
MAX_SMALL = 12.0 if SIMULATED else 192.0  # cells in the bounding box of a triangle that one thread fills
WARP = 32

ZERO = np.float32(0.0)
ONE = np.float32(1.0)
HALF = np.float32(0.5)
NOTHING = np.uint64(0)


@cuda.jit
def rasterize(shapes, surfaces, tiles, visible, near, focal, parallel, order_bits, keys):  # type: ignore[no-untyped-def]
    """Find the nearest triangle of every cell; one block of threads, a multiple of 32, for each tile of a frame.

    Args:
        shapes: `ShapeArrays`.
        surfaces: `SurfaceArrays`.
        tiles: `TileArrays`.
        visible: `VisibleArrays` from `cull`.
        near: meters.
        focal: cells per unit of tangent.
        parallel: 1 for a shadow map: matrices transform to column, row and height, and back faces are rasterized.
        order_bits: bits of a face number.
        keys: (n, cells) uint64, to fill: 1/depth as the bits of a float32, then the complement of slot and face; 0
            for sky.
    """
    cells = cuda.shared.array(TILE_CELLS, np.uint64)
    large = cuda.shared.array((QUEUE, 9), np.float64)
    large_rows = cuda.shared.array((QUEUE, 2), np.int32)
    large_orders = cuda.shared.array(QUEUE, np.uint64)
    queued = cuda.shared.array(1, np.int32)
    num_tiles, slots = tiles.bounds.shape[0], visible.entries.shape[1]
    block, thread, threads = cuda.blockIdx.x, cuda.threadIdx.x, cuda.blockDim.x
    frame, tile = block // num_tiles, block % num_tiles
    view = tiles.bounds[tile, 0]
    left, top = tiles.bounds[tile, 1], tiles.bounds[tile, 2]
    columns, rows = tiles.bounds[tile, 3], tiles.bounds[tile, 4]
    for cell in range(thread, columns * rows, threads):
        cells[cell] = NOTHING
    if thread == 0:
        queued[0] = 0
    cuda.syncthreads()
    listed, triangles = visible.counts[block, 0], visible.counts[block, 1]
    for triangle in range(thread, triangles, threads):
        entry, end = 0, listed  # bisection for the entry that the triangle belongs to
        while end - entry > 1:
            middle = (entry + end) // 2
            if visible.entries[block, middle, 1] <= triangle:
                entry = middle
            else:
                end = middle
        slot = visible.entries[block, entry, 0]
        where = (frame * tiles.views + view) * slots + slot
        mesh = visible.meshes[where]
        number = triangle - visible.entries[block, entry, 1]
        order = render_order(slot, number, order_bits)
        _rasterize_face(
            shapes, surfaces, mesh, shapes.ranges[mesh, 2] + number, visible.matrices, where, near, focal,
            tiles.centers[view, 0], tiles.centers[view, 1], parallel, order, left, top, columns, rows, cells, large,
            large_rows, large_orders, queued,
        )  # fmt: skip
    cuda.syncthreads()
    _fill_large(min(queued[0], QUEUE), left, top, columns, cells, large, large_rows, large_orders)
    cuda.syncthreads()
    first, across = tiles.bounds[tile, 5], tiles.bounds[tile, 6]
    for cell in range(thread, columns * rows, threads):
        keys[frame, first + (top + cell // columns) * across + left + cell % columns] = cells[cell]


@cuda.jit(device=True)
def _rasterize_face(
    shapes, surfaces, mesh, face, matrices, where, near, focal, center_x, center_y, parallel, order, left, top,
    columns, rows, cells, large, large_rows, large_orders, queued,
):  # type: ignore[no-untyped-def]  # fmt: skip
    """Rasterize one triangle of a mesh into the cells of a tile, or queue it if it is large."""
    first = shapes.ranges[mesh, 0]
    a, b, c = first + shapes.faces[face, 0], first + shapes.faces[face, 1], first + shapes.faces[face, 2]
    ax, ay, az = transform(shapes.positions, a, matrices, where)
    bx, by, bz = transform(shapes.positions, b, matrices, where)
    cx, cy, cz = transform(shapes.positions, c, matrices, where)
    surface = shapes.face_surfaces[face]
    flags = surfaces.flags[surface]
    nearest = np.float32(near)
    inside = 3
    if not parallel:
        inside = int(az >= nearest) + int(bz >= nearest) + int(cz >= nearest)
        if inside == 0:
            return
    if inside == 3:
        if not parallel:
            ax, ay, az = _project(ax, ay, az, focal, center_x, center_y)
            bx, by, bz = _project(bx, by, bz, focal, center_x, center_y)
            cx, cy, cz = _project(cx, cy, cz, focal, center_x, center_y)
        if not _covers_centers(min(ax, bx, cx), max(ax, bx, cx), left, columns):
            return
        if not _covers_centers(min(ay, by, cy), max(ay, by, cy), top, rows):
            return
        x0, y0, w0 = np.float64(ax), np.float64(ay), np.float64(az)
        x1, y1, w1 = np.float64(bx), np.float64(by), np.float64(bz)
        x2, y2, w2 = np.float64(cx), np.float64(cy), np.float64(cz)
        x3, y3, w3 = x2, y2, w2
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if parallel:
            area = -area
        if area >= 0.0 and not flags & DOUBLE_SIDED:
            return
        if flags & MASKED:
            _fill_masked(
                shapes.uvs, surfaces, surfaces.textures[surface], a, b, c, x0, y0, w0, x1, y1, w1, x2, y2, w2,
                parallel, order, left, top, columns, rows, cells,
            )  # fmt: skip
            return
    else:
        if flags & MASKED:
            return
        if not flags & DOUBLE_SIDED and _facing(ax, ay, az, bx, by, bz, cx, cy, cz) >= 0.0:
            return
        # Clip at the near plane (Sutherland and Hodgman, 1974).
        for _ in range(2):  # rotate the corners until only a is beyond the plane, or only c before it
            if (inside == 1 and not az >= nearest) or (inside == 2 and cz >= nearest):
                ax, ay, az, bx, by, bz, cx, cy, cz = bx, by, bz, cx, cy, cz, ax, ay, az
        x0, y0, w0 = _clip(ax, ay, az, ax, ay, az, near, focal, center_x, center_y)
        x3, y3, w3 = _clip(cx, cy, cz, ax, ay, az, near, focal, center_x, center_y)
        if inside == 1:
            x1, y1, w1 = _clip(ax, ay, az, bx, by, bz, near, focal, center_x, center_y)
            x2, y2, w2 = x3, y3, w3
        else:
            x1, y1, w1 = _clip(bx, by, bz, bx, by, bz, near, focal, center_x, center_y)
            x2, y2, w2 = _clip(bx, by, bz, cx, cy, cz, near, focal, center_x, center_y)
    for _ in range(2 if inside == 2 else 1):
        _fill(
            x0, y0, w0, x1, y1, w1, x2, y2, w2, order, left, top, columns, rows, cells, large, large_rows,
            large_orders, queued,
        )  # fmt: skip
        x1, y1, w1 = x2, y2, w2
        x2, y2, w2 = x3, y3, w3


@cuda.jit(device=True)
def _project(x, y, z, focal, center_x, center_y):  # type: ignore[no-untyped-def]
    """Column, row and 1/depth."""
    inverse = ONE / z
    return (
        np.float32(focal) * x * inverse + np.float32(center_x),
        np.float32(focal) * y * inverse + np.float32(center_y),
        inverse,
    )


@cuda.jit(device=True)
def _covers_centers(low, high, first, count):  # type: ignore[no-untyped-def]
    """Whether there are cell centers of a tile between two coordinates."""
    low, high = low - HALF, high - HALF
    if not (high > np.float32(first) - HALF and low < np.float32(first + count)):
        return False
    return math.ceil(low) != np.int32(math.ceil(high))


@cuda.jit(device=True)
def _facing(ax, ay, az, bx, by, bz, cx, cy, cz):  # type: ignore[no-untyped-def]
    """Six times the signed volume of the corners and the camera, negative for front faces."""
    bx, by, bz = np.float64(bx), np.float64(by), np.float64(bz)
    return ax * (by * cz - bz * cy) + ay * (bz * cx - bx * cz) + az * (bx * cy - by * cx)


@cuda.jit(device=True)
def _clip(ax, ay, az, bx, by, bz, near, focal, center_x, center_y):  # type: ignore[no-untyped-def]
    """Column, row and 1/depth of an edge's intersection with the near plane, or of its first end if there is none."""
    x, y, z = np.float64(ax), np.float64(ay), np.float64(az)
    if (az >= np.float32(near)) != (bz >= np.float32(near)):
        fraction = (near - z) / (np.float64(bz) - z)
        x, y, z = x + fraction * (np.float64(bx) - x), y + fraction * (np.float64(by) - y), near
    inverse = 1.0 / z
    return focal * x * inverse + center_x, focal * y * inverse + center_y, inverse


@cuda.jit(device=True)
def _fill(
    x0,
    y0,
    w0,
    x1,
    y1,
    w1,
    x2,
    y2,
    w2,
    order,
    left,
    top,
    columns,
    rows,
    cells,
    large,
    large_rows,
    large_orders,
    queued,
):  # type: ignore[no-untyped-def]
    """Write a projected triangle into the cells of a tile, or queue it; see `cpu.rasterize.fill_triangle`."""
    area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
    if not (0.0 < abs(area) < MAX_AREA):
        return
    first = np.int32(math.ceil(max(min(y0, y1, y2) - 0.5, np.float64(top))))
    last = np.int32(math.ceil(min(max(y0, y1, y2) - 0.5, np.float64(top + rows))))
    if first >= last:
        return
    slope_x = ((w1 - w0) * (y2 - y0) - (w2 - w0) * (y1 - y0)) / area
    slope_y = ((w2 - w0) * (x1 - x0) - (w1 - w0) * (x2 - x0)) / area
    origin = w0 - slope_x * (x0 - 0.5) - slope_y * (y0 - 0.5)  # at the center of cell (0, 0)
    if y1 < y0:
        x0, y0, x1, y1 = x1, y1, x0, y0
    if y2 < y0:
        x0, y0, x2, y2 = x2, y2, x0, y0
    if y2 < y1:
        x1, y1, x2, y2 = x2, y2, x1, y1
    sliver = abs(area) < SLIVER
    width = min(max(x0, x1, x2), np.float64(left + columns)) - max(min(x0, x1, x2), np.float64(left))
    if not sliver and width * (last - first) > MAX_SMALL:
        item = cuda.atomic.add(queued, 0, 1)
        if item < QUEUE:
            large[item, 0], large[item, 1], large[item, 2] = x0, y0, x1
            large[item, 3], large[item, 4], large[item, 5] = y1, x2, y2
            large[item, 6], large[item, 7], large[item, 8] = origin, slope_x, slope_y
            large_rows[item, 0], large_rows[item, 1] = first, last
            large_orders[item] = order
            return
    nearest, farthest = max(w0, w1, w2), min(w0, w1, w2)
    for row in range(first, last):
        start, stop = _span(x0, y0, x1, y1, x2, y2, row, left, columns)
        for column in range(start, stop):
            w = origin + slope_x * column + slope_y * row
            if sliver:
                w = min(max(w, farthest), nearest)
            _keep_nearer(cells, (row - top) * columns + column - left, w, order)


@cuda.jit(device=True)
def _span(x0, y0, x1, y1, x2, y2, row, left, columns):  # type: ignore[no-untyped-def]
    """First column and end of a row of a triangle, whose corners are given from top to bottom."""
    y = row + 0.5
    long_x = x0 + (y - y0) * ((x2 - x0) / (y2 - y0))
    if y < y1:
        short_x = x0 + (y - y0) * ((x1 - x0) / (y1 - y0))
    elif y2 > y1:
        short_x = x1 + (y - y1) * ((x2 - x1) / (y2 - y1))
    else:
        short_x = x1
    start = np.int32(math.ceil(max(min(long_x, short_x) - 0.5, np.float64(left))))
    stop = np.int32(math.ceil(min(max(long_x, short_x) - 0.5, np.float64(left + columns))))
    return start, stop


@cuda.jit(device=True)
def _fill_large(count, left, top, columns, cells, large, large_rows, large_orders):  # type: ignore[no-untyped-def]
    """Fill the queued triangles: rows are distributed over the warps of a block, columns over the threads of a warp."""
    warps, warp, lane = cuda.blockDim.x // WARP, cuda.threadIdx.x // WARP, cuda.threadIdx.x % WARP
    offset = 0
    for item in range(count):
        first, last = large_rows[item, 0], large_rows[item, 1]
        origin, slope_x, slope_y = large[item, 6], large[item, 7], large[item, 8]
        for row in range(first + (warp + warps - offset) % warps, last, warps):
            start, stop = _span(
                large[item, 0], large[item, 1], large[item, 2], large[item, 3], large[item, 4], large[item, 5], row,
                left, columns,
            )  # fmt: skip
            for column in range(start + lane, stop, WARP):
                w = origin + slope_x * column + slope_y * row
                _keep_nearer(cells, (row - top) * columns + column - left, w, large_orders[item])
        offset = (offset + last - first) % warps


@cuda.jit(device=True)
def _keep_nearer(cells, cell, w, order):  # type: ignore[no-untyped-def]
    """Write a triangle into a cell, unless the one there is nearer, or as near and earlier in order."""
    inverse_depth = np.float32(w)
    if inverse_depth > ZERO:
        key = (np.uint64(inverse_depth.view(np.uint32)) << HIGH_WORD) | order
        if key > cells[cell]:
            cuda.atomic.max(cells, cell, key)


@cuda.jit(device=True)
def _fill_masked(
    uvs, surfaces, texture, a, b, c, x0, y0, w0, x1, y1, w1, x2, y2, w2, parallel, order, left, top, columns, rows,
    cells,
):  # type: ignore[no-untyped-def]  # fmt: skip
    """Write a projected triangle where its texture is opaque; see `cpu.rasterize.fill_masked`."""
    area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
    if not (0.0 < abs(area) < MAX_AREA):
        return
    ua, va = np.float64(uvs[a, 0]), np.float64(uvs[a, 1])
    ub, vb = np.float64(uvs[b, 0]), np.float64(uvs[b, 1])
    uc, vc = np.float64(uvs[c, 0]), np.float64(uvs[c, 1])
    texels = 1 << (surfaces.levels[texture, 0, 1] + surfaces.levels[texture, 0, 2])
    covered = abs((ub - ua) * (vc - va) - (uc - ua) * (vb - va)) * texels
    level = int(min(max(0.5 * math.log2(max(covered / abs(area), 1.0)) - 0.5, 0.0), 14.0))
    scale_a, scale_b, scale_c = (1.0, 1.0, 1.0) if parallel else (w0, w1, w2)
    first = np.int32(math.ceil(max(min(y0, y1, y2) - 0.5, np.float64(top))))
    last = np.int32(math.ceil(min(max(y0, y1, y2) - 0.5, np.float64(top + rows))))
    start = np.int32(math.ceil(max(min(x0, x1, x2) - 0.5, np.float64(left))))
    stop = np.int32(math.ceil(min(max(x0, x1, x2) - 0.5, np.float64(left + columns))))
    for row in range(first, last):
        y = row + 0.5
        for column in range(start, stop):
            x = column + 0.5
            bary_a = ((x1 - x) * (y2 - y) - (x2 - x) * (y1 - y)) / area
            bary_b = ((x2 - x) * (y0 - y) - (x0 - x) * (y2 - y)) / area
            bary_c = 1.0 - bary_a - bary_b
            if bary_a < 0.0 or bary_b < 0.0 or bary_c < 0.0:
                continue
            scale = 1.0 / (bary_a * scale_a + bary_b * scale_b + bary_c * scale_c)
            u = (bary_a * scale_a * ua + bary_b * scale_b * ub + bary_c * scale_c * uc) * scale
            v = (bary_a * scale_a * va + bary_b * scale_b * vb + bary_c * scale_c * vc) * scale
            if opaque(surfaces.levels, surfaces.texels, texture, level, u, v):
                w = bary_a * w0 + bary_b * w1 + bary_c * w2
                _keep_nearer(cells, (row - top) * columns + column - left, w, order)
