"""Town: follow a route through a town with lights, signs, other cars and people on foot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.arrays import FloatArray, IntArray
from camshaft.envs.driving.country_road import track as places
from camshaft.envs.driving.dynamics import vehicle
from camshaft.envs.driving.dynamics.vehicle import VehicleParameters
from camshaft.envs.driving.maps.drawing import Actors
from camshaft.envs.driving.maps.maps import DrivingMap, as_map, draw_map, town_map
from camshaft.envs.driving.network_simulation import NetworkSimulation
from camshaft.envs.driving.road_network.network import LIGHT, STOP, Network
from camshaft.envs.driving.road_network.route import Route
from camshaft.envs.driving.road_network.town import TownConfig
from camshaft.envs.driving.routes import WorldRoutes, place_on_routes, read_commands
from camshaft.envs.driving.scoring import Infractions
from camshaft.envs.driving.simulation import reward_of
from camshaft.envs.driving.tasks.town_state import (
    LIMIT,
    STATE_LIMITS,
    STATE_NAMES,
    reward_driving,
    town_state,
)
from camshaft.envs.driving.traffic.ahead import acceleration_to_change
from camshaft.envs.driving.traffic.kinds import EGO_LENGTH, TOWN_KINDS
from camshaft.envs.driving.traffic.signals import RED, RED_AMBER
from camshaft.envs.rendering import Camera
from camshaft.envs.simulation import Measurements

OFF_ROUTE = 30.0  # meters from the route at which it is lost, as in the CARLA leaderboard
BLOCKED = 60.0  # seconds without moving after which an episode ends
FINISH = 4.0  # meters before the end of the route


@dataclass(frozen=True)
class TownTaskConfig:
    """What a user may change about the task.

    Attributes:
        town: the towns.
        num_maps: how many there are in each split.
        car: the nominal car.
        camera: the observation camera, mounted on the car.
        route_length: meters of a route, low and high.
        start_speed: m/s, at most.
        collision_ends: whether an episode ends when the car runs into somebody or something.
        lateral_weight, heading_weight, speed_weight: of the reward terms, each of a step.
        infraction_weight: of the reward for each infraction.
    """

    town: TownConfig = TownConfig()
    num_maps: int = 64
    car: VehicleParameters = VehicleParameters()
    camera: Camera = Camera(84, 84, 100.0, position=(0.7, 0.0, 1.4), pitch_degrees=6.0, near=0.3, far=200.0)
    route_length: tuple[float, float] = (200.0, 450.0)
    start_speed: float = 6.0
    collision_ends: bool = True
    lateral_weight: float = 0.3
    heading_weight: float = 0.2
    speed_weight: float = 0.5
    infraction_weight: float = 5.0


class Town(NetworkSimulation):
    """Follow a route through a town with lights, signs, other cars and people on foot.

    Description:
        A car drives in one of many towns of streets that meet in junctions with lights, stop and yield signs, right
        before left, and roundabouts. A route of 200 to 450 m leads through it; at each junction a command says where
        to go. Other vehicles follow lanes, each other, lights and the right of way; people walk on the sidewalks and
        cross at crossings and elsewhere. `num_vehicles` (20) and `num_people` (20) say how many are near. `map`
        gives a map of one's own in their place: a network of `RoadBlocks`, or an OpenDRIVE file (.xodr). Control runs
        at 10 Hz, the car's dynamics at 100 Hz.

    Observation:
        By `obs_mode`: images as in LaneKeeping; "ego" (5,) float32: speed, lateral speed (m/s), yaw rate (rad/s),
        steering angle (rad), acceleration (m/s²); "imu" (6,) float32: specific force and turn rate, x, y, z; "command"
        (4,) float32, one of follow, left, straight, right; "lidar" (72,) float32: meters around the car, from ahead to
        the left, to other vehicles, people and what stands; "birdseye" (64, 64, 1) uint8: semantic labels of 48 m
        around, ahead upwards; "state" (K,) float32: everything that the task depends on, by the names of
        `state_names`: lane offset, heading error, light and its distance, junction, the car ahead…

    Action:
        `control_mode` "pedals": two numbers in −1..1, the angle of the road wheels as a share of 0.5 rad, left
        positive, and the throttle or, negative, the brake. "discrete": 0..34, seven steering angles (−0.35 to 0.35 rad)
        times full and gentle brake, nothing, gentle and full throttle.

    Reward:
        "dense": `reward/lateral` and `reward/heading`, up to 0.3 and 0.2 on the route and along it; `reward/speed`, 0.5
        at the speed wished for: the limit, falling linearly to 0 before red lights and obstacles;
        `reward/infractions`, −5 for each. "sparse": `reward/route`, 1 at the end of the route, and
        `reward/infractions`, −1 for each.

    Success:
        The end of the route is reached without an infraction. `driving_score`, `route_completion` and the number of
        each infraction are those of the CARLA leaderboard (`camshaft.envs.driving.scoring`).

    Termination:
        The end of the route is reached; the car runs into somebody or something (unless `collision_ends` is False in
        the config); it is more than 30 m from its route; it has not moved for a minute. The time limit (150 s, 1,500
        steps) truncates.

    Randomization:
        With None, town, route, traffic and start vary with the seed; appearance, light, weather, camera and car are
        nominal. "train" and "test" also vary textures, buildings, sun, cloud, fog, the camera's mount and the car's
        mass, stiffness and friction; towns, variants and values of one split never occur in the other.
        `time_of_day` and `weather` as in LaneKeeping.

    Source:
        The driving task and scores of the CARLA leaderboard (A. Dosovitskiy et al., "CARLA: An Open Urban Driving
        Simulator", 2017); the reward of M. Toromanoff et al., "End-to-End Model-Free Reinforcement Learning for Urban
        Driving using Implicit Affordances", CVPR 2020.
    """

    control_modes: ClassVar[tuple[str, ...]] = ("pedals", "discrete")
    control_frequency: ClassVar[float] = 10.0
    state_names = STATE_NAMES
    state_limits: FloatArray = STATE_LIMITS
    style: ClassVar[str] = "town"

    def __init__(
        self,
        num_worlds: int = 1,
        *,
        config: TownTaskConfig = TownTaskConfig(),
        num_vehicles: int = 20,
        num_people: int = 20,
        map: DrivingMap | Network | str | Path | None = None,
        **options: Any,
    ) -> None:
        super().__init__(
            num_worlds,
            config.car,
            config.camera,
            num_vehicles=num_vehicles,
            num_people=num_people,
            kinds=TOWN_KINDS,
            **options,
        )
        self.config = config
        self._map = None if map is None else as_map(map)
        self._routes: list[Route | None] = [None] * num_worlds
        self.routes = WorldRoutes(num_worlds)
        self._state: FloatArray | None = None
        self._farthest = np.zeros(num_worlds)
        self._front = np.zeros(num_worlds)
        self._still = np.zeros(num_worlds)
        self._infractions = Infractions(num_worlds)

    def _start_episode(self, world: int, seed: int) -> None:
        map_rng, rng = np.random.default_rng([seed, 0]), np.random.default_rng([seed, 1])
        config = self.config
        shown = self._map or draw_map(town_map, config.town, config.num_maps, map_rng, self.randomize)
        self._enter_map(world, shown)
        self._set_route(world, shown.draw_route(rng, config.route_length))
        self._draw_car(world, rng)
        self._draw_mount(world, rng)
        route = self._routes[world]
        assert route is not None
        point, heading = route.curve.at(0.0)
        state = self.vehicles[world]
        state[:] = 0.0
        state[vehicle.X], state[vehicle.Y] = point
        state[vehicle.HEADING] = heading
        state[vehicle.SPEED] = rng.uniform(0.0, config.start_speed)
        self.track.places[world] = 0.0
        self._start_traffic(world, rng, least=18.0, most=190.0)
        self._farthest[world] = self._still[world] = 0.0
        self._front[world] = 0.5 * EGO_LENGTH
        self._infractions.clear(world)

    def _set_route(self, world: int, route: Route) -> None:
        self._routes[world] = route
        self._state = None
        self.track.set_curve(world, route.curve)
        self.routes.put(world, route)

    def _place_ego(self) -> None:
        self._state = None
        place_on_routes(self.routes.arrays, self.track.ways, self.track.places, self.traffic.vehicles)

    def _driver_acceleration(self) -> FloatArray:
        result = super()._driver_acceleration()
        distance, changes = self.track.places[:, places.DISTANCE], self.routes.arrays.changes
        acceleration_to_change(self.traffic.lanes, self.traffic.vehicles, distance, changes, result)
        return result

    def _command(self, worlds: IntArray) -> NDArray[np.int64]:
        commands = np.empty(self.num_worlds, np.int64)
        read_commands(self.routes.arrays, self.track.ways, self.track.places, commands)
        return commands[worlds]

    def _step(self, actions: NDArray[Any]) -> Measurements:
        self._advance(*self._controls(actions))
        return self._measure()

    def _measure(self) -> Measurements:
        config, seconds = self.config, 1.0 / self.control_frequency
        distance = self.track.places[:, places.DISTANCE]
        speed = self.vehicles[:, vehicle.SPEED]
        advanced = np.maximum(distance - self._farthest, 0.0)
        self._farthest = np.maximum(self._farthest, distance)
        self._still = np.where(speed < 0.1, self._still + seconds, 0.0)
        counted = self._infractions.count(
            self._collisions(), self._run_lights(distance), self._departed(), advanced, self.elapsed_steps
        )
        self._front = distance + 0.5 * EGO_LENGTH
        arrived = distance >= self.routes.arrays.length - FINISH
        completion = np.where(arrived, 1.0, np.clip(self._farthest / self.routes.arrays.length, 0.0, 1.0))
        success = arrived & (self._infractions.total == 0)
        lost = np.abs(self.track.places[:, places.LATERAL]) > OFF_ROUTE
        ended = arrived | lost | (self._still >= BLOCKED)
        if config.collision_ends:
            ended |= self._infractions.collided
        if self.reward_mode == "sparse":
            terms = {"reward/route": arrived.astype(np.float64), "reward/infractions": -counted}
        else:
            terms = self._dense_terms() | {"reward/infractions": -config.infraction_weight * counted}
        info = self._info(self._everyone, completion)
        return Measurements(reward_of(terms), ended, success, info | terms)

    def _run_lights(self, distance: FloatArray) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """(N,) whether a red light, and whether a stop sign, has been run in this step."""
        front = distance + 0.5 * EGO_LENGTH
        stops = self.routes.arrays.stops
        lines = stops[:, :, 0]
        worlds, numbers = np.nonzero((self._front[:, None] < lines) & (front[:, None] >= lines))
        red, stop = np.zeros(self.num_worlds, bool), np.zeros(self.num_worlds, bool)
        for world, number in zip(worlds, numbers, strict=True):
            _, lane, control = stops[world, number].astype(np.int64)
            if control == LIGHT:
                group = self.traffic.lanes.signal[world, lane]
                red[world] |= self.traffic.signals[world, group] in (RED, RED_AMBER)
            elif control == STOP:
                stop[world] |= not self.traffic.vehicles.halted[world, 0]
        return red, stop

    def _dense_terms(self) -> dict[str, FloatArray]:
        config, rows, terms = self.config, self._state_now(), np.empty((3, self.num_worlds))
        bends = self.track.cruise_speed(self.parameters, rows[:, LIMIT])
        weights = (config.lateral_weight, config.heading_weight, config.speed_weight)
        reward_driving(rows, bends, weights, terms)
        return {"reward/lateral": terms[0], "reward/heading": terms[1], "reward/speed": terms[2]}

    def _state_now(self) -> FloatArray:
        """(N, K) `town_state` of now, made once a step."""
        if self._state is None:
            self._state = town_state(self)
        return self._state

    def _info(self, worlds: IntArray, completion: FloatArray) -> dict[str, NDArray[Any]]:
        cars, located = self.vehicles[worlds], self.track.places[worlds]
        return {
            "lateral_error": located[:, places.LATERAL],
            "heading_error": located[:, places.HEADING_ERROR],
            "speed": cars[:, vehicle.SPEED],
            "lateral_acceleration": cars[:, vehicle.SPEED] * cars[:, vehicle.YAW_RATE],
            "distance": located[:, places.DISTANCE],
            "route_completion": completion,
            "driving_score": self._infractions.score(completion, self.routes.arrays.length)[worlds],
            **{name: counts[worlds] for name, counts in self._infractions.by_name().items()},
        }

    def reset_info(self, worlds: IntArray) -> dict[str, NDArray[Any]]:
        """Info of the first observation, rows of `worlds`."""
        completion = np.zeros(self.num_worlds)
        info = self._info(self._everyone, completion)
        return {name: values[worlds] for name, values in info.items()} | {
            "is_success": np.zeros(len(worlds), bool)
        }

    def _state_rows(self, worlds: IntArray, lateral: FloatArray, heading: FloatArray) -> FloatArray:
        rows = self._state_now()[worlds]
        turned = rows[:, STATE_NAMES.index("heading_error")]
        rows[:, STATE_NAMES.index("lateral_error")] += lateral * np.cos(turned)
        turned += heading
        return rows

    def recover(self, worlds: Sequence[int] | IntArray) -> None:
        """Put these cars on their routes, along them, standing where they were."""
        for world in np.asarray(worlds, np.int64):
            route = self._routes[world]
            assert route is not None
            point, heading = route.curve.at(float(self.track.places[world, places.DISTANCE]))
            speed = self.vehicles[world, vehicle.SPEED]
            self.vehicles[world] = 0.0
            self.vehicles[world, [vehicle.X, vehicle.Y]] = point
            self.vehicles[world, vehicle.HEADING] = heading
            self.vehicles[world, vehicle.SPEED] = min(speed, 6.0)
        self._locate()

    def set_state(self, state: Any) -> None:
        """Return to a state taken by `get_state` from a simulation with the same options."""
        super().set_state(state)
        self._state = None

    def _actors(self, world: int) -> Actors:
        actors, route = super()._actors(world), self._routes[world]
        assert route is not None
        actors.way = route.curve.points
        return actors

    def _own_state(self) -> dict[str, NDArray[Any]]:
        return super()._own_state() | {
            "farthest": self._farthest,
            "front": self._front,
            "still": self._still,
            "infractions": self._infractions.counts,
            "off_road": self._infractions.off_road,
            "last_hit": self._infractions.last_hit,
            "outside": self._infractions.outside,
        }
