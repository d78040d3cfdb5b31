"""Renderer on a GPU, with images left in the GPU's memory.

All kernels run on CUDA's default stream, like those of PyTorch and CuPy, which therefore need no synchronization to
read the images.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Collection, Sequence
from typing import Any

import numba
import numpy as np
from numba import cuda
from numpy.typing import NDArray

from camshaft.envs.errors import CamshaftError, InvalidOption, check_choice
from camshaft.envs.rendering.camera import Camera
from camshaft.envs.rendering.cpu.shadows import shadow_map_size
from camshaft.envs.rendering.cuda.arrays import (
    CHANGING,
    SIMULATED,
    DeviceArray,
    StateArrays,
    TileArrays,
    Uploads,
    VisibleArrays,
    make_visible,
    state_sources,
    update_arena,
    upload_pixels,
    upload_shapes,
    upload_surfaces,
    upload_tiles,
)
from camshaft.envs.rendering.cuda.culling import CULLING_THREADS, cull, cull_casters, set_view_transforms
from camshaft.envs.rendering.cuda.labels import WANTED, LabelImages, write_labels
from camshaft.envs.rendering.cuda.shading import shade
from camshaft.envs.rendering.cuda.shadows import ShadowArrays, fit_shadows
from camshaft.envs.rendering.cuda.visibility import rasterize
from camshaft.envs.rendering.lens import Views, make_lens
from camshaft.envs.rendering.outputs import CHANNELS, OUTPUT_TYPES, image_shape
from camshaft.envs.rendering.scene_state import SceneSnapshot, SceneState

CUDA_OUTPUTS = ("rgb", *WANTED)
TILE_THREADS = 64 if SIMULATED else 128  # with 134 registers each: three tiles at once on a multiprocessor
PIXEL_THREADS = 32 if SIMULATED else 128
BUFFER_BYTES = 4 << 30  # of one batch of frames; more frames are rendered in several batches
MAX_BATCH = 65535  # frames, CUDA's limit of the second dimension of a grid

numba.config.CUDA_LOW_OCCUPANCY_WARNINGS = 0  # few and small images are intended


class CudaRenderer:
    """Renders the worlds of a `SceneState` on a GPU; used by `Renderer(..., device="cuda")`.

    Args:
        state: the worlds.
        camera: as in `Renderer`.
        outputs: any of CUDA_OUTPUTS; see `Renderer`.

    Attributes:
        worlds: GPU arrays of the worlds, by the names of CHANGING: "meshes" (N, S) int32, "poses" (N, S, 3, 4) float32,
            "bounds" (N, S, 4) float32 and "colors" (N, S, 3) float32 as in `SceneState`; "light" (N, 16) float32: sun
            direction, sun, zenith, horizon and ground color, fog density; "lamps" (N, L, 11) float32: positions,
            directions, colors and cosines. A simulation on the GPU writes to them through
            `__cuda_array_interface__`, and leaves their names out of `upload`.

    Raises:
        InvalidOption: the GPU does not render an output.
        CamshaftError: there is no GPU, or numba-cuda is not installed.
    """

    def __init__(self, state: SceneState, camera: Camera, outputs: Sequence[str]) -> None:
        for output in outputs:
            check_choice("output", output, CUDA_OUTPUTS, "Other outputs need device='cpu'.")
        require_gpu()
        self.state = state
        self.camera = camera
        self.outputs = tuple(outputs)
        self._lens = make_lens(camera)
        self._order_bits = _order_bits(state)
        self._arena_changes = state.arena_changes.copy()
        self._shapes, self._surfaces = upload_shapes(state), upload_surfaces(state)
        self._tiles = upload_tiles(self._lens.views)
        self._rotations = cuda.to_device(self._lens.views.rotations)
        self._instance_ids = cuda.to_device(np.append(state.instances, 0).astype(np.uint16))
        self._samples = upload_pixels(self._lens.shading, self._lens.views)
        self._pixels = upload_pixels(self._lens.labels, self._lens.views)
        self._shadow_size = (
            shadow_map_size(camera) if camera.shadow_distance > 0.0 and "rgb" in outputs else 0
        )
        self._shadow_tiles = upload_tiles(_square_view(max(1, self._shadow_size)))
        self._uploads = Uploads()
        self.worlds = self._uploads.arrays
        sources = state_sources(state, state.current(), CHANGING)
        for name, source in sources.items():
            self._uploads.reserve(name, source.shape, source.dtype.type)
        self._uploads.copy(sources)
        self._all_worlds = np.arange(state.num_worlds)
        self._frames = 0
        self._batch = 0
        self._images: dict[str, DeviceArray] = {}
        self._reserve(state.num_worlds)

    def render(
        self,
        camera_poses: Any,
        worlds: Any = None,
        snapshot: SceneSnapshot | None = None,
        upload: Collection[str] = CHANGING,
    ) -> dict[str, DeviceArray]:
        """Render one frame of each world.

        Args:
            camera_poses: (n, 4, 4) world from camera; a NumPy array, or a GPU array of float32 or float64.
            worlds: (n,) world indices, all by default; a NumPy array, or a GPU array of int64, which is not checked.
            snapshot: poses to render, from `SceneState.snapshot`; by default the current ones.
            upload: names of CHANGING to upload from the state first.

        Returns:
            Output name to (n, …) array on the GPU: `torch.as_tensor(image, device="cuda")` shares its memory. The
            next call overwrites it.
        """
        for name in upload:
            check_choice("upload", name, CHANGING)
        chosen = self._all_worlds if worlds is None else worlds
        count = len(chosen)
        self._reserve(count)
        sources = state_sources(self.state, snapshot or self.state.current(), upload)
        poses_here, worlds_here = _on_gpu(camera_poses), _on_gpu(chosen)
        if poses_here is None:
            sources["camera_poses"] = _checked_poses(np.asarray(camera_poses, np.float64), count)
            poses_here = self._uploads.arrays["camera_poses"][:count]
        _checked_poses(poses_here, count)
        if worlds_here is None:
            sources["worlds"] = self._checked_worlds(chosen)
            worlds_here = self._uploads.arrays["worlds"][:count]
        self._uploads.copy(sources)
        self._upload_arenas()
        for start in range(0, count, self._batch):
            stop = min(start + self._batch, count)
            self._render(start, stop, poses_here[start:stop], worlds_here[start:stop])
        return {name: image if len(image) == count else image[:count] for name, image in self._images.items()}

    def _render(self, start: int, stop: int, cameras: DeviceArray, worlds: DeviceArray) -> None:
        """Render frames `start` to `stop`."""
        count, lens, views = stop - start, self._lens, self._tiles.views
        state = StateArrays(worlds, *(self._uploads.arrays[name] for name in CHANGING))
        blocks = math.ceil(count * views / PIXEL_THREADS)
        set_view_transforms[blocks, PIXEL_THREADS](
            cameras, self._rotations, self._world_from_view, self._view_from_world
        )
        tiles = count * self._tiles.bounds.shape[0]
        cull[tiles, CULLING_THREADS](
            self._shapes, state, self._tiles, float(lens.near), float(lens.far), float(lens.views.focal),
            self._view_from_world, self._visible,
        )  # fmt: skip
        self._rasterize(tiles, self._tiles, self._visible, 0, self._keys)
        images = {name: image[start:stop] for name, image in self._images.items()}
        grid = (math.ceil(self.camera.height * self.camera.width / PIXEL_THREADS), count)
        if "rgb" in images:
            if self._shadow_size:
                self._render_shadows(count, cameras, state)
            shade[grid, PIXEL_THREADS](
                self._shapes, self._surfaces, state, self._visible, self._world_from_view, self._samples, lens.samples,
                self._keys, self._order_bits, self._shadows, images["rgb"],
            )  # fmt: skip
        wanted = sum(WANTED[name] for name in images if name != "rgb")
        if wanted:
            flat = [_flattened(images[name]) if name in images else self._unwanted[name] for name in WANTED]
            write_labels[grid, PIXEL_THREADS](
                wanted, self._shapes, self._surfaces, state, self._visible, self._world_from_view, self._rotations,
                self._pixels, self._instance_ids, self._keys, self._order_bits, float(lens.near), float(lens.far),
                lens.exact, lens.radial, LabelImages(*flat),
            )  # fmt: skip

    def _render_shadows(self, count: int, cameras: DeviceArray, state: StateArrays) -> None:
        optics = self._lens.optics
        half_x, half_y = 0.5 * self._lens.width / optics.focal, 0.5 * self._lens.height / optics.focal
        fit_shadows[math.ceil(count / PIXEL_THREADS), PIXEL_THREADS](
            cameras,
            state,
            float(self.camera.shadow_distance),
            half_x,
            half_y,
            self._lens.radial,
            self._shadows,
        )
        tiles = count * self._shadow_tiles.bounds.shape[0]
        cull_casters[tiles, CULLING_THREADS](
            self._shapes, state, self._shadow_tiles, self._shadows.scales, self._shadows.light_from_world,
            self._shadow_visible,
        )  # fmt: skip
        self._rasterize(tiles, self._shadow_tiles, self._shadow_visible, 1, self._shadows.keys)

    def _rasterize(
        self, blocks: int, tiles: TileArrays, visible: VisibleArrays, parallel: int, keys: DeviceArray
    ) -> None:
        rasterize[blocks, TILE_THREADS](
            self._shapes, self._surfaces, tiles, visible, float(self._lens.near), float(self._lens.views.focal),
            parallel, self._order_bits, keys,
        )  # fmt: skip

    def _reserve(self, frames: int) -> None:
        """Allocate buffers for a number of frames."""
        if frames <= self._frames:
            return
        slots, views = self.state.scene.num_slots, self._tiles.views
        cells, texels = int(self._lens.views.offsets[-1]), self._shadow_size**2
        tiles = self._tiles.bounds.shape[0] + self._shadow_tiles.bounds.shape[0]
        bytes_each = 8 * (cells + texels) + 8 * tiles * (slots + 1) + 52 * slots * (views + 1) + 96 * views
        batch = int(min(frames, MAX_BATCH, max(1, BUFFER_BYTES // bytes_each)))
        shadowed = batch if self._shadow_size else 1
        self._keys = cuda.device_array((batch, cells), np.uint64)
        self._world_from_view = cuda.device_array((batch * views, 12), np.float32)
        self._view_from_world = cuda.device_array((batch * views, 12), np.float32)
        self._visible = make_visible(batch, self._tiles, slots)
        self._shadow_visible = make_visible(shadowed, self._shadow_tiles, slots)
        self._shadows = ShadowArrays(
            self._shadow_size,
            cuda.device_array((shadowed, max(1, texels)), np.uint64),
            cuda.device_array((shadowed, 12), np.float32),
            cuda.device_array(shadowed, np.float32),
            cuda.device_array((shadowed, 2), np.float32),
        )
        self._images = {
            name: cuda.device_array((frames, *image_shape(self.camera, name)), OUTPUT_TYPES[name])
            for name in self.outputs
        }
        self._unwanted = {
            name: cuda.device_array((1, 1, 1) if name in CHANNELS else (1, 1), OUTPUT_TYPES[name])
            for name in WANTED
        }
        self._uploads.reserve("camera_poses", (frames, 4, 4), np.float64)
        self._uploads.reserve("worlds", (frames,), np.int64)
        self._frames, self._batch = frames, batch

    def _upload_arenas(self) -> None:
        """Upload the arenas that were replaced."""
        for world in np.flatnonzero(self._arena_changes != self.state.arena_changes).tolist():
            update_arena(self._shapes, self.state, world)
        self._arena_changes[:] = self.state.arena_changes

    def _checked_worlds(self, worlds: Any) -> NDArray[np.int64]:
        array = np.asarray(worlds, np.int64)
        if array.size and not (array.min() >= 0 and array.max() < self.state.num_worlds):
            raise InvalidOption(f"worlds must be within 0..{self.state.num_worlds - 1}, got {array.tolist()}")
        return array


def require_gpu() -> None:
    """Check that kernels can run.

    Raises:
        CamshaftError: numba-cuda is not installed, or there is no GPU.
    """
    if SIMULATED:
        return
    if importlib.util.find_spec("numba_cuda") is None:
        raise CamshaftError("device='cuda' needs numba-cuda: pip install 'camshaft[cuda]'")
    if not cuda.is_available():
        raise CamshaftError(
            "device='cuda' needs an NVIDIA GPU with its driver, and the CUDA libraries of 'camshaft[cuda]'; "
            "none was found. device='cpu' renders the same images"
        )


def _order_bits(state: SceneState) -> int:
    """Bits of a face number; together with those of a slot number they fit into 32 bits."""
    faces = max([len(mesh.faces) for mesh in state.scene.meshes], default=1)
    if state.scene.arena is not None:
        faces = max(faces, state.scene.arena.max_faces)
    face_bits, slot_bits = (faces - 1).bit_length(), (state.scene.num_slots - 1).bit_length()
    if face_bits + slot_bits > 32:
        raise InvalidOption(
            f"device='cuda' numbers at most 2^32 triangles a world: {state.scene.num_slots} slots of up to {faces} "
            f"triangles take {slot_bits} and {face_bits} bits"
        )
    return face_bits


def _square_view(size: int) -> Views:
    """A single square view, to be divided into tiles; its rotation is not used."""
    return Views(
        np.zeros((1, 3, 3), np.float32),
        1.0,
        np.zeros((1, 2)),
        np.array([[size, size]]),
        np.array([0, size * size]),
        np.zeros((1, 4, 3), np.float32),
    )


def _on_gpu(array: Any) -> DeviceArray | None:
    """The array as a GPU array of Numba, or None if it is not on the GPU."""
    return cuda.as_cuda_array(array) if hasattr(array, "__cuda_array_interface__") else None


def _checked_poses(poses: Any, count: int) -> Any:
    if tuple(poses.shape) != (count, 4, 4):
        raise InvalidOption(f"camera_poses must have shape ({count}, 4, 4), got {tuple(poses.shape)}")
    return poses


def _flattened(image: DeviceArray) -> DeviceArray:
    """(n, H W) or (n, H W, 3)."""
    frames, height, width = image.shape[:3]
    return image.reshape(frames, height * width, *image.shape[3:])
