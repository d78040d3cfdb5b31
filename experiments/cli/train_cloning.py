"""Training a policy on recorded episodes from the command line."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from tyro.conf import OmitArgPrefixes, Positional, arg

from camshaft.agents.evaluation.evaluate import LANE_KEEPING
from camshaft.agents.imitation.cloning import CloningConfig, train
from camshaft.agents.imitation.demonstrations import recorded_task
from camshaft.experiments.terminal.console import Console
from camshaft.perception.runs.run_folder import check_resumable


@dataclass(frozen=True)
class TrainCloningConfig:
    """Train a policy to do what an expert did in recorded episodes (behavior cloning).

    Stopped or killed, it goes on with --resume and ends with the same weights.

    For example: camshaft train cloning data/lane_keeping --out runs/cloning/first --epochs 12
    """

    data: Annotated[Path, Positional, arg(metavar="DATA")]
    """Folder made by 'camshaft collect'."""
    out: Path = Path("runs/cloning/default")
    """Run folder; the policy comes to lie in its folder policy."""
    resume: bool = False
    """Go on from the last checkpoint in the run folder."""
    training: OmitArgPrefixes[CloningConfig] = field(default_factory=CloningConfig)
    """How to train."""

    def when_stopped(self) -> str:
        """What a person should know who stopped it."""
        from camshaft.perception.runs.run_folder import what_is_kept

        return what_is_kept(self.out)


def run(config: TrainCloningConfig) -> None:
    """Train, with a progress bar."""
    if config.resume:
        check_resumable(config.out)
    train(config.training, config.data, config.out, resume=config.resume)
    policy = config.out / "policy"
    console = Console()
    console.print(f"Policy in {policy}", soft_wrap=True)
    evaluated = recorded_task(config.data) == LANE_KEEPING
    command = f"evaluate {policy} --record 2" if evaluated else f"show rollout {policy}"
    console.print(f"Next: camshaft {command}", soft_wrap=True)
