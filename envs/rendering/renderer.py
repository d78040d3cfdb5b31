"""The renderer: images and labels of many worlds through one kind of camera, in one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from camshaft.envs.errors import CamshaftError, InvalidOption, check_choice
from camshaft.envs.kernels import check_num_threads, run_chunks
from camshaft.envs.rendering.annotations.annotations import (
    ANNOTATION_TYPES,
    MOTIONS,
    Annotations,
    Moment,
    annotation_shapes,
    draw_annotated_frames,
)
from camshaft.envs.rendering.annotations.motion import Motion, make_motion
from camshaft.envs.rendering.camera import Camera
from camshaft.envs.rendering.cpu.frames import Images, draw_frames
from camshaft.envs.rendering.cpu.scratch import Scratch, make_scratch
from camshaft.envs.rendering.cpu.shading import Light
from camshaft.envs.rendering.cpu.shadows import shadow_map_size
from camshaft.envs.rendering.lens import make_lens
from camshaft.envs.rendering.scene_state import SceneState

IMAGE_TYPES: Mapping[str, type] = {
    "rgb": np.uint8,
    "depth": np.float32,
    "segmentation": np.uint8,
    "instances": np.uint16,
}
OUTPUT_TYPES: Mapping[str, type] = {**IMAGE_TYPES, **ANNOTATION_TYPES}
DEVICES = ("cpu", "cuda")


class Renderer:
    """Draws the worlds of a `SceneState` as a camera sees them.

    Args:
        state: the worlds.
        camera: size, lens, near and far; its mount is for the caller to apply (`Camera.mount`).
        outputs: any of the outputs below.
        num_threads: threads over worlds, by default one per available core.
        device: "cpu", or "cuda" for an NVIDIA GPU: all worlds in one launch, images left in its memory. It draws rgb,
            depth, segmentation, instances, normals, world_normals and positions, and needs `camshaft[cuda]`;
            `CudaRenderer` says how a simulation on the GPU hands over its poses.

    Outputs, of a camera of H × W pixels, a scene of S slots and K keypoints (`Scene.keypoints`):
        "rgb": (H, W, 3) uint8.
        "depth": (H, W) float32 meters, `camera.far` where there is only sky: along the optical axis of a pinhole, along
            the pixel's ray of a fisheye or cylindrical lens.
        "segmentation": (H, W) uint8 labels, see `LABELS`.
        "instances": (H, W) uint16, 0 for sky, see `Objects.instance`.
        "normals": (H, W, 3) float32 unit, toward the camera, in camera axes; 0 for sky. Smooth, as shaded.
        "world_normals": the same in world axes.
        "positions": (H, W, 3) float32 meters, world frame; 0 for sky.
        "flow": (H, W, 2) float32 pixels, columns then rows, from here to where the same point appears at the moment
            `then`; 0 where the lens cannot see it.
        "scene_flow": (H, W, 3) float32 meters that the point moves through the world until `then`.
        "occluded": (H, W) uint8, 1 where the point is out of sight then: covered, gone, or out of the picture.
        "boxes": (S, 4) float32 left, top, right, bottom edges of the visible part of each slot; the first pixel
            spans 0..1. 0 where nothing is visible.
        "amodal_boxes": the same of the whole object, covered parts too, cut to the image; of objects, not of arenas.
        "boxes_3d": (S, 8, 3) float32 meters, corners in camera axes of the box about each object in its own axes;
            x of the object grows first, z last; NaN for arenas and what is hidden.
        "keypoints": (K, 3) float32 column, row and visibility: 0 out of the picture, 1 covered, 2 visible.

    The images do not depend on the number of threads. Objects of less than 0.4 pixels radius are left out: they would
    only flicker.
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
        self._annotates = any(output in ANNOTATION_TYPES for output in outputs)
        self._moves = any(output in MOTIONS for output in outputs)
        self._scratches = [self._make_scratch() for _ in range(self.num_threads)]
        self._motions = [self._make_motion() for _ in self._scratches if self._annotates]
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
        self._everyone = np.arange(state.num_worlds)
        self._shapes: dict[str, tuple[int, ...]] = {
            **{name: (camera.height, camera.width) + ((3,) if name == "rgb" else ()) for name in IMAGE_TYPES},
            **annotation_shapes(
                camera.height, camera.width, state.scene.num_slots, len(self._keypoints.slots)
            ),
        }
        self._nothing: dict[str, NDArray[Any]] = {
            name: np.zeros((0,) + (1,) * (2 if name == "rgb" else len(self._shapes[name])), kind)
            for name, kind in OUTPUT_TYPES.items()
        }

    def render(
        self,
        camera_poses: ArrayLike,
        worlds: NDArray[np.int64] | None = None,
        out: Mapping[str, NDArray[Any]] | None = None,
        moment: Moment | None = None,
        then: tuple[Moment, ArrayLike] | None = None,
    ) -> dict[str, NDArray[Any]]:
        """Draw one image a world.

        Args:
            camera_poses: (n, 4, 4) world from camera, OpenCV axes, rigid.
            worlds: (n,) which worlds, all by default.
            out: arrays to fill, by output name; new ones are made for those left out.
            moment: what to draw, from `SceneState.moment`; by default what stands there now. Its light, and the
                geometry of its arenas, are those of now.
            then: another moment, and (n, 4, 4) where the cameras are at it; for the outputs that tell motion.

        Returns:
            Output name to (n, …) array; on a GPU one with `__cuda_array_interface__`, which the next call overwrites.
        """
        if self._cuda is not None:
            if out is not None or then is not None:
                raise InvalidOption("device='cuda' takes neither `out` nor `then`")
            return self._cuda.render(camera_poses, worlds, moment)
        chosen = self._everyone if worlds is None else np.asarray(worlds, np.int64)
        poses = self._checked_poses("camera_poses", camera_poses, len(chosen))
        state = self.state
        now = moment or Moment(state.meshes, state.poses, state.bounds)
        images = self._arrays(len(chosen), out or {})
        if not self._annotates:
            run_chunks(
                self._draw, len(chosen), self.num_threads, chosen, poses, now, images, list(self._scratches)
            )
            return images
        if self._moves and then is None:
            raise InvalidOption(f"{', '.join(MOTIONS)} need `then`: another moment and its camera poses")
        later, later_poses = (now, poses) if then is None else then
        later_poses = self._checked_poses("camera poses of then", later_poses, len(chosen))
        free = list(zip(self._scratches, self._motions, strict=True))
        run_chunks(
            self._annotate,
            len(chosen),
            self.num_threads,
            chosen,
            poses,
            now,
            images,
            free,
            later,
            later_poses,
        )
        return images

    def _draw(
        self,
        start: int,
        stop: int,
        worlds: NDArray[np.int64],
        poses: NDArray[np.float64],
        now: Moment,
        images: dict[str, NDArray[Any]],
        free: list[Scratch],
    ) -> None:
        state = self.state
        draw_frames(
            start,
            stop,
            worlds,
            state.geometry,
            now.meshes,
            now.poses,
            now.bounds,
            state.colors,
            state.instances,
            poses,
            self._light,
            self.camera.shadow_distance,
            self._lens,
            free.pop(),
            self._images(images),
        )

    def _annotate(
        self,
        start: int,
        stop: int,
        worlds: NDArray[np.int64],
        poses: NDArray[np.float64],
        now: Moment,
        images: dict[str, NDArray[Any]],
        free: list[tuple[Scratch, Motion]],
        later: Moment,
        later_poses: NDArray[np.float64],
    ) -> None:
        state = self.state
        scratch, motion = free.pop()
        draw_annotated_frames(
            start,
            stop,
            worlds,
            state.geometry,
            now,
            state.colors,
            state.instances,
            poses,
            self._light,
            self.camera.shadow_distance,
            self._lens,
            scratch,
            self._images(images),
            Annotations(**{name: images.get(name, self._nothing[name]) for name in ANNOTATION_TYPES}),
            self._keypoints,
            later,
            later_poses,
            motion,
        )

    def _images(self, images: dict[str, NDArray[Any]]) -> Images:
        """The images as the kernels take them: a row of colors is one axis."""
        flat = {
            name: images[name].reshape(len(images[name]), self.camera.height, -1)
            if name in images
            else self._nothing[name]
            for name in IMAGE_TYPES
        }
        return Images(**flat)

    def _arrays(self, count: int, out: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
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

    def _make_motion(self) -> Motion:
        return make_motion(
            self._make_scratch() if self._moves else self._scratches[0], self.state.scene.num_slots
        )

    @staticmethod
    def _checked_poses(what: str, poses: ArrayLike, count: int) -> NDArray[np.float64]:
        array = np.ascontiguousarray(poses, np.float64)
        if array.shape != (count, 4, 4):
            raise InvalidOption(f"{what} must have shape ({count}, 4, 4), got {array.shape}")
        return array


def _cuda_renderer(state: SceneState, camera: Camera, outputs: Sequence[str]) -> Any:
    """A `CudaRenderer`, whose module is imported only where it is wanted: what it needs is optional."""
    try:
        from camshaft.envs.rendering.cuda.renderer import CudaRenderer
    except ImportError as error:
        raise CamshaftError("device='cuda' needs numba-cuda: pip install 'camshaft[cuda]'") from error
    return CudaRenderer(state, camera, outputs)
