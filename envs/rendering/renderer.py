"""The renderer: images of many worlds through one kind of camera, in one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from envs.errors import InvalidOption, check_choice
from envs.kernels import check_num_threads, run_chunks
from envs.rendering.camera import Camera
from envs.rendering.frames import Images, draw_frames
from envs.rendering.lens import make_lens
from envs.rendering.scene_state import SceneState
from envs.rendering.shading import Light
from envs.rendering.shadows import shadow_map_size
from envs.rendering.visibility import Scratch, make_scratch

OUTPUT_TYPES: Mapping[str, type] = {
    "rgb": np.uint8,
    "depth": np.float32,
    "segmentation": np.uint8,
    "instances": np.uint16,
}


class Renderer:
    """Draws the worlds of a `SceneState` as a camera sees them.

    Args:
        state: the worlds.
        camera: size, field of view, near and far; its mount is for the caller to apply (`Camera.mount`).
        outputs: any of "rgb" (H, W, 3) uint8; "depth" (H, W) float32 metres along the optical axis, `camera.far`
            where there is only sky; "segmentation" (H, W) uint8 labels; "instances" (H, W) uint16, 0 for sky.
        num_threads: threads over worlds, by default one per available core.

    The images do not depend on the number of threads. Objects of less than 0.4 pixels radius are left out: they would
    only flicker.
    """

    def __init__(
        self,
        state: SceneState,
        camera: Camera,
        outputs: Sequence[str] = ("rgb",),
        num_threads: int | None = None,
    ) -> None:
        for output in outputs:
            check_choice("output", output, OUTPUT_TYPES)
        self.state = state
        self.camera = camera
        self.outputs = tuple(outputs)
        self.num_threads = check_num_threads(num_threads, state.num_worlds)
        self._lens = make_lens(camera)
        max_vertices, max_faces = state.max_visible()
        samples = camera.supersampling
        self._scratches = [
            make_scratch(
                self._lens,
                max(1, max_vertices),
                max(1, max_faces),
                shadow_map_size(samples * camera.width, samples * camera.height)
                if camera.shadow_distance
                else 1,
                state.lamp_colours.shape[1],
            )
            for _ in range(self.num_threads)
        ]
        self._light = Light(
            state.sun_direction,
            state.sun_colour,
            state.sky_zenith,
            state.sky_horizon,
            state.ground_light,
            state.fog_density,
            state.lamp_positions,
            state.lamp_directions,
            state.lamp_colours,
            state.lamp_cosines,
        )
        self._everyone = np.arange(state.num_worlds)
        self._nothing: dict[str, NDArray[Any]] = {
            name: np.zeros((0, 1, 1), kind) for name, kind in OUTPUT_TYPES.items()
        }

    def render(
        self,
        camera_poses: ArrayLike,
        worlds: NDArray[np.int64] | None = None,
        out: Mapping[str, NDArray[Any]] | None = None,
    ) -> dict[str, NDArray[Any]]:
        """Draw one image a world.

        Args:
            camera_poses: (n, 4, 4) world from camera, OpenCV axes, rigid.
            worlds: (n,) which worlds, all by default.
            out: arrays to fill, by output name; new ones are made for those left out.

        Returns:
            Output name to (n, H, W, …) array.
        """
        chosen = self._everyone if worlds is None else np.asarray(worlds, np.int64)
        poses = np.ascontiguousarray(camera_poses, np.float64)
        if poses.shape != (len(chosen), 4, 4):
            raise InvalidOption(f"camera_poses must have shape ({len(chosen)}, 4, 4), got {poses.shape}")
        images = self._images(len(chosen), out or {})
        filled = Images(**{name: self._flat(images, name) for name in OUTPUT_TYPES})
        free = list(self._scratches)
        run_chunks(self._draw, len(chosen), self.num_threads, chosen, poses, filled, free)
        return images

    def _draw(
        self,
        start: int,
        stop: int,
        worlds: NDArray[np.int64],
        poses: NDArray[np.float64],
        filled: Images,
        free: list[Scratch],
    ) -> None:
        state = self.state
        draw_frames(
            start,
            stop,
            worlds,
            state.geometry,
            state.meshes,
            state.poses,
            state.bounds,
            state.colours,
            state.instances,
            poses,
            self._light,
            self.camera.shadow_distance,
            self._lens,
            free.pop(),
            filled,
        )

    def _flat(self, images: dict[str, NDArray[Any]], name: str) -> NDArray[Any]:
        if name not in images:
            return self._nothing[name]
        return images[name].reshape(len(images[name]), self.camera.height, -1)

    def _images(self, count: int, out: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        images = {}
        for name in self.outputs:
            shape = (count, self.camera.height, self.camera.width) + ((3,) if name == "rgb" else ())
            image = out.get(name)
            if image is None:
                image = np.empty(shape, OUTPUT_TYPES[name])
            elif image.shape != shape or image.dtype != OUTPUT_TYPES[name] or not image.flags.c_contiguous:
                raise InvalidOption(
                    f"out[{name!r}] must be {shape} {OUTPUT_TYPES[name].__name__}, C-contiguous; "
                    f"got {image.shape} {image.dtype}"
                )
            images[name] = image
        return images
