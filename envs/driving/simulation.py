"""Base class of the driving tasks: cars, their controls, cameras mounted on them, episodes and their state."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from camshaft.envs.arrays import FloatArray, IntArray, Observation
from camshaft.envs.driving.dynamics import vehicle
from camshaft.envs.driving.dynamics.poses import car_poses
from camshaft.envs.driving.dynamics.vehicle import VehicleParameters
from camshaft.envs.driving.light import Conditions
from camshaft.envs.driving.maps.top_view import EGO, MapOverlay, MapSketch, render_map
from camshaft.envs.driving.planning.path_tracking import LOOKAHEAD_TIME, PathTracker
from camshaft.envs.driving.scene import DrivingScene
from camshaft.envs.driving.sensors import EGO_LIMITS, IMU_LIMITS, ego_motion, inertial
from camshaft.envs.driving.traffic.kinds import SEDAN
from camshaft.envs.metrics import Metric
from camshaft.envs.randomization import SplitRange, split_seed
from camshaft.envs.rendering import Camera, CameraSet, Renderer, SceneState, parse_cameras
from camshaft.envs.rendering.camera_set import UNNAMED
from camshaft.envs.simulation import IMAGE_PARTS, Simulation, join_parts, join_spaces

COMFORT = (
    Metric("lateral_acceleration", "lateral_acceleration", "max_abs", "m/s²"),
    Metric("jerk", "speed", "rms_second_rate", "m/s³"),
)
CHASE_CAMERA = Camera(640, 360, 65.0, position=(-6.5, 0.0, 2.6), pitch_degrees=9.0, near=0.3)

GOLDEN_RATIO = 0.5 * (5.0**0.5 - 1.0)  # its multiples, modulo 1, fill 0..1 evenly


class DrivingSimulation(Simulation):
    """Cars driven in N worlds, seen through cameras mounted on them.

    Args:
        num_worlds: N.
        car: the nominal car.
        default_camera: the task's own observation camera.
        time_of_day: one of `light.TIMES_OF_DAY`.
        weather: one of `light.WEATHERS`; None samples from all but the thickest weather.
        lane_offset: see `PathTracker`.
        lookahead: see `PathTracker`.
        options: see `Simulation`.

    Attributes:
        steering_levels: shares of the largest steering angle to choose from in control mode "discrete".
        pedal_levels: pedal positions to choose from; actions enumerate all pairs, pedals fastest.
        vehicles: (N, 8) states of the cars, see `vehicle`.
        parameters: (N, 16) parameters of the cars, see `vehicle`.
        tracker: reference paths that the cars follow, and their Frenet coordinates.
        episode_seeds: (N,) seeds that determine the episodes; −1 before the first.
    """

    state_parts: ClassVar[tuple[str, ...]] = ("state", "ego", "imu")
    settled_options: ClassVar[tuple[str, ...]] = ("car", "default_camera", "lane_offset", "lookahead")
    render_modes: ClassVar[tuple[str, ...]] = ("rgb_array", "map")
    steering_levels: ClassVar[tuple[float, ...]] = (-0.7, -0.15, -0.03, 0.0, 0.03, 0.15, 0.7)
    pedal_levels: ClassVar[tuple[float, ...]] = (-1.0, -0.3, 0.0, 0.3, 1.0)
    chase_camera: ClassVar[Camera] = CHASE_CAMERA

    def __init__(
        self,
        num_worlds: int,
        car: VehicleParameters,
        default_camera: Camera,
        time_of_day: str = "day",
        weather: str | None = None,
        lane_offset: float = 0.0,
        lookahead: float = LOOKAHEAD_TIME,
        **options: Any,
    ) -> None:
        super().__init__(num_worlds, **options)
        self.conditions = Conditions(time_of_day, weather)
        cameras = parse_cameras(self.camera_option, {UNNAMED: default_camera})
        self.cameras = {name: self.conditions.seen_by(camera) for name, camera in cameras.items()}
        images = [part for part in self.obs_parts if part in IMAGE_PARTS]
        self._camera_set = CameraSet(self.cameras, images, num_worlds, self.num_threads)
        self._car = car
        self.action_space = self._make_action_space()
        self.vehicles = np.zeros((num_worlds, vehicle.NUM_STATES))
        self.parameters = np.tile(car.as_row(), (num_worlds, 1))
        self.tracker = PathTracker(num_worlds, lane_offset, lookahead)
        self.episode_seeds = np.full(num_worlds, -1, np.int64)
        self._mounts = {
            name: np.tile(camera.mount, (num_worlds, 1, 1)) for name, camera in self.cameras.items()
        }
        self._zeros = np.zeros(num_worlds)
        self._everyone = np.arange(num_worlds)
        self._chase_renderer: Renderer | None = None
        self._sketches: list[MapSketch | None] = [None] * num_worlds
        self._sketched = np.full(num_worlds, -1, np.int64)

    @abstractmethod
    def _start_episode(self, world: int, seed: int) -> None:
        """Set up everything about an episode that its seed determines, except its appearance."""

    def _locate(self, worlds: IntArray) -> None:
        """Update the Frenet coordinates of these worlds' cars, after they were moved."""
        self.tracker.locate(self.vehicles, worlds)

    @abstractmethod
    def _scene_now(self) -> DrivingScene:
        """The scene in its current state, each world in the appearance of its episode."""

    @abstractmethod
    def _sensor_spaces(self) -> dict[str, spaces.Space[Any]]:
        """Spaces of the class's `state_parts` but "ego" and "imu"."""

    @abstractmethod
    def _sense(
        self, part: str, worlds: IntArray, lateral: FloatArray, heading: FloatArray
    ) -> NDArray[Any] | dict[str, NDArray[Any]]:
        """Another of the class's `state_parts`, (n, ...), sensed from displaced poses; or entries by name."""

    @abstractmethod
    def _expert(self, lateral: FloatArray, heading: FloatArray) -> NDArray[Any]:
        """The expert's actions for cars displaced `lateral` meters and turned `heading` rad, both to the left."""

    @abstractmethod
    def _sketch(self, world: int) -> MapSketch:
        """The static part of a world's map image."""

    def _overlay(self, world: int) -> MapOverlay:
        """The changing part of a world's map image, without the driven car."""
        return MapOverlay()

    @abstractmethod
    def _own_state(self) -> dict[str, NDArray[Any]]:
        """Arrays of the task that belong to its state, by name."""

    def _make_action_space(self) -> spaces.Box | spaces.Discrete:
        if self.control_mode == "discrete":
            return spaces.Discrete(len(self.steering_levels) * len(self.pedal_levels))
        return spaces.Box(-1.0, 1.0, (2 if self.control_mode == "pedals" else 1,), np.float32)

    def _make_observation_space(self) -> spaces.Space[Any]:
        """The space of observations; to be called once the task knows its sensors."""
        parts: dict[str, spaces.Space[Any]] = dict(self._camera_set.spaces)
        sensors = {
            "ego": spaces.Box(-EGO_LIMITS, EGO_LIMITS, dtype=np.float32),
            "imu": spaces.Box(-IMU_LIMITS, IMU_LIMITS, dtype=np.float32),
            **self._sensor_spaces(),
        }
        for part in self.obs_parts:
            if part not in IMAGE_PARTS:
                space = sensors[part]
                parts |= space.spaces if isinstance(space, spaces.Dict) else {part: space}
        return join_spaces(parts)

    def _reset(self, worlds: IntArray, options: Mapping[str, Any]) -> None:
        self._camera_set.begin(worlds)
        for world in worlds:
            seed = split_seed(self.generators[world], self.randomize)
            self.episode_seeds[world] = seed
            self._start_episode(int(world), seed)
        self._locate(worlds)

    def _sample_car(self, world: int, rng: np.random.Generator) -> None:
        """Sample mass, stiffness and friction of a car."""
        share = SplitRange(0.9, 1.1)
        self.parameters[world] = self._car.as_row()
        for column in (vehicle.MASS, vehicle.FRONT_STIFFNESS, vehicle.REAR_STIFFNESS, vehicle.FRICTION):
            self.parameters[world, column] *= share.draw(rng, self.randomize)
        self.parameters[world, vehicle.INERTIA] *= self.parameters[world, vehicle.MASS] / self._car.mass

    def _sample_mounts(self, world: int, rng: np.random.Generator) -> None:
        """Sample positions and orientations of the cameras on a car."""
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

    def _controls(self, actions: NDArray[Any]) -> tuple[FloatArray, FloatArray]:
        """(N,) steering angles (rad) and (N,) pedal positions of actions in control modes "pedals" and "discrete"."""
        limit = self.parameters[:, vehicle.MAX_STEERING]
        if self.control_mode == "discrete":
            steering, pedal = np.divmod(actions, len(self.pedal_levels))
            return np.array(self.steering_levels)[steering] * limit, np.array(self.pedal_levels)[pedal]
        wanted = actions.astype(np.float64)
        return wanted[:, 0] * limit, np.ascontiguousarray(wanted[:, 1])

    def _actions_for(self, steering: FloatArray, pedals: FloatArray) -> NDArray[Any]:
        """Actions for steering angles (rad) and pedal positions; discrete ones match them on average over time."""
        share = steering / self.parameters[:, vehicle.MAX_STEERING]
        if self.control_mode == "discrete":
            threshold: FloatArray = np.mod(self.elapsed_steps * GOLDEN_RATIO, 1.0)
            turns = _choose(np.array(self.steering_levels), share, threshold)
            presses = _choose(np.array(self.pedal_levels), pedals, threshold)
            return turns * len(self.pedal_levels) + presses
        return np.clip(np.stack([share, pedals], axis=1), -1.0, 1.0).astype(np.float32)

    def expert_action(self) -> NDArray[Any]:
        """Actions of the task's expert in the current state."""
        return self._expert(self._zeros, self._zeros)

    def observe(self, worlds: IntArray | None = None) -> Observation:
        """Current observations of these worlds, all by default."""
        chosen = self._everyone if worlds is None else worlds
        return self._observe(chosen, self._zeros[chosen], self._zeros[chosen], fresh=False)

    def camera_views(self) -> tuple[SceneState, dict[str, FloatArray]]:
        """The scene in its current state and (N, 4, 4) world from camera, by camera name."""
        cars = self._car_poses(self._everyone, self._zeros, self._zeros)
        scene = self._scene_now()
        scene.move_headlights(self._everyone, cars)
        return scene.state, {name: cars @ mounts for name, mounts in self._mounts.items()}

    def displaced_views(self, lateral: FloatArray, heading: FloatArray) -> tuple[Observation, NDArray[Any]]:
        """Observations and expert actions from displaced poses; the state does not change."""
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
            scene = self._scene_now()
            scene.move_headlights(worlds, cars)
            parts = self._camera_set.observe(
                scene.state,
                poses,
                worlds,
                self.episode_seeds,
                self.elapsed_steps,
                self.vehicles[worlds, vehicle.SPEED],
                fresh,
            )
        for part in self.obs_parts:
            if part == "ego":
                parts[part] = ego_motion(self.vehicles[worlds])
            elif part == "imu":
                parts[part] = inertial(self.vehicles[worlds])
            elif part not in IMAGE_PARTS:
                sensed = self._sense(part, worlds, lateral, heading)
                parts |= sensed if isinstance(sensed, dict) else {part: sensed}
        return join_parts(parts)

    def render_frames(self, worlds: Sequence[int] | IntArray, mode: str = "rgb_array") -> NDArray[np.uint8]:
        """(n, 360, 640, 3) images from behind the cars; in mode "map" (n, 640, 640, 3) from above, north up."""
        chosen = np.asarray(worlds, np.int64)
        if mode == "map":
            return np.stack([self._render_map(int(world)) for world in chosen])
        scene = self._scene_now()
        if self._chase_renderer is None or self._chase_renderer.state is not scene.state:
            self._chase_renderer = Renderer(scene.state, self.chase_camera, ("rgb",), self.num_threads)
        poses = self._car_poses(chosen, self._zeros[chosen], self._zeros[chosen])
        scene.move_headlights(chosen, poses)
        scene.show_car(chosen, poses[:, None])
        images = self._chase_renderer.render(poses @ self.chase_camera.mount, chosen)["rgb"]
        scene.hide_car(chosen)
        return images

    def _render_map(self, world: int) -> NDArray[np.uint8]:
        if self._sketched[world] != self.episode_seeds[world]:
            self._sketches[world] = self._sketch(world)
            self._sketched[world] = self.episode_seeds[world]
        sketch, overlay = self._sketches[world], self._overlay(world)
        assert sketch is not None
        x, y, heading = self.vehicles[world, [vehicle.X, vehicle.Y, vehicle.HEADING]].tolist()
        overlay.boxes.append((x, y, heading, SEDAN.length, SEDAN.width, EGO))
        return render_map(sketch, np.array([x, y]), overlay)

    def _car_poses(self, worlds: IntArray, lateral: FloatArray, heading: FloatArray) -> FloatArray:
        """(n, 4, 4) world from car, its origin on the ground, displaced to the left and turned left."""
        poses = np.empty((len(worlds), 4, 4))
        car_poses(self.vehicles[worlds], self.tracker.frenet[worlds], lateral, heading, poses)
        return poses

    def _displaced_poses(self, worlds: IntArray, lateral: FloatArray, heading: FloatArray) -> FloatArray:
        """(n, 3) x, y, heading of cars displaced to the left and turned left."""
        poses = self.vehicles[worlds][:, [vehicle.X, vehicle.Y, vehicle.HEADING]]
        poses[:, 0] -= lateral * np.sin(poses[:, 2])
        poses[:, 1] += lateral * np.cos(poses[:, 2])
        poses[:, 2] += heading
        return np.ascontiguousarray(poses)

    def get_state(self) -> dict[str, Any]:
        """The state on which the future of all worlds depends; see `Simulation.get_state`."""
        return super().get_state() | {
            "episode_seeds": self.episode_seeds.copy(),
            "vehicles": self.vehicles.copy(),
            "frenet": self.tracker.frenet.copy(),
            "cameras": self._camera_set.get_state(),
            "own": {name: array.copy() for name, array in self._own_state().items()},
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Restore a state taken by `get_state` from a simulation with the same options.

        The cameras may differ: stored states can be rendered through others.
        """
        super().set_state(state)
        for world, seed in enumerate(state["episode_seeds"]):
            if seed >= 0 and seed != self.episode_seeds[world]:
                self.episode_seeds[world] = seed
                self._start_episode(world, int(seed))
        self.vehicles[:] = state["vehicles"]
        self.tracker.frenet[:] = state["frenet"]
        if set(state["cameras"]) == set(self.cameras):
            self._camera_set.set_state(state["cameras"])
        for name, array in self._own_state().items():
            array[...] = state["own"][name]


def _choose(levels: FloatArray, wanted: FloatArray, threshold: FloatArray) -> NDArray[np.int64]:
    """(N,) one of the two levels around each value, chosen by ordered dithering so that the mean is the value."""
    lower = np.clip(np.searchsorted(levels, wanted, side="right") - 1, 0, len(levels) - 2)
    part = (wanted - levels[lower]) / (levels[lower + 1] - levels[lower])
    return lower + (part > threshold)


def reward_of(terms: Mapping[str, FloatArray]) -> FloatArray:
    """(N,) sum of reward terms."""
    return np.asarray(sum(terms.values()), np.float64)
