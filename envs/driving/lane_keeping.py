"""Lane keeping: steer a car along the right lane of a country road."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from envs.driving import track as places
from envs.driving import vehicle
from envs.driving.poses import car_poses
from envs.driving.road import Road, RoadConfig, generate_road
from envs.driving.road_scene import RoadScene
from envs.driving.track import Track
from envs.driving.vehicle import VehicleParameters
from envs.errors import InvalidOption
from envs.randomization import SplitRange, split_seed
from envs.rendering import Camera, CameraSet, Renderer, parse_cameras
from envs.rendering.camera_set import UNNAMED
from envs.simulation import FloatArray, IntArray, Measurements, Observation, Simulation

PREVIEW = np.array([5.0, 10.0, 20.0, 40.0])  # metres ahead at which the state tells the lane's curvature
FIRST_DISTANCE = 30.0  # metres of road behind the car at the start
END_OF_ROAD = 20.0  # metres before the last point of the road
MAX_CURVATURE = 0.1  # 1/m, of action 1 in control mode "curvature"
CHASE_CAMERA = Camera(640, 360, 65.0, position=(-6.5, 0.0, 2.6), pitch_degrees=9.0, near=0.3)

STATE_LIMITS = np.array([4.0, math.pi, 40.0, 10.0, 4.0, 1.0, *[0.2] * len(PREVIEW)], np.float32)


@dataclass(frozen=True)
class LaneKeepingConfig:
    """What a user may change about the task.

    Attributes:
        road: the roads.
        car: the nominal car.
        camera: the observation camera, mounted on the car.
        target_speed: m/s that the cruise controller holds on straights, low and high.
        start_lateral, start_heading: largest distance (metres) and angle (rad) from the lane's middle at the start.
        progress_weight, steering_weight: of the reward terms.
    """

    road: RoadConfig = RoadConfig()
    car: VehicleParameters = VehicleParameters()
    camera: Camera = Camera(84, 84, 80.0, position=(0.6, 0.0, 1.4), pitch_degrees=10.0, near=0.3, far=350.0)
    target_speed: tuple[float, float] = (13.0, 18.0)
    start_lateral: float = 0.3
    start_heading: float = math.radians(2.0)
    progress_weight: float = 1.0
    steering_weight: float = 0.05


class LaneKeeping(Simulation):
    """Steer a car along the right lane of a winding country road for a minute.

    Description:
        Every world has a road of its own, drawn from its seed: straight lines, clothoids and arcs of 60 m radius and
        more, over gentle hills, with two lanes, line markings, shoulders, trees, houses and posts. Traffic keeps to
        the right; there is none. A cruise controller drives at 13 to 18 m/s and slows down for bends. Control runs
        at 20 Hz, the car's dynamics at 100 Hz (`envs.driving.vehicle`).

    Observation:
        By `obs_mode`: "rgb" (H, W, 3) uint8; "depth" (H, W, 1) float32 metres along the optical axis, the camera's
        `far` for the sky; "segmentation" (H, W, 1) uint8 labels; "instances" (H, W, 1) uint16; "state" (10,)
        float32: lateral error (m, left positive), heading error (rad), speed (m/s), lateral speed (m/s), yaw rate
        (rad/s), steering angle (rad), curvature of the lane 5, 10, 20 and 40 m ahead (1/m). The camera is mounted
        inside the windscreen and does not see the car.

    Action:
        One number in −1..1, left positive. `control_mode` "steering": the angle of the road wheels as a share of
        0.5 rad. "curvature": the path's inverse turning radius 1/r as a share of 0.1 1/m, which the car turns into a
        steering angle; this is what PilotNet regresses.

    Reward:
        "dense": `reward/progress`, the share of the target speed that is driven along the lane, times closeness to
        the lane's middle (1 there, 0 at the lane's edge), plus `reward/smoothness`, −0.05 times the change of the
        action. "sparse": −1 when the lane is left, else 0.

    Success:
        The car has kept its lane since the start. What counts is the value at the end of the episode.

    Termination:
        The middle of the car leaves the lane (1.8 m from the lane's middle), which is no success; or the road ends,
        after 1.5 km or what the time limit takes at full speed. The time limit (a minute, 1,200 steps) truncates.

    Randomisation:
        With None, roads, scenery, target speed and the start vary with the seed; appearance, light, weather, camera
        and car are nominal. "train" and "test" also vary textures, line colours and wear, shoulders, sun, cloud,
        fog, the camera's mount and the car's mass, stiffness and friction; roads, variants and values of one split
        never occur in the other.

    Source:
        The task of M. Bojarski et al., "End to End Learning for Self-Driving Cars", arXiv:1604.07316, 2016.
    """

    control_modes: ClassVar[tuple[str, ...]] = ("steering", "curvature")
    control_frequency: ClassVar[float] = 20.0

    def __init__(
        self, num_worlds: int = 1, *, config: LaneKeepingConfig = LaneKeepingConfig(), **options: Any
    ) -> None:
        super().__init__(num_worlds, **options)
        self.config = config
        self.cameras = parse_cameras(self.camera_option, {UNNAMED: config.camera})
        images = [part for part in self.obs_parts if part != "state"]
        self._camera_set = CameraSet(self.cameras, images, num_worlds, self.num_threads)
        longest = (
            FIRST_DISTANCE + config.target_speed[1] * self.max_episode_steps / self.control_frequency + 60.0
        )
        self._road_config = replace(config.road, length=max(config.road.length, math.ceil(longest)))
        self.action_space = spaces.Box(-1.0, 1.0, (1,), np.float32)
        self.observation_space = self._make_observation_space()
        num_points = int(self._road_config.length / self._road_config.spacing) + 1
        self.track = Track(num_worlds, num_points, self._road_config.spacing, -0.5 * config.road.lane_width)
        self.vehicles = np.zeros((num_worlds, vehicle.NUM_STATES))
        self.parameters = np.zeros((num_worlds, len(config.car.as_row())))
        self.target_speed = np.zeros(num_worlds)
        self.episode_seeds = np.full(num_worlds, -1, np.int64)
        self._roads: list[Road | None] = [None] * num_worlds
        self._start_distance = np.zeros(num_worlds)
        self._last_action = np.zeros((num_worlds, 1), np.float32)
        self._mounts = {
            name: np.tile(camera.mount, (num_worlds, 1, 1)) for name, camera in self.cameras.items()
        }
        self._zeros = np.zeros(num_worlds)
        self._everyone = np.arange(num_worlds)
        self._scene: RoadScene | None = None
        self._dressed = np.full(num_worlds, -1, np.int64)
        self._chase_renderer: Renderer | None = None

    def _make_observation_space(self) -> spaces.Space[Any]:
        parts: dict[str, spaces.Space[Any]] = dict(self._camera_set.spaces)
        if "state" in self.obs_parts:
            parts["state"] = spaces.Box(-STATE_LIMITS, STATE_LIMITS, dtype=np.float32)
        return next(iter(parts.values())) if len(parts) == 1 else spaces.Dict(parts)

    def _reset(self, worlds: IntArray, options: Mapping[str, Any]) -> None:
        if options:
            raise InvalidOption(f"LaneKeeping takes no reset options, got {sorted(options)}")
        for world in worlds:
            self._start_episode(int(world), split_seed(self.generators[world], self.randomize))
        self.track.locate(self.vehicles)

    def _start_episode(self, world: int, seed: int) -> None:
        """Everything of an episode that follows from its seed, but the scenery."""
        self.episode_seeds[world] = seed
        road_rng, rng = np.random.default_rng([seed, 0]), np.random.default_rng([seed, 1])
        road = generate_road(road_rng, self._road_config)
        self._roads[world] = road
        self.track.set_road(world, road)
        config = self.config
        lateral = rng.uniform(-config.start_lateral, config.start_lateral)
        turn = rng.uniform(-config.start_heading, config.start_heading)
        self.target_speed[world] = rng.uniform(*config.target_speed)
        self._draw_car(world, rng)
        self._draw_mount(world, rng)
        x, y, _ = road.positions_at(np.array(FIRST_DISTANCE), np.array(lateral + self.track.lane_offset))
        state = self.vehicles[world]
        state[:] = 0.0
        state[vehicle.X], state[vehicle.Y] = x, y
        state[vehicle.HEADING] = float(road.headings_at(FIRST_DISTANCE)) + turn
        state[vehicle.SPEED] = rng.uniform(0.8, 1.0) * self.target_speed[world]
        self.track.places[world, places.DISTANCE] = FIRST_DISTANCE
        self._start_distance[world] = FIRST_DISTANCE
        self._last_action[world] = 0.0

    def _draw_car(self, world: int, rng: np.random.Generator) -> None:
        share = SplitRange(0.9, 1.1)
        self.parameters[world] = self.config.car.as_row()
        for column in (vehicle.MASS, vehicle.FRONT_STIFFNESS, vehicle.REAR_STIFFNESS, vehicle.FRICTION):
            self.parameters[world, column] *= share.draw(rng, self.randomize)
        self.parameters[world, vehicle.INERTIA] *= self.parameters[world, vehicle.MASS] / self.config.car.mass

    def _draw_mount(self, world: int, rng: np.random.Generator) -> None:
        lateral, height = (
            SplitRange(-0.08, 0.08).draw(rng, self.randomize),
            SplitRange(-0.1, 0.1).draw(rng, self.randomize),
        )
        pitch, yaw = (
            SplitRange(-1.5, 1.5).draw(rng, self.randomize),
            SplitRange(-1.0, 1.0).draw(rng, self.randomize),
        )
        for name, camera in self.cameras.items():
            x, y, z = camera.position
            self._mounts[name][world] = replace(
                camera,
                position=(x, y + lateral, z + height),
                pitch_degrees=camera.pitch_degrees + pitch,
                yaw_degrees=camera.yaw_degrees + yaw,
            ).mount

    def _step(self, actions: NDArray[np.float32]) -> Measurements:
        wanted = self._steering_angle(actions)
        track = self.track
        speed = track.cruise_speed(self.parameters, self.target_speed)
        before = track.places[:, places.DISTANCE].copy()
        steps = round(1.0 / (self.control_frequency * vehicle.TIME_STEP))
        vehicle.advance(self.vehicles, self.parameters, wanted, speed, steps)
        track.locate(self.vehicles)
        measured = self._measure(track.places[:, places.DISTANCE] - before, actions)
        self._last_action = actions
        return measured

    def _measure(self, driven: FloatArray, actions: NDArray[np.float32]) -> Measurements:
        lateral = self.track.places[:, places.LATERAL]
        half_width = 0.5 * self.config.road.lane_width
        success = np.abs(lateral) <= half_width
        arrived = self.track.places[:, places.DISTANCE] >= self._road_config.length - END_OF_ROAD
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
        return Measurements(sum(terms.values()), arrived | ~success, success, info | terms)  # type: ignore[arg-type]

    def _info(self, worlds: IntArray) -> dict[str, NDArray[Any]]:
        located, cars = self.track.places[worlds], self.vehicles[worlds]
        return {
            "lateral_error": located[:, places.LATERAL],
            "heading_error": located[:, places.HEADING_ERROR],
            "speed": cars[:, vehicle.SPEED],
            "steering": cars[:, vehicle.STEERING],
            "lateral_acceleration": cars[:, vehicle.SPEED] * cars[:, vehicle.YAW_RATE],
            "distance": located[:, places.DISTANCE] - self._start_distance[worlds],
        }

    def reset_info(self, worlds: IntArray) -> dict[str, NDArray[Any]]:
        """Info of the first observation, rows of `worlds`."""
        return self._info(worlds) | {"is_success": np.ones(len(worlds), bool)}

    def _steering_angle(self, actions: NDArray[np.float32]) -> FloatArray:
        shares = actions[:, 0].astype(np.float64)
        if self.control_mode == "steering":
            return shares * self.parameters[:, vehicle.MAX_STEERING]
        return self._angle_for(shares * MAX_CURVATURE)

    def _angle_for(self, curvature: FloatArray) -> FloatArray:
        angles = np.empty(self.num_worlds)
        vehicle.steering_for_curvatures(curvature, self.vehicles, self.parameters, angles)
        return angles

    def expert_action(self) -> NDArray[np.float32]:
        """(N, 1) pure pursuit of the lane's middle, with the understeer made up for."""
        return self._expert(self._zeros, self._zeros)

    def _expert(self, lateral: FloatArray, heading: FloatArray) -> NDArray[np.float32]:
        curvature = self.track.pursue(self.vehicles, self.parameters, lateral, heading)
        if self.control_mode == "curvature":
            shares = curvature / MAX_CURVATURE
        else:
            shares = self._angle_for(curvature) / self.parameters[:, vehicle.MAX_STEERING]
        return np.clip(shares, -1.0, 1.0).astype(np.float32)[:, None]

    def observe(self, worlds: IntArray | None = None) -> Observation:
        """What the cameras and sensors of these worlds (all by default) see now."""
        chosen = self._everyone if worlds is None else worlds
        return self._observe(chosen, self._zeros[chosen], self._zeros[chosen], fresh=False)

    def displaced_views(
        self, lateral: FloatArray, heading: FloatArray
    ) -> tuple[Observation, NDArray[np.float32]]:
        """What would be seen, and rightly done, from a displaced pose; the state does not change."""
        lateral = np.broadcast_to(np.asarray(lateral, np.float64), self.num_worlds)
        heading = np.broadcast_to(np.asarray(heading, np.float64), self.num_worlds)
        return self._observe(self._everyone, lateral, heading, fresh=True), self._expert(lateral, heading)

    def _observe(
        self, worlds: IntArray, lateral: FloatArray, heading: FloatArray, fresh: bool
    ) -> Observation:
        parts: dict[str, NDArray[Any]] = {}
        if self._camera_set.outputs:
            cars = self._car_poses(worlds, lateral, heading)
            poses = {name: cars @ mounts[worlds] for name, mounts in self._mounts.items()}
            parts = self._camera_set.observe(
                self._dressed_scene().state,
                poses,
                worlds,
                self.episode_seeds,
                self.elapsed_steps,
                self.vehicles[worlds, vehicle.SPEED],
                fresh,
            )
        if "state" in self.obs_parts:
            parts["state"] = self._observe_state(worlds, lateral, heading)
        return next(iter(parts.values())) if len(parts) == 1 else parts

    def _observe_state(
        self, worlds: IntArray, lateral: FloatArray, heading: FloatArray
    ) -> NDArray[np.float32]:
        state = np.empty((self.num_worlds, 6 + len(PREVIEW)))
        track, cars = self.track, self.vehicles
        state[:, 6:] = track.curvature_ahead(PREVIEW)
        state[:, 0] = track.places[:, places.LATERAL]
        state[:, 1] = track.places[:, places.HEADING_ERROR]
        for column, source in enumerate(
            (vehicle.SPEED, vehicle.LATERAL_SPEED, vehicle.YAW_RATE, vehicle.STEERING)
        ):
            state[:, 2 + column] = cars[:, source]
        rows = state[worlds]
        rows[:, 0] += lateral * np.cos(rows[:, 1])
        rows[:, 1] += heading
        return np.clip(rows, -STATE_LIMITS, STATE_LIMITS).astype(np.float32)

    def _car_poses(self, worlds: IntArray, lateral: FloatArray, heading: FloatArray) -> FloatArray:
        poses = np.empty((len(worlds), 4, 4))
        car_poses(self.vehicles[worlds], self.track.places[worlds], lateral, heading, poses)
        return poses

    def _dressed_scene(self) -> RoadScene:
        """The scene, each world in the look of its episode; nothing is built for those who never look."""
        if self._scene is None:
            self._scene = RoadScene(self.num_worlds, self._road_config)
        for world in np.flatnonzero((self._dressed != self.episode_seeds) & (self.episode_seeds >= 0)):
            rng = np.random.default_rng([int(self.episode_seeds[world]), 2])
            road = self._roads[world]
            assert road is not None
            self._scene.dress(int(world), road, rng, self.randomize)
            self._dressed[world] = self.episode_seeds[world]
        return self._scene

    def recover(self, worlds: Sequence[int] | IntArray) -> None:
        """Put these cars on the middle of the lane, along it, at the same place of the road and the same speed."""
        for world in np.asarray(worlds, np.int64):
            road = self._roads[world]
            assert road is not None
            distance = self.track.places[world, places.DISTANCE]
            state = self.vehicles[world]
            x, y, _ = road.positions_at(np.array(distance), np.array(self.track.lane_offset))
            curvature = self.track.places[world, places.LANE_CURVATURE]
            speed = state[vehicle.SPEED]
            angle = vehicle.steering_for_curvature(curvature, speed, self.parameters[world])
            state[vehicle.X], state[vehicle.Y] = x, y
            state[vehicle.HEADING] = float(road.headings_at(distance))
            state[vehicle.LATERAL_SPEED], state[vehicle.YAW_RATE] = 0.0, speed * curvature
            state[vehicle.STEERING] = angle
        self.track.locate(self.vehicles)

    def render_frames(self, worlds: Sequence[int] | IntArray) -> NDArray[np.uint8]:
        """(n, 360, 640, 3) pictures from behind the cars."""
        chosen = np.asarray(worlds, np.int64)
        scene = self._dressed_scene()
        if self._chase_renderer is None:
            self._chase_renderer = Renderer(scene.state, CHASE_CAMERA, ("rgb",), self.num_threads)
        poses = self._car_poses(chosen, self._zeros[chosen], self._zeros[chosen])
        scene.show_car(chosen, poses[:, None])
        pictures = self._chase_renderer.render(poses @ CHASE_CAMERA.mount, chosen)["rgb"]
        scene.hide_car(chosen)
        return pictures

    def get_state(self) -> dict[str, Any]:
        """Everything that the future of all worlds depends on."""
        return {
            "episode_seeds": self.episode_seeds.copy(),
            "vehicles": self.vehicles.copy(),
            "places": self.track.places.copy(),
            "last_action": self._last_action.copy(),
            "elapsed_steps": self.elapsed_steps.copy(),
            "started": self._started.copy(),
            "cameras": self._camera_set.get_state(),
            "generators": [None if rng is None else rng.bit_generator.state for rng in self.generators],
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Return to a state taken by `get_state` from a simulation with the same options."""
        if np.shape(state["vehicles"]) != self.vehicles.shape:
            raise InvalidOption(
                f"the state is of {len(state['vehicles'])} worlds, this simulation has {self.num_worlds}"
            )
        for world, seed in enumerate(state["episode_seeds"]):
            if seed >= 0 and seed != self.episode_seeds[world]:
                self._start_episode(world, int(seed))
        self.vehicles[:] = state["vehicles"]
        self.track.places[:] = state["places"]
        self._last_action = np.array(state["last_action"])
        self.elapsed_steps[:] = state["elapsed_steps"]
        self._started[:] = state["started"]
        self._camera_set.set_state(state["cameras"])
        for world, saved in enumerate(state["generators"]):
            if saved is None:
                continue
            if self.generators[world] is None:
                self.generators[world] = np.random.default_rng()
            self.generators[world].bit_generator.state = saved
