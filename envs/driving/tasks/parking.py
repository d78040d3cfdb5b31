"""Parking: park a car in a marked bay, with the heading that an arrow shows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from camshaft.envs.arrays import BoolArray, FloatArray, IntArray
from camshaft.envs.driving.dynamics import vehicle
from camshaft.envs.driving.dynamics.collisions import Obstacles, find_hit_obstacles, pack_obstacles
from camshaft.envs.driving.dynamics.vehicle import VehicleParameters
from camshaft.envs.driving.maps.driving_map import sample_map
from camshaft.envs.driving.maps.parking_map import ParkingMap, parking_map
from camshaft.envs.driving.maps.top_view import GOAL, PAINT, PAVING, MapOverlay, MapSketch
from camshaft.envs.driving.planning.parking_planner import MOST_POINTS, plan
from camshaft.envs.driving.planning.plan_following import follow_plans
from camshaft.envs.driving.road_network.arrays import WorldArrays
from camshaft.envs.driving.road_network.parking_lot import LotConfig
from camshaft.envs.driving.sensors import measure_ranges
from camshaft.envs.driving.simulation import COMFORT, DrivingSimulation, reward_of
from camshaft.envs.driving.streets.lot_mesh import PAINT_WIDTH
from camshaft.envs.driving.streets.parking_scene import ParkingScene
from camshaft.envs.driving.streets.street_scene import StreetScene
from camshaft.envs.driving.traffic.kinds import EGO_LENGTH, EGO_WIDTH
from camshaft.envs.goal import GoalSimulation
from camshaft.envs.metrics import Metric
from camshaft.envs.rendering import Camera
from camshaft.envs.simulation import Measurements

RANGES, REACH = 24, 12.0  # rays of the range finder, and their reach in meters
RADIUS_FACTOR = 1.1  # of the planner's tightest turn to the car's
SAME_CONTACT = 0.3  # meters to drive away from a collision before the next one counts
REPLAN = 0.6  # meters from the plan at which the expert plans again
WEIGHTS = (0.1, 0.1, 0.25, 0.25, 0.05)  # of the goal's entries in the dense reward
GOAL_LIMITS = np.array([100.0, 100.0, 1.0, 1.0, 10.0], np.float32)
STATE_NAMES = (
    "x",
    "y",
    "heading_cosine",
    "heading_sine",
    "speed",
    "yaw_rate",
    "steering",
    *(f"range_{round(360 * ray / RANGES)}" for ray in range(RANGES)),
)
STATE_LIMITS = np.array([100.0, 100.0, 1.0, 1.0, 10.0, 4.0, 1.0, *[REACH] * RANGES], np.float32)

CAR = VehicleParameters(max_reverse=3.0)


@dataclass(frozen=True)
class ParkingConfig:
    """Configuration of the task.

    Attributes:
        lot: configuration of the parking lots.
        num_maps: number of parking lots in each split.
        car: the nominal car, which must be able to reverse.
        camera: the observation camera, mounted on the car.
        top_speed: m/s, forward.
        position_tolerance: meters, of success.
        heading_tolerance: rad, of success.
        speed_tolerance: m/s, of success.
    """

    lot: LotConfig = LotConfig()
    num_maps: int = 100
    car: VehicleParameters = CAR
    camera: Camera = Camera(84, 84, 90.0, position=(0.0, 0.0, 11.0), pitch_degrees=90.0, near=1.0, far=60.0)
    top_speed: float = 5.0
    position_tolerance: float = 0.5
    heading_tolerance: float = math.radians(12.0)
    speed_tolerance: float = 0.15


class Parking(GoalSimulation, DrivingSimulation):
    """Park a car in a marked bay, with the heading that an arrow shows.

    Description:
        A car stands in the aisle of a parking lot: two rows of twelve bays of 2.7 × 5.2 m on both sides of a 7.5 m wide
        aisle, with other cars in some of them. A green carpet marks the bay to park in; its arrow shows whether to
        park nose first or tail first. The car steers up to 0.5 rad, drives at up to 5 m/s and reverses at up to 3 m/s.
        It stops at once when it hits another car, a planter or a curb, and can continue from there. Control runs at
        10 Hz, the car's dynamics at 100 Hz. The camera looks down from above the car, like the surround view that cars
        compose from four fisheye cameras.

    Observation:
        By `obs_mode`: images as in Racing, with the car itself in them; "state", three entries: "observation" (31,)
        float32: x, y (m, from the lot's center, x along the aisle), cosine and sine of the heading, speed (m/s,
        negative in reverse), yaw rate (rad/s), steering angle (rad), and 24 ranges (m, 12 at most) at even angles,
        counter-clockwise from straight ahead; "achieved_goal" and "desired_goal" (5,) float32: x, y, cosine, sine,
        speed; "goal": "desired_goal" alone; "ego" (5,) float32: speed, lateral speed, yaw rate, steering angle,
        acceleration; "imu" (6,) float32: specific force and turn rate, x, y, z; "lidar" (24,) float32: the ranges.

    Action:
        `control_mode` "pedals": two numbers in −1..1, the angle of the road wheels as a share of 0.5 rad, left
        positive, and the pedal: forward or, if negative, in reverse; against the motion it brakes. "discrete": 0..34,
        seven shares of the steering angle (−1, −0.5, −0.2, 0, 0.2, 0.5, 1) times five pedal positions (−1, −0.3, 0,
        0.3, 1).

    Reward:
        "sparse": `reward/goal`, 0 if the goal is achieved, else −1. "dense": `reward/goal`, minus the square root of
        the weighted sum of the absolute errors of the goal's entries (weights 0.1 per meter, 0.25 for cosine and sine,
        0.05 per m/s).

    Success:
        The car's center is within 0.5 m of the bay's, its heading within 12 degrees of the arrow's, its speed below
        0.15 m/s. `collisions` counts the collisions.

    Termination:
        Success. The time limit (60 s, 600 steps) truncates.

    Randomization:
        With None, the lot, the cars in it, the bay and the start vary with the seed; appearance, light, camera and car
        are nominal. "train" and "test" also vary textures, sun, cloud, fog, models and paint of the cars, the camera's
        mount and the car's mass, stiffness and friction; lots, variants and values of one split never occur in the
        other. `time_of_day` and `weather` as in LaneKeeping.

    Source:
        Task and form of the reward of E. Leurent's highway-env ("parking-v0"); geometry of bays for perpendicular
        parking after EAR 05 (FGSV, 2005), with a wider aisle.
    """

    control_modes: ClassVar[tuple[str, ...]] = ("pedals", "discrete")
    control_frequency: ClassVar[float] = 10.0
    metrics = (
        Metric("goal_distance", "goal_distance", "last", "m"),
        Metric("goal_heading_error", "goal_heading_error", "last", "rad"),
        Metric("collisions", "collisions", "last"),
        *COMFORT,
    )
    steering_levels: ClassVar[tuple[float, ...]] = (-1.0, -0.5, -0.2, 0.0, 0.2, 0.5, 1.0)
    state_parts: ClassVar[tuple[str, ...]] = ("state", "goal", "ego", "imu", "lidar")
    state_names = STATE_NAMES
    goal_space = spaces.Box(-GOAL_LIMITS, GOAL_LIMITS, dtype=np.float32)

    def __init__(
        self, num_worlds: int = 1, *, config: ParkingConfig = ParkingConfig(), **options: Any
    ) -> None:
        super().__init__(num_worlds, config.car, config.camera, **options)
        self.config = config
        self.observation_space = self._make_observation_space()
        self._goals = np.zeros((num_worlds, 5))
        self._collisions = np.zeros(num_worlds)
        self._contacts = np.full((num_worlds, 2), np.inf)  # position of the last collision
        self._maps: list[ParkingMap | None] = [None] * num_worlds
        self._obstacles: WorldArrays[Obstacles] = WorldArrays(num_worlds)
        self._plans = np.zeros((num_worlds, MOST_POINTS, 4))
        self._plan_counts = np.zeros(num_worlds, np.int64)
        self._progress = np.zeros(num_worlds, np.int64)
        self._plan_seeds = np.full(num_worlds, -1, np.int64)  # of the episodes that the plans are for
        self._streets = ParkingScene(num_worlds, config.lot, self.conditions)

    def _sensor_spaces(self) -> dict[str, spaces.Space[Any]]:
        observed = spaces.Box(-STATE_LIMITS, STATE_LIMITS, dtype=np.float32)
        goals = spaces.Dict(self._goal_spaces(observed))
        return {
            "state": goals,
            "goal": goals,
            "lidar": spaces.Box(0.0, REACH, (RANGES,), np.float32),
        }

    def _start_episode(self, world: int, seed: int) -> None:
        map_rng, rng = np.random.default_rng([seed, 0]), np.random.default_rng([seed, 1])
        config = self.config
        new = sample_map(parking_map, config.lot, config.num_maps, map_rng, self.randomize)
        self._maps[world] = new
        self._obstacles.put(world, pack_obstacles(new.obstacles))
        start, goal = new.lot.sample_task(rng)
        self._goals[world] = _goal_rows(np.array([[goal.x, goal.y, goal.heading]]), np.zeros(1))
        self._sample_car(world, rng)
        self._sample_mounts(world, rng)
        state = self.vehicles[world]
        state[:] = 0.0
        state[vehicle.X], state[vehicle.Y], state[vehicle.HEADING] = start.x, start.y, start.heading
        self._collisions[world], self._contacts[world] = 0.0, np.inf
        self._plan_seeds[world] = -1
        self._progress[world] = self._plan_counts[world] = 0

    def _locate(self, worlds: IntArray) -> None:
        """Leave the Frenet coordinates at 0: there is no path, and the ground is level."""

    def _step(self, actions: NDArray[Any]) -> Measurements:
        steering, pedals = self._controls(actions)
        steps = round(1.0 / (self.control_frequency * vehicle.TIME_STEP))
        before = self.vehicles.copy()
        vehicle.advance_by_pedals(self.vehicles, self.parameters, steering, pedals, steps)
        over = self.vehicles[:, vehicle.SPEED] > self.config.top_speed
        self.vehicles[over, vehicle.SPEED] = self.config.top_speed
        self._stop_collided(before)
        achieved = self._achieved(self._everyone)
        success = self.is_achieved(achieved, self._goals)
        terms = {"reward/goal": self.goal_reward(achieved, self._goals)}
        info = self._info(self._everyone)
        return Measurements(reward_of(terms), success, success, info | terms)

    def _stop_collided(self, before: FloatArray) -> None:
        """Put cars that overlap an obstacle back to where they were, at rest."""
        struck, obstacles = np.zeros(self.num_worlds, bool), self._obstacles.arrays
        poses = np.ascontiguousarray(self.vehicles[:, [vehicle.X, vehicle.Y, vehicle.HEADING]])
        find_hit_obstacles(poses, EGO_LENGTH, EGO_WIDTH, obstacles.boxes, obstacles.counts, struck)
        apart = (
            np.hypot(poses[:, 0] - self._contacts[:, 0], poses[:, 1] - self._contacts[:, 1]) > SAME_CONTACT
        )
        self._collisions += struck & apart
        self._contacts[apart] = np.inf
        self._contacts[struck & apart] = poses[struck & apart, :2]
        self.vehicles[struck] = before[struck]
        for column in (vehicle.SPEED, vehicle.LATERAL_SPEED, vehicle.YAW_RATE, vehicle.ACCELERATION):
            self.vehicles[struck, column] = 0.0

    def _achieved(self, worlds: IntArray) -> FloatArray:
        """(n, 5) achieved goals, rounded to single precision as observed, so that rewards can be recomputed exactly."""
        cars = self.vehicles[worlds]
        return _goal_rows(cars[:, [vehicle.X, vehicle.Y, vehicle.HEADING]], cars[:, vehicle.SPEED])

    def is_achieved(self, achieved_goal: FloatArray, desired_goal: FloatArray) -> BoolArray:
        """(...) whether achieved poses and speeds (..., 5) are within the tolerances of desired ones (..., 5)."""
        config = self.config
        away = np.hypot(*np.moveaxis(achieved_goal[..., :2] - desired_goal[..., :2], -1, 0))
        alike = np.sum(achieved_goal[..., 2:4] * desired_goal[..., 2:4], axis=-1)
        faster = np.abs(achieved_goal[..., 4] - desired_goal[..., 4])
        return np.asarray(
            (away < config.position_tolerance)
            & (alike > math.cos(config.heading_tolerance))
            & (faster < config.speed_tolerance)
        )

    def goal_reward(self, achieved_goal: FloatArray, desired_goal: FloatArray) -> FloatArray:
        """(...) rewards for achieved poses and speeds (..., 5), see the task."""
        if self.reward_mode == "sparse":
            return self.is_achieved(achieved_goal, desired_goal).astype(np.float64) - 1.0
        away = np.abs(achieved_goal - desired_goal)
        weighted = np.zeros(away.shape[:-1])
        for column, weight in enumerate(WEIGHTS):
            weighted += weight * away[..., column]
        rewards: FloatArray = -np.sqrt(weighted)
        return rewards

    def _info(self, worlds: IntArray) -> dict[str, NDArray[Any]]:
        achieved, goals = self._achieved(worlds), self._goals[worlds]
        cross = goals[:, 2] * achieved[:, 3] - goals[:, 3] * achieved[:, 2]
        dot = np.sum(goals[:, 2:4] * achieved[:, 2:4], axis=1)
        return {
            "goal_distance": np.hypot(achieved[:, 0] - goals[:, 0], achieved[:, 1] - goals[:, 1]),
            "goal_heading_error": np.arctan2(cross, dot),
            "speed": achieved[:, 4],
            "lateral_acceleration": achieved[:, 4] * self.vehicles[worlds, vehicle.YAW_RATE],
            "collisions": self._collisions[worlds],
        }

    def reset_info(self, worlds: IntArray) -> dict[str, NDArray[Any]]:
        """Info of the first observation, rows of `worlds`."""
        return self._info(worlds) | {"is_success": np.zeros(len(worlds), bool)}

    def expert_action(self) -> NDArray[Any]:
        """Follow a collision-free Reeds–Shepp plan, made at the first call of an episode; advances along the plan."""
        self._make_plans()
        return self._follow_plans(self._zeros, self._zeros, self._progress)

    def _expert(self, lateral: FloatArray, heading: FloatArray) -> NDArray[Any]:
        self._make_plans()
        return self._follow_plans(lateral, heading, self._progress.copy())

    def _follow_plans(
        self, lateral: FloatArray, heading: FloatArray, progress: NDArray[np.int64]
    ) -> NDArray[Any]:
        angles, pulls, pedals = (np.empty(self.num_worlds) for _ in range(3))
        car = self.config.car
        follow_plans(
            self.vehicles,
            self.parameters,
            car.rear,
            car.wheelbase,
            self._plans,
            self._plan_counts,
            progress,
            np.ascontiguousarray(lateral),
            np.ascontiguousarray(heading),
            angles,
            pulls,
        )
        vehicle.pedals_for(pulls, self.vehicles, self.parameters, pedals)
        return self._actions_for(angles, pedals)

    def _make_plans(self) -> None:
        """Plan for new episodes, and again for cars that have left their plans."""
        cars = self.vehicles
        rear = self.config.car.rear
        at = self._plans[self._everyone, self._progress]
        x = cars[:, vehicle.X] - rear * np.cos(cars[:, vehicle.HEADING])
        y = cars[:, vehicle.Y] - rear * np.sin(cars[:, vehicle.HEADING])
        strayed = np.hypot(at[:, 0] - x, at[:, 1] - y) > REPLAN
        for world in np.flatnonzero(
            (self._plan_seeds != self.episode_seeds) | strayed & (self._plan_counts > 0)
        ):
            goal = self._goals[world]
            begin = np.array([x[world], y[world], cars[world, vehicle.HEADING]])
            end = np.array(
                [
                    goal[0] - rear * goal[2],
                    goal[1] - rear * goal[3],
                    math.atan2(goal[3], goal[2]),
                ]
            )
            car = self.config.car
            radius = RADIUS_FACTOR * car.wheelbase / math.tan(car.max_steering)
            obstacles = self._obstacles.arrays.boxes[world, : self._obstacles.arrays.counts[world]]
            found = plan(begin, end, radius, (EGO_LENGTH, EGO_WIDTH, rear), obstacles)
            self._plan_seeds[world] = self.episode_seeds[world]
            self._progress[world] = 0
            self._plan_counts[world] = 0 if found is None else min(len(found), MOST_POINTS)
            if found is not None:
                self._plans[world, : self._plan_counts[world]] = found[:MOST_POINTS]

    def _sense(
        self, part: str, worlds: IntArray, lateral: FloatArray, heading: FloatArray
    ) -> dict[str, NDArray[Any]] | NDArray[Any]:
        cars = self.vehicles[worlds]
        poses = self._displaced_poses(worlds, lateral, heading)
        ranges = self._ranges(worlds, poses)
        if part == "lidar":
            return ranges
        achieved = _goal_rows(poses, cars[:, vehicle.SPEED])
        observed = np.column_stack([achieved, cars[:, [vehicle.YAW_RATE, vehicle.STEERING]], ranges])
        return self._goal_parts(np.clip(observed, -STATE_LIMITS, STATE_LIMITS), achieved, self._goals[worlds])

    def _ranges(self, worlds: IntArray, poses: FloatArray) -> NDArray[np.float32]:
        count, obstacles = len(worlds), self._obstacles.arrays
        ranges = np.empty((count, RANGES))
        nothing, absent = np.zeros((count, 1)), np.zeros((count, 1), bool)
        measure_ranges(
            poses,
            np.zeros((count, 1, 3)),
            nothing,
            nothing,
            absent,
            obstacles.boxes[worlds],
            obstacles.counts[worlds],
            REACH,
            ranges,
        )
        return ranges.astype(np.float32)

    def _scene_now(self) -> StreetScene:
        self._streets.apply_appearance(self._maps, self.episode_seeds, self.randomize)
        cars = self._car_poses(self._everyone, self._zeros, self._zeros)
        self._streets.show(cars, self._goals)
        return self._streets

    def recover(self, worlds: Sequence[int] | IntArray) -> None:
        """Put these cars back into the aisle, at rest, heading along it."""
        for world in np.asarray(worlds, np.int64):
            state = self.vehicles[world]
            x, along = state[vehicle.X], math.cos(state[vehicle.HEADING])
            state[:] = 0.0
            state[vehicle.X], state[vehicle.HEADING] = x, 0.0 if along >= 0.0 else math.pi
            reach = 0.5 * self.config.lot.bays * self.config.lot.bay_width
            state[vehicle.X] = np.clip(x, -reach, reach)

    def _sketch(self, world: int) -> MapSketch:
        current = self._maps[world]
        assert current is not None
        along, across = current.lot.half_size
        corner = np.array([along, across])
        paving = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]]) * corner
        config = current.lot.config
        edges = (np.arange(config.bays + 1) - 0.5 * config.bays) * config.bay_width
        lines = [
            (np.array([[x, side * 0.5 * config.aisle], [x, side * across]]), PAINT_WIDTH, PAINT)
            for x in edges
            for side in (1.0, -1.0)
        ]
        return MapSketch(-corner, corner, [(paving, PAVING)], lines, current.layout.obstacles)

    def _overlay(self, world: int) -> MapOverlay:
        x, y, cosine, sine, _ = self._goals[world].tolist()
        lot = self.config.lot
        goal = (x, y, math.atan2(sine, cosine), lot.bay_length - 0.7, lot.bay_width - 0.5, GOAL)
        nose = (x + 1.9 * cosine, y + 1.9 * sine, PAINT)
        return MapOverlay(boxes=[goal], dots=[nose])

    def _own_state(self) -> dict[str, NDArray[Any]]:
        return {
            "collisions": self._collisions,
            "contacts": self._contacts,
            "plans": self._plans,
            "plan_counts": self._plan_counts,
            "plan_seeds": self._plan_seeds,
            "progress": self._progress,
        }


def _goal_rows(poses: FloatArray, speeds: FloatArray) -> FloatArray:
    """(n, 5) goals of poses (n, 3) and speeds (n,), rounded to single precision."""
    headings = poses[:, 2]
    rows = np.column_stack([poses[:, 0], poses[:, 1], np.cos(headings), np.sin(headings), speeds])
    return rows.astype(np.float32).astype(np.float64)
