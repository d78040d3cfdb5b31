"""What country roads look like in every world: geometry, scenery, light and weather."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.driving.assets import OWN_PAINT, saloon
from camshaft.envs.driving.country_road.mesh import RoadAppearance, all_surfaces, arena_size, build_geometry
from camshaft.envs.driving.country_road.road import Road, RoadConfig
from camshaft.envs.driving.country_road.scenery import RoadsideScenery
from camshaft.envs.driving.light import Conditions, draw_light, point_headlights
from camshaft.envs.driving.textures import NUM_VARIANTS
from camshaft.envs.randomization import Split, split_variants
from camshaft.envs.rendering import HIDDEN, Scene, SceneState

FOLIAGE = ("solid", "cut_out")


class RoadScene:
    """A scene of one road a world with the car that drives on it.

    Args:
        num_worlds: N.
        config: the roads.
        conditions: when, and in which weather; in the dark, the car drives with headlights, past lit windows.
        foliage: one of FOLIAGE; leaves and branches that are cut out look better from near, and cost some time.
        lead: whether another car drives ahead.

    Attributes:
        state: what stands where.
    """

    def __init__(
        self,
        num_worlds: int,
        config: RoadConfig,
        conditions: Conditions = Conditions(),
        foliage: str = "solid",
        lead: bool = False,
    ) -> None:
        self._conditions = conditions
        scene = Scene()
        scene.add_arena(*arena_size(config), surfaces=all_surfaces())
        self._scenery = RoadsideScenery(
            scene, config, lit_windows=conditions.dark, cut_out=foliage == "cut_out"
        )
        self._car = scene.add("car", [saloon().levels])
        self._lead = scene.add("lead", [saloon().levels]) if lead else None
        self.state = SceneState(scene, num_worlds)
        for cars in (self._car, self._lead):
            if cars is not None:
                self.state.colors[:, cars.slots] = OWN_PAINT

    def dress(self, world: int, road: Road, rng: np.random.Generator, split: Split) -> None:
        """Replace the road, scenery, light and weather of one world.

        Args:
            world: which.
            road: its center line.
            rng: source of every draw.
            split: which variations may be drawn; None draws the land and scenery only.
        """
        variants = split_variants(NUM_VARIANTS, split)
        looked = RoadAppearance.sample(rng, variants)
        geometry = build_geometry(road, RoadAppearance() if split is None else looked, rng)
        self.state.set_arena(world, geometry.mesh, geometry.vertex_splits, geometry.face_splits)
        self._scenery.populate(self.state, world, geometry, rng, variants)
        draw_light(self.state, world, rng, split, self._conditions)

    def move_lead(self, worlds: NDArray[np.int64], poses: NDArray[np.float64]) -> None:
        """Show the cars ahead at poses (n, 4, 4) world from car, origin on the ground."""
        assert self._lead is not None
        self.state.set_pose(self._lead, poses[:, None], worlds)

    def move_headlights(self, worlds: NDArray[np.int64], poses: NDArray[np.float64]) -> None:
        """Let the headlights shine from cars at (n, 4, 4) world from car, unless it is day."""
        if self._conditions.dark:
            point_headlights(self.state, worlds, poses)

    def show_car(self, worlds: NDArray[np.int64], poses: NDArray[np.float64]) -> None:
        """Show the cars for pictures from outside; poses (n, 4, 4) world from car, origin on the ground."""
        self.state.set_pose(self._car, poses, worlds)

    def hide_car(self, worlds: NDArray[np.int64]) -> None:
        """Hide the cars: a camera inside does not see its own car."""
        self.state.meshes[worlds, self._car.slots] = HIDDEN
