"""The trainer of every network of the package: checkpointed, resumed bit for bit."""

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
from camshaft.perception.training.distributed import joined_processes
from camshaft.perception.training.hardware import choose_hardware, freed_memory_kept
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

    With one seed, one number of threads and one kind of CPU the weights are bit-exact, also when the training was
    killed at any moment and resumed. Started by torchrun, its processes share every batch.

    Args:
        build: makes the network, under the training's seed.
        objective: what it learns.
        data: to learn from: an object with `fetch`, a stream such as `FrameStream`, a mapping of arrays, or a torch
            data set of (image, labels).
        validation: data held out, likewise, but no stream; None for none.
        config: settings.
        run_folder: gets config.yaml, metrics.jsonl, tensorboard/, checkpoints/ and curves.png.
        augment: changes a batch that is on the device already, with PyTorch's own random numbers.
        plan: which parameters learn; all by default.
        settings: what else decides the outcome, kept in config.yaml and compared when resuming.
        origin: where the data come from, kept there too; may differ when resuming.
        progress: show a progress bar.
        resume: continue the run in `run_folder`; starts one if there is none.

    Raises:
        InvalidOption: the folder holds a run and `resume` is off, or one with other settings or data; inputs or labels
            are missing or cannot be learned from.
        TrainingDiverged: the loss is not finite any more; the last good checkpoint is kept.
        CamshaftError: a process that reads samples died; likewise.
        TrainingInterrupted: Ctrl-C; a checkpoint was written first.
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
        processes = stack.enter_context(joined_processes(hardware.device))
        processes.check_batch_size(config.batch_size)
        run = None
        if processes.is_first:
            run = stack.enter_context(RunFolder(folder, everything, origin=origin, resume=resume))
        processes.wait()  # until the first has the folder
        checkpoint = run.checkpoint if run else _others_checkpoint(folder, resume)
        stack.enter_context(torch.random.fork_rng(hardware.cuda_devices()))
        stack.enter_context(freed_memory_kept())
        loop = TrainingLoop(setup, run, folder, hardware, processes, checkpoint)
        bar = stack.enter_context(
            TrainingProgress(loop.total_steps, loop.step, progress and processes.is_first)
        )
        guard = stack.enter_context(InterruptGuard())
        loop.run(bar, guard)
        return loop.result()


def best_so_far(build: Callable[[], nn.Module], run_folder: str | Path) -> TrainingResult:
    """The best weights of a run so far, whether or not it is done.

    Args:
        build: makes the network that it trains.
        run_folder: of the run.

    Raises:
        CorruptFile: no epoch of it is done, or the file is damaged.
        InvalidOption: it trains another network.
    """
    path = Path(run_folder) / BEST_FILE
    tensors, state = load_checkpoint(path)
    model = build()
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        raise InvalidOption(f"{path} is not of this network: {error}") from error
    return TrainingResult(model.eval(), state["scores"], state["epoch"], state["step"])


def _others_checkpoint(folder: Path, resume: bool) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    path = folder / CHECKPOINT_FILE
    return load_checkpoint(path) if resume and path.exists() else None
