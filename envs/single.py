"""Gymnasium's single face: one world of a Simulation as a `gymnasium.Env`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from camshaft.envs.arrays import Observation
from camshaft.envs.catalogue import make_simulation
from camshaft.envs.errors import CamshaftError, InvalidOption
from camshaft.envs.goal import GoalSimulation
from camshaft.envs.simulation import Simulation


class TaskEnv(gymnasium.Env[Any, NDArray[np.float32]]):
    """One world of a task; built by `gymnasium.make`.

    The episode's time limit is Gymnasium's `TimeLimit` wrapper, put on by `gymnasium.make`.

    Args:
        task_id: the row of the catalogue.
        render_mode: one of the task's `render_modes` ("rgb_array": pictures for people) gives what `render()` returns;
            None gives none.
        options: see `camshaft.envs.simulation.Simulation` and the task's docstring.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array", "map"], "render_fps": 20}  # noqa: RUF012

    def __init__(self, task_id: str, render_mode: str | None = None, **options: Any) -> None:
        check_no_worlds(options)
        self.simulation: Simulation = make_simulation(task_id, 1, **options)
        self.metadata = self.metadata | {
            "render_modes": list(self.simulation.render_modes),
            "render_fps": round(self.simulation.control_frequency),
        }
        self.render_mode = check_render_mode(render_mode, self.metadata)
        self.observation_space = self.simulation.observation_space
        self.action_space = self.simulation.action_space
        self._closed = False

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Start a new episode; without a seed the random numbers go on from the last episode."""
        self._check_open()
        self.simulation.reset([0], [seed], options)
        return first_world(self.simulation.observe()), self._first_info(
            self.simulation.reset_info(np.array([0]))
        )

    def step(self, action: NDArray[np.float32]) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Advance by one control step."""
        self._check_open()
        if np.shape(action) != self.action_space.shape:
            raise InvalidOption(f"action must have shape {self.action_space.shape}, got {np.shape(action)}")
        measured = self.simulation.step(np.asarray(action)[None])
        info = self._first_info(measured.info | {"is_success": measured.success})
        observation = first_world(self.simulation.observe())
        return observation, float(measured.reward[0]), bool(measured.terminated[0]), False, info

    def render(self) -> NDArray[np.uint8] | None:  # type: ignore[override]
        """(H, W, 3) uint8 picture for people, or None without a render mode."""
        self._check_open()
        return self.simulation.render_frames([0], self.render_mode)[0] if self.render_mode else None

    def close(self) -> None:
        """Release the simulation; closing twice does nothing."""
        if not self._closed:
            self.simulation.close()
        self._closed = True

    @property
    def _np_random(self) -> np.random.Generator | None:  # type: ignore[override]
        """Gymnasium's random numbers are the world's own."""
        return self.simulation.generators[0]

    @_np_random.setter
    def _np_random(self, value: np.random.Generator | None) -> None:
        self.simulation.generators[0] = value  # type: ignore[assignment]

    @property
    def _np_random_seed(self) -> int | None:  # type: ignore[override]
        return self.simulation.seeds[0]

    @_np_random_seed.setter
    def _np_random_seed(self, value: int | None) -> None:
        self.simulation.seeds[0] = value

    def _check_open(self) -> None:
        if self._closed:
            raise CamshaftError(f"this {type(self.simulation).__name__} environment has been closed")

    @staticmethod
    def _first_info(info: dict[str, NDArray[Any]]) -> dict[str, Any]:
        return {name: values[0].item() if values[0].ndim == 0 else values[0] for name, values in info.items()}


class GoalTaskEnv(TaskEnv):
    """One world of a goal task: with the `compute_reward` of the GoalEnv convention, where goals are observed."""

    @property
    def compute_reward(self) -> Callable[..., Any]:
        """What a goal is worth, see `camshaft.envs.goal.GoalSimulation`; there only where `obs_mode` has "state"."""
        simulation = self.simulation
        assert isinstance(simulation, GoalSimulation)
        if "state" not in simulation.obs_parts:
            raise AttributeError("compute_reward is there only where obs_mode has 'state', with both goals")
        return simulation.compute_reward


def check_no_worlds(options: dict[str, Any]) -> None:
    """Refuse the number of worlds among the options of an environment."""
    if "num_worlds" in options:
        raise InvalidOption(
            "num_worlds is an option of simulations: gymnasium.make_vec(…, num_envs=N) makes N worlds"
        )


def check_render_mode(render_mode: str | None, metadata: dict[str, Any]) -> str | None:
    """Return `render_mode` if the environments offer it."""
    if render_mode is not None and render_mode not in metadata["render_modes"]:
        raise InvalidOption(
            f"unknown render_mode {render_mode!r}. Accepted: None, {', '.join(metadata['render_modes'])}"
        )
    return render_mode


def first_world(observation: Observation) -> Observation:
    """The observation of world 0, without the batch axis."""
    if isinstance(observation, dict):
        return {part: values[0] for part, values in observation.items()}
    return observation[0]
