"""Depth, labels, normals and positions of every pixel on a GPU, one thread a pixel; as in `frames`, `annotations`."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import cuda

from camshaft.envs.rendering.cuda.pixels import (
    find_edges,
    find_shares,
    find_view,
    nearness,
    normal_at,
    turn,
    unpack_key,
)

ONE = np.float32(1.0)
HALF = np.float32(0.5)
TWO = np.float32(2.0)
ZERO = np.float32(0.0)
DEPTH, SEGMENTATION, INSTANCES, NORMALS, WORLD_NORMALS, POSITIONS = 1, 2, 4, 8, 16, 32
WANTED = {
    "depth": DEPTH,
    "segmentation": SEGMENTATION,
    "instances": INSTANCES,
    "normals": NORMALS,
    "world_normals": WORLD_NORMALS,
    "positions": POSITIONS,
}


class LabelImages(NamedTuple):
    """Images to fill, (n, H W) or (n, H W, 3); those not wanted may have any shape."""

    depth: Any
    segmentation: Any
    instances: Any
    normals: Any
    world_normals: Any
    positions: Any


@cuda.jit
def write_labels(
    wanted, shapes, surfaces, state, drawn, world_from_view, rotations, pixels, instance_ids, keys, order_bits,
    near, far, exact, radial, images,
):  # type: ignore[no-untyped-def]  # fmt: skip
    """Fill the images; threads along x take the pixels of a frame, those along y the frames.

    Args:
        wanted: sum of DEPTH and so on.
        shapes: `ShapeArrays`.
        surfaces: `SurfaceArrays`.
        state: `StateArrays`.
        drawn: `DrawnArrays`, as the first pass used them.
        world_from_view: (n V, 12).
        rotations: (V, 3, 3) view from camera.
        pixels: `PixelArrays` of the labels.
        instance_ids: (S,) uint16.
        keys: (n, cells + 1) what the first pass found.
        order_bits: as in `rasterize`.
        near: meters.
        far: meters.
        exact: 1 when cells are pixels.
        radial: 1 when depth is the distance from the camera.
        images: `LabelImages`.
    """
    place, frame = cuda.grid(2)
    if place >= pixels.cells.shape[0]:
        return
    cell = pixels.cells[place]
    views = pixels.first_cells.shape[0] - 1
    key = np.uint64(0)
    view = 0
    if cell < pixels.first_cells[views]:
        key = keys[frame, cell]
        view = find_view(pixels.first_cells, cell)
    if key == 0:
        _write_sky(images, wanted, frame, place, far)
        return
    axes = frame * views + view
    slot, number = unpack_key(key, order_bits)
    where = axes * drawn.entries.shape[1] + slot
    mesh = drawn.meshes[where]
    face = shapes.ranges[mesh, 2] + number
    w = nearness(key)
    if wanted & SEGMENTATION:
        images.segmentation[frame, place] = surfaces.labels[shapes.face_surfaces[face]]
    if wanted & INSTANCES:
        images.instances[frame, place] = instance_ids[slot]
    if wanted & DEPTH and exact:
        depth = np.float32(far)
        if w > np.float32(1.0 / far):
            depth = ONE / min(w, np.float32(1.0 / near))
        images.depth[frame, place] = depth
        wanted -= DEPTH
    if not wanted & (DEPTH + NORMALS + WORLD_NORMALS + POSITIONS):
        return
    x, y = pixels.ray_x[place], pixels.ray_y[place]
    first = shapes.ranges[mesh, 0]
    a, b, c = first + shapes.faces[face, 0], first + shapes.faces[face, 1], first + shapes.faces[face, 2]
    edges, side = find_edges(shapes.positions, a, b, c, drawn.matrices, where)
    share_a, share_b, share_c, inverse = find_shares(edges, x, y)
    # The ray may miss the triangle by half a cell: depth is kept near that of the cell.
    depth = ONE / min(max(inverse, HALF * w), TWO * w)
    if wanted & DEPTH:
        length = pixels.lengths[place] if radial else ONE
        images.depth[frame, place] = min(max(depth * length, np.float32(near)), np.float32(far))
    if wanted & POSITIONS:
        ray_x, ray_y, ray_z = turn(world_from_view, axes, x, y, ONE)
        images.positions[frame, place, 0] = world_from_view[axes, 3] + depth * ray_x
        images.positions[frame, place, 1] = world_from_view[axes, 7] + depth * ray_y
        images.positions[frame, place, 2] = world_from_view[axes, 11] + depth * ray_z
    if wanted & (NORMALS + WORLD_NORMALS):
        n_x, n_y, n_z = normal_at(
            shapes.normals, a, b, c, share_a, share_b, share_c, state.poses, state.worlds[frame], slot, side
        )
        square = n_x * n_x + n_y * n_y + n_z * n_z
        share = ZERO
        if square > ZERO:
            share = np.float32(ONE / math.sqrt(square))
        if wanted & WORLD_NORMALS:
            images.world_normals[frame, place, 0] = n_x * share
            images.world_normals[frame, place, 1] = n_y * share
            images.world_normals[frame, place, 2] = n_z * share
        if wanted & NORMALS:
            v_x, v_y, v_z = _turn_back(world_from_view, axes, n_x * share, n_y * share, n_z * share)
            for axis in range(3):
                images.normals[frame, place, axis] = (
                    rotations[view, 0, axis] * v_x
                    + rotations[view, 1, axis] * v_y
                    + rotations[view, 2, axis] * v_z
                )


@cuda.jit(device=True)
def _turn_back(matrices, place, x, y, z):  # type: ignore[no-untyped-def]
    """A direction turned by the inverse of a rotation."""
    return (
        matrices[place, 0] * x + matrices[place, 4] * y + matrices[place, 8] * z,
        matrices[place, 1] * x + matrices[place, 5] * y + matrices[place, 9] * z,
        matrices[place, 2] * x + matrices[place, 6] * y + matrices[place, 10] * z,
    )


@cuda.jit(device=True)
def _write_sky(images, wanted, frame, place, far):  # type: ignore[no-untyped-def]
    """A pixel that no triangle covers."""
    if wanted & DEPTH:
        images.depth[frame, place] = np.float32(far)
    if wanted & SEGMENTATION:
        images.segmentation[frame, place] = 0
    if wanted & INSTANCES:
        images.instances[frame, place] = 0
    for axis in range(3):
        if wanted & NORMALS:
            images.normals[frame, place, axis] = ZERO
        if wanted & WORLD_NORMALS:
            images.world_normals[frame, place, axis] = ZERO
        if wanted & POSITIONS:
            images.positions[frame, place, axis] = ZERO
