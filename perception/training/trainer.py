"""Trainer of all networks of the package, with checkpoints that resume bit-exactly."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from camshaft.envs.errors import InvalidOption
from camshaft.perception.runs.checkpoint import load_checkpoint
from camshaft.perception.runs.interrupts import InterruptGuard
from camshaft.perception.runs.run_folder import CHECKPOINT_FILE, RunFolder
from camshaft.perception.training.config import TrainingConfig
from camshaft.perception.training.distributed import join_processes
from camshaft.perception.training.hardware import choose_hardware, keep_freed_memory
from camshaft.perception.training.loop import (
    BEST_FILE,
    Augment,
    TrainingLoop,
    TrainingResult,
    TrainingSetup,
)
from camshaft.perception.training.objective import Objective
from camshaft.perception.training.plan import LearnEverything, Plan
from camshaft.perception.training.samples import as_held_out, as_samples
from camshaft.perception.training.training_progress import TrainingProgress

__all__ = ["Augment", "TrainingResult", "best_so_far", "train"]


def train(
    build: Callable[[], nn.Module],
    objective: Objective,
    data: Any,
    validation: Any,
    config: TrainingConfig,
    run_folder: str | Path,
    *,
    augment: Augment | None = None,
    plan: Plan | None = None,
    settings: Mapping[str, Any] | None = None,
    origin: Mapping[str, Any] | None = None,
    progress: bool = True,
    resume: bool = False,
) -> TrainingResult:
    """Train a network.

    The weights are bit-exact for the same seed, number of threads and kind of CPU, even if the training was killed at
    any moment and resumed. Processes started by torchrun split every batch among them.

    Args:
        build: builds the network; called with PyTorch's generator seeded by the training.
        objective: loss and metrics.
        data: training data: an object with `fetch`, a stream such as `FrameStream`, a mapping of arrays, or a PyTorch
            data set of (image, labels).
        validation: validation data, likewise, but not a stream; None for none.
        config: hyperparameters.
        run_folder: folder for config.yaml, metrics.jsonl, tensorboard/, checkpoints/ and curves.png.
        augment: augmentation of a batch on its device; uses the global random number generator of PyTorch.
        plan: selects the parameters that learn; all by default.
        settings: other settings that affect the result; saved in config.yaml and compared when resuming.
        origin: provenance of the data; saved there as well, but may differ when resuming.
        progress: show a progress bar.
        resume: resume the run in `run_folder`, or start one if there is none.

    Raises:
        InvalidOption: the folder holds a run and `resume` is off, or a run with other settings or data; or inputs or
            labels are missing or cannot be learned from.
        TrainingDiverged: the loss is no longer finite; the last good checkpoint is kept.
        CamshaftError: a data loading worker died; the last checkpoint is kept.
        TrainingInterrupted: Ctrl-C was pressed; a checkpoint was saved first.
    """
    hardware = choose_hardware(config.device, config.precision)
    plan = plan or LearnEverything()
    everything = {"training": dataclasses.asdict(config), **(settings or {})}
    if described := plan.settings():
        everything["plan"] = described
    setup = TrainingSetup(
        build,
        objective,
        as_samples(data),
        None if validation is None else as_held_out(validation),
        config,
        augment,
        plan,
    )
    folder = Path(run_folder)
    with ExitStack() as stack:
        processes = stack.enter_context(join_processes(hardware.device))
        processes.check_batch_size(config.batch_size)
        run = None
        if processes.is_first:
            run = stack.enter_context(RunFolder(folder, everything, origin=origin, resume=resume))
        processes.barrier()  # the first process has created and locked the folder
        checkpoint = run.checkpoint if run else _read_checkpoint(folder, resume)
        stack.enter_context(torch.random.fork_rng(hardware.cuda_devices()))
        stack.enter_context(keep_freed_memory())
        loop = TrainingLoop(setup, run, folder, hardware, processes, checkpoint)
        bar = stack.enter_context(
            TrainingProgress(loop.total_steps, loop.step, progress and processes.is_first)
        )
        guard = stack.enter_context(InterruptGuard())
        loop.run(bar, guard)
        return loop.result()


def best_so_far(build: Callable[[], nn.Module], run_folder: str | Path) -> TrainingResult:
    """Best weights of a run so far, whether or not it has finished.

    Args:
        build: builds the network of the run.
        run_folder: folder of the run.

    Raises:
        CorruptFile: no epoch has finished yet, or the file is damaged.
        InvalidOption: the run trains another network.
    """
    path = Path(run_folder) / BEST_FILE
    tensors, state = load_checkpoint(path)
    model = build()
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        raise InvalidOption(f"{path} does not fit this network: {error}") from error
    return TrainingResult(model.eval(), state["scores"], state["epoch"], state["step"])


def _read_checkpoint(folder: Path, resume: bool) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """The checkpoint to resume from, read by processes other than the first."""
    path = folder / CHECKPOINT_FILE
    return load_checkpoint(path) if resume and path.exists() else None
