"""What a real camera makes of a perfect image: exposure, color cast, noise, blur, weather, compression; depth noise.

Colors follow the linear camera model of the EMVA Standard 1288: light makes electrons, whose number has the variance
of a Poisson distribution; reading adds noise of its own. White balance follows Planck's locus as approximated by Kim et
al. ("Design of advanced color temperature control system for HDTV applications", J. Korean Phys. Soc. 2002). Depth
noise is that of structured light and stereo, σ = a z² (Khoshelham and Elberink, "Accuracy and resolution of Kinect
depth data for indoor mapping applications", Sensors 2012).

In the order of a real camera: motion blur of the scene, rain, water on the lens, vignetting, exposure, noise, white
balance, bytes, compression.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from camshaft.envs.errors import InvalidOption
from camshaft.envs.kernels import check_num_threads, run_chunks
from camshaft.envs.randomization import Split, SplitRange
from camshaft.envs.rendering.sensor import kernels

if TYPE_CHECKING:
    from camshaft.envs.rendering.camera import Camera

DAYLIGHT = 6500.0  # kelvin
RGB_FROM_XYZ = np.array(
    [
        [3.2404542, -1.5371385, -0.4985314],
        [-0.9692660, 1.8760108, 0.0415560],
        [0.0556434, -0.2040259, 1.0572252],
    ]
)  # linear sRGB

_LIMITS: Mapping[str, tuple[float, float]] = {
    "exposure": (-10.0, 10.0),
    "white_balance": (2500.0, 20000.0),
    "full_well": (1.0, 1e6),
    "read_noise": (0.0, 1e4),
    "motion_blur": (0.0, 1.0),
    "vignetting": (0.0, 1.0),
    "rain": (0.0, 1.0),
    "spray": (0.0, 1.0),
    "jpeg_quality": (1, 100),
    "depth_noise": (0.0, 1.0),
    "depth_holes": (0.0, 1.0),
}
_OPTIONAL = ("full_well", "jpeg_quality", "depth_range")
_OF_DEPTH = ("depth_noise", "depth_holes", "depth_range")

# A mild camera. Below zero there is no rain, and no spray: half of all episodes are dry, half of the lenses clean.
SENSOR_RANGES: Mapping[str, SplitRange] = {
    "exposure": SplitRange(-1.0, 1.0),
    "white_balance": SplitRange(5000.0, 8500.0, DAYLIGHT),
    "full_well": SplitRange(1500.0, 12000.0),
    "read_noise": SplitRange(1.0, 12.0),
    "vignetting": SplitRange(0.0, 0.4),
    "rain": SplitRange(-0.5, 0.5),
    "spray": SplitRange(-0.3, 0.3),
    "depth_noise": SplitRange(0.0005, 0.003),
    "depth_holes": SplitRange(0.0, 0.06),
}


@dataclass(frozen=True)
class Sensor:
    """How a camera falls short of a perfect one; by default it does not.

    What the renderer has already clipped to white stays clipped: a lower exposure makes it gray.

    Attributes:
        exposure: stops, -10..10: each doubles the light.
        white_balance: kelvin, 2500..20000: color temperature of the light that the camera takes for white. 6500 leaves
            colors alone, lower values make the image bluer, higher ones warmer.
        full_well: electrons that make white, 1..10⁶; None for no shot noise. The variance of a pixel's electrons is
            their number. A higher ISO has fewer of them: good light 10,000, night 300.
        read_noise: electrons, standard deviation, 0..10⁴; needs `full_well`.
        motion_blur: share of the time between frames for which the shutter is open, 0..1; needs the optical flow.
        vignetting: share of the light that is lost in the corners, 0..1, growing with the squared distance.
        rain: density of streaks, 0..1.
        spray: water on the lens, 0..1; a drop stays for some dozens of frames.
        jpeg_quality: 1..100, or None for no compression.
        depth_noise: a of σ = a z², 1/m, 0..1: a Kinect has 0.0014.
        depth_holes: share of the pixels without depth, 0..1: first behind the edges of things, and in patches.
        depth_range: (nearest, farthest) meters that a depth camera measures; None for all.

    A pixel without depth has depth 0.
    """

    exposure: float = 0.0
    white_balance: float = DAYLIGHT
    full_well: float | None = None
    read_noise: float = 0.0
    motion_blur: float = 0.0
    vignetting: float = 0.0
    rain: float = 0.0
    spray: float = 0.0
    jpeg_quality: int | None = None
    depth_noise: float = 0.0
    depth_holes: float = 0.0
    depth_range: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        for name, (lowest, highest) in _LIMITS.items():
            value = getattr(self, name)
            if value is None and name in _OPTIONAL:
                continue
            kind = "a whole number" if name == "jpeg_quality" else "a number"
            if not _is_number(value, whole=name == "jpeg_quality") or not lowest <= value <= highest:
                raise InvalidOption(f"sensor {name} must be {kind} in {lowest:g}..{highest:g}, got {value!r}")
        if self.read_noise > 0.0 and self.full_well is None:
            raise InvalidOption(
                f"sensor read_noise is in electrons and needs full_well, the electrons that make white; "
                f"got read_noise={self.read_noise!r} and full_well=None"
            )
        if self.depth_range is not None and not _is_range(self.depth_range):
            raise InvalidOption(
                f"sensor depth_range must be (nearest, farthest) with 0 <= nearest < farthest, "
                f"got {self.depth_range!r}"
            )

    @property
    def changes_colors(self) -> bool:
        """Whether the image of such a camera differs from a perfect one."""
        return any(
            getattr(self, field.name) != field.default
            for field in fields(self)
            if field.name not in _OF_DEPTH
        )

    @property
    def changes_depth(self) -> bool:
        """Whether the depth of such a camera differs from perfect depth."""
        return any(
            getattr(self, field.name) != field.default for field in fields(self) if field.name in _OF_DEPTH
        )


def sample_sensor(rng: np.random.Generator, split: Split, base: Sensor | None = None) -> Sensor:
    """A mild random sensor of a split; `base` (by default a perfect one) for None.

    `base` gives what is not drawn: motion blur, compression, the range of depth. Takes equally many draws of `rng` in
    every case.
    """
    base = base or Sensor()
    drawn: dict[str, Any] = {
        name: max(0.0, span.draw(rng, split)) for name, span in SENSOR_RANGES.items() if name != "exposure"
    }
    drawn["exposure"] = SENSOR_RANGES["exposure"].draw(rng, split)
    return base if split is None else replace(base, **drawn)


class SensorModel:
    """The sensors of one camera in many worlds, applied to its images.

    Args:
        sensor: of all worlds; `change` gives a world another one.
        camera: size, focal length and far of the images.
        num_worlds: how many worlds there are.
        num_threads: threads over worlds, by default one per available core.
        camera_number: cameras of one world need different ones, or else they have the same noise.

    What a world gets depends on its sensor, its seed, the frame number and its image alone: not on other worlds, on the
    number of threads, or on what was asked before.
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
        self._colors = np.empty(num_worlds, np.bool_)
        self._depths = np.empty(num_worlds, np.bool_)
        self._corner = np.zeros((0, 0), np.float32)
        self._scratches: list[kernels.Scratch] = []
        self._compressed: list[NDArray[np.uint8]] = []
        self._no_flow = np.zeros((0, 1, 1, 2), np.float32)
        self._standing = np.zeros(num_worlds, np.float64)
        for world in range(num_worlds):
            self.change(world, sensor)

    @property
    def needs_flow(self) -> bool:
        """Whether any world's sensor blurs motion."""
        return bool((self._settings[:, kernels.SHUTTER] > 0.0).any())

    def change(self, world: int, sensor: Sensor) -> None:
        """Give a world another sensor, such as one drawn for its next episode."""
        self._sensors[world] = sensor
        self._settings[world] = _settings(sensor)
        self._colors[world], self._depths[world] = sensor.changes_colors, sensor.changes_depth
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
            worlds: (n,) of each image.
            seeds: (num_worlds,) int64 seeds of the episodes.
            frames: (n,) frame number since the episode's start.
            flow: (n, H, W, 2) optical flow, pixels a frame (x right, y down); needed where there is motion blur.
            speeds: (n,) m/s along the optical axis, which rain comes toward; 0 by default.
        """
        rgb = images.get("rgb") if self._colors.any() else None
        depth = images.get("depth") if self._depths.any() else None
        if rgb is None and depth is None:
            return
        worlds, seeds, frames = (np.asarray(numbers, np.int64) for numbers in (worlds, seeds, frames))
        if len(frames) != len(worlds) or len(seeds) != self.num_worlds:
            raise InvalidOption(
                f"a sensor needs one frame number an image and one seed a world; got {len(frames)} for {len(worlds)} "
                f"images and {len(seeds)} for {self.num_worlds} worlds"
            )
        if rgb is not None:
            self._expose(rgb, worlds, seeds, frames, flow, speeds)
        if depth is not None:
            self._measure(depth, worlds, seeds, frames)

    def _measure(
        self,
        depth: NDArray[Any],
        worlds: NDArray[np.int64],
        seeds: NDArray[np.int64],
        frames: NDArray[np.int64],
    ) -> None:
        count = len(worlds)
        self._checked("depth", depth, (), np.float32, count)
        state = (worlds, self._depths, seeds, frames, self._stream, self._settings, float(self._camera.far))
        run_chunks(
            self._with_scratch, count, self.num_threads, kernels.measure_depths, state, depth, self._free()
        )

    def _expose(
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
        state = (
            worlds,
            self._colors,
            seeds,
            frames,
            self._stream,
            self._settings,
            self._corner,
            float(self._camera.focal_length),
            self._no_flow if flow is None else flow,
            self._standing[:count] if speeds is None else np.asarray(speeds, np.float64),
        )
        rows = rgb.reshape(count, rgb.shape[1], -1)
        run_chunks(
            self._with_scratch, count, self.num_threads, kernels.expose_frames, state, rows, self._free()
        )
        if any(self._sensors[world].jpeg_quality is not None for world in worlds):
            run_chunks(self._compress, count, self.num_threads, worlds, rgb, list(self._compressed))

    @staticmethod
    def _with_scratch(
        start: int,
        stop: int,
        function: Any,
        state: tuple[Any, ...],
        image: NDArray[Any],
        free: list[kernels.Scratch],
    ) -> None:
        function(start, stop, *state, free.pop(), image)

    def _compress(
        self,
        start: int,
        stop: int,
        worlds: NDArray[np.int64],
        rgb: NDArray[np.uint8],
        free: list[NDArray[np.uint8]],
    ) -> None:
        import cv2  # a tenth of a second that others need not wait

        swapped = free.pop()
        for index in range(start, stop):
            quality = self._sensors[worlds[index]].jpeg_quality
            if quality is not None:
                cv2.cvtColor(rgb[index], cv2.COLOR_RGB2BGR, dst=swapped)
                _, data = cv2.imencode(".jpg", swapped, (cv2.IMWRITE_JPEG_QUALITY, quality))
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

    def _free(self) -> list[kernels.Scratch]:
        return list(self._scratches)

    def _make_buffers(self) -> None:
        height, width = self._camera.height, self._camera.width
        rows = np.arange(height, dtype=np.float32)[:, None] - 0.5 * (height - 1)
        columns = np.arange(width, dtype=np.float32) - 0.5 * (width - 1)
        square = (rows**2 + columns**2) / max(1.0, 0.25 * ((height - 1) ** 2 + (width - 1) ** 2))
        self._corner = np.repeat(square.astype(np.float32), 3, axis=1)
        cells = max(2, width // 24)  # pixels, of the coarse image behind a drop of water
        for _ in range(self.num_threads):
            self._scratches.append(
                kernels.Scratch(
                    light=np.empty((height, 3 * width), np.float32),
                    blurred=np.empty((height, 3 * width), np.float32),
                    balance=np.empty(3 * width, np.float32),
                    small=np.empty((max(1, height // cells), max(1, width // cells), 3), np.float32),
                    lattice=np.empty((2 + height // 6, 2 + width // 6), np.float32),
                    score=np.empty((height, width), np.int32),
                    histogram=np.empty(kernels.BINS, np.int64),
                )
            )
            self._compressed.append(np.empty((height, width, 3), np.uint8))


def white_balance_gains(temperature: float) -> tuple[float, float]:
    """Gains of red and blue, green having 1, that make a light of so many kelvin white if daylight needs none."""
    gains = _planck_color(DAYLIGHT) / _planck_color(temperature)
    return float(gains[0] / gains[1]), float(gains[2] / gains[1])


def _planck_color(temperature: float) -> NDArray[np.float64]:
    """(3,) linear sRGB of a black body, of luminance 1, from 2222 to 25,000 kelvin (Kim et al.)."""
    powers = (1e3 / temperature) ** np.arange(3, -1, -1)
    if temperature < 4000.0:
        x = powers @ [-0.2661239, -0.2343589, 0.8776956, 0.179910]
        y = x ** np.arange(3, -1, -1) @ [-0.9549476, -1.37418593, 2.09137015, -0.16748867]
    else:
        x = powers @ [-3.0258469, 2.1070379, 0.2226347, 0.240390]
        y = x ** np.arange(3, -1, -1) @ [3.0817580, -5.87338670, 3.75112997, -0.37001483]
    return np.asarray(RGB_FROM_XYZ @ [x / y, 1.0, (1.0 - x - y) / y])


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


def _is_number(value: Any, whole: bool = False) -> bool:
    kinds = int | np.integer if whole else int | float | np.number
    return isinstance(value, kinds) and not isinstance(value, bool) and math.isfinite(value)


def _is_range(value: Any) -> bool:
    return (
        isinstance(value, tuple | list)
        and len(value) == 2
        and all(_is_number(end) for end in value)
        and 0.0 <= value[0] < value[1]
    )
