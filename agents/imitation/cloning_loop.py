"""The loop of behavior cloning: step after step, checkpointed so that it can go on from any of them."""

from __future__ import annotations

import dataclasses
import math
import time
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from camshaft.agents.imitation.cloning_config import LOSSES, CloningConfig
from camshaft.agents.imitation.cloning_data import (
    TrainingData,
    action_scale,
    check_data,
    fingerprint,
    validation_episodes,
)
from camshaft.agents.policies.base import ConvPolicy
from camshaft.envs.errors import InvalidOption
from camshaft.perception.pretrained import load_weights
from camshaft.perception.runs.checkpoint import optimizer_tensors, restore_optimizer, tensors_below
from camshaft.perception.runs.interrupts import InterruptGuard, TrainingInterrupted
from camshaft.perception.runs.run_folder import RunFolder
from camshaft.perception.training.augmentation import jitter_colors
from camshaft.perception.training.config import TrainingConfig
from camshaft.perception.training.divergence import check_finite
from camshaft.perception.training.hardware import Hardware
from camshaft.perception.training.plan import LearnEverything
from camshaft.perception.training.random_streams import INITIALIZATION, SHUFFLE, STEP, stream_seed
from camshaft.perception.training.training_progress import TrainingProgress


class CloningLoop:
    """A training from its first step, or from its checkpoint, to its last.

    Everything random in a step is drawn from the seed and the number of the step, so that a checkpoint needs
    no more than the weights, the optimizer's moments and that number.

    Args:
        config: how to train.
        data: what to learn from.
        run: where metrics and checkpoints go.
        hardware: where to compute.

    Raises:
        InvalidOption: the data cannot be learned from, or are not those that `run` began with.

    Attributes:
        policy: what is learned.
        step: steps done.
        total_steps: steps of the whole training.
    """

    def __init__(self, config: CloningConfig, data: TrainingData, run: RunFolder, hardware: Hardware) -> None:
        check_data(data)
        self.config, self._run, self._hardware = config, run, hardware
        self._fingerprint = fingerprint(data)
        held_out = validation_episodes(data.episodes, config.validation_fraction, config.seed)
        self._train_rows = torch.from_numpy(np.flatnonzero(~held_out))
        self._validation_rows = torch.from_numpy(np.flatnonzero(held_out))
        self._batch = min(config.batch_size, len(self._train_rows))
        self._steps_per_epoch = len(self._train_rows) // self._batch
        self.total_steps = config.epochs * self._steps_per_epoch
        self.step = 0

        mean, std = action_scale(data.actions[~held_out])
        torch.manual_seed(stream_seed(config.seed, INITIALIZATION))
        self.policy = ConvPolicy(
            config.model,
            data.actions.shape[1],
            model_options=config.model_options,
            action_mean=mean.tolist(),
            action_std=std.tolist(),
            task=data.task,
            env_options=data.env_options,
        )
        if config.weights is not None:
            load_weights(config.model, self.policy.encoder, config.weights)
        self.policy.to(hardware.device)
        adamw = TrainingConfig(
            optimizer="adamw", learning_rate=config.learning_rate, weight_decay=config.weight_decay
        )
        self._optimizer = adamw.make_optimizer(LearnEverything().groups(self.policy))
        self._images = _resident(torch.from_numpy(data.images), hardware.device)
        self._targets = torch.from_numpy(((data.actions - mean) / std).astype(np.float32)).to(hardware.device)
        self._std = torch.from_numpy(std.astype(np.float32)).to(hardware.device)
        self._loss = LOSSES[config.loss]
        # Sums of loss, gradient norm and steps: since the last row of the metrics, and since the epoch began.
        self._totals = torch.zeros(2, 3, dtype=torch.float64, device=hardware.device)
        self._order: tuple[int, Tensor] = (-1, torch.empty(0))
        self._saved_step: int | None = None
        self._logged_at = (time.perf_counter(), 0)
        if run.checkpoint is not None:
            self._restore(*run.checkpoint)

    def run(self, bar: TrainingProgress, guard: InterruptGuard) -> None:
        """Train to the end.

        Raises:
            TrainingDiverged: the loss is no number any more.
            TrainingInterrupted: `guard` was asked to stop; the checkpoint is written.
        """
        where, frames = self._hardware.description(), len(self._train_rows)
        bar.say(f"training {self.config.model} on {frames:,} frames: {where}")
        self._logged_at = (time.perf_counter(), self.step)
        while self.step < self.total_steps:
            self._learn()
            self.step += 1
            bar.update(self.step, self._epoch)
            if self.step % self.config.log_steps == 0:
                self._log(bar)
            epoch_ended = self.step % self._steps_per_epoch == 0
            if epoch_ended:
                self._finish_epoch(bar)
            if epoch_ended or self.step % self.config.checkpoint_steps == 0 or guard.requested:
                self._save()
            if guard.requested and self.step < self.total_steps:
                raise TrainingInterrupted(
                    f"stopped after step {self.step} of {self.total_steps}; "
                    f"resume the run in {self._run.folder} to go on"
                )

    def _restore(self, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
        if state["demonstrations"] != self._fingerprint:
            raise InvalidOption(
                f"{self._run.folder} cannot be resumed: it was trained on other demonstrations"
            )
        self.step = self._saved_step = state["step"]
        self._totals = tensors["totals"].to(self._hardware.device)
        self.policy.load_state_dict(tensors_below("policy.", tensors))
        restore_optimizer(self._optimizer, tensors_below("optimizer.", tensors))

    @property
    def _epoch(self) -> int:
        """The epoch that the last step belongs to, from 1."""
        return (self.step - 1) // self._steps_per_epoch + 1

    def _learn(self) -> None:
        config = self.config
        rows = self._next_rows()
        generator = torch.Generator().manual_seed(stream_seed(config.seed, STEP, self.step))
        torch.manual_seed(stream_seed(config.seed, STEP, self.step))  # for layers that draw random numbers
        rate = learning_rate(self.step, self.total_steps, config.learning_rate, config.warmup_fraction)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        frames = jitter_colors(self._gather(rows), config.color_jitter, generator, self._hardware.precision)
        self._optimizer.zero_grad()
        with self._hardware.autocast():
            output = self.policy.normalized_actions(frames)
        loss = self._loss(output, self._targets[rows.to(self._targets.device)])
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.policy.parameters(), config.gradient_clip)
        self._optimizer.step()
        self._totals += torch.stack([loss.detach(), norm, torch.ones_like(norm)])

    def _next_rows(self) -> Tensor:
        epoch, position = divmod(self.step, self._steps_per_epoch)
        if self._order[0] != epoch:
            generator = torch.Generator().manual_seed(stream_seed(self.config.seed, SHUFFLE, epoch))
            order = torch.randperm(len(self._train_rows), generator=generator)
            self._order = (epoch, self._train_rows[order])
        return self._order[1][position * self._batch : (position + 1) * self._batch]

    def _gather(self, rows: Tensor) -> Tensor:
        """Frames in the size that the encoder needs, (B, 3, h, w) uint8."""
        frames = self._images.index_select(0, rows.to(self._images.device))
        return self.policy.encoder.preprocessing.resize(frames.to(self._hardware.device))

    def _log(self, bar: TrainingProgress) -> None:
        self._check_finite()
        loss_sum, norm_sum, steps = self._totals[0].tolist()
        now, (before, step_before) = time.perf_counter(), self._logged_at
        speed = (self.step - step_before) * self._batch / (now - before)
        row = {
            "step": self.step,
            "epoch": self._epoch,
            "loss": loss_sum / steps,
            "gradient_norm": norm_sum / steps,
            "learning_rate": self._optimizer.param_groups[0]["lr"],
            "images_per_second": round(speed, 1),
        }
        self._run.log(row)
        bar.update(self.step, self._epoch, loss=row["loss"], speed=speed)
        self._totals[0] = 0.0
        self._logged_at = (now, self.step)

    def _finish_epoch(self, bar: TrainingProgress) -> None:
        self._check_finite()
        started = time.perf_counter()
        loss, error = self._validate()
        loss_sum, _, steps = self._totals[1].tolist()
        row = {
            "step": self.step,
            "epoch": self._epoch,
            "train_loss": loss_sum / steps,
            "validation/loss": loss,
            "validation/error": error,
        }
        self._run.log(row)
        bar.update(self.step, self._epoch, validation=loss)
        self._totals[1] = 0.0
        self._logged_at = (self._logged_at[0] + time.perf_counter() - started, self._logged_at[1])

    @torch.no_grad()
    def _validate(self) -> tuple[float | None, float | None]:
        """Mean loss, and mean absolute error of the actions, on the episodes held out."""
        if not len(self._validation_rows):
            return None, None
        self.policy.eval()
        sums = torch.zeros(2, dtype=torch.float64, device=self._hardware.device)
        for rows in torch.split(self._validation_rows, self._batch):
            with self._hardware.autocast():
                output = self.policy.normalized_actions(self._gather(rows))
            targets = self._targets[rows.to(self._targets.device)]
            error = ((output - targets).abs() * self._std).mean()
            sums += torch.stack([self._loss(output, targets), error]) * len(rows)
        self.policy.train()
        loss, error_mean = (sums / len(self._validation_rows)).tolist()
        return loss, error_mean

    def _check_finite(self) -> None:
        checkpoint = self._run.checkpoint_path
        check_finite(self._totals, self.step, self._saved_step, checkpoint, self.config.learning_rate)

    def _save(self) -> None:
        self._check_finite()
        tensors = {f"policy.{name}": value for name, value in self.policy.state_dict().items()}
        tensors |= {f"optimizer.{name}": value for name, value in optimizer_tensors(self._optimizer).items()}
        tensors["totals"] = self._totals
        state = {
            "step": self.step,
            "epoch": self._epoch,
            "config": dataclasses.asdict(self.config),
            "policy_config": self.policy.config,
            "demonstrations": self._fingerprint,
            "hardware": self._hardware.description(),
        }
        self._run.save(tensors, state)
        self._saved_step = self.step


def learning_rate(step: int, total_steps: int, highest: float, warmup_fraction: float) -> float:
    """Rises linearly over the warm-up, then falls to 0 along half a cosine.

    Args:
        step: from 0.
        total_steps: of the training.
        highest: rate at the end of the warm-up.
        warmup_fraction: part of the training that is warm-up.
    """
    warmup = round(warmup_fraction * total_steps)
    if step < warmup:
        return highest * (step + 1) / warmup
    return highest * 0.5 * (1.0 + math.cos(math.pi * (step - warmup) / (total_steps - warmup)))


def _resident(images: Tensor, device: torch.device) -> Tensor:
    """The frames, in the memory of the GPU if they fill at most half of what is free there."""
    if device.type == "cuda" and images.nbytes < 0.5 * torch.cuda.mem_get_info(device)[0]:
        return images.to(device)
    return images
