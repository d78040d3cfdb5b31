"""Racing: drive a lap of a race track as fast as possible."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from camshaft.envs.arrays import FloatArray, IntArray
from camshaft.envs.driving.country_road import track as places
from camshaft.envs.driving.country_road.track import Track
from camshaft.envs.driving.dynamics import vehicle
from camshaft.envs.driving.dynamics.poses import car_poses
from camshaft.envs.driving.dynamics.vehicle import VehicleParameters
from camshaft.envs.driving.maps.drawing import MapSketch, sketch_network
from camshaft.envs.driving.maps.maps import DrivingMap, circuit_map, draw_map
from camshaft.envs.driving.planning.racing_line import racing_line, speed_profile
from camshaft.envs.driving.road_network.circuit import CircuitConfig
from camshaft.envs.driving.road_network.curves import Curve
from camshaft.envs.driving.sensors import EGO_COLUMNS, EGO_NAMES
from camshaft.envs.driving.simulation import DrivingSimulation, reward_of
from camshaft.envs.driving.streets.street_scene import StreetScene
from camshaft.envs.rendering import Camera
from camshaft.envs.simulation import Measurements

PREVIEW = np.array([5.0, 10.0, 20.0, 30.0, 45.0, 60.0, 80.0])  # meters ahead
LINE_MARGIN = 1.5  # meters that the expert's line keeps from the edge of the track
SPEED_GAIN = 2.5  # 1/s, of the expert

CAR = VehicleParameters(
    mass=1200.0,
    inertia=1800.0,
    front_stiffness=150_000.0,
    rear_stiffness=170_000.0,
    friction=1.15,
    steering_rate=1.6,
    steering_lag=0.05,
    max_acceleration=6.0,
    max_braking=10.0,
    max_jerk=60.0,
    power=220_000.0,
)

STATE_NAMES = (
    "lateral_error",
    "heading_error",
    *EGO_NAMES,
    *(f"curvature_{round(meters)}" for meters in PREVIEW),
)
STATE_LIMITS = np.array([8.0, math.pi, 80.0, 20.0, 6.0, 1.0, 12.0, *[0.2] * len(PREVIEW)], np.float32)


@dataclass(frozen=True)
class RacingConfig:
    """What a user may change about the task.

    Attributes:
        circuit: the race tracks.
        num_maps: how many there are in each split.
        car: the nominal car.
        camera: the observation camera, mounted on the car.
        laps: to drive.
        runoff: meters beyond the edge of the track at which the car has left it.
        start_speed: m/s, low and high.
        progress_weight: of the reward for a whole lap.
        time_weight: of the reward for each second.
        departure_weight: of the reward for leaving the track.
    """

    circuit: CircuitConfig = CircuitConfig()
    num_maps: int = 100
    car: VehicleParameters = CAR
    camera: Camera = Camera(84, 84, 90.0, position=(0.4, 0.0, 1.15), pitch_degrees=6.0, near=0.3, far=300.0)
    laps: int = 1
    runoff: float = 1.5
    start_speed: tuple[float, float] = (8.0, 15.0)
    progress_weight: float = 100.0
    time_weight: float = 1.0
    departure_weight: float = 10.0


class Racing(DrivingSimulation):
    """Drive a lap of a race track as fast as possible.

    Description:
        A light car with 220 kW on a closed track of its own, 10 m wide and 700 to 1,200 m long, with bends of 14 m
        radius and more, red and white curbs on their inside and gravel around. It starts on the straightest part,
        driving.
        Steering and pedals are the driver's. Control runs at 20 Hz, the car's dynamics at 100 Hz
        (`camshaft.envs.driving.dynamics.vehicle`): tires saturate, and who brakes too late leaves the track.

    Observation:
        By `obs_mode`: "rgb" (H, W, 3) uint8; "depth" (H, W, 1) float32 meters along the optical axis; "segmentation"
        (H, W, 1) uint8 labels; "instances" (H, W, 1) uint16; "state" (14,) float32: meters left of the track's middle,
        heading error (rad), speed, lateral speed (m/s), yaw rate (rad/s), steering angle (rad), acceleration (m/s²),
        curvature of the track 5, 10, 20, 30, 45, 60 and 80 m ahead (1/m); "ego" (5,) float32: speed, lateral speed,
        yaw rate, steering angle, acceleration; "imu" (6,): specific force (m/s²) and turn rate (rad/s), x, y, z.

    Action:
        `control_mode` "pedals": two numbers in −1..1, the angle of the road wheels as a share of 0.5 rad, left
        positive, and the throttle or, negative, the brake. "discrete": 0..34, seven steering angles (−0.35 to 0.35 rad)
        times full and gentle brake, nothing, gentle and full throttle.

    Reward:
        "dense": `reward/progress`, 100 a lap, forwards along the track's middle, `reward/time`, −1 a second, and
        `reward/departure`, −10 for leaving the track. "sparse": `reward/lap`, 1 at the end of the last lap, and
        `reward/departure`, −1.

    Success:
        The laps are driven. `lap_time` tells how long the last one took.

    Termination:
        The laps are driven; or the middle of the car is more than 1.5 m beyond the edge of the track; or it drives
        backwards for 20 m. The time limit (75 s, 1,500 steps) truncates.

    Randomization:
        With None, the track and the start vary with the seed; appearance, light, weather, camera and car are nominal.
        "train" and "test" also vary textures, sun, cloud, fog, the camera's mount and the car's mass, stiffness and
        friction; tracks, variants and values of one split never occur in the other. `time_of_day` and
        `weather` as in LaneKeeping.

    Source:
        The task of O. Klimov's CarRacing (Gymnasium), with a car and a camera that obey physics and optics.
    """

    control_modes: ClassVar[tuple[str, ...]] = ("pedals", "discrete")
    control_frequency: ClassVar[float] = 20.0
    state_names = STATE_NAMES

    def __init__(self, num_worlds: int = 1, *, config: RacingConfig = RacingConfig(), **options: Any) -> None:
        super().__init__(num_worlds, config.car, config.camera, **options)
        self.config = config
        self.observation_space = self._make_observation_space()
        self.track, self._line = Track(num_worlds), Track(num_worlds)
        self._profile = np.zeros((num_worlds, 1))
        self._maps: list[DrivingMap | None] = [None] * num_worlds
        self._driven = np.zeros(num_worlds)
        self._lap_time = np.zeros(num_worlds)
        self._lap_start = np.zeros(num_worlds)
        self._lined = np.full(num_worlds, -1, np.int64)
        self._streets = StreetScene(num_worlds, "circuit", self.conditions)

    def _sensor_spaces(self) -> dict[str, spaces.Space[Any]]:
        return {"state": spaces.Box(-STATE_LIMITS, STATE_LIMITS, dtype=np.float32)}

    def _start_episode(self, world: int, seed: int) -> None:
        map_rng, rng = np.random.default_rng([seed, 0]), np.random.default_rng([seed, 1])
        config = self.config
        shown = draw_map(circuit_map, config.circuit, config.num_maps, map_rng, self.randomize)
        self._maps[world] = shown
        curve = shown.network.lanes[0].curve
        self.track.set_curve(world, curve, closed=True)
        self._draw_car(world, rng)
        self._draw_mount(world, rng)
        lateral = rng.uniform(-1.5, 1.5)
        state = self.vehicles[world]
        state[:] = 0.0
        state[vehicle.X], state[vehicle.Y] = curve.beside(0.0, lateral)
        state[vehicle.HEADING] = curve.heading[0] + rng.uniform(-0.05, 0.05)
        state[vehicle.SPEED] = rng.uniform(*config.start_speed)
        self.track.places[world] = 0.0
        self._driven[world] = self._lap_time[world] = self._lap_start[world] = 0.0

    def _locate(self) -> None:
        self.track.locate(self.vehicles)

    def _step(self, actions: NDArray[Any]) -> Measurements:
        steering, pedals = self._controls(actions)
        steps = round(1.0 / (self.control_frequency * vehicle.TIME_STEP))
        vehicle.advance_by_pedals(self.vehicles, self.parameters, steering, pedals, steps)
        before = self.track.places[:, places.DISTANCE].copy()
        self._locate()
        laps = self.track.ways.laps
        driven = self.track.places[:, places.DISTANCE] - before
        driven -= laps * np.round(driven / laps)
        return self._measure(driven, laps)

    def _measure(self, driven: FloatArray, laps: FloatArray) -> Measurements:
        config = self.config
        done_before = np.floor(self._driven / laps)
        self._driven += driven
        done = np.floor(self._driven / laps)
        seconds = self.elapsed_steps / self.control_frequency
        finished = done > done_before
        self._lap_time[finished] = (seconds - self._lap_start)[finished]
        self._lap_start[finished] = seconds[finished]
        success = self._driven >= config.laps * laps
        lateral = np.abs(self.track.places[:, places.LATERAL])
        left = lateral > 0.5 * config.circuit.width + config.runoff
        wrong_way = self._driven < -20.0
        ended = (left | wrong_way) & ~success
        if self.reward_mode == "sparse":
            terms = {
                "reward/lap": success.astype(np.float64),
                "reward/departure": -ended.astype(np.float64),
            }
        else:
            terms = {
                "reward/progress": config.progress_weight * driven / laps,
                "reward/time": np.full(self.num_worlds, -config.time_weight / self.control_frequency),
                "reward/departure": -config.departure_weight * ended.astype(np.float64),
            }
        info = self._info(self._everyone)
        return Measurements(reward_of(terms), success | ended, success, info | terms)

    def _info(self, worlds: IntArray) -> dict[str, NDArray[Any]]:
        cars = self.vehicles[worlds]
        return {
            "lateral_error": self.track.places[worlds, places.LATERAL],
            "speed": cars[:, vehicle.SPEED],
            "lateral_acceleration": cars[:, vehicle.SPEED] * cars[:, vehicle.YAW_RATE],
            "distance": self._driven[worlds],
            "lap_time": self._lap_time[worlds],
        }

    def reset_info(self, worlds: IntArray) -> dict[str, NDArray[Any]]:
        """Info of the first observation, rows of `worlds`."""
        return self._info(worlds) | {"is_success": np.zeros(len(worlds), bool)}

    def _expert(self, lateral: FloatArray, heading: FloatArray) -> NDArray[Any]:
        """Pure pursuit of the line of least curvature, at the speed that it allows."""
        for world in np.flatnonzero(self._lined != self.episode_seeds):
            self._draw_line(int(world))
        line = self._line
        line.find(self.vehicles)
        curvature = line.pursue(self.vehicles, self.parameters, lateral, heading)
        angles = np.empty(self.num_worlds)
        vehicle.steering_for_curvatures(curvature, self.vehicles, self.parameters, angles)
        ahead = line.places[:, places.DISTANCE] + 0.15 * self.vehicles[:, vehicle.SPEED]
        index = (ahead / line.ways.spacing).astype(np.int64) % (
            np.round(line.ways.laps / line.ways.spacing).astype(np.int64)
        )
        wanted = self._profile[self._everyone, index]
        pedals = np.empty(self.num_worlds)
        pull = SPEED_GAIN * (wanted - self.vehicles[:, vehicle.SPEED])
        vehicle.pedals_for(pull, self.vehicles, self.parameters, pedals)
        return self._actions_for(angles, pedals)

    def _draw_line(self, world: int) -> None:
        shown = self._maps[world]
        assert shown is not None
        half_width = 0.5 * self.config.circuit.width - LINE_MARGIN
        line, speeds = _fast_line(shown.network.lanes[0].curve, half_width, self.config.car)
        self._line.set_curve(world, line, closed=True)
        if self._profile.shape[1] < len(speeds):
            longer = np.zeros((self.num_worlds, len(speeds) + 64))
            longer[:, : self._profile.shape[1]] = self._profile
            self._profile = longer
        self._profile[world, : len(speeds)] = speeds
        self._lined[world] = self.episode_seeds[world]

    def _sense(
        self, part: str, worlds: IntArray, lateral: FloatArray, heading: FloatArray
    ) -> NDArray[np.float32]:
        cars, located = self.vehicles[worlds], self.track.places[worlds]
        turned = located[:, places.HEADING_ERROR]
        state = np.column_stack(
            [
                located[:, places.LATERAL] + lateral * np.cos(turned),
                turned + heading,
                cars[:, EGO_COLUMNS],
                self.track.curvature_ahead(PREVIEW)[worlds],
            ]
        )
        return np.clip(state, -STATE_LIMITS, STATE_LIMITS).astype(np.float32)

    def _car_poses(self, worlds: IntArray, lateral: FloatArray, heading: FloatArray) -> FloatArray:
        poses = np.empty((len(worlds), 4, 4))
        car_poses(self.vehicles[worlds], self.track.places[worlds], lateral, heading, poses)
        return poses

    def _scene_now(self) -> StreetScene:
        self._streets.dress(self._maps, self.episode_seeds, self.randomize)
        return self._streets

    def recover(self, worlds: Sequence[int] | IntArray) -> None:
        """Put these cars on the middle of the track, along it, at a speed that its bends allow."""
        for world in np.asarray(worlds, np.int64):
            curve = self._maps[world].network.lanes[0].curve  # type: ignore[union-attr]
            distance = float(self.track.places[world, places.DISTANCE])
            point, heading = curve.at(distance)
            state = self.vehicles[world]
            curvature = self.track.places[world, places.LANE_CURVATURE]
            speed = min(state[vehicle.SPEED], math.sqrt(5.0 / max(abs(curvature), 0.01)))
            state[:] = 0.0
            state[vehicle.X], state[vehicle.Y] = point
            state[vehicle.HEADING], state[vehicle.SPEED] = heading, speed
            state[vehicle.YAW_RATE] = speed * curvature
        self._locate()

    def _sketch(self, world: int) -> MapSketch:
        shown = self._maps[world]
        assert shown is not None
        return sketch_network(shown.network, shown.layout.obstacles)

    def _own_state(self) -> dict[str, NDArray[Any]]:
        return {
            "places": self.track.places,
            "driven": self._driven,
            "lap_time": self._lap_time,
            "lap_start": self._lap_start,
        }


@lru_cache(256)
def _fast_line(curve: Curve, half_width: float, car: VehicleParameters) -> tuple[Curve, FloatArray]:
    """The expert's line on a track, and its speeds."""
    line = racing_line(curve, half_width)
    return line, speed_profile(line, car)
