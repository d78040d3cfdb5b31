"""What all driving tasks share: cars, their controls, cameras mounted on them, episodes and their state."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Protocol

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from camshaft.envs.arrays import FloatArray, IntArray, Observation
from camshaft.envs.driving.dynamics import vehicle
from camshaft.envs.driving.dynamics.vehicle import VehicleParameters
from camshaft.envs.driving.light import Conditions
from camshaft.envs.driving.maps.drawing import EGO, Actors, MapSketch, draw_map
from camshaft.envs.driving.sensors import EGO_LIMITS, IMU_LIMITS, ego_motion, inertial
from camshaft.envs.driving.traffic.kinds import SALOON
from camshaft.envs.errors import InvalidOption
from camshaft.envs.randomization import SplitRange, split_seed
from camshaft.envs.rendering import Camera, CameraSet, Renderer, SceneState, parse_cameras
from camshaft.envs.rendering.camera_set import UNNAMED
from camshaft.envs.simulation import IMAGE_PARTS, Simulation, join_parts, join_spaces

CHASE_CAMERA = Camera(640, 360, 65.0, position=(-6.5, 0.0, 2.6), pitch_degrees=9.0, near=0.3)

GOLDEN = 0.5 * (5.0**0.5 - 1.0)  # whose multiples fill 0..1 evenly


class DrivingScene(Protocol):
    """What the cars of all worlds drive through, as far as it is seen."""

    state: SceneState

    def move_headlights(self, worlds: NDArray[np.int64], poses: NDArray[np.float64]) -> None:
        """Let headlights shine from cars at (n, 4, 4) world from car, unless it is day."""

    def show_car(self, worlds: NDArray[np.int64], poses: NDArray[np.float64]) -> None:
        """Show the cars for pictures from outside; poses (n, 1, 4, 4)."""

    def hide_car(self, worlds: NDArray[np.int64]) -> None:
        """Hide the cars: a camera inside does not see its own car."""


class DrivingSimulation(Simulation):
    """Cars that are driven in N worlds, seen through cameras mounted on them.

    Args:
        num_worlds: N.
        car: the nominal car.
        default_camera: the task's own observation camera.
        time_of_day: one of `light.TIMES_OF_DAY`.
        weather: one of `light.WEATHERS`; None for any but the thickest.
        options: see `Simulation`.

    Attributes:
        steering_levels: shares of the largest angle that control mode "discrete" has to choose from.
        pedal_levels: positions of the pedal; every pair is a choice, pedals running fastest.
        vehicles: (N, 8) states of the cars, see `vehicle`.
        parameters: (N, 16) theirs.
        episode_seeds: (N,) from which everything of an episode follows; −1 before the first.
    """

    state_parts: ClassVar[tuple[str, ...]] = ("state", "ego", "imu")
    settled_options: ClassVar[tuple[str, ...]] = ("car", "default_camera")
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
        """Everything of an episode that follows from its seed, but what it looks like."""

    @abstractmethod
    def _locate(self) -> None:
        """Find where all cars are, after they were moved."""

    @abstractmethod
    def _scene_now(self) -> DrivingScene:
        """The scene, each world in the look of its episode, everything where it is now."""

    @abstractmethod
    def _car_poses(self, worlds: IntArray, lateral: FloatArray, heading: FloatArray) -> FloatArray:
        """(n, 4, 4) world from car, its origin on the ground, displaced to the left and turned left."""

    @abstractmethod
    def _sensor_spaces(self) -> dict[str, spaces.Space[Any]]:
        """Spaces of the class's `state_parts` but "ego" and "imu"."""

    @abstractmethod
    def _sense(
        self, part: str, worlds: IntArray, lateral: FloatArray, heading: FloatArray
    ) -> NDArray[Any] | dict[str, NDArray[Any]]:
        """Another of the class's `state_parts`, (n, ...), from displaced poses; or entries by name."""

    @abstractmethod
    def _expert(self, lateral: FloatArray, heading: FloatArray) -> NDArray[Any]:
        """The expert's actions, if the cars stood so much to the left and were turned so much to the left."""

    @abstractmethod
    def _sketch(self, world: int) -> MapSketch:
        """The map that a world is on, for pictures."""

    def _actors(self, world: int) -> Actors:
        """Who is on it; the car itself is added."""
        return Actors()

    @abstractmethod
    def _own_state(self) -> dict[str, NDArray[Any]]:
        """The task's own arrays that the future depends on."""

    def _make_action_space(self) -> spaces.Box | spaces.Discrete:
        if self.control_mode == "discrete":
            return spaces.Discrete(len(self.steering_levels) * len(self.pedal_levels))
        return spaces.Box(-1.0, 1.0, (2 if self.control_mode == "pedals" else 1,), np.float32)

    def _make_observation_space(self) -> spaces.Space[Any]:
        """To be called once the task knows its sensors."""
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
        self._locate()

    def _draw_car(self, world: int, rng: np.random.Generator) -> None:
        """Vary mass, stiffness and friction of a car."""
        share = SplitRange(0.9, 1.1)
        self.parameters[world] = self._car.as_row()
        for column in (vehicle.MASS, vehicle.FRONT_STIFFNESS, vehicle.REAR_STIFFNESS, vehicle.FRICTION):
            self.parameters[world, column] *= share.draw(rng, self.randomize)
        self.parameters[world, vehicle.INERTIA] *= self.parameters[world, vehicle.MASS] / self._car.mass

    def _draw_mount(self, world: int, rng: np.random.Generator) -> None:
        """Vary where the cameras sit and where they look."""
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
        """(N,) steering angles (rad) and (N,) pedals of actions in control modes "pedals" and "discrete"."""
        limit = self.parameters[:, vehicle.MAX_STEERING]
        if self.control_mode == "discrete":
            steering, pedal = np.divmod(actions, len(self.pedal_levels))
            return np.array(self.steering_levels)[steering] * limit, np.array(self.pedal_levels)[pedal]
        wanted = actions.astype(np.float64)
        return wanted[:, 0] * limit, np.ascontiguousarray(wanted[:, 1])

    def _actions_for(self, steering: FloatArray, pedals: FloatArray) -> NDArray[Any]:
        """The actions that come to steering angles (rad) and pedals; choices do so on average over some steps."""
        share = steering / self.parameters[:, vehicle.MAX_STEERING]
        if self.control_mode == "discrete":
            threshold: FloatArray = np.mod(self.elapsed_steps * GOLDEN, 1.0)
            turns = _choose(np.array(self.steering_levels), share, threshold)
            presses = _choose(np.array(self.pedal_levels), pedals, threshold)
            return turns * len(self.pedal_levels) + presses
        return np.clip(np.stack([share, pedals], axis=1), -1.0, 1.0).astype(np.float32)

    def expert_action(self) -> NDArray[Any]:
        """What the task's expert does now."""
        return self._expert(self._zeros, self._zeros)

    def observe(self, worlds: IntArray | None = None) -> Observation:
        """What the cameras and sensors of these worlds (all by default) see now."""
        chosen = self._everyone if worlds is None else worlds
        return self._observe(chosen, self._zeros[chosen], self._zeros[chosen], fresh=False)

    def camera_views(self) -> tuple[SceneState, dict[str, FloatArray]]:
        """The scene as it is now, and where the cameras are."""
        cars = self._car_poses(self._everyone, self._zeros, self._zeros)
        scene = self._scene_now()
        scene.move_headlights(self._everyone, cars)
        return scene.state, {name: cars @ mounts for name, mounts in self._mounts.items()}

    def displaced_views(self, lateral: FloatArray, heading: FloatArray) -> tuple[Observation, NDArray[Any]]:
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
        """(n, 360, 640, 3) pictures from behind the cars; in mode "map" (n, 640, 640, 3) from above, north up."""
        chosen = np.asarray(worlds, np.int64)
        if mode == "map":
            return np.stack([self._draw_map(int(world)) for world in chosen])
        scene = self._scene_now()
        if self._chase_renderer is None or self._chase_renderer.state is not scene.state:
            self._chase_renderer = Renderer(scene.state, self.chase_camera, ("rgb",), self.num_threads)
        poses = self._car_poses(chosen, self._zeros[chosen], self._zeros[chosen])
        scene.move_headlights(chosen, poses)
        scene.show_car(chosen, poses[:, None])
        pictures = self._chase_renderer.render(poses @ self.chase_camera.mount, chosen)["rgb"]
        scene.hide_car(chosen)
        return pictures

    def _draw_map(self, world: int) -> NDArray[np.uint8]:
        if self._sketched[world] != self.episode_seeds[world]:
            self._sketches[world] = self._sketch(world)
            self._sketched[world] = self.episode_seeds[world]
        sketch, actors = self._sketches[world], self._actors(world)
        assert sketch is not None
        x, y, heading = self.vehicles[world, [vehicle.X, vehicle.Y, vehicle.HEADING]].tolist()
        actors.boxes.append((x, y, heading, SALOON.length, SALOON.width, EGO))
        return draw_map(sketch, np.array([x, y]), actors)

    def get_state(self) -> dict[str, Any]:
        """Everything that the future of all worlds depends on."""
        return {
            "episode_seeds": self.episode_seeds.copy(),
            "vehicles": self.vehicles.copy(),
            "elapsed_steps": self.elapsed_steps.copy(),
            "started": self._started.copy(),
            "cameras": self._camera_set.get_state(),
            "generators": [None if rng is None else rng.bit_generator.state for rng in self.generators],
            "own": {name: array.copy() for name, array in self._own_state().items()},
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Return to a state taken by `get_state` from a simulation with the same options."""
        if np.shape(state["vehicles"]) != self.vehicles.shape:
            raise InvalidOption(
                f"the state is of {len(state['vehicles'])} worlds, this simulation has {self.num_worlds}"
            )
        for world, seed in enumerate(state["episode_seeds"]):
            if seed >= 0 and seed != self.episode_seeds[world]:
                self.episode_seeds[world] = seed
                self._start_episode(world, int(seed))
        self.vehicles[:] = state["vehicles"]
        self.elapsed_steps[:] = state["elapsed_steps"]
        self._started[:] = state["started"]
        self._camera_set.set_state(state["cameras"])
        for name, array in self._own_state().items():
            array[...] = state["own"][name]
        for world, saved in enumerate(state["generators"]):
            if saved is None:
                continue
            if self.generators[world] is None:
                self.generators[world] = np.random.default_rng()
            self.generators[world].bit_generator.state = saved


def _choose(levels: FloatArray, wanted: FloatArray, threshold: FloatArray) -> NDArray[np.int64]:
    """(N,) one of the two levels around each number, the upper one as often as it is nearer: ordered dithering."""
    lower = np.clip(np.searchsorted(levels, wanted, side="right") - 1, 0, len(levels) - 2)
    part = (wanted - levels[lower]) / (levels[lower + 1] - levels[lower])
    return lower + (part > threshold)


def reward_of(terms: Mapping[str, FloatArray]) -> FloatArray:
    """(N,) the sum of reward terms."""
    return np.asarray(sum(terms.values()), np.float64)
