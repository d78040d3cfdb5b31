"""Training TQC with hindsight experience replay on a goal task, from its state, with published hyper-parameters."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import gymnasium
import numpy as np
import yaml
from rich.console import Console
from tyro.conf import Positional, arg

import envs
from agents.intervals import wilson_interval
from envs.errors import CamshaftError, InvalidOption
from experiments.benchmarks.measure import machine, versions
from experiments.progress import progress_bar
from perception.training.run_folder import RunFolder

SETTINGS = Path(__file__).parent / "tuned" / "tqc_her.yaml"
TEST_SEED = 1_000_000  # of the first episode that is never trained on


@dataclass(frozen=True)
class TrainGoalsConfig:
    """Train TQC+HER (sb3-contrib) on a task with goals, from its state and sparse rewards.

    TASK is one of Camshaft's tasks tagged "goal", or the id of any Gymnasium environment of the GoalEnv convention,
    such as panda-gym's PandaReach-v3 (which needs panda-gym).

    For example: camshaft train goals camshaft/Reach-v0
    """

    task: Annotated[str, Positional, arg(metavar="TASK")] = "camshaft/Reach-v0"
    """Task to learn."""
    settings: Literal["auto", "reach", "object"] = "auto"
    """Entry of experiments/tuned/tqc_her.yaml; auto takes "reach" for tasks of that name, "object" for others."""
    steps: int | None = None
    """Environment steps, by default those of the settings."""
    eval_every: int = 2000
    """Steps from one test to the next."""
    eval_episodes: int = 100
    """Episodes of a test, with goals that training does not see."""
    threads: int = 1
    """Threads of PyTorch."""
    seed: int = 0
    """Seed of everything."""
    out: Path | None = None
    """Run folder, by default runs/goals/<task>-<seed>."""


def run(config: TrainGoalsConfig) -> None:
    """Train, test now and then, and save the agent."""
    import torch

    if config.eval_every < 1 or config.eval_episodes < 1 or config.threads < 1:
        raise InvalidOption("eval_every, eval_episodes and threads must be at least 1")
    settings = read_settings(config)
    out = config.out or Path("runs/goals") / f"{config.task.split('/')[-1]}-{config.seed}"
    torch.set_num_threads(config.threads)
    training, testing = make_goal_env(config.task), make_goal_env(config.task)
    learner = make_learner(training, settings, config.seed)
    total = config.steps or int(settings["steps"])
    record = {
        **asdict(config),
        "out": str(out),
        "tuned": settings,
        "machine": machine(),
        "versions": versions(),
    }
    from perception.training.hardware import freed_memory_kept

    with RunFolder(out, record) as folder, freed_memory_kept(), progress_bar("Training") as progress:
        watcher = _tester(learner, testing, config, folder, total, progress)
        learner.learn(total, callback=watcher)
    learner.save(out / "agent")
    if learner.get_vec_normalize_env() is not None:
        learner.get_vec_normalize_env().save(str(out / "normalization.pkl"))
    _report(watcher.rows, out)


def read_settings(config: TrainGoalsConfig) -> dict[str, Any]:
    """The hyper-parameters for a task."""
    table = yaml.safe_load(SETTINGS.read_text())
    name = config.settings
    if name == "auto":
        name = "reach" if "reach" in config.task.lower() else "object"
    return dict(table[name])


def make_goal_env(task: str) -> gymnasium.Env[Any, Any]:
    """A goal environment with sparse rewards, seen by its state.

    Raises:
        InvalidOption: no such environment, or none with goals.
    """
    if task.startswith("camshaft/"):
        if "goal" not in envs.find_task(task).tags:
            raise InvalidOption(f"{task} is no task with goals; see the tag 'goal' in 'camshaft tasks'")
        return gymnasium.make(task, obs_mode="state", reward_mode="sparse")
    if task.startswith("Panda"):
        try:
            import panda_gym  # type: ignore[import-not-found, import-untyped, unused-ignore]  # noqa: F401
        except ImportError as error:
            raise CamshaftError(f"{task} needs panda-gym: pip install 'camshaft[bench]'") from error
    try:
        return gymnasium.make(task)
    except gymnasium.error.Error as error:
        raise InvalidOption(f"Gymnasium cannot make {task!r}: {error}") from error


def make_learner(env: gymnasium.Env[Any, Any], settings: dict[str, Any], seed: int) -> Any:
    """TQC+HER with given hyper-parameters.

    Args:
        env: to learn in.
        settings: an entry of tqc_her.yaml.
        seed: of networks, exploration and episodes.
    """
    from stable_baselines3 import HerReplayBuffer
    from stable_baselines3.common.monitor import Monitor
    from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv, VecNormalize

    from agents.tqc import QuickTQC

    vector: VecEnv = DummyVecEnv([lambda: Monitor(env)])
    if settings["normalize"]:
        vector = VecNormalize(vector)
    return QuickTQC(
        "MultiInputPolicy",
        vector,
        buffer_size=settings["buffer_size"],
        batch_size=settings["batch_size"],
        gamma=settings["gamma"],
        learning_rate=settings["learning_rate"],
        learning_starts=settings["learning_starts"],
        tau=settings.get("tau", 0.005),
        replay_buffer_class=HerReplayBuffer,
        replay_buffer_kwargs={
            "n_sampled_goal": settings["n_sampled_goal"],
            "goal_selection_strategy": settings["goal_selection_strategy"],
        },
        policy_kwargs={"net_arch": settings["net_arch"], "n_critics": settings["n_critics"]},
        seed=seed,
        device="cpu",
    )


def success_rate(learner: Any, env: gymnasium.Env[Any, Any], episodes: int) -> tuple[int, float]:
    """How many episodes end in success, and the mean return, without exploration.

    Args:
        learner: an SB3 algorithm.
        env: to test in; episode e has seed TEST_SEED + e.
        episodes: how many.
    """
    normalizer = learner.get_vec_normalize_env()
    successes, returns = 0, []
    for episode in range(episodes):
        observation, info = env.reset(seed=TEST_SEED + episode)
        done, total = False, 0.0
        while not done:
            seen = observation if normalizer is None else normalizer.normalize_obs(observation)
            action, _ = learner.predict(seen, deterministic=True)
            observation, reward, terminated, truncated, info = env.step(action)
            total += float(reward)
            done = terminated or truncated
        successes += bool(info["is_success"])
        returns.append(total)
    return successes, float(np.mean(returns))


def _tester(
    learner: Any,
    env: gymnasium.Env[Any, Any],
    config: TrainGoalsConfig,
    folder: RunFolder,
    total: int,
    progress: Any,
) -> Any:
    """A callback that tests every so often and writes what it finds."""
    from stable_baselines3.common.callbacks import BaseCallback

    class Tester(BaseCallback):
        def __init__(self) -> None:
            super().__init__()
            self.rows: list[dict[str, Any]] = []
            self._start = time.process_time()

        def _on_step(self) -> bool:
            if self.num_timesteps % config.eval_every == 0 or self.num_timesteps == total:
                self._test()
            if self.num_timesteps % 50 == 0:
                progress(self.num_timesteps, total)
            return True

        def _test(self) -> None:
            successes, mean_return = success_rate(learner, env, config.eval_episodes)
            low, high = wilson_interval(successes, config.eval_episodes)
            row = {
                "step": self.num_timesteps,
                "success": successes / config.eval_episodes,
                "success_low": low,
                "success_high": high,
                "return": mean_return,
                "cpu_seconds": time.process_time() - self._start,
            }
            self.rows.append(row)
            folder.log(row)
            print(f"step {row['step']}: success {row['success']:.0%} ({low:.0%} – {high:.0%})", flush=True)

    return Tester()


def _report(rows: list[dict[str, Any]], out: Path) -> None:
    console = Console()
    if rows:
        last = rows[-1]
        console.print(
            f"Success after {last['step']:,} steps: {last['success']:.0%} "
            f"(Wilson 95 %: {last['success_low']:.0%} – {last['success_high']:.0%})",
            highlight=False,
        )
    console.print(f"Agent and learning curve in {out}", highlight=False, soft_wrap=True)
