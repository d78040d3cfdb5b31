"""Training of a policy on recorded episodes from the command line."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from tyro.conf import OmitArgPrefixes, Positional, arg

from camshaft.agents.imitation.cloning import CloningConfig, clone
from camshaft.agents.policies.loading import POLICY_FOLDER
from camshaft.experiments.terminal.console import Console
from camshaft.perception.runs.run_folder import check_resumable


@dataclass(frozen=True)
class TrainCloningConfig:
    """Train a policy to do what an expert did in recorded episodes (behavior cloning).

    DATA is a folder of 'camshaft collect', the rollouts of 'camshaft evaluate --record', or a LeRobotDataset v3.0 of
    another tool. Stopped or killed, it continues with --resume and ends with the same weights.

    For example: camshaft train cloning data/lane_keeping --out runs/cloning/first --epochs 12
    """

    data: Annotated[Path, Positional, arg(metavar="DATA")]
    """Folder of recorded episodes."""
    out: Path = Path("runs/cloning/default")
    """Run folder; the policy is saved to <out>/policy."""
    resume: bool = False
    """Continue from the last checkpoint in the run folder."""
    policy: OmitArgPrefixes[CloningConfig] = field(default_factory=CloningConfig)
    """Policy and training."""

    def when_stopped(self) -> str:
        """Message after Ctrl-C."""
        from camshaft.perception.runs.run_folder import resume_hint

        return resume_hint(self.out)


def run(config: TrainCloningConfig) -> None:
    """Train, with a progress bar."""
    if config.resume:
        check_resumable(config.out)
    policy = clone(config.policy, config.data, config.out, resume=config.resume)
    console = Console()
    console.print(f"Policy in {config.out / POLICY_FOLDER}", soft_wrap=True)
    if policy.task is not None:
        console.print(f"Next: camshaft evaluate {config.out} --record 2", soft_wrap=True)
