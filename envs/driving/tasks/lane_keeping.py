"""Lane keeping: steer a car along the right lane of a country road."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from camshaft.envs.arrays import FloatArray, IntArray
from camshaft.envs.driving.country_road.road import RoadConfig
from camshaft.envs.driving.country_road.simulation import FIRST_DISTANCE, MOTION_NAMES, CountryRoadSimulation
from camshaft.envs.driving.dynamics import frenet, vehicle
from camshaft.envs.driving.dynamics.vehicle import VehicleParameters
from camshaft.envs.driving.simulation import COMFORT, reward_of
from camshaft.envs.metrics import Metric
from camshaft.envs.rendering import Camera
from camshaft.envs.simulation import Measurements

PREVIEW = np.array([5.0, 10.0, 20.0, 40.0])  # meters ahead at which the state has the lane's curvature
MAX_CURVATURE = 0.1  # 1/m, of action 1 in control mode "curvature"

STATE_NAMES = (
    *MOTION_NAMES,
    *(f"curvature_{round(meters)}" for meters in PREVIEW),
)
STATE_LIMITS = np.array([4.0, math.pi, 40.0, 10.0, 4.0, 1.0, *[0.2] * len(PREVIEW)], np.float32)


@dataclass(frozen=True)
class LaneKeepingConfig:
    """Configuration of the task.

    Attributes:
        road: configuration of the roads.
        car: the nominal car.
        camera: the observation camera, mounted on the car.
        target_speed: speed of the cruise controller on straights in m/s, low and high.
        start_lateral, start_heading: largest lateral error (meters) and heading error (rad) at the start.
        progress_weight, steering_weight: weights of the reward terms.
    """

    road: RoadConfig = RoadConfig()
    car: VehicleParameters = VehicleParameters()
    camera: Camera = Camera(84, 84, 80.0, position=(0.6, 0.0, 1.4), pitch_degrees=10.0, near=0.3, far=350.0)
    target_speed: tuple[float, float] = (13.0, 18.0)
    start_lateral: float = 0.3
    start_heading: float = math.radians(2.0)
    progress_weight: float = 1.0
    steering_weight: float = 0.05


class LaneKeeping(CountryRoadSimulation):
    """Steer a car along the right lane of a winding country road for a minute.

    Description:
        Every world has its own road, generated from its seed: straight lines, clothoids and arcs of at least 60 m
        radius over gentle hills, with two lanes, line markings, shoulders, trees, houses and posts. Traffic keeps to
        the right; there are no other cars. A cruise controller drives at 13 to 18 m/s and slows down for bends.
        Control runs at 20 Hz, the car's dynamics at 100 Hz (`camshaft.envs.driving.dynamics.vehicle`).

    Observation:
        By `obs_mode`: "rgb" (H, W, 3) uint8; "depth" (H, W, 1) float32 meters along the optical axis, the camera's
        `far` for the sky; "segmentation" (H, W, 1) uint8 labels; "instances" (H, W, 1) uint16; "state" (10,)
        float32: lateral error (m, left positive), heading error (rad), speed (m/s), lateral speed (m/s), yaw rate
        (rad/s), steering angle (rad), curvature of the lane 5, 10, 20 and 40 m ahead (1/m). The camera is mounted
        inside the windshield and does not see the car.

    Action:
        One number in −1..1, left positive. `control_mode` "steering": the angle of the road wheels as a share of
        0.5 rad. "curvature": the path's inverse turning radius 1/r as a share of 0.1 1/m, which the car converts to a
        steering angle; this is what PilotNet regresses.

    Reward:
        "dense": `reward/progress`, the speed along the lane as a share of the target speed, times the closeness to
        the lane center (1 there, 0 at the lane's edge), plus `reward/smoothness`, −0.05 times the change of the
        action. "sparse": `reward/departure`, −1 when the lane is left, else 0.

    Success:
        The car has kept its lane since the start. The value at the end of the episode counts.

    Termination:
        The center of the car leaves the lane (1.8 m from the lane center), a failure; or the road ends, after
        1.5 km or the distance driven at full speed within the time limit, whichever is longer. The time limit (60 s,
        1,200 steps) truncates.

    Randomization:
        With None, roads, scenery, target speed and the start vary with the seed; appearance, light, weather, camera
        and car are nominal. "train" and "test" also vary textures, line colors and wear, shoulders, sun, cloud,
        fog, the camera's mount and the car's mass, stiffness and friction; roads, variants and values of one split
        never occur in the other. `time_of_day` ("day" by default, "dusk", "night") changes the sky and the sun; at
        dusk and at night the car drives with headlights. `weather` "clear", "overcast", "fog" or "rain" determines
        clouds, fog and rain on the camera; None (default) samples clouds and light fog. `foliage` "cut_out" instead
        of "solid" cuts out the leaves and branches of near plants.

    Source:
        The task of M. Bojarski et al., "End to End Learning for Self-Driving Cars", arXiv:1604.07316, 2016.
    """

    control_modes: ClassVar[tuple[str, ...]] = ("steering", "curvature")
    control_frequency: ClassVar[float] = 20.0
    metrics = (
        Metric("lateral_error", "lateral_error", "mean_abs", "m"),
        Metric("lateral_error_p95", "lateral_error", "p95_abs", "m"),
        Metric("distance", "distance", "last", "m"),
        Metric("steering_rate", "steering", "mean_abs_rate", "rad/s"),
        *COMFORT,
    )
    state_names = STATE_NAMES

    def __init__(
        self, num_worlds: int = 1, *, config: LaneKeepingConfig = LaneKeepingConfig(), **options: Any
    ) -> None:
        super().__init__(
            num_worlds,
            config.car,
            config.camera,
            road=config.road,
            top_speed=config.target_speed[1],
            **options,
        )
        self.config = config
        self.target_speed = np.zeros(num_worlds)
        self._last_action = np.zeros((num_worlds, 1), np.float32)

    def _sensor_spaces(self) -> dict[str, spaces.Space[Any]]:
        return {"state": spaces.Box(-STATE_LIMITS, STATE_LIMITS, dtype=np.float32)}

    def _start_episode(self, world: int, seed: int) -> None:
        road_rng, rng = np.random.default_rng([seed, 0]), np.random.default_rng([seed, 1])
        self._enter_road(world, road_rng)
        config = self.config
        lateral = rng.uniform(-config.start_lateral, config.start_lateral)
        turn = rng.uniform(-config.start_heading, config.start_heading)
        self.target_speed[world] = rng.uniform(*config.target_speed)
        self._sample_car(world, rng)
        self._sample_mounts(world, rng)
        self._set_car(world, lateral, turn, rng.uniform(0.8, 1.0) * self.target_speed[world])
        self._last_action[world] = 0.0

    def _step(self, actions: NDArray[np.float32]) -> Measurements:
        wanted = self._steering_angle(actions)
        tracker = self.tracker
        speed = tracker.cruise_speed(self.parameters, self.target_speed)
        before = tracker.frenet[:, frenet.DISTANCE].copy()
        steps = round(1.0 / (self.control_frequency * vehicle.TIME_STEP))
        vehicle.advance(self.vehicles, self.parameters, wanted, speed, steps)
        self._locate(self._everyone)
        measured = self._measure(tracker.frenet[:, frenet.DISTANCE] - before, actions)
        self._last_action[:] = actions
        return measured

    def _measure(self, driven: FloatArray, actions: NDArray[np.float32]) -> Measurements:
        lateral = self.tracker.frenet[:, frenet.LATERAL]
        half_width = 0.5 * self.config.road.lane_width
        success = np.abs(lateral) <= half_width
        info = self._info(self._everyone)
        closeness = np.maximum(1.0 - np.abs(lateral) / half_width, 0.0)
        share = driven * self.control_frequency / self.target_speed
        if self.reward_mode == "sparse":
            terms = {"reward/departure": -(~success).astype(np.float64)}
        else:
            change = np.abs(actions - self._last_action)[:, 0].astype(np.float64)
            terms = {
                "reward/progress": self.config.progress_weight * share * closeness,
                "reward/smoothness": -self.config.steering_weight * change,
            }
        return Measurements(reward_of(terms), self._at_end() | ~success, success, info | terms)

    def _info(self, worlds: IntArray) -> dict[str, NDArray[Any]]:
        coordinates, cars = self.tracker.frenet[worlds], self.vehicles[worlds]
        return {
            "lateral_error": coordinates[:, frenet.LATERAL],
            "heading_error": coordinates[:, frenet.HEADING_ERROR],
            "speed": cars[:, vehicle.SPEED],
            "steering": cars[:, vehicle.STEERING],
            "lateral_acceleration": cars[:, vehicle.SPEED] * cars[:, vehicle.YAW_RATE],
            "distance": coordinates[:, frenet.DISTANCE] - FIRST_DISTANCE,
        }

    def reset_info(self, worlds: IntArray) -> dict[str, NDArray[Any]]:
        """Info of the first observation, rows of `worlds`."""
        return self._info(worlds) | {"is_success": np.ones(len(worlds), bool)}

    def _steering_angle(self, actions: NDArray[np.float32]) -> FloatArray:
        shares = actions[:, 0].astype(np.float64)
        if self.control_mode == "steering":
            return shares * self.parameters[:, vehicle.MAX_STEERING]
        return self._angle_for(shares * MAX_CURVATURE)

    def _expert(self, lateral: FloatArray, heading: FloatArray) -> NDArray[np.float32]:
        """(N, 1) pure pursuit of the lane center, with understeer compensated."""
        curvature = self.tracker.pursue(self.vehicles, self.parameters, lateral, heading)
        if self.control_mode == "curvature":
            shares = curvature / MAX_CURVATURE
        else:
            shares = self._angle_for(curvature) / self.parameters[:, vehicle.MAX_STEERING]
        return np.clip(shares, -1.0, 1.0).astype(np.float32)[:, None]

    def _sense(
        self, part: str, worlds: IntArray, lateral: FloatArray, heading: FloatArray
    ) -> NDArray[np.float32]:
        ahead = self.tracker.curvature_ahead(PREVIEW)[worlds]
        rows = np.column_stack([self._motion(worlds, lateral, heading), ahead])
        return np.clip(rows, -STATE_LIMITS, STATE_LIMITS).astype(np.float32)

    def _own_state(self) -> dict[str, NDArray[Any]]:
        return {"last_action": self._last_action}
