"""Policies: what turns observations into actions, and the folder that one is kept in."""

from __future__ import annotations

import importlib.metadata
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from camshaft.envs.errors import CorruptFile, InvalidOption, UnknownName, check_choice
from camshaft.perception.runs.model_folder import CONFIG_FILE, read_config, read_weights, save_model
from camshaft.perception.zoo import create_model


class Policy(ABC):
    """Turns a batch of observations, one row a world, into a batch of actions."""

    @abstractmethod
    def act(self, observation: Any, deterministic: bool = True) -> NDArray[np.float32]:
        """Choose actions.

        Args:
            observation: an observation batch, as a Simulation's `observe` returns it.
            deterministic: the most likely action, rather than a sample.

        Returns:
            (N, A) float32 in [-1, 1].
        """

    @abstractmethod
    def reset(self, done_mask: NDArray[np.bool_]) -> None:
        """Forget what was seen in the worlds whose episode ended.

        Args:
            done_mask: (N,) which worlds.
        """


class ConvPolicy(nn.Module, Policy):
    """A convolutional encoder and a linear head: one camera frame in, one action out.

    The head's output is in standard deviations of the training actions, so that the loss and the head's first
    outputs have the same scale whatever the action: `action = action_mean + action_std * output`.

    Args:
        model: name of the encoder in the zoo.
        action_dim: width of an action.
        model_options: arguments of the encoder.
        action_mean: of each part of the training actions, 0 by default.
        action_std: likewise, 1 by default.
        task: id of the task this policy is for.
        env_options: options of the task that it needs (obs_mode, control_mode, camera, ...), as JSON.

    Attributes:
        config: all of these arguments and the version of Camshaft; what `config.json` holds.
    """

    action_mean: Tensor
    action_std: Tensor

    def __init__(
        self,
        model: str = "pilotnet",
        action_dim: int = 1,
        *,
        model_options: Mapping[str, Any] | None = None,
        action_mean: Sequence[float] | None = None,
        action_std: Sequence[float] | None = None,
        task: str | None = None,
        env_options: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.config: dict[str, Any] = {
            "model": model,
            "action_dim": int(action_dim),
            "model_options": dict(model_options or {}),
            "action_mean": _row("action_mean", action_mean, action_dim, 0.0),
            "action_std": _row("action_std", action_std, action_dim, 1.0),
            "task": task,
            "env_options": dict(env_options or {}),
            "camshaft_version": _version(),
        }
        self.encoder = create_model(model, **self.config["model_options"])
        self.head = nn.Linear(self.encoder.out_dim, action_dim)
        self.register_buffer("action_mean", torch.tensor(self.config["action_mean"]), persistent=False)
        self.register_buffer("action_std", torch.tensor(self.config["action_std"]), persistent=False)
        self.to(memory_format=torch.channels_last)

    @property
    def name(self) -> str:
        """What tables call this policy: its encoder's name."""
        return str(self.config["model"])

    def normalized_actions(self, images: Tensor) -> Tensor:
        """The head's output, (B, A) float32, in standard deviations from the mean of the training actions."""
        features = self.encoder(images)
        with torch.autocast(features.device.type, enabled=False):
            output: Tensor = self.head(features.float())
        return output

    def forward(self, images: Tensor) -> Tensor:
        """Actions, (B, A) float32, for frames as the encoder takes them; not clipped."""
        return self.action_mean + self.action_std * self.normalized_actions(images)

    @torch.no_grad()
    def act(self, observation: Any, deterministic: bool = True) -> NDArray[np.float32]:
        """Choose actions from camera frames.

        Args:
            observation: (N, H, W, 3) uint8 frames, or a dict with such an entry "rgb".
            deterministic: accepted for the sake of the interface; this policy never samples.

        Returns:
            (N, A) float32 in [-1, 1].

        Raises:
            InvalidOption: the observation has no such frames.
        """
        frames = torch.from_numpy(np.require(_frames(observation), requirements=["C", "W"]))
        was_training = self.training
        self.eval()
        actions = self(frames.to(self.action_mean.device)).clamp(-1.0, 1.0)
        self.train(was_training)
        result: NDArray[np.float32] = actions.cpu().numpy()
        return result

    def reset(self, done_mask: NDArray[np.bool_]) -> None:
        """Nothing to forget: each action depends on the present frame alone."""

    def save(self, folder: str | Path) -> None:
        """Write `config.json` and `model.safetensors`, with checksums, each whole or not at all."""
        save_model(Path(folder), self, self.config)

    @classmethod
    def load(cls, folder: str | Path, device: str | torch.device = "cpu") -> ConvPolicy:
        """Read a policy that `save` wrote. Nothing is unpickled.

        Raises:
            CorruptFile: a file is missing, truncated, altered, or of another architecture.
            UnknownName: the policy is of a model that this version of Camshaft does not have.
        """
        folder = Path(folder)
        config = read_config(folder, "policy", (*_ARGUMENTS, "camshaft_version"))
        policy = cls._from_config(config, folder / CONFIG_FILE)
        read_weights(folder, config, policy)
        policy.config["camshaft_version"] = config["camshaft_version"]
        return policy.to(device).eval()

    @classmethod
    def _from_config(cls, config: Mapping[str, Any], path: Path) -> ConvPolicy:
        arguments = {name: value for name, value in config.items() if name in _ARGUMENTS}
        try:
            return cls(**arguments)
        except UnknownName as error:
            raise UnknownName(f"{path}: {error}") from error
        except (InvalidOption, TypeError, ValueError) as error:
            raise CorruptFile(f"{path} does not describe a policy: {error}") from error


_ARGUMENTS = ("model", "action_dim", "model_options", "action_mean", "action_std", "task", "env_options")


def _frames(observation: Any) -> NDArray[np.uint8]:
    if isinstance(observation, Mapping):
        hint = "This policy needs camera frames: an obs_mode with 'rgb'."
        check_choice("observation part", "rgb", observation, hint)
        observation = observation["rgb"]
    frames = np.asarray(observation)
    if frames.ndim != 4 or frames.shape[3] != 3 or frames.dtype != np.uint8:
        hint = "; a single frame needs a leading axis, frame[None]" if frames.ndim == 3 else ""
        raise InvalidOption(
            f"observation of shape {frames.shape} and dtype {frames.dtype}: "
            f"this policy accepts frames of shape (N, height, width, 3) and dtype uint8{hint}"
        )
    return frames


def _row(what: str, values: Sequence[float] | None, width: int, default: float) -> list[float]:
    row = [default] * width if values is None else [float(value) for value in values]
    if len(row) != width or not np.isfinite(row).all():
        raise InvalidOption(f"{what} {row}: needs {width} finite numbers, one for each part of an action")
    return row


def _version() -> str:
    try:
        return importlib.metadata.version("camshaft")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"
