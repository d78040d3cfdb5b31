"""Renderer: images and annotations of many worlds from one camera, in one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from camshaft.envs.errors import CamshaftError, InvalidOption, check_choice
from camshaft.envs.kernels import check_num_threads, run_chunks
from camshaft.envs.rendering.annotations.frames import Annotations, render_annotated_frames
from camshaft.envs.rendering.annotations.motion import Motion, make_motion
from camshaft.envs.rendering.camera import Camera
from camshaft.envs.rendering.cpu.background import Background, make_background
from camshaft.envs.rendering.cpu.frames import Images, render_frames
from camshaft.envs.rendering.cpu.scratch import Scratch, make_scratch
from camshaft.envs.rendering.cpu.shading import Light
from camshaft.envs.rendering.cpu.shadows import shadow_map_size
from camshaft.envs.rendering.lens import make_lens
from camshaft.envs.rendering.outputs import (
    ANNOTATION_TYPES,
    IMAGE_TYPES,
    MOTION_OUTPUTS,
    OUTPUT_TYPES,
    output_shapes,
)
from camshaft.envs.rendering.scene_state import SceneSnapshot, SceneState

DEVICES = ("cpu", "cuda")


class Renderer:
    """Renders the worlds of a `SceneState` as seen by a camera.

    Args:
        state: the worlds.
        camera: size, lens, near and far; the caller applies its mount (`Camera.mount`).
        outputs: any of the outputs below.
        num_threads: threads over worlds, by default one per available core.
        device: "cpu", or "cuda" for an NVIDIA GPU, which renders all worlds in one launch and leaves the images in its
            memory. The GPU renders rgb, depth, segmentation, instances, normals, world_normals and positions, and needs
            `camshaft[cuda]`; see `CudaRenderer` for simulations that keep their poses on the GPU.

    Outputs, for a camera of H × W pixels and a scene of S slots and K keypoints (`Scene.keypoints`):
        "rgb": (H, W, 3) uint8.
        "depth": (H, W) float32 meters, `camera.far` for sky; along the optical axis of a pinhole, along the pixel's ray
            of a fisheye or cylindrical lens.
        "segmentation": (H, W) uint8 labels, see `LABELS`.
        "instances": (H, W) uint16, 0 for sky, see `Objects.instance`.
        "normals": (H, W, 3) float32 unit, toward the camera, in camera axes; 0 for sky. Smooth, as used for shading.
        "world_normals": the same in world axes.
        "positions": (H, W, 3) float32 meters, world frame; 0 for sky.
        "flow": (H, W, 2) float32 pixels, columns then rows, from the pixel to the same surface point in the target
            frame (`flow_target` of `render`); 0 where that is outside the lens's field of view.
        "scene_flow": (H, W, 3) float32 meters, displacement of the surface point in the world to the target frame.
        "occluded": (H, W) uint8, 1 where the point is not visible in the target frame: occluded, gone, or outside the
            image.
        "boxes": (S, 4) float32 left, top, right, bottom edges of the visible part of each slot; the first pixel
            spans 0..1. 0 where nothing is visible.
        "amodal_boxes": the same of the whole object, including occluded parts, clipped to the image; 0 for arenas.
        "boxes_3d": (S, 8, 3) float32 meters, camera axes, corners of the box of each object aligned with its own axes;
            the object's x changes fastest, z slowest. NaN for arenas and hidden slots.
        "keypoints": (K, 3) float32 column, row and visibility: 0 outside the image, 1 occluded, 2 visible.

    The images do not depend on the number of threads. Objects with a radius of less than 0.4 pixels are not rendered:
    they would only flicker.
    """

    def __init__(
        self,
        state: SceneState,
        camera: Camera,
        outputs: Sequence[str] = ("rgb",),
        num_threads: int | None = None,
        device: str = "cpu",
    ) -> None:
        check_choice("device", device, DEVICES)
        for output in outputs:
            check_choice("output", output, OUTPUT_TYPES)
        self.state = state
        self.camera = camera
        self.outputs = tuple(outputs)
        self.num_threads = check_num_threads(num_threads, state.num_worlds)
        self._cuda = _cuda_renderer(state, camera, self.outputs) if device == "cuda" else None
        if self._cuda is not None:
            return
        self._lens = make_lens(camera)
        self._keypoints = state.scene.keypoints()
        self._has_annotations = any(output in ANNOTATION_TYPES for output in outputs)
        self._has_motion = any(output in MOTION_OUTPUTS for output in outputs)
        self._scratches = [self._make_scratch() for _ in range(self.num_threads)]
        self._motions = [self._make_motion() for _ in self._scratches if self._has_annotations]
        self._light = Light(
            state.sun_direction,
            state.sun_color,
            state.sky_zenith,
            state.sky_horizon,
            state.ground_light,
            state.fog_density,
            state.lamp_positions,
            state.lamp_directions,
            state.lamp_colors,
            state.lamp_cosines,
        )
        self._all_worlds = np.arange(state.num_worlds)
        self._no_background = self._make_background(0)
        self._background: Background | None = None
        self._shapes = output_shapes(camera, state.scene.num_slots, len(self._keypoints.slots))
        self._unwanted: dict[str, NDArray[Any]] = {
            name: np.zeros((0,) + (1,) * (2 if name == "rgb" else len(self._shapes[name])), kind)
            for name, kind in OUTPUT_TYPES.items()
        }

    def render(
        self,
        camera_poses: ArrayLike,
        worlds: NDArray[np.int64] | None = None,
        out: Mapping[str, NDArray[Any]] | None = None,
        snapshot: SceneSnapshot | None = None,
        flow_target: tuple[SceneSnapshot, ArrayLike] | None = None,
    ) -> dict[str, NDArray[Any]]:
        """Render one frame of each world.

        Args:
            camera_poses: (n, 4, 4) world from camera, OpenCV axes, rigid.
            worlds: (n,) world indices, all by default.
            out: arrays to fill, by output name; the others are allocated.
            snapshot: poses to render, from `SceneState.snapshot`; by default the current ones. Lighting and the
                geometry of arenas are always the current ones.
            flow_target: target frame of "flow", "scene_flow" and "occluded": a snapshot, and (n, 4, 4) camera poses.

        Returns:
            Output name to (n, …) array; on a GPU one with `__cuda_array_interface__`, which the next call overwrites.
        """
        if self._cuda is not None:
            if out is not None or flow_target is not None:
                raise InvalidOption("device='cuda' takes neither `out` nor `flow_target`")
            return self._cuda.render(camera_poses, worlds, snapshot)
        chosen = self._all_worlds if worlds is None else np.asarray(worlds, np.int64)
        count = len(chosen)
        poses = _checked_poses("camera_poses", camera_poses, count)
        current = snapshot or self.state.current()
        images = self._allocate(count, out or {})
        if self._has_motion and flow_target is None:
            raise InvalidOption(
                f"{', '.join(MOTION_OUTPUTS)} need `flow_target`: a snapshot and camera poses"
            )
        if not self._has_annotations:
            free = list(self._scratches)
            background = self._background_of(chosen)
            run_chunks(
                self._render, count, self.num_threads, chosen, poses, current, images, free, background
            )
            return images
        target, target_poses = (current, poses) if flow_target is None else flow_target
        target_poses = _checked_poses("camera poses of flow_target", target_poses, count)
        pairs = list(zip(self._scratches, self._motions, strict=True))
        run_chunks(
            self._render_annotated,
            count,
            self.num_threads,
            chosen,
            poses,
            current,
            images,
            pairs,
            target,
            target_poses,
        )
        return images

    def _render(
        self,
        start: int,
        stop: int,
        worlds: NDArray[np.int64],
        poses: NDArray[np.float64],
        current: SceneSnapshot,
        images: dict[str, NDArray[Any]],
        free: list[Scratch],
        background: Background,
    ) -> None:
        state = self.state
        render_frames(
            start,
            stop,
            worlds,
            state.geometry,
            current.meshes,
            current.poses,
            current.bounds,
            state.colors,
            state.instances,
            poses,
            self._light,
            self.camera.shadow_distance,
            self._lens,
            free.pop(),
            self._kernel_images(images),
            background,
        )

    def _render_annotated(
        self,
        start: int,
        stop: int,
        worlds: NDArray[np.int64],
        poses: NDArray[np.float64],
        current: SceneSnapshot,
        images: dict[str, NDArray[Any]],
        free: list[tuple[Scratch, Motion]],
        target: SceneSnapshot,
        target_poses: NDArray[np.float64],
    ) -> None:
        state = self.state
        scratch, motion = free.pop()
        render_annotated_frames(
            start,
            stop,
            worlds,
            state.geometry,
            current,
            state.colors,
            state.instances,
            poses,
            self._light,
            self.camera.shadow_distance,
            self._lens,
            scratch,
            self._kernel_images(images),
            Annotations(**{name: images.get(name, self._unwanted[name]) for name in ANNOTATION_TYPES}),
            self._keypoints,
            target,
            target_poses,
            motion,
        )

    def _kernel_images(self, images: dict[str, NDArray[Any]]) -> Images:
        """The images as the kernels take them: columns and color channels are one axis."""
        flat = {
            name: images[name].reshape(len(images[name]), self.camera.height, -1)
            if name in images
            else self._unwanted[name]
            for name in IMAGE_TYPES
        }
        return Images(**flat)

    def _allocate(self, count: int, out: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        images = {}
        for name in self.outputs:
            shape, kind = (count, *self._shapes[name]), OUTPUT_TYPES[name]
            image = out.get(name)
            if image is None:
                image = np.empty(shape, kind)
            elif image.shape != shape or image.dtype != kind or not image.flags.c_contiguous:
                raise InvalidOption(
                    f"out[{name!r}] must be {shape} {kind.__name__}, C-contiguous; "
                    f"got {image.shape} {image.dtype}"
                )
            images[name] = image
        return images

    def _make_scratch(self) -> Scratch:
        camera, state = self.camera, self.state
        max_vertices, max_faces = state.max_visible()
        return make_scratch(
            self._lens,
            state.scene.num_slots,
            max(1, max_vertices),
            max(1, max_faces),
            shadow_map_size(camera) if camera.shadow_distance else 1,
            state.lamp_colors.shape[1],
        )

    def _background_of(self, worlds: NDArray[np.int64]) -> Background:
        """The stored backgrounds; none for lenses, samples and shadows that they do not fit, or a world seen twice."""
        camera = self.camera
        fits = self._lens.exact and self._lens.samples == 1 and not camera.shadow_distance
        if not (fits and self.state.scene.num_fixed_slots and (np.diff(worlds) > 0).all()):
            return self._no_background
        if self._background is None:
            self._background = self._make_background(self.state.num_worlds)
        return self._background

    def _make_background(self, num_worlds: int) -> Background:
        vertices, faces = self.state.max_visible(fixed=True)
        height, width = self.camera.height, self.camera.width
        return make_background(
            num_worlds,
            self.state.scene.num_fixed_slots,
            vertices,
            faces,
            self.state.lamp_colors.shape[1],
            int(self._lens.views.offsets[-1]) + 1,
            (height, 3 * width) if "rgb" in self.outputs else (1, 1),
        )

    def _make_motion(self) -> Motion:
        target = self._make_scratch() if self._has_motion else self._scratches[0]
        return make_motion(target, self.state.scene.num_slots)


def _checked_poses(name: str, poses: ArrayLike, count: int) -> NDArray[np.float64]:
    array = np.ascontiguousarray(poses, np.float64)
    if array.shape != (count, 4, 4):
        raise InvalidOption(f"{name} must have shape ({count}, 4, 4), got {array.shape}")
    return array


def _cuda_renderer(state: SceneState, camera: Camera, outputs: Sequence[str]) -> Any:
    """A `CudaRenderer`; its module needs the optional numba-cuda and is imported only if used."""
    try:
        from camshaft.envs.rendering.cuda.renderer import CudaRenderer
    except ImportError as error:
        raise CamshaftError("device='cuda' needs numba-cuda: pip install 'camshaft[cuda]'") from error
    return CudaRenderer(state, camera, outputs)
