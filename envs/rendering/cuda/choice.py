"""What each tile of each frame may see, found on a GPU: culling, levels of detail, transforms; see `visibility`."""

from __future__ import annotations

import numpy as np
from numba import cuda

from camshaft.envs.rendering.cpu.culling import SMALLEST
from camshaft.envs.rendering.cpu.visibility import NO_SHADOW

CHOOSERS = 32  # threads that look through the slots of one tile
ZERO = np.float32(0.0)


@cuda.jit
def place_views(cameras, rotations, world_from_view, view_from_world):  # type: ignore[no-untyped-def]
    """Write where the views of every camera stand, one thread a view; see `visibility.place_views`.

    Args:
        cameras: (n, 4, 4) world from camera.
        rotations: (V, 3, 3) view from camera.
        world_from_view: (n V, 12) rows of a (3, 4) matrix, to fill.
        view_from_world: likewise.
    """
    place = cuda.grid(1)
    views = rotations.shape[0]
    if place >= cameras.shape[0] * views:
        return
    frame, view = place // views, place % views
    for row in range(3):
        for column in range(3):
            total = 0.0
            for inner in range(3):
                total += cameras[frame, row, inner] * rotations[view, column, inner]
            world_from_view[place, 4 * row + column] = total
            view_from_world[place, 4 * column + row] = total
        world_from_view[place, 4 * row + 3] = cameras[frame, row, 3]
    for row in range(3):
        total = 0.0
        for column in range(3):
            total += view_from_world[place, 4 * row + column] * cameras[frame, column, 3]
        view_from_world[place, 4 * row + 3] = -total


@cuda.jit
def choose(shapes, state, tiles, near, far, focal, view_from_world, drawn):  # type: ignore[no-untyped-def]
    """List what each tile of each frame sees, in the order of the slots; a block of `CHOOSERS` threads a tile.

    Args:
        shapes: `ShapeArrays`.
        state: `StateArrays`.
        tiles: `TileArrays`.
        near: meters.
        far: meters.
        focal: cells a unit of tangent.
        view_from_world: (n V, 12).
        drawn: `DrawnArrays`, to fill.
    """
    face_counts = cuda.shared.array(CHOOSERS, np.int32)
    slots, num_tiles = state.meshes.shape[1], tiles.bounds.shape[0]
    frame, tile = cuda.blockIdx.x // num_tiles, cuda.blockIdx.x % num_tiles
    world = state.worlds[frame]
    place = frame * tiles.views + tiles.bounds[tile, 0]
    listed, triangles = 0, 0
    for first in range(0, slots, CHOOSERS):
        slot = first + cuda.threadIdx.x
        mesh = -1
        if slot < slots and state.meshes[world, slot] >= 0:
            mesh = _visible_level(
                shapes, state.meshes[world, slot], state.bounds, world, slot, view_from_world, place, near, far,
                focal, tiles.sides, tile,
            )  # fmt: skip
        if mesh >= 0:
            _take(mesh, state.poses, world, slot, view_from_world, place, drawn, place * slots + slot)
        listed, triangles = _list(shapes.ranges, mesh, slot, face_counts, listed, triangles, drawn)
    if cuda.threadIdx.x == 0:
        drawn.counts[cuda.blockIdx.x, 0] = listed
        drawn.counts[cuda.blockIdx.x, 1] = triangles


@cuda.jit
def choose_casters(shapes, state, tiles, scales, light_from_world, drawn):  # type: ignore[no-untyped-def]
    """List what may cast a shadow into each tile of the shadow map of each frame; see `shadows.draw_shadow_map`.

    Args:
        shapes: `ShapeArrays`.
        state: `StateArrays`.
        tiles: `TileArrays` of a shadow map.
        scales: (n, 2) texels a meter, across and down.
        light_from_world: (n, 12) column, row and height.
        drawn: `DrawnArrays`, to fill.
    """
    face_counts = cuda.shared.array(CHOOSERS, np.int32)
    slots, num_tiles = state.meshes.shape[1], tiles.bounds.shape[0]
    frame, tile = cuda.blockIdx.x // num_tiles, cuda.blockIdx.x % num_tiles
    world = state.worlds[frame]
    listed, triangles = 0, 0
    for first in range(0, slots, CHOOSERS):
        slot = first + cuda.threadIdx.x
        mesh = -1
        if slot < slots and state.meshes[world, slot] >= 0:
            mesh = _casting_level(
                shapes, state.meshes[world, slot], state.bounds, world, slot, light_from_world, frame, scales,
                tiles.bounds, tile,
            )  # fmt: skip
        if mesh >= 0:
            _take(mesh, state.poses, world, slot, light_from_world, frame, drawn, frame * slots + slot)
        listed, triangles = _list(shapes.ranges, mesh, slot, face_counts, listed, triangles, drawn)
    if cuda.threadIdx.x == 0:
        drawn.counts[cuda.blockIdx.x, 0] = listed
        drawn.counts[cuda.blockIdx.x, 1] = triangles


@cuda.jit(device=True)
def _visible_level(shapes, mesh, bounds, world, slot, matrices, place, near, far, focal, sides, tile):  # type: ignore[no-untyped-def]
    """The level of detail to draw a mesh at, or −1 when its bounding sphere is out of the tile's sight."""
    x, y, z = bounds[world, slot, 0], bounds[world, slot, 1], bounds[world, slot, 2]
    radius = bounds[world, slot, 3]
    camera_z = matrices[place, 8] * x + matrices[place, 9] * y + matrices[place, 10] * z + matrices[place, 11]
    if not (camera_z + radius >= near and camera_z - radius <= far):
        return -1
    camera_x = matrices[place, 0] * x + matrices[place, 1] * y + matrices[place, 2] * z + matrices[place, 3]
    camera_y = matrices[place, 4] * x + matrices[place, 5] * y + matrices[place, 6] * z + matrices[place, 7]
    for side in range(4):
        inward = camera_x * sides[tile, side, 0] + camera_y * sides[tile, side, 1]
        if inward + camera_z * sides[tile, side, 2] < -radius:
            return -1
    return _level(shapes, mesh, focal * radius / max(camera_z, near))


@cuda.jit(device=True)
def _casting_level(shapes, mesh, bounds, world, slot, matrices, place, scales, tile_bounds, tile):  # type: ignore[no-untyped-def]
    """The level of detail to cast a shadow at, or −1 when none can fall into the tile."""
    if shapes.flags[mesh] & NO_SHADOW:
        return -1
    x, y, z = bounds[world, slot, 0], bounds[world, slot, 1], bounds[world, slot, 2]
    radius = bounds[world, slot, 3]
    wide, high = radius * scales[place, 0], radius * scales[place, 1]
    column = matrices[place, 0] * x + matrices[place, 1] * y + matrices[place, 2] * z + matrices[place, 3]
    row = matrices[place, 4] * x + matrices[place, 5] * y + matrices[place, 6] * z + matrices[place, 7]
    left, top = tile_bounds[tile, 1], tile_bounds[tile, 2]
    right, bottom = left + tile_bounds[tile, 3], top + tile_bounds[tile, 4]
    if not (column > left - wide and column < right + wide):
        return -1
    if not (row > top - high and row < bottom + high):
        return -1
    return _level(shapes, mesh, min(wide, high))


@cuda.jit(device=True)
def _level(shapes, mesh, pixels):  # type: ignore[no-untyped-def]
    """The level of detail of a mesh that is so many pixels large, −1 for none."""
    if pixels < SMALLEST:
        return -1
    while shapes.coarser[mesh] >= 0 and pixels < shapes.pixels[mesh]:
        mesh = shapes.coarser[mesh]
    return mesh


@cuda.jit(device=True)
def _take(mesh, poses, world, slot, left, place, drawn, where):  # type: ignore[no-untyped-def]
    """Write that a slot is drawn, and the product of row `place` of `left` and its pose."""
    drawn.meshes[where] = mesh
    for row in range(3):
        for column in range(4):
            total = ZERO
            for inner in range(3):
                total += left[place, 4 * row + inner] * poses[world, slot, inner, column]
            if column == 3:
                total += left[place, 4 * row + 3]
            drawn.matrices[where, 4 * row + column] = total


@cuda.jit(device=True)
def _list(ranges, mesh, slot, face_counts, listed, triangles, drawn):  # type: ignore[no-untyped-def]
    """Append the slots that the threads of a block have taken; returns the new numbers of entries and triangles."""
    thread = cuda.threadIdx.x
    count = 0
    if mesh >= 0:
        count = ranges[mesh, 3]
    face_counts[thread] = count
    cuda.syncthreads()
    entry, before = listed, triangles
    for other in range(CHOOSERS):
        more = face_counts[other]
        if more > 0:
            listed += 1
            triangles += more
            if other < thread:
                entry += 1
                before += more
    if count > 0:
        drawn.entries[cuda.blockIdx.x, entry, 0] = slot
        drawn.entries[cuda.blockIdx.x, entry, 1] = before
    cuda.syncthreads()
    return listed, triangles
