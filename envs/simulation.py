"""The batched contract that every task implements: independent worlds, stepped together."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import gymnasium
import numpy as np
from gymnasium.utils import seeding
from numpy.typing import NDArray

from camshaft.envs.arrays import BoolArray, FloatArray, IntArray, Observation
from camshaft.envs.errors import CamshaftError, InvalidOption, check_choice, check_seed
from camshaft.envs.kernels import check_num_threads
from camshaft.envs.metrics import Metric
from camshaft.envs.randomization import Split

if TYPE_CHECKING:
    from camshaft.envs.rendering import Camera, SceneState


IMAGE_PARTS = ("rgb", "depth", "segmentation", "instances")


@dataclass
class Measurements:
    """What one step brought, one row a world.

    Attributes:
        reward: (N,).
        terminated: (N,) whether the task itself ended the episode.
        success: (N,) whether the task is achieved as things stand; reported as `is_success`.
        info: name to (N,) array; reward terms are named `reward/<term>` and sum to `reward`.
    """

    reward: FloatArray
    terminated: BoolArray
    success: BoolArray
    info: dict[str, NDArray[Any]] = field(default_factory=dict)


class Simulation(ABC):
    """`num_worlds` independent copies of one task, stepped together.

    World i depends on its own seed alone, never on its neighbors or on their number. Everything else that an
    environment needs (Gymnasium's single and vector faces, autoreset, time limits, recording) is written once
    over this class.

    Args:
        num_worlds: how many copies.
        obs_mode: parts of the observation joined by "+": rgb, depth, segmentation, instances and the class's
            `state_parts`. One part is observed as a Box, several as a Dict.
        control_mode: what an action means; one of the class's `control_modes`, the first by default.
        reward_mode: "dense" or "sparse".
        camera: what the observation camera is: a Camera, (width, height), or a mapping of Camera's fields that
            differ from the task's own camera. Or several cameras: a mapping of names to any of these; the parts of
            the observation are then named "<camera>/<part>".
        randomize: None for the nominal appearance and dynamics, "train" or "test" for disjoint variations.
        num_threads: threads that render, by default one per available core.
        max_episode_steps: length of an episode in control steps.

    Raises:
        InvalidOption: an option is not accepted; the message names the accepted ones.
    """

    control_modes: ClassVar[tuple[str, ...]]
    reward_modes: ClassVar[tuple[str, ...]] = ("dense", "sparse")
    control_frequency: ClassVar[float]
    state_parts: ClassVar[tuple[str, ...]] = ("state",)
    settled_options: ClassVar[tuple[str, ...]] = ()  # of the constructor, that every subclass settles
    render_modes: ClassVar[tuple[str, ...]] = ("rgb_array",)
    camera_names: ClassVar[tuple[str, ...]] = ()  # of cameras to choose among, where a task has several
    metrics: ClassVar[tuple[Metric, ...]] = ()  # of an episode, the most telling first

    observation_space: gymnasium.Space[Any]
    action_space: gymnasium.spaces.Box | gymnasium.spaces.Discrete
    cameras: dict[str, Camera]

    def __init__(
        self,
        num_worlds: int = 1,
        *,
        obs_mode: str = "rgb",
        control_mode: str | None = None,
        reward_mode: str = "dense",
        camera: Any = None,
        randomize: Split = None,
        num_threads: int | None = None,
        max_episode_steps: int,
    ) -> None:
        self.num_worlds = _positive_integer("num_worlds", num_worlds)
        self.obs_parts = _parse_obs_mode(obs_mode, (*IMAGE_PARTS, *self.state_parts))
        self.obs_mode = obs_mode
        if control_mode is None:
            control_mode = self.control_modes[0]
        self.control_mode = check_choice("control_mode", control_mode, self.control_modes)
        self.reward_mode = check_choice("reward_mode", reward_mode, self.reward_modes)
        if randomize is not None:
            check_choice("randomize", randomize, ("train", "test"), "Or None for the nominal ones.")
        self.randomize = randomize
        self.camera_option = camera
        self.num_threads = check_num_threads(num_threads, self.num_worlds)
        self.max_episode_steps = _positive_integer("max_episode_steps", max_episode_steps)
        self.generators: list[np.random.Generator] = [None] * self.num_worlds  # type: ignore[list-item]
        self.seeds: list[int | None] = [None] * self.num_worlds
        self.elapsed_steps = np.zeros(self.num_worlds, np.int64)
        self._started = np.zeros(self.num_worlds, bool)

    @classmethod
    def option_names(cls) -> list[str]:
        """Every option that a user of this class may give: what constructors take, but what subclasses settle."""
        names: set[str] = set()
        settled: set[str] = set()
        for base in cls.__mro__:
            settled |= set(vars(base).get("settled_options", ()))
            if "__init__" in vars(base) and base is not object:
                names |= set(inspect.signature(base.__init__).parameters)  # type: ignore[misc]
        return sorted(names - settled - {"self", "num_worlds", "options", "kwargs", "args"})

    @property
    @abstractmethod
    def state_names(self) -> tuple[str, ...]:
        """Names of the columns of the part "state" or, where that is a Dict, of its "observation"."""

    def reset(
        self,
        worlds: Sequence[int] | IntArray | None = None,
        seeds: Sequence[int | None] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        """Start new episodes.

        Args:
            worlds: which worlds, all by default.
            seeds: one per entry of `worlds`; None goes on with that world's own random numbers.
            options: for the task; most have none.

        Raises:
            InvalidOption: the task has no such options, or a seed is below 0. Nothing has changed then.
        """
        asked = dict(options or {})
        self._check_options(asked)
        chosen = np.arange(self.num_worlds) if worlds is None else np.asarray(worlds, np.int64)
        given = [None] * len(chosen) if seeds is None else list(seeds)
        for seed in given:
            if seed is not None:
                check_seed(seed)
        self._started[chosen] = False  # until all of it has worked
        for world, seed in zip(chosen, given, strict=True):
            if seed is not None or self.generators[world] is None:
                self.generators[world], self.seeds[world] = seeding.np_random(seed)
        self.elapsed_steps[chosen] = 0
        self._reset(chosen, asked)
        self._started[chosen] = True

    def step(self, actions: NDArray[Any]) -> Measurements:
        """Advance every world by one control step.

        Args:
            actions: (N, A) within the action space, finite values beyond it are clipped; or (N,) whole numbers of a
                discrete action space.

        Raises:
            InvalidOption: wrong shape, values that are not finite, or numbers of no action.
            CamshaftError: a world has not been reset yet.
        """
        checked = self._check_actions(actions)
        if not self._started.all():
            raise CamshaftError(f"worlds {np.flatnonzero(~self._started).tolist()} must be reset before step")
        self.elapsed_steps += 1
        return self._step(checked)

    @property
    def truncated(self) -> BoolArray:
        """(N,) whether the episode has reached its time limit."""
        return self.elapsed_steps >= self.max_episode_steps

    def _check_options(self, options: Mapping[str, Any]) -> None:
        """Raise InvalidOption for options of `reset` that the task does not have."""
        if options:
            raise InvalidOption(f"{type(self).__name__} takes no reset options, got {sorted(options)}")

    @abstractmethod
    def _reset(self, worlds: IntArray, options: Mapping[str, Any]) -> None:
        """Draw new episodes for `worlds`, world w from `self.generators[w]` alone; the options are checked."""

    @abstractmethod
    def _step(self, actions: NDArray[Any]) -> Measurements:
        """Advance every world by `actions`, (N, A) float32 or (N,) int64, within the action space."""

    @abstractmethod
    def observe(self, worlds: IntArray | None = None) -> Observation:
        """What the cameras and sensors of these worlds see now: arrays (n, ...) in memory of their own.

        Args:
            worlds: (n,) indices, all by default.
        """

    @abstractmethod
    def expert_action(self) -> NDArray[Any]:
        """What an expert who knows the true state does now: (N, A) float32, or (N,) int64 of discrete actions."""

    @abstractmethod
    def reset_info(self, worlds: IntArray) -> dict[str, NDArray[Any]]:
        """Info of the first observation, rows of `worlds`."""

    @abstractmethod
    def render_frames(self, worlds: Sequence[int] | IntArray, mode: str = "rgb_array") -> NDArray[np.uint8]:
        """(n, H, W, 3) pictures for people, larger than the observation, in one of the class's `render_modes`."""

    def get_state(self) -> dict[str, Any]:
        """The state on which the future of all worlds depends; `set_state` restores it bit for bit.

        Subclasses add the task's own entries to those of the episodes: random generators, seeds, elapsed steps.
        """
        return {
            "generators": [None if rng is None else rng.bit_generator.state for rng in self.generators],
            "seeds": list(self.seeds),
            "elapsed_steps": self.elapsed_steps.copy(),
            "started": self._started.copy(),
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Restore a state taken by `get_state` from a simulation with the same options.

        Raises:
            InvalidOption: the state has another number of worlds. Nothing has changed then.
        """
        count = len(state["generators"])
        if count != self.num_worlds:
            raise InvalidOption(f"the state is of {count} worlds, this simulation has {self.num_worlds}")
        self.generators[:] = [_restored_generator(saved) for saved in state["generators"]]
        self.seeds[:] = state["seeds"]
        self.elapsed_steps[:] = state["elapsed_steps"]
        self._started[:] = state["started"]

    def camera_views(self) -> tuple[SceneState, dict[str, FloatArray]]:
        """What a renderer of one's own needs, for labels that observations do not have.

        Returns:
            The scene, everything where it is now; and (N, 4, 4) world from camera of each camera by name.
        """
        raise CamshaftError(f"{type(self).__name__} does not show its scene; its labels are {IMAGE_PARTS}")

    def displaced_views(
        self, lateral: FloatArray, heading: FloatArray
    ) -> tuple[Observation, NDArray[np.float32]]:
        """What would be seen, and rightly done, from a displaced pose; the state does not change.

        Args:
            lateral: (N,) meters to the left of the true pose.
            heading: (N,) radians, turned to the left.

        Returns:
            The observation batch and the expert's (N, A) actions there.
        """
        raise CamshaftError(f"{type(self).__name__} has no displaced viewpoints")

    def recover(self, worlds: Sequence[int] | IntArray) -> None:
        """Put these worlds right as a safety driver would, and go on: an intervention."""
        raise CamshaftError(f"{type(self).__name__} has no interventions")

    def close(self) -> None:  # noqa: B027  most tasks hold nothing but memory
        """Release what the simulation holds."""

    def _check_actions(self, actions: NDArray[Any]) -> NDArray[Any]:
        if isinstance(self.action_space, gymnasium.spaces.Discrete):
            return self._check_choices(np.asarray(actions), int(self.action_space.n))
        try:
            checked = np.asarray(actions, np.float32)
        except (TypeError, ValueError) as error:
            raise InvalidOption(f"actions must be numbers, got {actions!r}") from error
        expected = (self.num_worlds, *self.action_space.shape)
        if checked.shape != expected:
            raise InvalidOption(f"actions must have shape {expected}, got {checked.shape}")
        finite = np.isfinite(checked)
        if not finite.all():
            world = int(np.flatnonzero(~finite.reshape(self.num_worlds, -1).all(axis=1))[0])
            raise InvalidOption(f"actions must be finite, world {world} was given {checked[world].tolist()}")
        return np.minimum(np.maximum(checked, self.action_space.low), self.action_space.high)

    def _check_choices(self, actions: NDArray[Any], count: int) -> NDArray[np.int64]:
        if actions.shape != (self.num_worlds,) or not np.issubdtype(actions.dtype, np.integer):
            raise InvalidOption(
                f"actions must be {self.num_worlds} whole numbers, got {actions.dtype} of shape {actions.shape}"
            )
        if (actions < 0).any() or (actions >= count).any():
            raise InvalidOption(f"actions must be within 0..{count - 1}, got {actions.tolist()}")
        return actions.astype(np.int64)


def join_parts(parts: dict[str, NDArray[Any]]) -> Observation:
    """An observation of these parts: one alone as it is, several by name."""
    return next(iter(parts.values())) if len(parts) == 1 else parts


def join_spaces(parts: Mapping[str, gymnasium.Space[Any]]) -> gymnasium.Space[Any]:
    """The space of observations of these parts."""
    return next(iter(parts.values())) if len(parts) == 1 else gymnasium.spaces.Dict(dict(parts))


def _restored_generator(state: Mapping[str, Any] | None) -> np.random.Generator:
    """A generator in a saved state; None, of a world that was never reset, as it is."""
    if state is None:
        return None  # type: ignore[return-value]
    generator = np.random.default_rng()
    generator.bit_generator.state = state
    return generator


def _positive_integer(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise InvalidOption(f"{name} must be a whole number of at least 1, got {value!r}")
    return int(value)


def _parse_obs_mode(obs_mode: str, accepted: tuple[str, ...]) -> tuple[str, ...]:
    if not isinstance(obs_mode, str):
        raise InvalidOption(f"obs_mode must be text such as 'rgb' or 'rgb+depth', got {obs_mode!r}")
    parts = tuple(obs_mode.split("+"))
    for part in parts:
        check_choice("obs_mode", part, accepted, "Join several by '+'.")
    if len(set(parts)) != len(parts):
        raise InvalidOption(f"obs_mode {obs_mode!r} names a part twice")
    return parts
