"""Agents of Stable-Baselines3, from the zip files that it saves."""

from __future__ import annotations

import importlib
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from camshaft.agents.policies.base import Policy
from camshaft.agents.policies.batching import ROWS, FixedBatches
from camshaft.envs.errors import CorruptFile, InvalidOption
from camshaft.envs.simulation import Simulation
from camshaft.perception.runs.durable_files import read_file

NORMALIZATION_FILE = "normalization.json"
SIGNS = (  # an entry of an algorithm's data, or a word of its policy's module, that those below it lack
    ("crossq", "sb3_contrib", "CrossQ"),
    ("top_quantiles_to_drop_per_net", "sb3_contrib", "TQC"),
    ("n_quantiles", "sb3_contrib", "QRDQN"),
    ("cg_damping", "sb3_contrib", "TRPO"),
    ("clip_range", "stable_baselines3", "PPO"),
    ("gae_lambda", "stable_baselines3", "A2C"),
    ("exploration_fraction", "stable_baselines3", "DQN"),
    ("target_policy_noise", "stable_baselines3", "TD3"),
    ("ent_coef", "stable_baselines3", "SAC"),
)
RECURRENT = "recurrent"  # a word of the modules of policies that need more than an observation


class SB3Policy(Policy):
    """An agent of Stable-Baselines3 as a policy.

    Args:
        agent: with `predict`.
        name: in tables.
        scales: how observations are normalized, as `camshaft.agents.rl.sb3_state.normalization` gives it; None for not.
        env_options: options of the task that it needs, by default the state alone.
    """

    def __init__(
        self,
        agent: Any,
        name: str,
        scales: Mapping[str, Any] | None = None,
        env_options: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.env_options = {"obs_mode": "state", **(env_options or {})}
        self._agent, self._scales = agent, scales
        self._batches: FixedBatches | None = None

    @classmethod
    def load(cls, path: str | Path) -> SB3Policy:
        """Read an agent's zip file, and normalization.json beside it if it is there.

        Reading it unpickles, which runs code that the file holds: only for files that you trust.

        Raises:
            CorruptFile: the file is missing, or no agent.
            InvalidOption: it is of an algorithm that is not known here.
        """
        path = Path(path)
        name = path.stem if path.stem != "agent" else path.resolve().parent.name
        agent = _algorithm(path).load(path, device="cpu")
        return cls(agent, name, _read_scales(path.with_name(NORMALIZATION_FILE)))

    def bind(self, simulation: Simulation) -> None:
        """Check the spaces of a simulation.

        Raises:
            InvalidOption: the agent was trained on other observations or actions.
        """
        for what, space, expected in (
            ("observations", simulation.observation_space, self._agent.observation_space),
            ("actions", simulation.action_space, self._agent.action_space),
        ):
            if _shapes(space) != _shapes(expected):
                raise InvalidOption(
                    f"{self.name} was trained on {what} {_shapes(expected)}, the task has {_shapes(space)}"
                )
        space = simulation.observation_space
        space.seed(0)
        samples: list[Any] = [space.sample() for _ in range(ROWS)]
        if isinstance(samples[0], Mapping):
            example = _rows({name: np.stack([each[name] for each in samples]) for name in samples[0]})
        else:
            example = _rows({"": np.stack(samples)})
        self._batches = FixedBatches(self._answer, example)

    def act(self, observation: Any, deterministic: bool = True) -> NDArray[Any]:
        """The agent's actions."""
        if not deterministic:
            return np.asarray(self._agent.predict(self._scaled(observation), deterministic=False)[0])
        inputs = _rows(observation if isinstance(observation, Mapping) else {"": observation})
        answer = self._batches(inputs) if self._batches is not None else self._answer(inputs)
        actions: NDArray[Any] = answer["actions"].numpy()
        return actions

    def _answer(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        observation = {name: values.numpy() for name, values in inputs.items()}
        given: Any = observation.get("", observation)
        return {"actions": torch.from_numpy(self._agent.predict(self._scaled(given), deterministic=True)[0])}

    def _scaled(self, observation: Any) -> Any:
        if self._scales is None:
            return observation
        scales = self._scales
        return {
            name: np.clip(
                (values - scales["mean"][name])
                / np.sqrt(np.asarray(scales["variance"][name]) + scales["epsilon"]),
                -scales["clip"],
                scales["clip"],
            ).astype(np.float32)
            for name, values in observation.items()
        }


def _algorithm(path: Path) -> Any:
    """The class of the algorithm that saved a zip file, told by what its data hold."""
    try:
        with zipfile.ZipFile(path) as archive:
            data = json.loads(archive.read("data"))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise CorruptFile(f"{path} is no agent of Stable-Baselines3: {error}") from error
    policy_class = data.get("policy_class", {})
    words = str(policy_class.get("__module__", "")).split(".") if isinstance(policy_class, dict) else []
    if RECURRENT in words:
        raise InvalidOption(f"{path} holds a recurrent agent, whose state Camshaft does not keep")
    for sign, package, name in SIGNS:
        if sign in data or sign in words:
            return getattr(importlib.import_module(package), name)
    known = ", ".join(name for _, _, name in SIGNS)
    raise InvalidOption(f"{path} was saved by an algorithm that is not known here. Accepted: {known}")


def _read_scales(path: Path) -> dict[str, Any] | None:
    """How observations are normalized, as `camshaft train goals` keeps it beside the agent."""
    if not path.exists():
        return None
    try:
        scales = json.loads(read_file(path))
        scales["mean"], scales["variance"], scales["epsilon"], scales["clip"]
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptFile(f"{path} does not say how observations are normalized: {error}") from error
    return dict(scales)


def _rows(observation: Mapping[str, NDArray[Any]]) -> dict[str, Tensor]:
    return {
        name: torch.from_numpy(np.require(values, requirements=["C", "W"]))
        for name, values in observation.items()
    }


def _shapes(space: Any) -> Any:
    """A space in short: shapes by part, or a number of choices."""
    if hasattr(space, "spaces"):
        return {name: tuple(each.shape) for name, each in sorted(space.spaces.items())}
    return f"{space.n} discrete" if hasattr(space, "n") else tuple(space.shape)
