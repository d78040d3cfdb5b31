"""An encoder, or any network that reads frames, in front of an environment: its outputs take the camera's place."""

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
    """Replaces the camera's frames in observations by what a network says of them.

    Around a vector environment all worlds' frames go through the network as one batch; the wrapper is then an
    `EncodeCameraVector`. For example, features for a policy, or predicted depth in the place of colors:

        env = EncodeCamera(gymnasium.make_vec(task, num_envs=16), create_model("policy_resnet", weights="camshaft"))
        env = EncodeCamera(env, depth_network, convert=lambda output: output[:, 0], name="depth")

    The network runs in evaluation mode, without gradients, with the weights that it has when it is called.

    Args:
        env: single or vector; its observation is an image, or a Dict that has images.
        network: called with the frames as the environment gives them, (B, H, W, 3) uint8 on its device; an `Encoder`
            does the rest itself.
        camera: name of the part of a Dict observation that is read.
        name: of the part that holds the outputs; a mapping of outputs is named by its keys instead.
        keep: whether a Dict observation keeps the frames beside the outputs.
        convert: makes of the network's output a tensor (B, …), or a mapping of names to such; by default it is one.
        device: "auto", "cpu" or "cuda"; the network is moved there.
        precision: "float32", "bfloat16", or "auto" for the faster one; outputs in floats are float32 in any case.

    Raises:
        InvalidOption: the observation has no such frames, or the network cannot read them.
    """

    def __new__(cls, env: Any, *args: Any, **options: Any) -> Any:
        """A vector environment needs the other face."""
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
        RecordConstructorArgs.__init__(
            self,
            _disable_deepcopy=True,
            network=network,
            camera=camera,
            name=name,
            keep=keep,
            convert=convert,
            device=device,
            precision=precision,
        )
        gymnasium.ObservationWrapper.__init__(self, env)
        reader = _Reader(network, convert, name, device, precision)
        self._encoding = _Encoding(env.observation_space, reader, camera, keep)
        self.observation_space = self._encoding.space

    def observation(self, observation: Any) -> Any:
        """The observation with the outputs in the place of the frames."""
        frames = self._encoding.frames(observation)[None]
        return self._encoding.replaced(observation, self._encoding.read(frames), 0)


class EncodeCameraVector(VectorWrapper[Any, Any, Any, Any, Any]):
    """`EncodeCamera` around a vector environment; see there. Last observations of episodes are encoded as well."""

    def __init__(
        self,
        env: VectorEnv[Any, Any, Any],
        network: nn.Module,
        *,
        camera: str = RGB,
        name: str = "features",
        keep: bool = False,
        convert: Convert | None = None,
        device: str = "auto",
        precision: str = "float32",
    ) -> None:
        super().__init__(env)
        reader = _Reader(network, convert, name, device, precision)
        self._encoding = _Encoding(env.single_observation_space, reader, camera, keep)
        self.single_observation_space = self._encoding.space
        self.observation_space = batch_space(self._encoding.space, env.num_envs)

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Start new episodes."""
        observation, info = self.env.reset(seed=seed, options=options)
        return self.observations(observation), info

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Step all worlds; the frames of ended episodes go through the network with the others."""
        observation, reward, terminated, truncated, info = self.env.step(actions)
        ended = np.flatnonzero(info["_final_obs"]) if "_final_obs" in info else np.zeros(0, np.int64)
        if not ended.size:
            return self.observations(observation), reward, terminated, truncated, info
        frames = self._encoding.frames(observation)
        last = np.stack([self._encoding.frames(info["final_obs"][world]) for world in ended])
        outputs = self._encoding.read(np.concatenate([frames, last]))
        now = {name: values[: len(frames)] for name, values in outputs.items()}
        final = np.full(self.num_envs, None, object)
        for place, world in enumerate(ended):
            final[world] = self._encoding.replaced(info["final_obs"][world], outputs, len(frames) + place)
        return (
            self._encoding.replaced(observation, now),
            reward,
            terminated,
            truncated,
            {**info, "final_obs": final},
        )

    def observations(self, observation: Any) -> Any:
        """A batch of observations with the outputs in the place of the frames."""
        return self._encoding.replaced(observation, self._encoding.read(self._encoding.frames(observation)))


class _Reader:
    """A network as a function from frames to arrays by name."""

    def __init__(
        self, network: nn.Module, convert: Convert | None, name: str, device: str, precision: str
    ) -> None:
        if not isinstance(network, nn.Module):
            raise InvalidOption(f"network must be a module, such as create_model makes, got {network!r}")
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
                "give EncodeCamera a `convert` that makes it one"
            )
        if output.is_floating_point():
            output = output.float()
        values = output.cpu().numpy()
        if values.dtype == np.float32 and not np.isfinite(values).all():
            raise CamshaftError(f"the network's output {name!r} is not finite: its weights are damaged")
        return values


class _Encoding:
    """Where the frames are in an observation, and what it looks like once they are replaced.

    Args:
        space: of one world's observation.
        reader: the network.
        camera: name of the part with the frames.
        keep: whether they are kept beside the outputs.
    """

    def __init__(self, space: spaces.Space[Any], reader: _Reader, camera: str, keep: bool) -> None:
        self._is_dict = isinstance(space, spaces.Dict)
        self._camera, self._keep = camera, keep
        self.read = reader
        parts: dict[str, spaces.Space[Any]] = (
            dict(space.spaces) if isinstance(space, spaces.Dict) else {camera: space}
        )
        check_choice("camera", camera, parts)
        image = parts[camera]
        if not isinstance(image, spaces.Box) or image.dtype != np.uint8 or image.shape[2:] != (3,):
            raise InvalidOption(f"EncodeCamera needs (H, W, 3) uint8 frames, {camera!r} is {image}")
        if keep and not self._is_dict:
            raise InvalidOption("keep needs an observation of several parts, such as obs_mode 'rgb+state'")
        try:
            outputs = reader(np.zeros((2, *image.shape), np.uint8))  # two, as batch norm may want in training
        except RuntimeError as error:
            raise InvalidOption(f"the network cannot read frames of {image.shape}: {error}") from error
        self._names = tuple(outputs)
        if not keep:
            del parts[camera]
        taken = sorted(set(self._names) & set(parts))
        if taken:
            raise InvalidOption(f"the observation has a part named {taken[0]!r} already: give another name")
        made = {name: _space(values[0]) for name, values in outputs.items()}
        self._single = len(made) == 1 and not self._is_dict
        self.space = next(iter(made.values())) if self._single else spaces.Dict({**parts, **made})

    def frames(self, observation: Any) -> NDArray[np.uint8]:
        """The frames of an observation, or of a batch of them."""
        return observation[self._camera] if self._is_dict else observation

    def replaced(self, observation: Any, outputs: Mapping[str, NDArray[Any]], row: int | None = None) -> Any:
        """An observation with the outputs in it, or one row of them."""
        made = {name: values if row is None else values[row] for name, values in outputs.items()}
        if self._single:
            return made[self._names[0]]
        rest = dict(observation) if self._is_dict else {}
        if not self._keep:
            rest.pop(self._camera, None)
        return {**rest, **made}


def _space(values: NDArray[Any]) -> spaces.Box:
    if np.issubdtype(values.dtype, np.floating):
        return spaces.Box(-np.inf, np.inf, values.shape, np.float32)
    if values.dtype == np.bool_:
        raise InvalidOption("outputs in bool have no space: convert them to uint8")
    limits = np.iinfo(values.dtype)
    return spaces.Box(limits.min, limits.max, values.shape, values.dtype.type)
