"""Frames: both passes for one world after another, and the image outputs (color, depth, segmentation, instances)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.kernels import inlined, kernel
from camshaft.envs.rendering.cpu.background import STORED, UNKNOWN, recall, restore, store
from camshaft.envs.rendering.cpu.planes import set_up_triangle
from camshaft.envs.rendering.cpu.shading import gives_light, shade_frame
from camshaft.envs.rendering.cpu.shadows import render_shadow_map
from camshaft.envs.rendering.cpu.visibility import (
    NO_TRIANGLE,
    clear_view,
    rasterize_slots,
    rasterize_world,
    set_view_transforms,
)

ONE = np.float32(1.0)
HALF = np.float32(0.5)
TWO = np.float32(2.0)
ZERO = np.float32(0.0)


class Images(NamedTuple):
    """Images to fill, (n, H, W) and rgb (n, H, 3 W); n = 0 for those that are not wanted."""

    rgb: NDArray[np.uint8]
    depth: NDArray[np.float32]
    segmentation: NDArray[np.uint8]
    instances: NDArray[np.uint16]


@kernel
def render_frames(
    start,
    stop,
    worlds,
    geometry,
    meshes,
    poses,
    bounds,
    colors,
    instances,
    cameras,
    light,
    shadow_distance,
    lens,
    scratch,
    images,
    background,
):  # type: ignore[no-untyped-def]
    """Render rows `start` to `stop` of the images: row i is world `worlds[i]` seen by `cameras[i]`."""
    for row in range(start, stop):
        world = worlds[row]
        set_view_transforms(cameras[row], lens, scratch)
        known = UNKNOWN
        if background.slots[0] > 0:
            known = recall(background, world, cameras[row], meshes[world], poses[world], colors[world], light)
        if known == UNKNOWN:
            render_frame(
                geometry, meshes[world], poses[world], bounds[world], colors[world], instances, cameras[row],
                light, world, shadow_distance, lens, scratch, images, row,
            )  # fmt: skip
        else:
            _render_before_background(
                geometry, meshes[world], poses[world], bounds[world], colors[world], instances,
                light, world, lens, scratch, images, row, background, known,
            )  # fmt: skip


@inlined
def _render_before_background(
    geometry,
    meshes,
    poses,
    bounds,
    colors,
    instances,
    light,
    world,
    lens,
    scratch,
    images,
    row,
    background,
    known,
):  # type: ignore[no-untyped-def]
    """Render what moves before the background, which is stored first if it is not; for lenses of one view."""
    slots = background.slots[0]
    wants_color = images.rgb.shape[0] > 0
    if known != STORED:
        clear_view(0, lens, scratch)
        still, base = rasterize_slots(geometry, meshes, poses, bounds, 0, slots, 0, lens, scratch, 0, 0)
        store(background, world, still, base, scratch)
        if wants_color:
            picture = background.rgb[world]
            shade_frame(
                geometry, poses, colors, light, world, False, ZERO, lens, scratch, picture, 0, picture
            )
        background.states[world] = STORED
    still, base = restore(background, world, scratch)
    count, base = rasterize_slots(
        geometry, meshes, poses, bounds, slots, meshes.shape[0], 0, lens, scratch, still, base
    )
    if wants_color:
        shade_frame(
            geometry, poses, colors, light, world, False, ZERO, lens, scratch, images.rgb[row], still,
            background.rgb[world],
        )  # fmt: skip
    _write_labels(geometry, poses, colors, instances, light, world, lens, scratch, images, row, count)


@inlined
def render_frame(
    geometry,
    meshes,
    poses,
    bounds,
    colors,
    instances,
    camera,
    light,
    world,
    shadow_distance,
    lens,
    scratch,
    images,
    row,
):  # type: ignore[no-untyped-def]
    """Render one world into one row of the images; the view transforms must be set."""
    shadowed = images.rgb.shape[0] > 0 and shadow_distance > 0.0 and gives_light(light.sun[world])
    sun_direction = light.sun_direction[world]
    bias = ZERO
    if shadowed:  # before the first pass, whose vertices the second pass reads
        bias = render_shadow_map(
            geometry, meshes, poses, bounds, camera, shadow_distance, sun_direction, lens, scratch
        )
    count = rasterize_world(geometry, meshes, poses, bounds, lens, scratch)
    if images.rgb.shape[0] > 0:
        shade_frame(
            geometry,
            poses,
            colors,
            light,
            world,
            shadowed,
            bias,
            lens,
            scratch,
            images.rgb[row],
            0,
            images.rgb[row],
        )
    _write_labels(geometry, poses, colors, instances, light, world, lens, scratch, images, row, count)


@inlined
def _write_labels(geometry, poses, colors, instances, light, world, lens, scratch, images, row, count):  # type: ignore[no-untyped-def]
    """Write depth, segmentation and instances of a frame of `count` rendered triangles."""
    if images.depth.shape[0] > 0:
        if lens.exact:
            _write_depth(scratch.inverse_depth, lens.near, lens.far, images.depth[row])
        else:
            _write_ray_depth(
                geometry, poses, colors, light.sun_direction[world], lens, scratch, images.depth[row]
            )
    if images.segmentation.shape[0] > 0:
        for triangle in range(count):
            surface = geometry.face_surfaces[scratch.rendered[triangle, 0]]
            scratch.labels[triangle + NO_TRIANGLE] = geometry.surface_labels[surface]
        _write_table(scratch.labels, scratch.triangles, lens, images.segmentation[row])
    if images.instances.shape[0] > 0:
        for triangle in range(count):
            scratch.instances[triangle + NO_TRIANGLE] = instances[scratch.rendered[triangle, 1]]
        _write_table(scratch.instances, scratch.triangles, lens, images.instances[row])


@inlined
def depth_on_ray(plane, w, x, y):  # type: ignore[no-untyped-def]
    """Depth in the view of a triangle on the ray (x, y, 1), near a cell whose 1/depth is w.

    The ray may miss the triangle by half a cell; the depth of triangles seen edge-on is clamped to that of the cell.
    """
    inverse = plane[0] * x + plane[1] * y + plane[2]
    return ONE / min(max(inverse, HALF * w), TWO * w)


@inlined
def _write_depth(inverse_depth, near, far, depth):  # type: ignore[no-untyped-def]
    """Write the depth of lenses whose pixels are the cells of the first pass."""
    pixels = depth.reshape(depth.size)
    nearest, farthest = np.float32(1.0 / near), np.float32(far)
    lowest = np.float32(1.0 / far)
    for pixel in range(np.uint64(pixels.size)):
        w = inverse_depth[pixel]
        w = w if w < nearest else nearest
        pixels[pixel] = ONE / w if w > lowest else farthest


@inlined
def _write_ray_depth(geometry, poses, colors, sun_direction, lens, scratch, depth):  # type: ignore[no-untyped-def]
    """Write the depth of other lenses, on the ray of each pixel."""
    height, width = depth.shape
    near, far = np.float32(lens.near), np.float32(lens.far)
    cells, ray_x, ray_y, lengths, _ = lens.labels
    for row in range(height):
        for column in range(width):
            cell = cells[row, column]
            triangle = scratch.triangles[cell]
            if triangle < 0:
                depth[row, column] = far
                continue
            if not scratch.traits[triangle]:
                set_up_triangle(geometry, poses, colors, sun_direction, scratch, triangle, False)
            value = depth_on_ray(
                scratch.planes[triangle], scratch.inverse_depth[cell], ray_x[row, column], ray_y[row, column]
            )
            value = value * lengths[row, column] if lens.radial else value
            depth[row, column] = min(max(value, near), far)


@inlined
def _write_table(table, triangles, lens, image):  # type: ignore[no-untyped-def]
    """Write the entry of each pixel's triangle in a table that starts with `NO_TRIANGLE` zeros."""
    pixels = image.reshape(image.size)
    if lens.exact:
        for pixel in range(np.uint64(pixels.size)):
            pixels[pixel] = table[np.uint64(triangles[pixel] + NO_TRIANGLE)]
    else:
        cells = lens.labels.cells.reshape(pixels.size)
        for pixel in range(np.uint64(pixels.size)):
            pixels[pixel] = table[np.uint64(triangles[np.uint64(cells[pixel])] + NO_TRIANGLE)]
