"""What country roads look like in every world: geometry, scenery, light and weather."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from envs.driving.car_model import car_mesh
from envs.driving.road import Road, RoadConfig
from envs.driving.road_mesh import RoadAppearance, all_surfaces, arena_size, build_geometry
from envs.driving.scenery import RoadsideScenery
from envs.driving.textures import NUM_VARIANTS
from envs.randomization import Split, SplitRange, split_variants
from envs.rendering import HIDDEN, Scene, SceneState

SUN_AZIMUTH = SplitRange(-math.pi, math.pi, nominal=0.8)  # rad from +x
SUN_ELEVATION = SplitRange(math.radians(18.0), math.radians(65.0), nominal=math.radians(48.0))
OVERCAST = SplitRange(0.0, 1.0, nominal=0.15)  # 0 clear sky, 1 closed clouds
FOG_DENSITY = SplitRange(
    0.0006, 0.007, nominal=0.0012
)  # 1/m; at the densest, 60 m keep two thirds of their light
WARMTH = SplitRange(-1.0, 1.0)  # of the light: bluish to reddish

CLEAR_ZENITH, CLEAR_HORIZON = np.array([0.30, 0.50, 0.85]), np.array([0.74, 0.84, 0.94])
CLOUD_ZENITH, CLOUD_HORIZON = np.array([0.60, 0.64, 0.68]), np.array([0.76, 0.78, 0.80])


class RoadScene:
    """A scene of one road a world with the car that drives on it.

    Args:
        num_worlds: N.
        config: the roads.

    Attributes:
        state: what stands where.
    """

    def __init__(self, num_worlds: int, config: RoadConfig) -> None:
        scene = Scene()
        scene.add_arena(*arena_size(config), surfaces=all_surfaces())
        self._scenery = RoadsideScenery(scene, config)
        self._car = scene.add("car", car_mesh())
        self.state = SceneState(scene, num_worlds)

    def dress(self, world: int, road: Road, rng: np.random.Generator, split: Split) -> None:
        """Replace the road, scenery, light and weather of one world.

        Args:
            world: which.
            road: its centre line.
            rng: source of every draw.
            split: which variations may be drawn; None draws the land and scenery only.
        """
        variants = split_variants(NUM_VARIANTS, split)
        looked = RoadAppearance.sample(rng, variants)
        geometry = build_geometry(road, RoadAppearance() if split is None else looked, rng)
        self.state.set_arena(world, geometry.mesh, geometry.vertex_splits, geometry.face_splits)
        self._scenery.populate(self.state, world, geometry, rng, variants)
        self._light(world, rng, split)

    def show_car(self, worlds: NDArray[np.int64], poses: NDArray[np.float64]) -> None:
        """Show the cars for pictures from outside; poses (n, 4, 4) world from car, origin on the ground."""
        self.state.set_pose(self._car, poses, worlds)

    def hide_car(self, worlds: NDArray[np.int64]) -> None:
        """Hide the cars: a camera inside does not see its own car."""
        self.state.meshes[worlds, self._car.slots] = HIDDEN

    def _light(self, world: int, rng: np.random.Generator, split: Split) -> None:
        azimuth, elevation = SUN_AZIMUTH.draw(rng, split), SUN_ELEVATION.draw(rng, split)
        overcast, warmth = OVERCAST.draw(rng, split), 0.04 * WARMTH.draw(rng, split)
        level = math.cos(elevation)
        tint = np.array([1.0 + warmth, 1.0, 1.0 - warmth])
        low = 1.0 - math.sin(elevation)
        sun = np.array([1.0, 0.97 - 0.08 * low, 0.9 - 0.22 * low])
        state = self.state
        state.sun_direction[world] = (
            level * math.cos(azimuth),
            level * math.sin(azimuth),
            math.sin(elevation),
        )
        state.sun_colour[world] = np.clip(sun * tint * (1.0 - 0.72 * overcast), 0.0, 1.0)
        state.sky_zenith[world] = np.clip(
            (CLEAR_ZENITH + overcast * (CLOUD_ZENITH - CLEAR_ZENITH)) * tint, 0.0, 1.0
        )
        state.sky_horizon[world] = np.clip(
            (CLEAR_HORIZON + overcast * (CLOUD_HORIZON - CLEAR_HORIZON)) * tint, 0.0, 1.0
        )
        state.ground_light[world] = np.clip((0.40 + 0.08 * overcast) * tint, 0.0, 1.0)
        state.fog_density[world] = FOG_DENSITY.draw(rng, split)
