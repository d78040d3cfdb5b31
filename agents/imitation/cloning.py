"""Behavior cloning: a policy learns the expert's actions from recorded observations.

Source: Bojarski et al., "End to End Learning for Self-Driving Cars", arXiv:1604.07316, 2016, for driving: frames from
displaced views, labeled with the action that leads back, teach the policy to recover from its own mistakes.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from camshaft.agents.imitation.demonstrations import Demonstrations, split_episodes
from camshaft.agents.imitation.objective import LOSSES, Cloning
from camshaft.agents.policies.loading import POLICY_FOLDER
from camshaft.agents.policies.observations import image_parts
from camshaft.agents.policies.vision import VisionPolicy
from camshaft.envs.errors import InvalidOption, check_choice
from camshaft.perception.backbones.encoder import Preprocessing
from camshaft.perception.pretrained import load_weights
from camshaft.perception.training.augmentation import jitter_colors
from camshaft.perception.training.batches import Batch
from camshaft.perception.training.config import TrainingConfig
from camshaft.perception.training.distributed import is_first_process
from camshaft.perception.training.hardware import choose_hardware
from camshaft.perception.training.trainer import train as train_network
from camshaft.perception.zoo import check_model


@dataclass(frozen=True)
class CloningConfig:
    """Settings of behavior cloning.

    Attributes:
        model: encoder of the policy, a name in the zoo.
        model_options: arguments of the encoder.
        weights: of the encoder at the start: "camshaft", "imagenet" or a file; fresh ones by default.
        parts: parts of the observation that the policy reads; by default every camera's color frames.
        frame_stack: frames of each camera that the policy sees, the present one included.
        hidden: width of a layer between the features and the head; 0 for none.
        loss: "huber" (of one standard deviation) or "mse", on actions in standard deviations.
        displaced_views: learn from the displaced views too; None where there are any.
        validation_fraction: share of the episodes that is held out and never learned from.
        color_jitter: strength of random changes of color and light; 0 for none.
        training: settings of the training.
    """

    model: str = "pilotnet"
    model_options: Mapping[str, Any] = field(default_factory=dict)
    weights: str | None = None
    parts: tuple[str, ...] = ()
    frame_stack: int = 1
    hidden: int = 0
    loss: str = "huber"
    displaced_views: bool | None = None
    validation_fraction: float = 0.1
    color_jitter: float = 1.0
    training: TrainingConfig = field(
        default_factory=lambda: TrainingConfig(epochs=10, weight_decay=1e-4, checkpoint_steps=200)
    )

    def __post_init__(self) -> None:
        check_model(self.model)
        check_choice("loss", self.loss, LOSSES)
        for name, least in (("frame_stack", 1), ("hidden", 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise InvalidOption(f"{name} must be a whole number from {least}, got {value!r}")
        if not 0.0 <= self.color_jitter < math.inf:
            raise InvalidOption(f"color_jitter must be a number from 0, got {self.color_jitter!r}")
        if not 0.0 <= self.validation_fraction < 1.0:
            raise InvalidOption(
                f"validation_fraction must be a number from 0 to below 1, got {self.validation_fraction!r}"
            )


def clone(
    config: CloningConfig,
    demonstrations: str | Path | Demonstrations,
    run_folder: str | Path,
    *,
    progress: bool = True,
    resume: bool = False,
) -> VisionPolicy:
    """Train a policy on demonstrations.

    With one seed, one number of threads and one kind of CPU the weights are bit-exact, also when the training was
    killed at any moment and resumed.

    Args:
        config: settings.
        demonstrations: a recorded folder, or what was loaded from one.
        run_folder: as `camshaft.perception.training.trainer.train` fills it; also gets policy/.
        progress: show a progress bar.
        resume: continue the run in `run_folder`; starts one if there is none.

    Returns:
        The policy with the lowest validation error, on the CPU; also kept in `run_folder`/policy.

    Raises:
        InvalidOption: the folder holds a run and `resume` is off, or one with another config or other demonstrations;
            the demonstrations lack what is asked for.
        CorruptFile: a demonstration or the checkpoint is damaged.
        TrainingDiverged: the loss is not finite any more; the last good checkpoint is kept.
        TrainingInterrupted: Ctrl-C; a checkpoint was written first.
    """
    origin = {} if isinstance(demonstrations, Demonstrations) else {"demonstrations": str(demonstrations)}
    data = _load(demonstrations, config)
    training, validation = split_episodes(data, config.validation_fraction, config.training.seed)
    parts, action = data.parts(training.rows), data.action(training.rows)

    def build() -> VisionPolicy:
        policy = VisionPolicy(
            parts,
            action,
            config.model,
            model_options=config.model_options,
            frame_stack=config.frame_stack,
            hidden=config.hidden,
            task=data.task,
            env_options=data.env_options,
        )
        if config.weights is not None:
            load_weights(config.model, policy.encoder, config.weights)
        return policy

    settings = dataclasses.asdict(config)
    settings.pop("training")
    with torch.random.fork_rng(devices=()):
        preprocessing = build().encoder.preprocessing
    result = train_network(
        build,
        Cloning(parts, action, config.loss),
        training,
        validation,
        config.training,
        run_folder,
        augment=_FrameJitter(preprocessing, image_parts(parts), config),
        settings={"policy": settings},
        origin=origin,
        progress=progress,
        resume=resume,
    )
    policy = result.model
    assert isinstance(policy, VisionPolicy)
    if is_first_process():
        policy.save(Path(run_folder) / POLICY_FOLDER)
    return policy


class _FrameJitter:
    """Brings frames to the size that the encoder needs, and changes their colors; frames of one stack alike."""

    def __init__(self, preprocessing: Preprocessing, images: list[str], config: CloningConfig) -> None:
        self._resize, self._images, self._strength = preprocessing.resize, images, config.color_jitter
        training = config.training
        self._precision = choose_hardware(training.device, training.precision).precision

    def __call__(self, batch: Batch) -> Batch:
        return {**batch, **{name: self._changed(batch[name]) for name in self._images}}

    def _changed(self, images: Tensor) -> Tensor:
        generator = torch.Generator().manual_seed(int(torch.randint(2**62, ())))
        stacked = images.ndim == 5
        frames = self._resize(images.flatten(0, 1) if stacked else images)
        if not stacked:
            return jitter_colors(frames, self._strength, generator, self._precision)
        count, (channels, height, width) = images.shape[1], frames.shape[1:]
        tall = frames.unflatten(0, (-1, count)).transpose(1, 2).reshape(-1, channels, count * height, width)
        changed = jitter_colors(tall, self._strength, generator, self._precision)
        return changed.unflatten(2, (count, height)).transpose(1, 2)


def _load(demonstrations: str | Path | Demonstrations, config: CloningConfig) -> Demonstrations:
    if isinstance(demonstrations, Demonstrations):
        return demonstrations
    return Demonstrations(
        demonstrations,
        config.parts,
        displaced_views=config.displaced_views,
        frame_stack=config.frame_stack,
    )
