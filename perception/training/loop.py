"""Training loop with checkpoints that resume bit-exactly from any step."""

from __future__ import annotations

import dataclasses
import itertools
import math
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from camshaft.envs.errors import InvalidOption
from camshaft.perception.runs.checkpoint import (
    load_checkpoint,
    optimizer_tensors,
    restore_optimizer,
    save_checkpoint,
    tensors_with_prefix,
)
from camshaft.perception.runs.interrupts import InterruptGuard, TrainingInterrupted
from camshaft.perception.runs.run_folder import CHECKPOINT_FILE, RunFolder
from camshaft.perception.training.averaging import MovingAverage
from camshaft.perception.training.batches import Batch, to_device
from camshaft.perception.training.config import TrainingConfig
from camshaft.perception.training.curves import plot_curves, read_metrics
from camshaft.perception.training.distributed import Processes
from camshaft.perception.training.divergence import check_finite
from camshaft.perception.training.evaluation import evaluate, select_and_check
from camshaft.perception.training.fingerprint import fingerprint
from camshaft.perception.training.hardware import Hardware
from camshaft.perception.training.objective import Objective
from camshaft.perception.training.optimizers import add_penalty_gradients
from camshaft.perception.training.plan import Plan
from camshaft.perception.training.random_streams import INITIALIZATION, SHUFFLE, STEP, stream_seed
from camshaft.perception.training.reading import read_batches, translate_worker_errors
from camshaft.perception.training.training_progress import TrainingProgress

BEST_FILE = "checkpoints/best.safetensors"
CURVES_FILE = "curves.png"
SECONDS_BETWEEN_CURVES = 30.0

Augment = Callable[[Batch], Batch]
"""Augmentation of a batch on its device; uses the global random number generator of PyTorch."""


@dataclasses.dataclass(frozen=True)
class TrainingResult:
    """Result of a training.

    Attributes:
        model: network on the CPU, in evaluation mode, with the weights of the best validation score, or the last ones
            if there is no validation data.
        scores: validation scores of these weights; empty if there is no validation data.
        epoch: epoch of these weights, from 1.
        steps: number of training steps.
    """

    model: nn.Module
    scores: dict[str, float]
    epoch: int
    steps: int


@dataclasses.dataclass(frozen=True)
class TrainingSetup:
    """Components of a training.

    Attributes:
        build: builds the network; called with PyTorch's generator seeded by the training.
        objective: loss and metrics.
        data: training data.
        validation: validation data; None for none.
        config: hyperparameters.
        augment: augmentation of a batch on its device; None for none.
        plan: selects the parameters that learn.
    """

    build: Callable[[], nn.Module]
    objective: Objective
    data: Any
    validation: Any
    config: TrainingConfig
    augment: Augment | None
    plan: Plan


class TrainingLoop:
    """Training loop from the first step, or from a checkpoint, to the last.

    Random numbers of a step depend only on the seed and the step, so a checkpoint holds the weights, the optimizer
    state and the step, but no generator state.
    """

    def __init__(
        self,
        setup: TrainingSetup,
        run: RunFolder | None,
        folder: Path,
        hardware: Hardware,
        processes: Processes,
        checkpoint: tuple[dict[str, Tensor], dict[str, Any]] | None,
    ) -> None:
        self._setup, self._objective, self.config = setup, setup.objective, setup.config
        self._run, self._folder = run, folder
        self._hardware, self._processes = hardware, processes
        self._schedule_steps()
        self._fingerprint = fingerprint(setup.data, setup.objective)
        self._build_model()
        self._terms: list[str] = []
        self._totals = torch.zeros(2, 3, dtype=torch.float64, device=hardware.device)
        self._best: dict[str, Any] = {"epoch": 0, "score": None, "scores": {}}
        self._stopped_early = False
        self._saved_step: int | None = None
        self._logged_at, self._plotted_at = (time.perf_counter(), 0), time.perf_counter()
        if checkpoint is not None:
            self._restore(*checkpoint)
        self._network: nn.Module = self.model
        self._learning: tuple[bool, ...] | None = None

    def _schedule_steps(self) -> None:
        """Compute the number of steps per epoch and in total."""
        data, config = self._setup.data, self.config
        if len(data) == 0:
            raise InvalidOption("there are no training samples")
        self._batch = min(config.batch_size, len(data) - len(data) % self._processes.count)
        self._steps_per_epoch = len(data) // self._batch
        self.total_steps = config.epochs * self._steps_per_epoch
        self.step = 0

    def _build_model(self) -> None:
        """Build the network with its optimizer and moving average."""
        config = self.config
        torch.manual_seed(stream_seed(config.seed, INITIALIZATION))
        self.model = channels_last(self._setup.build().to(self._hardware.device))
        self._optimizer = config.make_optimizer(self._setup.plan.groups(self.model))
        self._average = MovingAverage(self.model, config.ema_decay) if config.ema_decay else None

    @translate_worker_errors()
    def run(self, bar: TrainingProgress, guard: InterruptGuard) -> None:
        """Train to the end."""
        bar.print(f"training on {len(self._setup.data):,} samples: {self._hardware.description()}")
        self._logged_at = (time.perf_counter(), self.step)
        while self.step < self.total_steps and not self._stopped_early:
            self._begin_epoch()
            for batch in self._batches_of_epoch():
                self._learn(batch)
                self.step += 1
                bar.update(self.step, self._epoch)
                if self.step % self.config.log_steps == 0:
                    self._log(bar)
                if self.step % self._steps_per_epoch == 0:
                    self._finish_epoch(bar)
                    self._save()
                elif self.step % self.config.checkpoint_steps == 0 or guard.requested:
                    self._save()
                if guard.requested and self.step < self.total_steps and not self._stopped_early:
                    raise TrainingInterrupted(
                        f"stopped after step {self.step} of {self.total_steps}; "
                        f"resume the run in {self._folder} to continue"
                    )
        self._processes.barrier()  # the first process writes the best weights, which all of them read

    def result(self) -> TrainingResult:
        """The network with its best weights, on the CPU."""
        epoch = self._epoch
        if self._best["epoch"]:
            self.model.load_state_dict(load_checkpoint(self._folder / BEST_FILE)[0])
            epoch = self._best["epoch"]
        elif self._average:
            self.model.load_state_dict(self._average.tensors)
        return TrainingResult(self.model.to("cpu").eval(), dict(self._best["scores"]), epoch, self.step)

    @property
    def _epoch(self) -> int:
        """Epoch of the last step, from 1."""
        return max(self.step - 1, 0) // self._steps_per_epoch + 1

    def _begin_epoch(self) -> None:
        self.model.train()
        self._setup.plan.begin_epoch(self.model, self.step // self._steps_per_epoch)
        learning = tuple(value.requires_grad for value in self.model.parameters())
        if learning != self._learning:  # DistributedDataParallel and torch.compile depend on it
            module = self._processes.wrap(self.model, self._hardware.device)
            self._network = torch.compile(module) if self.config.compile else module  # type: ignore[assignment]
            self._learning = learning

    def _batches_of_epoch(self) -> Any:
        data = self._setup.data
        if hasattr(data, "batches"):
            stream = data.batches(self.step, self._batch // self._processes.count, self._processes.rank)
            left = self._steps_per_epoch - self.step % self._steps_per_epoch
            return map(self._check, itertools.islice(stream, left))
        epoch, position = divmod(self.step, self._steps_per_epoch)
        generator = torch.Generator().manual_seed(stream_seed(self.config.seed, SHUFFLE, epoch))
        order = torch.randperm(len(data), generator=generator)
        rows = order[: self._steps_per_epoch * self._batch].split(self._batch)[position:]
        return read_batches(
            data, [self._processes.shard(each) for each in rows], self._check, self.config.workers
        )

    def _check(self, batch: Batch) -> Batch:
        return select_and_check(batch, self._objective)

    def _learn(self, batch: Batch) -> None:
        torch.manual_seed(stream_seed(self.config.seed, STEP, self.step, self._processes.rank))
        rate = self.config.rate_at(self.step, self.total_steps)
        for group in self._optimizer.param_groups:
            group["lr"] = rate * group["scale"]
        batch = to_device(batch, self._hardware.device)
        if self._setup.augment is not None:
            batch = self._setup.augment(batch)
        self._optimizer.zero_grad()
        with self._hardware.autocast():
            outputs = self._objective.outputs(self._network, batch)
        terms = self._objective.loss(outputs, batch)
        loss = torch.stack(list(terms.values())).sum()
        loss.backward()
        parameters = [value for value in self.model.parameters() if value.grad is not None]
        if self.config.l1 or self.config.l2:
            add_penalty_gradients(parameters, self.config.l1, self.config.l2)
        norm = nn.utils.clip_grad_norm_(parameters, self.config.gradient_clip or math.inf)
        self._optimizer.step()
        if self._average is not None:
            self._average.update(self.model, self.step)
        self._count(loss.detach(), norm, {name: value.detach() for name, value in terms.items()})

    def _count(self, loss: Tensor, norm: Tensor, terms: Mapping[str, Tensor]) -> None:
        """Accumulate losses, gradient norms and steps: since the last row of metrics, and since the epoch began."""
        if not self._terms:
            self._terms = sorted(terms)
            self._totals = self._totals.new_zeros(2, 3 + len(terms))
        row = [loss, norm, torch.ones_like(loss), *(terms[name] for name in self._terms)]
        self._totals += torch.stack(row)

    def _log(self, bar: TrainingProgress) -> None:
        self._check_finite()
        sums = self._processes.mean(self._totals[0].clone()).tolist()
        now, (before, step_before) = time.perf_counter(), self._logged_at
        speed = (self.step - step_before) * self._batch / (now - before)
        row = {
            "step": self.step,
            "epoch": self._epoch,
            "loss": sums[0] / sums[2],
            "gradient_norm": sums[1] / sums[2],
            "learning_rate": self.config.rate_at(self.step - 1, self.total_steps),
            "samples_per_second": round(speed, 1),
        }
        if len(self._terms) > 1:
            pairs = zip(self._terms, sums[3:], strict=True)
            row |= {f"loss/{name}": value / sums[2] for name, value in pairs}
        if self._run is not None:
            self._run.log(row)
        bar.update(self.step, self._epoch, loss=row["loss"], speed=speed)
        self._totals[0] = 0.0
        self._logged_at = (now, self.step)

    def _finish_epoch(self, bar: TrainingProgress) -> None:
        self._check_finite()
        started = time.perf_counter()
        sums = self._processes.mean(self._totals[1].clone()).tolist()
        row = {"step": self.step, "epoch": self._epoch, "train_loss": sums[0] / sums[2]}
        self._totals[1] = 0.0
        if self._setup.validation is not None:
            with self._average.applied(self.model) if self._average else nullcontext():
                scores = self._evaluate() if self._processes.is_first else {}
                self._judge(scores)
            row |= {f"validation/{name}": value for name, value in scores.items()}
        if self._run is not None:
            self._run.log(row)
            self._plot_curves()
        bar.update(self.step, self._epoch, validation=row.get("validation/loss"))
        self._logged_at = (self._logged_at[0] + time.perf_counter() - started, self._logged_at[1])

    def _plot_curves(self) -> None:
        """Plot the learning curves at the end, and from time to time before."""
        now = time.perf_counter()
        if (
            self.step == self.total_steps
            or self._stopped_early
            or now - self._plotted_at > SECONDS_BETWEEN_CURVES
        ):
            plot_curves({"": read_metrics(self._folder)}, self._objective.score, self._folder / CURVES_FILE)
            self._plotted_at = now

    def _judge(self, scores: dict[str, float]) -> None:
        """Save the weights if they are the best so far; stop early if the best are older than the patience."""
        sign = 1.0 if self._objective.higher_is_better else -1.0
        score = self._processes.broadcast(scores.get(self._objective.score, -sign * math.inf))
        best = self._best["score"]
        if math.isfinite(score) and (best is None or sign * score > sign * best):
            self._best = {"epoch": self._epoch, "score": score, "scores": scores}
            if self._run is not None:
                state = {"epoch": self._epoch, "scores": scores, "step": self.step}
                save_checkpoint(self._folder / BEST_FILE, self.model.state_dict(), state)
        patience = self.config.patience
        self._stopped_early = bool(patience) and self._epoch - self._best["epoch"] >= patience

    def _evaluate(self) -> dict[str, float]:
        return evaluate(
            self.model,
            self._objective,
            self._setup.validation,
            self._hardware,
            self.config.batch_size,
            self.config.workers,
        )

    def _check_finite(self) -> None:
        checkpoint = self._folder / CHECKPOINT_FILE
        check_finite(self._totals, self.step, self._saved_step, checkpoint, self.config.highest_rate)

    def _save(self) -> None:
        self._check_finite()
        if self._run is None:
            return
        tensors = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        tensors |= {f"optimizer.{name}": value for name, value in optimizer_tensors(self._optimizer).items()}
        if self._average is not None:
            tensors |= {f"average.{name}": value for name, value in self._average.tensors.items()}
        tensors["totals"] = self._totals
        state = {
            "step": self.step,
            "epoch": self._epoch,
            "terms": self._terms,
            "best": self._best,
            "stopped_early": self._stopped_early,
            "data": self._fingerprint,
            "hardware": self._hardware.description(),
        }
        self._run.save(tensors, state)
        self._saved_step = self.step

    def _restore(self, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
        if state["data"] != self._fingerprint:
            raise InvalidOption(f"{self._folder} cannot be resumed: it was trained on other data")
        self.step = self._saved_step = state["step"]
        self._terms, self._stopped_early = state["terms"], state["stopped_early"]
        self._best = state["best"]
        self._totals = tensors["totals"].to(self._hardware.device)
        self.model.load_state_dict(tensors_with_prefix("model.", tensors))
        restore_optimizer(self._optimizer, tensors_with_prefix("optimizer.", tensors))
        if self._average is not None:
            for name, value in tensors_with_prefix("average.", tensors).items():
                self._average.tensors[name].copy_(value)


def channels_last(network: nn.Module) -> nn.Module:
    """Convert the weights of 2-D convolutions to channels-last memory; others, such as 3-D ones, are kept."""
    for value in (*network.parameters(), *network.buffers()):
        if value.ndim == 4:
            value.data = value.data.contiguous(memory_format=torch.channels_last)
    return network
