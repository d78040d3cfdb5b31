"""Training of TQC with hindsight experience replay on goal-conditioned tasks, with published hyperparameters."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import gymnasium
import yaml
from tyro.conf import Positional, arg

from camshaft import envs
from camshaft.envs.catalogue import full_id
from camshaft.envs.errors import CamshaftError, InvalidOption, check_seed
from camshaft.experiments.terminal.console import Console
from camshaft.experiments.terminal.progress import progress_bar
from camshaft.experiments.terminal.provenance import machine, versions

SETTINGS = Path(__file__).parents[1] / "tuned" / "tqc_her.yaml"
DECISIVE = (
    "task",
    "settings",
    "eval_every",
    "eval_episodes",
    "checkpoint_every",
    "seed",
)  # options that determine the result


@dataclass(frozen=True)
class TrainGoalsConfig:
    """Train TQC+HER (sb3-contrib) on a goal-conditioned task, from its state and sparse rewards.

    TASK is one of Camshaft's tasks tagged "goal", or the id of any Gymnasium environment that follows the GoalEnv
    convention, such as PandaReach-v3 (needs panda-gym). Stopped or killed, training continues with --resume and ends
    with the same weights. The agent is saved as agent.zip, which TQC.load of sb3-contrib reads (by unpickling), with
    normalization.json beside it where observations are normalized.

    For example: camshaft train goals camshaft/Reach-v0
    """

    task: Annotated[str, Positional, arg(metavar="TASK")] = "camshaft/Reach-v0"
    """Task to learn."""
    settings: Literal["auto", "reach", "object", "pick_and_place"] = "auto"
    """Hyperparameters: entry of experiments/tuned/tqc_her.yaml; auto chooses by the task's name, "object" otherwise."""
    steps: int | None = None
    """Environment steps; by default those of the settings."""
    eval_every: int = 2000
    """Steps between evaluations."""
    eval_episodes: int = 100
    """Episodes per evaluation, with goals that training does not see."""
    checkpoint_every: int = 10_000
    """Steps between checkpoints, which are saved at the end of an episode."""
    threads: int = 1
    """Threads of PyTorch."""
    seed: int = 0
    """Seed of training and environments."""
    out: Path | None = None
    """Run folder; by default runs/goals/<task>-<seed>."""
    resume: bool = False
    """Resume from the last checkpoint in the run folder; --steps may be larger than before."""

    @property
    def folder(self) -> Path:
        """The run folder."""
        return self.out or Path("runs/goals") / f"{full_id(self.task).split('/')[-1]}-{self.seed}"

    def when_stopped(self) -> str:
        """Message after Ctrl-C."""
        from camshaft.perception.runs.run_folder import CHECKPOINT_FILE

        if not (self.folder / CHECKPOINT_FILE).exists():
            return (
                f"There is no checkpoint to resume: the first is saved after {self.checkpoint_every:,} steps."
            )
        return (
            f"The last checkpoint is kept in {self.folder}; the same command with --resume continues from it."
        )


def run(config: TrainGoalsConfig) -> None:
    """Train with periodic evaluations and checkpoints, and save the agent."""
    if min(config.eval_every, config.eval_episodes, config.checkpoint_every, config.threads) < 1:
        raise InvalidOption("eval_every, eval_episodes, checkpoint_every and threads must be at least 1")
    check_seed(config.seed, 2**32 - 1)
    config = replace(config, task=full_id(config.task))
    settings = read_settings(config)
    total = int(settings["steps"]) if config.steps is None else config.steps
    if total < 1:
        raise InvalidOption(f"steps must be at least 1, got {total}")
    with closing(make_goal_env(config.task)) as training, closing(make_goal_env(config.task)) as testing:
        _train(config, settings, total, training, testing)
    _report(config.folder)


def _train(
    config: TrainGoalsConfig,
    settings: dict[str, Any],
    total: int,
    training: gymnasium.Env[Any, Any],
    testing: gymnasium.Env[Any, Any],
) -> None:
    import torch

    from camshaft.agents.rl.goal_training import GoalTraining, keep_agent, make_learner
    from camshaft.perception.runs.run_folder import RunFolder, check_resumable
    from camshaft.perception.training.hardware import keep_freed_memory

    if config.resume:
        check_resumable(config.folder)
    torch.set_num_threads(config.threads)
    learner = make_learner(training, settings, config.seed)
    origin = {"steps": total, "threads": config.threads, "machine": machine(), "versions": versions()}
    kept = {name: getattr(config, name) for name in DECISIVE}
    with (
        RunFolder(config.folder, {**kept, "tuned": settings}, origin=origin, resume=config.resume) as folder,
        keep_freed_memory(),
        progress_bar("Training") as progress,
    ):
        GoalTraining(
            learner,
            config.task,
            testing,
            folder,
            seed=config.seed,
            total=total,
            eval_every=config.eval_every,
            eval_episodes=config.eval_episodes,
            checkpoint_every=config.checkpoint_every,
            progress=progress,
        ).train()
    keep_agent(learner, config.folder)


def read_settings(config: TrainGoalsConfig) -> dict[str, Any]:
    """Hyperparameters of a task."""
    table = yaml.safe_load(SETTINGS.read_text())
    name: str = config.settings
    if name == "auto":
        named = {"reach": "reach", "pickandplace": "pick_and_place"}
        found = [entry for word, entry in named.items() if word in config.task.lower()]
        name = found[0] if found else "object"
    return dict(table[name])


def make_goal_env(task: str) -> gymnasium.Env[Any, Any]:
    """A goal-conditioned environment with sparse rewards and state observations.

    Raises:
        InvalidOption: there is no such environment, or it has no goals.
    """
    if task.startswith("camshaft/"):
        if "goal" not in envs.find_task(task).tags:
            raise InvalidOption(f"{task} is not goal-conditioned; see the tag 'goal' in 'camshaft tasks'")
        return gymnasium.make(task, obs_mode="state", reward_mode="sparse")
    if task.startswith("Panda"):
        try:
            import panda_gym  # type: ignore[import-not-found, import-untyped, unused-ignore]  # noqa: F401
        except ImportError as error:
            raise CamshaftError(f"{task} needs panda-gym: pip install 'camshaft[bench]'") from error
    try:
        env = gymnasium.make(task)
    except gymnasium.error.Error as error:
        raise InvalidOption(f"Gymnasium cannot make {task!r}: {error}") from error
    names = {"observation", "achieved_goal", "desired_goal"}
    found = set(env.observation_space) if isinstance(env.observation_space, gymnasium.spaces.Dict) else set()
    if not names <= found or not isinstance(env.action_space, gymnasium.spaces.Box):
        env.close()
        raise InvalidOption(
            f"{task} is not a GoalEnv with continuous actions: its observations need {', '.join(sorted(names))}"
        )
    return env


def _report(folder: Path) -> None:
    from camshaft.perception.training.curves import read_metrics

    console = Console()
    for last in read_metrics(folder)[-1:]:
        console.print(
            f"Success after {last['step']:,} steps: {last['success']:.0%} "
            f"(Wilson 95 %: {last['success_low']:.0%} – {last['success_high']:.0%})",
        )
    console.print(f"Agent and learning curve in {folder}", soft_wrap=True)
