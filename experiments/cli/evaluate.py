"""Closed-loop evaluation from the command line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from tyro.conf import Positional, arg

from camshaft.envs.errors import InvalidOption
from camshaft.experiments.cli.episodes import episode_length, usual_control_mode
from camshaft.experiments.cli.policy_folders import find_policy
from camshaft.experiments.reports.comparison import print_comparison
from camshaft.experiments.terminal.console import Console
from camshaft.experiments.terminal.progress import progress_bar


@dataclass(frozen=True)
class EvaluateConfig:
    """Let a policy drive roads it has never seen, with a safety driver beside it; count interventions.

    Prints autonomy, interventions, lateral error and the share of roads driven without help, with 95 %
    intervals; writes them to metrics.json, and films of the first roads if asked to.

    For example: camshaft evaluate runs/driving_cloning/demo/seed-0/policy --record 2

    For example: camshaft evaluate expert --episodes 5
    """

    policy: Annotated[str, Positional, arg(metavar="POLICY")]
    """Folder of a trained policy, "expert", or "straight" for one who never steers."""
    task: str | None = None
    """Task, by default the one the policy was trained for; lane keeping alone."""
    episodes: int = 20
    """Roads to drive."""
    seed: int = 10_000
    """Seed of the first road; road e has seed + e."""
    randomize: Literal["train", "test", "none"] = "test"
    """Split that roads, light, weather and cameras are drawn from; none for the nominal ones."""
    num_worlds: int = 10
    """Roads driven side by side."""
    seconds: float | None = None
    """Length of a road, by default the task's."""
    record: int = 0
    """Roads to film."""
    out: Path | None = None
    """Folder for metrics.json, films and rollouts, by default runs/evaluate/<policy>."""

    def when_stopped(self) -> str:
        """What a person should know who stopped it."""
        return "An evaluation is kept only when it is complete; run it again, or with fewer --episodes."


def run(config: EvaluateConfig) -> None:
    """Evaluate, print the figures and write them."""
    from camshaft.agents.evaluation.evaluate import check_task, evaluate
    from camshaft.agents.evaluation.recording import RolloutRecorder

    policy, name, trained_for, env_options = _load(config.policy, config.task)
    task = config.task or trained_for
    check_task(task)
    out = config.out or Path("runs/evaluate") / name
    options = {**env_options, **episode_length(task, config.seconds)}
    if config.record < 0:
        raise InvalidOption(f"record must be at least 0, got {config.record}")
    with RolloutRecorder(out, task, episodes=config.record, frames_per_second=10.0) as recorder:
        with progress_bar("Driving") as progress:
            evaluation = evaluate(
                policy,
                task,
                episodes=config.episodes,
                seed=config.seed,
                randomize=None if config.randomize == "none" else config.randomize,
                num_worlds=config.num_worlds,
                env_options=options,
                name=name,
                recorder=recorder if config.record else None,
                progress=progress,
            )
        recorder.write_metrics(evaluation.to_dict())
    print_comparison({name: evaluation.summary()})
    films = " and films" if config.record else ""
    Console().print(f"Figures{films} in {out}", soft_wrap=True)


def _load(policy: str, task: str | None) -> tuple[Any, str, str, dict[str, Any]]:
    """The policy, its name, the task and the options of the task that it goes with."""
    from camshaft.agents.evaluation.evaluate import LANE_KEEPING
    from camshaft.agents.imitation.cloning import POLICY_FOLDER
    from camshaft.agents.policies.base import ConvPolicy
    from camshaft.agents.policies.scripted import SCRIPTED_POLICIES

    if policy in SCRIPTED_POLICIES:
        chosen = task or LANE_KEEPING
        return SCRIPTED_POLICIES[policy](), policy, chosen, {"control_mode": usual_control_mode(chosen)}
    folder = find_policy(policy, ", ".join(sorted(SCRIPTED_POLICIES)))
    loaded = ConvPolicy.load(folder)
    config = loaded.config
    if config["task"] is None:
        raise InvalidOption(f"{folder} does not say which task it is for: give --task")
    place = folder.resolve()
    name = place.parent.name if place.name == POLICY_FOLDER else place.name
    return loaded, name, config["task"], config["env_options"]
