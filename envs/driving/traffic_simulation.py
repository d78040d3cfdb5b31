"""Base class of the tasks in traffic: maps, traffic, collisions, range finder and bird's-eye view."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from camshaft.envs.arrays import FloatArray, IntArray
from camshaft.envs.driving.dynamics import vehicle
from camshaft.envs.driving.dynamics.collisions import (
    Obstacles,
    find_hit_obstacles,
    find_hit_people,
    find_overlaps,
    pack_obstacles,
)
from camshaft.envs.driving.dynamics.vehicle import VehicleParameters
from camshaft.envs.driving.maps.driving_map import DrivingMap
from camshaft.envs.driving.maps.raster import SIZE, birdseye_images
from camshaft.envs.driving.maps.top_view import LIGHTS, PERSON, VEHICLE, MapOverlay, MapSketch, sketch_network
from camshaft.envs.driving.road_network.arrays import WorldArrays
from camshaft.envs.driving.road_network.elements import FOLLOW, TURN_NAMES
from camshaft.envs.driving.sensors import NUM_RAYS, RANGE, measure_ranges
from camshaft.envs.driving.simulation import DrivingSimulation
from camshaft.envs.driving.streets.street_scene import StreetScene
from camshaft.envs.driving.traffic.advance import drive_acceleration
from camshaft.envs.driving.traffic.kinds import EGO_LENGTH, EGO_WIDTH, SEDAN, VehicleKind
from camshaft.envs.driving.traffic.lanes import measure_departure
from camshaft.envs.driving.traffic.traffic import Traffic
from camshaft.envs.errors import InvalidOption
from camshaft.envs.rendering import Camera

EGO_TRAITS = np.array([1.0, 1.4, 1.8, 2.0, 0.3, 8.0])  # driver traits of the expert, see `Vehicles.traits`
PERSON_LENGTH, PERSON_WIDTH = 0.5, 0.6  # meters, collision box of a person


class TrafficSimulation(DrivingSimulation):
    """Cars in traffic on the roads of a map.

    Args:
        num_worlds: N.
        car: the nominal car.
        default_camera: the task's own observation camera.
        num_vehicles: number of other vehicles in each world.
        num_people: number of pedestrians in each world.
        kinds: kinds of vehicles; the first is that of the ego vehicle.
        reach: see `Traffic`.
        options: see `DrivingSimulation`.

    Attributes:
        traffic: vehicles and pedestrians; vehicle 0 is the ego vehicle, the driven car.
    """

    state_parts: ClassVar[tuple[str, ...]] = ("state", "ego", "imu", "command", "lidar", "birdseye")
    settled_options: ClassVar[tuple[str, ...]] = ("kinds", "reach")
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
        kinds: Sequence[VehicleKind] = (SEDAN,),
        reach: tuple[float, float] | None = (60.0, 170.0),
        **options: Any,
    ) -> None:
        for name, value in (("num_vehicles", num_vehicles), ("num_people", num_people)):
            if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 200:
                raise InvalidOption(f"{name} must be a whole number within 0..200, got {value!r}")
        super().__init__(num_worlds, car, default_camera, **options)
        self.traffic = Traffic(num_worlds, num_vehicles, num_people, kinds, reach)
        self.observation_space = self._make_observation_space()
        self._maps: list[DrivingMap | None] = [None] * num_worlds
        self._obstacles: WorldArrays[Obstacles] = WorldArrays(num_worlds)
        self._departures = np.zeros((num_worlds, 2))
        self._streets = StreetScene(num_worlds, self.style, self.conditions, self.traffic)

    @abstractmethod
    def _assign_lanes(self, worlds: IntArray) -> None:
        """Write the lanes of these worlds' ego vehicles into `traffic.vehicles`."""

    @abstractmethod
    def _state_rows(self, worlds: IntArray, lateral: FloatArray, heading: FloatArray) -> FloatArray:
        """(n, K) of the part "state"."""

    def _command(self, worlds: IntArray) -> NDArray[np.int64]:
        """(n,) turn to take at the next junction, see `elements.TURN_NAMES`."""
        return np.full(len(worlds), FOLLOW)

    def _sensor_spaces(self) -> dict[str, spaces.Space[Any]]:
        limits = self.state_limits.astype(np.float32)
        return {
            "state": spaces.Box(-limits, limits, dtype=np.float32),
            "command": spaces.Box(0.0, 1.0, (len(TURN_NAMES),), np.float32),
            "lidar": spaces.Box(0.0, RANGE, (NUM_RAYS,), np.float32),
            "birdseye": spaces.Box(0, 255, (SIZE, SIZE, 1), np.uint8),
        }

    def _set_map(self, world: int, new: DrivingMap) -> None:
        """Set the map of a world."""
        self._maps[world] = new
        self.traffic.set_map(world, new.traffic)
        self._obstacles.put(world, pack_obstacles(new.layout.obstacles))

    def _map_of(self, world: int) -> DrivingMap:
        """The map of a world that has been reset."""
        current = self._maps[world]
        assert current is not None
        return current

    def _start_traffic(
        self, world: int, rng: np.random.Generator, least: float = 25.0, most: float = 1e9
    ) -> None:
        """Spawn traffic around an ego vehicle whose state is set."""
        vehicles = self.traffic.vehicles
        self._write_poses(np.array([world]))
        vehicles.present[world, 0] = True
        self.traffic.start(world, rng, least, most)
        vehicles.length[world, 0], vehicles.width[world, 0] = EGO_LENGTH, EGO_WIDTH
        vehicles.traits[world, 0] = EGO_TRAITS

    def _write_poses(self, worlds: IntArray) -> None:
        """Copy poses and speeds of these worlds' ego vehicles into `traffic.vehicles`."""
        vehicles, cars = self.traffic.vehicles, self.vehicles[worlds]
        vehicles.pose[worlds, 0] = cars[:, [vehicle.X, vehicle.Y, vehicle.HEADING]]
        vehicles.speed[worlds, 0] = cars[:, vehicle.SPEED]

    def _locate(self, worlds: IntArray) -> None:
        super()._locate(worlds)
        self._write_poses(worlds)
        self._assign_lanes(worlds)

    def _advance(self, steering: FloatArray, pedals: FloatArray) -> None:
        """Move the ego vehicles by one control step, then the traffic."""
        steps = round(1.0 / (self.control_frequency * vehicle.TIME_STEP))
        vehicle.advance_by_pedals(self.vehicles, self.parameters, steering, pedals, steps)
        self._locate(self._everyone)
        self.traffic.step(1.0 / self.control_frequency)

    def _collisions(self) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]]:
        """(N,) the vehicle that the ego vehicle overlaps, or −1; whether it hits a person; whether an obstacle."""
        vehicles, people, obstacles = self.traffic.vehicles, self.traffic.people, self._obstacles.arrays
        ego, hits = vehicles.pose[:, 0], np.empty(vehicles.present.shape, bool)
        hurt, struck = np.empty(self.num_worlds, bool), np.empty(self.num_worlds, bool)
        find_overlaps(vehicles.pose, vehicles.length, vehicles.width, vehicles.present, 0, hits)
        other = np.where(hits.any(axis=1), hits.argmax(axis=1), -1)
        find_hit_people(
            ego, EGO_LENGTH, EGO_WIDTH, people.pose, PERSON_LENGTH, PERSON_WIDTH, people.present, hurt
        )
        find_hit_obstacles(ego, EGO_LENGTH, EGO_WIDTH, obstacles.boxes, obstacles.counts, struck)
        return other, hurt, struck

    def _departed(self) -> FloatArray:
        """(N, 2) meters off the road and off the lanes of the own direction, see `traffic.lanes.measure_departure`."""
        measure_departure(self.traffic.lanes, self.traffic.vehicles, self._departures)
        return self._departures

    def _driver_acceleration(self) -> FloatArray:
        """(N,) m/s² that the driver model chooses for the ego vehicles."""
        result = np.empty(self.num_worlds)
        traffic = self.traffic
        drive_acceleration(traffic.lanes, traffic.vehicles, traffic.occupied, traffic.crossed, result)
        return result

    def _pursue(self, lateral: FloatArray, heading: FloatArray) -> FloatArray:
        """(N,) steering angles (rad) that follow the reference paths."""
        curvature = self.tracker.pursue(self.vehicles, self.parameters, lateral, heading)
        angles = np.empty(self.num_worlds)
        vehicle.steering_for_curvatures(curvature, self.vehicles, self.parameters, angles)
        return angles

    def _pedals(self, accelerations: FloatArray) -> FloatArray:
        pedals = np.empty(self.num_worlds)
        vehicle.pedals_for(accelerations, self.vehicles, self.parameters, pedals)
        return pedals

    def _expert(self, lateral: FloatArray, heading: FloatArray) -> NDArray[Any]:
        """Pure pursuit of the reference path; pedals of the driver model for traffic, lights and signs."""
        return self._actions_for(self._pursue(lateral, heading), self._pedals(self._driver_acceleration()))

    def _sense(self, part: str, worlds: IntArray, lateral: FloatArray, heading: FloatArray) -> NDArray[Any]:
        if part == "state":
            limits = self.state_limits
            return np.clip(self._state_rows(worlds, lateral, heading), -limits, limits).astype(np.float32)
        if part == "command":
            return np.eye(len(TURN_NAMES), dtype=np.float32)[self._command(worlds)]
        poses = self._displaced_poses(worlds, lateral, heading)
        return self._ranges(worlds, poses) if part == "lidar" else self._birdseye(worlds, poses)

    def _ranges(self, worlds: IntArray, poses: FloatArray) -> NDArray[np.float32]:
        vehicles, people, obstacles = self.traffic.vehicles, self.traffic.people, self._obstacles.arrays
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
            obstacles.boxes[worlds],
            obstacles.counts[worlds],
            RANGE,
            ranges,
        )
        return ranges.astype(np.float32)

    def _birdseye(self, worlds: IntArray, poses: FloatArray) -> NDArray[np.uint8]:
        return birdseye_images(worlds, poses, self._maps, self.traffic)

    def _scene_now(self) -> StreetScene:
        self._streets.apply_appearance(self._maps, self.episode_seeds, self.randomize)
        self._streets.move(self.traffic)
        return self._streets

    def _sketch(self, world: int) -> MapSketch:
        current = self._map_of(world)
        return sketch_network(current.network, current.layout.obstacles)

    def _overlay(self, world: int) -> MapOverlay:
        vehicles, people = self.traffic.vehicles, self.traffic.people
        overlay = MapOverlay()
        for number in np.flatnonzero(vehicles.present[world, 1:]) + 1:
            x, y, heading = vehicles.pose[world, number].tolist()
            length, width = float(vehicles.length[world, number]), float(vehicles.width[world, number])
            overlay.boxes.append((x, y, heading, length, width, VEHICLE))
        for number in np.flatnonzero(people.present[world]):
            x, y, _ = people.pose[world, number].tolist()
            overlay.dots.append((x, y, PERSON))
        layout = self._map_of(world).layout
        for position, group, on_foot in zip(layout.lights, layout.groups, layout.on_foot, strict=True):
            if not on_foot:
                light = LIGHTS[int(self.traffic.signals[world, group])]
                overlay.dots.append((float(position[0]), float(position[1]), light))
        return overlay

    def get_state(self) -> dict[str, Any]:
        """The state on which the future of all worlds depends; see `Simulation.get_state`."""
        return super().get_state() | {"traffic": self.traffic.get_state()}

    def set_state(self, state: Any) -> None:
        """Restore a state taken by `get_state` from a simulation with the same options."""
        super().set_state(state)
        self.traffic.set_state(state["traffic"])
