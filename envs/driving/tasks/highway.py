"""Highway: drive fast through traffic on a motorway."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from camshaft.envs.arrays import FloatArray, IntArray
from camshaft.envs.driving.dynamics import frenet, vehicle
from camshaft.envs.driving.dynamics.vehicle import VehicleParameters
from camshaft.envs.driving.maps.driving_map import highway_map, sample_map
from camshaft.envs.driving.road_network.highway import MOTORWAY_LANE, HighwayConfig
from camshaft.envs.driving.sensors import EGO_NAMES
from camshaft.envs.driving.simulation import COMFORT, reward_of
from camshaft.envs.driving.tasks.highway_state import SETTLED, assign_motorway_lanes, write_motorway_state
from camshaft.envs.driving.traffic.kinds import HIGHWAY_KINDS
from camshaft.envs.driving.traffic.lane_changes import (
    LATERAL_SPEED,
    ego_acceleration_on,
    ego_change,
)
from camshaft.envs.driving.traffic_simulation import TrafficSimulation
from camshaft.envs.errors import InvalidOption
from camshaft.envs.metrics import Metric
from camshaft.envs.rendering import Camera
from camshaft.envs.simulation import Measurements

LANE_LEFT, IDLE, LANE_RIGHT, FASTER, SLOWER = range(5)
PREVIEW = np.array([20.0, 50.0, 100.0])  # meters ahead
FAR = 120.0  # meters, gap in the state where there is no vehicle
START, END = 120.0, 180.0  # meters from the ends of the highway between which episodes take place
LOOKAHEAD = 1.2  # s, of the pursuit: at 30 m/s, 0.8 s let some cars swing
TARGET_SPEEDS = (12.0, 38.0)  # m/s, lowest and highest
SPEED_STEP = 1.0  # m/s, of a meta-action
DECISION_STEPS = 5  # control steps between two lane change decisions of the expert
UNSAFE = -3.0  # m/s² required on the target lane, below which the expert aborts a lane change
OFF_ROAD = 0.8  # meters beyond the lanes

STATE_NAMES = (
    "lane_offset",
    "heading_error",
    *EGO_NAMES,
    *(f"curvature_{round(meters)}" for meters in PREVIEW),
    "lane",
    "lanes",
    *(
        f"{side}_{quantity}"
        for side in ("left", "own", "right")
        for quantity in ("gap_ahead", "closing_ahead", "gap_behind", "closing_behind")
    ),
)
STATE_LIMITS = np.array(
    [6.0, math.pi, 60.0, 10.0, 4.0, 1.0, 12.0, *[0.02] * len(PREVIEW), 8.0, 8.0, *[FAR, 60.0, FAR, 60.0] * 3]
)


@dataclass(frozen=True)
class HighwayTaskConfig:
    """Configuration of the task.

    Attributes:
        highway: configuration of the highways.
        num_maps: number of highways in each split.
        car: the nominal car.
        camera: the observation camera, mounted on the car.
        distance: meters to drive.
        start_speed: m/s, low and high.
        speeds: m/s at which the speed reward is 0 and at which it is largest.
        speed_weight, right_weight, collision_weight: weights of the reward terms.
    """

    highway: HighwayConfig = HighwayConfig()
    num_maps: int = 64
    car: VehicleParameters = VehicleParameters(max_acceleration=3.5, power=130_000.0, max_braking=8.0)
    camera: Camera = Camera(84, 84, 80.0, position=(0.6, 0.0, 1.4), pitch_degrees=5.0, near=0.3, far=300.0)
    distance: float = 1200.0
    start_speed: tuple[float, float] = (22.0, 28.0)
    speeds: tuple[float, float] = (20.0, 33.0)
    speed_weight: float = 0.4
    right_weight: float = 0.1
    collision_weight: float = 5.0


class Highway(TrafficSimulation):
    """Drive fast through traffic on a motorway.

    Description:
        A motorway of three lanes in each direction, with bends of at least 450 m radius, on- and off-ramps, and lanes
        that begin and end. Other vehicles follow their lanes and each other (IDM) and change lanes (MOBIL). There are
        24 around the car at the default `density` of 1. The agent chooses the speed; the limit is 33 m/s. Control runs
        at 10 Hz, the car's dynamics at 100 Hz.

    Observation:
        By `obs_mode`: images as in LaneKeeping; "ego", "imu", "lidar" and "birdseye" as in Town; "state" (24,) float32,
        named by `state_names`: position in the lane, motion, curvature ahead, index of the lane and number of lanes,
        and for the left, own and right lane the gaps ahead and behind (m, 120 without a vehicle, −1 without a lane)
        and the speeds at which they close (m/s).

    Action:
        `control_mode` "pedals": two numbers in −1..1, the angle of the road wheels as a share of 0.5 rad, left
        positive, and throttle or, if negative, brake. "discrete": 0 change to the left lane, 1 idle, 2 change to the
        right lane, 3 faster, 4 slower (1 m/s per step); the car steers and keeps its speed by itself.

    Reward:
        "dense": `reward/speed`, 0.4 at 33 m/s, falling linearly to 0 at 20 m/s; `reward/right_lane`, up to 0.1 in the
        rightmost lane; `reward/collision`, −5 for a collision or leaving the road. "sparse": `reward/arrival`, 1 at
        the end; `reward/collision`, −1.

    Success:
        1,200 m are driven without a collision and without leaving the road.

    Termination:
        1,200 m are driven; the car collides, or leaves the lanes by more than 0.8 m. The time limit (90 s, 900 steps)
        truncates.

    Randomization:
        With None, highway, traffic and start vary with the seed; appearance, light, weather, camera and car are
        nominal. "train" and "test" vary as in Town. `time_of_day` and `weather` as in LaneKeeping.

    Source:
        The task of E. Leurent, "An Environment for Autonomous Driving Decision-Making" (highway-env), 2018.
    """

    control_modes: ClassVar[tuple[str, ...]] = ("pedals", "discrete")
    control_frequency: ClassVar[float] = 10.0
    metrics = (
        Metric("speed", "speed", "mean", "m/s"),
        Metric("crashed", "crashed", "last"),
        Metric("distance", "distance", "last", "m"),
        *COMFORT,
    )
    settled_options: ClassVar[tuple[str, ...]] = ("num_vehicles", "num_people")
    state_parts: ClassVar[tuple[str, ...]] = ("state", "ego", "imu", "lidar", "birdseye")
    state_names = STATE_NAMES
    state_limits: FloatArray = STATE_LIMITS
    style: ClassVar[str] = "motorway"

    def __init__(
        self,
        num_worlds: int = 1,
        *,
        config: HighwayTaskConfig = HighwayTaskConfig(),
        density: float = 1.0,
        **options: Any,
    ) -> None:
        if not isinstance(density, int | float) or not 0.0 <= density <= 4.0:
            raise InvalidOption(f"density must be a number within 0..4, got {density!r}")
        super().__init__(
            num_worlds,
            config.car,
            config.camera,
            num_vehicles=round(24 * density),
            kinds=HIGHWAY_KINDS,
            reach=(70.0, 240.0),
            lookahead=LOOKAHEAD,
            **options,
        )
        self.config = config
        self._start = np.zeros(num_worlds)
        self._target_lane = np.zeros(num_worlds, np.int64)
        self._target_speed = np.zeros(num_worlds)
        self._lane = np.zeros(num_worlds, np.int64)  # counted from the median outwards

    def _make_action_space(self) -> spaces.Box | spaces.Discrete:
        return spaces.Discrete(5) if self.control_mode == "discrete" else super()._make_action_space()

    def _start_episode(self, world: int, seed: int) -> None:
        map_rng, rng = np.random.default_rng([seed, 0]), np.random.default_rng([seed, 1])
        config = self.config
        highway = sample_map(highway_map, config.highway, config.num_maps, map_rng, self.randomize)
        self._set_map(world, highway)
        guide = highway.network.guide
        assert guide is not None
        self.tracker.set_curve(world, guide)
        self._sample_car(world, rng)
        self._sample_mounts(world, rng)
        lane = int(rng.integers(config.highway.lanes))
        lateral = -(lane + 0.5) * MOTORWAY_LANE
        start = rng.uniform(START, max(guide.length - END - config.distance, START + 1.0))
        point, heading = guide.beside(start, lateral), guide.at(start)[1]
        state = self.vehicles[world]
        state[:] = 0.0
        state[vehicle.X], state[vehicle.Y] = point
        state[vehicle.HEADING] = heading
        state[vehicle.SPEED] = rng.uniform(*config.start_speed)
        self.tracker.frenet[world] = 0.0
        self.tracker.frenet[world, frenet.DISTANCE] = start
        self.tracker.paths.offset[world] = lateral
        self._start[world] = start
        self._target_lane[world], self._target_speed[world] = lane, state[vehicle.SPEED]
        self._start_traffic(world, rng, least=30.0, most=230.0)

    def _assign_lanes(self, worlds: IntArray) -> None:
        announced = self.control_mode == "discrete"  # else the traffic notices lane changes when they begin
        assign_motorway_lanes(
            self.traffic.lanes,
            self.traffic.vehicles,
            self.tracker.paths,
            self.tracker.frenet,
            self._target_lane if announced else self._lane,
            self.config.highway.lanes,
            worlds,
            self._lane,
        )

    def _intended(self) -> NDArray[np.int64]:
        """(N,) neighboring lane on the side of the target lane, or −1."""
        lane = self.traffic.vehicles.lane[:, 0]
        change = self._target_lane - self._lane
        lanes = self.traffic.lanes
        left, right = lanes.left[self._everyone, lane], lanes.right[self._everyone, lane]
        return np.where(change < 0, left, np.where(change > 0, right, -1)).astype(np.int64)

    def _step(self, actions: NDArray[Any]) -> Measurements:
        if self.control_mode == "discrete":
            steering, pedals = self._follow_meta_actions(actions)
        else:
            steering, pedals = self._controls(actions)
            self._shift_paths(LATERAL_SPEED / self.control_frequency, self._everyone)
        self._advance(steering, pedals)
        deciding = self.elapsed_steps % DECISION_STEPS == 0
        if self.control_mode != "discrete" and deciding.any():
            chosen = self._choose_lane(self._target_lane_acceleration())
            self._target_lane = np.where(deciding, chosen, self._target_lane)
        return self._measure()

    def _follow_meta_actions(self, actions: NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
        """Steering angles (rad) and pedal positions that carry out meta-actions."""
        middle = -(self._target_lane + 0.5) * MOTORWAY_LANE
        lateral = self.tracker.frenet[:, frenet.LATERAL] + self.tracker.paths.offset
        settled = np.abs(lateral - middle) < SETTLED
        change = np.where(actions == LANE_LEFT, -1, np.where(actions == LANE_RIGHT, 1, 0)) * settled
        lane = self._target_lane + change
        self._target_lane = np.clip(lane, 0, self.config.highway.lanes - 1)
        faster = np.where(actions == FASTER, SPEED_STEP, np.where(actions == SLOWER, -SPEED_STEP, 0.0))
        self._target_speed = np.clip(self._target_speed + faster, *TARGET_SPEEDS)
        self._shift_paths(LATERAL_SPEED / self.control_frequency, self._everyone)
        pull = 1.2 * (self._target_speed - self.vehicles[:, vehicle.SPEED])
        return self._pursue(self._zeros, self._zeros), self._pedals(pull)

    def _shift_paths(self, limit: float, worlds: IntArray) -> None:
        """Shift the lines to follow in these worlds toward the target lanes, by at most `limit` meters."""
        target = -(self._target_lane[worlds] + 0.5) * MOTORWAY_LANE
        shift = np.clip(target - self.tracker.paths.offset[worlds], -limit, limit)
        self.tracker.frenet[worlds, frenet.LATERAL] -= shift
        self.tracker.paths.offset[worlds] += shift

    def _expert(self, lateral: FloatArray, heading: FloatArray) -> NDArray[Any]:
        """IDM for the speed and MOBIL for lane changes, never to a lane that ends or exits."""
        on_target = self._target_lane_acceleration()
        acceleration = np.minimum(self._driver_acceleration(), np.maximum(on_target, UNSAFE))
        if self.control_mode == "discrete":
            return self._meta_actions_for(self._choose_lane(on_target), acceleration)
        return self._actions_for(self._pursue(lateral, heading), self._pedals(acceleration))

    def _target_lane_acceleration(self) -> FloatArray:
        """(N,) m/s² that the driver model would choose on the target lanes."""
        result = np.empty(self.num_worlds)
        traffic = self.traffic
        ego_acceleration_on(traffic.lanes, traffic.vehicles, traffic.occupied, self._intended(), result)
        return result

    def _choose_lane(self, on_target: FloatArray) -> NDArray[np.int64]:
        """(N,) target lane of the driver model, given its `_target_lane_acceleration`."""
        lane = self._target_lane.copy()
        traffic = self.traffic
        target = np.empty(self.num_worlds, np.int64)
        ego_change(traffic.lanes, traffic.vehicles, traffic.occupied, target)
        now = traffic.vehicles.lane[:, 0]
        settled = np.abs(traffic.vehicles.offset[:, 0]) < SETTLED
        due = settled & (self.elapsed_steps % DECISION_STEPS == 0) & (target >= 0) & (self._lane == lane)
        lane[due & (target == traffic.lanes.left[self._everyone, now])] -= 1
        lane[due & (target == traffic.lanes.right[self._everyone, now])] += 1
        lane = np.where(on_target < UNSAFE, self._lane, lane)  # another vehicle has taken the gap
        return np.clip(lane, 0, self.config.highway.lanes - 1)

    def _meta_actions_for(self, lane: NDArray[np.int64], acceleration: FloatArray) -> NDArray[np.int64]:
        actions = np.full(self.num_worlds, IDLE)
        wanted = self.vehicles[:, vehicle.SPEED] + acceleration / 1.2
        actions[wanted > self._target_speed + 0.5 * SPEED_STEP] = FASTER
        actions[wanted < self._target_speed - 0.5 * SPEED_STEP] = SLOWER
        braking = acceleration < -1.0
        actions[(lane < self._target_lane) & ~braking] = LANE_LEFT
        actions[(lane > self._target_lane) & ~braking] = LANE_RIGHT
        return actions

    def _measure(self) -> Measurements:
        config = self.config
        other, _, struck = self._collisions()
        outside = self._departed()[:, 0] > OFF_ROAD
        crashed = (other >= 0) | struck | outside
        driven = self.tracker.frenet[:, frenet.DISTANCE] - self._start
        arrived = (driven >= config.distance) & ~crashed
        speed = self.vehicles[:, vehicle.SPEED]
        if self.reward_mode == "sparse":
            terms = {
                "reward/arrival": arrived.astype(np.float64),
                "reward/collision": -crashed.astype(np.float64),
            }
        else:
            low, high = config.speeds
            share = np.minimum(np.maximum((speed - low) / (high - low), 0.0), 1.0)
            lane = np.minimum(self._lane, config.highway.lanes - 1)
            terms = {
                "reward/speed": config.speed_weight * share,
                "reward/right_lane": config.right_weight * lane / (config.highway.lanes - 1),
                "reward/collision": -config.collision_weight * crashed.astype(np.float64),
            }
        info = self._info(self._everyone) | {"crashed": crashed}
        return Measurements(reward_of(terms), arrived | crashed, arrived, info | terms)

    def _info(self, worlds: IntArray) -> dict[str, NDArray[Any]]:
        cars = self.vehicles[worlds]
        return {
            "lateral_error": self.traffic.vehicles.offset[worlds, 0],
            "speed": cars[:, vehicle.SPEED],
            "lateral_acceleration": cars[:, vehicle.SPEED] * cars[:, vehicle.YAW_RATE],
            "distance": self.tracker.frenet[worlds, frenet.DISTANCE] - self._start[worlds],
            "lane": self._lane[worlds],
        }

    def reset_info(self, worlds: IntArray) -> dict[str, NDArray[Any]]:
        """Info of the first observation, rows of `worlds`."""
        nothing = np.zeros(len(worlds), bool)
        return self._info(worlds) | {"crashed": nothing, "is_success": nothing.copy()}

    def _state_rows(self, worlds: IntArray, lateral: FloatArray, heading: FloatArray) -> FloatArray:
        rows = np.empty((self.num_worlds, len(STATE_NAMES)))
        write_motorway_state(
            self.traffic.lanes,
            self.traffic.vehicles,
            self.vehicles,
            self.tracker.paths,
            self.tracker.frenet,
            self._lane,
            PREVIEW,
            FAR,
            rows,
        )
        rows = rows[worlds]
        rows[:, 0] += lateral * np.cos(rows[:, 1])
        rows[:, 1] += heading
        return rows

    def recover(self, worlds: Sequence[int] | IntArray) -> None:
        """Put these cars on the center of the nearest main lane, heading along it."""
        chosen = np.asarray(worlds, np.int64)
        for world in chosen:
            guide = self._map_of(world).network.guide
            assert guide is not None
            lane = min(int(self._lane[world]), self.config.highway.lanes - 1)
            distance = float(self.tracker.frenet[world, frenet.DISTANCE])
            speed = self.vehicles[world, vehicle.SPEED]
            self.vehicles[world] = 0.0
            self.vehicles[world, [vehicle.X, vehicle.Y]] = guide.beside(
                distance, -(lane + 0.5) * MOTORWAY_LANE
            )
            self.vehicles[world, vehicle.HEADING] = guide.at(distance)[1]
            self.vehicles[world, vehicle.SPEED] = speed
            self._target_lane[world] = lane
        self._shift_paths(math.inf, chosen)
        self._locate(chosen)

    def _own_state(self) -> dict[str, NDArray[Any]]:
        return {
            "start": self._start,
            "target_lane": self._target_lane,
            "target_speed": self._target_speed,
            "lane": self._lane,
            "offset": self.tracker.paths.offset,
        }
