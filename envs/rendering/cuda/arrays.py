"""GPU arrays that the kernels read and write: geometry, scene state, lens tables and buffers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numba
import numpy as np
from numba import cuda
from numpy.typing import NDArray

from camshaft.envs.rendering.lens import Pixels, Views
from camshaft.envs.rendering.scene_state import SceneSnapshot, SceneState

SIMULATED = bool(numba.config.ENABLE_CUDASIM)  # in Numba's simulator, at some hundred pixels a second
TILE_SIDE = 8 if SIMULATED else 64  # cells; small in the simulator, so that tiny images have several tiles
# Attributes of SceneState, (N, 3) each.
LIGHT = ("sun_direction", "sun_color", "sky_zenith", "sky_horizon", "ground_light")
LAMPS = ("lamp_positions", "lamp_directions", "lamp_colors", "lamp_cosines")
CHANGING = ("meshes", "poses", "bounds", "colors", "light", "lamps")

DeviceArray = Any  # Numba's DeviceNDArray, which is untyped


class ShapeArrays(NamedTuple):
    """Meshes, as in `geometry.Geometry`."""

    positions: DeviceArray
    normals: DeviceArray
    uvs: DeviceArray
    faces: DeviceArray
    face_surfaces: DeviceArray
    ranges: DeviceArray
    coarser: DeviceArray
    pixels: DeviceArray
    flags: DeviceArray


class SurfaceArrays(NamedTuple):
    """Surfaces and textures, as in `geometry.Geometry`."""

    colors: DeviceArray
    flags: DeviceArray
    specular: DeviceArray
    labels: DeviceArray
    textures: DeviceArray
    levels: DeviceArray
    texels: DeviceArray


class StateArrays(NamedTuple):
    """State of N worlds with L lamps, and the n worlds to render."""

    worlds: DeviceArray  # (n,) int64
    meshes: DeviceArray  # (N, S) int32
    poses: DeviceArray  # (N, S, 3, 4) float32
    bounds: DeviceArray  # (N, S, 4) float32
    colors: DeviceArray  # (N, S, 3) float32
    light: DeviceArray  # (N, 16) float32: LIGHT, then the fog density
    lamps: DeviceArray  # (N, L, 11) float32: LAMPS


class TileArrays(NamedTuple):
    """T tiles of at most TILE_SIDE² cells that cover the V views of a lens."""

    bounds: DeviceArray  # (T, 7) int32: view, left, top, columns, rows, first cell of the view, its columns
    sides: DeviceArray  # (T, 4, 3) float32 inward normals of the sides of the tile's frustum
    centers: DeviceArray  # (V, 2) float64
    views: int


class VisibleArrays(NamedTuple):
    """Slots in view of n frames, by tile, and their transforms, by view."""

    entries: DeviceArray  # (n T, S, 2) int32: slot, and number of triangles of the slots before it
    counts: DeviceArray  # (n T, 2) int32: number of entries, and of their triangles
    meshes: DeviceArray  # (n V S,) int32: mesh id of the level of detail
    matrices: DeviceArray  # (n V S, 12) float32: view from object


class PixelArrays(NamedTuple):
    """Cells and rays of the pixels of a lens, as in `lens.Pixels`, flattened."""

    cells: DeviceArray
    ray_x: DeviceArray
    ray_y: DeviceArray
    lengths: DeviceArray
    spreads: DeviceArray
    first_cells: DeviceArray  # (V + 1,) int32: first cell of each view, and the end of the last view


def upload_shapes(state: SceneState) -> ShapeArrays:
    """Upload the meshes of a scene."""
    geometry = state.geometry
    return ShapeArrays(
        *_upload(
            geometry.positions,
            geometry.normals,
            geometry.uvs,
            geometry.faces,
            geometry.face_surfaces,
            geometry.mesh_ranges,
            geometry.mesh_coarser,
            geometry.mesh_pixels,
            geometry.mesh_flags,
        )
    )


def update_arena(shapes: ShapeArrays, state: SceneState, world: int) -> None:
    """Upload the arena of a world again."""
    arena, geometry = state.scene.arena, state.geometry
    if arena is None:
        return
    worlds_left = state.num_worlds - world
    rows = (
        (worlds_left * arena.max_vertices, arena.max_vertices, ("positions", "normals", "uvs")),
        (worlds_left * arena.max_faces, arena.max_faces, ("faces", "face_surfaces")),
    )
    pairs = [(getattr(shapes, name), getattr(geometry, name), *row[:2]) for row in rows for name in row[2]]
    pairs += [
        (
            getattr(shapes, name),
            getattr(geometry, f"mesh_{name}"),
            worlds_left * arena.max_chunks,
            arena.max_chunks,
        )
        for name in ("ranges", "coarser", "pixels")
    ]
    for array, source, from_end, length in pairs:
        start = len(source) - from_end
        array[start : start + length].copy_to_device(np.ascontiguousarray(source[start : start + length]))


def upload_surfaces(state: SceneState) -> SurfaceArrays:
    """Upload the surfaces and textures of a scene."""
    geometry = state.geometry
    return SurfaceArrays(
        *_upload(
            geometry.surface_colors,
            geometry.surface_flags,
            geometry.surface_specular,
            geometry.surface_labels,
            geometry.surface_textures,
            geometry.texture_levels,
            geometry.texels,
        )
    )


def upload_pixels(pixels: Pixels, views: Views) -> PixelArrays:
    """Upload the cells and rays of pixels."""
    return PixelArrays(*_upload(*(array.ravel() for array in pixels), views.offsets.astype(np.int32)))


def upload_tiles(views: Views) -> TileArrays:
    """Divide views into tiles of about equal size, and upload them."""
    bounds, sides = [], []
    for view, (columns, rows) in enumerate(views.sizes.tolist()):
        across, down = math.ceil(columns / TILE_SIDE), math.ceil(rows / TILE_SIDE)
        for top, bottom in _edges(rows, down):
            for left, right in _edges(columns, across):
                bounds.append(
                    (view, left, top, right - left, bottom - top, int(views.offsets[view]), columns)
                )
                low = (np.array([left, top]) - views.centers[view]) / views.focal
                high = (np.array([right, bottom]) - views.centers[view]) / views.focal
                sides.append([[1, 0, -low[0]], [-1, 0, high[0]], [0, 1, -low[1]], [0, -1, high[1]]])
    normals = np.array(sides, np.float64)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    arrays = _upload(np.array(bounds, np.int32), normals.astype(np.float32), views.centers)
    return TileArrays(arrays[0], arrays[1], arrays[2], len(views.sizes))


def make_visible(frames: int, tiles: TileArrays, slots: int) -> VisibleArrays:
    """Buffers for a number of frames."""
    num_tiles, rows = tiles.bounds.shape[0], max(1, frames * tiles.views * slots)
    return VisibleArrays(
        cuda.device_array((frames * num_tiles, max(1, slots), 2), np.int32),
        cuda.device_array((frames * num_tiles, 2), np.int32),
        cuda.device_array(rows, np.int32),
        cuda.device_array((rows, 12), np.float32),
    )


class Uploads:
    """Arrays that are uploaded repeatedly, through page-locked memory, so that the copies are asynchronous.

    Attributes:
        arrays: GPU arrays by name.
    """

    def __init__(self) -> None:
        self.arrays: dict[str, DeviceArray] = {}
        self._staged: dict[str, NDArray[Any]] = {}
        self._stream = getattr(
            cuda, "default_stream", cuda.stream
        )()  # Numba's simulator has no default stream
        self._copied = cuda.event()

    def reserve(self, name: str, shape: tuple[int, ...], kind: type) -> None:
        """Allocate an array, replacing any array of this name."""
        self._copied.synchronize()
        size = tuple(max(1, side) for side in shape)
        self._staged[name], self.arrays[name] = cuda.pinned_array(size, kind), cuda.device_array(size, kind)

    def copy(self, sources: Mapping[str, NDArray[Any]]) -> None:
        """Upload arrays, each at most as long as its reservation."""
        self._copied.synchronize()  # waits for the previous copies only, not for kernels
        for name, source in sources.items():
            if source.size:
                staged, array = self._staged[name], self.arrays[name]
                staged[: len(source)] = source
                array.copy_to_device(staged, stream=self._stream)
        self._copied.record(self._stream)


def state_sources(state: SceneState, current: SceneSnapshot, names: Iterable[str]) -> dict[str, NDArray[Any]]:
    """Arrays of a state by names of CHANGING, in the layout of `StateArrays`."""
    sources = {}
    for name in names:
        if name == "light":
            parts = [getattr(state, part) for part in LIGHT]
            sources[name] = np.column_stack([*parts, state.fog_density])
        elif name == "lamps":
            sources[name] = np.concatenate([getattr(state, part) for part in LAMPS], axis=-1)
        else:
            sources[name] = state.colors if name == "colors" else getattr(current, name)
    return sources


def _edges(length: int, parts: int) -> list[tuple[int, int]]:
    """First cell and end of each part."""
    edges = [length * part // parts for part in range(parts + 1)]
    return list(itertools.pairwise(edges))


def _upload(*arrays: NDArray[Any]) -> list[DeviceArray]:
    """Upload arrays; empty ones become arrays of zeros, which are never read."""
    return [cuda.to_device(np.ascontiguousarray(_non_empty(array))) for array in arrays]


def _non_empty(array: NDArray[Any]) -> NDArray[Any]:
    return array if array.size else np.zeros(tuple(max(1, side) for side in array.shape), array.dtype)
