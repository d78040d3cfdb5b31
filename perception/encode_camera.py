"""Environment wrapper that replaces camera frames with the outputs of a network, such as an encoder's features."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium import spaces
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector import VectorEnv, VectorWrapper
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray
from torch import Tensor, nn

from camshaft.envs.errors import CamshaftError, InvalidOption, check_choice
from camshaft.perception.training.hardware import choose_hardware

RGB = "rgb"
Convert = Callable[[Any], Any]


class EncodeCamera(gymnasium.ObservationWrapper[Any, Any, Any], RecordConstructorArgs):
    """Observation wrapper that replaces the frames of a camera with the outputs of a network.

    Around a vector environment it returns an `EncodeCameraVector`, which runs the frames of all worlds through the
    network as one batch. For example, features for a policy, or predicted depth instead of colors:

        env = EncodeCamera(gymnasium.make_vec(task, num_envs=16), create_model("policy_resnet", weights="camshaft"))
        env = EncodeCamera(env, depth_network, convert=lambda output: output[:, 0], name="depth")

    The network runs in evaluation mode, without gradients, with the weights it has at each call.

    Args:
        env: single or vector environment whose observation is an image, or a Dict that contains images.
        network: called with (B, H, W, 3) uint8 frames on its device; an `Encoder` preprocesses them itself.
        camera: key of the frames in a Dict observation.
        name: key of the outputs in a Dict observation; ignored if the outputs are a mapping, which has its own keys.
        keep: whether a Dict observation keeps the frames beside the outputs.
        convert: maps the output of the network to a (B, …) tensor or a mapping of names to such tensors; None if the
            output is one already.
        device: "auto", "cpu" or "cuda"; the network is moved there.
        precision: "float32", "bfloat16", or "auto" for the faster one; floating-point outputs are always float32.

    Raises:
        InvalidOption: the observation has no such frames, or the network cannot read them.
    """

    def __new__(cls, env: Any, *args: Any, **options: Any) -> Any:
        """Dispatch vector environments to `EncodeCameraVector`."""
        return (
            EncodeCameraVector(env, *args, **options) if isinstance(env, VectorEnv) else super().__new__(cls)
        )

    def __init__(
        self,
        env: Any,
        network: nn.Module,
        *,
        camera: str = RGB,
        name: str = "features",
        keep: bool = False,
        convert: Convert | None = None,
        device: str = "auto",
        precision: str = "float32",
    ) -> None:
        options: dict[str, Any] = {
            "camera": camera,
            "name": name,
            "keep": keep,
            "convert": convert,
            "device": device,
            "precision": precision,
        }
        RecordConstructorArgs.__init__(self, _disable_deepcopy=True, network=network, **options)
        gymnasium.ObservationWrapper.__init__(self, env)
        self._encoding = _Encoding(env.observation_space, network, **options)
        self.observation_space = self._encoding.space

    def observation(self, observation: Any) -> Any:
        """The observation with outputs instead of frames."""
        frames = self._encoding.frames(observation)[None]
        return self._encoding.replace(observation, self._encoding.infer(frames), 0)


class EncodeCameraVector(VectorWrapper[Any, Any, Any, Any, Any]):
    """`EncodeCamera` around a vector environment; final observations of episodes are encoded as well.

    Args:
        env: vector environment.
        network: see `EncodeCamera`.
        options: the keyword arguments of `EncodeCamera`.
    """

    def __init__(self, env: VectorEnv[Any, Any, Any], network: nn.Module, **options: Any) -> None:
        super().__init__(env)
        self._encoding = _Encoding(env.single_observation_space, network, **options)
        self.single_observation_space = self._encoding.space
        self.observation_space = batch_space(self._encoding.space, env.num_envs)

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Start new episodes."""
        observation, info = self.env.reset(seed=seed, options=options)
        return self.observations(observation), info

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Step all worlds; the final frames of ended episodes are part of the same batch."""
        observation, reward, terminated, truncated, info = self.env.step(actions)
        ended = np.flatnonzero(info["_final_obs"]) if "_final_obs" in info else np.zeros(0, np.int64)
        if not ended.size:
            return self.observations(observation), reward, terminated, truncated, info
        frames = self._encoding.frames(observation)
        last = np.stack([self._encoding.frames(info["final_obs"][world]) for world in ended])
        outputs = self._encoding.infer(np.concatenate([frames, last]))
        current = {name: values[: len(frames)] for name, values in outputs.items()}
        final = np.full(self.num_envs, None, object)
        for row, world in enumerate(ended, start=len(frames)):
            final[world] = self._encoding.replace(info["final_obs"][world], outputs, row)
        return (
            self._encoding.replace(observation, current),
            reward,
            terminated,
            truncated,
            {**info, "final_obs": final},
        )

    def observations(self, observation: Any) -> Any:
        """A batch of observations with outputs instead of frames."""
        return self._encoding.replace(observation, self._encoding.infer(self._encoding.frames(observation)))


class _Encoding:
    """Replacement of the frames in the observations of one space by the outputs of a network.

    Args:
        space: observation space of one world.
        network: see `EncodeCamera`, as for the other arguments.
        camera: key of the frames.
        name: key of the outputs.
        keep: whether the frames are kept beside the outputs.
        convert: maps the output of the network to tensors.
        device: "auto", "cpu" or "cuda".
        precision: "float32", "bfloat16" or "auto".

    Attributes:
        space: observation space after the replacement.
        infer: runs the network on frames.
    """

    def __init__(
        self,
        space: spaces.Space[Any],
        network: nn.Module,
        *,
        camera: str = RGB,
        name: str = "features",
        keep: bool = False,
        convert: Convert | None = None,
        device: str = "auto",
        precision: str = "float32",
    ) -> None:
        self.infer = _Inference(network, convert, name, device, precision)
        self._is_dict = isinstance(space, spaces.Dict)
        self._camera, self._keep = camera, keep
        parts: dict[str, spaces.Space[Any]] = (
            dict(space.spaces) if isinstance(space, spaces.Dict) else {camera: space}
        )
        check_choice("camera", camera, parts)
        image = parts[camera]
        if not isinstance(image, spaces.Box) or image.dtype != np.uint8 or image.shape[2:] != (3,):
            raise InvalidOption(f"EncodeCamera needs (H, W, 3) uint8 frames, {camera!r} is {image}")
        if keep and not self._is_dict:
            raise InvalidOption("keep needs an observation of several parts, such as obs_mode 'rgb+state'")
        try:  # with two frames, so that a missing batch axis is noticed
            outputs = self.infer(np.zeros((2, *image.shape), np.uint8))
        except RuntimeError as error:
            raise InvalidOption(f"the network cannot read frames of {image.shape}: {error}") from error
        self._names = tuple(outputs)
        if not keep:
            del parts[camera]
        taken = sorted(set(self._names) & set(parts))
        if taken:
            raise InvalidOption(f"the observation has a part named {taken[0]!r} already: give another name")
        encoded = {name: _space(values[0]) for name, values in outputs.items()}
        self._single = len(encoded) == 1 and not self._is_dict
        self.space = next(iter(encoded.values())) if self._single else spaces.Dict({**parts, **encoded})

    def frames(self, observation: Any) -> NDArray[np.uint8]:
        """The frames of an observation, or of a batch of observations."""
        return observation[self._camera] if self._is_dict else observation

    def replace(self, observation: Any, outputs: Mapping[str, NDArray[Any]], row: int | None = None) -> Any:
        """The observation with `outputs`, or with one row of them, instead of the frames."""
        encoded = {name: values if row is None else values[row] for name, values in outputs.items()}
        if self._single:
            return encoded[self._names[0]]
        rest = dict(observation) if self._is_dict else {}
        if not self._keep:
            rest.pop(self._camera, None)
        return {**rest, **encoded}


class _Inference:
    """A network as a function from frames to arrays by name."""

    def __init__(
        self, network: nn.Module, convert: Convert | None, name: str, device: str, precision: str
    ) -> None:
        if not isinstance(network, nn.Module):
            raise InvalidOption(f"network must be a module, such as create_model returns, got {network!r}")
        self._hardware = choose_hardware(device, precision)
        network = network.to(self._hardware.device).eval()
        self._network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._convert = convert
        self._name = name

    @torch.inference_mode()
    def __call__(self, frames: NDArray[np.uint8]) -> dict[str, NDArray[Any]]:
        if self._network.training:
            self._network.eval()
        images = torch.from_numpy(np.ascontiguousarray(frames)).to(self._hardware.device, non_blocking=True)
        with self._hardware.autocast():
            outputs = self._network(images)
            if self._convert is not None:
                outputs = self._convert(outputs)
        if not isinstance(outputs, Mapping):
            outputs = {self._name: outputs}
        return {name: self._array(name, output, len(frames)) for name, output in outputs.items()}

    def _array(self, name: str, output: Any, count: int) -> NDArray[Any]:
        if not isinstance(output, Tensor) or output.ndim < 1 or len(output) != count:
            shape = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
            raise InvalidOption(
                f"the network's output {name!r} must be a tensor with a row for each of {count} frames, got {shape}; "
                "give EncodeCamera a `convert` that returns one"
            )
        if output.is_floating_point():
            output = output.float()
        values = output.cpu().numpy()
        if values.dtype == np.float32 and not np.isfinite(values).all():
            raise CamshaftError(f"the network's output {name!r} is not finite: its weights are damaged")
        return values


def _space(values: NDArray[Any]) -> spaces.Box:
    if np.issubdtype(values.dtype, np.floating):
        return spaces.Box(-np.inf, np.inf, values.shape, np.float32)
    if values.dtype == np.bool_:
        raise InvalidOption("boolean outputs have no space: convert them to uint8")
    limits = np.iinfo(values.dtype)
    return spaces.Box(limits.min, limits.max, values.shape, values.dtype.type)
