"""What tasks on country roads share: one road a world, the car's place on it, and what it looks like."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.arrays import FloatArray, IntArray
from camshaft.envs.driving.country_road import track as places
from camshaft.envs.driving.country_road.road import Road, RoadConfig, generate_road
from camshaft.envs.driving.country_road.scene import FOLIAGE, RoadScene
from camshaft.envs.driving.country_road.track import Track
from camshaft.envs.driving.dynamics import vehicle
from camshaft.envs.driving.dynamics.poses import car_poses
from camshaft.envs.driving.dynamics.vehicle import VehicleParameters
from camshaft.envs.driving.maps.drawing import PAINT, PAVING, MapSketch
from camshaft.envs.driving.sensors import EGO_NAMES
from camshaft.envs.driving.simulation import DrivingSimulation
from camshaft.envs.errors import check_choice
from camshaft.envs.rendering import Camera

FIRST_DISTANCE = 30.0  # meters of road behind the car at the start
MOTION_NAMES = ("lateral_error", "heading_error", *EGO_NAMES[:4])
END_OF_ROAD = 20.0  # meters before the last point of the road


class CountryRoadSimulation(DrivingSimulation):
    """Cars on the right lane of winding country roads.

    Args:
        num_worlds: N.
        car: the nominal car.
        default_camera: the task's own observation camera.
        road: what the roads are like.
        top_speed: m/s that a car drives at most on average: roads are long enough for an episode.
        lead: whether another car drives ahead.
        foliage: one of `road_scene.FOLIAGE`.
        options: see `DrivingSimulation`.

    Attributes:
        track: the roads, and where the cars are on them.
    """

    settled_options: ClassVar[tuple[str, ...]] = ("road", "top_speed", "lead")

    def __init__(
        self,
        num_worlds: int,
        car: VehicleParameters,
        default_camera: Camera,
        *,
        road: RoadConfig,
        top_speed: float,
        lead: bool = False,
        foliage: str = "solid",
        **options: Any,
    ) -> None:
        super().__init__(num_worlds, car, default_camera, **options)
        self.foliage = check_choice("foliage", foliage, FOLIAGE)
        longest = FIRST_DISTANCE + top_speed * self.max_episode_steps / self.control_frequency + 60.0
        self._road_config = replace(road, length=max(road.length, math.ceil(longest)))
        self.observation_space = self._make_observation_space()
        self.track = Track(num_worlds, -0.5 * road.lane_width)
        self._lead = lead
        self._roads: list[Road | None] = [None] * num_worlds
        self._scene: RoadScene | None = None
        self._dressed = np.full(num_worlds, -1, np.int64)

    def _enter_road(self, world: int, rng: np.random.Generator) -> Road:
        """Give a world a road of its own, its car at the beginning."""
        road = generate_road(rng, self._road_config)
        self._roads[world] = road
        self.track.set_road(world, road)
        self.track.places[world, places.DISTANCE] = FIRST_DISTANCE
        return road

    def _set_car(self, world: int, lateral: float, turn: float, speed: float) -> None:
        """Put a car at the beginning of its road, so far left of the lane's middle and turned left."""
        road = self._roads[world]
        assert road is not None
        x, y, _ = road.positions_at(np.array(FIRST_DISTANCE), np.array(lateral + self.track.lane_offset))
        state = self.vehicles[world]
        state[:] = 0.0
        state[vehicle.X], state[vehicle.Y] = x, y
        state[vehicle.HEADING] = float(road.headings_at(FIRST_DISTANCE)) + turn
        state[vehicle.SPEED] = speed

    def _locate(self) -> None:
        self.track.locate(self.vehicles)

    def _at_end(self) -> NDArray[np.bool_]:
        """(N,) whether the road is at its end."""
        return np.asarray(self.track.places[:, places.DISTANCE] >= self._road_config.length - END_OF_ROAD)

    def _angle_for(self, curvature: FloatArray) -> FloatArray:
        angles = np.empty(self.num_worlds)
        vehicle.steering_for_curvatures(curvature, self.vehicles, self.parameters, angles)
        return angles

    def _motion(self, worlds: IntArray, lateral: FloatArray, heading: FloatArray) -> FloatArray:
        """(n, 6) MOTION_NAMES of displaced cars."""
        located, cars = self.track.places[worlds], self.vehicles[worlds]
        turned = located[:, places.HEADING_ERROR]
        return np.column_stack(
            [
                located[:, places.LATERAL] + lateral * np.cos(turned),
                turned + heading,
                cars[:, vehicle.SPEED],
                cars[:, vehicle.LATERAL_SPEED],
                cars[:, vehicle.YAW_RATE],
                cars[:, vehicle.STEERING],
            ]
        )

    def _car_poses(self, worlds: IntArray, lateral: FloatArray, heading: FloatArray) -> FloatArray:
        poses = np.empty((len(worlds), 4, 4))
        car_poses(self.vehicles[worlds], self.track.places[worlds], lateral, heading, poses)
        return poses

    def _scene_now(self) -> RoadScene:
        if self._scene is None:
            self._scene = RoadScene(
                self.num_worlds, self._road_config, self.conditions, self.foliage, self._lead
            )
        for world in np.flatnonzero((self._dressed != self.episode_seeds) & (self.episode_seeds >= 0)):
            rng = np.random.default_rng([int(self.episode_seeds[world]), 2])
            road = self._roads[world]
            assert road is not None
            self._scene.dress(int(world), road, rng, self.randomize)
            self._dressed[world] = self.episode_seeds[world]
        return self._scene

    def recover(self, worlds: Sequence[int] | IntArray) -> None:
        """Put these cars on the middle of the lane, along it, at the same place of the road and the same speed."""
        for world in np.asarray(worlds, np.int64):
            road = self._roads[world]
            assert road is not None
            distance = self.track.places[world, places.DISTANCE]
            state = self.vehicles[world]
            x, y, _ = road.positions_at(np.array(distance), np.array(self.track.lane_offset))
            curvature = self.track.places[world, places.LANE_CURVATURE]
            speed = state[vehicle.SPEED]
            angle = vehicle.steering_for_curvature(curvature, speed, self.parameters[world])
            state[vehicle.X], state[vehicle.Y] = x, y
            state[vehicle.HEADING] = float(road.headings_at(distance))
            state[vehicle.LATERAL_SPEED], state[vehicle.YAW_RATE] = 0.0, speed * curvature
            state[vehicle.STEERING] = angle
        self.track.locate(self.vehicles)

    def _sketch(self, world: int) -> MapSketch:
        road = self._roads[world]
        assert road is not None
        points = road.points[:, :2]
        edges = [road.offset_points(side * road.half_width)[:, :2] for side in (1.0, -1.0)]
        outline = np.concatenate([edges[0], edges[1][::-1]])
        solid = [road.offset_points(side * road.lane_width)[:, :2] for side in (1.0, -1.0)]
        dashes = [points[first : first + 4] for first in range(0, len(points) - 1, 9)]
        lines = [(line, 0.25, PAINT) for line in (*solid, *dashes)]
        low, high = points.min(axis=0), points.max(axis=0)
        return MapSketch(low, high, [(outline, PAVING)], lines, np.zeros((0, 5)))

    def _own_state(self) -> dict[str, NDArray[Any]]:
        return {"places": self.track.places}
