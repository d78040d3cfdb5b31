"""Behavior cloning: a convolutional policy learns the expert's actions from camera frames.

Source: Bojarski et al., "End to End Learning for Self-Driving Cars", arXiv:1604.07316, 2016, for driving:
frames from displaced views, labeled with the action that leads back, teach the policy to recover from its
own mistakes.
"""

from __future__ import annotations

import dataclasses
from contextlib import ExitStack
from pathlib import Path

import torch

from camshaft.agents.imitation.cloning_config import CloningConfig
from camshaft.agents.imitation.cloning_data import TrainingData
from camshaft.agents.imitation.cloning_loop import CloningLoop
from camshaft.agents.imitation.demonstrations import Demonstrations
from camshaft.agents.policies.base import ConvPolicy
from camshaft.perception.runs.interrupts import InterruptGuard, TrainingInterrupted
from camshaft.perception.runs.run_folder import RunFolder
from camshaft.perception.training.hardware import choose_hardware, freed_memory_kept
from camshaft.perception.training.training_progress import TrainingProgress

__all__ = ["CloningConfig", "TrainingData", "TrainingInterrupted", "train"]

POLICY_FOLDER = "policy"


def train(
    config: CloningConfig,
    demonstrations: str | Path | TrainingData,
    run_folder: str | Path,
    *,
    progress: bool = True,
    resume: bool = False,
) -> ConvPolicy:
    """Train a policy on demonstrations.

    With one seed, one number of threads and one kind of CPU the weights are the same to the bit, also when
    the training was killed at any moment and resumed.

    Args:
        config: how.
        demonstrations: folder that `collect` of `camshaft.agents.imitation.demonstrations` wrote, or what was loaded
            from one.
        run_folder: gets config.yaml, metrics.jsonl, tensorboard/, checkpoints/last.safetensors and policy/.
        progress: show a progress bar.
        resume: go on with the run in `run_folder`; starts one if there is none.

    Returns:
        The policy, on the CPU; also kept in `run_folder`/policy.

    Raises:
        InvalidOption: the folder holds a run and `resume` is off, or one with another config or other
            demonstrations.
        CorruptFile: a demonstration or the checkpoint is damaged.
        TrainingDiverged: the loss is no number any more; the last good checkpoint is kept.
        TrainingInterrupted: Ctrl-C; a checkpoint, or after the last step the policy, was written first.
    """
    named = isinstance(demonstrations, str | Path)
    origin = {"demonstrations": str(demonstrations)} if named else {}
    hardware = choose_hardware(config.device, config.precision)
    with ExitStack() as stack:
        settings = dataclasses.asdict(config)
        run = stack.enter_context(RunFolder(run_folder, settings, origin=origin, resume=resume))
        stack.enter_context(torch.random.fork_rng(hardware.cuda_devices()))
        stack.enter_context(freed_memory_kept())
        loop = CloningLoop(config, _load(demonstrations, config), run, hardware)
        bar = stack.enter_context(TrainingProgress(loop.total_steps, loop.step, progress))
        guard = stack.enter_context(InterruptGuard())
        loop.run(bar, guard)
        policy = loop.policy.to("cpu").eval()
        policy.save(run.folder / POLICY_FOLDER)
        if guard.requested:
            raise TrainingInterrupted(f"stopped; the training in {run.folder} had just finished")
    return policy


def _load(demonstrations: str | Path | TrainingData, config: CloningConfig) -> TrainingData:
    if isinstance(demonstrations, str | Path):
        return Demonstrations(demonstrations, displaced_views=config.displaced_views)
    return demonstrations
