"""Sensor model: exposure, white balance, noise, blur, weather and compression of images; noise and holes of depth.

Colors follow the linear camera model of the EMVA Standard 1288: light becomes electrons, whose number has the variance
of a Poisson distribution; readout adds noise. Depth noise is that of structured light and stereo, σ = a z² (Khoshelham
and Elberink, "Accuracy and resolution of Kinect depth data for indoor mapping applications", Sensors 2012).

The order is that of a real camera: motion blur of the scene, rain, water on the lens, vignetting, exposure, noise,
white balance, quantization, compression.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from camshaft.envs.errors import InvalidOption
from camshaft.envs.kernels import check_num_threads, run_chunks
from camshaft.envs.rendering.camera import Camera
from camshaft.envs.rendering.sensor import kernels
from camshaft.envs.rendering.sensor.sensor import Sensor
from camshaft.envs.rendering.sensor.white_balance import white_balance_gains

BLOCKS_ACROSS = 24  # of the downsampled image seen through drops of water
LATTICE_SPACING = 6  # pixels between points of the noise that places depth holes


class SensorModel:
    """Applies the sensors of one camera in many worlds to its images.

    Args:
        sensor: sensor of all worlds; `change` replaces that of one world.
        camera: size, focal length and far distance of the images.
        num_worlds: number of worlds.
        num_threads: threads over worlds, by default one per available core.
        camera_number: number of the camera within its world; cameras with equal numbers have equal noise.

    The result of a world depends only on its sensor, its seed, the frame number and its image: not on other worlds, the
    number of threads, or earlier calls.
    """

    def __init__(
        self,
        sensor: Sensor,
        camera: Camera,
        num_worlds: int,
        num_threads: int | None = None,
        camera_number: int = 0,
    ) -> None:
        self.num_worlds = num_worlds
        self.num_threads = check_num_threads(num_threads, num_worlds)
        self._camera = camera
        self._stream = camera_number * kernels.STREAMS
        self._sensors = [sensor] * num_worlds
        self._settings = np.empty((num_worlds, kernels.COLUMNS), np.float32)
        self._changes_colors = np.empty(num_worlds, np.bool_)
        self._changes_depth = np.empty(num_worlds, np.bool_)
        self._squared_radius = np.zeros((0, 0), np.float32)
        self._scratches: list[kernels.Scratch] = []
        self._jpeg_buffers: list[NDArray[np.uint8]] = []
        self._no_flow = np.zeros((0, 1, 1, 2), np.float32)
        self._zero_speeds = np.zeros(num_worlds, np.float64)
        for world in range(num_worlds):
            self.change(world, sensor)

    @property
    def needs_flow(self) -> bool:
        """Whether any world's sensor has motion blur."""
        return bool((self._settings[:, kernels.SHUTTER] > 0.0).any())

    def change(self, world: int, sensor: Sensor) -> None:
        """Replace the sensor of a world, such as by one sampled for its next episode."""
        self._sensors[world] = sensor
        self._settings[world] = _settings(sensor)
        self._changes_colors[world] = sensor.changes_colors
        self._changes_depth[world] = sensor.changes_depth
        if not self._scratches and (sensor.changes_colors or sensor.changes_depth):
            self._make_buffers()

    def apply(
        self,
        images: Mapping[str, NDArray[Any]],
        worlds: NDArray[np.int64],
        seeds: NDArray[np.int64],
        frames: NDArray[np.int64],
        flow: NDArray[np.float32] | None = None,
        speeds: ArrayLike | None = None,
    ) -> None:
        """Change "rgb" and "depth" in place; other images are left alone.

        Args:
            images: output name to (n, H, W, …) C-contiguous array, as `Renderer.render` returns them.
            worlds: (n,) world of each image.
            seeds: (num_worlds,) int64 seeds of the episodes.
            frames: (n,) frame number since the start of the episode.
            flow: (n, H, W, 2) optical flow, pixels a frame (x right, y down); needed for motion blur.
            speeds: (n,) m/s along the optical axis, for the direction of rain; 0 by default.
        """
        rgb = images.get("rgb") if self._changes_colors.any() else None
        depth = images.get("depth") if self._changes_depth.any() else None
        if rgb is None and depth is None:
            return
        worlds, seeds, frames = (np.asarray(numbers, np.int64) for numbers in (worlds, seeds, frames))
        if len(frames) != len(worlds) or len(seeds) != self.num_worlds:
            raise InvalidOption(
                f"a sensor needs one frame number an image and one seed a world; got {len(frames)} for {len(worlds)} "
                f"images and {len(seeds)} for {self.num_worlds} worlds"
            )
        if rgb is not None:
            self._apply_to_colors(rgb, worlds, seeds, frames, flow, speeds)
        if depth is not None:
            self._apply_to_depth(depth, worlds, seeds, frames)

    def _apply_to_depth(
        self,
        depth: NDArray[Any],
        worlds: NDArray[np.int64],
        seeds: NDArray[np.int64],
        frames: NDArray[np.int64],
    ) -> None:
        count = len(worlds)
        self._checked("depth", depth, (), np.float32, count)
        far = float(self._camera.far)
        arguments = (worlds, self._changes_depth, seeds, frames, self._stream, self._settings, far)
        self._run(kernels.measure_depths, arguments, depth, count)

    def _apply_to_colors(
        self,
        image: NDArray[Any],
        worlds: NDArray[np.int64],
        seeds: NDArray[np.int64],
        frames: NDArray[np.int64],
        flow: NDArray[np.float32] | None,
        speeds: ArrayLike | None,
    ) -> None:
        count = len(worlds)
        rgb = self._checked("rgb", image, (3,), np.uint8, count)
        if (self._settings[worlds, kernels.SHUTTER] > 0.0).any():
            if flow is None:
                raise InvalidOption("motion_blur needs the optical flow, and flow is None")
            self._checked("flow", flow, (2,), np.float32, count)
        arguments = (
            worlds,
            self._changes_colors,
            seeds,
            frames,
            self._stream,
            self._settings,
            self._squared_radius,
            float(self._camera.focal_length),
            self._no_flow if flow is None else flow,
            self._zero_speeds[:count] if speeds is None else np.asarray(speeds, np.float64),
        )
        self._run(kernels.expose_frames, arguments, rgb.reshape(count, rgb.shape[1], -1), count)
        if any(self._sensors[world].jpeg_quality is not None for world in worlds):
            run_chunks(self._compress, count, self.num_threads, worlds, rgb, list(self._jpeg_buffers))

    def _run(self, kernel: Any, arguments: tuple[Any, ...], image: NDArray[Any], count: int) -> None:
        """Call a kernel over chunks of images, each with a scratch of its own."""
        free = list(self._scratches)

        def work(start: int, stop: int) -> None:
            kernel(start, stop, *arguments, free.pop(), image)

        run_chunks(work, count, self.num_threads)

    def _compress(
        self,
        start: int,
        stop: int,
        worlds: NDArray[np.int64],
        rgb: NDArray[np.uint8],
        free: list[NDArray[np.uint8]],
    ) -> None:
        import cv2  # takes a tenth of a second, needed for compression only

        bgr = free.pop()
        for index in range(start, stop):
            quality = self._sensors[worlds[index]].jpeg_quality
            if quality is not None:
                cv2.cvtColor(rgb[index], cv2.COLOR_RGB2BGR, dst=bgr)
                _, data = cv2.imencode(".jpg", bgr, (cv2.IMWRITE_JPEG_QUALITY, quality))
                cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB, dst=rgb[index])

    def _checked(
        self, name: str, image: NDArray[Any], channels: tuple[int, ...], kind: type, count: int
    ) -> NDArray[Any]:
        shape = (count, self._camera.height, self._camera.width, *channels)
        if image.shape != shape or image.dtype != kind or not image.flags.c_contiguous:
            raise InvalidOption(
                f"{name} must be {shape} {kind.__name__}, C-contiguous; got {image.shape} {image.dtype}"
            )
        return image

    def _make_buffers(self) -> None:
        height, width = self._camera.height, self._camera.width
        rows = np.arange(height, dtype=np.float32)[:, None] - 0.5 * (height - 1)
        columns = np.arange(width, dtype=np.float32) - 0.5 * (width - 1)
        square = (rows**2 + columns**2) / max(1.0, 0.25 * ((height - 1) ** 2 + (width - 1) ** 2))
        self._squared_radius = np.repeat(square.astype(np.float32), 3, axis=1)
        block = max(2, width // BLOCKS_ACROSS)  # pixels
        lattice = (2 + height // LATTICE_SPACING, 2 + width // LATTICE_SPACING)
        for _ in range(self.num_threads):
            self._scratches.append(
                kernels.Scratch(
                    light=np.empty((height, 3 * width), np.float32),
                    blurred=np.empty((height, 3 * width), np.float32),
                    gains=np.empty(3 * width, np.float32),
                    small=np.empty((max(1, height // block), max(1, width // block), 3), np.float32),
                    lattice=np.empty(lattice, np.float32),
                    score=np.empty((height, width), np.int32),
                    histogram=np.empty(kernels.BINS, np.int64),
                )
            )
            self._jpeg_buffers.append(np.empty((height, width, 3), np.uint8))


def _settings(sensor: Sensor) -> NDArray[np.float32]:
    """(COLUMNS,) row of a sensor as the kernels read it."""
    row = np.zeros(kernels.COLUMNS, np.float32)
    row[kernels.EXPOSURE] = 2.0**sensor.exposure
    row[kernels.RED], row[kernels.BLUE] = white_balance_gains(sensor.white_balance)
    if sensor.full_well is not None:
        row[kernels.SHOT] = 1.0 / sensor.full_well
        row[kernels.READ] = (sensor.read_noise / sensor.full_well) ** 2
    row[kernels.SHUTTER] = sensor.motion_blur
    row[kernels.VIGNETTING] = sensor.vignetting
    row[kernels.RAIN] = sensor.rain
    row[kernels.SPRAY] = sensor.spray
    row[kernels.DEPTH_NOISE] = sensor.depth_noise
    row[kernels.HOLES] = sensor.depth_holes
    row[kernels.NEAREST], row[kernels.FARTHEST] = sensor.depth_range or (0.0, math.inf)
    return row
