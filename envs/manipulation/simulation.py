"""Base class of the manipulation tasks: an arm at a table with bodies and cameras, in N worlds."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from camshaft.envs.arrays import FloatArray, IntArray, Observation
from camshaft.envs.errors import InvalidOption
from camshaft.envs.manipulation.arms.control import CONTROL_MODES, Controller
from camshaft.envs.manipulation.arms.kinematics import Kinematics, pointing_down
from camshaft.envs.manipulation.arms.model import load_arm
from camshaft.envs.manipulation.bodies import Body, Part
from camshaft.envs.manipulation.domain_randomization import sample_dynamics
from camshaft.envs.manipulation.episode import EpisodeStart, TableConfig
from camshaft.envs.manipulation.physics.engine import make_world
from camshaft.envs.manipulation.physics.world import Reading, Setup
from camshaft.envs.manipulation.scene.cameras import TASK_CAMERAS, VIEW, camera_poses, parse_table_cameras
from camshaft.envs.manipulation.scene.room import table_parts
from camshaft.envs.manipulation.scene.table_scene import TableScene
from camshaft.envs.manipulation.table_state import TableState
from camshaft.envs.randomization import split_seed
from camshaft.envs.rendering import Camera, CameraSet, Renderer, SceneState
from camshaft.envs.simulation import IMAGE_PARTS, Measurements, Simulation, join_parts, join_spaces

START_NOISE = 0.02  # rad, of every joint at the start of an episode, as in robosuite
STATE_LIMIT = 10.0  # meters, m/s, rad/s: bound of the state, for bodies that have fallen off the table
PROPRIOCEPTION = "proprioception"
HOME_ERROR = 1e-2  # meters and radians that inverse kinematics may leave for the initial pose


class ManipulationSimulation(TableState, Simulation):
    """Arms at tables in N worlds.

    Args:
        num_worlds: N.
        bodies: bodies of the task.
        table: options of the table.
        arm: "panda", "iiwa" or "xarm6".
        options: see `Simulation`. `camera` also takes the name of one of the task's cameras, or several names.

    Attributes, beside those of `TableState`:
        scales: (N, B) scale factors of the bodies' sizes.
        goals: (N, G) goals of a goal task.
        episode_seeds: (N,) seeds that determine the episodes; −1 before the first.
    """

    control_modes: ClassVar[tuple[str, ...]] = CONTROL_MODES
    control_frequency: ClassVar[float] = 20.0
    state_parts: ClassVar[tuple[str, ...]] = ("state", PROPRIOCEPTION)
    goal_size: ClassVar[int] = 0
    gripper_yaw: ClassVar[float] = 0.0
    task_cameras: ClassVar[Mapping[str, Camera]] = TASK_CAMERAS
    camera_names: ClassVar[tuple[str, ...]] = tuple(TASK_CAMERAS)

    settled_options: ClassVar[tuple[str, ...]] = ("bodies", "table")

    def __init__(
        self,
        num_worlds: int,
        bodies: Sequence[Body],
        table: TableConfig = TableConfig(),
        arm: str = "panda",
        **options: Any,
    ) -> None:
        super().__init__(num_worlds, **options)
        self.arm = load_arm(arm)
        self.bodies = tuple(bodies)
        self.free_bodies = [index for index, body in enumerate(self.bodies) if body.is_free]
        self.table = table
        self.kinematics = Kinematics(self.arm, num_worlds)
        self.controller = Controller(
            self.control_mode, self.kinematics, table.fingers, 1.0 / self.control_frequency
        )
        self.action_space = spaces.Box(-1.0, 1.0, (self.controller.size,), np.float32)
        self.cameras = parse_table_cameras(self.camera_option, self.task_cameras)
        images = [part for part in self.obs_parts if part in IMAGE_PARTS]
        self._camera_set = CameraSet(self.cameras, images, num_worlds, self.num_threads)
        self._table_parts: tuple[Part, ...] = table_parts(table.length, table.width, table.middle)
        self._worlds = [make_world(w, self.arm, self.bodies, self._table_parts) for w in range(num_worlds)]
        self._allocate()
        self._scene: TableScene | None = None
        self._view: Renderer | None = None
        self.observation_space = self._make_observation_space()

    @abstractmethod
    def _sample_start(self, start: EpisodeStart, rng: np.random.Generator) -> None:
        """Sample the poses of the bodies and the goal of an episode, and write them into `start`."""

    @abstractmethod
    def _measure(self) -> Measurements:
        """Reward, success and info of the current state."""

    @abstractmethod
    def _expert_targets(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Targets of the scripted expert: grasp points (N, 3) in m, yaw (N,) in rad, grip (N,): −1 closes, 1 opens."""

    def _allocate(self) -> None:
        num_worlds, count = self.num_worlds, len(self.bodies)
        joints = self.arm.num_joints
        self.joints = np.zeros((num_worlds, joints + 2))
        self.joint_velocities = np.zeros((num_worlds, joints + 2))
        self.poses = np.zeros((num_worlds, count, 7))
        self.poses[..., 6] = 1.0
        self.velocities = np.zeros((num_worlds, count, 6))
        self.sliders = np.zeros((num_worlds, count))
        self.scales = np.ones((num_worlds, count))
        self.goals = np.zeros((num_worlds, self.goal_size))
        self.episode_seeds = np.full(num_worlds, -1, np.int64)
        self._variants = np.zeros((num_worlds, count), np.int64)
        self._colors = np.ones((num_worlds, count, 3))
        self._masses = np.array([[body.mass for body in self.bodies]] * num_worlds).reshape(num_worlds, count)
        self._frictions = np.ones((num_worlds, count))
        self._latency = np.zeros(num_worlds, np.int64)
        self._camera_shifts = np.zeros((num_worlds, 6))
        self._actions: list[list[NDArray[np.float32]]] = [[] for _ in range(num_worlds)]
        self._appearance_due = np.ones(num_worlds, bool)
        self._all_worlds = np.arange(num_worlds)
        self._yaw = np.full(num_worlds, self.gripper_yaw)
        self._home = self._home_joints()

    def _home_joints(self) -> FloatArray:
        """(A,) rad that put the grasp point at home."""
        joints = np.array([self.arm.description.neutral])
        goal = pointing_down(np.array([self.table.home]), self.gripper_yaw)
        for _ in range(20):
            joints, error = Kinematics(self.arm, 1).solve(joints, goal)
        if error[0] > HOME_ERROR:
            raise InvalidOption(
                f"home {self.table.home} is out of reach of {self.arm.description.name} by {error[0]:.2f} m or rad"
            )
        return np.asarray(joints[0])

    # Episodes ---------------------------------------------------------------------------------------------------

    def _reset(self, worlds: IntArray, options: Mapping[str, Any]) -> None:
        self._camera_set.begin(worlds)
        goal = self._requested_goal(options)
        for world in worlds:
            seed = split_seed(self.generators[world], self.randomize)
            self.episode_seeds[world] = seed
            self._begin(int(world), seed, goal)
        self.kinematics.locate(self.joints[:, : self.arm.num_joints])

    def _requested_goal(self, options: Mapping[str, Any]) -> FloatArray | None:
        """(G,) goal that the options of a reset ask for; None to sample one."""
        return None

    def _begin(self, world: int, seed: int, goal: FloatArray | None = None) -> None:
        """Start the episode that a seed determines."""
        start = EpisodeStart(
            np.tile([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0], (len(self.bodies), 1)),
            np.zeros(len(self.bodies)),
            np.zeros(len(self.bodies), np.int64),
            np.array([body.color for body in self.bodies]).reshape(-1, 3),
            np.ones(len(self.bodies)),
            np.zeros(self.goal_size),
        )
        dynamics = sample_dynamics(self.bodies, start, np.random.default_rng([seed, 1]), self.randomize)
        self._masses[world], self._frictions[world] = dynamics.masses, dynamics.frictions
        self._latency[world], self._camera_shifts[world] = dynamics.latency, dynamics.camera_shift
        self._sample_start(start, np.random.default_rng([seed, 0]))
        if goal is not None:
            start.goal[:] = goal
            self._place_goal_marker(start)
        self.poses[world], self.velocities[world] = start.poses, 0.0
        self.sliders[world], self.scales[world] = start.sliders, start.scales
        self._variants[world], self._colors[world] = start.variants, start.colors
        self.goals[world] = start.goal
        self.joint_velocities[world] = 0.0
        noise = np.random.default_rng([seed, 3]).uniform(-START_NOISE, START_NOISE, self.arm.num_joints)
        self.joints[world, : self.arm.num_joints] = self._home + noise
        self.joints[world, self.arm.num_joints :] = 0.03 if self.table.fingers else 0.0
        self._actions[world] = []
        self._appearance_due[world] = True
        self._build(world)

    def _build(self, world: int) -> None:
        """Reset the physics of a world to the state and dynamics in the arrays."""
        count = self.arm.num_joints
        self._worlds[world].reset(
            Setup(
                self.joints[world, :count],
                float(self.joints[world, count:].sum()),
                self.poses[world],
                self.sliders[world],
                self.scales[world],
                self._masses[world],
                self._frictions[world],
                self._variants[world],
                int(self._latency[world]),
            )
        )

    def _place_goal_marker(self, start: EpisodeStart) -> None:
        """Put the marker of the goal at the goal; tasks without goals have none."""

    def _step(self, actions: NDArray[Any]) -> Measurements:
        for past, action in zip(self._actions, actions.copy(), strict=True):
            past.append(action)
        self._advance(self._all_worlds, actions)
        return self._measure()

    def _advance(self, worlds: IntArray, actions: NDArray[np.float32]) -> None:
        """Advance some worlds by one control step; the rows of `actions` are those of all worlds."""
        targets, rates = (rows.tolist() for rows in self.controller.targets(actions, self.joints, self._yaw))
        readings = []
        for world in worlds.tolist():
            physics = self._worlds[world]
            physics.step(targets[world], rates[world])
            readings.append(physics.read())
        self._store(worlds, readings)
        self.kinematics.locate(self.joints[:, : self.arm.num_joints])

    def _store(self, worlds: IntArray, readings: Sequence[Reading]) -> None:
        """Copy readings of some worlds into the arrays."""
        joints, rates, poses, velocities, sliders = zip(*readings, strict=True)
        self.joints[worlds], self.joint_velocities[worlds] = joints, rates
        free, sliding = self._worlds[0].free, self._worlds[0].sliding
        if free:
            self.poses[worlds[:, None], free] = poses
            self.velocities[worlds[:, None], free] = velocities
        if sliding:
            self.sliders[worlds[:, None], sliding] = sliders

    # Observation ------------------------------------------------------------------------------------------------

    @property
    def state_names(self) -> tuple[str, ...]:
        """Names of the columns of the part "state" or, for a goal task, of its "observation"."""
        bodies = (name for index in self.free_bodies for name in self.body_names(index))
        return (*self.arm_names(), *bodies, *self._task_state_names())

    def _task_state_names(self) -> tuple[str, ...]:
        """K names of the columns of `_task_state`."""
        return ()

    def _state(self) -> FloatArray:
        """(N, S) state of the arm, of the free bodies and of the task."""
        bodies = (self.body_state(index) for index in self.free_bodies)
        return np.concatenate([self.arm_state(), *bodies, self._task_state()], axis=1)

    def _task_state(self) -> FloatArray:
        """(N, K) columns of the state that only this task has."""
        return np.zeros((self.num_worlds, 0))

    def _state_spaces(self) -> dict[str, spaces.Space[Any]]:
        return {"state": self._state_space()} if "state" in self.obs_parts else {}

    def _state_space(self) -> spaces.Box:
        return _bounded(self._state().shape[1])

    def _state_parts(self, worlds: IntArray) -> dict[str, NDArray[Any]]:
        if "state" not in self.obs_parts:
            return {}
        return {"state": within_limit(self._state()[worlds]).astype(np.float32)}

    def _make_observation_space(self) -> spaces.Space[Any]:
        parts: dict[str, spaces.Space[Any]] = dict(self._camera_set.spaces)
        parts |= self._state_spaces()
        if PROPRIOCEPTION in self.obs_parts:
            parts[PROPRIOCEPTION] = _bounded(self.proprioception().shape[1])
        return join_spaces(parts)

    def observe(self, worlds: IntArray | None = None) -> Observation:
        """Current observation of some worlds, all by default."""
        chosen = self._all_worlds if worlds is None else np.asarray(worlds, np.int64)
        parts: dict[str, NDArray[Any]] = {}
        if self._camera_set.outputs:
            scene = self._scene_now(chosen)
            parts = self._camera_set.observe(
                scene.state, self._camera_poses(chosen), chosen, self.episode_seeds, self.elapsed_steps
            )
        parts |= self._state_parts(chosen)
        if PROPRIOCEPTION in self.obs_parts:
            parts[PROPRIOCEPTION] = within_limit(self.proprioception()[chosen]).astype(np.float32)
        return join_parts(parts)

    def camera_views(self) -> tuple[SceneState, dict[str, FloatArray]]:
        """The current scene, and (N, 4, 4) world from camera of each camera by name."""
        return self._scene_now(self._all_worlds).state, self._camera_poses(self._all_worlds)

    def _scene_now(self, worlds: IntArray) -> TableScene:
        """The scene, created on first use, with these worlds up to date."""
        if self._scene is None:
            self._scene = TableScene(self.num_worlds, self.arm, self.bodies, self._table_parts)
        for world in worlds[self._appearance_due[worlds]]:
            rng = np.random.default_rng([max(int(self.episode_seeds[world]), 0), 2])
            self._scene.apply_appearance(
                int(world),
                rng,
                self.randomize,
                self.scales[world],
                self._variants[world],
                self._colors[world],
            )
            self._appearance_due[world] = False
        fingers = self.joints[worlds, self.arm.num_joints :]
        self._scene.update(
            worlds, self.kinematics.frames[worlds], fingers, self.poses[worlds], self.sliders[worlds]
        )
        return self._scene

    def _camera_poses(self, worlds: IntArray) -> dict[str, FloatArray]:
        hands = self.kinematics.frames[worlds, -1]
        shifts = self._camera_shifts[worlds]
        return {name: camera_poses(name, camera, shifts, hands) for name, camera in self.cameras.items()}

    def render_frames(self, worlds: Sequence[int] | IntArray, mode: str = "rgb_array") -> NDArray[np.uint8]:
        """(n, 360, 480, 3) images of the table from outside."""
        chosen = np.asarray(worlds, np.int64)
        scene = self._scene_now(chosen)
        if self._view is None:
            self._view = Renderer(scene.state, VIEW, ("rgb",), self.num_threads)
        return np.asarray(self._view.render(np.tile(VIEW.mount, (len(chosen), 1, 1)), chosen)["rgb"])

    # Expert -----------------------------------------------------------------------------------------------------

    def expert_action(self) -> NDArray[np.float32]:
        """(N, size) actions of the task's scripted expert."""
        positions, yaw, grip = self._expert_targets()
        return self.controller.toward(positions, yaw, grip, self.joints)

    # State ------------------------------------------------------------------------------------------------------

    def get_state(self) -> dict[str, Any]:
        """Everything that the future of all worlds depends on.

        Of the physics it is the seed of the episode and every action since: PyBullet keeps more than it tells.
        """
        return super().get_state() | {
            "episode_seeds": self.episode_seeds.copy(),
            "goals": self.goals.copy(),
            "actions": [np.array(actions, np.float32) for actions in self._actions],
            "cameras": self._camera_set.get_state(),
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Return to a state taken by `get_state` from a simulation with the same options.

        The physics restarts and is taken through the same actions, which takes as long as they did. Cameras and
        `obs_mode` may differ: stored states can be rendered again through others.
        """
        super().set_state(state)
        for world, seed in enumerate(state["episode_seeds"]):
            if seed < 0:
                continue
            self.episode_seeds[world] = seed
            goal = state["goals"][world] if self.goal_size else None
            self._begin(world, int(seed), goal)
        self.kinematics.locate(self.joints[:, : self.arm.num_joints])
        self._replay(state["actions"])
        if set(state["cameras"]) == set(self.cameras):
            self._camera_set.set_state(state["cameras"])

    def _replay(self, actions: Sequence[NDArray[np.float32]]) -> None:
        """Repeat the actions (T, size) of every world; worlds with fewer of them stop after their last one."""
        idle = np.zeros(self.controller.size, np.float32)
        for number in range(max(map(len, actions), default=0)):
            running = [world for world in range(self.num_worlds) if number < len(actions[world])]
            rows = np.array(
                [actions[w][number] if number < len(actions[w]) else idle for w in range(self.num_worlds)]
            )
            for world in running:
                self._actions[world].append(rows[world])
            self._advance(np.array(running), rows)

    def close(self) -> None:
        """Release the physics engine."""
        for world in self._worlds:
            world.close()


def _bounded(size: int) -> spaces.Box:
    limits = np.full(size, STATE_LIMIT, np.float32)
    return spaces.Box(-limits, limits, dtype=np.float32)


def within_limit(values: FloatArray) -> FloatArray:
    """Values clipped to ±STATE_LIMIT, the bounds of the state."""
    return np.asarray(np.minimum(np.maximum(values, -STATE_LIMIT), STATE_LIMIT))
