"""Gymnasium's vector face: all worlds of a Simulation as one `gymnasium.vector.VectorEnv`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from camshaft.envs.arrays import BoolArray, FloatArray, IntArray, Observation
from camshaft.envs.catalogue import make_simulation
from camshaft.envs.errors import CamshaftError, InvalidOption
from camshaft.envs.simulation import Simulation
from camshaft.envs.single import check_no_worlds, check_render_mode


class TaskVectorEnv(gymnasium.vector.VectorEnv[Any, Any, Any]):
    """`num_envs` worlds of a task in one process; built by `gymnasium.make_vec`.

    Autoreset is same-step: a world that ends is reset within that step, its last observation and info are in
    `info["final_obs"]` and `info["final_info"]`, and only the worlds that ended are rendered a second time.

    Args:
        task_id: the row of the catalogue.
        num_envs: how many worlds.
        max_episode_steps: time limit in control steps.
        render_mode: one of the task's `render_modes` gives what `render()` returns; None gives none.
        options: see `camshaft.envs.simulation.Simulation` and the task's docstring.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012
        "render_modes": ["rgb_array", "map"],
        "render_fps": 20,
        "autoreset_mode": AutoresetMode.SAME_STEP,
    }

    def __init__(
        self,
        task_id: str,
        num_envs: int = 1,
        max_episode_steps: int | None = None,
        render_mode: str | None = None,
        **options: Any,
    ) -> None:
        if max_episode_steps is not None:
            options["max_episode_steps"] = max_episode_steps
        check_no_worlds(options)
        self.simulation: Simulation = make_simulation(task_id, num_envs, **options)
        self.metadata = self.metadata | {
            "render_modes": list(self.simulation.render_modes),
            "render_fps": round(self.simulation.control_frequency),
        }
        self.render_mode = check_render_mode(render_mode, self.metadata)
        self.num_envs = num_envs
        self.single_observation_space = self.simulation.observation_space
        self.single_action_space = self.simulation.action_space
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)

    def reset(  # type: ignore[override]
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Observation, dict[str, Any]]:
        """Start new episodes.

        Args:
            seed: world i gets `seed + i`, or its entry of a list; None goes on with its own random numbers.
            options: "worlds", a list of indices, or "reset_mask", a (N,) bool array, resets these worlds only;
                the rest is handed to the task.
        """
        self._check_open()
        options = dict(options or {})
        worlds = self._chosen_worlds(options)
        seeds = self._seeds(seed)
        self.simulation.reset(worlds, [seeds[world] for world in worlds], options)
        info: dict[str, Any] = {}
        self._add_infos(info, self.simulation.reset_info(worlds), worlds)
        return self.simulation.observe(), info

    def step(
        self, actions: NDArray[np.float32]
    ) -> tuple[Observation, FloatArray, BoolArray, BoolArray, dict[str, Any]]:
        """Advance every world by one control step, and reset those that ended."""
        self._check_open()
        measured = self.simulation.step(actions)
        truncated = self.simulation.truncated
        observation = self.simulation.observe()
        info: dict[str, Any] = {}
        everyone = np.arange(self.num_envs)
        infos = measured.info | {"is_success": measured.success}
        ended = np.flatnonzero(measured.terminated | truncated)
        if ended.size == 0:
            self._add_infos(info, infos, everyone)
            return observation, measured.reward, measured.terminated, truncated, info
        going = np.setdiff1d(everyone, ended)
        self._add_infos(info, {name: values[going] for name, values in infos.items()}, going)
        final_info: dict[str, Any] = {}
        self._add_infos(final_info, {name: values[ended] for name, values in infos.items()}, ended)
        info["final_info"], info["_final_info"] = final_info, np.isin(everyone, ended)
        info["final_obs"], info["_final_obs"] = (
            self._final_observations(observation, ended),
            np.isin(everyone, ended),
        )
        self.simulation.reset(ended, [None] * len(ended))
        self._add_infos(info, self.simulation.reset_info(ended), ended)
        _overwrite(observation, self.simulation.observe(ended), ended)
        return observation, measured.reward, measured.terminated, truncated, info

    def render(self) -> tuple[NDArray[np.uint8], ...] | None:  # type: ignore[override]
        """One (H, W, 3) uint8 picture a world, or None without a render mode."""
        self._check_open()
        if not self.render_mode:
            return None
        return tuple(self.simulation.render_frames(np.arange(self.num_envs), self.render_mode))

    def close_extras(self, **kwargs: Any) -> None:
        """Release the simulation."""
        self.simulation.close()

    @property  # type: ignore[misc]
    def np_random(self) -> tuple[np.random.Generator, ...]:  # type: ignore[override]
        """Each world's own random numbers."""
        return tuple(self.simulation.generators)

    def _check_open(self) -> None:
        if self.closed:
            raise CamshaftError(f"this {type(self.simulation).__name__} vector environment has been closed")

    def _seeds(self, seed: int | Sequence[int | None] | None) -> list[int | None]:
        if seed is None:
            return [None] * self.num_envs
        if isinstance(seed, int | np.integer):
            return [int(seed) + world for world in range(self.num_envs)]
        if len(seed) != self.num_envs:
            raise InvalidOption(
                f"seed must be one number or a list of {self.num_envs}, got {len(seed)} entries"
            )
        return list(seed)

    def _chosen_worlds(self, options: dict[str, Any]) -> IntArray:
        mask = options.pop("reset_mask", None)
        chosen = options.pop("worlds", None)
        if mask is not None:
            mask = np.asarray(mask)
            if mask.shape != (self.num_envs,) or mask.dtype != bool:
                raise InvalidOption(f"options['reset_mask'] must be a bool array of shape ({self.num_envs},)")
            return np.flatnonzero(mask)
        if chosen is None:
            return np.arange(self.num_envs)
        worlds = np.asarray(chosen, np.int64).reshape(-1)
        if worlds.size and (worlds.min() < 0 or worlds.max() >= self.num_envs):
            raise InvalidOption(
                f"options['worlds'] must be within 0..{self.num_envs - 1}, got {worlds.tolist()}"
            )
        return np.unique(worlds)

    def _add_infos(self, info: dict[str, Any], values: dict[str, NDArray[Any]], worlds: IntArray) -> None:
        """Put rows of `worlds` into Gymnasium's vector info: full-length arrays beside `_name` masks."""
        if not info and len(worlds) == self.num_envs:
            here = np.ones(self.num_envs, bool)
            for name, rows in values.items():
                info[name], info[f"_{name}"] = np.array(rows), here
            return
        for name, rows in values.items():
            if name not in info:
                info[name] = np.zeros((self.num_envs, *rows.shape[1:]), rows.dtype)
                info[f"_{name}"] = np.zeros(self.num_envs, bool)
            info[name][worlds] = rows
            info[f"_{name}"][worlds] = True

    def _final_observations(self, observation: Observation, ended: IntArray) -> NDArray[np.object_]:
        final = np.full(self.num_envs, None, object)
        for world in ended:
            if isinstance(observation, dict):
                final[world] = {part: values[world].copy() for part, values in observation.items()}
            else:
                final[world] = observation[world].copy()
        return final


def _overwrite(observation: Observation, rows: Observation, worlds: IntArray) -> None:
    if isinstance(observation, dict) and isinstance(rows, dict):
        for part, values in observation.items():
            values[worlds] = rows[part]
    else:
        observation[worlds] = rows  # type: ignore[index, assignment]
