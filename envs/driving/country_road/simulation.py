"""Base class of the tasks on country roads: one road per world, and its scene."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.arrays import FloatArray, IntArray
from camshaft.envs.driving.country_road.road import Road, RoadConfig, generate_road
from camshaft.envs.driving.country_road.scene import FOLIAGE, RoadScene
from camshaft.envs.driving.dynamics import frenet, vehicle
from camshaft.envs.driving.dynamics.vehicle import VehicleParameters
from camshaft.envs.driving.maps.top_view import PAINT, PAVING, MapSketch
from camshaft.envs.driving.sensors import EGO_NAMES
from camshaft.envs.driving.simulation import DrivingSimulation
from camshaft.envs.errors import check_choice
from camshaft.envs.rendering import Camera

FIRST_DISTANCE = 30.0  # meters of road behind the car at the start
MOTION_NAMES = ("lateral_error", "heading_error", *EGO_NAMES[:4])
END_OF_ROAD = 20.0  # meters before the last point of the road at which an episode ends


class CountryRoadSimulation(DrivingSimulation):
    """Cars on the right lane of winding country roads.

    Args:
        num_worlds: N.
        car: the nominal car.
        default_camera: the task's own observation camera.
        road: configuration of the roads.
        top_speed: largest mean speed of a car in m/s, from which the length of the roads follows.
        lead: whether another car drives ahead.
        foliage: one of `country_road.scene.FOLIAGE`.
        options: see `DrivingSimulation`.
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
        super().__init__(num_worlds, car, default_camera, lane_offset=-0.5 * road.lane_width, **options)
        self.foliage = check_choice("foliage", foliage, FOLIAGE)
        longest = FIRST_DISTANCE + top_speed * self.max_episode_steps / self.control_frequency + 60.0
        self._road_config = replace(road, length=max(road.length, math.ceil(longest)))
        self.observation_space = self._make_observation_space()
        self._lead = lead
        self._roads: list[Road | None] = [None] * num_worlds
        self._scene: RoadScene | None = None
        self._rendered_seeds = np.full(num_worlds, -1, np.int64)  # of the episodes that the scene shows

    def _enter_road(self, world: int, rng: np.random.Generator) -> Road:
        """Generate a road for a world and put its car at the beginning."""
        road = generate_road(rng, self._road_config)
        self._roads[world] = road
        self.tracker.set_points(world, road.path, road.spacing)
        self.tracker.frenet[world, frenet.DISTANCE] = FIRST_DISTANCE
        return road

    def _set_car(self, world: int, lateral: float, turn: float, speed: float) -> None:
        """Put a car at the beginning of its road, displaced from the lane center and rotated, both to the left."""
        road = self._roads[world]
        assert road is not None
        offset = self.tracker.paths.offset[world]
        x, y, _ = road.positions_at(np.array(FIRST_DISTANCE), np.array(lateral + offset))
        state = self.vehicles[world]
        state[:] = 0.0
        state[vehicle.X], state[vehicle.Y] = x, y
        state[vehicle.HEADING] = float(road.headings_at(FIRST_DISTANCE)) + turn
        state[vehicle.SPEED] = speed

    def _at_end(self) -> NDArray[np.bool_]:
        """(N,) whether the car has reached the end of the road."""
        distance = self.tracker.frenet[:, frenet.DISTANCE]
        return np.asarray(distance >= self._road_config.length - END_OF_ROAD)

    def _angle_for(self, curvature: FloatArray) -> FloatArray:
        angles = np.empty(self.num_worlds)
        vehicle.steering_for_curvatures(curvature, self.vehicles, self.parameters, angles)
        return angles

    def _motion(self, worlds: IntArray, lateral: FloatArray, heading: FloatArray) -> FloatArray:
        """(n, 6) MOTION_NAMES of displaced cars."""
        coordinates, cars = self.tracker.frenet[worlds], self.vehicles[worlds]
        heading_error = coordinates[:, frenet.HEADING_ERROR]
        return np.column_stack(
            [
                coordinates[:, frenet.LATERAL] + lateral * np.cos(heading_error),
                heading_error + heading,
                cars[:, vehicle.SPEED],
                cars[:, vehicle.LATERAL_SPEED],
                cars[:, vehicle.YAW_RATE],
                cars[:, vehicle.STEERING],
            ]
        )

    def _scene_now(self) -> RoadScene:
        if self._scene is None:
            self._scene = RoadScene(
                self.num_worlds, self._road_config, self.conditions, self.foliage, self._lead
            )
        outdated = (self._rendered_seeds != self.episode_seeds) & (self.episode_seeds >= 0)
        for world in np.flatnonzero(outdated):
            rng = np.random.default_rng([int(self.episode_seeds[world]), 2])
            road = self._roads[world]
            assert road is not None
            self._scene.apply_appearance(int(world), road, rng, self.randomize)
            self._rendered_seeds[world] = self.episode_seeds[world]
        return self._scene

    def recover(self, worlds: Sequence[int] | IntArray) -> None:
        """Put these cars on the lane center, heading along it, at their distance and speed."""
        chosen = np.asarray(worlds, np.int64)
        for world in chosen:
            road = self._roads[world]
            assert road is not None
            distance = self.tracker.frenet[world, frenet.DISTANCE]
            state = self.vehicles[world]
            x, y, _ = road.positions_at(np.array(distance), np.array(self.tracker.paths.offset[world]))
            curvature = self.tracker.frenet[world, frenet.LANE_CURVATURE]
            speed = state[vehicle.SPEED]
            angle = vehicle.steering_for_curvature(curvature, speed, self.parameters[world])
            state[vehicle.X], state[vehicle.Y] = x, y
            state[vehicle.HEADING] = float(road.headings_at(distance))
            state[vehicle.LATERAL_SPEED], state[vehicle.YAW_RATE] = 0.0, speed * curvature
            state[vehicle.STEERING] = angle
        self._locate(chosen)

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
