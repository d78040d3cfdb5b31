"""Scene of country roads: geometry, scenery, light and weather."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.driving.assets import OWN_PAINT, sedan
from camshaft.envs.driving.country_road.mesh import RoadAppearance, all_surfaces, arena_size, build_geometry
from camshaft.envs.driving.country_road.road import Road, RoadConfig
from camshaft.envs.driving.country_road.scenery import RoadsideScenery
from camshaft.envs.driving.light import Conditions, sample_light
from camshaft.envs.driving.scene import DrivingScene
from camshaft.envs.driving.textures import NUM_VARIANTS
from camshaft.envs.randomization import Split, split_variants
from camshaft.envs.rendering import Scene, SceneState

FOLIAGE = ("solid", "cut_out")


class RoadScene(DrivingScene):
    """The scene of N worlds with one country road each.

    Args:
        num_worlds: N.
        config: configuration of the roads.
        conditions: time of day and weather.
        foliage: one of FOLIAGE; cut-out leaves and branches look better at close range but render more slowly.
        lead: whether another car drives ahead.
    """

    def __init__(
        self,
        num_worlds: int,
        config: RoadConfig,
        conditions: Conditions = Conditions(),
        foliage: str = "solid",
        lead: bool = False,
    ) -> None:
        super().__init__(conditions)
        scene = Scene()
        scene.add_arena(*arena_size(config), surfaces=all_surfaces())
        self._scenery = RoadsideScenery(
            scene, config, lit_windows=conditions.dark, cut_out=foliage == "cut_out"
        )
        self._car = scene.add("car", [sedan().levels])
        self._lead = scene.add("lead", [sedan().levels]) if lead else None
        self.state = SceneState(scene, num_worlds)
        for cars in (self._car, self._lead):
            if cars is not None:
                self.state.colors[:, cars.slots] = OWN_PAINT

    def apply_appearance(self, world: int, road: Road, rng: np.random.Generator, split: Split) -> None:
        """Replace the road, scenery, light and weather of one world.

        Args:
            world: its index.
            road: its center line.
            rng: source of all samples.
            split: split to sample variations from; None varies the land and scenery only.
        """
        variants = split_variants(NUM_VARIANTS, split)
        sampled = RoadAppearance.sample(rng, variants)
        geometry = build_geometry(road, RoadAppearance() if split is None else sampled, rng)
        self.state.set_arena(world, geometry.mesh, geometry.vertex_splits, geometry.face_splits)
        self._scenery.populate(self.state, world, geometry, rng, variants)
        sample_light(self.state, world, rng, split, self._conditions)

    def move_lead(self, worlds: NDArray[np.int64], poses: NDArray[np.float64]) -> None:
        """Show the cars ahead at poses (n, 4, 4) world from car, origin on the ground."""
        assert self._lead is not None
        self.state.set_pose(self._lead, poses[:, None], worlds)
