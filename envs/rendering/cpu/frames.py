"""Whole frames: both passes for one world after another, and the images that any task may ask for."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.kernels import inlined, kernel
from camshaft.envs.rendering.cpu.planes import set_up
from camshaft.envs.rendering.cpu.shading import bright, shade_frame
from camshaft.envs.rendering.cpu.shadows import draw_shadow_map
from camshaft.envs.rendering.cpu.visibility import NO_TRIANGLE, draw_world, place_views

ONE = np.float32(1.0)
HALF = np.float32(0.5)
TWO = np.float32(2.0)
ZERO = np.float32(0.0)


class Images(NamedTuple):
    """Images to fill, (n, H, W) and rgb (n, H, 3 W); one that nobody asked for has n = 0."""

    rgb: NDArray[np.uint8]
    depth: NDArray[np.float32]
    segmentation: NDArray[np.uint8]
    instances: NDArray[np.uint16]


@kernel
def draw_frames(
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
):  # type: ignore[no-untyped-def]
    """Draw rows start to stop of the images: row i is world `worlds[i]` seen by `cameras[i]`."""
    for row in range(start, stop):
        world = worlds[row]
        place_views(cameras[row], lens, scratch)
        draw_frame(
            geometry, meshes[world], poses[world], bounds[world], colors[world], instances, cameras[row], light,
            world, shadow_distance, lens, scratch, images, row,
        )  # fmt: skip


@inlined
def draw_frame(
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
    """Draw one world into one row of the images; the views are placed."""
    shadowed = images.rgb.shape[0] > 0 and shadow_distance > 0.0 and bright(light.sun[world])
    sun = light.sun_direction[world]
    bias = ZERO
    if shadowed:  # before the first pass, whose vertices must stay
        bias = draw_shadow_map(geometry, meshes, poses, bounds, camera, shadow_distance, sun, lens, scratch)
    drawn = draw_world(geometry, meshes, poses, bounds, lens, scratch)
    if images.rgb.shape[0] > 0:
        shade_frame(geometry, poses, colors, light, world, shadowed, bias, lens, scratch, images.rgb[row])
    if images.depth.shape[0] > 0:
        if lens.exact:
            _write_depth(scratch.inverse_depth, lens.near, lens.far, images.depth[row])
        else:
            _write_exact_depth(geometry, poses, colors, sun, lens, scratch, images.depth[row])
    if images.segmentation.shape[0] > 0:
        for triangle in range(drawn):
            surface = geometry.face_surfaces[scratch.drawn[triangle, 0]]
            scratch.labels[triangle + NO_TRIANGLE] = geometry.surface_labels[surface]
        _write_table(scratch.labels, scratch.triangles, lens, images.segmentation[row])
    if images.instances.shape[0] > 0:
        for triangle in range(drawn):
            scratch.instances[triangle + NO_TRIANGLE] = instances[scratch.drawn[triangle, 1]]
        _write_table(scratch.instances, scratch.triangles, lens, images.instances[row])


@inlined
def depth_on_ray(plane, w, x, y):  # type: ignore[no-untyped-def]
    """Depth, in the view, of a triangle on the ray (x, y, 1) next to a cell where 1/depth is w.

    The ray may miss the triangle by half a cell: on one that is seen edge on, depth is kept near that of the cell.
    """
    inverse = plane[0] * x + plane[1] * y + plane[2]
    return ONE / min(max(inverse, HALF * w), TWO * w)


@inlined
def _write_depth(inverse_depth, near, far, depth):  # type: ignore[no-untyped-def]
    """Depth of lenses whose pixels are the cells of the first pass."""
    pixels = depth.reshape(depth.size)
    nearest, farthest = np.float32(1.0 / near), np.float32(far)
    lowest = np.float32(1.0 / far)
    for pixel in range(np.uint64(pixels.size)):
        w = inverse_depth[pixel]
        w = w if w < nearest else nearest
        pixels[pixel] = ONE / w if w > lowest else farthest


@inlined
def _write_exact_depth(geometry, poses, colors, sun, lens, scratch, depth):  # type: ignore[no-untyped-def]
    """Depth of lenses whose pixels are not the cells of the first pass."""
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
                set_up(geometry, poses, colors, sun, scratch, triangle, False)
            here = depth_on_ray(
                scratch.planes[triangle], scratch.inverse_depth[cell], ray_x[row, column], ray_y[row, column]
            )
            here = here * lengths[row, column] if lens.radial else here
            depth[row, column] = min(max(here, near), far)


@inlined
def _write_table(table, triangles, lens, image):  # type: ignore[no-untyped-def]
    """Look up what each pixel shows in a table of the drawn triangles, behind `NO_TRIANGLE` entries of 0."""
    pixels = image.reshape(image.size)
    if lens.exact:
        for pixel in range(np.uint64(pixels.size)):
            pixels[pixel] = table[np.uint64(triangles[pixel] + NO_TRIANGLE)]
    else:
        cells = lens.labels.cells.reshape(pixels.size)
        for pixel in range(np.uint64(pixels.size)):
            pixels[pixel] = table[np.uint64(triangles[np.uint64(cells[pixel])] + NO_TRIANGLE)]
