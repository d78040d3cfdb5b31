"""Town: follow a route through a town with traffic lights, signs, other vehicles and pedestrians."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from camshaft.envs.arrays import FloatArray, IntArray
from camshaft.envs.driving.dynamics import frenet, vehicle
from camshaft.envs.driving.dynamics.vehicle import VehicleParameters
from camshaft.envs.driving.maps.driving_map import DrivingMap, as_map, sample_map, town_map
from camshaft.envs.driving.maps.top_view import MapOverlay
from camshaft.envs.driving.road_network.elements import LIGHT, STOP, Network
from camshaft.envs.driving.road_network.route import Route
from camshaft.envs.driving.road_network.town import TownConfig
from camshaft.envs.driving.scoring import NAMES as INFRACTIONS
from camshaft.envs.driving.scoring import Infractions
from camshaft.envs.driving.simulation import COMFORT, reward_of
from camshaft.envs.driving.tasks.town_state import (
    LIMIT,
    PREVIEW,
    STATE_LIMITS,
    STATE_NAMES,
    reward_driving,
    write_town_state,
)
from camshaft.envs.driving.traffic.ahead import acceleration_to_change
from camshaft.envs.driving.traffic.ego_routes import EgoRoutes, assign_route_lanes, read_commands
from camshaft.envs.driving.traffic.kinds import EGO_LENGTH, TOWN_KINDS
from camshaft.envs.driving.traffic.signals import RED, RED_YELLOW
from camshaft.envs.driving.traffic_simulation import TrafficSimulation
from camshaft.envs.metrics import Metric
from camshaft.envs.rendering import Camera
from camshaft.envs.simulation import Measurements

OFF_ROUTE = 30.0  # meters from the route at which an episode ends, as in the CARLA leaderboard
BLOCKED = 60.0  # seconds without moving after which an episode ends
FINISH = 4.0  # meters before the end of the route at which it counts as completed


@dataclass(frozen=True)
class TownTaskConfig:
    """Configuration of the task.

    Attributes:
        town: configuration of the towns.
        num_maps: number of towns in each split.
        car: the nominal car.
        camera: the observation camera, mounted on the car.
        route_length: meters, low and high.
        start_speed: largest speed at the start in m/s.
        collision_ends: whether a collision ends the episode.
        lateral_weight, heading_weight, speed_weight: weights of the reward terms, per step.
        infraction_weight: penalty for each infraction.
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


class Town(TrafficSimulation):
    """Follow a route through a town with traffic lights, signs, other vehicles and pedestrians.

    Description:
        A car drives in one of many towns, whose streets meet in roundabouts and in junctions with traffic lights, stop
        signs, yield signs or priority to the right. A route of 200 to 450 m leads through the town; at each junction a
        command gives the turn to take. Other vehicles follow lanes, each other, traffic lights and the right of way;
        pedestrians walk on the sidewalks and cross at crossings and elsewhere. `num_vehicles` (20) and `num_people`
        (20) set how many there are around the car. `map` replaces the towns by a custom map: a network of `RoadBlocks`
        or an OpenDRIVE file (.xodr). Control runs at 10 Hz, the car's dynamics at 100 Hz.

    Observation:
        By `obs_mode`: images as in LaneKeeping; "ego" (5,) float32: speed, lateral speed (m/s), yaw rate (rad/s),
        steering angle (rad), acceleration (m/s²); "imu" (6,) float32: specific force and turn rate, x, y, z; "command"
        (4,) float32, one-hot: follow, left, straight, right; "lidar" (72,) float32: distances (m) to other vehicles,
        pedestrians and obstacles around the car, counter-clockwise from straight ahead; "birdseye" (64, 64, 1) uint8:
        semantic labels of the 48 m around the car, ahead upwards; "state" (K,) float32: the privileged state, named by
        `state_names`: lateral error, heading error, traffic light and its distance, junction, the vehicle ahead…

    Action:
        `control_mode` "pedals": two numbers in −1..1, the angle of the road wheels as a share of 0.5 rad, left
        positive, and throttle or, if negative, brake. "discrete": 0..34, seven steering angles (−0.35 to 0.35 rad)
        times five pedal positions: full brake, gentle brake, none, gentle throttle, full throttle.

    Reward:
        "dense": `reward/lateral` and `reward/heading`, up to 0.3 and 0.2 for small lateral and heading errors;
        `reward/speed`, 0.5 at the target speed, which is the limit, falling linearly to 0 before red lights and
        obstacles; `reward/infractions`, −5 for each. "sparse": `reward/route`, 1 at the end of the route;
        `reward/infractions`, −1 for each.

    Success:
        The end of the route is reached without an infraction. `driving_score`, `route_completion` and the counts of
        infractions follow the CARLA leaderboard (`camshaft.envs.driving.scoring`).

    Termination:
        The end of the route is reached; the car collides (unless `collision_ends` is False in the config), is more
        than 30 m from its route, or has not moved for 60 s. The time limit (150 s, 1,500 steps) truncates.

    Randomization:
        With None, town, route, traffic and start vary with the seed; appearance, light, weather, camera and car are
        nominal. "train" and "test" also vary textures, buildings, sun, cloud, fog, the camera's mount and the car's
        mass, stiffness and friction; towns, variants and values of one split never occur in the other. `time_of_day`
        and `weather` as in LaneKeeping.

    Source:
        Task and scores of the CARLA leaderboard (A. Dosovitskiy et al., "CARLA: An Open Urban Driving Simulator",
        2017); reward of M. Toromanoff et al., "End-to-End Model-Free Reinforcement Learning for Urban Driving using
        Implicit Affordances", CVPR 2020.
    """

    control_modes: ClassVar[tuple[str, ...]] = ("pedals", "discrete")
    control_frequency: ClassVar[float] = 10.0
    metrics = (
        Metric("driving_score", "driving_score", "last"),
        Metric("route_completion", "route_completion", "last"),
        *(Metric(name, name, "last") for name in INFRACTIONS),
        Metric("distance", "distance", "last", "m"),
        Metric("speed", "speed", "mean", "m/s"),
        *COMFORT,
    )
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
        self.routes = EgoRoutes(num_worlds)
        self._state: FloatArray | None = None  # of the current step, computed on demand
        self._farthest = np.zeros(num_worlds)  # meters, largest distance reached along the route
        self._front = np.zeros(num_worlds)  # meters, distance of the front bumper along the route
        self._still = np.zeros(num_worlds)  # seconds without moving
        self._infractions = Infractions(num_worlds)

    def _start_episode(self, world: int, seed: int) -> None:
        map_rng, rng = np.random.default_rng([seed, 0]), np.random.default_rng([seed, 1])
        config = self.config
        town = self._map or sample_map(town_map, config.town, config.num_maps, map_rng, self.randomize)
        self._set_map(world, town)
        route = town.sample_route(rng, config.route_length)
        self._set_route(world, route)
        self._sample_car(world, rng)
        self._sample_mounts(world, rng)
        point, heading = route.curve.at(0.0)
        state = self.vehicles[world]
        state[:] = 0.0
        state[vehicle.X], state[vehicle.Y] = point
        state[vehicle.HEADING] = heading
        state[vehicle.SPEED] = rng.uniform(0.0, config.start_speed)
        self.tracker.frenet[world] = 0.0
        self._start_traffic(world, rng, least=18.0, most=190.0)
        self._farthest[world] = self._still[world] = 0.0
        self._front[world] = 0.5 * EGO_LENGTH
        self._infractions.clear(world)

    def _set_route(self, world: int, route: Route) -> None:
        self._routes[world] = route
        self._state = None
        self.tracker.set_curve(world, route.curve)
        self.routes.put(world, route)

    def _assign_lanes(self, worlds: IntArray) -> None:
        self._state = None
        assign_route_lanes(
            self.routes.arrays, self.tracker.paths, self.tracker.frenet, self.traffic.vehicles, worlds
        )

    def _driver_acceleration(self) -> FloatArray:
        result = super()._driver_acceleration()
        distance, changes = self.tracker.frenet[:, frenet.DISTANCE], self.routes.arrays.changes
        acceleration_to_change(self.traffic.lanes, self.traffic.vehicles, distance, changes, result)
        return result

    def _command(self, worlds: IntArray) -> NDArray[np.int64]:
        commands = np.empty(self.num_worlds, np.int64)
        read_commands(self.routes.arrays, self.tracker.paths, self.tracker.frenet, commands)
        return commands[worlds]

    def _step(self, actions: NDArray[Any]) -> Measurements:
        self._advance(*self._controls(actions))
        return self._measure()

    def _measure(self) -> Measurements:
        config, seconds = self.config, 1.0 / self.control_frequency
        distance = self.tracker.frenet[:, frenet.DISTANCE]
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
        off_route = np.abs(self.tracker.frenet[:, frenet.LATERAL]) > OFF_ROUTE
        ended = arrived | off_route | (self._still >= BLOCKED)
        if config.collision_ends:
            ended |= self._infractions.collided
        if self.reward_mode == "sparse":
            terms = {"reward/route": arrived.astype(np.float64), "reward/infractions": -counted}
        else:
            terms = self._dense_terms() | {"reward/infractions": -config.infraction_weight * counted}
        info = self._info(self._everyone, completion)
        return Measurements(reward_of(terms), ended, success, info | terms)

    def _run_lights(self, distance: FloatArray) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """(N,) whether a red light and whether a stop sign was run in this step."""
        front = distance + 0.5 * EGO_LENGTH
        stops = self.routes.arrays.stops
        lines = stops[:, :, 0]
        worlds, numbers = np.nonzero((self._front[:, None] < lines) & (front[:, None] >= lines))
        red, stop = np.zeros(self.num_worlds, bool), np.zeros(self.num_worlds, bool)
        for world, number in zip(worlds, numbers, strict=True):
            _, lane, control = stops[world, number].astype(np.int64)
            if control == LIGHT:
                group = self.traffic.lanes.signal[world, lane]
                red[world] |= self.traffic.signals[world, group] in (RED, RED_YELLOW)
            elif control == STOP:
                stop[world] |= not self.traffic.vehicles.halted[world, 0]
        return red, stop

    def _dense_terms(self) -> dict[str, FloatArray]:
        config, rows, terms = self.config, self._state_now(), np.empty((3, self.num_worlds))
        bends = self.tracker.cruise_speed(self.parameters, rows[:, LIMIT])
        weights = (config.lateral_weight, config.heading_weight, config.speed_weight)
        reward_driving(rows, bends, weights, terms)
        return {"reward/lateral": terms[0], "reward/heading": terms[1], "reward/speed": terms[2]}

    def _state_now(self) -> FloatArray:
        """(N, K) the current state in the order of STATE_NAMES, computed once per step."""
        if self._state is None:
            traffic = self.traffic
            self._state = np.zeros((self.num_worlds, len(STATE_NAMES)))
            write_town_state(
                traffic.lanes,
                traffic.vehicles,
                traffic.crossed,
                traffic.signals,
                self.vehicles,
                self.tracker.paths,
                self.tracker.frenet,
                self.routes.arrays,
                PREVIEW,
                self._state,
            )
        return self._state

    def _info(self, worlds: IntArray, completion: FloatArray) -> dict[str, NDArray[Any]]:
        cars, coordinates = self.vehicles[worlds], self.tracker.frenet[worlds]
        return {
            "lateral_error": coordinates[:, frenet.LATERAL],
            "heading_error": coordinates[:, frenet.HEADING_ERROR],
            "speed": cars[:, vehicle.SPEED],
            "lateral_acceleration": cars[:, vehicle.SPEED] * cars[:, vehicle.YAW_RATE],
            "distance": coordinates[:, frenet.DISTANCE],
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
        heading_error = rows[:, STATE_NAMES.index("heading_error")]
        rows[:, STATE_NAMES.index("lateral_error")] += lateral * np.cos(heading_error)
        heading_error += heading
        return rows

    def recover(self, worlds: Sequence[int] | IntArray) -> None:
        """Put these cars on their routes, heading along them, at their distance and at most 6 m/s."""
        chosen = np.asarray(worlds, np.int64)
        for world in chosen:
            route = self._routes[world]
            assert route is not None
            point, heading = route.curve.at(float(self.tracker.frenet[world, frenet.DISTANCE]))
            speed = self.vehicles[world, vehicle.SPEED]
            self.vehicles[world] = 0.0
            self.vehicles[world, [vehicle.X, vehicle.Y]] = point
            self.vehicles[world, vehicle.HEADING] = heading
            self.vehicles[world, vehicle.SPEED] = min(speed, 6.0)
        self._locate(chosen)

    def set_state(self, state: Any) -> None:
        """Restore a state taken by `get_state` from a simulation with the same options."""
        super().set_state(state)
        self._state = None

    def _overlay(self, world: int) -> MapOverlay:
        overlay, route = super()._overlay(world), self._routes[world]
        assert route is not None
        overlay.route = route.curve.points
        return overlay

    def _own_state(self) -> dict[str, NDArray[Any]]:
        return {
            "farthest": self._farthest,
            "front": self._front,
            "still": self._still,
            "infractions": self._infractions.counts,
            "off_road": self._infractions.off_road,
            "last_hit": self._infractions.last_hit,
            "outside": self._infractions.outside,
        }
