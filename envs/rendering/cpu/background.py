"""Background of a camera that stands still: what it sees of the slots that do not move, kept from frame to frame.

A frame that a camera takes from the same pose as the last one, with the same fixed slots and light, starts from the
stored visibility buffer, and its pixels of the background are copied; only what moves is rasterized and shaded. The
images are bit for bit those without a stored background.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.kernels import inlined

UNKNOWN, SEEN, STORED = 0, 1, 2
FIXED = 16 + 16  # numbers of a key: the camera's pose, sun, sky, ground and fog
PER_SLOT = 1 + 12 + 3  # mesh, pose and color
PER_LAMP = 3 + 3 + 3 + 2


class Background(NamedTuple):
    """Stored backgrounds of N worlds; C cells, V vertices and F faces of the fixed slots, keys of K numbers.

    Attributes:
        slots: (1,) number of fixed slots, which come first; 0 where nothing is stored.
        keys: (N, K) all that the background of the last frame depends on.
        states: (N,) UNKNOWN; SEEN, when the key is that of the last frame; STORED.
        counts: (N, 2) rendered triangles and vertices.
        inverse_depth, triangles: (N, C + 1) as in `Scratch`.
        rendered: (N, F, 5) as in `Scratch`.
        vertices: (N, V, 6) as in `Scratch`.
        rgb: (N, H, 3 W) image without what moves; (N, 1, 1) where rgb is not wanted.
    """

    slots: NDArray[np.int64]
    keys: NDArray[np.float64]
    states: NDArray[np.uint8]
    counts: NDArray[np.int64]
    inverse_depth: NDArray[np.float32]
    triangles: NDArray[np.int32]
    rendered: NDArray[np.int32]
    vertices: NDArray[np.float32]
    rgb: NDArray[np.uint8]


def make_background(
    num_worlds: int,
    slots: int,
    max_vertices: int,
    max_faces: int,
    num_lamps: int,
    cells: int,
    rgb: tuple[int, int],
) -> Background:
    """Empty backgrounds.

    Args:
        num_worlds: N; 0 for a renderer that stores none.
        slots: number of fixed slots.
        max_vertices: V, of all fixed slots.
        max_faces: F, likewise.
        num_lamps: lamps of a world.
        cells: C + 1, of the lens.
        rgb: (H, 3 W) of the image.
    """
    return Background(
        slots=np.array([slots if num_worlds else 0]),
        keys=np.zeros((num_worlds, FIXED + PER_SLOT * slots + PER_LAMP * num_lamps)),
        states=np.full(num_worlds, UNKNOWN, np.uint8),
        counts=np.zeros((num_worlds, 2), np.int64),
        inverse_depth=np.zeros((num_worlds, cells), np.float32),
        triangles=np.zeros((num_worlds, cells), np.int32),
        rendered=np.zeros((num_worlds, max_faces, 5), np.int32),
        vertices=np.zeros((num_worlds, max_vertices, 6), np.float32),
        rgb=np.zeros((num_worlds, *rgb), np.uint8),
    )


@inlined
def recall(background, world, camera, meshes, poses, colors, light):  # type: ignore[no-untyped-def]
    """What is known of the background of a frame: UNKNOWN; SEEN, for the second time; STORED. Notes the frame's key."""
    key = background.keys[world]
    same = True
    position = 0
    for row in range(4):
        same &= _note(key, position, camera[row])
        position += 4
    for colors_of_sky in (light.sun_direction, light.sun, light.sky_zenith, light.sky_horizon, light.ground):
        same &= _note(key, position, colors_of_sky[world])
        position += 3
    same &= key[position] == light.fog_density[world]
    key[position] = light.fog_density[world]
    position += 1
    for slot in range(background.slots[0]):
        same &= key[position] == meshes[slot]
        key[position] = meshes[slot]
        for row in range(3):
            same &= _note(key, position + 1 + 4 * row, poses[slot, row])
        same &= _note(key, position + 13, colors[slot])
        position += PER_SLOT
    for lamp in range(light.lamp_colors.shape[1]):
        same &= _note(key, position, light.lamp_positions[world, lamp])
        same &= _note(key, position + 3, light.lamp_directions[world, lamp])
        same &= _note(key, position + 6, light.lamp_colors[world, lamp])
        same &= _note(key, position + 9, light.lamp_cosines[world, lamp])
        position += PER_LAMP
    known = background.states[world]
    if not same:
        background.states[world] = SEEN
        return UNKNOWN
    return SEEN if known == UNKNOWN else known


@inlined
def _note(key, position, values):  # type: ignore[no-untyped-def]
    """Write values into a key; returns whether they were there already."""
    same = True
    for index in range(values.shape[0]):
        same &= key[position + index] == values[index]
        key[position + index] = values[index]
    return same


@inlined
def copy_values(source, target, start, stop):  # type: ignore[no-untyped-def]
    """Copy numbers `start` to `stop` of a row; an assignment of slices would allocate."""
    for index in range(np.uint64(start), np.uint64(stop)):
        target[index] = source[index]


@inlined
def store(background, world, count, base, scratch):  # type: ignore[no-untyped-def]
    """Store the visibility buffer of the fixed slots."""
    background.counts[world, 0], background.counts[world, 1] = count, base
    cells = scratch.triangles.shape[0]
    copy_values(scratch.inverse_depth, background.inverse_depth[world], 0, cells)
    copy_values(scratch.triangles, background.triangles[world], 0, cells)
    for triangle in range(count):
        copy_values(scratch.rendered[triangle], background.rendered[world, triangle], 0, 5)
    for vertex in range(base):
        copy_values(scratch.vertices[vertex], background.vertices[world, vertex], 0, 6)


@inlined
def restore(background, world, scratch):  # type: ignore[no-untyped-def]
    """Start a frame from the stored visibility buffer; returns the numbers of rendered triangles and of vertices."""
    count, base = background.counts[world, 0], background.counts[world, 1]
    cells = scratch.triangles.shape[0]
    copy_values(background.inverse_depth[world], scratch.inverse_depth, 0, cells)
    copy_values(background.triangles[world], scratch.triangles, 0, cells)
    for triangle in range(count):
        copy_values(background.rendered[world, triangle], scratch.rendered[triangle], 0, 5)
        scratch.traits[triangle] = 0
    for vertex in range(base):
        copy_values(background.vertices[world, vertex], scratch.vertices[vertex], 0, 6)
    return count, base


@inlined
def moving_range(row_triangles, still):  # type: ignore[no-untyped-def]
    """First pixel of a row that shows what moves, and the end of the last one; equal if there is none.

    Args:
        row_triangles: (W,) triangle of each pixel.
        still: number of the triangles of the background.
    """
    begin, end = 0, row_triangles.shape[0]
    while begin < end and row_triangles[np.uint64(begin)] < still:
        begin += 1
    while end > begin and row_triangles[np.uint64(end - 1)] < still:
        end -= 1
    return begin, end
