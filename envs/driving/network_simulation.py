"""What tasks on networks of roads share: maps, traffic, collisions, and the sensors that look around."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from camshaft.envs.arrays import FloatArray, IntArray
from camshaft.envs.driving.country_road.track import Track
from camshaft.envs.driving.dynamics import vehicle
from camshaft.envs.driving.dynamics.collisions import find_hurt, find_overlaps, find_struck
from camshaft.envs.driving.dynamics.poses import car_poses
from camshaft.envs.driving.dynamics.vehicle import VehicleParameters
from camshaft.envs.driving.maps.drawing import LIGHTS, PERSON, VEHICLE, Actors, MapSketch, sketch_network
from camshaft.envs.driving.maps.maps import DrivingMap
from camshaft.envs.driving.maps.raster import METERS, SIZE, MapRasters
from camshaft.envs.driving.road_network.network import FOLLOW, TURN_NAMES
from camshaft.envs.driving.sensors import NUM_RAYS, RANGE, measure_ranges
from camshaft.envs.driving.simulation import DrivingSimulation
from camshaft.envs.driving.streets.street_scene import StreetScene
from camshaft.envs.driving.traffic.advance import drive_acceleration
from camshaft.envs.driving.traffic.kinds import EGO_LENGTH, EGO_WIDTH, SALOON, VehicleKind
from camshaft.envs.driving.traffic.lanes import measure_departure
from camshaft.envs.driving.traffic.traffic import Traffic
from camshaft.envs.errors import InvalidOption
from camshaft.envs.rendering import Camera

EGO_TRAITS = np.array([1.0, 1.4, 1.8, 2.0, 0.3, 8.0])  # of the expert as a driver
PERSON_LENGTH, PERSON_WIDTH = 0.5, 0.6  # meters, of the boxes that people are for collisions


class NetworkSimulation(DrivingSimulation):
    """Cars in traffic on the roads of a map.

    Args:
        num_worlds: N.
        car: the nominal car.
        default_camera: the task's own observation camera.
        num_vehicles: other vehicles in each world.
        num_people: people on foot in each world.
        kinds: of vehicles; the first is the car that is driven.
        reach: see `Traffic`.
        lookahead: see `Track`.
        options: see `DrivingSimulation`.

    Attributes:
        traffic: vehicles and people; number 0 of the vehicles is the car that is driven.
        track: the ways that the cars should follow.
    """

    state_parts: ClassVar[tuple[str, ...]] = ("state", "ego", "imu", "command", "lidar", "birdseye")
    settled_options: ClassVar[tuple[str, ...]] = ("kinds", "reach", "lookahead")
    state_limits: FloatArray
    style: ClassVar[str]

    def __init__(
        self,
        num_worlds: int,
        car: VehicleParameters,
        default_camera: Camera,
        *,
        num_vehicles: int,
        num_people: int = 0,
        kinds: Sequence[VehicleKind] = (SALOON,),
        reach: tuple[float, float] | None = (60.0, 170.0),
        lookahead: float = 0.8,
        **options: Any,
    ) -> None:
        for name, value in (("num_vehicles", num_vehicles), ("num_people", num_people)):
            if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 200:
                raise InvalidOption(f"{name} must be a whole number within 0..200, got {value!r}")
        super().__init__(num_worlds, car, default_camera, **options)
        self.traffic = Traffic(num_worlds, num_vehicles, num_people, kinds, reach)
        self.track = Track(num_worlds, lookahead=lookahead)
        self.observation_space = self._make_observation_space()
        self._maps: list[DrivingMap | None] = [None] * num_worlds
        self._obstacles = np.zeros((num_worlds, 1, 5))
        self._obstacle_counts = np.zeros(num_worlds, np.int64)
        self._departures = np.zeros((num_worlds, 2))
        self._streets = StreetScene(num_worlds, self.style, self.conditions, self.traffic)
        self._rasters: MapRasters | None = None

    @abstractmethod
    def _place_ego(self) -> None:
        """Write the lanes of the cars into `traffic.vehicles`, number 0."""

    @abstractmethod
    def _state_rows(self, worlds: IntArray, lateral: FloatArray, heading: FloatArray) -> FloatArray:
        """(n, K) of the part "state"."""

    def _command(self, worlds: IntArray) -> NDArray[np.int64]:
        """(n,) where to go at the next junction."""
        return np.full(len(worlds), FOLLOW)

    def _sensor_spaces(self) -> dict[str, spaces.Space[Any]]:
        limits = self.state_limits.astype(np.float32)
        return {
            "state": spaces.Box(-limits, limits, dtype=np.float32),
            "command": spaces.Box(0.0, 1.0, (len(TURN_NAMES),), np.float32),
            "lidar": spaces.Box(0.0, RANGE, (NUM_RAYS,), np.float32),
            "birdseye": spaces.Box(0, 255, (SIZE, SIZE, 1), np.uint8),
        }

    def _enter_map(self, world: int, shown: DrivingMap) -> None:
        """Put a world on a map."""
        self._maps[world] = shown
        self.traffic.set_map(world, shown.traffic)
        obstacles = shown.layout.obstacles
        if self._obstacles.shape[1] < len(obstacles):
            longer = np.zeros((self.num_worlds, len(obstacles) + 16, 5))
            longer[:, : self._obstacles.shape[1]] = self._obstacles
            self._obstacles = longer
        self._obstacles[world, : len(obstacles)] = obstacles
        self._obstacle_counts[world] = len(obstacles)
        if self._rasters is not None:
            self._rasters.forget(world)

    def _start_traffic(
        self, world: int, rng: np.random.Generator, least: float = 25.0, most: float = 1e9
    ) -> None:
        """Set out the others around a car whose state is set."""
        vehicles = self.traffic.vehicles
        self._write_pose(world)
        vehicles.present[world, 0] = True
        self.traffic.start(world, rng, least, most)
        vehicles.length[world, 0], vehicles.width[world, 0] = EGO_LENGTH, EGO_WIDTH
        vehicles.traits[world, 0] = EGO_TRAITS

    def _write_pose(self, world: int | slice) -> None:
        vehicles = self.traffic.vehicles
        vehicles.pose[world, 0] = self.vehicles[world][..., [vehicle.X, vehicle.Y, vehicle.HEADING]]
        vehicles.speed[world, 0] = self.vehicles[world, vehicle.SPEED]

    def _locate(self) -> None:
        self.track.locate(self.vehicles)
        self._write_pose(slice(None))
        self._place_ego()

    def _advance(self, steering: FloatArray, pedals: FloatArray) -> None:
        """Move the cars by one control step, then everybody else."""
        steps = round(1.0 / (self.control_frequency * vehicle.TIME_STEP))
        vehicle.advance_by_pedals(self.vehicles, self.parameters, steering, pedals, steps)
        self._locate()
        self.traffic.step(1.0 / self.control_frequency)

    def _collisions(self) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]]:
        """(N,) the vehicle run into or by, or −1; whether a person is hit; whether something that stands is."""
        vehicles, people = self.traffic.vehicles, self.traffic.people
        ego, hits = vehicles.pose[:, 0], np.empty(vehicles.present.shape, bool)
        hurt, struck = np.empty(self.num_worlds, bool), np.empty(self.num_worlds, bool)
        find_overlaps(vehicles.pose, vehicles.length, vehicles.width, vehicles.present, 0, hits)
        other = np.where(hits.any(axis=1), hits.argmax(axis=1), -1)
        find_hurt(ego, EGO_LENGTH, EGO_WIDTH, people.pose, PERSON_LENGTH, PERSON_WIDTH, people.present, hurt)
        find_struck(ego, EGO_LENGTH, EGO_WIDTH, self._obstacles, self._obstacle_counts, struck)
        return other, hurt, struck

    def _departed(self) -> FloatArray:
        """(N, 2) as `traffic.lanes.measure_departure`."""
        measure_departure(self.traffic.lanes, self.traffic.vehicles, self._departures)
        return self._departures

    def _driver_acceleration(self) -> FloatArray:
        """(N,) m/s² that drivers in place of the cars would choose."""
        result = np.empty(self.num_worlds)
        traffic = self.traffic
        drive_acceleration(traffic.lanes, traffic.vehicles, traffic.occupied, traffic.crossed, result)
        return result

    def _pursue(self, lateral: FloatArray, heading: FloatArray) -> FloatArray:
        """(N,) steering angles (rad) that follow the way."""
        curvature = self.track.pursue(self.vehicles, self.parameters, lateral, heading)
        angles = np.empty(self.num_worlds)
        vehicle.steering_for_curvatures(curvature, self.vehicles, self.parameters, angles)
        return angles

    def _pedals(self, accelerations: FloatArray) -> FloatArray:
        pedals = np.empty(self.num_worlds)
        vehicle.pedals_for(accelerations, self.vehicles, self.parameters, pedals)
        return pedals

    def _expert(self, lateral: FloatArray, heading: FloatArray) -> NDArray[Any]:
        """Pure pursuit of the way, and the pedals of a driver who heeds the others, the lights and the signs."""
        return self._actions_for(self._pursue(lateral, heading), self._pedals(self._driver_acceleration()))

    def _sense(self, part: str, worlds: IntArray, lateral: FloatArray, heading: FloatArray) -> NDArray[Any]:
        if part == "state":
            limits = self.state_limits
            return np.clip(self._state_rows(worlds, lateral, heading), -limits, limits).astype(np.float32)
        if part == "command":
            return np.eye(len(TURN_NAMES), dtype=np.float32)[self._command(worlds)]
        poses = self._displaced_poses(worlds, lateral, heading)
        return self._ranges(worlds, poses) if part == "lidar" else self._birdseye(worlds, poses)

    def _displaced_poses(self, worlds: IntArray, lateral: FloatArray, heading: FloatArray) -> FloatArray:
        poses = self.traffic.vehicles.pose[worlds, 0].copy()
        poses[:, 0] -= lateral * np.sin(poses[:, 2])
        poses[:, 1] += lateral * np.cos(poses[:, 2])
        poses[:, 2] += heading
        return poses

    def _ranges(self, worlds: IntArray, poses: FloatArray) -> NDArray[np.float32]:
        vehicles, people = self.traffic.vehicles, self.traffic.people
        count = people.present.shape[1]
        boxes = np.concatenate([vehicles.pose[worlds], people.pose[worlds]], axis=1)
        lengths = np.concatenate(
            [vehicles.length[worlds], np.full((len(worlds), count), PERSON_LENGTH)], axis=1
        )
        widths = np.concatenate([vehicles.width[worlds], np.full((len(worlds), count), PERSON_WIDTH)], axis=1)
        present = np.concatenate([vehicles.present[worlds], people.present[worlds]], axis=1)
        ranges = np.empty((len(worlds), NUM_RAYS))
        measure_ranges(
            poses,
            boxes,
            lengths,
            widths,
            present,
            self._obstacles[worlds],
            self._obstacle_counts[worlds],
            RANGE,
            ranges,
        )
        return ranges.astype(np.float32)

    def _birdseye(self, worlds: IntArray, poses: FloatArray) -> NDArray[np.uint8]:
        if self._rasters is None:
            self._rasters = MapRasters(self.num_worlds)
        return self._rasters.draw(worlds, poses, self._maps, self.traffic, METERS)

    def _car_poses(self, worlds: IntArray, lateral: FloatArray, heading: FloatArray) -> FloatArray:
        poses = np.empty((len(worlds), 4, 4))
        car_poses(self.vehicles[worlds], self.track.places[worlds], lateral, heading, poses)
        return poses

    def _scene_now(self) -> StreetScene:
        self._streets.dress(self._maps, self.episode_seeds, self.randomize)
        self._streets.move(self.traffic)
        return self._streets

    def _sketch(self, world: int) -> MapSketch:
        shown = self._maps[world]
        assert shown is not None
        return sketch_network(shown.network, shown.layout.obstacles)

    def _actors(self, world: int) -> Actors:
        vehicles, people = self.traffic.vehicles, self.traffic.people
        actors = Actors()
        for number in np.flatnonzero(vehicles.present[world, 1:]) + 1:
            x, y, heading = vehicles.pose[world, number].tolist()
            length, width = float(vehicles.length[world, number]), float(vehicles.width[world, number])
            actors.boxes.append((x, y, heading, length, width, VEHICLE))
        for number in np.flatnonzero(people.present[world]):
            x, y, _ = people.pose[world, number].tolist()
            actors.dots.append((x, y, PERSON))
        shown = self._maps[world]
        assert shown is not None
        for place, group, walk in zip(
            shown.layout.lights, shown.layout.groups, shown.layout.on_foot, strict=True
        ):
            if not walk:
                light = LIGHTS[int(self.traffic.signals[world, group])]
                actors.dots.append((float(place[0]), float(place[1]), light))
        return actors

    def get_state(self) -> dict[str, Any]:
        """Everything that the future of all worlds depends on."""
        return super().get_state() | {"traffic": self.traffic.get_state()}

    def set_state(self, state: Any) -> None:
        """Return to a state taken by `get_state` from a simulation with the same options."""
        super().set_state(state)
        self.traffic.set_state(state["traffic"])

    def _own_state(self) -> dict[str, NDArray[Any]]:
        return {"places": self.track.places}
