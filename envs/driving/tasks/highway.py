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
from camshaft.envs.driving.country_road import track as places
from camshaft.envs.driving.dynamics import vehicle
from camshaft.envs.driving.dynamics.vehicle import VehicleParameters
from camshaft.envs.driving.maps.maps import draw_map, highway_map
from camshaft.envs.driving.network_simulation import NetworkSimulation
from camshaft.envs.driving.road_network.highway import MOTORWAY_LANE, HighwayConfig
from camshaft.envs.driving.sensors import EGO_NAMES
from camshaft.envs.driving.simulation import reward_of
from camshaft.envs.driving.tasks.highway_state import SETTLED, place_on_motorway, write_motorway_state
from camshaft.envs.driving.traffic.kinds import HIGHWAY_KINDS
from camshaft.envs.driving.traffic.lane_changes import (
    LATERAL_SPEED,
    ego_acceleration_on,
    ego_change,
)
from camshaft.envs.errors import InvalidOption
from camshaft.envs.rendering import Camera
from camshaft.envs.simulation import Measurements

LANE_LEFT, IDLE, LANE_RIGHT, FASTER, SLOWER = range(5)
PREVIEW = np.array([20.0, 50.0, 100.0])  # meters ahead
FAR = 120.0  # meters: nothing nearer
START, END = (
    120.0,
    180.0,
)  # meters from the ends of the highway at which episodes begin, and end at the latest
LOOKAHEAD = 1.2  # s, of the pursuit: at 30 m/s, 0.8 s let some cars swing
TARGET_SPEEDS = (12.0, 38.0)  # m/s, lowest and highest
SPEED_STEP = 1.0  # m/s, of a meta-action
THINKING = 5  # control steps between two thoughts of the expert about changing lanes
UNSAFE = -3.0  # m/s² behind who is on the lane that one changes to, below which one stays
OFF_ROAD = 0.8  # meters beyond the paving's lanes

STATE_NAMES = (
    "lane_offset",
    "heading_error",
    *EGO_NAMES,
    *(f"curvature_{round(meters)}" for meters in PREVIEW),
    "lane",
    "lanes",
    *(
        f"{side}_{what}"
        for side in ("left", "own", "right")
        for what in ("gap_ahead", "closing_ahead", "gap_behind", "closing_behind")
    ),
)
STATE_LIMITS = np.array(
    [6.0, math.pi, 60.0, 10.0, 4.0, 1.0, 12.0, *[0.02] * len(PREVIEW), 8.0, 8.0, *[FAR, 60.0, FAR, 60.0] * 3]
)


@dataclass(frozen=True)
class HighwayTaskConfig:
    """What a user may change about the task.

    Attributes:
        highway: the highways.
        num_maps: how many there are in each split.
        car: the nominal car.
        camera: the observation camera, mounted on the car.
        distance: meters to drive.
        start_speed: m/s, low and high.
        speeds: m/s for which the reward for speed is 0 and 1.
        speed_weight, right_weight, collision_weight: of the reward terms.
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


class Highway(NetworkSimulation):
    """Drive fast through traffic on a motorway.

    Description:
        A motorway of three lanes in each direction, with bends of 450 m radius and more, ramps that join and leave, and
        lanes that are added and end. Other vehicles follow their lanes and each other (IDM) and change lanes (MOBIL);
        `density` (1) says how many there are: 24 around the car. Speed is the driver's to choose; the limit is
        33 m/s. Control runs at 10 Hz, the car's dynamics at 100 Hz.

    Observation:
        By `obs_mode`: images as in LaneKeeping; "ego", "imu", "lidar" and "birdseye" as in Town; "state" (24,)
        float32, by the names of `state_names`: place in the lane, motion, curvature ahead, which of how
        many lanes, and for the left, own and right lane the gaps ahead and behind (m, 120 where nothing is near, −1
        without a lane) and the speeds at which they close (m/s).

    Action:
        `control_mode` "pedals": two numbers in −1..1, the angle of the road wheels as a share of 0.5 rad, left
        positive, and the throttle or, negative, the brake. "discrete": 0 change to the left lane, 1 nothing, 2 change
        to the right lane, 3 faster, 4 slower (1 m/s a step): the car steers and keeps its speed by itself.

    Reward:
        "dense": `reward/speed`, up to 0.4 at 33 m/s and none below 20; `reward/right_lane`, up to 0.1 in the rightmost
        lane; `reward/collision`, −5 for running into something or leaving the road. "sparse": `reward/arrival`, 1 at
        the end, and `reward/collision`, −1.

    Success:
        1,200 m are driven without running into anybody or leaving the road.

    Termination:
        1,200 m are driven; the car runs into another, is run into, or leaves the lanes by more than 0.8 m. The time
        limit (90 s, 900 steps) truncates.

    Randomization:
        With None, highway, traffic and start vary with the seed; appearance, light, weather, camera and car are
        nominal. "train" and "test" vary as in Town. `time_of_day` and
        `weather` as in LaneKeeping.

    Source:
        The task of E. Leurent, "An Environment for Autonomous Driving Decision-Making" (highway-env), 2018.
    """

    control_modes: ClassVar[tuple[str, ...]] = ("pedals", "discrete")
    control_frequency: ClassVar[float] = 10.0
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
        self._lane = np.zeros(num_worlds, np.int64)  # from the inner edge outwards

    def _make_action_space(self) -> spaces.Box | spaces.Discrete:
        return spaces.Discrete(5) if self.control_mode == "discrete" else super()._make_action_space()

    def _start_episode(self, world: int, seed: int) -> None:
        map_rng, rng = np.random.default_rng([seed, 0]), np.random.default_rng([seed, 1])
        config = self.config
        shown = draw_map(highway_map, config.highway, config.num_maps, map_rng, self.randomize)
        self._enter_map(world, shown)
        guide = shown.network.guide
        assert guide is not None
        self.track.set_curve(world, guide)
        self._draw_car(world, rng)
        self._draw_mount(world, rng)
        lane = int(rng.integers(config.highway.lanes))
        lateral = -(lane + 0.5) * MOTORWAY_LANE
        start = rng.uniform(START, max(guide.length - END - config.distance, START + 1.0))
        point, heading = guide.beside(start, lateral), guide.at(start)[1]
        state = self.vehicles[world]
        state[:] = 0.0
        state[vehicle.X], state[vehicle.Y] = point
        state[vehicle.HEADING] = heading
        state[vehicle.SPEED] = rng.uniform(*config.start_speed)
        self.track.places[world] = 0.0
        self.track.places[world, places.DISTANCE] = start
        self.track.ways.offset[world] = lateral
        self._start[world] = start
        self._target_lane[world], self._target_speed[world] = lane, state[vehicle.SPEED]
        self._start_traffic(world, rng, least=30.0, most=230.0)

    def _place_ego(self) -> None:
        ordered = (
            self.control_mode == "discrete"
        )  # else others see nothing of a change of lanes before it is made
        place_on_motorway(
            self.traffic.lanes,
            self.traffic.vehicles,
            self.track.ways,
            self.track.places,
            self._target_lane if ordered else self._lane,
            self.config.highway.lanes,
            self._lane,
        )

    def _intended(self) -> NDArray[np.int64]:
        """(N,) the neighboring lane that is aimed at, or −1."""
        lane = self.traffic.vehicles.lane[:, 0]
        change = self._target_lane - self._lane
        lanes = self.traffic.lanes
        left, right = lanes.left[self._everyone, lane], lanes.right[self._everyone, lane]
        return np.where(change < 0, left, np.where(change > 0, right, -1)).astype(np.int64)

    def _step(self, actions: NDArray[Any]) -> Measurements:
        if self.control_mode == "discrete":
            steering, pedals = self._follow_orders(actions)
        else:
            steering, pedals = self._controls(actions)
            self._aim()
        self._advance(steering, pedals)
        thinking = self.elapsed_steps % THINKING == 0
        if self.control_mode != "discrete" and thinking.any():
            chosen = self._choose_lane(self._acceleration_there())
            self._target_lane = np.where(thinking, chosen, self._target_lane)
        return self._measure()

    def _follow_orders(self, orders: NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
        """Steering and pedals that carry out meta-actions."""
        middle = -(self._target_lane + 0.5) * MOTORWAY_LANE
        lateral = self.track.places[:, places.LATERAL] + self.track.ways.offset
        settled = np.abs(lateral - middle) < SETTLED
        change = np.where(orders == LANE_LEFT, -1, np.where(orders == LANE_RIGHT, 1, 0)) * settled
        lane = self._target_lane + change
        self._target_lane = np.clip(lane, 0, self.config.highway.lanes - 1)
        faster = np.where(orders == FASTER, SPEED_STEP, np.where(orders == SLOWER, -SPEED_STEP, 0.0))
        self._target_speed = np.clip(self._target_speed + faster, *TARGET_SPEEDS)
        self._aim()
        pull = 1.2 * (self._target_speed - self.vehicles[:, vehicle.SPEED])
        return self._pursue(self._zeros, self._zeros), self._pedals(pull)

    def _aim(self, most: float = LATERAL_SPEED) -> None:
        """Let the ways lead nearer to the lanes that are aimed at, at most so many meters a second."""
        aimed = -(self._target_lane + 0.5) * MOTORWAY_LANE
        limit = most / self.control_frequency
        moved = np.clip(aimed - self.track.ways.offset, -limit, limit)
        self.track.places[:, places.LATERAL] -= moved
        self.track.ways.offset[:] += moved

    def _expert(self, lateral: FloatArray, heading: FloatArray) -> NDArray[Any]:
        """The pedals of a driver by IDM, who changes lanes by MOBIL; never to a lane that ends or leaves."""
        there = self._acceleration_there()
        acceleration = np.minimum(self._driver_acceleration(), np.maximum(there, UNSAFE))
        if self.control_mode == "discrete":
            return self._orders_for(self._choose_lane(there), acceleration)
        return self._actions_for(self._pursue(lateral, heading), self._pedals(acceleration))

    def _acceleration_there(self) -> FloatArray:
        """(N,) m/s² that a driver would choose on the lane that is aimed at."""
        there = np.empty(self.num_worlds)
        traffic = self.traffic
        ego_acceleration_on(traffic.lanes, traffic.vehicles, traffic.occupied, self._intended(), there)
        return there

    def _choose_lane(self, there: FloatArray) -> NDArray[np.int64]:
        """(N,) lane that a driver aims at, from the inner edge outwards; `there` of `_acceleration_there`."""
        lane = self._target_lane.copy()
        traffic = self.traffic
        target = np.empty(self.num_worlds, np.int64)
        ego_change(traffic.lanes, traffic.vehicles, traffic.occupied, target)
        now = traffic.vehicles.lane[:, 0]
        settled = np.abs(traffic.vehicles.offset[:, 0]) < SETTLED
        due = settled & (self.elapsed_steps % THINKING == 0) & (target >= 0) & (self._lane == lane)
        lane[due & (target == traffic.lanes.left[self._everyone, now])] -= 1
        lane[due & (target == traffic.lanes.right[self._everyone, now])] += 1
        lane = np.where(there < UNSAFE, self._lane, lane)  # somebody else was quicker
        return np.clip(lane, 0, self.config.highway.lanes - 1)

    def _orders_for(self, lane: NDArray[np.int64], acceleration: FloatArray) -> NDArray[np.int64]:
        orders = np.full(self.num_worlds, IDLE)
        wanted = self.vehicles[:, vehicle.SPEED] + acceleration / 1.2
        orders[wanted > self._target_speed + 0.5 * SPEED_STEP] = FASTER
        orders[wanted < self._target_speed - 0.5 * SPEED_STEP] = SLOWER
        hard = acceleration < -1.0
        orders[(lane < self._target_lane) & ~hard] = LANE_LEFT
        orders[(lane > self._target_lane) & ~hard] = LANE_RIGHT
        return orders

    def _measure(self) -> Measurements:
        config = self.config
        other, _, struck = self._collisions()
        outside = self._departed()[:, 0] > OFF_ROAD
        crashed = (other >= 0) | struck | outside
        driven = self.track.places[:, places.DISTANCE] - self._start
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
            "distance": self.track.places[worlds, places.DISTANCE] - self._start[worlds],
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
            self.track.ways,
            self.track.places,
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
        """Put these cars on the middle of the nearest main lane, along it."""
        for world in np.asarray(worlds, np.int64):
            guide = self._maps[world].network.guide  # type: ignore[union-attr]
            assert guide is not None
            lane = min(int(self._lane[world]), self.config.highway.lanes - 1)
            distance = float(self.track.places[world, places.DISTANCE])
            speed = self.vehicles[world, vehicle.SPEED]
            self.vehicles[world] = 0.0
            self.vehicles[world, [vehicle.X, vehicle.Y]] = guide.beside(
                distance, -(lane + 0.5) * MOTORWAY_LANE
            )
            self.vehicles[world, vehicle.HEADING] = guide.at(distance)[1]
            self.vehicles[world, vehicle.SPEED] = speed
            self._target_lane[world] = lane
        self._aim(math.inf)
        self._locate()

    def _own_state(self) -> dict[str, NDArray[Any]]:
        return super()._own_state() | {
            "start": self._start,
            "target_lane": self._target_lane,
            "target_speed": self._target_speed,
            "lane": self._lane,
            "offset": self.track.ways.offset,
        }
