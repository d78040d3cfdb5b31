"""Culling on a GPU: the slots in view of every tile, their levels of detail and transforms; see `cpu.culling`."""

from __future__ import annotations

import numpy as np
from numba import cuda

from camshaft.envs.rendering.cpu.culling import MIN_RADIUS
from camshaft.envs.rendering.geometry import NO_SHADOW

CULLING_THREADS = 32  # threads that cull the slots of one tile
ZERO = np.float32(0.0)


@cuda.jit
def set_view_transforms(cameras, rotations, world_from_view, view_from_world):  # type: ignore[no-untyped-def]
    """Write the transforms of the views of every camera, one thread a view; see `cpu.visibility`.

    Args:
        cameras: (n, 4, 4) world from camera.
        rotations: (V, 3, 3) view from camera.
        world_from_view: (n V, 12) flat (3, 4) matrices, to fill.
        view_from_world: (n V, 12), likewise.
    """
    index = cuda.grid(1)
    views = rotations.shape[0]
    if index >= cameras.shape[0] * views:
        return
    frame, view = index // views, index % views
    for row in range(3):
        for column in range(3):
            total = 0.0
            for inner in range(3):
                total += cameras[frame, row, inner] * rotations[view, column, inner]
            world_from_view[index, 4 * row + column] = total
            view_from_world[index, 4 * column + row] = total
        world_from_view[index, 4 * row + 3] = cameras[frame, row, 3]
    for row in range(3):
        total = 0.0
        for column in range(3):
            total += view_from_world[index, 4 * row + column] * cameras[frame, column, 3]
        view_from_world[index, 4 * row + 3] = -total


@cuda.jit
def cull(shapes, state, tiles, near, far, focal, view_from_world, visible):  # type: ignore[no-untyped-def]
    """List the slots in view of each tile of each frame, in order; a block of `CULLING_THREADS` threads a tile.

    Args:
        shapes: `ShapeArrays`.
        state: `StateArrays`.
        tiles: `TileArrays`.
        near: meters.
        far: meters.
        focal: cells per unit of tangent.
        view_from_world: (n V, 12).
        visible: `VisibleArrays`, to fill.
    """
    face_counts = cuda.shared.array(CULLING_THREADS, np.int32)
    slots, num_tiles = state.meshes.shape[1], tiles.bounds.shape[0]
    frame, tile = cuda.blockIdx.x // num_tiles, cuda.blockIdx.x % num_tiles
    world = state.worlds[frame]
    axes = frame * tiles.views + tiles.bounds[tile, 0]
    listed, triangles = 0, 0
    for first in range(0, slots, CULLING_THREADS):
        slot = first + cuda.threadIdx.x
        mesh = -1
        if slot < slots and state.meshes[world, slot] >= 0:
            mesh = _visible_level(
                shapes, state.meshes[world, slot], state.bounds, world, slot, view_from_world, axes, near, far,
                focal, tiles.sides, tile,
            )  # fmt: skip
        if mesh >= 0:
            _write_transform(
                mesh, state.poses, world, slot, view_from_world, axes, visible, axes * slots + slot
            )
        listed, triangles = _append(shapes.ranges, mesh, slot, face_counts, listed, triangles, visible)
    if cuda.threadIdx.x == 0:
        visible.counts[cuda.blockIdx.x, 0] = listed
        visible.counts[cuda.blockIdx.x, 1] = triangles


@cuda.jit
def cull_casters(shapes, state, tiles, scales, light_from_world, visible):  # type: ignore[no-untyped-def]
    """List the shadow casters of each tile of the shadow map of each frame; see `cpu.shadows`.

    Args:
        shapes: `ShapeArrays`.
        state: `StateArrays`.
        tiles: `TileArrays` of a shadow map.
        scales: (n, 2) texels per meter, along columns and rows.
        light_from_world: (n, 12) transform to column, row and height.
        visible: `VisibleArrays`, to fill.
    """
    face_counts = cuda.shared.array(CULLING_THREADS, np.int32)
    slots, num_tiles = state.meshes.shape[1], tiles.bounds.shape[0]
    frame, tile = cuda.blockIdx.x // num_tiles, cuda.blockIdx.x % num_tiles
    world = state.worlds[frame]
    listed, triangles = 0, 0
    for first in range(0, slots, CULLING_THREADS):
        slot = first + cuda.threadIdx.x
        mesh = -1
        if slot < slots and state.meshes[world, slot] >= 0:
            mesh = _casting_level(
                shapes, state.meshes[world, slot], state.bounds, world, slot, light_from_world, frame, scales,
                tiles.bounds, tile,
            )  # fmt: skip
        if mesh >= 0:
            _write_transform(
                mesh, state.poses, world, slot, light_from_world, frame, visible, frame * slots + slot
            )
        listed, triangles = _append(shapes.ranges, mesh, slot, face_counts, listed, triangles, visible)
    if cuda.threadIdx.x == 0:
        visible.counts[cuda.blockIdx.x, 0] = listed
        visible.counts[cuda.blockIdx.x, 1] = triangles


@cuda.jit(device=True)
def _visible_level(shapes, mesh, bounds, world, slot, matrices, axes, near, far, focal, sides, tile):  # type: ignore[no-untyped-def]
    """Level of detail of a mesh, or −1 if its bounding sphere is outside the tile's frustum."""
    x, y, z = bounds[world, slot, 0], bounds[world, slot, 1], bounds[world, slot, 2]
    radius = bounds[world, slot, 3]
    camera_z = matrices[axes, 8] * x + matrices[axes, 9] * y + matrices[axes, 10] * z + matrices[axes, 11]
    if not (camera_z + radius >= near and camera_z - radius <= far):
        return -1
    camera_x = matrices[axes, 0] * x + matrices[axes, 1] * y + matrices[axes, 2] * z + matrices[axes, 3]
    camera_y = matrices[axes, 4] * x + matrices[axes, 5] * y + matrices[axes, 6] * z + matrices[axes, 7]
    for side in range(4):
        inward = camera_x * sides[tile, side, 0] + camera_y * sides[tile, side, 1]
        if inward + camera_z * sides[tile, side, 2] < -radius:
            return -1
    return _level(shapes, mesh, focal * radius / max(camera_z, near))


@cuda.jit(device=True)
def _casting_level(shapes, mesh, bounds, world, slot, matrices, frame, scales, tile_bounds, tile):  # type: ignore[no-untyped-def]
    """Level of detail of a shadow caster, or −1 if its shadow is outside the tile."""
    if shapes.flags[mesh] & NO_SHADOW:
        return -1
    x, y, z = bounds[world, slot, 0], bounds[world, slot, 1], bounds[world, slot, 2]
    radius = bounds[world, slot, 3]
    wide, high = radius * scales[frame, 0], radius * scales[frame, 1]
    column = matrices[frame, 0] * x + matrices[frame, 1] * y + matrices[frame, 2] * z + matrices[frame, 3]
    row = matrices[frame, 4] * x + matrices[frame, 5] * y + matrices[frame, 6] * z + matrices[frame, 7]
    left, top = tile_bounds[tile, 1], tile_bounds[tile, 2]
    right, bottom = left + tile_bounds[tile, 3], top + tile_bounds[tile, 4]
    if not (column > left - wide and column < right + wide):
        return -1
    if not (row > top - high and row < bottom + high):
        return -1
    return _level(shapes, mesh, min(wide, high))


@cuda.jit(device=True)
def _level(shapes, mesh, pixels):  # type: ignore[no-untyped-def]
    """Level of detail of a mesh with a radius in pixels, or −1 if it is too small."""
    if pixels < MIN_RADIUS:
        return -1
    while shapes.coarser[mesh] >= 0 and pixels < shapes.pixels[mesh]:
        mesh = shapes.coarser[mesh]
    return mesh


@cuda.jit(device=True)
def _write_transform(mesh, poses, world, slot, left, row_of_left, visible, where):  # type: ignore[no-untyped-def]
    """Write the level of detail of a slot, and the product of matrix `row_of_left` of `left` and its pose."""
    visible.meshes[where] = mesh
    for row in range(3):
        for column in range(4):
            total = ZERO
            for inner in range(3):
                total += left[row_of_left, 4 * row + inner] * poses[world, slot, inner, column]
            if column == 3:
                total += left[row_of_left, 4 * row + 3]
            visible.matrices[where, 4 * row + column] = total


@cuda.jit(device=True)
def _append(ranges, mesh, slot, face_counts, listed, triangles, visible):  # type: ignore[no-untyped-def]
    """Append the slots that a block found visible; returns the new numbers of entries and triangles."""
    thread = cuda.threadIdx.x
    count = 0
    if mesh >= 0:
        count = ranges[mesh, 3]
    face_counts[thread] = count
    cuda.syncthreads()
    entry, before = listed, triangles
    for other in range(CULLING_THREADS):
        more = face_counts[other]
        if more > 0:
            listed += 1
            triangles += more
            if other < thread:
                entry += 1
                before += more
    if count > 0:
        visible.entries[cuda.blockIdx.x, entry, 0] = slot
        visible.entries[cuda.blockIdx.x, entry, 1] = before
    cuda.syncthreads()
    return listed, triangles
