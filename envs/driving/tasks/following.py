"""Following: keep a distance behind a car, from camera alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from camshaft.envs.arrays import FloatArray, IntArray
from camshaft.envs.driving.country_road.road import RoadConfig
from camshaft.envs.driving.country_road.scene import RoadScene
from camshaft.envs.driving.country_road.simulation import FIRST_DISTANCE, MOTION_NAMES, CountryRoadSimulation
from camshaft.envs.driving.dynamics import frenet, vehicle
from camshaft.envs.driving.dynamics.poses import lane_poses
from camshaft.envs.driving.dynamics.vehicle import VehicleParameters
from camshaft.envs.driving.maps.top_view import VEHICLE, MapOverlay
from camshaft.envs.driving.simulation import COMFORT, reward_of
from camshaft.envs.driving.traffic.kinds import SEDAN
from camshaft.envs.metrics import Metric
from camshaft.envs.rendering import Camera
from camshaft.envs.simulation import Measurements

PREVIEW = np.array([5.0, 10.0, 20.0, 40.0])  # meters ahead
CAR_LENGTH = 4.4  # meters
LEAD_ACCELERATION, LEAD_BRAKING = 1.8, 3.0  # m/s² of the car ahead, at most
PHASES = (2.0, 8.0)  # seconds for which the car ahead keeps one target speed
STANDING_GAP = 6.0  # meters
GAP_GAIN, SPEED_GAIN = 0.35, 1.1  # 1/s² and 1/s, of the expert

STATE_NAMES = (
    *MOTION_NAMES,
    "gap",
    "closing_speed",
    *(f"curvature_{round(meters)}" for meters in PREVIEW),
)
STATE_LIMITS = np.array([4.0, math.pi, 40.0, 10.0, 4.0, 1.0, 120.0, 40.0, *[0.2] * len(PREVIEW)], np.float32)


@dataclass(frozen=True)
class FollowingConfig:
    """Configuration of the task.

    Attributes:
        road: configuration of the roads.
        car: the nominal car.
        camera: the observation camera, mounted on the car.
        lead_speed: target speeds of the car ahead in m/s, low and high.
        stop_probability: probability that the next target speed of the car ahead is 0.
        headway: time gap to keep behind the car ahead in seconds, in addition to 6 m.
        start_gap: meters, low and high.
        lost_gap: meters at which the car ahead is lost.
        gap_weight, lane_weight, end_weight: weights of the reward terms.
    """

    road: RoadConfig = RoadConfig()
    car: VehicleParameters = VehicleParameters(max_braking=8.0, max_jerk=25.0)
    camera: Camera = Camera(84, 84, 70.0, position=(0.6, 0.0, 1.4), pitch_degrees=7.0, near=0.3, far=350.0)
    lead_speed: tuple[float, float] = (5.0, 17.0)
    stop_probability: float = 0.12
    headway: float = 1.2
    start_gap: tuple[float, float] = (12.0, 30.0)
    lost_gap: float = 70.0
    gap_weight: float = 1.0
    lane_weight: float = 0.2
    end_weight: float = 10.0


class Following(CountryRoadSimulation):
    """Keep a distance behind a car, from camera alone.

    Description:
        Another car drives ahead on a winding country road as in LaneKeeping. It changes its speed, stops now and then,
        and slows down for bends. The gap to keep is 6 m plus 1.2 s of driving. Control runs at 20 Hz, the car's
        dynamics at 100 Hz.

    Observation:
        By `obs_mode`: images as in LaneKeeping; "ego" (5,) float32: speed, lateral speed (m/s), yaw rate (rad/s),
        steering angle (rad), acceleration (m/s²); "state" (12,) float32, named by `state_names`: position in the lane,
        motion, the gap to the car ahead (m) and the speed at which it closes (m/s), curvature ahead.

    Action:
        `control_mode` "pedal": one number in −1..1, throttle or, if negative, brake; the car steers by itself.
        "pedals": two numbers in −1..1, the angle of the road wheels as a share of 0.5 rad, left positive, and the
        pedal. "discrete": 0..34, seven steering angles (−0.35 to 0.35 rad) times five pedal positions: full brake,
        gentle brake, none, gentle throttle, full throttle.

    Reward:
        "dense": `reward/gap`, 1 at the desired gap, falling linearly to 0 at no gap and at twice the gap;
        `reward/lane`, up to 0.2 in the middle of the lane; `reward/end`, −10 for hitting the car ahead, losing it or
        leaving the lane. "sparse": `reward/end`, −1.

    Success:
        The car ahead is neither hit nor lost, and the lane is kept. The value at the end of the episode counts.

    Termination:
        The car hits the car ahead; the gap exceeds 70 m; the center of the car leaves the lane (1.8 m from the lane
        center). The time limit (60 s, 1,200 steps) truncates.

    Randomization:
        As in LaneKeeping; the car ahead varies in color and driving.

    Source:
        Adaptive cruise control with the constant time gap of ISO 15622.
    """

    control_modes: ClassVar[tuple[str, ...]] = ("pedal", "pedals", "discrete")
    control_frequency: ClassVar[float] = 20.0
    metrics = (
        Metric("gap_error", "gap_error", "mean_abs", "m"),
        Metric("lateral_error", "lateral_error", "mean_abs", "m"),
        Metric("distance", "distance", "last", "m"),
        *COMFORT,
    )
    state_names = STATE_NAMES

    def __init__(
        self, num_worlds: int = 1, *, config: FollowingConfig = FollowingConfig(), **options: Any
    ) -> None:
        super().__init__(
            num_worlds,
            config.car,
            config.camera,
            road=config.road,
            top_speed=config.lead_speed[1] + 3.0,
            lead=True,
            **options,
        )
        self.config = config
        self._lead_distance = np.zeros(num_worlds)
        self._lead_state = np.zeros((num_worlds, 3))  # speed, target speed, seconds until the next one
        self._phase_counts = np.zeros(num_worlds, np.int64)

    def _sensor_spaces(self) -> dict[str, spaces.Space[Any]]:
        return {"state": spaces.Box(-STATE_LIMITS, STATE_LIMITS, dtype=np.float32)}

    def _start_episode(self, world: int, seed: int) -> None:
        road_rng, rng = np.random.default_rng([seed, 0]), np.random.default_rng([seed, 1])
        self._enter_road(world, road_rng)
        self._sample_car(world, rng)
        self._sample_mounts(world, rng)
        speed = rng.uniform(6.0, 12.0)
        self._set_car(world, rng.uniform(-0.2, 0.2), rng.uniform(-0.02, 0.02), speed)
        self._lead_distance[world] = FIRST_DISTANCE + CAR_LENGTH + rng.uniform(*self.config.start_gap)
        self._lead_state[world] = (speed, speed, 1.0)
        self._phase_counts[world] = 0

    def _step(self, actions: NDArray[Any]) -> Measurements:
        if self.control_mode == "pedal":
            steering = self._angle_for(self._pursue(self._zeros, self._zeros))
            pedals = actions[:, 0].astype(np.float64)
        else:
            steering, pedals = self._controls(actions)
        self._move_lead()
        steps = round(1.0 / (self.control_frequency * vehicle.TIME_STEP))
        vehicle.advance_by_pedals(self.vehicles, self.parameters, steering, pedals, steps)
        self._locate(self._everyone)
        return self._measure()

    def _move_lead(self) -> None:
        """Move the cars ahead by one step: each keeps a target speed for a while and slows down for bends."""
        seconds = 1.0 / self.control_frequency
        state = self._lead_state
        state[:, 2] -= seconds
        for world in np.flatnonzero(state[:, 2] <= 0.0):
            rng = np.random.default_rng([self.episode_seeds[world], 3, self._phase_counts[world]])
            self._phase_counts[world] += 1
            stops = rng.random() < self.config.stop_probability
            state[world, 1] = 0.0 if stops else rng.uniform(*self.config.lead_speed)
            state[world, 2] = rng.uniform(*PHASES)
        target = self.tracker.cruise_speed(self.parameters, state[:, 1], self._lead_distance)
        pull = np.clip(target - state[:, 0], -LEAD_BRAKING, LEAD_ACCELERATION)
        before = state[:, 0].copy()
        state[:, 0] = np.maximum(before + seconds * pull, 0.0)
        self._lead_distance += 0.5 * (before + state[:, 0]) * seconds

    def _gap(self) -> FloatArray:
        """(N,) meters from bumper to bumper."""
        return np.asarray(self._lead_distance - self.tracker.frenet[:, frenet.DISTANCE] - CAR_LENGTH)

    def _desired_gap(self) -> FloatArray:
        return STANDING_GAP + self.config.headway * self.vehicles[:, vehicle.SPEED]

    def _measure(self) -> Measurements:
        config = self.config
        gap, lateral = self._gap(), np.abs(self.tracker.frenet[:, frenet.LATERAL])
        half_width = 0.5 * config.road.lane_width
        success = (gap > 0.0) & (gap < config.lost_gap) & (lateral <= half_width)
        if self.reward_mode == "sparse":
            terms = {"reward/end": -(~success).astype(np.float64)}
        else:
            desired = self._desired_gap()
            terms = {
                "reward/gap": config.gap_weight * np.clip(1.0 - np.abs(gap - desired) / desired, 0.0, 1.0),
                "reward/lane": config.lane_weight * np.clip(1.0 - lateral / half_width, 0.0, 1.0),
                "reward/end": -config.end_weight * (~success).astype(np.float64),
            }
        info = self._info(self._everyone)
        return Measurements(reward_of(terms), ~success | self._at_end(), success, info | terms)

    def _info(self, worlds: IntArray) -> dict[str, NDArray[Any]]:
        cars = self.vehicles[worlds]
        return {
            "lateral_error": self.tracker.frenet[worlds, frenet.LATERAL],
            "speed": cars[:, vehicle.SPEED],
            "lateral_acceleration": cars[:, vehicle.SPEED] * cars[:, vehicle.YAW_RATE],
            "gap": self._gap()[worlds],
            "gap_error": (self._gap() - self._desired_gap())[worlds],
            "distance": self.tracker.frenet[worlds, frenet.DISTANCE] - FIRST_DISTANCE,
        }

    def reset_info(self, worlds: IntArray) -> dict[str, NDArray[Any]]:
        """Info of the first observation, rows of `worlds`."""
        return self._info(worlds) | {"is_success": np.ones(len(worlds), bool)}

    def _pursue(self, lateral: FloatArray, heading: FloatArray) -> FloatArray:
        return self.tracker.pursue(self.vehicles, self.parameters, lateral, heading)

    def _expert(self, lateral: FloatArray, heading: FloatArray) -> NDArray[Any]:
        """Pure pursuit of the lane center; the pedals control gap error and relative speed."""
        closing = self.vehicles[:, vehicle.SPEED] - self._lead_state[:, 0]
        wanted = GAP_GAIN * (self._gap() - self._desired_gap()) - SPEED_GAIN * closing
        pedals = np.empty(self.num_worlds)
        vehicle.pedals_for(np.clip(wanted, -8.0, 2.5), self.vehicles, self.parameters, pedals)
        if self.control_mode == "pedal":
            return np.clip(pedals, -1.0, 1.0).astype(np.float32)[:, None]
        return self._actions_for(self._angle_for(self._pursue(lateral, heading)), pedals)

    def _sense(
        self, part: str, worlds: IntArray, lateral: FloatArray, heading: FloatArray
    ) -> NDArray[np.float32]:
        motion = self._motion(worlds, lateral, heading)
        closing = self.vehicles[worlds, vehicle.SPEED] - self._lead_state[worlds, 0]
        ahead = self.tracker.curvature_ahead(PREVIEW)[worlds]
        rows = np.column_stack([motion, self._gap()[worlds], closing, ahead])
        return np.clip(rows, -STATE_LIMITS, STATE_LIMITS).astype(np.float32)

    def _scene_now(self) -> RoadScene:
        scene = super()._scene_now()
        scene.move_lead(self._everyone, lane_poses(self.tracker.paths, self._lead_distance))
        return scene

    def _overlay(self, world: int) -> MapOverlay:
        pose = lane_poses(self.tracker.paths, self._lead_distance)[world]
        heading = float(np.arctan2(pose[1, 0], pose[0, 0]))
        lead = (float(pose[0, 3]), float(pose[1, 3]), heading, CAR_LENGTH, SEDAN.width, VEHICLE)
        return MapOverlay(boxes=[lead])

    def _own_state(self) -> dict[str, NDArray[Any]]:
        return {
            "lead_distance": self._lead_distance,
            "lead": self._lead_state,
            "phases": self._phase_counts,
        }
