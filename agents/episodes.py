"""Episodes of a rollout as columns of a dataset, in the schema of `camshaft.agents.lerobot.schema`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from camshaft.agents.lerobot.format import Feature
from camshaft.agents.lerobot.observations import column_of, observation_spaces
from camshaft.agents.lerobot.schema import (
    DONE,
    REWARD,
    SUCCESS,
    TRUNCATED,
    EpisodesFile,
    info_column,
)
from camshaft.agents.rollout import RolloutStep
from camshaft.envs.simulation import Simulation


def describe_episodes(
    simulation: Simulation, task: str, stride: int, recorded_with: Mapping[str, Any]
) -> EpisodesFile:
    """What episodes of a simulation are of."""
    cameras: Any = {name: asdict(camera) for name, camera in simulation.cameras.items()}
    environment = {
        "obs_mode": simulation.obs_mode,
        "control_mode": simulation.control_mode,
        "camera": cameras.get("", cameras),
    }
    parts = {column_of(part): part for part in observation_spaces(simulation)}
    plain = json.loads(json.dumps(environment))
    space = simulation.action_space
    choices = int(space.n) if isinstance(space, spaces.Discrete) else None
    return EpisodesFile(task, plain, parts, stride, dict(recorded_with), choices)


def action_feature(simulation: Simulation) -> Feature:
    """The column of a simulation's actions: float32 numbers, or the number of a discrete one."""
    space = simulation.action_space
    return Feature("int64") if isinstance(space, spaces.Discrete) else Feature("float32", space.shape)


class EpisodeBuilder:
    """The columns of one episode while it runs."""

    def __init__(self) -> None:
        self._columns: dict[str, list[Any]] = {}

    def begin_row(self, values: Mapping[str, Any]) -> None:
        """Add a row with what is known before its step; arrays are copied."""
        self._put(
            {name: value if isinstance(value, bytes) else np.array(value) for name, value in values.items()}
        )
        self._put({REWARD: 0.0})

    def end_step(self, step: RolloutStep, world: int) -> None:
        """Take in what a step brought; of the steps of one row, rewards add up and of the rest the last counts."""
        measured = step.measured
        self._columns[REWARD][-1] += float(measured.reward[world])
        after = {
            DONE: bool(step.done[world]),
            TRUNCATED: bool(step.truncated[world]),
            SUCCESS: bool(measured.success[world]),
            **{info_column(name): values[world] for name, values in measured.info.items()},
        }
        for name, value in after.items():
            column = self._columns.setdefault(name, [])
            del column[len(self._columns[REWARD]) - 1 :]
            column.append(value)

    def columns(self) -> dict[str, Any]:
        """Every column: an array, or a list of encoded images."""
        return {
            name: values if isinstance(values[0], bytes) else np.array(values)
            for name, values in self._columns.items()
        }

    def _put(self, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            self._columns.setdefault(name, []).append(value)


def column_feature(column: Any) -> Feature:
    """The feature of a column of numbers or truth values."""
    values: NDArray[Any] = np.asarray(column)
    kinds = {"b": "bool", "i": "int64", "u": "int64", "f": "float32"}
    return Feature(kinds[values.dtype.kind], values.shape[1:] or (1,))
