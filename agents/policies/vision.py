"""A policy that sees: an encoder over its cameras, other parts of the observation beside it, and a head for actions."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from torch import Tensor, nn

from camshaft.agents.policies.base import Policy
from camshaft.agents.policies.batching import ROWS, FixedBatches
from camshaft.agents.policies.observations import (
    check_space,
    image_parts,
    parse_parts,
    read_parts,
    vector_parts,
)
from camshaft.agents.policies.registry import register_policy
from camshaft.envs.arrays import BoolArray, IntArray
from camshaft.envs.errors import CorruptFile, InvalidOption, UnknownName
from camshaft.envs.simulation import Simulation
from camshaft.perception.runs.model_folder import CONFIG_FILE, read_config, read_weights, save_model
from camshaft.perception.zoo import create_model

KIND = "vision"
ARGUMENTS = (
    "observation",
    "action",
    "model",
    "model_options",
    "frame_stack",
    "hidden",
    "task",
    "env_options",
)
SCALES = {"mean": 0.0, "std": 1.0, "low": -1.0, "high": 1.0}  # of continuous actions, and their defaults
PAST, OUTPUT, FEATURES = "past features", "output", "features"


@register_policy(KIND)
class VisionPolicy(nn.Module, Policy):
    """Images through one encoder, vectors beside their features, and a head: an action, or a choice among actions.

    Every image is encoded by itself, those of several cameras and those of a stack by the same encoder; the features
    and the normalized vectors are concatenated. A stack is kept as features, one row a world: `reset` restarts
    it with the first frame of an episode. The head of continuous actions gives standard deviations of the training
    actions, so that loss and first outputs have one scale whatever the action: `action = mean + std * output`.

    Args:
        observation: part name to its shape or `Part`; images are (H, W, 3), vectors (D,).
        action: {"size": A, "mean": …, "std": …, "low": …, "high": …}, (A,) each, of continuous actions (0, 1, -1 and 1
            by default), or {"choices": n} of discrete ones.
        model: name of the encoder in the zoo.
        model_options: arguments of the encoder.
        frame_stack: frames of each camera that it sees, the present one included.
        hidden: width of a layer between the concatenation and the head; 0 for none.
        task: id of the task this policy is for.
        env_options: options of the task that it needs (obs_mode, control_mode, camera, ...), as JSON.

    Attributes:
        config: all of these arguments and the version of Camshaft; what `config.json` holds.

    Raises:
        InvalidOption: an argument is not accepted.
    """

    action_mean: Tensor
    action_std: Tensor
    action_low: Tensor
    action_high: Tensor
    vector_mean: Tensor
    vector_std: Tensor

    def __init__(
        self,
        observation: Mapping[str, Any],
        action: Mapping[str, Any],
        model: str = "pilotnet",
        *,
        model_options: Mapping[str, Any] | None = None,
        frame_stack: int = 1,
        hidden: int = 0,
        task: str | None = None,
        env_options: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.parts = parse_parts(observation)
        self._images, self._vectors = image_parts(self.parts), vector_parts(self.parts)
        if not self._images:
            raise InvalidOption(f"a vision policy reads at least one image, got {', '.join(self.parts)}")
        for name, value, least in (("frame_stack", frame_stack, 1), ("hidden", hidden, 0)):
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise InvalidOption(f"{name} must be a whole number of at least {least}, got {value!r}")
        self.action = _parse_action(action)
        self.config: dict[str, Any] = {
            "kind": KIND,
            "observation": {name: part.as_json() for name, part in self.parts.items()},
            "action": self.action,
            "model": model,
            "model_options": dict(model_options or {}),
            "frame_stack": frame_stack,
            "hidden": hidden,
            "task": task,
            "env_options": dict(env_options or {}),
            "camshaft_version": _version(),
        }
        self.name, self.task, self.env_options = model, task, self.config["env_options"]
        self.frame_stack = frame_stack
        self.encoder = create_model(model, **self.config["model_options"])
        width = len(self._images) * frame_stack * self.encoder.out_dim
        width += sum(self.parts[name].shape[0] for name in self._vectors)
        self.fusion = nn.Sequential(nn.Linear(width, hidden), nn.ReLU()) if hidden else nn.Identity()
        outputs = self.action["choices"] if self.is_discrete else self.action["size"]
        self.head = nn.Linear(hidden or width, outputs)
        self._register_scales()
        self.to(memory_format=torch.channels_last)
        self._past: Tensor | None = None
        self._fresh = torch.ones(0, dtype=torch.bool)
        self._generators: list[np.random.Generator] = []
        self._batches: FixedBatches | None = None

    @property
    def is_discrete(self) -> bool:
        """Whether it chooses among actions."""
        return "choices" in self.action

    def forward(self, parts: Mapping[str, Tensor]) -> Tensor:
        """The head's output: standard deviations of the training actions, (B, A), or logits, (B, n); float32.

        Args:
            parts: images (B, H, W, 3), or (B, frame_stack, H, W, 3) with the oldest frame first, uint8 or floats in
                [0, 1], channels first or last; vectors (B, D).
        """
        stacks = [self._encode_stack(parts[name]) for name in self._images]
        return self._decide(torch.cat([each.flatten(1) for each in stacks], dim=1), parts)

    def actions(self, output: Tensor) -> Tensor:
        """The actions of a continuous head's output, (B, A), within their limits."""
        return torch.clamp(self.action_mean + self.action_std * output, self.action_low, self.action_high)

    def bind(self, simulation: Simulation) -> None:
        """Check the spaces of a simulation, and prepare to act in it with the same bits for any number of worlds.

        Raises:
            InvalidOption: a part of the observation or the actions do not fit.
        """
        check_space(self.parts, simulation.observation_space)
        self._check_actions(simulation.action_space)
        self.eval()
        self._batches = FixedBatches(self._answer, self._example())
        self._past, self._generators = None, []

    def reset(self, done_mask: BoolArray, seeds: IntArray | None = None) -> None:
        """Begin the frame stack of these worlds with their next frame."""
        if len(self._fresh) != len(done_mask):
            self._fresh = torch.ones(len(done_mask), dtype=torch.bool)
            self._past = None
            self._generators = [np.random.default_rng(world) for world in range(len(done_mask))]
        self._fresh |= torch.from_numpy(np.asarray(done_mask, bool))
        if seeds is not None:
            for world in np.flatnonzero(done_mask):
                self._generators[world] = np.random.default_rng(int(seeds[world]))

    @torch.no_grad()
    def act(self, observation: Any, deterministic: bool = True) -> NDArray[Any]:
        """Choose actions.

        Args:
            observation: a batch of N, by part; the array alone for a policy of one part.
            deterministic: the most likely of discrete actions rather than a sample; continuous ones have no spread.

        Returns:
            (N, A) float32 in [-1, 1], or (N,) int64.

        Raises:
            InvalidOption: the observation lacks a part, or one has another shape or type.
        """
        rows = read_parts(self.parts, observation)
        count = len(next(iter(rows.values())))
        if len(self._fresh) != count:
            self.reset(np.ones(count, bool))
        was_training = self.training
        if was_training:
            self.eval()
        output = self._answered({name: self._tensor(values) for name, values in rows.items()})
        if was_training:
            self.train()
        if self.is_discrete:
            return self._choices(output.cpu(), deterministic)
        actions: NDArray[np.float32] = self.actions(output).cpu().numpy()
        return actions

    def save(self, folder: str | Path) -> None:
        """Write `config.json` and `model.safetensors`, with checksums, each whole or not at all."""
        save_model(Path(folder), self, self.config)

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read a policy that `save` wrote. Nothing is unpickled.

        Raises:
            CorruptFile: a file is missing, truncated, altered, or of another architecture.
            UnknownName: the policy is of a model that this version of Camshaft does not have.
        """
        folder = Path(folder)
        config = read_config(folder, "policy", (*ARGUMENTS, "camshaft_version"))
        arguments = {name: config[name] for name in ARGUMENTS}
        try:
            policy = cls(**arguments)
        except UnknownName as error:
            raise UnknownName(f"{folder / CONFIG_FILE}: {error}") from error
        except (InvalidOption, TypeError, ValueError, KeyError, AttributeError) as error:
            raise CorruptFile(f"{folder / CONFIG_FILE} does not describe a policy: {error}") from error
        read_weights(folder, config, policy)
        policy.config["camshaft_version"] = config["camshaft_version"]
        return policy.eval()

    def _register_scales(self) -> None:
        for name in SCALES:
            values = [] if self.is_discrete else self.action[name]
            self.register_buffer(f"action_{name}", torch.tensor(values), persistent=False)
        parts = [self.parts[name] for name in self._vectors]
        mean = [value for part in parts for value in (part.mean or (0.0,) * part.shape[0])]
        std = [value for part in parts for value in (part.std or (1.0,) * part.shape[0])]
        self.register_buffer("vector_mean", torch.tensor(mean), persistent=False)
        self.register_buffer("vector_std", torch.tensor(std), persistent=False)

    def _encode_stack(self, images: Tensor) -> Tensor:
        """(B, frame_stack, out_dim) features of the frames of one camera."""
        if images.ndim == 4:
            images = images[:, None]
        features = self.encoder(images.flatten(0, 1))
        return features.float().unflatten(0, images.shape[:2])

    def _decide(self, features: Tensor, parts: Mapping[str, Tensor]) -> Tensor:
        with torch.autocast(features.device.type, enabled=False):
            vectors = [parts[name].float() for name in self._vectors]
            if vectors:
                normalized = (torch.cat(vectors, dim=1) - self.vector_mean) / self.vector_std
                features = torch.cat([features.float(), normalized], dim=1)
            output: Tensor = self.head(self.fusion(features.float()))
        return output

    def _answered(self, parts: dict[str, Tensor]) -> Tensor:
        """The head's output in each world, whose frame stack moves on."""
        inputs = dict(parts)
        if self.frame_stack > 1:
            inputs[PAST] = self._past_features(parts)
        answer = self._batches(inputs) if self._batches is not None else self._answer(inputs)
        if self.frame_stack > 1:
            now = answer[FEATURES][:, :, None]
            past = torch.where(inputs[PAST].isnan(), now, inputs[PAST])
            self._past = torch.cat([past, now], dim=2)[:, :, 1:]
        self._fresh[:] = False
        return answer[OUTPUT]

    def _past_features(self, parts: Mapping[str, Tensor]) -> Tensor:
        """(N, cameras, frame_stack - 1, out_dim) of the frames before; NaN where an episode begins."""
        shape = (len(self._images), self.frame_stack - 1, self.encoder.out_dim)
        if self._past is None:
            self._past = torch.full((len(self._fresh), *shape), torch.nan, device=self.action_mean.device)
        self._past[self._fresh.to(self._past.device)] = torch.nan
        return self._past

    def _answer(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Output of the head and features of the present frames, from these and the features of past ones."""
        now = torch.stack([self.encoder(inputs[name]).float() for name in self._images], dim=1)
        stack = now[:, :, None]
        if self.frame_stack > 1:
            past = torch.where(inputs[PAST].isnan(), stack, inputs[PAST])
            stack = torch.cat([past, stack], dim=2)
        return {OUTPUT: self._decide(stack.flatten(1), inputs), FEATURES: now}

    def _example(self) -> dict[str, Tensor]:
        """Random inputs of one fixed batch."""
        generator = torch.Generator().manual_seed(0)
        device = self.action_mean.device
        example = {}
        for name, part in self.parts.items():
            if part.is_image:
                values = torch.randint(0, 256, (ROWS, *part.shape), generator=generator, dtype=torch.uint8)
            else:
                values = torch.randn(ROWS, *part.shape, generator=generator)
            example[name] = values.to(device)
        if self.frame_stack > 1:
            shape = (ROWS, len(self._images), self.frame_stack - 1, self.encoder.out_dim)
            example[PAST] = torch.randn(shape, generator=generator).to(device)
        return example

    def _tensor(self, values: NDArray[Any]) -> Tensor:
        return torch.from_numpy(np.require(values, requirements=["C", "W"])).to(self.action_mean.device)

    def _choices(self, logits: Tensor, deterministic: bool) -> NDArray[np.int64]:
        if deterministic:
            return np.asarray(logits.argmax(dim=1).numpy(), np.int64)
        noise = np.stack([rng.gumbel(size=logits.shape[1]) for rng in self._generators])
        return np.asarray((logits.numpy() + noise).argmax(axis=1), np.int64)

    def _check_actions(self, space: spaces.Space[Any]) -> None:
        count = self.action.get("choices")
        expected = _described((self.action["size"],) if count is None else count)
        given = _described(int(space.n) if isinstance(space, spaces.Discrete) else space.shape)
        if given != expected:
            raise InvalidOption(f"the task has {given}, this policy was trained on {expected}")


def _described(actions: Any) -> str:
    return f"{actions} discrete actions" if isinstance(actions, int) else f"actions of shape {actions}"


def _parse_action(action: Any) -> dict[str, Any]:
    if not isinstance(action, Mapping) or ("size" in action) == ("choices" in action):
        raise InvalidOption(f"an action has a 'size', or 'choices' if it is discrete, got {action!r}")
    name = "choices" if "choices" in action else "size"
    count = action[name]
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise InvalidOption(f"{name} of an action must be a whole number of at least 1, got {count!r}")
    if name == "choices":
        return {"choices": count}
    rows = {each: _row(each, action.get(each), count, default) for each, default in SCALES.items()}
    return {"size": count, **rows}


def _row(what: str, values: Sequence[float] | None, width: int, default: float) -> list[float]:
    row = [default] * width if values is None else [float(value) for value in values]
    if len(row) != width or not np.isfinite(row).all():
        raise InvalidOption(
            f"action {what} {row}: needs {width} finite numbers, one for each part of an action"
        )
    return row


def _version() -> str:
    try:
        return importlib.metadata.version("camshaft")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"
