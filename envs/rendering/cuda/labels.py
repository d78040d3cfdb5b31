"""Depth, labels, normals and positions on a GPU, one thread a pixel; see `cpu.frames` and `annotations.pixels`."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import cuda

from camshaft.envs.rendering.cuda.pixels import (
    find_edges,
    find_view,
    find_weights,
    inverse_depth,
    normal_at,
    rotate,
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
    """Images to fill, (n, H W) or (n, H W, 3); unwanted ones may have any shape."""

    depth: Any
    segmentation: Any
    instances: Any
    normals: Any
    world_normals: Any
    positions: Any


@cuda.jit
def write_labels(
    wanted, shapes, surfaces, state, visible, world_from_view, rotations, pixels, instance_ids, keys, order_bits,
    near, far, exact, radial, images,
):  # type: ignore[no-untyped-def]  # fmt: skip
    """Fill the images; threads along x are pixels, threads along y frames.

    Args:
        wanted: sum of the flags of the wanted images.
        shapes: `ShapeArrays`.
        surfaces: `SurfaceArrays`.
        state: `StateArrays`.
        visible: `VisibleArrays` of the first pass.
        world_from_view: (n V, 12).
        rotations: (V, 3, 3) view from camera.
        pixels: `PixelArrays` of the labels.
        instance_ids: (S,) uint16.
        keys: (n, cells) of the first pass.
        order_bits: as in `rasterize`.
        near: meters.
        far: meters.
        exact: 1 when cells are pixels.
        radial: 1 when depth is the distance from the camera.
        images: `LabelImages`.
    """
    pixel, frame = cuda.grid(2)
    if pixel >= pixels.cells.shape[0]:
        return
    cell = pixels.cells[pixel]
    views = pixels.first_cells.shape[0] - 1
    key = np.uint64(0)
    view = 0
    if cell < pixels.first_cells[views]:
        key = keys[frame, cell]
        view = find_view(pixels.first_cells, cell)
    if key == 0:
        _write_sky(images, wanted, frame, pixel, far)
        return
    axes = frame * views + view
    slot, number = unpack_key(key, order_bits)
    where = axes * visible.entries.shape[1] + slot
    mesh = visible.meshes[where]
    face = shapes.ranges[mesh, 2] + number
    w = inverse_depth(key)
    if wanted & SEGMENTATION:
        images.segmentation[frame, pixel] = surfaces.labels[shapes.face_surfaces[face]]
    if wanted & INSTANCES:
        images.instances[frame, pixel] = instance_ids[slot]
    if wanted & DEPTH and exact:
        depth = np.float32(far)
        if w > np.float32(1.0 / far):
            depth = ONE / min(w, np.float32(1.0 / near))
        images.depth[frame, pixel] = depth
        wanted -= DEPTH
    if not wanted & (DEPTH + NORMALS + WORLD_NORMALS + POSITIONS):
        return
    x, y = pixels.ray_x[pixel], pixels.ray_y[pixel]
    first = shapes.ranges[mesh, 0]
    a, b, c = first + shapes.faces[face, 0], first + shapes.faces[face, 1], first + shapes.faces[face, 2]
    edges, side = find_edges(shapes.positions, a, b, c, visible.matrices, where)
    weight_a, weight_b, weight_c, inverse = find_weights(edges, x, y)
    # The ray may miss the triangle by half a cell: the depth is clamped to that of the cell.
    depth = ONE / min(max(inverse, HALF * w), TWO * w)
    if wanted & DEPTH:
        length = pixels.lengths[pixel] if radial else ONE
        images.depth[frame, pixel] = min(max(depth * length, np.float32(near)), np.float32(far))
    if wanted & POSITIONS:
        ray_x, ray_y, ray_z = rotate(world_from_view, axes, x, y, ONE)
        images.positions[frame, pixel, 0] = world_from_view[axes, 3] + depth * ray_x
        images.positions[frame, pixel, 1] = world_from_view[axes, 7] + depth * ray_y
        images.positions[frame, pixel, 2] = world_from_view[axes, 11] + depth * ray_z
    if wanted & (NORMALS + WORLD_NORMALS):
        n_x, n_y, n_z = normal_at(
            shapes.normals,
            a,
            b,
            c,
            weight_a,
            weight_b,
            weight_c,
            state.poses,
            state.worlds[frame],
            slot,
            side,
        )
        square = n_x * n_x + n_y * n_y + n_z * n_z
        scale = ZERO
        if square > ZERO:
            scale = np.float32(ONE / math.sqrt(square))
        if wanted & WORLD_NORMALS:
            images.world_normals[frame, pixel, 0] = n_x * scale
            images.world_normals[frame, pixel, 1] = n_y * scale
            images.world_normals[frame, pixel, 2] = n_z * scale
        if wanted & NORMALS:
            v_x, v_y, v_z = _rotate_back(world_from_view, axes, n_x * scale, n_y * scale, n_z * scale)
            for axis in range(3):
                images.normals[frame, pixel, axis] = (
                    rotations[view, 0, axis] * v_x
                    + rotations[view, 1, axis] * v_y
                    + rotations[view, 2, axis] * v_z
                )


@cuda.jit(device=True)
def _rotate_back(matrices, row, x, y, z):  # type: ignore[no-untyped-def]
    """A direction rotated by the inverse of matrix `row` of (…, 12) affine matrices."""
    return (
        matrices[row, 0] * x + matrices[row, 4] * y + matrices[row, 8] * z,
        matrices[row, 1] * x + matrices[row, 5] * y + matrices[row, 9] * z,
        matrices[row, 2] * x + matrices[row, 6] * y + matrices[row, 10] * z,
    )


@cuda.jit(device=True)
def _write_sky(images, wanted, frame, pixel, far):  # type: ignore[no-untyped-def]
    """Write a pixel without a triangle."""
    if wanted & DEPTH:
        images.depth[frame, pixel] = np.float32(far)
    if wanted & SEGMENTATION:
        images.segmentation[frame, pixel] = 0
    if wanted & INSTANCES:
        images.instances[frame, pixel] = 0
    for axis in range(3):
        if wanted & NORMALS:
            images.normals[frame, pixel, axis] = ZERO
        if wanted & WORLD_NORMALS:
            images.world_normals[frame, pixel, axis] = ZERO
        if wanted & POSITIONS:
            images.positions[frame, pixel, axis] = ZERO
