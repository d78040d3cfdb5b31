"""Light of road scenes: sun, sky and fog by day, at dusk and at night; and the headlights of cars.

For any scene, `sample_light(state, world, rng, split, Conditions("night"))` sets a world's light once, and
`point_headlights(state, worlds, cars)`, called at every step, turns its first two lamps into headlights.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.arrays import FloatArray
from camshaft.envs.errors import check_choice
from camshaft.envs.randomization import Split, SplitRange
from camshaft.envs.rendering import Camera, SceneState

Color = tuple[float, float, float]

SUN_AZIMUTH = SplitRange(-math.pi, math.pi, nominal=0.8)  # rad from +x
SUN_ELEVATION = SplitRange(math.radians(18.0), math.radians(65.0), nominal=math.radians(48.0))
WARMTH = SplitRange(-1.0, 1.0)  # of the light, bluish to reddish

# A low beam sends little light down to the near road. Lamps with a round cone approximate it if they are behind the
# headlights and point slightly upward.
LAMP_POSITIONS = np.array([[0.7, 0.55, 0.85], [0.7, -0.55, 0.85]])  # meters, car frame
LAMP_RISE = math.radians(8.0)
LAMP_COLOR = np.array([1.95, 1.9, 1.7])  # a white wall 10 m ahead is overexposed, as cameras have it at night
LAMP_COSINES = (1.0, math.cos(math.radians(34.0)))


class Weather(NamedTuple):
    """Ranges of a weather: cloud cover, 0 clear to 1 overcast; fog density, 1/m; and rain on the camera."""

    overcast: SplitRange
    fog: SplitRange
    rain: float = 0.0
    spray: float = 0.0


# Visibility is about 3 divided by the fog density (H. Koschmieder, 1924).
ANY_WEATHER = Weather(SplitRange(0.0, 1.0, nominal=0.15), SplitRange(0.0006, 0.007, nominal=0.0012))
WEATHERS: Mapping[str, Weather] = {
    "clear": Weather(SplitRange(0.0, 0.2, nominal=0.1), SplitRange(0.0004, 0.0014, nominal=0.0008)),
    "overcast": Weather(SplitRange(0.8, 1.0, nominal=0.9), SplitRange(0.001, 0.004, nominal=0.002)),
    "fog": Weather(SplitRange(0.7, 1.0, nominal=0.85), SplitRange(0.02, 0.045, nominal=0.03)),
    "rain": Weather(SplitRange(0.9, 1.0, nominal=0.95), SplitRange(0.004, 0.012, nominal=0.007), 0.6, 0.3),
}


class Sky(NamedTuple):
    """Display colors of a clear and an overcast sky, of the sun (or moon), and of the light from the ground."""

    clear_zenith: Color
    clear_horizon: Color
    cloud_zenith: Color
    cloud_horizon: Color
    sun: Color
    ground: float


DAY = Sky(
    (0.30, 0.50, 0.85), (0.74, 0.84, 0.94), (0.60, 0.64, 0.68), (0.76, 0.78, 0.80), (1.0, 0.97, 0.9), 0.40
)
DUSK = Sky(
    (0.17, 0.22, 0.42), (0.86, 0.56, 0.40), (0.25, 0.26, 0.33), (0.48, 0.42, 0.42), (1.0, 0.58, 0.30), 0.17
)
NIGHT = Sky(
    (0.02, 0.03, 0.08), (0.07, 0.08, 0.13), (0.03, 0.03, 0.05), (0.08, 0.08, 0.10), (0.16, 0.18, 0.24), 0.03
)
SKIES: Mapping[str, Sky] = {"day": DAY, "dusk": DUSK, "night": NIGHT}
TIMES_OF_DAY = tuple(SKIES)


@dataclass(frozen=True)
class Conditions:
    """Time of day and weather.

    Attributes:
        time_of_day: one of TIMES_OF_DAY. At dusk the sun is 2 to 8 degrees high; the "sun" of the night is the
            moon.
        weather: one of WEATHERS; None samples clouds and fog from all but the thickest.
    """

    time_of_day: str = "day"
    weather: str | None = None

    def __post_init__(self) -> None:
        check_choice("time_of_day", self.time_of_day, TIMES_OF_DAY)
        if self.weather is not None:
            check_choice("weather", self.weather, tuple(WEATHERS))

    @property
    def dark(self) -> bool:
        """Whether it is dark: cars drive with headlights and windows are lit."""
        return self.time_of_day != "day"

    def seen_by(self, camera: Camera) -> Camera:
        """A camera with the weather's rain on it."""
        if self.weather is None or WEATHERS[self.weather].rain == 0.0:
            return camera
        weather, sensor = WEATHERS[self.weather], camera.sensor
        rain, spray = max(sensor.rain, weather.rain), max(sensor.spray, weather.spray)
        return replace(camera, sensor=replace(sensor, rain=rain, spray=spray))


def sample_light(
    state: SceneState,
    world: int,
    rng: np.random.Generator,
    split: Split,
    conditions: Conditions = Conditions(),
) -> None:
    """Set sun, sky and fog of one world; takes the same number of samples in all conditions.

    Args:
        state: scene state to update.
        world: its index.
        rng: source of the samples.
        split: split of the values to sample from; None for the nominal ones.
        conditions: time of day and weather.
    """
    time_of_day = conditions.time_of_day
    sky = SKIES[time_of_day]
    weather = ANY_WEATHER if conditions.weather is None else WEATHERS[conditions.weather]
    azimuth, elevation = SUN_AZIMUTH.draw(rng, split), SUN_ELEVATION.draw(rng, split)
    overcast, warmth = weather.overcast.draw(rng, split), 0.04 * WARMTH.draw(rng, split)
    if time_of_day == "dusk":
        elevation *= 0.12
    tint = np.array([1.0 + warmth, 1.0, 1.0 - warmth])
    low = 1.0 - math.sin(elevation) if time_of_day == "day" else 0.0
    sun = np.array(sky.sun) - low * np.array([0.0, 0.08, 0.22])
    level = math.cos(elevation)
    state.sun_direction[world] = (
        level * math.cos(azimuth),
        level * math.sin(azimuth),
        math.sin(elevation),
    )
    state.sun_color[world] = np.clip(sun * tint * (1.0 - 0.72 * overcast), 0.0, 1.0)
    for target, clear, cloud in (
        (state.sky_zenith, np.array(sky.clear_zenith), np.array(sky.cloud_zenith)),
        (state.sky_horizon, np.array(sky.clear_horizon), np.array(sky.cloud_horizon)),
    ):
        target[world] = np.clip((clear + overcast * (cloud - clear)) * tint, 0.0, 1.0)
    state.ground_light[world] = np.clip((sky.ground + 0.2 * sky.ground * overcast) * tint, 0.0, 1.0)
    state.fog_density[world] = weather.fog.draw(rng, split)


def point_headlights(state: SceneState, worlds: NDArray[np.int64], cars: FloatArray) -> None:
    """Turn the first two lamps of some worlds into headlights of cars.

    Args:
        state: scene state with at least two lamps per world.
        worlds: (n,) indices of the worlds.
        cars: (n, 4, 4) world from car, x forward, its origin on the ground midway between the axles.
    """
    forward = np.array([math.cos(LAMP_RISE), 0.0, math.sin(LAMP_RISE)])
    turns, positions = cars[:, :3, :3], cars[:, None, :3, 3]
    state.lamp_positions[worlds, :2] = np.einsum("nij,lj->nli", turns, LAMP_POSITIONS) + positions
    state.lamp_directions[worlds, :2] = (turns @ forward)[:, None]
    state.lamp_colors[worlds, :2] = LAMP_COLOR
    state.lamp_cosines[worlds, :2] = LAMP_COSINES
