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
from camshaft.envs.driving.dynamics import frenet, vehicle
from camshaft.envs.driving.dynamics.vehicle import VehicleParameters
from camshaft.envs.driving.maps.driving_map import DrivingMap, circuit_map, sample_map
from camshaft.envs.driving.maps.top_view import MapSketch, sketch_network
from camshaft.envs.driving.planning.path_tracking import PathTracker
from camshaft.envs.driving.planning.racing_line import racing_line, speed_profile
from camshaft.envs.driving.road_network.circuit import CircuitConfig
from camshaft.envs.driving.road_network.curves import Curve
from camshaft.envs.driving.sensors import EGO_COLUMNS, EGO_NAMES
from camshaft.envs.driving.simulation import COMFORT, DrivingSimulation, reward_of
from camshaft.envs.driving.streets.street_scene import StreetScene
from camshaft.envs.metrics import Metric
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
    """Configuration of the task.

    Attributes:
        circuit: configuration of the race tracks.
        num_maps: number of race tracks in each split.
        car: the nominal car.
        camera: the observation camera, mounted on the car.
        laps: number of laps to drive.
        runoff: meters beyond the edge of the track at which the car has left it.
        start_speed: m/s, low and high.
        progress_weight: reward for a whole lap.
        time_weight: penalty for each second.
        departure_weight: penalty for leaving the track.
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
        A light car with 220 kW drives on a closed track without other cars. The track is 10 m wide and 700 to 1,200 m
        long, with bends of at least 14 m radius, red and white curbs on their inside and gravel around. The car starts
        on the straightest part at 8 to 15 m/s. The agent controls steering and pedals. Control runs at 20 Hz, the
        car's dynamics at 100 Hz (`camshaft.envs.driving.dynamics.vehicle`): tires saturate, so that a car that brakes
        too late leaves the track.

    Observation:
        By `obs_mode`: "rgb" (H, W, 3) uint8; "depth" (H, W, 1) float32 meters along the optical axis; "segmentation"
        (H, W, 1) uint8 labels; "instances" (H, W, 1) uint16; "state" (14,) float32: lateral error from the center
        line (m, left positive), heading error (rad), speed, lateral speed (m/s), yaw rate (rad/s), steering angle
        (rad), acceleration (m/s²), curvature of the track 5, 10, 20, 30, 45, 60 and 80 m ahead (1/m); "ego" (5,)
        float32: speed, lateral speed, yaw rate, steering angle, acceleration; "imu" (6,) float32: specific force
        (m/s²) and turn rate (rad/s), x, y, z.

    Action:
        `control_mode` "pedals": two numbers in −1..1, the angle of the road wheels as a share of 0.5 rad, left
        positive, and throttle or, if negative, brake. "discrete": 0..34, seven steering angles (−0.35 to 0.35 rad)
        times five pedal positions: full brake, gentle brake, none, gentle throttle, full throttle.

    Reward:
        "dense": `reward/progress`, 100 per lap for driving forward along the track's center line; `reward/time`, −1 per
        second; `reward/departure`, −10 for leaving the track. "sparse": `reward/lap`, 1 at the end of the last lap;
        `reward/departure`, −1.

    Success:
        All laps (1 by default) are completed. `lap_time` is the duration of the last one in seconds.

    Termination:
        All laps are completed; the center of the car is more than 1.5 m beyond the edge of the track; or the car has
        driven 20 m in the wrong direction. The time limit (75 s, 1,500 steps) truncates.

    Randomization:
        With None, the track and the start vary with the seed; appearance, light, weather, camera and car are nominal.
        "train" and "test" also vary textures, sun, cloud, fog, the camera's mount and the car's mass, stiffness and
        friction; tracks, variants and values of one split never occur in the other. `time_of_day` and `weather` as in
        LaneKeeping.

    Source:
        The task of O. Klimov's CarRacing (Gymnasium), with vehicle dynamics and a perspective camera.
    """

    control_modes: ClassVar[tuple[str, ...]] = ("pedals", "discrete")
    control_frequency: ClassVar[float] = 20.0
    metrics = (
        Metric("lap_time", "lap_time", "last", "s", absent=0.0),
        Metric("speed", "speed", "mean", "m/s"),
        Metric("distance", "distance", "last", "m"),
        *COMFORT,
    )
    state_names = STATE_NAMES

    def __init__(self, num_worlds: int = 1, *, config: RacingConfig = RacingConfig(), **options: Any) -> None:
        super().__init__(num_worlds, config.car, config.camera, **options)
        self.config = config
        self.observation_space = self._make_observation_space()
        self._line = PathTracker(num_worlds)  # the racing line of the expert
        self._profile = np.zeros((num_worlds, 1))  # (N, P) m/s at the points of that line
        self._maps: list[DrivingMap | None] = [None] * num_worlds
        self._driven = np.zeros(num_worlds)
        self._lap_time = np.zeros(num_worlds)
        self._lap_start = np.zeros(num_worlds)
        self._line_seeds = np.full(num_worlds, -1, np.int64)  # of the episodes that the racing lines are of
        self._streets = StreetScene(num_worlds, "circuit", self.conditions)

    def _sensor_spaces(self) -> dict[str, spaces.Space[Any]]:
        return {"state": spaces.Box(-STATE_LIMITS, STATE_LIMITS, dtype=np.float32)}

    def _start_episode(self, world: int, seed: int) -> None:
        map_rng, rng = np.random.default_rng([seed, 0]), np.random.default_rng([seed, 1])
        config = self.config
        circuit = sample_map(circuit_map, config.circuit, config.num_maps, map_rng, self.randomize)
        self._maps[world] = circuit
        curve = circuit.network.lanes[0].curve
        self.tracker.set_curve(world, curve, closed=True)
        self._sample_car(world, rng)
        self._sample_mounts(world, rng)
        lateral = rng.uniform(-1.5, 1.5)
        state = self.vehicles[world]
        state[:] = 0.0
        state[vehicle.X], state[vehicle.Y] = curve.beside(0.0, lateral)
        state[vehicle.HEADING] = curve.heading[0] + rng.uniform(-0.05, 0.05)
        state[vehicle.SPEED] = rng.uniform(*config.start_speed)
        self.tracker.frenet[world] = 0.0
        self._driven[world] = self._lap_time[world] = self._lap_start[world] = 0.0

    def _step(self, actions: NDArray[Any]) -> Measurements:
        steering, pedals = self._controls(actions)
        steps = round(1.0 / (self.control_frequency * vehicle.TIME_STEP))
        vehicle.advance_by_pedals(self.vehicles, self.parameters, steering, pedals, steps)
        before = self.tracker.frenet[:, frenet.DISTANCE].copy()
        self._locate(self._everyone)
        laps = self.tracker.paths.laps
        driven = self.tracker.frenet[:, frenet.DISTANCE] - before
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
        lateral = np.abs(self.tracker.frenet[:, frenet.LATERAL])
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
            "lateral_error": self.tracker.frenet[worlds, frenet.LATERAL],
            "speed": cars[:, vehicle.SPEED],
            "lateral_acceleration": cars[:, vehicle.SPEED] * cars[:, vehicle.YAW_RATE],
            "distance": self._driven[worlds],
            "lap_time": self._lap_time[worlds],
        }

    def reset_info(self, worlds: IntArray) -> dict[str, NDArray[Any]]:
        """Info of the first observation, rows of `worlds`."""
        return self._info(worlds) | {"is_success": np.zeros(len(worlds), bool)}

    def _expert(self, lateral: FloatArray, heading: FloatArray) -> NDArray[Any]:
        """Pure pursuit of the line of least curvature at the speed that it allows."""
        for world in np.flatnonzero(self._line_seeds != self.episode_seeds):
            self._set_line(int(world))
        line = self._line
        line.locate_anywhere(self.vehicles)
        curvature = line.pursue(self.vehicles, self.parameters, lateral, heading)
        angles = np.empty(self.num_worlds)
        vehicle.steering_for_curvatures(curvature, self.vehicles, self.parameters, angles)
        paths = line.paths
        ahead = line.frenet[:, frenet.DISTANCE] + 0.15 * self.vehicles[:, vehicle.SPEED]
        points_per_lap = np.round(paths.laps / paths.spacing).astype(np.int64)
        index = (ahead / paths.spacing).astype(np.int64) % points_per_lap
        wanted = self._profile[self._everyone, index]
        pedals = np.empty(self.num_worlds)
        pull = SPEED_GAIN * (wanted - self.vehicles[:, vehicle.SPEED])
        vehicle.pedals_for(pull, self.vehicles, self.parameters, pedals)
        return self._actions_for(angles, pedals)

    def _set_line(self, world: int) -> None:
        """Set the racing line of a world."""
        half_width = 0.5 * self.config.circuit.width - LINE_MARGIN
        line, speeds = _fast_line(self._map_of(world).network.lanes[0].curve, half_width, self.config.car)
        self._line.set_curve(world, line, closed=True)
        if self._profile.shape[1] < len(speeds):
            longer = np.zeros((self.num_worlds, len(speeds) + 64))
            longer[:, : self._profile.shape[1]] = self._profile
            self._profile = longer
        self._profile[world, : len(speeds)] = speeds
        self._line_seeds[world] = self.episode_seeds[world]

    def _sense(
        self, part: str, worlds: IntArray, lateral: FloatArray, heading: FloatArray
    ) -> NDArray[np.float32]:
        cars, coordinates = self.vehicles[worlds], self.tracker.frenet[worlds]
        heading_error = coordinates[:, frenet.HEADING_ERROR]
        state = np.column_stack(
            [
                coordinates[:, frenet.LATERAL] + lateral * np.cos(heading_error),
                heading_error + heading,
                cars[:, EGO_COLUMNS],
                self.tracker.curvature_ahead(PREVIEW)[worlds],
            ]
        )
        return np.clip(state, -STATE_LIMITS, STATE_LIMITS).astype(np.float32)

    def _scene_now(self) -> StreetScene:
        self._streets.apply_appearance(self._maps, self.episode_seeds, self.randomize)
        return self._streets

    def recover(self, worlds: Sequence[int] | IntArray) -> None:
        """Put these cars on the center line of the track, heading along it, at a speed that its bends allow."""
        chosen = np.asarray(worlds, np.int64)
        for world in chosen:
            curve = self._map_of(world).network.lanes[0].curve
            distance = float(self.tracker.frenet[world, frenet.DISTANCE])
            point, heading = curve.at(distance)
            state = self.vehicles[world]
            curvature = self.tracker.frenet[world, frenet.LANE_CURVATURE]
            speed = min(state[vehicle.SPEED], math.sqrt(5.0 / max(abs(curvature), 0.01)))
            state[:] = 0.0
            state[vehicle.X], state[vehicle.Y] = point
            state[vehicle.HEADING], state[vehicle.SPEED] = heading, speed
            state[vehicle.YAW_RATE] = speed * curvature
        self._locate(chosen)

    def _sketch(self, world: int) -> MapSketch:
        circuit = self._map_of(world)
        return sketch_network(circuit.network, circuit.layout.obstacles)

    def _map_of(self, world: int) -> DrivingMap:
        """The race track of a world that has been reset."""
        circuit = self._maps[world]
        assert circuit is not None
        return circuit

    def _own_state(self) -> dict[str, NDArray[Any]]:
        return {
            "driven": self._driven,
            "lap_time": self._lap_time,
            "lap_start": self._lap_start,
        }


@lru_cache(256)
def _fast_line(curve: Curve, half_width: float, car: VehicleParameters) -> tuple[Curve, FloatArray]:
    """The racing line of a track and the speeds at its points."""
    line = racing_line(curve, half_width)
    return line, speed_profile(line, car)
